/*
 * search.c
 *		Finding the earliest free slots across many doctors. Called through SQL.
 *
 * Two ways, one answer. Among many doctors the slots are read in the order of time until enough
 * of them are free: that is soon, and does not depend on how many there are. Of a clinic, of
 * doctors named or of few, or where the first way has not ended soon, each doctor's calendar is
 * read by itself.
 */
#include "booking.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

/* $1 specialization, $2 clinic, $3 doctors, $4 from, $5 per doctor, $6 most rows. */
#define ARGTYPES TEXTOID, INT8OID, INT8ARRAYOID, TIMESTAMPTZOID, INT4OID, INT4OID

#define COLUMNS_SQL \
	"SELECT s.id, c.id, c.name, d.id, d.name, d.specialization, s.starts_at, s.ends_at," \
	"       c.time_zone, (s.starts_at AT TIME ZONE c.time_zone)::date," \
	"       (s.starts_at AT TIME ZONE c.time_zone)::time," \
	"       (s.ends_at AT TIME ZONE c.time_zone)::time"

#define BOOKABLE_SQL \
	" s.deleted_at IS NULL AND s.is_available" \
	" AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())" \
	" AND s.starts_at > statement_timestamp() AND s.starts_at >= coalesce($4, '-infinity')" \
	" AND s.starts_at >= " EARLIEST_START( \
		"statement_timestamp()") " AND s.starts_at <= " LATEST_START("statement_timestamp()")

#define DOCTOR_WORKS_SQL \
	" d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL" \
	" AND ($1 IS NULL OR lower(d.specialization) = lower($1))"

#define BY_DOCTOR_SQL \
	COLUMNS_SQL \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id," \
	" LATERAL (SELECT s.id, s.starts_at, s.ends_at FROM booking.time_slots s" \
	"          WHERE s.doctor_id = d.id AND" BOOKABLE_SQL \
	"          ORDER BY s.starts_at LIMIT $5) s" \
	" WHERE ($2 IS NULL OR d.clinic_id = $2) AND ($3 IS NULL OR d.id = ANY ($3)) AND" DOCTOR_WORKS_SQL \
	" ORDER BY s.starts_at, d.id LIMIT $6"

/* Who may be booked from when until when; $1 specialization, $2 from. */
#define DOCTORS_SQL \
	"SELECT d.id, greatest(" EARLIEST_START("statement_timestamp()") ", $2)," \
	"       " LATEST_START("statement_timestamp()") \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id WHERE" DOCTOR_WORKS_SQL

/* So many free slots are read in the order of time before each calendar is read instead. */
#define MOST_READ_BY_TIME 2000

/*
 * Whose they are is found out afterwards: joins would let the planner sort all of them first. The
 * limit tells it, and the JIT compiler, how little is going to be read.
 */
#define BY_TIME_SQL \
	"SELECT s.id, s.doctor_id, s.starts_at FROM booking.time_slots s" \
	" WHERE s.deleted_at IS NULL AND s.is_available" \
	" AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())" \
	" AND s.starts_at > statement_timestamp() AND s.starts_at >= coalesce($1, '-infinity')" \
	" ORDER BY s.starts_at, s.doctor_id LIMIT " CppAsString2(MOST_READ_BY_TIME)

#define FOUND_SQL \
	COLUMNS_SQL \
	" FROM unnest($1) WITH ORDINALITY AS found (id, number)" \
	"     JOIN booking.time_slots s ON s.id = found.id JOIN booking.doctors d ON d.id = s.doctor_id" \
	"     JOIN booking.clinics c ON c.id = s.clinic_id ORDER BY found.number"

#define FETCH 50

/* Their calendars are read sooner than slots of theirs are found in the order of time. */
#define FEW_DOCTORS 50

static BookingPlan by_doctor_plan = {BY_DOCTOR_SQL, 6, {ARGTYPES}, .options = READ_PLAN};
static BookingPlan doctors_plan = {DOCTORS_SQL, 2, {TEXTOID, TIMESTAMPTZOID}, .options = READ_PLAN};
static BookingPlan by_time_plan = {BY_TIME_SQL, 1, {TIMESTAMPTZOID}, .options = READ_PLAN};
static BookingPlan found_plan = {FOUND_SQL, 1, {INT8ARRAYOID}, .options = READ_PLAN};
static BookingPlan clinic_exists_plan = {
	"SELECT FROM booking.clinics WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

/* A doctor who may be booked, and how many slots of theirs were found. */
typedef struct Candidate
{
	int64 doctor_id;
	TimestampTz earliest_start;
	TimestampTz latest_start;
	int32 found;
} Candidate;

/* What is wanted, and what was found of it. */
typedef struct Search
{
	Datum args[6];
	char nulls[6];
	int32 per_doctor;
	int32 wanted;
	HTAB *candidates;
	Datum *slots;
	int32 found;
} Search;

static void
require_limit(FunctionCallInfo fcinfo, int argument, const char *name, int32 most)
{
	Refusal out_of_range = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.table = "time_slots",
		.detail = "it limits the number of rows returned.",
		.hint = "Choose a limit within these bounds.",
	};
	int32 limit = PG_GETARG_INT32(argument);

	booking_require(fcinfo, argument, name);
	if (limit >= 1 && limit <= most)
		return;
	out_of_range.rule = psprintf("%s_in_range", name);
	out_of_range.message = psprintf("%s is not between 1 and %d", name, most);
	booking_refuse(&out_of_range);
}

static void
start_search(FunctionCallInfo fcinfo, Search *search)
{
	for (int i = 0; i < lengthof(search->args); i++)
	{
		search->args[i] = PG_GETARG_DATUM(i);
		search->nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	search->per_doctor = PG_GETARG_INT32(4);
	search->wanted = PG_GETARG_INT32(5);
	search->slots = palloc(search->wanted * sizeof(Datum));
	search->found = 0;
}

/* Finds the doctors of the specialization, and returns how many they are. */
static uint64
find_candidates(Search *search)
{
	HASHCTL control = {.keysize = sizeof(int64), .entrysize = sizeof(Candidate)};
	Datum args[] = {search->args[0], search->args[3]};
	const char nulls[] = {search->nulls[0], search->nulls[3]};
	uint64 count = booking_query(&doctors_plan, args, nulls);

	control.hcxt = CurrentMemoryContext;
	search->candidates = hash_create("booking search", Max(count, 1), &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (uint64 i = 0; i < count; i++)
	{
		Datum values[3];
		bool isnull[3];
		Candidate *candidate;

		booking_row(i, values, isnull);
		candidate = hash_search(search->candidates, &values[0], HASH_ENTER, NULL);
		candidate->earliest_start = DatumGetTimestampTz(values[1]);
		candidate->latest_start = DatumGetTimestampTz(values[2]);
		candidate->found = 0;
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Takes a free slot, unless it is nobody's who may be booked then or there are enough of theirs. */
static void
take_slot(Search *search, uint64 number)
{
	Datum values[3];
	bool nulls[3];
	Candidate *candidate;
	TimestampTz starts_at;

	booking_row(number, values, nulls);
	candidate = hash_search(search->candidates, &values[1], HASH_FIND, NULL);
	starts_at = DatumGetTimestampTz(values[2]);
	if (candidate == NULL || candidate->found == search->per_doctor ||
		starts_at < candidate->earliest_start || starts_at > candidate->latest_start)
		return;
	candidate->found++;
	search->slots[search->found++] = values[0];
}

/* False when it did not come to an end soon. */
static bool
search_by_time(Search *search)
{
	Portal portal = booking_open_cursor(&by_time_plan, &search->args[3], &search->nulls[3]);
	int read = 0;
	bool is_over = false;

	while (!is_over && search->found < search->wanted && read < MOST_READ_BY_TIME)
	{
		SPI_cursor_fetch(portal, true, FETCH);
		is_over = SPI_processed == 0;
		read += SPI_processed;
		for (uint64 i = 0; i < SPI_processed && search->found < search->wanted; i++)
			take_slot(search, i);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	return is_over || search->found == search->wanted;
}

static void
read_found(const Search *search)
{
	Datum ids = PointerGetDatum(construct_array(search->slots, search->found, INT8OID,
												sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));

	booking_query(&found_plan, &ids, NULL);
}

BOOKING_FUNCTION(booking_next_available)
{
	bool is_narrow = !PG_ARGISNULL(1) || !PG_ARGISNULL(2);
	Search search;

	require_limit(fcinfo, 4, "per_doctor", 100);
	require_limit(fcinfo, 5, "max_slots", 1000);

	SPI_connect();
	start_search(fcinfo, &search);
	if (!PG_ARGISNULL(0))
		search.args[0] = booking_trim(search.args[0]);
	if (!PG_ARGISNULL(1) && booking_query(&clinic_exists_plan, &PG_GETARG_DATUM(1), NULL) == 0)
		booking_refuse_unknown(&booking_clinic, PG_GETARG_INT64(1));
	if (is_narrow || find_candidates(&search) <= FEW_DOCTORS || !search_by_time(&search))
		booking_query(&by_doctor_plan, search.args, search.nulls);
	else
		read_found(&search);
	booking_return_set(fcinfo);
	SPI_finish();
	return (Datum) 0;
}
