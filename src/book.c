/*
 * book.c
 *		Booking a time slot, holding one, and confirming a hold. Called through SQL.
 *
 * Look, lock, look again: a request that cannot succeed is refused by the first look, and has
 * neither locked nor written anything.
 */
#include "booking.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * The three writes in one statement. Its WHERE looks at the slot itself once more, since raw
 * SQL takes no advisory lock: without the slot, or when it is no longer at the time that was
 * judged, there is no appointment. $1 slot, $2 patient, $3 idempotency key, $4 role, $5 subject,
 * $6 start, $7 end.
 */
#define WRITE_SQL(slot_columns, status, booked_at, hold_expires_at) \
	"WITH slot AS (" \
	"    UPDATE booking.time_slots SET " slot_columns \
	", updated_at = now()" \
	"    WHERE id = $1 AND is_available AND deleted_at IS NULL" \
	"    AND starts_at = $6 AND ends_at = $7" \
	"    RETURNING id, clinic_id, doctor_id, starts_at, ends_at), " \
	"made AS (" \
	"    INSERT INTO booking.appointments AS a" \
	"        (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at," \
	"         status, booked_at, hold_expires_at, idempotency_key)" \
	"    SELECT id, $2, clinic_id, doctor_id, starts_at, ends_at," \
	"           " status ", " booked_at ", " hold_expires_at \
	", $3 FROM slot" \
	"    RETURNING a AS appointment, a.id, a.time_slot_id, a.status), " \
	"event AS (" \
	"    INSERT INTO booking.appointment_events" \
	"        (appointment_id, time_slot_id, to_status, actor_role, actor)" \
	"    SELECT id, time_slot_id, status, $4, $5 FROM made) " \
	"SELECT appointment FROM made"

#define WRITE_ARGTYPES INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID

static BookingPlan book_plan = {
	WRITE_SQL("is_available = false, held_until = NULL", "'booked'", "now()", "NULL"),
	7,
	{WRITE_ARGTYPES}};
static BookingPlan hold_plan = {
	WRITE_SQL("held_until = $8", "'pending'", "NULL", "$8"), 8, {WRITE_ARGTYPES, TIMESTAMPTZOID}};

/* The patient's own hold, while it is one, becomes an appointment or is extended. */
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

/*
 * What the patient's key was used for before. The slot is the first one, from the event: the
 * appointment may have been moved since.
 */
static BookingPlan key_plan = {
	"SELECT a, (SELECT e.time_slot_id FROM booking.appointment_events e"
	"           WHERE e.appointment_id = a.id ORDER BY e.id LIMIT 1),"
	"       a.id, a.status = 'pending', a.booked_at IS NULL AND a.hold_expires_at <= $3"
	" FROM booking.appointments a WHERE a.patient_id = $1 AND a.idempotency_key = $2",
	3,
	{INT8OID, TEXTOID, TIMESTAMPTZOID}};

static BookingPlan held_slot_plan = {
	"SELECT time_slot_id, patient_id, clinic_id, status = 'pending',"
	"       booked_at IS NULL AND hold_expires_at <= $2"
	" FROM booking.appointments WHERE id = $1",
	2,
	{INT8OID, TIMESTAMPTZOID}};

static void
refuse_key(int64 slot_id)
{
	Refusal mismatch = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "idempotency_key_matches",
		.table = "appointments",
		.detail = "a key stands for one request, and its answer is repeated.",
		.hint = "Use a new key for a new request.",
	};

	mismatch.message =
		psprintf("the idempotency key was used for another slot than " INT64_FORMAT, slot_id);
	booking_refuse(&mismatch);
}

/*
 * The answer that this request was given before, in memory that outlives SPI_finish. To be
 * called after a look, so that it finds whatever made the look find the slot taken. A live hold
 * is no answer to a request to book: that confirms it.
 */
static bool
was_answered(const BookingRequest *request, bool is_hold, Datum *appointment)
{
	Datum args[] = {Int64GetDatum(request->patient_id), PointerGetDatum(request->idempotency_key),
					TimestampTzGetDatum(GetCurrentTimestamp())};
	Datum values[5];
	bool nulls[5];

	if (request->idempotency_key == NULL || booking_execute_now(&key_plan, args, NULL) == 0)
		return false;
	booking_row(0, values, nulls);
	if (nulls[1] || DatumGetInt64(values[1]) != request->slot_id)
		refuse_key(request->slot_id);
	if (!nulls[4] && DatumGetBool(values[4]))
		booking_refuse_expired_hold(DatumGetInt64(values[2]));
	if (DatumGetBool(values[3]) && !is_hold)
		return false;
	*appointment = booking_returned_row();
	return true;
}

/* Waits for every rival on the slot and for the patient's other requests. */
static void
lock_request(const BookingRequest *request)
{
	booking_lock(SLOT_LOCK, request->slot_id, ExclusiveLock);
	booking_lock(PATIENT_LOCK, request->patient_id, ExclusiveLock);
}

/* Checks again what a rival may have changed; the locks of slot and patient are held. */
void
booking_look_again(const BookingRequest *request, BookingFacts *facts)
{
	int64 doctor_id;

	/* the slot may have been handed to another doctor before we had its lock */
	do
	{
		doctor_id = facts->doctor_id;
		booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK);
		booking_look_now(request, facts);
	} while (facts->slot_exists && facts->doctor_id != doctor_id);
}

/*
 * Refuses at the first look, with nothing locked. But while another session is changing the
 * appointment in the slot, perhaps cancelling it, its outcome is worth waiting for.
 */
void
booking_refuse_early(const BookingFacts *facts)
{
	if (!facts->occupant_is_changing)
		booking_enforce_rules(facts);
}

/* Takes a hold that no longer counts out of unique_timeslot. */
void
booking_release_hold(const BookingFacts *facts)
{
	if (facts->is_expired_hold)
		booking_expire_hold(facts->occupant_id);
	else if (facts->is_own_hold)
		booking_cancel_hold(facts->occupant_id, "another appointment was moved here");
}

/* Explains why the slot's own WHERE found nothing to take, though all rules passed. */
void
booking_refuse_unwritten(const BookingRequest *request)
{
	Refusal changed = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "slot_not_booked",
		.table = "time_slots",
		.detail =
			"another session changed it without taking its lock, or a trigger kept it from being written.",
		.hint = "Try again.",
	};
	BookingFacts facts;

	booking_look_now(request, &facts);
	booking_enforce_rules(&facts);
	changed.message = psprintf("time slot " INT64_FORMAT " could not be booked", request->slot_id);
	booking_refuse(&changed);
}

/* Makes the appointment; a hold when it is to expire. Leaves it as the result. */
static void
write_appointment(const BookingRequest *request, const BookingFacts *facts, const Caller *caller,
				  TimestampTz expires_at)
{
	Change change = {facts->occupant_id, false, false, NULL, false};
	Datum key = PointerGetDatum(request->idempotency_key);
	char key_null = request->idempotency_key ? ' ' : 'n';
	char nulls[] = {' ', ' ', key_null, ' ', ' ', ' ', ' ', ' '};
	Datum values[] = {Int64GetDatum(request->slot_id),
					  Int64GetDatum(request->patient_id),
					  key,
					  CStringGetTextDatum(caller->role),
					  booking_optional_text(caller->subject, &nulls[4]),
					  TimestampTzGetDatum(facts->starts_at),
					  TimestampTzGetDatum(facts->ends_at),
					  TimestampTzGetDatum(expires_at)};
	Datum own_values[] = {Int64GetDatum(facts->occupant_id), key, TimestampTzGetDatum(expires_at)};
	char own_nulls[] = {' ', key_null, ' '};
	bool is_hold = expires_at != 0;
	uint64 rows;

	if (facts->is_own_hold)
		rows =
			booking_change(&change, is_hold ? &extend_plan : &confirm_plan, own_values, own_nulls);
	else
	{
		booking_release_hold(facts);
		rows = booking_execute(is_hold ? &hold_plan : &book_plan, values, nulls);
	}
	if (rows == 0)
		booking_refuse_unwritten(request);
}

/* Books, or holds for as long as hold_for says; 0 is as long as the clinic says. */
static Datum
take_slot(const BookingRequest *request, const Caller *caller, bool is_hold, int64 hold_for)
{
	BookingFacts facts;
	TimestampTz expires_at = 0;
	Datum appointment;

	booking_look(request, &facts);
	if (facts.slot_exists)
		booking_require_may_book_at(caller, request->patient_id, facts.clinic_id);
	if (was_answered(request, is_hold, &appointment))
		return appointment;
	booking_refuse_early(&facts);

	lock_request(request);
	booking_look_again(request, &facts);
	if (was_answered(request, is_hold, &appointment))
		return appointment;
	booking_enforce_rules(&facts);

	if (is_hold)
		expires_at = hold_for ? facts.now + hold_for : facts.clinic_hold_expires_at;
	write_appointment(request, &facts, caller, expires_at);
	return booking_returned_row();
}

static text *
read_key(FunctionCallInfo fcinfo, int argument)
{
	static const Refusal malformed = {
		.sqlstate = ERRCODE_BOOKING_MALFORMED,
		.rule = "idempotency_key_has_1_to_255_characters",
		.table = "appointments",
		.message = "the idempotency key does not have 1 to 255 characters",
		.detail =
			"a key stands for one request, so that it can be sent again without booking twice.",
		.hint = "Send a new random key, such as a UUID, with each new request.",
	};
	text *key;
	int length;

	if (PG_ARGISNULL(argument))
		return NULL;
	key = PG_GETARG_TEXT_PP(argument);
	length = pg_mbstrlen_with_len(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	if (length < 1 || length > 255)
		booking_refuse(&malformed);
	return key;
}

/* In microseconds; 0 when the clinic is to decide. */
static int64
read_hold_for(FunctionCallInfo fcinfo, int argument)
{
	static const Refusal out_of_range = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "hold_lasts_up_to_1_hour",
		.table = "appointments",
		.message = "a hold cannot last that long",
		.detail = "hold_for is more than 0 and at most 1 hour.",
		.hint = "Choose another hold_for, or leave it out for what the clinic has set.",
	};
	Interval *hold_for;

	if (PG_ARGISNULL(argument))
		return 0;
	hold_for = PG_GETARG_INTERVAL_P(argument);
	if (hold_for->month != 0 || hold_for->day != 0 || hold_for->time <= 0 ||
		hold_for->time > USECS_PER_HOUR)
		booking_refuse(&out_of_range);
	return hold_for->time;
}

BOOKING_FUNCTION(booking_book_slot)
{
	Caller caller;
	BookingRequest request;
	Datum appointment;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);
	request.idempotency_key = read_key(fcinfo, 2);

	booking_start_writing(fcinfo);
	appointment = take_slot(&request, &caller, false, 0);
	SPI_finish();
	return appointment;
}

BOOKING_FUNCTION(booking_hold_slot)
{
	Caller caller;
	BookingRequest request;
	int64 hold_for = read_hold_for(fcinfo, 2);
	Datum appointment;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);
	request.idempotency_key = read_key(fcinfo, 3);

	booking_start_writing(fcinfo);
	appointment = take_slot(&request, &caller, true, hold_for);
	SPI_finish();
	return appointment;
}

static void
refuse_no_hold(int64 appointment_id)
{
	Refusal no_hold = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "appointment_is_a_hold",
		.table = "appointments",
		.detail = "its status is not pending.",
		.hint = "There is nothing to confirm: see the appointment's status.",
	};

	no_hold.message = psprintf("appointment " INT64_FORMAT " is not a hold", appointment_id);
	booking_refuse(&no_hold);
}

/* Finds whose hold of which slot it is, and refuses one that is none any more. */
static void
find_hold(int64 appointment_id, const Caller *caller, BookingRequest *request)
{
	Datum args[] = {Int64GetDatum(appointment_id), TimestampTzGetDatum(GetCurrentTimestamp())};
	Datum values[5];
	bool nulls[5];

	if (booking_execute_now(&held_slot_plan, args, NULL) == 0)
		booking_refuse_appointment(caller, appointment_id);
	booking_row(0, values, nulls);
	booking_require_may_change(caller, appointment_id, DatumGetInt64(values[1]),
							   DatumGetInt64(values[2]));
	if (!nulls[4] && DatumGetBool(values[4]))
		booking_refuse_expired_hold(appointment_id);
	if (!DatumGetBool(values[3]))
		refuse_no_hold(appointment_id);

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
	booking_look_again(&request, &facts);
	booking_enforce_rules(&facts);
	if (!facts.is_own_hold)
		booking_refuse_expired_hold(appointment_id);
	write_appointment(&request, &facts, &caller, 0);
	appointment = booking_returned_row();
	SPI_finish();
	return appointment;
}
