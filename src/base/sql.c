/*
 * sql.c
 *		Prepare-and-keep SPI plans, and getting rows out of SPI. Called by every file that runs SQL.
 *
 * What the functions here return lives in SPI's memory until SPI_finish, save where it says
 * otherwise.
 */
#include "base/base.h"

#include "access/htup_details.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

pg_noreturn static void refuse_result(int result);

/* For what SPI returns instead of an error, such as when somebody's rule rewrites a statement. */
static void
refuse_result(int result)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("a statement of the extension booking cannot be run: %s",
						   SPI_result_code_string(result)),
					errhint("Look for rules on the tables of schema booking.")));
}

static SPIPlanPtr
kept_plan(BookingPlan *plan)
{
	SPIPlanPtr prepared;

	if (plan->plan != NULL)
		return plan->plan;

	prepared = SPI_prepare_cursor(plan->sql, plan->nargs, plan->argtypes, plan->options);
	if (prepared == NULL)
		refuse_result(SPI_result);
	SPI_keepplan(prepared);
	plan->plan = prepared;
	return prepared;
}

/* How a statement is run; 0 is as usual. */
#define READ_ONLY 1
#define QUEUE_TRIGGERS 2

static uint64
run(BookingPlan *plan, Datum *values, const char *nulls, Snapshot snapshot, int how)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	const char *outer;
	SavedUserContext saved;
	int result = 0;

	booking_switch_to_owner(&saved);
	outer = booking_note_running(plan->sql);
	PG_TRY();
	{
		result = SPI_execute_snapshot(kept_plan(plan), values, nulls, snapshot, InvalidSnapshot,
									  (how & READ_ONLY) != 0, (how & QUEUE_TRIGGERS) == 0, 0);
	}
	PG_CATCH();
	{
		booking_note_running(outer);
		MemoryContextSwitchTo(oldcontext);
		booking_raise_again();
	}
	PG_END_TRY();
	booking_note_running(outer);
	booking_restore_user_context(&saved);
	/* SPI leaves us in its own context, where what each of many doctors needs would pile up */
	MemoryContextSwitchTo(oldcontext);

	if (result < 0)
		refuse_result(result);
	return SPI_processed;
}

/*
 * Runs a statement with the snapshot that any statement of the transaction would have, and returns the
 * number of rows. A violated constraint of the extension is refused as the rule that it stands for. What a
 * trigger refuses is raised as if it had been refused here.
 */
uint64
booking_execute(BookingPlan *plan, Datum *values, const char *nulls)
{
	return run(plan, values, nulls, InvalidSnapshot, 0);
}

/* The same, but the AFTER triggers stay queued until the caller calls AfterTriggerEndQuery. */
uint64
booking_execute_queueing_triggers(BookingPlan *plan, Datum *values, const char *nulls)
{
	return run(plan, values, nulls, InvalidSnapshot, QUEUE_TRIGGERS);
}

/*
 * The same with the latest snapshot at every isolation level. It sees what was committed while we waited
 * for a lock. The snapshot of a REPEATABLE READ transaction is older, and the lock would be in vain.
 */
uint64
booking_execute_latest(BookingPlan *plan, Datum *values, const char *nulls)
{
	return run(plan, values, nulls, GetLatestSnapshot(), 0);
}

/* Runs a query with a snapshot that the caller chooses. */
uint64
booking_query_at(BookingPlan *plan, Datum *values, const char *nulls, Snapshot snapshot)
{
	return run(plan, values, nulls, snapshot, READ_ONLY);
}

/* Runs a query with the caller's snapshot, as a STABLE function must. */
uint64
booking_query(BookingPlan *plan, Datum *values, const char *nulls)
{
	return run(plan, values, nulls, InvalidSnapshot, READ_ONLY);
}

/*
 * Refuses to write for a clinic's rule, which only answers a question. A dry run asks it too, and a
 * booking does so while it is under way.
 */
void
booking_check_restricted_operation(const char *command)
{
	if (InSecurityRestrictedOperation())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("cannot execute %s within a security-restricted operation", command),
						errhint("A clinic's rule may look at the book, not write in it.")));
}

/* A function that writes ends here on a standby, in READ ONLY, and in a clinic's rule. */
void
booking_require_writable(FunctionCallInfo fcinfo)
{
	if (XactReadOnly || InSecurityRestrictedOperation())
	{
		char *command = psprintf("%s()", get_func_name(fcinfo->flinfo->fn_oid));

		booking_check_restricted_operation(command);
		PreventCommandIfReadOnly(command);
	}
}

/* Starts the work of a function that writes. */
void
booking_start_writing(FunctionCallInfo fcinfo)
{
	booking_require_writable(fcinfo);
	SPI_connect();
}

/* For when somebody's trigger or rule has kept a row from being written. */
void
booking_refuse_kept_out(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a row of the book was kept from being written"),
			 errdetail("A statement of the extension booking wrote nothing."),
			 errhint("Look for triggers on the tables of schema booking that return NULL.")));
}

/* Refuses that a statement wrote fewer rows than it had to. */
void
booking_require_written(uint64 rows, uint64 wanted)
{
	if (rows < wanted)
		booking_refuse_kept_out();
}

/*
 * Refuses that a statement wrote nothing though the query finds a row that it had to write. The query sees
 * what the statement saw, at every isolation level.
 */
void
booking_require_none_left(BookingPlan *query, Datum *values, const char *nulls)
{
	if (booking_execute(query, values, nulls) > 0)
		booking_refuse_kept_out();
}

/* A row of the last result. A statement that writes returns none where a trigger kept it out. */
static HeapTuple
row_of_result(uint64 number)
{
	if (SPI_tuptable == NULL || number >= SPI_tuptable->numvals)
		booking_refuse_kept_out();
	return SPI_tuptable->vals[number];
}

/* Takes one row of the last result apart. */
void
booking_row(uint64 number, Datum *values, bool *nulls)
{
	heap_deform_tuple(row_of_result(number), SPI_tuptable->tupdesc, values, nulls);
}

/* A column of such a row that is text and not null, unless somebody has altered the table. */
char *
booking_row_text(uint64 number, int column)
{
	HeapTuple row = row_of_result(number);
	TupleDesc desc = SPI_tuptable->tupdesc;

	if (SPI_gettypeid(desc, column + 1) != TEXTOID || heap_attisnull(row, column + 1, desc))
		booking_refuse_value(SPI_fname(desc, column + 1));
	return SPI_getvalue(row, desc, column + 1);
}

/* An argument that is an array of ids. */
Datum
booking_ids_as_array(Datum *ids, int count)
{
	return PointerGetDatum(
		construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The only value of the last result's first row, which is not null. */
Datum
booking_value(void)
{
	bool isnull;

	return SPI_getbinval(row_of_result(0), SPI_tuptable->tupdesc, 1, &isnull);
}

/* The composite value in the last result's first row, in memory that outlives SPI_finish. */
Datum
booking_returned_row(void)
{
	return SPI_datumTransfer(booking_value(), false, -1);
}

/*
 * Refuses to return rows of a table that has lost a column since the statement was planned: nothing keeps
 * others from dropping one. The server would look up that column's type for its message, and not find it.
 */
void
booking_check_returned_type(FunctionCallInfo fcinfo, Datum result)
{
	const ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	TupleDesc expected;
	TupleDesc now;
	bool is_gone = false;

	if (set == NULL || !IsA(set, ReturnSetInfo) || set->expectedDesc == NULL ||
		set->expectedDesc->tdtypeid == RECORDOID)
		return;
	expected = set->expectedDesc;
	if (set->returnMode == SFRM_Materialize)
		now = CreateTupleDescCopy(set->setDesc);
	else
	{
		HeapTupleHeader row = DatumGetHeapTupleHeader(result);

		now = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row),
										  HeapTupleHeaderGetTypMod(row));
	}
	for (int i = 0; i < now->natts && i < expected->natts; i++)
		is_gone |= TupleDescAttr(now, i)->attisdropped && !TupleDescAttr(expected, i)->attisdropped;
	if (is_gone)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("a table of the extension booking was altered meanwhile"),
						errhint("Try again.")));
	FreeTupleDesc(now);
}

/* Makes the tuplestore in which a function returns its set. */
ReturnSetInfo *
booking_start_set(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	return rsinfo;
}

/* Hands the last result, whose columns are the function's, to the function's caller. */
void
booking_return_set(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = booking_start_set(fcinfo);

	/* a column of ours may have got another type since the function was declared */
	(void) convert_tuples_by_position(SPI_tuptable->tupdesc, rsinfo->setDesc,
									  "a table of the extension booking has been altered");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
}

/*
 * The same for a result of one composite column, such as RETURNING of a whole row. What SELECT *
 * gives is no such row: it leaves out the columns that were dropped.
 */
void
booking_return_set_of_rows(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = booking_start_set(fcinfo);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		Datum row = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		HeapTupleData tuple = {0};

		tuple.t_data = DatumGetHeapTupleHeader(row);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		tuplestore_puttuple(rsinfo->setResult, &tuple);
	}
}
