/*
 * insert.c
 *		Inserting a row into one of the extension's own tables as a statement would, without one.
 *		Called where starting a statement would cost more than what it inserts.
 *
 * The server's own functions do it, those by which it applies the rows of logical replication:
 * defaults, constraints, indexes and AFTER ROW triggers are as ever. What these leave out, BEFORE
 * and statement triggers, transition tables and rules, no table of ours has; where somebody added
 * one, a statement is run after all.
 *
 * The expressions of defaults and CHECK constraints are kept for the session. A statement reads
 * them from the catalog's text each time.
 */
#include "booking.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The tables that this backend has inserted into. */
static BookingTarget *known_targets = NULL;

static void
forget_table(Datum arg, Oid relation)
{
	for (BookingTarget *target = known_targets; target != NULL; target = target->next)
	{
		if (relation == InvalidOid || relation == target->oid)
			target->is_current = false;
	}
}

/* An expression may have the body of a function in it. */
static void
forget_functions(Datum arg, int cache, uint32 hash)
{
	forget_table(arg, InvalidOid);
}

static void
remember(BookingTarget *target)
{
	if (target->is_remembered)
		return;
	if (known_targets == NULL)
	{
		CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, forget_functions, (Datum) 0);
	}
	target->next = known_targets;
	target->is_remembered = true;
	known_targets = target;
}

static ExprState *
compile(Node *expression)
{
	return ExecInitExpr(expression_planner((Expr *) expression), NULL);
}

static bool
is_given(const BookingTarget *target, AttrNumber number)
{
	for (int i = 0; i < MAX_TARGET_COLUMNS && target->columns[i] != NULL; i++)
	{
		if (target->numbers[i] == number)
			return true;
	}
	return false;
}

/* What the columns get that we do not give; NULL where that is null. */
static void
compile_defaults(Relation table, BookingTarget *target)
{
	TupleDesc desc = RelationGetDescr(table);

	target->defaults = palloc0(desc->natts * sizeof(ExprState *));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node *value;

		if (column->attisdropped || column->attgenerated || is_given(target, i + 1))
			continue;
		value = build_column_default(table, i + 1);
		if (value != NULL)
			target->defaults[i] = compile(value);
	}
}

static void
compile_checks(Relation table, BookingTarget *target)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;
	int count = constraints ? constraints->num_check : 0;

	target->checks = count > 0 ? palloc(count * sizeof(ExprState *)) : NULL;
	for (int i = 0; i < count; i++)
		target->checks[i] = compile(stringToNode(constraints->check[i].ccbin));
}

static void
find_columns(Relation table, BookingTarget *target)
{
	for (int i = 0; i < MAX_TARGET_COLUMNS && target->columns[i] != NULL; i++)
	{
		target->numbers[i] = SPI_fnumber(RelationGetDescr(table), target->columns[i]);
		if (target->numbers[i] <= 0)
			elog(ERROR, "booking.%s has no column %s", target->table, target->columns[i]);
	}
	target->id = SPI_fnumber(RelationGetDescr(table), "id");
}

/* Learns all about the table, which is locked, again. */
static void
learn(Relation table, BookingTarget *target)
{
	MemoryContext outer;

	/* a default or check of somebody else's that led here may be running: it ends with the transaction */
	if (target->context != NULL)
		MemoryContextSetParent(target->context, TopTransactionContext);
	target->context =
		AllocSetContextCreate(TopMemoryContext, "booking insert", ALLOCSET_SMALL_SIZES);
	outer = MemoryContextSwitchTo(target->context);
	/* not freed: it may be running */
	memset(&target->statement, 0, sizeof(target->statement));
	target->is_current = true;
	PG_TRY();
	{
		find_columns(table, target);
		compile_defaults(table, target);
		compile_checks(table, target);
	}
	PG_CATCH();
	{
		target->is_current = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
}

static Relation
open_target(BookingTarget *target)
{
	Relation table = target->is_current ? try_table_open(target->oid, RowExclusiveLock) : NULL;

	if (table != NULL && target->is_current)
		return table;
	if (table != NULL)
		table_close(table, RowExclusiveLock);

	remember(target);
	target->oid = booking_relation(target->table);
	table = table_open(target->oid, RowExclusiveLock);
	learn(table, target);
	return table;
}

static bool
needs_a_statement(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	return table->rd_rules != NULL || table->rd_rel->relforcerowsecurity ||
		   (triggers != NULL &&
			(triggers->trig_insert_before_row || triggers->trig_insert_instead_row ||
			 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
			 triggers->trig_insert_new_table));
}

/* Puts the values in their columns, and defaults into the others. */
static void
fill_row(const BookingTarget *target, const Datum *values, const bool *nulls, EState *estate,
		 TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(estate);

	ExecClearTuple(row);
	memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < MAX_TARGET_COLUMNS && target->columns[i] != NULL; i++)
	{
		row->tts_values[target->numbers[i] - 1] = values[i];
		row->tts_isnull[target->numbers[i] - 1] = nulls[i];
	}
	for (int i = 0; i < row->tts_tupleDescriptor->natts; i++)
	{
		if (target->defaults[i] != NULL)
			row->tts_values[i] =
				ExecEvalExprSwitchContext(target->defaults[i], context, &row->tts_isnull[i]);
	}
	ExecStoreVirtualTuple(row);
}

static void
insert_row(const BookingTarget *target, Relation table, const Datum *values, const bool *nulls,
		   EState *estate, TupleTableSlot *row)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, table, 0, NULL, 0);
#if PG_VERSION_NUM < 180000
	result->ri_ConstraintExprs = target->checks;
#endif
	estate->es_opened_result_relations = list_make1(result);
	ExecOpenIndices(result, false);
	fill_row(target, values, nulls, estate, row);
	AfterTriggerBeginQuery();
	ExecSimpleRelationInsert(result, estate, row);
	AfterTriggerEndQuery(estate);
	ExecCloseResultRelations(estate);
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

/* The statement that does the same; table is open. */
static BookingPlan *
statement_of(Relation table, BookingTarget *target)
{
	BookingPlan *statement = &target->statement;
	StringInfoData columns;
	StringInfoData values;

	if (statement->sql != NULL)
		return statement;
	initStringInfo(&columns);
	initStringInfo(&values);
	for (int i = 0; i < MAX_TARGET_COLUMNS && target->columns[i] != NULL; i++)
	{
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", target->columns[i]);
		appendStringInfo(&values, "%s$%d", i > 0 ? ", " : "", i + 1);
		statement->argtypes[i] =
			TupleDescAttr(RelationGetDescr(table), target->numbers[i] - 1)->atttypid;
		statement->nargs = i + 1;
	}
	statement->sql = MemoryContextStrdup(
		TopMemoryContext, psprintf("INSERT INTO booking.%s AS t (%s) VALUES (%s) RETURNING t, t.id",
								   target->table, columns.data, values.data));
	return statement;
}

static bool
insert_by_statement(BookingTarget *target, Relation table, const Datum *values, const bool *nulls,
					int64 *id, Datum *inserted)
{
	Datum args[MAX_TARGET_COLUMNS] = {0};
	char arg_nulls[MAX_TARGET_COLUMNS];
	Datum row[2];
	bool row_nulls[2];

	for (int i = 0; i < MAX_TARGET_COLUMNS && target->columns[i] != NULL; i++)
	{
		args[i] = values[i];
		arg_nulls[i] = nulls[i] ? 'n' : ' ';
	}
	if (booking_execute(statement_of(table, target), args, arg_nulls) == 0)
		return false;
	booking_row(0, row, row_nulls);
	*id = DatumGetInt64(row[1]);
	if (inserted != NULL)
		*inserted = SPI_datumTransfer(row[0], false, -1);
	return true;
}

static void
insert_by_itself(const BookingTarget *target, Relation table, const Datum *values,
				 const bool *nulls, int64 *id, Datum *inserted)
{
	MemoryContext caller = CurrentMemoryContext;
	EState *estate = CreateExecutorState();

	PG_TRY();
	{
		TupleTableSlot *row;

		MemoryContextSwitchTo(estate->es_query_cxt);
		PushActiveSnapshot(GetTransactionSnapshot());
		row = table_slot_create(table, &estate->es_tupleTable);
		insert_row(target, table, values, nulls, estate, row);
		*id = take_over(target, row, inserted);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		booking_raise_again();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	CommandCounterIncrement();
}

/*
 * Inserts a row, given the values of some columns, and says what id it got; false when a trigger
 * of somebody else's kept it out. Violations are reported as booking_execute does.
 */
bool
booking_insert(BookingTarget *target, const Datum *values, const bool *nulls, int64 *id,
			   Datum *inserted)
{
	Relation table = open_target(target);
	bool is_in = true;

	if (needs_a_statement(table))
		is_in = insert_by_statement(target, table, values, nulls, id, inserted);
	else
		insert_by_itself(target, table, values, nulls, id, inserted);
	table_close(table, NoLock);
	return is_in;
}

/* A status as its columns have it. */
Datum
booking_status(const char *label)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("appointment_status"),
							   ObjectIdGetDatum(get_namespace_oid("booking", false)));
	Oid status = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(type),
								 CStringGetDatum(label));

	if (!OidIsValid(status))
		elog(ERROR, "there is no status %s", label);
	return ObjectIdGetDatum(status);
}
