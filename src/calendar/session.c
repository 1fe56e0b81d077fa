/*
 * session.c
 *		Working sessions: local times turned into instants and cut into slots, and adding one by
 *		hand. Called through SQL, and by the files that generate slots and keep schedules.
 *
 * PostgreSQL's zone library turns the local times at the ends of a session into instants. The time between
 * these is cut into slots of equal real length. So a change of the clocks gives fewer or more slots, never
 * a wrong one.
 */
#include "calendar/calendar.h"
#include "callers/callers.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#define FURTHEST_DAYS (100 * 366)

#define INSERT_SQL \
	"INSERT INTO booking.time_slots AS s (clinic_id, doctor_id, starts_at, ends_at)" \
	" SELECT $1, $2, t.starts_at, t.ends_at FROM unnest($3, $4) AS t (starts_at, ends_at)"

#define INSERT_ARGS \
	4, \
	{ \
		INT8OID, INT8OID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID \
	}

static BookingPlan insert_plan = {INSERT_SQL, INSERT_ARGS};
static BookingPlan insert_and_return_plan = {INSERT_SQL " RETURNING s", INSERT_ARGS};

/*
 * As "date + time AT TIME ZONE zone" has it; 24:00 is the next day's 00:00. But 00:00 is when the day
 * begins, whatever the clocks do, so that from 00:00 to 24:00 is a whole day.
 */
static TimestampTz
to_instant(DateADT date, TimeADT time, pg_tz *zone)
{
	struct pg_tm tm = {0};
	DateADT day = date + time / USECS_PER_DAY;
	TimeADT rest = time % USECS_PER_DAY;
	int offset;

	if (rest == 0)
		return booking_day_start(day, zone);
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = rest / USECS_PER_HOUR;
	tm.tm_min = rest / USECS_PER_MINUTE % MINS_PER_HOUR;
	tm.tm_sec = rest / USECS_PER_SEC % SECS_PER_MINUTE;
	offset = DetermineTimeZoneOffset(&tm, zone);
	return day * USECS_PER_DAY + rest + offset * USECS_PER_SEC;
}

/* Cuts a session that starts on a date. One whose end is no later than its start ends the day after. */
void
booking_cut_session(DateADT date, const Hours *hours, pg_tz *zone, Stretches *slots)
{
	bool is_overnight = hours->end_time <= hours->start_time;
	TimestampTz starts_at = to_instant(date, hours->start_time, zone);
	TimestampTz ends_at = to_instant(date + (is_overnight ? 1 : 0), hours->end_time, zone);
	int64 length = hours->slot_minutes * USECS_PER_MINUTE;
	int64 gap = hours->gap_minutes * USECS_PER_MINUTE;

	for (; starts_at + length <= ends_at; starts_at += length + gap)
		booking_add_stretch(slots, starts_at, starts_at + length);
}

static Datum
instants_as_array(const Stretches *slots, size_t field)
{
	Datum *instants = palloc(slots->count * sizeof(Datum));

	for (int i = 0; i < slots->count; i++)
		instants[i] =
			TimestampTzGetDatum(*(const TimestampTz *) ((const char *) &slots->list[i] + field));
	return PointerGetDatum(construct_array(instants, slots->count, TIMESTAMPTZOID,
										   sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Inserts all of them, or none. */
static void
insert_slots(BookingPlan *plan, const Doctor *doctor, const Stretches *slots)
{
	Datum args[] = {Int64GetDatum(doctor->clinic_id), Int64GetDatum(doctor->id),
					instants_as_array(slots, offsetof(Stretch, starts_at)),
					instants_as_array(slots, offsetof(Stretch, ends_at))};

	booking_require_written(booking_execute(plan, args, NULL), slots->count);
}

void
booking_insert_slots(const Doctor *doctor, const Stretches *slots)
{
	insert_slots(&insert_plan, doctor, slots);
}

/* How long a session is on a day without a change of the clocks. */
static int64
session_length(const Hours *hours)
{
	return hours->end_time - hours->start_time +
		   (hours->end_time <= hours->start_time ? USECS_PER_DAY : 0);
}

/* What can be said of working hours without knowing whose they are. */
void
booking_check_hours(const Hours *hours)
{
	int64 length = session_length(hours);

	booking_require_between(hours->slot_minutes, SHORTEST_SLOT_MINUTES, LONGEST_SLOT_MINUTES,
							SLOT_LENGTH);
	booking_require_between(hours->gap_minutes, 0, LONGEST_SLOT_MINUTES, GAP_LENGTH);
	if (hours->start_time >= USECS_PER_DAY)
		booking_refuse(START_TIME_IS_BEFORE_24_00);
	if (Max(hours->slot_minutes, hours->gap_minutes) * USECS_PER_MINUTE > length)
		booking_refuse(SESSION_HAS_ROOM, .number = length / USECS_PER_MINUTE);
}

static char *
time_in_words(TimeADT time)
{
	return DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(time)));
}

/* A session added by hand ends on its day, and its slots fill it. */
static void
check_session(const Hours *hours)
{
	if (hours->end_time <= hours->start_time)
		booking_refuse(SESSION_ENDS_AFTER_IT_STARTS);
	booking_check_hours(hours);
	if (session_length(hours) % (hours->slot_minutes * USECS_PER_MINUTE) != 0)
		booking_refuse(SESSION_DIVIDES_EVENLY, .number = hours->slot_minutes,
					   .start_time = time_in_words(hours->start_time),
					   .end_time = time_in_words(hours->end_time));
}

/* Refuses what is more than a century ahead of the clinic's today. */
void
booking_check_not_too_far(DateADT date, DateADT today)
{
	if (date > today + FURTHEST_DAYS)
		booking_refuse(DATE_WITHIN_A_CENTURY);
}

static void
check_date(DateADT date, const Doctor *doctor)
{
	DateADT today = booking_local_date(GetCurrentTimestamp(), doctor->zone);

	if (date < today)
		booking_refuse(DATE_NOT_PAST, .zone = doctor->time_zone,
					   .what =
						   DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(today))));
	booking_check_not_too_far(date, today);
}

/* The constraint would refuse it as well, but could not say when the other slot is. */
static void
check_calendar_is_free(const Doctor *doctor, TimestampTz starts_at, TimestampTz ends_at)
{
	const Stretch stretch = {starts_at, ends_at};
	Stretches others = {0};

	booking_read_slots(doctor->id, &stretch, &others);
	if (others.count > 0)
		booking_refuse(SESSION_DOES_NOT_OVERLAP, .doctor_id = doctor->id,
					   .from = others.list[0].starts_at, .until = others.list[0].ends_at,
					   .zone = doctor->time_zone);
}

/* Hours that the clocks skip have no length, or less than they seem to. */
static void
check_hours_exist(DateADT date, const Hours *hours, const Doctor *doctor, const Stretches *slots)
{
	if (slots->count == 0)
		booking_refuse(SESSION_FITS_A_SLOT, .number = hours->slot_minutes,
					   .from = to_instant(date, hours->start_time, doctor->zone),
					   .until = to_instant(date, hours->end_time, doctor->zone),
					   .zone = doctor->time_zone);
}

static void
check_stretch_is_free(const Doctor *doctor, const Stretches *slots)
{
	TimestampTz starts_at = slots->list[0].starts_at;
	TimestampTz ends_at = slots->list[slots->count - 1].ends_at;

	check_calendar_is_free(doctor, starts_at, ends_at);
	booking_check_not_off(doctor, starts_at, ends_at);
}

BOOKING_FUNCTION(booking_add_time_slots)
{
	static const char *const names[] = {"doctor_id", "on_date", "start_time", "end_time",
										"slot_minutes"};
	int64 doctor_id = PG_GETARG_INT64(0);
	DateADT date = PG_GETARG_DATEADT(1);
	Hours hours = {
		.start_time = PG_GETARG_TIMEADT(2),
		.end_time = PG_GETARG_TIMEADT(3),
		.slot_minutes = PG_GETARG_INT32(4),
	};
	Stretches slots = {0};
	Doctor doctor;

	for (int i = 0; i < lengthof(names); i++)
		booking_require(fcinfo, i, names[i]);
	booking_require_date(date);
	check_session(&hours);

	booking_start_writing(fcinfo);
	booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_EDIT);
	booking_find_doctor(doctor_id, &doctor);
	booking_require_active(&doctor);
	check_date(date, &doctor);
	booking_cut_session(date, &hours, doctor.zone, &slots);
	check_hours_exist(date, &hours, &doctor, &slots);
	check_stretch_is_free(&doctor, &slots);
	insert_slots(&insert_and_return_plan, &doctor, &slots);
	booking_return_set_of_rows(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

/* A pure function of its arguments and the zone library: for previews, and for tests. */
BOOKING_FUNCTION_AS_CALLER(booking_session_slots)
{
	static const char *const names[] = {"on_date",   "start_time",   "end_time",
										"time_zone", "slot_minutes", "gap_minutes"};
	Stretches slots = {0};
	Hours hours;
	ReturnSetInfo *result;

	for (int i = 0; i < lengthof(names); i++)
		booking_require(fcinfo, i, names[i]);
	hours = (Hours){
		.start_time = PG_GETARG_TIMEADT(1),
		.end_time = PG_GETARG_TIMEADT(2),
		.slot_minutes = PG_GETARG_INT32(4),
		.gap_minutes = PG_GETARG_INT32(5),
	};
	booking_require_date(PG_GETARG_DATEADT(0));
	booking_check_hours(&hours);
	booking_cut_session(PG_GETARG_DATEADT(0), &hours,
						booking_zone(text_to_cstring(PG_GETARG_TEXT_PP(3))), &slots);

	result = booking_start_set(fcinfo);
	for (int i = 0; i < slots.count; i++)
	{
		Datum values[] = {TimestampTzGetDatum(slots.list[i].starts_at),
						  TimestampTzGetDatum(slots.list[i].ends_at)};
		bool nulls[] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
