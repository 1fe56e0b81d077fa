/*
 * booking.h
 *		Booking a slot, and what becomes of appointments. Stands on calendar; used by upkeep.
 */
#ifndef BOOKING_BOOKING_H
#define BOOKING_BOOKING_H

#include "base/base.h"
#include "store/store.h"
#include "callers/callers.h"

/* facts.c */

/* What a slot is asked for. */
typedef enum Purpose
{
	BOOK,
	HOLD
} Purpose;

/* What a caller asks for: a slot, for a patient if one was named. */
typedef struct BookingRequest
{
	int64 slot_id;
	bool has_patient;
	int64 patient_id;
	bool moves_appointment; /* the one of appointment_id, from another slot */
	int64 appointment_id;
	text *idempotency_key; /* NULL when there is none */
} BookingRequest;

/* Everything a rule may look at, gathered at one moment. */
typedef struct BookingFacts
{
	BookingRequest request;
	TimestampTz now;

	/* kept by booking_look_now for the writes that follow, until booking_end_look */
	Snapshot snapshot;
	BookRow *slot;
	BookRow *patient;

	bool slot_exists;
	int64 clinic_id;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	bool is_available;
	bool is_held; /* by its held_until; occupant_id tells by which hold */

	char *clinic_name;
	char *time_zone;
	bool clinic_is_active;
	Interval min_notice;
	bool has_horizon;
	Interval booking_horizon;
	Interval hold_duration;

	char *doctor_name;
	bool doctor_is_active;

	bool patient_exists;
	bool patient_is_active;
	bool patient_is_elsewhere;

	/* the appointment that unique_timeslot has for the slot, be it an expired hold */
	bool has_occupant;
	int64 occupant_id;
	bool is_hold;
	bool is_expired_hold;
	bool is_own_hold;          /* of the patient, and not expired */
	bool occupant_is_changing; /* by another session, as yet uncommitted */
} BookingFacts;

extern void booking_read_request(FunctionCallInfo fcinfo, const Caller *caller,
								 BookingRequest *request);
extern void booking_look(const BookingRequest *request, BookingFacts *facts);
extern void booking_look_at_slot(const BookingRequest *request, BookingFacts *facts);
extern void booking_look_now(const BookingRequest *request, BookingFacts *facts);
extern void booking_end_look(BookingFacts *facts);
extern void booking_look_in_active_snapshot(const BookingRequest *request, BookingFacts *facts);
extern bool booking_is_occupied(const BookingFacts *facts);
extern bool booking_looks_free(const BookingFacts *facts);
extern void booking_lock_calendar_and_look(const BookingRequest *request, BookingFacts *facts);

/* clinic_rules.c */

/* What a rule says of a request. */
typedef struct Verdict
{
	const char *rule;
	bool is_judged;
	const Refusal *refusal; /* NULL unless it failed */
} Verdict;

extern void booking_enforce_clinic_rules(const BookingFacts *facts);
extern void booking_report_clinic_rules(const BookingFacts *facts, ReturnSetInfo *result);
extern void booking_report_rule(ReturnSetInfo *result, const Verdict *verdict);

/* rules.c */

extern void booking_enforce_rules(const BookingFacts *facts);
extern void booking_enforce_slot_rules(const BookingFacts *facts);
extern void booking_enforce_patient_rules(const BookingFacts *facts);

/* log.c */

/* Who an event says made the change. */
typedef enum ActorKind
{
	CALLER_ACTS,
	NOBODY_ACTS /* it ended by itself, whoever came upon it */
} ActorKind;

/* What happened to an appointment; NULL where there is none. */
typedef struct Event
{
	int64 appointment_id;
	int64 slot_id;
	const char *from_status;
	const char *to_status;
	const char *actor_role;
	const char *actor;
	const char *reason;
} Event;

extern void booking_write_event(const Event *event);
extern void booking_write_event_of(ActorKind actor, const Event *event);

/* transition.c */

/* What a function tells the triggers on appointments about the change it is making. */
typedef struct Change
{
	int64 appointment_id;
	bool is_of_many; /* appointments, whichever; then no id is given */
	bool sets_status;
	const char *reason; /* NULL when there is none */
	ActorKind actor;
	TimestampTz now; /* when it was judged, under the locks; 0: when the row is written */
} Change;

extern uint64 booking_change_appointments(const Change *change, BookingPlan *plan, Datum *values,
										  const char *nulls);

/* idempotency.c */

extern text *booking_read_key(FunctionCallInfo fcinfo, int argument);
extern bool booking_was_answered(const BookingRequest *request, const Caller *caller,
								 Purpose purpose, Datum *appointment);

/* holds.c */

extern void booking_require_no_hold(int64 appointment_id);
extern void booking_cancel_hold(int64 appointment_id, const char *reason);
extern uint64 booking_expire_hold(int64 appointment_id);
extern int32 booking_sweep_holds(int32 max_rows);
extern void booking_release_hold(const BookingFacts *facts);

/* write.c */

pg_noreturn extern void booking_refuse_unwritten(const BookingRequest *request);
extern void booking_mark_slot(BookingFacts *facts, Purpose purpose, TimestampTz expires_at);
extern Datum booking_insert_appointment(const BookingFacts *facts, const Caller *caller,
										Purpose purpose, TimestampTz expires_at);

#endif /* BOOKING_BOOKING_H */
