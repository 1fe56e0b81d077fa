/*
 * local_time.c
 *		Instants as a clinic's people read them, and the zones they are read in. Called by the
 *		files that word messages, and when a clinic is added or changes its zone.
 */
#include "booking.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

/* As clinic_time_zone_has_1_to_64_characters has it. */
#define LONGEST_ZONE_NAME 64

/*
 * Not what is an abbreviation as well, save those of UTC: AT TIME ZONE takes CET for one hour ahead of
 * UTC all year, whatever the zone of that name does in summer, and EST for what the session's
 * timezone_abbreviations have.
 */
#define KNOWN_ZONE_SQL \
	"SELECT name FROM pg_catalog.pg_timezone_names" \
	" WHERE lower(name) = lower($1) AND name NOT LIKE 'posix/%'" \
	" AND name NOT IN ('localtime', 'posixrules')" \
	" AND (name IN ('UTC', 'GMT', 'UCT', 'Zulu')" \
	"      OR NOT EXISTS (SELECT FROM pg_catalog.pg_timezone_abbrevs WHERE abbrev = upper($1)))" \
	" ORDER BY name = $1 DESC LIMIT 1"

static BookingPlan known_zone_plan = {KNOWN_ZONE_SQL, 1, {TEXTOID}};

/*
 * Such as "2099-06-01 09:00 BST (Europe/London)"; the abbreviation tells a fold's hours apart. What cannot
 * be put so is in the session's zone.
 */
char *
booking_local_time(TimestampTz instant, const char *time_zone)
{
	pg_tz *zone = pg_tzset(time_zone);
	struct pg_tm local;
	fsec_t fraction;
	int offset;
	const char *abbreviation;
	char text[MAXDATELEN + 1];

	if (zone == NULL || TIMESTAMP_NOT_FINITE(instant) ||
		timestamp2tm(instant, &offset, &local, &fraction, &abbreviation, zone) != 0 ||
		abbreviation == NULL || local.tm_year < 1)
		return pstrdup(timestamptz_to_str(instant));
	EncodeDateTime(&local, 0, false, offset, NULL, USE_ISO_DATES, text);
	/* without the seconds */
	text[strlen(text) - strlen(":00")] = '\0';
	return psprintf("%s %s (%s)", text, abbreviation, time_zone);
}

/* Adds a span, its months and days by the calendar of the zone. See PLUS_IN_ZONE. */
TimestampTz
booking_plus_in_zone(TimestampTz instant, const Interval *span, const char *time_zone)
{
	Interval calendar = {0, span->day, span->month};
	Interval clock = {span->time, 0, 0};
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

/* What a message shows of a name that may be a megabyte long. */
static char *
clipped(const char *name)
{
	return pnstrdup(name, pg_mbcliplen(name, strlen(name), LONGEST_ZONE_NAME));
}

/* The zone of a clinic; its name was known when it was set, but zones come and go. */
pg_tz *
booking_zone(const char *name)
{
	Refusal gone = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "time_zone_is_known",
		.table = "clinics",
		.detail = "this server's time zone database has no zone of that name.",
		.hint = "Set the clinic's time_zone to a name of pg_timezone_names.",
	};
	pg_tz *zone = pg_tzset(name);

	if (zone != NULL)
		return zone;
	gone.message = psprintf("there is no time zone \"%s\"", clipped(name));
	booking_refuse(&gone);
}

/* Refuses a date that cannot be turned into an instant of every zone. */
void
booking_require_date(DateADT date)
{
	static const Refusal no_date = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "date_in_range",
		.table = "time_slots",
		.message = "the date is not a day of the years 1 to 9999",
		.detail = "infinity is not a day either.",
		.hint = "Give the clinic's local date as YYYY-MM-DD.",
	};

	if (date < date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE ||
		date > date2j(9999, 12, 31) - POSTGRES_EPOCH_JDATE)
		booking_refuse(&no_date);
}

/* The zone as pg_timezone_names spells it; refuses one that is not there. */
Datum
booking_known_zone(Datum name)
{
	Refusal unknown = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "time_zone_is_known",
		.table = "clinics",
		.detail =
			"a clinic's zone is UTC, or a name of the IANA database such as Europe/London, and no abbreviation such as CET, of which SQL knows no summer time.",
		.hint = "SELECT name FROM pg_timezone_names lists the zones this server knows.",
	};
	char *wanted;

	name = booking_trim(name);
	wanted = TextDatumGetCString(name);
	if (strlen(wanted) <= LONGEST_ZONE_NAME && booking_query(&known_zone_plan, &name, NULL) == 1)
		return booking_value();

	unknown.message = psprintf("no clinic can have the time zone \"%s\"", clipped(wanted));
	booking_refuse(&unknown);
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
		SPI_connect();
		zone = SPI_datumTransfer(booking_known_zone(zone), false, -1);
		SPI_finish();
		row = heap_modify_tuple_by_cols(row, desc, 1, &column, &zone, &isnull);
	}
	return PointerGetDatum(row);
}
