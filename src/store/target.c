/*
 * target.c
 *		The extension's own tables as it writes to them without SQL. Called by insert.c and update.c.
 *
 * What a statement would read from the catalogs each time, the expressions of defaults, constraints
 * and indexes, is compiled once and kept for the session, and so is the judgement whether a
 * statement has to be run after all (judge.c).
 */
#include "store/store.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/memutils.h"
#include "utils/rel.h"

bool booking_direct = true;

static ExprState *
compile(BookingTarget *target, Node *expression)
{
	booking_judge_expression(target, expression);
	return ExecInitExpr(expression_planner((Expr *) expression), NULL);
}

static bool
is_given(const BookingTable *table, AttrNumber number)
{
	for (int i = 0; i < table->count; i++)
	{
		if (table->numbers[i] == number)
			return true;
	}
	return false;
}

/* What the columns get that we do not give; NULL where that is null. */
static void
compile_defaults(Relation relation, BookingTarget *target)
{
	TupleDesc desc = RelationGetDescr(relation);

	target->defaults = palloc0(desc->natts * sizeof(ExprState *));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node *value;

		if (column->attisdropped || column->attgenerated || is_given(&target->table, i + 1))
			continue;
		value = build_column_default(relation, i + 1);
		if (value != NULL)
			target->defaults[i] = compile(target, value);
	}
}

static void
compile_checks(Relation relation, BookingTarget *target)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;
	int count = constraints ? constraints->num_check : 0;

	target->checks = count > 0 ? palloc0(count * sizeof(ExprState *)) : NULL;
	for (int i = 0; i < count; i++)
	{
		if (is_enforced(&constraints->check[i]))
			target->checks[i] =
				compile(target, expand_virtual_columns(stringToNode(constraints->check[i].ccbin),
													   relation));
	}
}

static IndexInfo *
compile_index(BookingTarget *target, Oid oid)
{
	Relation index = index_open(oid, RowExclusiveLock);
	IndexInfo *info = BuildIndexInfo(index);

	booking_judge_index(target, index);
	if (info->ii_Predicate != NIL)
	{
		booking_judge_expression(target, (Node *) info->ii_Predicate);
		info->ii_PredicateState =
			ExecInitQual((List *) expression_planner((Expr *) info->ii_Predicate), NULL);
	}
	for (int i = 0; i < list_length(info->ii_Expressions); i++)
		info->ii_ExpressionsState =
			lappend(info->ii_ExpressionsState, compile(target, list_nth(info->ii_Expressions, i)));
	index_close(index, RowExclusiveLock);
	return info;
}

static void
compile_indexes(Relation relation, BookingTarget *target)
{
	List *oids = RelationGetIndexList(relation);

	target->index_count = list_length(oids);
	target->index_oids = palloc(target->index_count * sizeof(Oid));
	target->indexes = palloc(target->index_count * sizeof(IndexInfo *));
	target->open_indexes = palloc(target->index_count * sizeof(Relation));
	target->open_infos = palloc(target->index_count * sizeof(IndexInfo *));
	for (int i = 0; i < target->index_count; i++)
	{
		target->index_oids[i] = list_nth_oid(oids, i);
		target->indexes[i] = compile_index(target, target->index_oids[i]);
	}
}

/* Looking something up may have the server read its copies of triggers and keys anew: these are ours. */
static void
learn_target(Relation relation, BookingTable *table)
{
	BookingTarget *target = (BookingTarget *) table;
	MemoryContext outer;

	if (target->context != NULL)
		MemoryContextDelete(target->context);
	target->context = NULL;
	target->context =
		AllocSetContextCreate(TopMemoryContext, "booking target", ALLOCSET_SMALL_SIZES);
	outer = MemoryContextSwitchTo(target->context);
	for (int i = 0; i < MAX_VOUCHED_FOR; i++)
		target->vouched_for[i].referred = InvalidOid;
	target->needs_statement = target->runs_code = false;
	target->id = booking_column_of_type(RelationGetDescr(relation), "id", INT8OID);
	compile_checks(relation, target);
	compile_indexes(relation, target);
	if (!target->is_updated)
		compile_defaults(relation, target);
	booking_judge_table(target, relation);
	target->result = booking_result_with_triggers(target, relation);
	target->result->ri_RelationDesc = NULL;
	target->result->ri_TrigDesc = NULL;
	target->estate = CreateExecutorState();
	target->row = make_slot(CreateTupleDescCopy(RelationGetDescr(relation)),
							target->is_updated ? &TTSOpsVirtual : &TTSOpsHeapTuple);
	MemoryContextSwitchTo(outer);
}

/*
 * Opens the table to write to it. An expression that is running, or being compiled, may have led here:
 * then nothing known of the table but its columns is to be used.
 */
Relation
booking_open_target(BookingTarget *target)
{
	Relation relation = NULL;

	if (target->is_busy)
		return booking_open_relation(target->table.name, RowExclusiveLock);
	target->is_busy = true;
	PG_TRY();
	{
		relation = booking_open_table(&target->table, RowExclusiveLock, learn_target);
	}
	PG_FINALLY();
	{
		target->is_busy = false;
	}
	PG_END_TRY();
	return relation;
}

/*
 * Starts writing a row, in memory that lasts until the next. An expression that is run meanwhile,
 * and writes to the same table in turn, does so by a statement.
 */
MemoryContext
booking_start_target(BookingTarget *target)
{
	MemoryContext row_context;

	ResetPerTupleExprContext(target->estate);
	row_context = GetPerTupleMemoryContext(target->estate);
	target->is_busy = true;
	return MemoryContextSwitchTo(row_context);
}

/* Also after an error. */
void
booking_end_target(BookingTarget *target, MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	target->is_busy = false;
}

/* Puts the given columns in the row. */
void
booking_put_values(const BookingTarget *target, const Datum *values, const bool *nulls)
{
	const BookingTable *table = &target->table;
	TupleTableSlot *row = target->row;

	row->tts_tableOid = table->oid;
	for (int i = 0; i < table->count; i++)
	{
		row->tts_values[table->numbers[i] - 1] = values[i];
		row->tts_isnull[table->numbers[i] - 1] = nulls[i];
	}
}

/* What the server's functions that write want to know of the table; without triggers, none is fired. */
ResultRelInfo *
booking_result_relation(const BookingTarget *target, Relation relation)
{
	ResultRelInfo *result = palloc(sizeof(ResultRelInfo));

	*result = *target->result;
	result->ri_RelationDesc = relation;
	return result;
}

ResultRelInfo *
booking_result_with_triggers(const BookingTarget *target, Relation relation)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, relation, 0, NULL, 0);
	result->ri_CheckConstraintExprs = target->checks;
	return result;
}

/* Whether there may be an entry for the row, of which NULL says that not all is computed yet. */
static bool
index_wants(const IndexInfo *info, ExprContext *context, TupleTableSlot *row)
{
	context->ecxt_scantuple = row;
	return row == NULL || info->ii_PredicateState == NULL ||
		   ExecQual(info->ii_PredicateState, context);
}

/* As ExecOpenIndices does it, but only those that want the row; ExecCloseIndices undoes it. */
void
booking_open_indexes(const BookingTarget *target, ResultRelInfo *result, TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(target->estate);

	result->ri_NumIndices = 0;
	result->ri_IndexRelationDescs = target->open_indexes;
	result->ri_IndexRelationInfo = target->open_infos;
	for (int i = 0; i < target->index_count; i++)
	{
		IndexInfo *info = target->indexes[i];
		Relation index;

		if (!index_wants(info, context, row))
			continue;
		index = index_open(target->index_oids[i], RowExclusiveLock);
		/* becomes so while it is built concurrently, which is told of the index alone */
		info->ii_ReadyForInserts = index->rd_index->indisready;
		/* where indexes of other kinds keep what they need for this row */
		info->ii_Context = CurrentMemoryContext;
		info->ii_AmCache = NULL;
		target->open_indexes[result->ri_NumIndices] = index;
		target->open_infos[result->ri_NumIndices] = info;
		result->ri_NumIndices++;
	}
}
