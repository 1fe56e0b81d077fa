/*
 * book.c
 *		Booking a time slot, holding one, and confirming a hold. Called through SQL.
 *
 * Look, lock, look again: a request for a slot that is taken is refused by the first look, before it
 * locks or writes anything.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "access/xact.h"
#include "utils/fmgrprotos.h"

/* The status is checked once more, since raw SQL takes no lock. */
static BookingPlan confirm_plan = {
	"UPDATE booking.appointments AS a SET status = 'booked',"
	"       idempotency_key = coalesce($2, idempotency_key)"
	" WHERE id = $1 AND status = 'pending' RETURNING a",
	2,
	{INT8OID, TEXTOID}};
static BookingPlan extend_plan = {
	"UPDATE booking.appointments AS a SET hold_expires_at = $3,"
	"       idempotency_key = coalesce($2, idempotency_key)"
	" WHERE id = $1 AND status = 'pending' RETURNING a",
	3,
	{INT8OID, TEXTOID, TIMESTAMPTZOID}};

static BookingPlan held_slot_plan = {
	"SELECT slot_id, patient_id, clinic_id, status = 'pending',"
	"       booked_at IS NULL AND hold_expires_at <= $2"
	" FROM booking.appointments WHERE id = $1",
	2,
	{INT8OID, TIMESTAMPTZOID}};

/* Waits for every rival for the slot, and for the patient's other requests. */
static void
lock_request(const BookingRequest *request)
{
	booking_lock(SLOT_LOCK, request->slot_id, ExclusiveLock);
	booking_lock(PATIENT_LOCK, request->patient_id, ExclusiveLock);
}

/* Books what is the patient's own hold, or holds it longer. */
static Datum
confirm_or_extend(const BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	Change change = {.appointment_id = facts->occupant_id, .now = facts->now};
	Datum key = PointerGetDatum(facts->request.idempotency_key);
	char nulls[] = {' ', key ? ' ' : 'n', ' '};
	Datum values[] = {Int64GetDatum(facts->occupant_id), key, TimestampTzGetDatum(expires_at)};

	if (booking_change_appointments(&change, purpose == HOLD ? &extend_plan : &confirm_plan, values,
									nulls) == 0)
	{
		booking_require_no_hold(facts->occupant_id);
		booking_refuse_unwritten(&facts->request);
	}
	return booking_returned_row();
}

/* Returns the appointment in memory that outlives SPI_finish. It is a hold when it is to expire. */
static Datum
write_appointment(BookingFacts *facts, const Caller *caller, TimestampTz expires_at)
{
	Purpose purpose = expires_at != 0 ? HOLD : BOOK;

	if (facts->is_own_hold)
		return confirm_or_extend(facts, purpose, expires_at);
	booking_release_hold(facts);
	booking_mark_slot(facts, purpose, expires_at);
	return booking_insert_appointment(facts, caller, purpose, expires_at);
}

/*
 * Refuses after the first look, with nothing locked. While another session is changing the slot's
 * appointment, perhaps cancelling it, its outcome is waited for instead.
 */
static void
refuse_early(const BookingFacts *facts)
{
	if (!booking_looks_free(facts) && !facts->occupant_is_changing)
		booking_enforce_slot_rules(facts);
}

/* When a hold that is made now expires. */
static TimestampTz
hold_expiry(const BookingFacts *facts, int64 hold_for)
{
	if (hold_for != 0)
		return facts->now + hold_for;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(facts->now),
												   IntervalPGetDatum(&facts->hold_duration)));
}

/* Books, or holds for as long as hold_for says; 0 is as long as the clinic says. */
static Datum
book_or_hold(const BookingRequest *request, Caller *caller, Purpose purpose, int64 hold_for)
{
	BookingFacts facts;
	TimestampTz expires_at = 0;
	Datum appointment;

	booking_look_at_slot(request, &facts);
	if (facts.slot_exists)
		booking_require_may_book_at(caller, request->patient_id, facts.clinic_id);
	/* without a key there is no earlier answer to look for, and a refusal needs no SPI */
	if (request->idempotency_key == NULL)
		refuse_early(&facts);
	SPI_connect();
	if (booking_was_answered(request, caller, purpose, &appointment))
	{
		SPI_finish();
		return appointment;
	}
	refuse_early(&facts);

	booking_name_caller(caller);
	lock_request(request);
	booking_lock_calendar_and_look(request, &facts);
	if (!booking_was_answered(request, caller, purpose, &appointment))
	{
		booking_enforce_rules(&facts);
		if (purpose == HOLD)
			expires_at = hold_expiry(&facts, hold_for);
		appointment = write_appointment(&facts, caller, expires_at);
	}
	booking_end_look(&facts);
	SPI_finish();
	return appointment;
}

/* How long a hold is to last, in microseconds; 0 when the clinic is to decide. */
static int64
read_hold_for(FunctionCallInfo fcinfo, int argument)
{
	Interval *hold_for;

	if (PG_ARGISNULL(argument))
		return 0;
	hold_for = PG_GETARG_INTERVAL_P(argument);
	if (hold_for->month != 0 || hold_for->day != 0 || hold_for->time <= 0 ||
		hold_for->time > USECS_PER_HOUR)
		booking_refuse(HOLD_LASTS_UP_TO_1_HOUR);
	return hold_for->time;
}

BOOKING_FUNCTION_AS_CALLER(booking_book_slot)
{
	Caller caller;
	BookingRequest request;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);
	request.idempotency_key = booking_read_key(fcinfo, 2);

	booking_require_writable(fcinfo);
	return book_or_hold(&request, &caller, BOOK, 0);
}

BOOKING_FUNCTION_AS_CALLER(booking_hold_slot)
{
	Caller caller;
	BookingRequest request;
	int64 hold_for = read_hold_for(fcinfo, 2);

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);
	request.idempotency_key = booking_read_key(fcinfo, 3);

	booking_require_writable(fcinfo);
	return book_or_hold(&request, &caller, HOLD, hold_for);
}

/* Finds the slot and patient of a hold, and refuses what is no hold any more. */
static void
find_hold(int64 appointment_id, const Caller *caller, BookingRequest *request)
{
	Datum args[] = {Int64GetDatum(appointment_id), TimestampTzGetDatum(GetCurrentTimestamp())};
	Datum values[5];
	bool nulls[5];

	if (booking_execute_latest(&held_slot_plan, args, NULL) == 0)
		booking_refuse_appointment(caller, appointment_id);
	booking_row(0, values, nulls);
	booking_require_may_change(caller, appointment_id, DatumGetInt64(values[1]),
							   DatumGetInt64(values[2]));
	if (!nulls[4] && DatumGetBool(values[4]))
		booking_refuse(HOLD_NOT_EXPIRED, .appointment_id = appointment_id);
	if (!DatumGetBool(values[3]))
		booking_refuse(APPOINTMENT_IS_A_HOLD, .appointment_id = appointment_id);

	memset(request, 0, sizeof(*request));
	request->slot_id = DatumGetInt64(values[0]);
	request->has_patient = true;
	request->patient_id = DatumGetInt64(values[1]);
}

BOOKING_FUNCTION(booking_confirm_hold)
{
	int64 appointment_id = PG_GETARG_INT64(0);
	Caller caller;
	BookingRequest request;
	BookingFacts facts;
	Datum appointment;

	booking_require(fcinfo, 0, "appointment_id");
	booking_caller(&caller);

	booking_start_writing(fcinfo);
	find_hold(appointment_id, &caller, &request);
	booking_look(&request, &facts);
	lock_request(&request);
	find_hold(appointment_id, &caller, &request);
	booking_lock_calendar_and_look(&request, &facts);
	booking_enforce_rules(&facts);
	if (!facts.is_own_hold)
		booking_refuse(HOLD_NOT_EXPIRED, .appointment_id = appointment_id);
	appointment = write_appointment(&facts, &caller, 0);
	booking_end_look(&facts);
	SPI_finish();
	return appointment;
}
