/*
 * judge.c
 *		Whether a row of one of the extension's own tables can be written without a statement, and whether
 *		somebody else's code is run when it is. Called by target.c, when it learns of a table.
 *
 * A statement has to be run where somebody has put on the table what we leave out. Foreign keys that the
 * caller vouches for need no trigger of theirs: the row referred to is locked, as the trigger would lock
 * it.
 */
#include "store/store.h"

#include "access/amapi.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_language_d.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
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
void
booking_judge_expression(BookingTarget *target, Node *expression)
{
	target->needs_statement |= uses_domain(expression, NULL);
	target->runs_code |= runs_code(expression, NULL);
}

/*
 * Whether all functions by which the column of an index is compared are the server's own: somebody's class
 * of operators can belong to a family of the server's.
 */
bool
booking_compares_by_server(Relation index, int column)
{
	int count = index->rd_indam->amsupport;

	for (int i = 0; i < count; i++)
	{
		if (index->rd_support[column * count + i] >= FirstNormalObjectId)
			return false;
	}
	return index->rd_opfamily[column] < FirstNormalObjectId;
}

/* The server's own way to compare arrays, rows and ranges is to call that of what is in them. */
static bool
compares_by_code(Relation index, int column)
{
	Oid type = index->rd_opcintype[column];

	return !booking_compares_by_server(index, column) ||
		   (get_typtype(type) == TYPTYPE_PSEUDO && type != ANYENUMOID);
}

void
booking_judge_index(BookingTarget *target, Relation index)
{
	/* a key WITHOUT OVERLAPS */
	target->needs_statement |= index->rd_index->indisexclusion && index->rd_index->indisunique;
	/* an exclusion constraint compares by operators besides */
	target->runs_code |= index->rd_index->indisexclusion;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		target->runs_code |= compares_by_code(index, i);
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

static bool
has_foreign_key_with_period(Relation relation)
{
	List *keys = copyObject(RelationGetFKeyList(relation));
	bool is_found = false;

	for (int i = 0; i < list_length(keys) && !is_found; i++)
	{
		const ForeignKeyCacheInfo *key = list_nth(keys, i);
		HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));

		is_found = HeapTupleIsValid(row) && has_period((Form_pg_constraint) GETSTRUCT(row));
		if (HeapTupleIsValid(row))
			ReleaseSysCache(row);
	}
	return is_found;
}

static bool
computes_when_read(Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return constraints != NULL && has_virtual_columns(constraints);
}

/* Where somebody has put on the table what is left out without a statement, whatever is done to it. */
static bool
needs_statement(Relation relation)
{
	return !VERSION_IS_TESTED || relation->rd_rel->relkind != RELKIND_RELATION ||
		   relation->rd_rel->relispartition || relation->rd_rel->relhassubclass ||
		   relation->rd_rules != NULL || relation->rd_rel->relforcerowsecurity ||
		   computes_when_read(relation) || has_foreign_key_with_period(relation);
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
		return false;
	form = (Form_pg_proc) GETSTRUCT(row);
	for (int i = 0; i < count && names[i] != NULL && !is_ours; i++)
		is_ours = form->prolang == ClanguageId && strcmp(NameStr(form->proname), names[i]) == 0 &&
				  form->pronamespace == get_namespace_oid("booking", true);
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

/* What expressions and indexes do not tell. */
void
booking_judge_table(BookingTarget *target, Relation relation)
{
	if (target->is_updated)
		target->needs_statement |= update_needs_statement(relation, target);
	else
	{
		target->needs_statement |= insert_needs_statement(relation);
		target->is_plain = insert_is_plain(relation, target);
	}
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
