/*
 * write.c
 *		The writes of a booking: marking the slot, and making the appointment. Called by book.c and lifecycle.c,
 *		once the rules have passed.
 */
#include "booking/booking.h"

#include "access/xact.h"

/*
 * The writes of a booking. The first looks at the slot itself once more, since raw SQL takes no
 * advisory lock: when it is not as it was judged, there is no appointment. $1 slot, $2 start,
 * $3 end.
 */
#define AS_JUDGED_SQL \
	" WHERE id = $1 AND is_available AND deleted_at IS NULL AND starts_at = $2 AND ends_at = $3"
#define TAKE_SQL(columns) \
	"UPDATE booking.time_slots SET " columns ", updated_at = now()" AS_JUDGED_SQL \
	" RETURNING clinic_id, doctor_id"
#define TAKE_ARGTYPES INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID

static BookingPlan take_plan = {
	TAKE_SQL("is_available = false, held_until = NULL"), 3, {TAKE_ARGTYPES}};
static BookingPlan hold_plan = {TAKE_SQL("held_until = $4"), 4, {TAKE_ARGTYPES, TIMESTAMPTZOID}};
static BookingPlan as_judged_plan = {
	"SELECT FROM booking.time_slots" AS_JUDGED_SQL, 3, {TAKE_ARGTYPES}};
static BookingPlan share_patient_plan = {
	"SELECT FROM booking.patients WHERE id = $1 FOR KEY SHARE", 1, {INT8OID}};

/* Explains why the slot's own WHERE found nothing to take, though all rules passed. */
void
booking_refuse_unwritten(const BookingRequest *request)
{
	BookingFacts facts;

	booking_look_now(request, &facts);
	booking_enforce_rules(&facts);
	booking_refuse(SLOT_AS_JUDGED, .slot_id = request->slot_id);
}

/* Marks the slot by a statement, which finds out itself what has become of it. */
static void
take_by_statement(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	Datum values[] = {Int64GetDatum(facts->request.slot_id), TimestampTzGetDatum(facts->starts_at),
					  TimestampTzGetDatum(facts->ends_at), TimestampTzGetDatum(expires_at)};
	Datum taken[2];
	bool nulls[2];

	if (booking_execute(purpose == HOLD ? &hold_plan : &take_plan, values, NULL) == 0)
	{
		booking_require_none_left(&as_judged_plan, values, NULL);
		booking_refuse_unwritten(&facts->request);
	}
	booking_row(0, taken, nulls);
	facts->clinic_id = DatumGetInt64(taken[0]);
	facts->doctor_id = DatumGetInt64(taken[1]);
}

/* Marks the slot, which was judged to be free; false when that takes the statement. */
static bool
take_by_itself(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	const ColumnValue values[] = {
		{TIME_SLOTS_IS_AVAILABLE, BoolGetDatum(purpose == HOLD)},
		{TIME_SLOTS_HELD_UNTIL, TimestampTzGetDatum(expires_at), purpose == BOOK},
		{TIME_SLOTS_UPDATED_AT, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())},
	};

	return booking_update(facts->slot, values, lengthof(values));
}

/* What the slot says of its doctor is what the appointment will say. */
void
booking_take_slot(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	if (!take_by_itself(facts, purpose, expires_at))
		take_by_statement(facts, purpose, expires_at);
}

/* Keeps the patient from being deleted meanwhile, as the appointment's foreign key would. */
static void
share_patient(const BookingFacts *facts)
{
	Datum patient_id = Int64GetDatum(facts->request.patient_id);

	/* there the foreign key's trigger does it */
	if (IsolationUsesXactSnapshot())
		return;
	if (!booking_share_row(facts->patient) &&
		booking_execute(&share_patient_plan, &patient_id, NULL) == 0)
		booking_refuse(PATIENT_EXISTS);
}

/* An AFTER trigger of somebody's may cancel the appointment, which is an event that comes later. */
static void
write_first_event(int64 appointment_id, const void *arg)
{
	Event event = *(const Event *) arg;

	event.appointment_id = appointment_id;
	booking_write_event(&event);
}

/* Makes the appointment in a slot that was taken for it, and its event. */
static Datum
insert_appointment(const BookingFacts *facts, const Caller *caller, Purpose purpose,
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
		{APPOINTMENTS_BOOKED_AT, now, purpose == HOLD},
		{APPOINTMENTS_HOLD_EXPIRES_AT, TimestampTzGetDatum(expires_at), purpose == BOOK},
		{APPOINTMENTS_IDEMPOTENCY_KEY, key, !key},
	};
	const Event event = {
		.slot_id = request->slot_id,
		.to_status = status,
		.actor_role = caller->role,
		.actor = caller->subject,
	};
	Datum appointment;

	booking_insert(APPOINTMENTS, values, lengthof(values), &appointment, write_first_event, &event);
	return appointment;
}

/* Makes the appointment in the slot that was marked for it. */
Datum
booking_insert_appointment(const BookingFacts *facts, const Caller *caller, Purpose purpose,
						   TimestampTz expires_at)
{
	share_patient(facts);
	return insert_appointment(facts, caller, purpose, expires_at);
}
