/*
 * search.c
 *		The search for free slots, in the order of start and doctor, which no two live slots share.
 *		Called by available.c.
 *
 * For each clinic concerned, a window of time tells which slots can be booked and are asked for. There are
 * two ways to find them. Among many doctors the slots are read in the order of time until enough of them
 * are free: that takes no longer with more doctors. If it takes too long all the same, or if the doctors
 * are few, each doctor's calendar is read by itself.
 */
#include "finding/finding.h"
#include "calendar/calendar.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#define NOW_SQL "statement_timestamp()"

/*
 * SQL that adds a span to an instant. Its months and days are counted by the calendar of the clinic's
 * zone, which need not be the session's.
 */
#define PLUS_IN_ZONE(instant, span, zone) \
	"CASE WHEN " span " < interval '1 day' THEN " instant " + " span " ELSE (" instant \
	" AT TIME ZONE " zone " + date_trunc('day', " span ")) AT TIME ZONE " zone " + (" span \
	" - date_trunc('day', " span ")) END"

/* A slot of a clinic c that is booked now has to start between these. */
#define EARLIEST_START(now) PLUS_IN_ZONE(now, "c.min_notice", "c.time_zone")
#define LATEST_START(now) \
	"CASE WHEN c.booking_horizon IS NULL THEN 'infinity' ELSE " PLUS_IN_ZONE( \
		now, "c.booking_horizon", "c.time_zone") " END"

/* Whether a slot s is free, whatever its doctor. */
#define FREE_SLOT_SQL " booking.is_free(s.is_available, s.held_until, " NOW_SQL ")"

/* Whether a doctor d takes bookings and is what is asked for. */
#define DOCTOR_MATCHES_SQL(specialization) \
	" d.is_active AND d.deleted_at IS NULL" \
	" AND (" specialization " IS NULL OR lower(d.specialization) = lower(" specialization "))"

#define COLUMNS_SQL \
	"SELECT s.id, s.clinic_id, s.clinic_name, s.doctor_id, s.doctor_name, s.specialization," \
	"       s.starts_at, s.ends_at, s.time_zone, (s.starts_at AT TIME ZONE s.time_zone)::date," \
	"       (s.starts_at AT TIME ZONE s.time_zone)::time, (s.ends_at AT TIME ZONE s.time_zone)::time"
#define DOCTOR_ID_COLUMN 4 /* as SPI counts them */
#define STARTS_AT_COLUMN 7

#define SLOT_SQL \
	"SELECT s.id, c.id AS clinic_id, c.name AS clinic_name, d.id AS doctor_id," \
	"       d.name AS doctor_name, d.specialization, s.starts_at, s.ends_at, c.time_zone"

/* From when until when the clinics concerned take bookings. $1 clinic, $2 doctors. */
#define WINDOWS_SQL(which_clinics) \
	"SELECT c.id::bigint," \
	" " EARLIEST_START(NOW_SQL) "," \
	" " LATEST_START(NOW_SQL) "," \
	"       c.time_zone, c.is_active::boolean" \
	" FROM booking.clinics c" \
	" WHERE c.deleted_at IS NULL AND " which_clinics " ORDER BY c.id"
#define WINDOW_IS_ACTIVE 5 /* as SPI counts columns */
#define WINDOWS_ARGS 2, {INT8OID, INT8ARRAYOID}, .options = READ_PLAN

/*
 * Reads one range of doctor_slots_start_once for each doctor, so that the cost does not depend on the size
 * of the table. $1 to $3 windows, $4 doctors, $5 specialization, $6 date, $7 and $8 the start and doctor
 * to go on after, $9 most of a doctor, $10 most of all. Without $10 all are wanted, and as the caller
 * refuses too many, one more than it allows is enough.
 */
#define BY_DOCTOR_SQL(which_doctors) \
	COLUMNS_SQL \
	" FROM (SELECT * FROM (" SLOT_SQL \
	"        FROM unnest($1, $2, $3) AS w (clinic_id, first, until)" \
	"            JOIN booking.clinics c ON c.id = w.clinic_id" \
	"            JOIN booking.doctors d ON d.clinic_id = c.id AND" DOCTOR_MATCHES_SQL("$5") "," \
	"            LATERAL (SELECT s.id, s.starts_at, s.ends_at FROM booking.time_slots s" \
	"                     WHERE s.doctor_id = d.id AND s.deleted_at IS NULL AND" FREE_SLOT_SQL \
	"                     AND s.starts_at >= w.first AND s.starts_at < w.until" \
	"                     AND ($6 IS NULL OR (s.starts_at AT TIME ZONE c.time_zone)::date = $6)" \
	"                     AND ($8 IS NULL OR s.starts_at > $7 OR d.id > $8)" \
	"                     ORDER BY s.starts_at LIMIT $9) s" \
	"        WHERE " which_doctors \
	"        LIMIT CASE WHEN $10 IS NULL THEN " CppAsString2(MOST_FREE_SLOTS) " + 1 END) s" \
	"    ORDER BY s.starts_at, s.doctor_id LIMIT $10) s" \
	" ORDER BY s.starts_at, s.doctor_id"
#define BY_DOCTOR_ARGS \
	10, \
		{INT8ARRAYOID, \
		 TIMESTAMPTZARRAYOID, \
		 TIMESTAMPTZARRAYOID, \
		 INT8ARRAYOID, \
		 TEXTOID, \
		 DATEOID, \
		 TIMESTAMPTZOID, \
		 INT8OID, \
		 INT4OID, \
		 INT4OID}, \
		.options = READ_PLAN

/* How many doctors match, counted up to a limit. $1 clinics, $2 specialization, $3 the limit. */
#define COUNT_SQL \
	"SELECT count(*) FROM (SELECT FROM unnest($1) AS w (clinic_id)" \
	"    JOIN booking.doctors d ON d.clinic_id = w.clinic_id" \
	"    AND" DOCTOR_MATCHES_SQL("$2") " LIMIT $3) d"
#define MANY_DOCTORS 1000

/*
 * The next slots after a start and a doctor, and whether each is free and of a doctor who is asked for.
 * Without an upper end, the planner expects to read a small part, and walks the index instead of sorting.
 * $1 start, $2 doctor, $3 specialization, $4 how many.
 */
#define BY_TIME_SQL \
	"SELECT s.id::bigint, s.doctor_id::bigint, s.clinic_id::bigint, s.starts_at," FREE_SLOT_SQL \
	" AND (SELECT true FROM booking.doctors d" \
	"      WHERE d.id = s.doctor_id AND" DOCTOR_MATCHES_SQL("$3") " LIMIT 1)" \
	" FROM (SELECT s.id, s.doctor_id, s.clinic_id, s.starts_at, s.is_available, s.held_until" \
	"       FROM booking.time_slots s WHERE s.deleted_at IS NULL AND s.starts_at >= $1" \
	"       AND (s.starts_at > $1 OR s.doctor_id > $2)" \
	"       ORDER BY s.starts_at, s.doctor_id LIMIT $4) s" \
	" ORDER BY s.starts_at, s.doctor_id"
/* The rows of the slots found, in their order. */
#define FOUND_SQL \
	COLUMNS_SQL " FROM (" SLOT_SQL \
				", found.number" \
				"    FROM unnest($1) WITH ORDINALITY AS found (id, number)" \
				"        JOIN booking.time_slots s ON s.id = found.id" \
				"        JOIN booking.doctors d ON d.id = s.doctor_id" \
				"        JOIN booking.clinics c ON c.id = s.clinic_id) s" \
				" ORDER BY s.number"

/* Of so few doctors, the calendars are read sooner than their slots are found in the order of time. */
#define FEW_DOCTORS 50

/* How many slots are read in the order of time at once. */
#define FEWEST_READ 250
#define MOST_READ 50000

/*
 * Finding a free slot in a doctor's calendar takes about as long as reading so many slots in the order of
 * time. Once that costs more than the calendars would, they are read instead.
 */
#define READS_PER_CALENDAR 20

static BookingPlan window_of_clinic_plan = {WINDOWS_SQL("c.id = $1"), WINDOWS_ARGS};
static BookingPlan windows_of_doctors_plan = {
	WINDOWS_SQL("($1 IS NULL OR c.id = $1)"
				" AND c.id IN (SELECT d.clinic_id FROM booking.doctors d"
				"              WHERE d.id = ANY ($2) AND d.deleted_at IS NULL)"),
	WINDOWS_ARGS};
static BookingPlan all_windows_plan = {WINDOWS_SQL("true"), WINDOWS_ARGS};
static BookingPlan of_doctors_plan = {BY_DOCTOR_SQL("d.id = ANY ($4)"), BY_DOCTOR_ARGS};
static BookingPlan of_clinics_plan = {BY_DOCTOR_SQL("true"), BY_DOCTOR_ARGS};
static BookingPlan count_plan = {
	COUNT_SQL, 3, {INT8ARRAYOID, TEXTOID, INT4OID}, .options = READ_PLAN};

static BookingPlan by_time_plan = {
	BY_TIME_SQL, 4, {TIMESTAMPTZOID, INT8OID, TEXTOID, INT4OID}, .options = READ_PLAN};
static BookingPlan found_plan = {FOUND_SQL, 1, {INT8ARRAYOID}, .options = READ_PLAN};

typedef struct DoctorCount
{
	int64 doctor_id;
	int32 count;
} DoctorCount;

/* Takes the clinic's window from the last result. A slot that starts now has started. */
static void
set_window(const SlotSearch *search, uint64 number, SlotWindow *window)
{
	Datum values[5];
	bool nulls[5];
	TimestampTz latest;

	booking_row(number, values, nulls);
	latest = DatumGetTimestampTz(values[2]);
	window->clinic_id = DatumGetInt64(values[0]);
	window->first = Max(search->from, DatumGetTimestampTz(values[1]));
	window->first = Max(window->first, GetCurrentStatementStartTimestamp() + 1);
	window->until = TIMESTAMP_IS_NOEND(latest) ? search->until : Min(search->until, latest + 1);
	window->zone = NULL;
	if (search->date_null == 'n')
		return;
	window->zone = booking_zone(booking_row_text(number, 3));
	window->first = Max(window->first, booking_day_start(search->date, window->zone));
	window->until = Min(window->until, booking_day_start(search->date + 1, window->zone));
}

/* Finds the clinics concerned, and returns how many there are, inactive ones included. */
uint64
booking_find_windows(SlotSearch *search)
{
	BookingPlan *plan = search->doctors_null == ' '  ? &windows_of_doctors_plan
						: search->clinic_null == ' ' ? &window_of_clinic_plan
													 : &all_windows_plan;
	Datum args[] = {search->clinic_id, search->doctors};
	const char nulls[] = {search->clinic_null, search->doctors_null};
	uint64 clinics = booking_query(plan, args, nulls);

	search->windows = palloc(Max(clinics, 1) * sizeof(SlotWindow));
	for (uint64 i = 0; i < clinics; i++)
	{
		SlotWindow *window = &search->windows[search->window_count];
		bool isnull;

		if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										WINDOW_IS_ACTIVE, &isnull)))
			continue;
		set_window(search, i, window);
		if (window->first < window->until)
			search->window_count++;
	}
	SPI_freetuptable(SPI_tuptable);
	return clinics;
}

/* A field of all windows as an SQL array. */
static Datum
windows_as_array(const SlotSearch *search, size_t field, Oid type)
{
	Datum *values = palloc(Max(search->window_count, 1) * sizeof(Datum));

	for (int i = 0; i < search->window_count; i++)
		values[i] = Int64GetDatum(*(const int64 *) ((const char *) &search->windows[i] + field));
	return PointerGetDatum(construct_array(values, search->window_count, type, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static int
compare_clinics(const void *a, const void *b)
{
	int64 left = ((const SlotWindow *) a)->clinic_id;
	int64 right = ((const SlotWindow *) b)->clinic_id;

	return left < right ? -1 : left > right;
}

static void
start_counting(SlotSearch *search)
{
	HASHCTL control = {.keysize = sizeof(int64), .entrysize = sizeof(DoctorCount)};

	control.hcxt = CurrentMemoryContext;
	if (search->counts != NULL)
		hash_destroy(search->counts);
	search->counts =
		hash_create("booking search", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Counts one more slot of a doctor, and returns how many there were before. */
static int32
count_slot(SlotSearch *search, int64 doctor_id)
{
	bool found;
	DoctorCount *entry = hash_search(search->counts, &doctor_id, HASH_ENTER, &found);

	if (!found)
		entry->count = 0;
	return entry->count++;
}

/* Whether a slot that was read in the order of time is one of those asked for. */
static bool
is_wanted(SlotSearch *search, const Datum *values, const bool *nulls)
{
	int64 doctor_id = DatumGetInt64(values[1]);
	SlotWindow key = {.clinic_id = DatumGetInt64(values[2])};
	TimestampTz starts_at = DatumGetTimestampTz(values[3]);
	const SlotWindow *window;

	if (nulls[4] || !DatumGetBool(values[4]))
		return false;
	window =
		bsearch(&key, search->windows, search->window_count, sizeof(SlotWindow), compare_clinics);
	return window != NULL && starts_at >= window->first && starts_at < window->until &&
		   (window->zone == NULL || booking_local_date(starts_at, window->zone) == search->date) &&
		   (search->after_null == 'n' || starts_at > search->from ||
			doctor_id > search->after_doctor) &&
		   (search->per_doctor >= search->wanted ||
			count_slot(search, doctor_id) < search->per_doctor);
}

static void
read_found(Datum *ids, int32 count)
{
	Datum array = booking_ids_as_array(ids, count);

	booking_query(&found_plan, &array, NULL);
}

/* The time from the first window's start to the last one's end. */
static Stretch
all_windows(const SlotSearch *search)
{
	Stretch all = {.starts_at = DT_NOEND, .ends_at = DT_NOBEGIN};

	for (int i = 0; i < search->window_count; i++)
	{
		all.starts_at = Min(all.starts_at, search->windows[i].first);
		all.ends_at = Max(all.ends_at, search->windows[i].until);
	}
	return all;
}

/* How many slots to read next, going by how many of those read so far were wanted. */
static int32
next_slots(const SlotSearch *search, int64 read, int32 found)
{
	int64 guess = read == 0 ? 4 * (int64) search->wanted
							: (search->wanted - found) * (read / Max(found, 1) + 1);

	return Min(Max(guess, FEWEST_READ), MOST_READ);
}

/* Leaves the slots as the last result; false when most_read slots were read and more would have to be. */
static bool
search_by_time(SlotSearch *search, int64 most_read)
{
	Stretch all = all_windows(search);
	Datum args[] = {TimestampTzGetDatum(all.starts_at), Int64GetDatum(PG_INT64_MIN),
					search->specialization, 0};
	const char nulls[] = {' ', ' ', search->specialization_null, ' '};
	Datum *found_ids = palloc(search->wanted * sizeof(Datum));
	int32 found = 0;
	int64 read = 0;
	bool is_over = false;

	start_counting(search);
	while (!is_over && read < most_read)
	{
		int32 most = next_slots(search, read, found);
		uint64 rows;

		args[3] = Int32GetDatum(most);
		rows = booking_query(&by_time_plan, args, nulls);
		for (uint64 i = 0; i < rows && found < search->wanted; i++)
		{
			Datum values[5];
			bool isnull[5];

			booking_row(i, values, isnull);
			if (is_wanted(search, values, isnull))
				found_ids[found++] = values[0];
			args[0] = values[3];
			args[1] = values[1];
		}
		SPI_freetuptable(SPI_tuptable);
		read += rows;
		is_over =
			rows < most || found == search->wanted || DatumGetTimestampTz(args[0]) >= all.ends_at;
	}
	if (!is_over)
		return false;
	read_found(found_ids, found);
	return true;
}

/* Leaves the slots, at most so many of each doctor, as the last result. */
static uint64
read_calendars(const SlotSearch *search, int32 per_doctor)
{
	BookingPlan *plan = search->doctors_null == ' ' ? &of_doctors_plan : &of_clinics_plan;
	Datum args[] = {windows_as_array(search, offsetof(SlotWindow, clinic_id), INT8OID),
					windows_as_array(search, offsetof(SlotWindow, first), TIMESTAMPTZOID),
					windows_as_array(search, offsetof(SlotWindow, until), TIMESTAMPTZOID),
					search->doctors,
					search->specialization,
					DateADTGetDatum(search->date),
					TimestampTzGetDatum(search->from),
					Int64GetDatum(search->after_doctor),
					Int32GetDatum(per_doctor),
					Int32GetDatum(search->wanted)};
	const char nulls[] = {' ',
						  ' ',
						  ' ',
						  search->doctors_null,
						  search->specialization_null,
						  search->date_null,
						  ' ',
						  search->after_null,
						  ' ',
						  search->wants_all ? 'n' : ' '};

	return booking_query(plan, args, nulls);
}

/* Whether some doctor has that many slots in the last result, and so may have more. */
static bool
some_doctor_has(SlotSearch *search, uint64 rows, int32 share)
{
	start_counting(search);
	for (uint64 i = 0; i < rows; i++)
	{
		bool isnull;
		Datum doctor_id =
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, DOCTOR_ID_COLUMN, &isnull);

		if (count_slot(search, DatumGetInt64(doctor_id)) + 1 == share)
			return true;
	}
	return false;
}

/* No slot that starts after the last one of the last result is wanted. */
static void
end_windows_after(SlotSearch *search, uint64 rows)
{
	bool isnull;
	TimestampTz last = DatumGetTimestampTz(SPI_getbinval(
		SPI_tuptable->vals[rows - 1], SPI_tuptable->tupdesc, STARTS_AT_COLUMN, &isnull));

	for (int i = 0; i < search->window_count; i++)
		search->windows[i].until = Min(search->windows[i].until, last + 1);
}

/*
 * Leaves the slots as the last result. Of each doctor only a share of the slots wanted is read at first.
 * If these are enough, no slot wanted starts later than the last of them, so all until there are read.
 * If they are not, the share grows.
 */
static void
search_by_doctor(SlotSearch *search, int32 share)
{
	for (;;)
	{
		uint64 rows = read_calendars(search, share);

		if (share == search->per_doctor || !some_doctor_has(search, rows, share))
			return;
		if (rows == search->wanted)
		{
			end_windows_after(search, rows);
			share = search->per_doctor;
		}
		else
			share = Min(search->per_doctor, 4 * share);
		SPI_freetuptable(SPI_tuptable);
	}
}

static int64
count_doctors(const SlotSearch *search)
{
	Datum args[] = {windows_as_array(search, offsetof(SlotWindow, clinic_id), INT8OID),
					search->specialization, Int32GetDatum(Max(search->wanted, MANY_DOCTORS))};
	const char nulls[] = {' ', search->specialization_null, ' '};

	booking_query(&count_plan, args, nulls);
	return DatumGetInt64(booking_value());
}

/* Leaves the slots as the last result, with the columns of available_slots. */
void
booking_run_search(SlotSearch *search)
{
	int64 doctors = 1;
	int32 share;

	if (search->doctors_null != ' ' && !search->wants_all)
		doctors = Max(count_doctors(search), 1);
	share = Min(search->per_doctor, (search->wanted + doctors - 1) / doctors);
	if (doctors > FEW_DOCTORS && search_by_time(search, doctors * share * READS_PER_CALENDAR))
		return;
	search_by_doctor(search, share);
}
