/*
 * insert.c
 *		Inserting a row into one of the extension's own tables as a statement would, without one.
 *		Called where starting a statement would cost more than what it inserts.
 *
 * The server's own functions do it, those by which it applies the rows of logical replication:
 * defaults, constraints, indexes and AFTER ROW triggers are as ever, but for those of foreign keys
 * that the caller vouches for (target.c). What these leave out, BEFORE and statement triggers, transition
 * tables and rules, no table of ours has; where somebody added one, a statement is run after all.
 */
#include "store/store.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* What the caller has to come with the row. */
typedef struct Following
{
	FollowInsert *follow; /* NULL: nothing */
	const void *arg;
} Following;

/* Puts the values in their columns, and defaults into the others. */
static TupleTableSlot *
fill_row(const BookingTarget *target, const Datum *values, const bool *nulls)
{
	ExprContext *context = GetPerTupleExprContext(target->estate);
	TupleTableSlot *row = target->row;

	ExecClearTuple(row);
	memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
	booking_put_values(target, values, nulls);
	for (int i = 0; i < row->tts_tupleDescriptor->natts; i++)
	{
		if (target->defaults[i] != NULL)
			row->tts_values[i] =
				ExecEvalExprSwitchContext(target->defaults[i], context, &row->tts_isnull[i]);
	}
	return ExecStoreVirtualTuple(row);
}

/* Whether there is nothing to follow from the insert but what the caller has seen to. */
static bool
is_plain(const BookingTarget *target)
{
	/* other isolation levels check foreign keys against a snapshot older than our locks */
	if (!target->is_plain || IsolationUsesXactSnapshot())
		return false;
	for (int i = 0; i < MAX_VOUCHED_FOR; i++)
	{
		const VouchedFor *vouched = &target->vouched_for[i];

		if (OidIsValid(vouched->referred) && vouched->referred != vouched->table->oid)
			return false;
	}
	return true;
}

static void
insert_plain_row(const BookingTarget *target, Relation table, TupleTableSlot *row)
{
	ResultRelInfo *result = booking_result_relation(target, table);

	booking_open_indexes(target, result, row);
	ExecSimpleRelationInsert(result, target->estate, row);
	ExecCloseIndices(result);
}

/* The id of the row, and the row itself where it is wanted, in memory that outlives SPI_finish. */
static int64
take_over(const BookingTarget *target, TupleTableSlot *row, Datum *inserted)
{
	bool isnull;
	HeapTuple tuple = ExecFetchSlotHeapTuple(row, false, NULL);

	if (inserted != NULL)
		*inserted = PointerGetDatum(SPI_returntuple(tuple, row->tts_tupleDescriptor));
	return DatumGetInt64(slot_getattr(row, target->id, &isnull));
}

/* Fires the AFTER triggers of a row that is in, once what comes with it is in, too. */
static void
end_insert(EState *estate, int64 id, const Following *following)
{
	if (following->follow != NULL)
	{
		CommandCounterIncrement();
		following->follow(id, following->arg);
	}
	AfterTriggerEndQuery(estate);
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
}

/* With all that follows from it. */
static int64
insert_row(const BookingTarget *target, Relation table, TupleTableSlot *row, Datum *inserted,
		   const Following *following)
{
	ResultRelInfo *result = booking_result_with_triggers(target, table);
	EState *estate = CreateExecutorState();
	int64 id;

	booking_open_indexes(target, result, NULL);
	estate->es_opened_result_relations = list_make1(result);
	AfterTriggerBeginQuery();
	ExecSimpleRelationInsert(result, estate, row);
	id = take_over(target, row, inserted);
	end_insert(estate, id, following);
	return id;
}

static Oid
type_of(const BookingColumn *column)
{
	return OidIsValid(column->type) ? column->type : booking_status_type();
}

/* They are others when the extension was installed anew. */
static bool
has_types_of(const BookingPlan *statement, const BookingTable *table)
{
	for (int i = 0; i < table->count; i++)
	{
		if (statement->argtypes[i] != type_of(&table->columns[i]))
			return false;
	}
	return true;
}

/* The statement that does the same. */
static BookingPlan *
statement_of(BookingTarget *target)
{
	const BookingTable *table = &target->table;
	BookingPlan *statement = &target->statement;
	StringInfoData columns;
	StringInfoData values;

	if (statement->sql != NULL && has_types_of(statement, table))
		return statement;
	initStringInfo(&columns);
	initStringInfo(&values);
	/* the one before is not freed: it may be running */
	memset(statement, 0, sizeof(*statement));
	for (int i = 0; i < table->count; i++)
	{
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
		appendStringInfo(&values, "%s$%d", i > 0 ? ", " : "", i + 1);
		statement->argtypes[i] = type_of(&table->columns[i]);
	}
	statement->nargs = table->count;
	statement->sql = MemoryContextStrdup(
		TopMemoryContext, psprintf("INSERT INTO booking.%s AS t (%s) VALUES (%s) RETURNING t, t.id",
								   table->name, columns.data, values.data));
	return statement;
}

static void
insert_by_statement(BookingTarget *target, const Datum *values, const bool *nulls, Datum *inserted,
					const Following *following)
{
	char arg_nulls[MAX_TABLE_COLUMNS] = {0};
	Authority callers;
	Datum row[2];
	bool row_nulls[2];

	for (int i = 0; i < target->table.count; i++)
		arg_nulls[i] = nulls[i] ? 'n' : ' ';
	AfterTriggerBeginQuery();
	booking_require_written(
		booking_execute_untriggered(statement_of(target), unconstify(Datum *, values), arg_nulls),
		1);
	booking_row(0, row, row_nulls);
	if (inserted != NULL)
		*inserted = SPI_datumTransfer(row[0], false, -1);

	booking_take_authority(&callers);
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		end_insert(CreateExecutorState(), DatumGetInt64(row[1]), following);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		booking_raise_again();
	}
	PG_END_TRY();
	booking_leave_authority(&callers);
}

static void
insert_by_itself(BookingTarget *target, Relation table, const Datum *values, const bool *nulls,
				 Datum *inserted, const Following *following)
{
	volatile bool plain = is_plain(target); /* read after PG_TRY */
	Authority callers = {0};
	MemoryContext caller;
	int64 id = 0;

	if (booking_runs_code(target) || !plain)
		booking_take_authority(&callers);
	caller = booking_start_target(target);
	PG_TRY();
	{
		TupleTableSlot *row;

		PushActiveSnapshot(GetTransactionSnapshot());
		row = fill_row(target, values, nulls);
		if (plain)
		{
			insert_plain_row(target, table, row);
			id = take_over(target, row, inserted);
		}
		else
			id = insert_row(target, table, row, inserted, following);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		booking_end_target(target, caller);
		booking_raise_again();
	}
	PG_END_TRY();
	booking_end_target(target, caller);
	booking_leave_authority(&callers);
	CommandCounterIncrement();
	if (plain && following->follow != NULL)
		following->follow(id, following->arg);
}

/*
 * Inserts a row, given the values of some columns, and what is to follow it. Violations are reported as
 * booking_execute does.
 */
void
booking_insert(BookingTarget *target, const Datum *values, const bool *nulls, Datum *inserted,
			   FollowInsert *follow, const void *arg)
{
	const Following following = {follow, arg};
	Relation table = booking_open_target(target);

	if (!booking_direct || target->is_busy || target->needs_statement)
		insert_by_statement(target, values, nulls, inserted, &following);
	else
		insert_by_itself(target, table, values, nulls, inserted, &following);
	table_close(table, NoLock);
}
