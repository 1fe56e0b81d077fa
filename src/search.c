/*
 * search.c
 *		Finding the earliest free slots across many doctors. Called through SQL.
 *
 * Two ways, one answer. Among all doctors, or all of a specialization, the slots are read in
 * the order of time until enough of them are free: with many doctors that is soon. Of a clinic
 * or of doctors named, or where the first way has not ended soon, each doctor's calendar is
 * read by itself.
 */
#include "booking.h"

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
	" AND s.starts_at >= statement_timestamp() + c.min_notice" \
	" AND s.starts_at <= coalesce(statement_timestamp() + c.booking_horizon, 'infinity')"

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

#define BY_TIME_SQL \
	COLUMNS_SQL ", " DOCTOR_WORKS_SQL \
				" FROM booking.time_slots s JOIN booking.clinics c ON c.id = s.clinic_id" \
				"     JOIN booking.doctors d ON d.id = s.doctor_id" \
				" WHERE" BOOKABLE_SQL " ORDER BY s.starts_at, d.id"

/* So many free slots are read in the order of time before each calendar is read instead. */
#define MOST_READ_BY_TIME 5000
#define FETCH 100

#define RESULT_COLUMNS 12

static BookingPlan by_doctor_plan = {BY_DOCTOR_SQL, 6, {ARGTYPES}};
static BookingPlan by_time_plan = {
	BY_TIME_SQL " LIMIT " CppAsString2(MOST_READ_BY_TIME), 6, {ARGTYPES}};
static BookingPlan clinic_exists_plan = {
	"SELECT FROM booking.clinics WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

/* What is wanted, and how much of it was found. */
typedef struct Search
{
	Datum args[6];
	char nulls[6];
	int32 per_doctor;
	int32 wanted;
	int32 found;
	HTAB *of_doctor;
	ReturnSetInfo *result;
} Search;

typedef struct Tally
{
	int64 doctor_id;
	int32 found;
} Tally;

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
	HASHCTL control = {.keysize = sizeof(int64), .entrysize = sizeof(Tally)};

	for (int i = 0; i < lengthof(search->args); i++)
	{
		search->args[i] = PG_GETARG_DATUM(i);
		search->nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	search->per_doctor = PG_GETARG_INT32(4);
	search->wanted = PG_GETARG_INT32(5);
	search->found = 0;
	control.hcxt = CurrentMemoryContext;
	search->of_doctor =
		hash_create("booking search", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	search->result = booking_start_set(fcinfo);
}

/* Takes a free slot into the result, unless there are enough of its doctor. */
static void
take_row(Search *search, uint64 number)
{
	Datum values[RESULT_COLUMNS + 1];
	bool nulls[RESULT_COLUMNS + 1];
	Tally *tally;
	bool is_known;

	booking_row(number, values, nulls);
	if (nulls[RESULT_COLUMNS] || !DatumGetBool(values[RESULT_COLUMNS]))
		return;
	tally = hash_search(search->of_doctor, &values[3], HASH_ENTER, &is_known);
	if (!is_known)
		tally->found = 0;
	if (tally->found == search->per_doctor)
		return;
	tally->found++;
	search->found++;
	tuplestore_putvalues(search->result->setResult, search->result->setDesc, values, nulls);
}

/* False when it did not come to an end soon; then nothing is in the result. */
static bool
search_by_time(Search *search)
{
	Portal portal =
		SPI_cursor_open(NULL, booking_kept_plan(&by_time_plan), search->args, search->nulls, true);
	int read = 0;

	do
	{
		SPI_cursor_fetch(portal, true, FETCH);
		read += SPI_processed;
		for (uint64 i = 0; i < SPI_processed && search->found < search->wanted; i++)
			take_row(search, i);
		SPI_freetuptable(SPI_tuptable);
	} while (search->found < search->wanted && read > 0 && SPI_processed > 0 &&
			 read < MOST_READ_BY_TIME);
	SPI_cursor_close(portal);

	if (search->found == search->wanted || read < MOST_READ_BY_TIME)
		return true;
	tuplestore_clear(search->result->setResult);
	return false;
}

PG_FUNCTION_INFO_V1(booking_next_available);
Datum
booking_next_available(PG_FUNCTION_ARGS)
{
	bool is_narrow = !PG_ARGISNULL(1) || !PG_ARGISNULL(2);
	Search search;

	require_limit(fcinfo, 4, "per_doctor", 100);
	require_limit(fcinfo, 5, "max_slots", 1000);

	SPI_connect();
	start_search(fcinfo, &search);
	if (!PG_ARGISNULL(1) && booking_query(&clinic_exists_plan, &PG_GETARG_DATUM(1), NULL) == 0)
		booking_refuse_unknown(&booking_clinic, PG_GETARG_INT64(1));
	if (is_narrow || !search_by_time(&search))
	{
		booking_query(&by_doctor_plan, search.args, search.nulls);
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(search.result->setResult, SPI_tuptable->vals[i]);
	}
	SPI_finish();
	return (Datum) 0;
}
