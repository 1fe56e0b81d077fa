/*
 * insert.c
 *		Inserting a row into one of the book's tables as a statement would, without one where that comes to the same.
 *		Called where starting a statement would cost more than what it inserts.
 *
 * The server's own functions do it, those by which it applies the rows of logical replication:
 * defaults, constraints and indexes are as ever. The extension has put no trigger on these tables that an insert
 * would fire, but those of the foreign keys of an appointment. For these the caller vouches: it has updated the slot
 * and locked the patient's row. That does where neither ran anybody's code, which could have deleted them since.
 */
#include "store/internal.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
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
fill_row(Writer *writer, TableId table, const ColumnValue *values, int count)
{
	ExprContext *context = GetPerTupleExprContext(writer->estate);
	const AttrNumber *numbers = booking_column_numbers(table);
	TupleTableSlot *row = writer->row;
	int column_count = row->tts_tupleDescriptor->natts;
	bool *is_given = palloc0(column_count * sizeof(bool));

	ExecClearTuple(row);
	for (int i = 0; i < count; i++)
	{
		int number = numbers[values[i].column] - 1;

		row->tts_values[number] = values[i].value;
		row->tts_isnull[number] = values[i].isnull;
		is_given[number] = true;
	}
	for (int i = 0; i < column_count; i++)
	{
		if (is_given[i])
			continue;
		row->tts_isnull[i] = true;
		if (writer->defaults[i] != NULL)
			row->tts_values[i] =
				ExecEvalExprSwitchContext(writer->defaults[i], context, &row->tts_isnull[i]);
	}
	return ExecStoreVirtualTuple(row);
}

static int64
insert_row(Writer *writer, TableId table, Relation relation, const ColumnValue *values, int count,
		   Datum *inserted)
{
	TupleTableSlot *row = fill_row(writer, table, values, count);
	bool isnull;

	row->tts_tableOid = RelationGetRelid(relation);
	booking_open_indexes(writer, row);
	ExecSimpleRelationInsert(writer->result, writer->estate, row);
	ExecCloseIndices(writer->result);
	/* in memory that outlives SPI_finish */
	if (inserted != NULL)
		*inserted = PointerGetDatum(
			SPI_returntuple(ExecFetchSlotHeapTuple(row, false, NULL), row->tts_tupleDescriptor));
	return DatumGetInt64(slot_getattr(row, booking_column_numbers(table)[0], &isnull));
}

static void
insert_directly(TableId table, Relation relation, const ColumnValue *values, int count,
				Datum *inserted, const Following *following)
{
	Writer *writer = booking_writer(table, relation);
	MemoryContext caller = booking_start_writer(writer, relation);
	int64 id = 0;

	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		id = insert_row(writer, table, relation, values, count, inserted);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		booking_raise_again();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CommandCounterIncrement();
	if (following->follow != NULL)
		following->follow(id, following->arg);
}

/* A table is always given the same columns. But their types are others when the extension was installed anew. */
static BookingPlan *
statement_of(TableId id, const ColumnValue *values, int count)
{
	static BookingPlan statements[TABLE_COUNT];
	const BookTable *table = &booking_tables[id];
	BookingPlan *statement = &statements[id];
	Oid types[MOST_COLUMNS] = {0};
	StringInfoData columns;
	StringInfoData parameters;

	for (int i = 0; i < count; i++)
		types[i] = booking_type_of(&table->columns[values[i].column]);
	if (statement->sql != NULL && memcmp(statement->argtypes, types, sizeof(types)) == 0)
		return statement;
	initStringInfo(&columns);
	initStringInfo(&parameters);
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "",
						 table->columns[values[i].column].name);
		appendStringInfo(&parameters, "%s$%d", i > 0 ? ", " : "", i + 1);
	}
	/* the one before is not freed: it may be running */
	memset(statement, 0, sizeof(*statement));
	memcpy(statement->argtypes, types, sizeof(types));
	statement->nargs = count;
	statement->sql = MemoryContextStrdup(
		TopMemoryContext, psprintf("INSERT INTO booking.%s AS t (%s) VALUES (%s) RETURNING t, t.id",
								   table->name, columns.data, parameters.data));
	return statement;
}

/* Fires the AFTER triggers of the statement, once what comes with its row is in, too. */
static void
end_statement(int64 id, const Following *following)
{
	EState *estate = CreateExecutorState();

	PushActiveSnapshot(GetTransactionSnapshot());
	if (following->follow != NULL)
	{
		CommandCounterIncrement();
		following->follow(id, following->arg);
	}
	AfterTriggerEndQuery(estate);
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	PopActiveSnapshot();
}

static void
insert_by_statement(TableId table, const ColumnValue *values, int count, Datum *inserted,
					const Following *following)
{
	Datum args[MOST_COLUMNS];
	char nulls[MOST_COLUMNS];
	SavedUserContext saved;
	Datum row[2];
	bool row_nulls[2];

	for (int i = 0; i < count; i++)
	{
		args[i] = values[i].value;
		nulls[i] = values[i].isnull ? 'n' : ' ';
	}
	AfterTriggerBeginQuery();
	booking_require_written(
		booking_execute_queueing_triggers(statement_of(table, values, count), args, nulls), 1);
	booking_row(0, row, row_nulls);
	if (inserted != NULL)
		*inserted = SPI_datumTransfer(row[0], false, -1);

	booking_switch_to_owner(&saved);
	PG_TRY();
	{
		end_statement(DatumGetInt64(row[1]), following);
	}
	PG_CATCH();
	{
		booking_raise_again();
	}
	PG_END_TRY();
	booking_restore_user_context(&saved);
}

/*
 * Inserts a row, given the values of some columns, and what is to follow it. Violations are reported as
 * booking_execute does.
 */
void
booking_insert(TableId table, const ColumnValue *values, int count, Datum *inserted,
			   FollowInsert *follow, const void *arg)
{
	const Following following = {follow, arg};
	Relation relation;

	(void) booking_open_table(table, RowExclusiveLock, &relation);
	/* at other isolation levels, foreign keys are checked against a snapshot older than the caller's locks */
	if (booking_is_direct(table) && !IsolationUsesXactSnapshot() &&
		(table != APPOINTMENTS || (booking_is_direct(TIME_SLOTS) && booking_is_direct(PATIENTS))))
		insert_directly(table, relation, values, count, inserted, &following);
	else
		insert_by_statement(table, values, count, inserted, &following);
	table_close(relation, NoLock);
}
