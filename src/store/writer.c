/*
 * writer.c
 *		What it takes to write to a table of the book directly. Called by insert.c and update.c.
 *
 * What a statement would read from the catalogs each time, the expressions of defaults, constraints
 * and indexes, is compiled once and kept for the session, or until the table changes.
 */
#include "store/internal.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static ExprState *
compile(Node *expression)
{
	return ExecInitExpr(expression_planner((Expr *) expression), NULL);
}

/* NULL where a column is null if it is not given. */
static ExprState **
compile_defaults(Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);
	ExprState **defaults = palloc0(desc->natts * sizeof(ExprState *));

	for (int i = 0; i < desc->natts; i++)
	{
		Node *value =
			TupleDescAttr(desc, i)->attisdropped ? NULL : build_column_default(relation, i + 1);

		if (value != NULL)
			defaults[i] = compile(value);
	}
	return defaults;
}

/* Without triggers, none is fired. */
static ResultRelInfo *
make_result_relation(Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;
	int count = constraints ? constraints->num_check : 0;
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, relation, 0, NULL, 0);
	result->ri_RelationDesc = NULL;
	result->ri_TrigDesc = NULL;
	if (count > 0)
		result->ri_CheckConstraintExprs = palloc(count * sizeof(ExprState *));
	for (int i = 0; i < count; i++)
		result->ri_CheckConstraintExprs[i] = compile(stringToNode(constraints->check[i].ccbin));
	return result;
}

static IndexInfo *
compile_index(Oid oid)
{
	Relation index = index_open(oid, RowExclusiveLock);
	IndexInfo *info = BuildIndexInfo(index);

	if (info->ii_Predicate != NIL)
		info->ii_PredicateState =
			ExecInitQual((List *) expression_planner((Expr *) info->ii_Predicate), NULL);
	for (int i = 0; i < list_length(info->ii_Expressions); i++)
		info->ii_ExpressionsState =
			lappend(info->ii_ExpressionsState, compile(list_nth(info->ii_Expressions, i)));
	index_close(index, RowExclusiveLock);
	return info;
}

static void
compile_indexes(Relation relation, Writer *writer)
{
	List *oids = RelationGetIndexList(relation);

	writer->index_count = list_length(oids);
	writer->index_oids = palloc(writer->index_count * sizeof(Oid));
	writer->indexes = palloc(writer->index_count * sizeof(IndexInfo *));
	writer->open_indexes = palloc(writer->index_count * sizeof(Relation));
	writer->open_infos = palloc(writer->index_count * sizeof(IndexInfo *));
	for (int i = 0; i < writer->index_count; i++)
	{
		writer->index_oids[i] = list_nth_oid(oids, i);
		writer->indexes[i] = compile_index(writer->index_oids[i]);
	}
}

Writer *
booking_make_writer(Relation relation)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "booking writer", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Writer *writer = palloc0(sizeof(Writer));

	writer->context = context;
	writer->estate = CreateExecutorState();
	writer->defaults = compile_defaults(relation);
	writer->result = make_result_relation(relation);
	writer->row =
		make_tuple_slot(CreateTupleDescCopy(RelationGetDescr(relation)), &TTSOpsHeapTuple);
	compile_indexes(relation, writer);
	MemoryContextSwitchTo(caller);
	/* an error until here has left nothing behind */
	MemoryContextSetParent(context, TopMemoryContext);
	return writer;
}

/* Also of none. */
void
booking_drop_writer(Writer *writer)
{
	if (writer != NULL)
		MemoryContextDelete(writer->context);
}

/* Starts writing a row, in memory that lasts until the next; returns the caller's. */
MemoryContext
booking_start_writer(Writer *writer, Relation relation)
{
	ResetPerTupleExprContext(writer->estate);
	writer->result->ri_RelationDesc = relation;
	writer->result->ri_NumIndices = 0;
	return MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->estate));
}

/* A partial index whose predicate says that it has no place for the row is left alone. */
static bool
index_wants(const IndexInfo *info, ExprContext *context, TupleTableSlot *row)
{
	context->ecxt_scantuple = row;
	return info->ii_PredicateState == NULL || ExecQual(info->ii_PredicateState, context);
}

/* As ExecOpenIndices does it, but only those that want the row; ExecCloseIndices undoes it. */
void
booking_open_indexes(Writer *writer, TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(writer->estate);
	ResultRelInfo *result = writer->result;

	result->ri_NumIndices = 0;
	result->ri_IndexRelationDescs = writer->open_indexes;
	result->ri_IndexRelationInfo = writer->open_infos;
	for (int i = 0; i < writer->index_count; i++)
	{
		IndexInfo *info = writer->indexes[i];

		if (!index_wants(info, context, row))
			continue;
		/* where an index may keep what it needs for this row */
		info->ii_Context = CurrentMemoryContext;
		info->ii_AmCache = NULL;
		writer->open_indexes[result->ri_NumIndices] =
			index_open(writer->index_oids[i], RowExclusiveLock);
		writer->open_infos[result->ri_NumIndices++] = info;
	}
}
