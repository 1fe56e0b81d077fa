/*
 * local_time.c
 *		Local dates and times of clinics, and the zones they are in. Called by the files that deal with
 *		days, and by the server as the trigger on a clinic's zone.
 */
#include "base/base.h"

#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

/* As clinic_time_zone_has_1_to_64_characters has it. */
#define LONGEST_ZONE_NAME 64

/* As PLUS_IN_ZONE of search.c does it in SQL. */
TimestampTz
booking_plus_in_zone(TimestampTz instant, const Interval *span, const char *time_zone)
{
	Interval calendar = {.day = span->day, .month = span->month};
	Interval clock = {.time = span->time};
	Datum moment = TimestampTzGetDatum(instant);

	if (span->month != 0 || span->day != 0)
	{
		Datum zone = CStringGetTextDatum(time_zone);

		(void) booking_zone(time_zone);
		moment = DirectFunctionCall2(timestamptz_zone, zone, moment);
		moment = DirectFunctionCall2(timestamp_pl_interval, moment, IntervalPGetDatum(&calendar));
		moment = DirectFunctionCall2(timestamp_zone, zone, moment);
	}
	return DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, moment, IntervalPGetDatum(&clock)));
}

/* As a message shows a name, which may be a megabyte long. */
static char *
clipped(const char *name)
{
	return pnstrdup(name, pg_mbcliplen(name, strlen(name), LONGEST_ZONE_NAME));
}

/* The zone of a clinic. Its name was known when it was set, but zones come and go. */
pg_tz *
booking_zone(const char *name)
{
	pg_tz *zone = pg_tzset(name);

	if (zone == NULL)
		booking_refuse(TIME_ZONE_IS_STILL_KNOWN, .name = clipped(name));
	return zone;
}

/* Refuses a date that cannot be turned into an instant of every zone. */
void
booking_require_date(DateADT date)
{
	if (date < date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE ||
		date > date2j(9999, 12, 31) - POSTGRES_EPOCH_JDATE)
		booking_refuse(DATE_IN_RANGE);
}

/*
 * Whether AT TIME ZONE takes the name for one of the session's timezone_abbreviations. As such, CET is an
 * hour ahead of UTC all year, whatever the zone of that name does in summer.
 */
static bool
is_abbreviation(const char *name)
{
	char *lower = asc_tolower(name, strlen(name));
	int type;
	int offset;
	pg_tz *zone;

	return decode_zone_abbreviation(lower, &type, &offset, &zone) != 0 || type != UNKNOWN_FIELD;
}

/* A name's spelling in the server's zone database; NULL where it is no zone for clinics. */
static const char *
known_spelling(const char *name)
{
	static const char *const of_utc[] = {"UTC", "GMT", "UCT", "Zulu"};
	static const char *const no_zones[] = {"localtime", "posixrules"};
	/* a colon, as POSIX has it, keeps the server from reading the name as a rule such as FOO+3 */
	pg_tz *zone = pg_tzset(psprintf(":%s", name));
	const char *spelling;

	if (zone == NULL || !pg_tz_acceptable(zone))
		return NULL;
	spelling = pg_get_timezone_name(zone);
	if (strncmp(spelling, "posix/", strlen("posix/")) == 0)
		return NULL;
	for (int i = 0; i < lengthof(no_zones); i++)
	{
		if (strcmp(spelling, no_zones[i]) == 0)
			return NULL;
	}
	for (int i = 0; i < lengthof(of_utc); i++)
	{
		if (strcmp(spelling, of_utc[i]) == 0)
			return spelling;
	}
	return is_abbreviation(name) ? NULL : spelling;
}

/*
 * The zone as pg_timezone_names spells it, a query of which would take a hundred times as long. Refuses a
 * zone that is not known.
 */
Datum
booking_known_zone(Datum name)
{
	char *wanted = TextDatumGetCString(booking_trim(name));
	const char *spelling = strlen(wanted) <= LONGEST_ZONE_NAME ? known_spelling(wanted) : NULL;

	if (spelling == NULL)
		booking_refuse(TIME_ZONE_IS_KNOWN, .name = clipped(wanted));
	return CStringGetTextDatum(spelling);
}

/*
 * A day begins once the date before is over for good. Where the clocks go back into the evening before,
 * that is the second midnight. Where they go back to midnight, it is the first.
 */
TimestampTz
booking_day_start(DateADT date, pg_tz *zone)
{
	pg_time_t midnight =
		((pg_time_t) date + POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	pg_time_t from = midnight - 2 * SECS_PER_DAY;
	pg_time_t start = midnight;
	bool has_change = true;

	/* from one change of the clocks to the next */
	while (has_change && from < midnight + 2 * SECS_PER_DAY)
	{
		pg_time_t change = midnight;
		long offset;
		long later_offset;
		int is_dst;
		int is_later_dst;
		int found = pg_next_dst_boundary(&from, &offset, &is_dst, &change, &later_offset,
										 &is_later_dst, zone);

		if (found < 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("timestamp out of range")));
		has_change = found > 0;
		if (from < midnight - offset)
			start = has_change ? Min(change, midnight - offset) : midnight - offset;
		from = change;
	}
	return time_t_to_timestamptz(start);
}

/* The local date of an instant. */
DateADT
booking_local_date(TimestampTz instant, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;

	if (timestamp2tm(instant, &offset, &tm, &fsec, NULL, zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

/* A BEFORE UPDATE trigger: the zone has to be known, and is spelled as the server spells it. */
BOOKING_FUNCTION(booking_check_time_zone)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_UPDATE, "clinics");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int column = booking_column_of_type(desc, "time_zone", TEXTOID);
	bool isnull;
	Datum zone = heap_getattr(trigger->tg_newtuple, column, desc, &isnull);
	HeapTuple row = trigger->tg_newtuple;

	/* the column's NOT NULL answers for a null */
	if (!isnull)
	{
		zone = booking_known_zone(zone);
		row = heap_modify_tuple_by_cols(row, desc, 1, &column, &zone, &isnull);
	}
	return PointerGetDatum(row);
}
