/*
 * maintain.c
 *		One round of maintenance. Called through SQL, by a scheduler.
 *
 * Each task does a bounded amount of work in a subtransaction of its own, so that one that fails does
 * not keep the others from theirs. Locks are not waited for: whoever has one is busy with the row, and
 * the next round comes soon. Tasks whose locks keep bookings waiting come last.
 */
#include "upkeep/upkeep.h"
#include "callers/callers.h"
#include "calendar/calendar.h"
#include "booking/booking.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define MOST_ROWS 100000
/* Each takes locks until commit; the lock table is shared by all. */
#define MOST_LOCKED 1000
/* Days of a doctor in one go, so that a far horizon is reached in steps. */
#define DAYS_AT_ONCE 31

/* The doctors whose slots lag behind most come first. Which day is today is found out in C, by the zone. */
#define LAGGARDS_SQL \
	"SELECT d.id, c.time_zone, least(coalesce(c.booking_horizon, $1), interval '5 years')," \
	"       g.until_date" \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id" \
	" LEFT JOIN booking.generated_doctors g ON g.doctor_id = d.id" \
	" WHERE d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL" \
	" AND EXISTS (SELECT FROM booking.schedules s WHERE s.doctor_id = d.id AND s.deleted_at IS NULL)" \
	" ORDER BY g.until_date NULLS FIRST, d.id"

#define NOTE_UNTIL_SQL \
	"INSERT INTO booking.generated_doctors AS g (doctor_id, until_date) VALUES ($1, $2)" \
	" ON CONFLICT (doctor_id) DO UPDATE SET until_date = excluded.until_date"

/* How many old keys there were, and how many were forgotten. By the index of each clinic. $1 most rows. */
#define FORGET_KEYS_SQL \
	"WITH old AS MATERIALIZED (" \
	"    SELECT a.id FROM booking.clinics c, LATERAL (" \
	"        SELECT id FROM booking.appointments" \
	"        WHERE clinic_id = c.id AND idempotency_key IS NOT NULL" \
	"        AND created_at < now() - c.idempotency_retention" \
	"        ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) a" \
	"    LIMIT $1)," \
	" forgotten AS (" \
	"    UPDATE booking.appointments SET idempotency_key = NULL" \
	"    WHERE id = ANY (ARRAY(SELECT id FROM old)) RETURNING id) " \
	"SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM forgotten)"

#define NOTE_TASK_SQL \
	"INSERT INTO booking.maintenance AS m (task, rows_done) VALUES ($1, $2)" \
	" ON CONFLICT (task) DO UPDATE SET rows_done = excluded.rows_done"

static BookingPlan laggards_plan = {LAGGARDS_SQL, 1, {INTERVALOID}};
static BookingPlan note_until_plan = {NOTE_UNTIL_SQL, 2, {INT8OID, DATEOID}};
static BookingPlan forget_keys_plan = {FORGET_KEYS_SQL, 1, {INT4OID}};
static BookingPlan note_task_plan = {NOTE_TASK_SQL, 2, {TEXTOID, INT8OID}};

/* What the caller asked for. */
typedef struct Round
{
	int32 max_rows;
	Interval *horizon;
	Interval *retention; /* NULL: everything is kept */
} Round;

typedef struct Task
{
	const char *name;
	uint64 (*run)(const Round *round);
} Task;

/* A doctor whose slots may have to be generated further. */
typedef struct Laggard
{
	int64 doctor_id;
	DateADT first;
	DateADT last;
} Laggard;

/* Whether there are days to generate for the doctor of this row, and which come next. */
static bool
read_laggard(HeapTuple row, TupleDesc desc, Laggard *laggard)
{
	Datum values[4];
	bool nulls[4];
	char *zone_name = SPI_gettypeid(desc, 2) == TEXTOID ? SPI_getvalue(row, desc, 2) : NULL;
	pg_tz *zone = zone_name ? pg_tzset(zone_name) : NULL;
	DateADT today;
	Datum end;

	heap_deform_tuple(row, desc, values, nulls);
	if (zone == NULL) /* gone from this server: generate_slots() tells whoever calls it */
		return false;
	today = booking_local_date(GetCurrentTransactionStartTimestamp(), zone);
	end = DirectFunctionCall2(date_pl_interval, DateADTGetDatum(today), values[2]);
	laggard->doctor_id = DatumGetInt64(values[0]);
	laggard->first = nulls[3] ? today : Max(today, DatumGetDateADT(values[3]) + 1);
	laggard->last = Min(DatumGetDateADT(DirectFunctionCall1(timestamp_date, end)),
						laggard->first + DAYS_AT_ONCE - 1);
	return laggard->first <= laggard->last;
}

static void
generate_for(const Laggard *laggard, GeneratedSlots *generated)
{
	Datum note[] = {Int64GetDatum(laggard->doctor_id), DateADTGetDatum(laggard->last)};

	booking_generate_days(laggard->doctor_id, laggard->first, laggard->last, generated);
	booking_require_written(booking_execute(&note_until_plan, note, NULL), 1);
}

static uint64
generate_slots(const Round *round)
{
	Datum horizon = IntervalPGetDatum(round->horizon);
	uint64 count = booking_execute(&laggards_plan, &horizon, NULL);
	SPITupleTable *rows = SPI_tuptable;
	MemoryContext one_doctor =
		AllocSetContextCreate(CurrentMemoryContext, "booking calendar", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(one_doctor);
	GeneratedSlots generated = {0};
	int locked = 0;

	for (uint64 i = 0; i < count && locked < MOST_LOCKED && generated.added < round->max_rows; i++)
	{
		Laggard laggard;

		CHECK_FOR_INTERRUPTS();
		if (read_laggard(rows->vals[i], rows->tupdesc, &laggard) &&
			booking_try_lock(CALENDAR_LOCK, laggard.doctor_id, CALENDAR_EDIT))
		{
			generate_for(&laggard, &generated);
			locked++;
		}
		MemoryContextReset(one_doctor);
	}
	MemoryContextSwitchTo(outer);
	booking_notice_clashes(&generated);
	return generated.added;
}

static uint64
forget_keys(const Round *round)
{
	Datum max_rows = Int32GetDatum(round->max_rows);
	Datum counts[2];
	bool nulls[2];

	booking_execute(&forget_keys_plan, &max_rows, NULL);
	booking_row(0, counts, nulls);
	booking_require_written(DatumGetInt64(counts[1]), DatumGetInt64(counts[0]));
	return DatumGetInt64(counts[0]);
}

static uint64
delete_old(const Round *round)
{
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	Datum end =
		DirectFunctionCall2(timestamptz_mi_interval, now, IntervalPGetDatum(round->retention));

	return booking_delete_before(DatumGetTimestampTz(end), round->max_rows);
}

static uint64
expire_holds(const Round *round)
{
	return booking_sweep_holds(Min(round->max_rows, MOST_LOCKED));
}

static uint64
measure_clinics(const Round *round)
{
	return booking_measure_clinics(round->max_rows);
}

/* The number of a task is that of its lock. */
static const Task tasks[] = {
	{"measure_clinics", measure_clinics}, /* only reads the book */
	{"generate_slots", generate_slots},   /* bookings pass the locks */
	{"delete_old", delete_old},           /* locks only what is long over */
	{"forget_keys", forget_keys},         /* locks appointments */
	{"expire_holds", expire_holds},       /* locks slots */
};

/* Not if the call was cancelled, is to be tried again, or ran out of memory or the like. */
static bool
is_the_tasks_own(int sqlerrcode)
{
	int category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category != ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
		   category != ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK) &&
		   category != ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES);
}

static void
warn_of_failure(const Task *task, const ErrorData *error)
{
	const char *detail = booking_visible(error->detail);

	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("the task %s of maintain() failed: %s", task->name,
							 booking_visible(error->message)),
					  detail ? errdetail_internal("%s", detail) : 0,
					  errhint("It is tried again by the next call.")));
}

/* Runs a task in a subtransaction; false when it failed and was rolled back. */
static bool
attempt(const Task *task, const Round *round, uint64 *rows)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool succeeded = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		Datum note[] = {CStringGetTextDatum(task->name), 0};

		*rows = task->run(round);
		note[1] = Int64GetDatum(*rows);
		booking_require_written(booking_execute(&note_task_plan, note, NULL), 1);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_the_tasks_own(error->sqlerrcode))
			ReThrowError(error);
		warn_of_failure(task, error);
		succeeded = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return succeeded;
}

static void
run_task(int number, const Round *round, ReturnSetInfo *result)
{
	const Task *task = &tasks[number];
	uint64 rows = 0;
	Datum values[2] = {CStringGetTextDatum(task->name)};
	bool nulls[2] = {false};

	if (task->run == delete_old && round->retention == NULL)
		return;
	nulls[1] =
		!booking_try_lock(MAINTENANCE_LOCK, number, ExclusiveLock) || !attempt(task, round, &rows);
	values[1] = Int64GetDatum(rows);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * No part may be negative. The comparison takes a month for 30 days, so '-100 years 36030 days' would
 * seem to be 30 days, though added to a date it goes back more than a year.
 */
static bool
is_between(Interval *value, Interval least, Interval most)
{
	Datum datum = IntervalPGetDatum(value);

	return value->month >= 0 && value->day >= 0 && value->time >= 0 &&
		   DatumGetBool(DirectFunctionCall2(interval_ge, datum, IntervalPGetDatum(&least))) &&
		   DatumGetBool(DirectFunctionCall2(interval_le, datum, IntervalPGetDatum(&most)));
}

static void
check_round(const Round *round)
{
	booking_require_between(round->max_rows, 1, MOST_ROWS, TASKS_IN_RANGE);
	if (!is_between(round->horizon, (Interval){.day = 1}, (Interval){.month = 5 * MONTHS_PER_YEAR}))
		booking_refuse(HORIZON_IN_RANGE);
	if (round->retention != NULL && !is_between(round->retention, (Interval){.day = 30},
												(Interval){.month = 100 * MONTHS_PER_YEAR}))
		booking_refuse(RETENTION_IN_RANGE);
}

BOOKING_FUNCTION(booking_maintain)
{
	Round round;
	ReturnSetInfo *result;

	booking_require(fcinfo, 0, "max_rows");
	booking_require(fcinfo, 1, "horizon");
	round = (Round){.max_rows = PG_GETARG_INT32(0),
					.horizon = PG_GETARG_INTERVAL_P(1),
					.retention = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2)};
	check_round(&round);

	result = booking_start_set(fcinfo);
	booking_start_writing(fcinfo);
	booking_require_admin();
	for (int i = 0; i < lengthof(tasks); i++)
		run_task(i, &round, result);
	SPI_finish();
	return (Datum) 0;
}
