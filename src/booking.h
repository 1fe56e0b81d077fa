/*
 * booking.h
 *		What the files of the extension share; prototypes stand under the file that has them.
 */
#ifndef BOOKING_H
#define BOOKING_H

#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lock.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* The last three digits are the HTTP status with which PostgREST answers. */
#define ERRCODE_BOOKING_MALFORMED MAKE_SQLSTATE('P', 'T', '4', '0', '0')
#define ERRCODE_BOOKING_NOT_FOUND MAKE_SQLSTATE('P', 'T', '4', '0', '4')
#define ERRCODE_BOOKING_CONFLICT MAKE_SQLSTATE('P', 'T', '4', '0', '9')
#define ERRCODE_BOOKING_GONE MAKE_SQLSTATE('P', 'T', '4', '1', '0')
#define ERRCODE_BOOKING_UNPROCESSABLE MAKE_SQLSTATE('P', 'T', '4', '2', '2')

/* The statuses that occupy a time slot, as the predicate of unique_timeslot has them. */
#define OCCUPYING_STATUSES "('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')"

/* What is trimmed from texts. */
#define BLANKS " \t\n\v\f\r"

/* refuse.c */

/* Why something is refused; table is NULL where no table is concerned. */
typedef struct Refusal
{
	int sqlstate;
	const char *rule;
	const char *table;
	const char *message;
	const char *detail;
	const char *hint;
} Refusal;

/* A kind of thing that ids name. */
typedef struct Entity
{
	const char *name;
	const char *table;
	const char *exists_rule;
	const char *find_hint;
} Entity;

extern const Entity booking_clinic;
extern const Entity booking_doctor;
extern const Entity booking_patient;
extern const Entity booking_slot;
extern const Entity booking_appointment;

extern void booking_refuse(const Refusal *refusal) pg_attribute_noreturn();
extern void booking_refuse_unknown(const Entity *entity, int64 id) pg_attribute_noreturn();
extern void booking_refuse_violation(void) pg_attribute_noreturn();
extern void booking_require(FunctionCallInfo fcinfo, int argument, const char *name);

/* plan.c */

#define MAX_PLAN_ARGS 10

/* A statement whose plan is made at its first use and kept for the session. */
typedef struct BookingPlan
{
	const char *sql;
	int nargs;
	Oid argtypes[MAX_PLAN_ARGS];
	SPIPlanPtr plan;
} BookingPlan;

extern void booking_prevent_in_rule(const char *command);
extern void booking_start_writing(const char *function);
extern uint64 booking_execute(BookingPlan *plan, Datum *values, const char *nulls);
extern uint64 booking_query(BookingPlan *plan, Datum *values, const char *nulls);
extern void booking_row(uint64 number, Datum *values, bool *nulls);
extern Datum booking_optional_text(const char *string, char *null);
extern Datum booking_value(void);
extern Datum booking_returned_row(void);
extern ReturnSetInfo *booking_start_set(FunctionCallInfo fcinfo);
extern void booking_return_set(FunctionCallInfo fcinfo);
extern void booking_return_set_of_rows(FunctionCallInfo fcinfo);

/* lock.c */

/* Field 4 of the lock tag, objsubid in pg_locks; in the order in which they are taken. */
typedef enum LockClass
{
	SLOT_LOCK = 28001,
	PATIENT_LOCK = 28002,
	CALENDAR_LOCK = 28003
} LockClass;

/* What is done with a doctor's calendar: only a removal keeps bookings out. */
#define CALENDAR_BOOK RowShareLock
#define CALENDAR_EDIT ShareUpdateExclusiveLock
#define CALENDAR_REMOVE ExclusiveLock

extern void booking_lock(LockClass class, int64 id, LOCKMODE mode);
extern bool booking_try_lock(LockClass class, int64 id);
extern void booking_unlock(LockClass class, int64 id, LOCKMODE mode);

/* identity.c */

/* Who the caller is, by role and by the request's JWT claims. */
typedef struct Caller
{
	char *role;
	char *subject; /* NULL when there are no claims */
	bool is_patient;
	int64 patient_id; /* when is_patient */
} Caller;

extern void booking_caller(Caller *caller);

/* local_time.c */

extern char *booking_local_time(TimestampTz instant, const char *time_zone);
extern void booking_require_date(DateADT date);
extern Datum booking_known_zone(Datum name);

/* rules.c */

/* What a caller asks for: a slot, for a patient if one was named. */
typedef struct BookingRequest
{
	int64 slot_id;
	bool has_patient;
	int64 patient_id;
	bool moves_appointment; /* there, from another slot */
	int64 appointment_id;   /* when it does */
	text *idempotency_key;  /* NULL when there is none */
} BookingRequest;

/* Everything a rule may look at, gathered by one query at one moment. */
typedef struct BookingFacts
{
	BookingRequest request;
	TimestampTz now;

	bool slot_exists;
	int64 clinic_id;
	int64 doctor_id;
	TimestampTz starts_at;
	bool is_available;

	char *clinic_name;
	char *time_zone;
	bool clinic_is_active;
	TimestampTz earliest_start; /* by the clinic's notice */
	TimestampTz latest_start;   /* by its horizon */

	char *doctor_name;
	bool doctor_is_active;

	bool patient_exists;
	bool patient_is_active;
	bool patient_is_elsewhere;

	TimestampTz clinic_hold_expires_at; /* of a hold made now */

	/* The appointment that unique_timeslot lets there be one of; an expired hold is one. */
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
extern bool booking_is_occupied(const BookingFacts *facts);
extern void booking_enforce_rules(const BookingFacts *facts);
extern void booking_report_rule(ReturnSetInfo *result, const char *name, bool judged,
								const Refusal *refusal);

/* transition.c */

extern struct TriggerData *booking_update_trigger(FunctionCallInfo fcinfo, const char *table);

/* What a function tells the triggers on appointments about the change it is making. */
typedef struct Change
{
	int64 appointment_id;
	bool sets_status;
	const char *reason; /* NULL when there is none */
} Change;

extern uint64 booking_change(const Change *change, BookingPlan *plan, Datum *values,
							 const char *nulls);
extern uint64 booking_set_status(int64 appointment_id, const char *status, const char *reason);
extern void booking_cancel_hold(int64 appointment_id, const char *reason);
extern void booking_refuse_expired_hold(int64 appointment_id) pg_attribute_noreturn();

/* book.c */

extern void booking_look_again(const BookingRequest *request, BookingFacts *facts);
extern void booking_refuse_early(const BookingFacts *facts);
extern void booking_release_hold(const BookingFacts *facts);
extern void booking_refuse_unwritten(const BookingRequest *request) pg_attribute_noreturn();

/* clinic_rules.c */

extern void booking_enforce_clinic_rules(const BookingFacts *facts);
extern void booking_report_clinic_rules(const BookingFacts *facts, ReturnSetInfo *result);

#endif /* BOOKING_H */
