/*
 * generate.c
 *		Turning weekly schedules into time slots over a range of dates. Called through SQL, by
 *		maintain(), and when a schedule is added.
 *
 * This is done a doctor at a time. What is in their calendar already is read in order, and the sessions
 * are cut into candidates. One sweep over both leaves out what cannot be, and one statement inserts the
 * rest. Nothing of one doctor is kept for the next, so memory does not grow.
 */
#include "calendar/calendar.h"
#include "store/store.h"
#include "callers/callers.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

/* $1 doctor, $2 clinic; in the order of their calendar locks. */
#define SCHEDULED_DOCTORS_SQL \
	"SELECT d.id FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id" \
	" WHERE ($1 IS NULL OR d.id = $1) AND ($2 IS NULL OR d.clinic_id = $2)" \
	" AND d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL" \
	" AND EXISTS (SELECT FROM booking.schedules s WHERE s.doctor_id = d.id AND s.deleted_at IS NULL)" \
	" ORDER BY d.id"

#define SCHEDULES_SQL \
	"SELECT weekday, start_time, end_time, slot_minutes, gap_minutes," \
	"       coalesce(valid_from, '-infinity'), coalesce(valid_until, 'infinity')" \
	" FROM booking.schedules WHERE doctor_id = $1 AND deleted_at IS NULL"

#define GENERATED_DAYS_SQL \
	"SELECT local_date FROM booking.generated_days" \
	" WHERE doctor_id = $1 AND local_date BETWEEN $2 AND $3 ORDER BY local_date"

#define NOTE_DAYS_SQL \
	"INSERT INTO booking.generated_days (doctor_id, local_date)" \
	" SELECT $1, day FROM unnest($2) AS day"

static BookingPlan scheduled_doctors_plan = {SCHEDULED_DOCTORS_SQL, 2, {INT8OID, INT8OID}};
static BookingPlan schedules_plan = {SCHEDULES_SQL, 1, {INT8OID}};
static BookingPlan generated_days_plan = {GENERATED_DAYS_SQL, 3, {INT8OID, DATEOID, DATEOID}};
static BookingPlan note_days_plan = {NOTE_DAYS_SQL, 2, {INT8OID, DATEARRAYOID}};
static BookingPlan forget_doctor_plan = {
	"DELETE FROM booking.generated_doctors WHERE doctor_id = $1", 1, {INT8OID}};
static BookingPlan is_generated_plan = {
	"SELECT FROM booking.generated_doctors WHERE doctor_id = $1", 1, {INT8OID}};
static BookingPlan clinic_is_active_plan = {
	"SELECT is_active FROM booking.clinics WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

typedef struct Schedule
{
	int weekday;
	Hours hours;
	DateADT valid_from;
	DateADT valid_until;
} Schedule;

/* One doctor's calendar as it is found. */
typedef struct Calendar
{
	Doctor doctor;
	Schedule *schedules;
	int schedule_count;
	DateADT *generated;
	int generated_count;
	Stretches off;
	Stretches existing;
} Calendar;

/* What is going to be added to it. */
typedef struct Additions
{
	Stretches slots;
	Datum *days;
	int day_count;
	int64 clashes;
} Additions;

typedef struct DateRange
{
	DateADT first;
	DateADT last;
} DateRange;

static void
read_schedules(Calendar *calendar)
{
	Datum arg = Int64GetDatum(calendar->doctor.id);

	calendar->schedule_count = booking_execute_latest(&schedules_plan, &arg, NULL);
	calendar->schedules = palloc((calendar->schedule_count + 1) * sizeof(Schedule));
	for (int i = 0; i < calendar->schedule_count; i++)
	{
		Datum values[7];
		bool nulls[7];

		booking_row(i, values, nulls);
		calendar->schedules[i] = (Schedule){
			.weekday = DatumGetInt32(values[0]),
			.hours.start_time = DatumGetTimeADT(values[1]),
			.hours.end_time = DatumGetTimeADT(values[2]),
			.hours.slot_minutes = DatumGetInt32(values[3]),
			.hours.gap_minutes = DatumGetInt32(values[4]),
			.valid_from = DatumGetDateADT(values[5]),
			.valid_until = DatumGetDateADT(values[6]),
		};
		if (calendar->schedules[i].hours.slot_minutes < SHORTEST_SLOT_MINUTES)
			booking_refuse_value("slot_minutes");
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
read_generated(Calendar *calendar, const DateRange *range)
{
	Datum args[] = {Int64GetDatum(calendar->doctor.id), DateADTGetDatum(range->first),
					DateADTGetDatum(range->last)};

	calendar->generated_count = booking_execute_latest(&generated_days_plan, args, NULL);
	calendar->generated = palloc((calendar->generated_count + 1) * sizeof(DateADT));
	for (int i = 0; i < calendar->generated_count; i++)
	{
		Datum day;
		bool isnull;

		booking_row(i, &day, &isnull);
		calendar->generated[i] = DatumGetDateADT(day);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
read_calendar(Calendar *calendar, int64 doctor_id, const DateRange *range)
{
	Stretch days;

	memset(calendar, 0, sizeof(*calendar));
	booking_find_doctor(doctor_id, &calendar->doctor);
	SPI_freetuptable(SPI_tuptable);
	/* a day more than the dates, for sessions past midnight */
	days.starts_at = booking_day_start(range->first, calendar->doctor.zone);
	days.ends_at = booking_day_start(range->last + 2, calendar->doctor.zone);
	read_schedules(calendar);
	read_generated(calendar, range);
	booking_read_slots(doctor_id, &days, &calendar->existing);
	booking_find_time_off(&calendar->doctor, days.starts_at, days.ends_at, &calendar->off);
}

/* Cuts all sessions of the days that are not generated yet. The slots are not in order. */
static void
cut_days(const Calendar *calendar, const DateRange *range, Additions *additions)
{
	DateADT today = booking_local_date(GetCurrentTimestamp(), calendar->doctor.zone);
	int next_generated = 0;

	additions->days = palloc((range->last - range->first + 1) * sizeof(Datum));

	/* a session that started yesterday may go on past midnight */
	for (DateADT day = range->first; day <= range->last; day++)
	{
		int weekday = (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7 + 1;
		int sessions = 0;

		if (next_generated < calendar->generated_count &&
			calendar->generated[next_generated] == day)
		{
			next_generated++;
			continue;
		}
		for (int i = 0; i < calendar->schedule_count && day >= today - 1; i++)
		{
			const Schedule *schedule = &calendar->schedules[i];

			if (schedule->weekday != weekday || day < schedule->valid_from ||
				day > schedule->valid_until)
				continue;
			booking_cut_session(day, &schedule->hours, calendar->doctor.zone, &additions->slots);
			sessions++;
		}
		if (sessions > 0)
			additions->days[additions->day_count++] = DateADTGetDatum(day);
	}
}

static int
compare_starts(const void *a, const void *b)
{
	TimestampTz one = ((const Stretch *) a)->starts_at;
	TimestampTz other = ((const Stretch *) b)->starts_at;

	return (one > other) - (one < other);
}

static bool
overlaps(const Stretch *one, const Stretch *other)
{
	return one->starts_at < other->ends_at && one->ends_at > other->starts_at;
}

/* Whether a slot is inside one of the times off; they may overlap each other, and are few. */
static bool
is_off(const Stretch *slot, const Stretches *off)
{
	for (int i = 0; i < off->count; i++)
	{
		if (overlaps(slot, &off->list[i]))
			return true;
	}
	return false;
}

/*
 * Leaves out candidates that have started, are off, exist or clash. One sweep will do, since existing slots
 * never overlap each other and both lists are in the order of their starts.
 */
static void
sweep(const Calendar *calendar, Additions *additions)
{
	TimestampTz now = GetCurrentTimestamp();
	Stretches *slots = &additions->slots;
	const Stretches *existing = &calendar->existing;
	int next = 0;
	int kept = 0;

	if (slots->count > 1)
		qsort(slots->list, slots->count, sizeof(Stretch), compare_starts);
	for (int i = 0; i < slots->count; i++)
	{
		const Stretch *slot = &slots->list[i];

		while (next < existing->count && existing->list[next].ends_at <= slot->starts_at)
			next++;
		if (slot->starts_at <= now || is_off(slot, &calendar->off))
			continue;
		if (next < existing->count && memcmp(&existing->list[next], slot, sizeof(Stretch)) == 0)
			continue;
		if ((next < existing->count && overlaps(&existing->list[next], slot)) ||
			(kept > 0 && overlaps(&slots->list[kept - 1], slot)))
		{
			additions->clashes++;
			continue;
		}
		slots->list[kept++] = *slot;
	}
	slots->count = kept;
}

static void
note_days(const Calendar *calendar, const Additions *additions)
{
	Datum args[] = {Int64GetDatum(calendar->doctor.id),
					PointerGetDatum(construct_array(additions->days, additions->day_count, DATEOID,
													sizeof(DateADT), true, TYPALIGN_INT))};

	booking_require_written(booking_execute(&note_days_plan, args, NULL), additions->day_count);
}

/* Generates for one doctor, and adds to the counts of the others. */
void
booking_generate_days(int64 doctor_id, DateADT first, DateADT last, GeneratedSlots *generated)
{
	DateRange range = {first, last};
	Calendar calendar;
	Additions additions = {0};

	booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_EDIT);
	read_calendar(&calendar, doctor_id, &range);
	cut_days(&calendar, &range, &additions);
	sweep(&calendar, &additions);
	if (additions.slots.count > 0)
		booking_insert_slots(&calendar.doctor, &additions.slots);
	if (additions.day_count > 0)
		note_days(&calendar, &additions);
	generated->added += additions.slots.count;
	generated->clashes += additions.clashes;
}

void
booking_notice_clashes(const GeneratedSlots *generated)
{
	if (generated->clashes > 0)
		ereport(NOTICE, (errmsg_plural("%lld slot was left out because it would overlap another",
									   "%lld slots were left out because they would overlap others",
									   (unsigned long) generated->clashes,
									   (long long) generated->clashes)));
}

/* Lets maintain() start anew with a doctor whose hours have changed and whose calendar is locked. */
void
booking_generate_again(int64 doctor_id)
{
	Datum arg = Int64GetDatum(doctor_id);

	if (booking_execute(&forget_doctor_plan, &arg, NULL) == 0)
		booking_require_none_left(&is_generated_plan, &arg, NULL);
}

static void
check_dates(const DateRange *range)
{
	booking_require_date(range->first);
	booking_require_date(range->last);
	if (range->first > range->last)
		booking_refuse(DATES_NOT_REVERSED);
	if (range->last - range->first > LONGEST_RANGE_DAYS)
		booking_refuse(RANGE_TO_GENERATE);
	booking_check_not_too_far(range->last,
							  booking_local_date(GetCurrentTimestamp(), pg_tzset("UTC")));
}

/* Refuses a named doctor or clinic that cannot have slots. Such others are passed over. */
static void
check_named(FunctionCallInfo fcinfo)
{
	Doctor doctor;

	if (PG_ARGISNULL(2) && PG_ARGISNULL(3))
		booking_require_admin();
	if (!PG_ARGISNULL(3))
	{
		booking_require_staff_of(PG_GETARG_INT64(3));
		if (booking_execute(&clinic_is_active_plan, &PG_GETARG_DATUM(3), NULL) == 0)
			booking_refuse(CLINIC_EXISTS, .id = PG_GETARG_INT64(3));
		if (!DatumGetBool(booking_value()))
			booking_refuse(CLINIC_ACTIVE_FOR_SLOTS, .clinic_id = PG_GETARG_INT64(3));
	}
	if (!PG_ARGISNULL(2))
	{
		booking_find_doctor(PG_GETARG_INT64(2), &doctor);
		booking_require_active(&doctor);
	}
}

/* The ids of the doctors to generate for, in memory of their own. */
static int64 *
list_scheduled_doctors(FunctionCallInfo fcinfo, uint64 *count)
{
	Datum args[] = {PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	const char nulls[] = {PG_ARGISNULL(2) ? 'n' : ' ', PG_ARGISNULL(3) ? 'n' : ' '};
	int64 *ids;

	*count = booking_execute(&scheduled_doctors_plan, args, nulls);
	ids = palloc((*count + 1) * sizeof(int64));
	for (uint64 i = 0; i < *count; i++)
	{
		Datum id;
		bool isnull;

		booking_row(i, &id, &isnull);
		ids[i] = DatumGetInt64(id);
	}
	SPI_freetuptable(SPI_tuptable);
	return ids;
}

BOOKING_FUNCTION(booking_generate_slots)
{
	DateRange range = {PG_GETARG_DATEADT(0), PG_GETARG_DATEADT(1)};
	GeneratedSlots generated = {0};
	uint64 count;
	int64 *doctors;
	MemoryContext doctor_context;
	MemoryContext oldcontext;

	booking_require(fcinfo, 0, "from_date");
	booking_require(fcinfo, 1, "until_date");
	check_dates(&range);

	booking_start_writing(fcinfo);
	check_named(fcinfo);
	doctors = list_scheduled_doctors(fcinfo, &count);
	doctor_context =
		AllocSetContextCreate(CurrentMemoryContext, "booking calendar", ALLOCSET_DEFAULT_SIZES);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		oldcontext = MemoryContextSwitchTo(doctor_context);
		booking_generate_days(doctors[i], range.first, range.last, &generated);
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(doctor_context);
	}
	SPI_finish();

	booking_notice_clashes(&generated);
	PG_RETURN_INT64(generated.added);
}
