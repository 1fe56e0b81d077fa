/*
 * target.c
 *		The extension's own tables as it writes to them without SQL. Called by insert.c and update.c.
 *
 * What a statement would read from the catalogs each time, the expressions of defaults, constraints
 * and indexes, is compiled once and kept for the session, and so is the judgement whether a
 * statement has to be run after all: where somebody has put on a table what we leave out.
 *
 * Foreign keys that the caller vouches for need no trigger of theirs: the row referred to is locked,
 * as the trigger would lock it.
 */
#include "booking.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_language_d.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Those of the defaults, constraints and indexes that the tables come with. */
static bool
is_unknown(Oid function, void *nothing)
{
	static const Oid known[] = {
		F_NOW,
		F_ENUM_EQ,
		F_ENUM_NE,
		F_INT4GE,
		F_INT4LE,
		F_CHAR_LENGTH_TEXT,
		F_ISFINITE_TIMESTAMPTZ,
		F_TIMESTAMPTZ_GT,
		F_TIMESTAMPTZ_GE,
		F_TIMESTAMPTZ_LE,
		F_TIMESTAMPTZ_PL_INTERVAL,
	};

	for (int i = 0; i < lengthof(known); i++)
	{
		if (function == known[i])
			return false;
	}
	return true;
}

/* Some functions of the server's own, too, run whatever they are told to. */
static bool
runs_code(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_RelabelType:
		case T_NextValueExpr:
			return check_functions_in_node(node, is_unknown, NULL) ||
				   expression_tree_walker(node, runs_code, nothing);
		default:
			return true;
	}
}

static bool
uses_domain(Node *node, void *nothing)
{
	return node != NULL &&
		   (IsA(node, CoerceToDomain) || expression_tree_walker(node, uses_domain, nothing));
}

/* Nothing tells when the constraints of a domain change, which a statement reads each time. */
static void
judge(BookingTarget *target, Node *expression)
{
	target->needs_statement |= uses_domain(expression, NULL);
	target->runs_code |= runs_code(expression, NULL);
}

static ExprState *
compile(BookingTarget *target, Node *expression)
{
	judge(target, expression);
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

	target->checks = count > 0 ? palloc(count * sizeof(ExprState *)) : NULL;
	for (int i = 0; i < count; i++)
		target->checks[i] = compile(target, stringToNode(constraints->check[i].ccbin));
}

static IndexInfo *
compile_index(BookingTarget *target, Oid oid)
{
	Relation index = index_open(oid, RowExclusiveLock);
	IndexInfo *info = BuildIndexInfo(index);

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		target->runs_code |= index->rd_opfamily[i] >= FirstNormalObjectId;
	if (info->ii_Predicate != NIL)
	{
		judge(target, (Node *) info->ii_Predicate);
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

/* Notes what the foreign key refers to; false when it is none that the caller sees to. */
static bool
note_vouched_for(Relation relation, const ForeignKeyCacheInfo *key, BookingTarget *target)
{
	for (int i = 0; i < MAX_VOUCHED_FOR && target->vouched_for[i].column != NULL; i++)
	{
		VouchedFor *vouched = &target->vouched_for[i];

		if (key->nkeys != 1 ||
			key->conkey[0] != SPI_fnumber(RelationGetDescr(relation), vouched->column) ||
			key->confkey[0] != get_attnum(key->confrelid, "id"))
			continue;
		/* a second key of the column, to another table, is somebody else's */
		if (OidIsValid(vouched->referred) && vouched->referred != key->confrelid)
			return false;
		vouched->referred = key->confrelid;
		return true;
	}
	return false;
}

/* Whether the trigger checks such a foreign key. */
static bool
is_vouched_for(Relation relation, const Trigger *trigger, BookingTarget *target)
{
	List *keys = copyObject(RelationGetFKeyList(relation));

	if (trigger->tgfoid != F_RI_FKEY_CHECK_INS)
		return false;
	for (int i = 0; i < list_length(keys); i++)
	{
		const ForeignKeyCacheInfo *key = list_nth(keys, i);

		if (key->conoid == trigger->tgconstraint)
			return note_vouched_for(relation, key, target);
	}
	return false;
}

/* Whether a column that we do not give has to be checked for the constraints of its domain. */
static bool
has_domain(Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped &&
			get_typtype(TupleDescAttr(desc, i)->atttypid) == TYPTYPE_DOMAIN)
			return true;
	}
	return false;
}

/* Where somebody has put on the table what is left out without a statement, whatever is done to it. */
static bool
needs_statement(Relation relation)
{
	return relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relispartition ||
		   relation->rd_rules != NULL || relation->rd_rel->relforcerowsecurity;
}

/* So does an insert with BEFORE or statement triggers, or a transition table. */
static bool
insert_needs_statement(Relation relation)
{
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);

	return needs_statement(relation) || has_domain(relation) ||
		   (triggers != NULL &&
			(triggers->trig_insert_before_row || triggers->trig_insert_instead_row ||
			 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
			 triggers->trig_insert_new_table));
}

/* Whether an insert has nothing to compute, and nothing to fire but what the caller vouches for. */
static bool
insert_is_plain(Relation relation, BookingTarget *target)
{
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (constraints != NULL && constraints->has_generated_stored)
		return false;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (TRIGGER_FOR_INSERT(triggers->triggers[i].tgtype) &&
			!is_vouched_for(relation, &triggers->triggers[i], target))
			return false;
	}
	return true;
}

/* Whether a foreign key, this table's or one that refers to it, may be about the columns. */
static bool
is_in_a_key(Relation relation, const BookingTable *table)
{
	Bitmapset *keys = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
	List *foreign_keys = copyObject(RelationGetFKeyList(relation));

	for (int i = 0; i < list_length(foreign_keys); i++)
	{
		const ForeignKeyCacheInfo *key = list_nth(foreign_keys, i);

		for (int j = 0; j < key->nkeys; j++)
			keys = bms_add_member(keys, key->conkey[j] - FirstLowInvalidHeapAttributeNumber);
	}
	for (int i = 0; i < table->count; i++)
	{
		if (bms_is_member(table->numbers[i] - FirstLowInvalidHeapAttributeNumber, keys))
			return true;
	}
	return false;
}

/* Whether it is the extension's function of one of the names, and not what somebody put in its place. */
static bool
is_one_of_ours(Oid function, const char *const *names, int count)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool is_ours = false;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(row);
	for (int i = 0; i < count && names[i] != NULL && !is_ours; i++)
		is_ours = form->prolang == ClanguageId && strcmp(NameStr(form->proname), names[i]) == 0 &&
				  form->pronamespace == get_namespace_oid("booking", false);
	ReleaseSysCache(row);
	return is_ours;
}

/* Whether the trigger has nothing to do when no other than the target's columns change. */
static bool
is_idle(const Trigger *trigger, const BookingTarget *target)
{
	if (RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_NONE)
		return true; /* as the columns are in no key */
	return trigger->tgnargs == 0 &&
		   is_one_of_ours(trigger->tgfoid, target->idle_triggers, MAX_IDLE_TRIGGERS);
}

/* An update without a statement fires no trigger, and computes no column. */
static bool
update_needs_statement(Relation relation, const BookingTarget *target)
{
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (needs_statement(relation) || (constraints != NULL && constraints->has_generated_stored) ||
		is_in_a_key(relation, &target->table))
		return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (TRIGGER_FOR_UPDATE(triggers->triggers[i].tgtype) &&
			!is_idle(&triggers->triggers[i], target))
			return true;
	}
	return false;
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
	target->id = SPI_fnumber(RelationGetDescr(relation), "id");
	compile_checks(relation, target);
	compile_indexes(relation, target);
	if (target->is_updated)
		target->needs_statement |= update_needs_statement(relation, target);
	else
	{
		compile_defaults(relation, target);
		target->needs_statement |= insert_needs_statement(relation);
		target->is_plain = insert_is_plain(relation, target);
	}
	target->result = booking_result_with_triggers(target, relation);
	target->result->ri_RelationDesc = NULL;
	target->result->ri_TrigDesc = NULL;
	target->estate = CreateExecutorState();
	target->row = MakeTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(relation)),
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
		return table_open(booking_relation(target->table.name), RowExclusiveLock);
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
 * Whether writing a row may have run somebody else's code: in an expression or a trigger, for a
 * generated column, or to compare what an index has.
 */
bool
booking_runs_code(const BookingTarget *target)
{
	return target->runs_code || target->needs_statement ||
		   (!target->is_updated && !target->is_plain);
}

/*
 * Starts writing a row, in memory that lasts until the next. An expression that is run meanwhile,
 * and writes to the same table in turn, does so by a statement.
 */
void
booking_start_target(BookingTarget *target, RowWriter *caller)
{
#if PG_VERSION_NUM >= 180000
	/* the server compiles constraints in it, for each row */
	MemoryContext outer = MemoryContextSwitchTo(target->context);

	FreeExecutorState(target->estate);
	target->estate = CreateExecutorState();
	MemoryContextSwitchTo(outer);
#endif
	caller->runs_code = booking_runs_code(target);
	if (caller->runs_code)
		booking_take_authority(&caller->authority);
	ResetPerTupleExprContext(target->estate);
	caller->context = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
	target->is_busy = true;
}

/* Also after an error. */
void
booking_end_target(BookingTarget *target, const RowWriter *caller)
{
	MemoryContextSwitchTo(caller->context);
	target->is_busy = false;
	if (caller->runs_code)
		booking_leave_authority(&caller->authority);
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
#if PG_VERSION_NUM < 180000
	result->ri_ConstraintExprs = target->checks;
#endif
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
