/*
 * calendar.c
 *		Turning working hours into time slots. Called through SQL.
 *
 * A session is the interval between two instants; its ends are local times that PostgreSQL's
 * zone library turns into instants, and it is cut into slots of equal real length. So a change
 * of the clocks gives fewer or more slots, never a wrong one.
 */
#include "booking.h"

#include "utils/builtins.h"
#include "utils/date.h"

#define SHORTEST_SLOT 5
#define LONGEST_SLOT 480
#define FURTHEST_YEARS 100

/* $1 doctor, $2 date, $3 and $4 start and end as local times. */
#define SESSION_SQL \
	"SELECT d.is_active AND c.is_active AND c.deleted_at IS NULL, c.time_zone," \
	"       ($2 + $3) AT TIME ZONE c.time_zone, ($2 + $4) AT TIME ZONE c.time_zone," \
	"       (statement_timestamp() AT TIME ZONE c.time_zone)::date" \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id" \
	" WHERE d.id = $1 AND d.deleted_at IS NULL"

/* A slot that overlaps the session started at most its greatest length before it. */
#define CLASH_SQL \
	"SELECT starts_at, ends_at FROM booking.time_slots" \
	" WHERE doctor_id = $1 AND deleted_at IS NULL" \
	" AND starts_at > $2 - interval '8 hours' AND starts_at < $3 AND ends_at > $2" \
	" ORDER BY starts_at LIMIT 1"

#define ADD_SQL \
	"INSERT INTO booking.time_slots AS s (clinic_id, doctor_id, starts_at, ends_at)" \
	" SELECT d.clinic_id, d.id, t, t + $4 * interval '1 minute'" \
	" FROM booking.doctors d," \
	"      generate_series($2, $3 - $4 * interval '1 minute', $4 * interval '1 minute') t" \
	" WHERE d.id = $1 RETURNING s"

static BookingPlan session_plan = {SESSION_SQL, 4, {INT8OID, DATEOID, TIMEOID, TIMEOID}};
static BookingPlan clash_plan = {CLASH_SQL, 3, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
static BookingPlan add_plan = {ADD_SQL, 4, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID}};

/* One stretch of a doctor's work, by the wall clock and in instants. */
typedef struct Session
{
	int64 doctor_id;
	DateADT date;
	TimeADT start_time;
	TimeADT end_time;
	int32 slot_minutes;

	DateADT today;
	char *time_zone;
	TimestampTz starts_at;
	TimestampTz ends_at;
} Session;

static void
refuse_session(const char *rule, const char *message, const char *detail, const char *hint)
{
	Refusal refusal = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = rule,
		.table = "time_slots",
		.message = message,
		.detail = detail,
		.hint = hint,
	};

	booking_refuse(&refusal);
}

static void
read_session(FunctionCallInfo fcinfo, Session *session)
{
	static const char *const names[] = {"doctor_id", "on_date", "start_time", "end_time",
										"slot_minutes"};

	for (int i = 0; i < lengthof(names); i++)
		booking_require(fcinfo, i, names[i]);
	session->doctor_id = PG_GETARG_INT64(0);
	session->date = PG_GETARG_DATEADT(1);
	session->start_time = PG_GETARG_TIMEADT(2);
	session->end_time = PG_GETARG_TIMEADT(3);
	session->slot_minutes = PG_GETARG_INT32(4);
}

/* What can be said of a session without knowing whose it is. */
static void
check_hours(const Session *session)
{
	int64 length = session->end_time - session->start_time;

	if (length <= 0)
		refuse_session("session_ends_after_it_starts", "the session does not end after it starts",
					   "end_time must be later than start_time; 24:00 is the end of the day.",
					   "Add a session past midnight as two, one on each date.");
	if (session->slot_minutes < SHORTEST_SLOT || session->slot_minutes > LONGEST_SLOT)
		refuse_session("slot_lasts_5_minutes_to_8_hours",
					   psprintf("slots cannot be %d minutes long", session->slot_minutes),
					   "slot_minutes is 5 to 480.", "Choose another slot length.");
	if (length % (session->slot_minutes * USECS_PER_MINUTE) != 0)
		refuse_session(
			"session_divides_evenly",
			psprintf("slots of %d minutes do not fill the session", session->slot_minutes),
			psprintf(
				"the session is from %s to %s.",
				DatumGetCString(
					DirectFunctionCall1(time_out, TimeADTGetDatum(session->start_time))),
				DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(session->end_time)))),
			"Choose a slot length that divides the session evenly, or other hours.");
}

static void
check_date(const Session *session)
{
	if (session->date < session->today)
		refuse_session("date_not_past", "the date is before the clinic's today",
					   psprintf("today is %s in %s.",
								DatumGetCString(
									DirectFunctionCall1(date_out, DateADTGetDatum(session->today))),
								session->time_zone),
					   "Choose a date from today on.");
	if (session->date > session->today + FURTHEST_YEARS * 366)
		refuse_session("date_within_a_century", "the date is more than a century ahead",
					   "a calendar that far ahead is a slip of the pen.", "Check the year.");
}

static void
check_doctor_works(int64 doctor_id, bool works)
{
	Refusal idle = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_active",
		.table = "doctors",
		.detail = "the doctor or the clinic is inactive, or the clinic was removed.",
		.hint = "Set is_active of the doctor and of the clinic first.",
	};

	if (works)
		return;
	idle.message = psprintf("doctor " INT64_FORMAT " takes no bookings", doctor_id);
	booking_refuse(&idle);
}

/* Finds the instants at which the session starts and ends. */
static void
place_session(Session *session)
{
	Datum args[] = {Int64GetDatum(session->doctor_id), DateADTGetDatum(session->date),
					TimeADTGetDatum(session->start_time), TimeADTGetDatum(session->end_time)};
	Datum values[5];
	bool nulls[5];

	if (booking_execute(&session_plan, args, NULL) == 0)
		booking_refuse_unknown(&booking_doctor, session->doctor_id);
	booking_row(0, values, nulls);
	check_doctor_works(session->doctor_id, DatumGetBool(values[0]));
	session->time_zone = TextDatumGetCString(values[1]);
	session->starts_at = DatumGetTimestampTz(values[2]);
	session->ends_at = DatumGetTimestampTz(values[3]);
	session->today = DatumGetDateADT(values[4]);
}

/* The constraint would refuse it as well, but could not say when the other slot is. */
static void
check_calendar_is_free(const Session *session)
{
	Refusal clash = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_slots_do_not_overlap",
		.table = "time_slots",
		.hint = "Remove the other slot, or choose other hours.",
	};
	Datum args[] = {Int64GetDatum(session->doctor_id), TimestampTzGetDatum(session->starts_at),
					TimestampTzGetDatum(session->ends_at)};
	Datum values[2];
	bool nulls[2];

	if (booking_execute(&clash_plan, args, NULL) == 0)
		return;
	booking_row(0, values, nulls);
	clash.message = psprintf("doctor " INT64_FORMAT " has another time slot during the session",
							 session->doctor_id);
	clash.detail = psprintf("the first one is from %s to %s.",
							booking_local_time(DatumGetTimestampTz(values[0]), session->time_zone),
							booking_local_time(DatumGetTimestampTz(values[1]), session->time_zone));
	booking_refuse(&clash);
}

static void
add_slots(const Session *session)
{
	Datum args[] = {Int64GetDatum(session->doctor_id), TimestampTzGetDatum(session->starts_at),
					TimestampTzGetDatum(session->ends_at), Int32GetDatum(session->slot_minutes)};

	booking_execute(&add_plan, args, NULL);
}

PG_FUNCTION_INFO_V1(booking_add_time_slots);
Datum
booking_add_time_slots(PG_FUNCTION_ARGS)
{
	Session session;

	read_session(fcinfo, &session);
	booking_require_date(session.date);
	check_hours(&session);

	booking_start_writing("add_time_slots()");
	booking_lock(CALENDAR_LOCK, session.doctor_id, CALENDAR_EDIT);
	place_session(&session);
	check_date(&session);
	check_calendar_is_free(&session);
	add_slots(&session);
	booking_return_set_of_rows(fcinfo);
	SPI_finish();
	return (Datum) 0;
}
