/*
 * write.c
 *		The writes of a booking: marking the slot, and making the appointment. Called by book.c and
 *		lifecycle.c, once the rules have passed.
 */
#include "booking/booking.h"

#include "access/xact.h"

/*
 * The slot, if it still is as it was judged: raw SQL takes no advisory lock, and may have changed it.
 * $1 slot, $2 start, $3 end.
 */
#define AS_JUDGED_SQL \
	" WHERE id = $1 AND is_available AND deleted_at IS NULL AND starts_at = $2 AND ends_at = $3"
#define MARK_SQL(columns) \
	"UPDATE booking.time_slots SET " columns ", updated_at = now()" AS_JUDGED_SQL \
	" RETURNING clinic_id, doctor_id"
#define SLOT_ARGTYPES INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID

static BookingPlan mark_booked_plan = {
	MARK_SQL("is_available = false, held_until = NULL"), 3, {SLOT_ARGTYPES}};
static BookingPlan mark_held_plan = {
	MARK_SQL("held_until = $4"), 4, {SLOT_ARGTYPES, TIMESTAMPTZOID}};
static BookingPlan as_judged_plan = {
	"SELECT FROM booking.time_slots" AS_JUDGED_SQL, 3, {SLOT_ARGTYPES}};
static BookingPlan share_patient_plan = {
	"SELECT FROM booking.patients WHERE id = $1 FOR KEY SHARE", 1, {INT8OID}};

/* Explains why the slot is not as it was judged, though all rules passed. */
void
booking_refuse_unwritten(const BookingRequest *request)
{
	BookingFacts facts;

	booking_look_now(request, &facts);
	booking_enforce_rules(&facts);
	booking_refuse(SLOT_AS_JUDGED, .slot_id = request->slot_id);
}

/* The statement's own WHERE finds out whether the slot has changed. */
static void
mark_by_statement(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	Datum values[] = {Int64GetDatum(facts->request.slot_id), TimestampTzGetDatum(facts->starts_at),
					  TimestampTzGetDatum(facts->ends_at), TimestampTzGetDatum(expires_at)};
	Datum marked[2];
	bool nulls[2];

	if (booking_execute(purpose == HOLD ? &mark_held_plan : &mark_booked_plan, values, NULL) == 0)
	{
		booking_require_none_left(&as_judged_plan, values, NULL);
		booking_refuse_unwritten(&facts->request);
	}
	booking_row(0, marked, nulls);
	facts->clinic_id = DatumGetInt64(marked[0]);
	facts->doctor_id = DatumGetInt64(marked[1]);
}

/* Updates the row that the look found; false when that takes the statement. */
static bool
mark_directly(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	const ColumnValue values[] = {
		{TIME_SLOTS_IS_AVAILABLE, BoolGetDatum(purpose == HOLD)},
		{TIME_SLOTS_HELD_UNTIL, TimestampTzGetDatum(expires_at), .isnull = purpose == BOOK},
		{TIME_SLOTS_UPDATED_AT, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())},
	};

	return booking_update(facts->slot, values, lengthof(values));
}

/* Withdraws or holds the slot. Its clinic and doctor as of now are what the appointment will copy. */
void
booking_mark_slot(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	if (!mark_directly(facts, purpose, expires_at))
		mark_by_statement(facts, purpose, expires_at);
}

/* Keeps the patient from being deleted meanwhile, as the appointment's foreign key would. */
static void
share_patient(const BookingFacts *facts)
{
	Datum patient_id = Int64GetDatum(facts->request.patient_id);

	/* at these isolation levels the foreign key's trigger does it */
	if (IsolationUsesXactSnapshot())
		return;
	if (!booking_share_row(facts->patient) &&
		booking_execute(&share_patient_plan, &patient_id, NULL) == 0)
		booking_refuse(PATIENT_EXISTS);
}

/* Before AFTER triggers run: one of somebody's may cancel the appointment, which is a later event. */
static void
write_first_event(int64 appointment_id, const void *arg)
{
	Event event = *(const Event *) arg;

	event.appointment_id = appointment_id;
	booking_write_event(&event);
}

/* Makes the appointment, and its event, in the slot that was marked for it. */
Datum
booking_insert_appointment(const BookingFacts *facts, const Caller *caller, Purpose purpose,
						   TimestampTz expires_at)
{
	const BookingRequest *request = &facts->request;
	const char *status = purpose == HOLD ? "pending" : "booked";
	Datum key = PointerGetDatum(request->idempotency_key);
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	const ColumnValue values[] = {
		{APPOINTMENTS_SLOT_ID, Int64GetDatum(request->slot_id)},
		{APPOINTMENTS_PATIENT_ID, Int64GetDatum(request->patient_id)},
		{APPOINTMENTS_CLINIC_ID, Int64GetDatum(facts->clinic_id)},
		{APPOINTMENTS_DOCTOR_ID, Int64GetDatum(facts->doctor_id)},
		{APPOINTMENTS_STARTS_AT, TimestampTzGetDatum(facts->starts_at)},
		{APPOINTMENTS_ENDS_AT, TimestampTzGetDatum(facts->ends_at)},
		{APPOINTMENTS_STATUS, booking_status(status)},
		{APPOINTMENTS_BOOKED_AT, now, .isnull = purpose == HOLD},
		{APPOINTMENTS_HOLD_EXPIRES_AT, TimestampTzGetDatum(expires_at), .isnull = purpose == BOOK},
		{APPOINTMENTS_IDEMPOTENCY_KEY, key, .isnull = !key},
	};
	const Event event = {
		.slot_id = request->slot_id,
		.to_status = status,
		.actor_role = caller->role,
		.actor = caller->subject,
	};
	Datum appointment;

	share_patient(facts);
	booking_insert(APPOINTMENTS, values, lengthof(values), &appointment, write_first_event, &event);
	return appointment;
}
