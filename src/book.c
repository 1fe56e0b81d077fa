/*
 * book.c
 *		Booking a time slot, holding one, and confirming a hold. Called through SQL.
 *
 * Look, lock, look again: a request for a slot that is taken is refused by the first look, and
 * has neither locked nor written anything.
 */
#include "booking.h"

#include "access/xact.h"
#include "utils/fmgrprotos.h"

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

static BookingTarget slots = {
	.table = {.name = "time_slots",
			  .columns = {{"is_available", BOOLOID},
						  {"held_until", TIMESTAMPTZOID},
						  {"updated_at", TIMESTAMPTZOID}}},
	.is_updated = true,
	.idle_triggers = {"tidy_row", "guard_time_slot", "check_overlap", "count_changed_rows"}};
static BookingTarget appointments = {
	.table = {.name = "appointments",
			  .columns = {{"slot_id", INT8OID},
						  {"patient_id", INT8OID},
						  {"clinic_id", INT8OID},
						  {"doctor_id", INT8OID},
						  {"starts_at", TIMESTAMPTZOID},
						  {"ends_at", TIMESTAMPTZOID},
						  {"status", InvalidOid},
						  {"booked_at", TIMESTAMPTZOID},
						  {"hold_expires_at", TIMESTAMPTZOID},
						  {"idempotency_key", TEXTOID}}},
	.vouched_for = {{"slot_id", &slots.table}, {"patient_id", &booking_patients.table}}};

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

static BookingPlan held_slot_plan = {
	"SELECT slot_id, patient_id, clinic_id, status = 'pending',"
	"       booked_at IS NULL AND hold_expires_at <= $2"
	" FROM booking.appointments WHERE id = $1",
	2,
	{INT8OID, TIMESTAMPTZOID}};

/* Waits for every rival on the slot and for the patient's other requests. */
static void
lock_request(const BookingRequest *request)
{
	booking_lock(SLOT_LOCK, request->slot_id, ExclusiveLock);
	booking_lock(PATIENT_LOCK, request->patient_id, ExclusiveLock);
}

/*
 * Checks again what a rival may have changed; the locks of slot and patient are held. To be ended by
 * booking_end_look.
 */
void
booking_look_again(const BookingRequest *request, BookingFacts *facts)
{
	int64 doctor_id;

	/* the slot may have been handed to another doctor before we had its lock */
	for (;;)
	{
		doctor_id = facts->doctor_id;
		booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK);
		booking_look_now(request, facts);
		if (!facts->slot_exists || facts->doctor_id == doctor_id)
			break;
		booking_end_look(facts);
	}
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

/* What was judged to be free, or the patient's, is not so any more when it is written. */
void
booking_refuse_changed(int64 slot_id)
{
	Refusal changed = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "slot_not_booked",
		.table = "time_slots",
		.detail = "another session changed it without taking its lock, or a trigger did.",
		.hint = "Try again.",
	};

	changed.message = psprintf("time slot " INT64_FORMAT " could not be booked", slot_id);
	booking_refuse(&changed);
}

pg_noreturn static void refuse_unwritten(const BookingRequest *request);

/* Explains why the slot's own WHERE found nothing to take, though all rules passed. */
static void
refuse_unwritten(const BookingRequest *request)
{
	BookingFacts facts;

	booking_look_now(request, &facts);
	booking_enforce_rules(&facts);
	booking_refuse_changed(request->slot_id);
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
		refuse_unwritten(&facts->request);
	}
	booking_row(0, taken, nulls);
	facts->clinic_id = DatumGetInt64(taken[0]);
	facts->doctor_id = DatumGetInt64(taken[1]);
}

/* Marks the slot, which was judged to be free; false when that takes the statement. */
static bool
take_by_itself(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	const Datum values[] = {BoolGetDatum(purpose == HOLD), TimestampTzGetDatum(expires_at),
							TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())};
	const bool nulls[] = {false, purpose == BOOK, false};

	if (!booking_update(&slots, &facts->slot, values, nulls))
		return false;
	booking_note_place(&facts->slot, facts->request.slot_id, &slots.row->tts_tid);
	return true;
}

/* Marks the slot. What it says of its doctor is what the appointment will say. */
static void
take(BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	if (!take_by_itself(facts, purpose, expires_at))
		take_by_statement(facts, purpose, expires_at);
}

/* For an appointment that is moved there. */
void
booking_take_slot(BookingFacts *facts)
{
	take(facts, BOOK, 0);
}

/* Keeps the patient from being deleted meanwhile, as the appointment's foreign key would. */
static void
share_patient(BookingFacts *facts)
{
	Datum patient_id = Int64GetDatum(facts->request.patient_id);

	/* there the foreign key's trigger does it */
	if (IsolationUsesXactSnapshot())
		return;
	if (!booking_share_row(&facts->patient) &&
		booking_execute(&share_patient_plan, &patient_id, NULL) == 0)
		booking_refuse_unknown(&booking_patient, facts->request.patient_id);
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
insert(const BookingFacts *facts, const Caller *caller, Purpose purpose, TimestampTz expires_at)
{
	const BookingRequest *request = &facts->request;
	const char *status = purpose == HOLD ? "pending" : "booked";
	Datum key = PointerGetDatum(request->idempotency_key);
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	const Datum values[] = {Int64GetDatum(request->slot_id),
							Int64GetDatum(request->patient_id),
							Int64GetDatum(facts->clinic_id),
							Int64GetDatum(facts->doctor_id),
							TimestampTzGetDatum(facts->starts_at),
							TimestampTzGetDatum(facts->ends_at),
							booking_status(status),
							now,
							TimestampTzGetDatum(expires_at),
							key};
	const bool nulls[] = {false, false, false,           false,           false,
						  false, false, purpose == HOLD, purpose == BOOK, !key};
	const Event event = {
		.slot_id = request->slot_id,
		.to_status = status,
		.actor_role = caller->role,
		.actor = caller->subject,
	};
	Datum appointment;

	booking_insert(&appointments, values, nulls, &appointment, write_first_event, &event);
	return appointment;
}

/*
 * Whether somebody else's code has deleted what is booked, before there was an appointment that would
 * have kept it: no trigger of a foreign key has looked.
 */
static void
require_still_there(const BookingRequest *request)
{
	if ((booking_runs_code(&slots) || booking_runs_code(&appointments)) &&
		!booking_are_still_there(request))
		booking_refuse_changed(request->slot_id);
}

/* Books, or holds, what was the patient's own hold so far. */
static Datum
keep_hold(const BookingFacts *facts, Purpose purpose, TimestampTz expires_at)
{
	Change change = {.appointment_id = facts->occupant_id, .now = facts->now};
	Datum key = PointerGetDatum(facts->request.idempotency_key);
	char nulls[] = {' ', key ? ' ' : 'n', ' '};
	Datum values[] = {Int64GetDatum(facts->occupant_id), key, TimestampTzGetDatum(expires_at)};

	if (booking_change(&change, purpose == HOLD ? &extend_plan : &confirm_plan, values, nulls) == 0)
	{
		booking_require_no_hold(facts->occupant_id);
		refuse_unwritten(&facts->request);
	}
	return booking_returned_row();
}

/* Makes the appointment; a hold when it is to expire. Returns it in memory that outlives SPI_finish. */
static Datum
write_appointment(BookingFacts *facts, const Caller *caller, TimestampTz expires_at)
{
	Purpose purpose = expires_at != 0 ? HOLD : BOOK;
	Datum appointment;

	if (facts->is_own_hold)
		return keep_hold(facts, purpose, expires_at);
	booking_release_hold(facts);
	take(facts, purpose, expires_at);
	share_patient(facts);
	appointment = insert(facts, caller, purpose, expires_at);
	require_still_there(&facts->request);
	return appointment;
}

/*
 * Refuses at the first look, with nothing locked. But while another session is changing the appointment
 * there, perhaps cancelling it, its outcome is worth waiting for.
 */
static void
refuse_early(const BookingFacts *facts)
{
	if (!booking_looks_free(facts) && !facts->occupant_is_changing)
		booking_enforce_slot_rules(facts);
}

/* Of a hold made now, for as long as hold_for says, or the clinic. */
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
take_slot(const BookingRequest *request, Caller *caller, Purpose purpose, int64 hold_for)
{
	BookingFacts facts;
	TimestampTz expires_at = 0;
	Datum appointment;

	booking_glance(request, &facts);
	if (facts.slot_exists)
		booking_require_may_book_at(caller, request->patient_id, facts.clinic_id);
	/* without a key nothing was answered before, and SPI is not wanted to say no */
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
	booking_look_again(request, &facts);
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

BOOKING_FUNCTION_AS_CALLER(booking_book_slot)
{
	Caller caller;
	BookingRequest request;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);
	request.idempotency_key = booking_read_key(fcinfo, 2);

	booking_require_writable(fcinfo);
	return take_slot(&request, &caller, BOOK, 0);
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
	return take_slot(&request, &caller, HOLD, hold_for);
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
	appointment = write_appointment(&facts, &caller, 0);
	booking_end_look(&facts);
	SPI_finish();
	return appointment;
}
