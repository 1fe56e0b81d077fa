/*
 * lifecycle.c
 *		Cancelling, moving and otherwise changing appointments. Called through SQL.
 *
 * The triggers of transition.c judge each change, update the slot and write the event. Here the locks
 * are taken in their order, before the row is locked by its UPDATE.
 */
#include "booking/booking.h"
#include "callers/callers.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

static BookingPlan find_appointment_plan = {
	"SELECT slot_id, patient_id, doctor_id, status::text, clinic_id"
	" FROM booking.appointments WHERE id = $1",
	1,
	{INT8OID}};

/* The new slot was marked before; the trigger releases the old one. */
#define MOVE_SQL \
	"UPDATE booking.appointments AS a SET slot_id = $2, clinic_id = $3, doctor_id = $4," \
	"    starts_at = $5, ends_at = $6 WHERE id = $1 AND status = 'booked' RETURNING a"

static BookingPlan move_plan = {
	MOVE_SQL, 6, {INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
static BookingPlan is_booked_plan = {
	"SELECT FROM booking.appointments WHERE id = $1 AND status = 'booked'", 1, {INT8OID}};

static BookingPlan set_status_plan = {
	"UPDATE booking.appointments AS a SET status = $2::booking.appointment_status"
	" WHERE id = $1 RETURNING a",
	2,
	{INT8OID, TEXTOID}};

/* An appointment that the caller may change, as it is found before its slot is locked. */
typedef struct FoundAppointment
{
	int64 slot_id;
	int64 patient_id;
	int64 doctor_id;
	char *status;
} FoundAppointment;

static void
find_appointment(int64 id, const Caller *caller, FoundAppointment *found)
{
	Datum arg = Int64GetDatum(id);
	Datum values[5];
	bool nulls[5];

	if (booking_execute_latest(&find_appointment_plan, &arg, NULL) == 0)
		booking_refuse_appointment(caller, id);
	booking_row(0, values, nulls);
	booking_require_may_change(caller, id, DatumGetInt64(values[1]), DatumGetInt64(values[4]));
	found->slot_id = DatumGetInt64(values[0]);
	found->patient_id = DatumGetInt64(values[1]);
	found->doctor_id = DatumGetInt64(values[2]);
	found->status = booking_row_text(0, 3);
}

/*
 * Locks an appointment's slot and calendar before the row: whoever has closed the calendar may change
 * the appointment, and must not wait for our row lock while we wait for the calendar. If the appointment
 * was moved while we waited, its new slot is locked instead.
 *
 * Of a hold, the patient is locked as well. It may be booked just before it expires, and the patient's
 * other requests would find it expired.
 */
static void
lock_appointment(int64 id)
{
	Caller caller;
	FoundAppointment found;
	FoundAppointment locked;
	bool is_hold; /* nothing becomes one later */

	booking_caller(&caller);
	find_appointment(id, &caller, &found);
	is_hold = strcmp(found.status, "pending") == 0;
	for (;;)
	{
		locked = found;
		booking_lock(SLOT_LOCK, locked.slot_id, ExclusiveLock);
		if (is_hold)
			booking_lock(PATIENT_LOCK, locked.patient_id, ExclusiveLock);
		booking_lock(CALENDAR_LOCK, locked.doctor_id, CALENDAR_BOOK);
		find_appointment(id, &caller, &found);
		if (found.slot_id == locked.slot_id && found.doctor_id == locked.doctor_id)
			break;
		/* two locks of a class have to be taken in ascending order, or could deadlock with a move */
		booking_unlock(CALENDAR_LOCK, locked.doctor_id, CALENDAR_BOOK);
		if (is_hold)
			booking_unlock(PATIENT_LOCK, locked.patient_id, ExclusiveLock);
		booking_unlock(SLOT_LOCK, locked.slot_id, ExclusiveLock);
	}
}

/* Trimmed; NULL when there is none. */
static char *
read_reason(FunctionCallInfo fcinfo, int argument)
{
	text *reason;

	if (PG_ARGISNULL(argument))
		return NULL;
	reason = DatumGetTextPP(booking_trim(PG_GETARG_DATUM(argument)));
	booking_require_text(reason, 500, REASON_LENGTH);
	return text_to_cstring(reason);
}

/* Leaves the changed appointment as the last result. To set the status that it has is judged as well. */
static uint64
set_status(int64 appointment_id, const char *status, const char *reason)
{
	Change change = {.appointment_id = appointment_id, .sets_status = true, .reason = reason};
	Datum values[] = {Int64GetDatum(appointment_id), CStringGetTextDatum(status)};

	return booking_change_appointments(&change, &set_status_plan, values, NULL);
}

static Datum
change_status(FunctionCallInfo fcinfo, const char *status, const char *reason)
{
	int64 id = PG_GETARG_INT64(0);
	Datum appointment;

	booking_start_writing(fcinfo);
	lock_appointment(id);
	if (set_status(id, status, reason) == 0)
	{
		booking_require_none_left(&find_appointment_plan, &PG_GETARG_DATUM(0), NULL);
		booking_refuse(APPOINTMENT_EXISTS, .id = id);
	}
	appointment = booking_returned_row();
	SPI_finish();
	return appointment;
}

BOOKING_FUNCTION(booking_cancel_appointment)
{
	booking_require(fcinfo, 0, "appointment_id");
	return change_status(fcinfo, "cancelled", read_reason(fcinfo, 1));
}

BOOKING_FUNCTION(booking_set_appointment_status)
{
	booking_require(fcinfo, 0, "appointment_id");
	booking_require(fcinfo, 1, "status");
	return change_status(fcinfo, OidOutputFunctionCall(F_ENUM_OUT, PG_GETARG_DATUM(1)),
						 read_reason(fcinfo, 2));
}

static void
check_is_booked(int64 id, const FoundAppointment *found)
{
	if (strcmp(found->status, "booked") != 0)
		booking_refuse(APPOINTMENT_IS_BOOKED, .appointment_id = id, .status = found->status);
}

/* Both slots and both calendars, the lower id first. */
static void
lock_move(const FoundAppointment *found, const BookingRequest *request, int64 new_doctor_id)
{
	booking_lock(SLOT_LOCK, Min(found->slot_id, request->slot_id), ExclusiveLock);
	booking_lock(SLOT_LOCK, Max(found->slot_id, request->slot_id), ExclusiveLock);
	booking_lock(PATIENT_LOCK, request->patient_id, ExclusiveLock);
	booking_lock(CALENDAR_LOCK, Min(found->doctor_id, new_doctor_id), CALENDAR_BOOK);
	booking_lock(CALENDAR_LOCK, Max(found->doctor_id, new_doctor_id), CALENDAR_BOOK);
}

/* Leaves the moved appointment as the last result. Raw SQL, which takes no lock, may have changed it. */
static void
move_appointment(const BookingRequest *request, BookingFacts *facts, const Caller *caller)
{
	Change change = {.appointment_id = request->appointment_id};
	Datum values[] = {
		Int64GetDatum(request->appointment_id), Int64GetDatum(request->slot_id),    0, 0,
		TimestampTzGetDatum(facts->starts_at),  TimestampTzGetDatum(facts->ends_at)};
	FoundAppointment now;

	booking_release_hold(facts);
	booking_mark_slot(facts, BOOK, 0);
	values[2] = Int64GetDatum(facts->clinic_id);
	values[3] = Int64GetDatum(facts->doctor_id);
	if (booking_change_appointments(&change, &move_plan, values, NULL) > 0)
		return;
	booking_require_none_left(&is_booked_plan, values, NULL);
	find_appointment(request->appointment_id, caller, &now);
	check_is_booked(request->appointment_id, &now);
	booking_refuse(SLOT_AS_JUDGED, .slot_id = request->slot_id);
}

BOOKING_FUNCTION(booking_reschedule_appointment)
{
	int64 id = PG_GETARG_INT64(0);
	BookingRequest request = {.slot_id = PG_GETARG_INT64(1),
							  .has_patient = true,
							  .moves_appointment = true,
							  .appointment_id = id};
	BookingFacts facts;
	Caller caller;
	FoundAppointment found;
	FoundAppointment now;
	Datum appointment;

	booking_require(fcinfo, 0, "appointment_id");
	booking_require(fcinfo, 1, "new_slot_id");
	booking_caller(&caller);

	booking_start_writing(fcinfo);
	find_appointment(id, &caller, &found);
	check_is_booked(id, &found);
	if (found.slot_id == request.slot_id)
		booking_refuse(APPOINTMENT_GOES_ELSEWHERE, .appointment_id = id, .slot_id = found.slot_id);
	request.patient_id = found.patient_id;
	booking_look(&request, &facts);
	if (facts.slot_exists)
		booking_require_may_book_at(&caller, found.patient_id, facts.clinic_id);
	if (!facts.occupant_is_changing)
		booking_enforce_rules(&facts);

	lock_move(&found, &request, facts.doctor_id);
	find_appointment(id, &caller, &now);
	/* the slot it has now is not locked, and the caller may not want to move it from there */
	if (now.slot_id != found.slot_id)
		booking_refuse(APPOINTMENT_STAYED, .appointment_id = id);
	check_is_booked(id, &now);
	booking_lock_calendar_and_look(&request, &facts);
	booking_enforce_rules(&facts);

	move_appointment(&request, &facts, &caller);
	booking_end_look(&facts);
	appointment = booking_returned_row();
	SPI_finish();
	return appointment;
}
