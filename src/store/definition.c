/*
 * definition.c
 *		What a table is made of, in words, and whether it is still as the extension made it. Called by table.c when it
 *		learns of a table, and through SQL by the install script, which keeps the words.
 *
 * In words rather than numbers: they outlive pg_upgrade, and booking.altered_tables shows where they differ. What only
 * a storage layer has to do with is left out, such as fillfactor, statistics and tablespaces.
 */
#include "store/internal.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_language_d.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* What is being described: a line a part, and the functions that parts call. */
typedef struct Description
{
	Relation relation;
	List *lines;
	List *functions;
} Description;

static void add_line(Description *description, const char *format, ...) pg_attribute_printf(2, 3);

/* A body of a function may have several lines. */
static void
add_line(Description *description, const char *format, ...)
{
	StringInfoData line;
	int missing;

	initStringInfo(&line);
	for (;;)
	{
		va_list args;

		va_start(args, format);
		missing = appendStringInfoVA(&line, format, args);
		va_end(args);
		if (missing == 0)
			break;
		enlargeStringInfo(&line, missing);
	}
	for (char *c = line.data; *c != '\0'; c++)
	{
		if (*c == '\n')
			*c = ' ';
	}
	description->lines = lappend(description->lines, line.data);
}

/* The server's own functions are nobody's to change. */
static bool
note_function(Oid function, void *description)
{
	if (function >= FirstNormalObjectId)
		((Description *) description)->functions =
			list_append_unique_oid(((Description *) description)->functions, function);
	return false;
}

static bool
note_functions(Node *node, void *description)
{
	return node != NULL && (check_functions_in_node(node, note_function, description) ||
							expression_tree_walker(node, note_functions, description));
}

static char *
in_words(Description *description, Node *expression)
{
	Relation relation = description->relation;

	note_functions(expression, description);
	return deparse_expression(
		expression,
		deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation)), false,
		false);
}

/* Our functions run as the owner; what others may do with the table is nothing to them. */
static bool
owner_has_rights(Relation relation)
{
	AclMode rights = ACL_SELECT | ACL_INSERT | ACL_UPDATE;

	return pg_class_aclmask(RelationGetRelid(relation), relation->rd_rel->relowner, rights,
							ACLMASK_ALL) == rights;
}

static void
describe_table(Description *description)
{
	Form_pg_class form = description->relation->rd_rel;

	add_line(description, "table of kind %c, access method %s, owner %s%s%s%s%s%s%s", form->relkind,
			 OidIsValid(form->relam) ? get_am_name(form->relam) : "none",
			 GetUserNameFromId(form->relowner, true),
			 owner_has_rights(description->relation) ? "" : " without rights",
			 form->relrowsecurity ? ", row security" : "",
			 form->relforcerowsecurity ? ", forced" : "",
			 description->relation->rd_rules != NULL ? ", rules" : "",
			 form->relhassubclass ? ", children" : "", form->relispartition ? ", partition" : "");
}

static void
describe_columns(Description *description)
{
	TupleDesc desc = RelationGetDescr(description->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node *value;

		if (column->attisdropped)
			continue;
		value = column->attidentity ? NULL : build_column_default(description->relation, i + 1);
		add_line(description, "column %s %s%s%s%s%s%s", NameStr(column->attname),
				 format_type_with_typemod(column->atttypid, column->atttypmod),
				 OidIsValid(column->attcollation) && column->attcollation != DEFAULT_COLLATION_OID
					 ? psprintf(" collation %s", get_collation_name(column->attcollation))
					 : "",
				 column->attnotnull ? " not null" : "",
				 column->attidentity ? psprintf(" identity %c", column->attidentity) : "",
				 column->attgenerated ? psprintf(" generated %c", column->attgenerated) : "",
				 value ? psprintf(" default %s", in_words(description, value)) : "");
	}
}

/* A transaction's snapshot may be too old for the server to find it. */
static char *
constraint_in_words(Oid constraint)
{
	LOCAL_FCINFO(call, 1);
	Datum words;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(constraint);
	call->args[0].isnull = false;
	words = pg_get_constraintdef(call);
	return call->isnull ? "that is new" : TextDatumGetCString(words);
}

/* By which index a foreign key looks tells by whose operators it compares. */
static char *
referenced_index(const FormData_pg_constraint *constraint)
{
	return constraint->contype != CONSTRAINT_FOREIGN
			   ? ""
			   : psprintf(" by %s", TextDatumGetCString(DirectFunctionCall1(
										pg_get_indexdef, ObjectIdGetDatum(constraint->conindid))));
}

/* From 18 on, NOT NULL is there as well, under a name that the server chose. */
static void
describe_constraints(Description *description)
{
	Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(description->relation)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(row);
		bool isnull;
		Datum check =
			heap_getattr(row, Anum_pg_constraint_conbin, RelationGetDescr(constraints), &isnull);

		if (form->contype == CONSTRAINT_NOTNULL || form->contype == CONSTRAINT_TRIGGER)
			continue;
		if (!isnull)
			note_functions(stringToNode(TextDatumGetCString(check)), description);
		add_line(description, "constraint %s %s%s", NameStr(form->conname),
				 constraint_in_words(form->oid), referenced_index(form));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
}

static void
describe_indexes(Description *description)
{
	List *oids = RelationGetIndexList(description->relation);
	ListCell *cell;

	foreach (cell, oids)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		const FormData_pg_index *form = index->rd_index;

		note_functions((Node *) RelationGetIndexExpressions(index), description);
		note_functions((Node *) RelationGetIndexPredicate(index), description);
		add_line(description, "%s%s%s%s",
				 TextDatumGetCString(
					 DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(lfirst_oid(cell)))),
				 form->indisvalid && form->indisready && form->indislive ? "" : " invalid",
				 form->indimmediate ? "" : " deferrable", form->indisexclusion ? " exclusion" : "");
		index_close(index, AccessShareLock);
	}
}

/* Those of foreign keys have numbers in their names. */
static char *
trigger_name(const Trigger *trigger)
{
	if (!trigger->tgisinternal || !OidIsValid(trigger->tgconstraint))
		return trigger->tgname;
	return psprintf("of constraint %s with %s", get_constraint_name(trigger->tgconstraint),
					OidIsValid(trigger->tgconstrrelid) ? get_rel_name(trigger->tgconstrrelid)
													   : "nothing");
}

/* As pg_get_triggerdef has it, which takes longer, where there is no more to say than this. */
static char *
trigger_in_words(const Trigger *trigger)
{
	if (trigger->tgqual != NULL || trigger->tgnattr > 0 || trigger->tgoldtable != NULL ||
		trigger->tgnewtable != NULL || trigger->tgdeferrable)
		return TextDatumGetCString(
			DirectFunctionCall1(pg_get_triggerdef, ObjectIdGetDatum(trigger->tgoid)));
	return psprintf("trigger %s of type %d calls %s", trigger_name(trigger), trigger->tgtype,
					get_func_name(trigger->tgfoid));
}

static void
describe_triggers(Description *description)
{
	const TriggerDesc *triggers = CopyTriggerDesc(description->relation->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		StringInfoData args;

		initStringInfo(&args);
		for (int j = 0; j < trigger->tgnargs; j++)
			appendStringInfo(&args, " %s", trigger->tgargs[j]);
		note_function(trigger->tgfoid, description);
		add_line(description, "%s enabled %c%s", trigger_in_words(trigger), trigger->tgenabled,
				 args.data);
	}
}

static char *
policy_clause(HeapTuple row, int column, Relation policies, Oid table)
{
	bool isnull;
	Datum clause = heap_getattr(row, column, RelationGetDescr(policies), &isnull);

	return isnull ? "none"
				  : TextDatumGetCString(
						DirectFunctionCall2(pg_get_expr, clause, ObjectIdGetDatum(table)));
}

static char *
policy_roles(HeapTuple row, Relation policies)
{
	bool isnull;
	Datum roles = heap_getattr(row, Anum_pg_policy_polroles, RelationGetDescr(policies), &isnull);
	ArrayType *array = DatumGetArrayTypeP(roles);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
	{
		Oid role = ((Oid *) ARR_DATA_PTR(array))[i];

		appendStringInfo(&names, " %s",
						 OidIsValid(role) ? GetUserNameFromId(role, true) : "public");
	}
	return names.data;
}

static void
describe_policies(Description *description)
{
	Oid table = RelationGetRelid(description->relation);
	Relation policies = table_open(PolicyRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;

	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(policies, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_policy form = (Form_pg_policy) GETSTRUCT(row);

		add_line(description, "policy %s %s for %c to%s using %s with check %s",
				 NameStr(form->polname), form->polpermissive ? "permissive" : "restrictive",
				 form->polcmd, policy_roles(row, policies),
				 policy_clause(row, Anum_pg_policy_polqual, policies, table),
				 policy_clause(row, Anum_pg_policy_polwithcheck, policies, table));
	}
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
}

static char *
text_of_function(HeapTuple row, AttrNumber column)
{
	bool isnull;
	Datum value = SysCacheGetAttr(PROCOID, row, column, &isnull);

	return isnull ? "nothing" : TextDatumGetCString(value);
}

/* Of functions in C, which ours are, this tells all; pg_get_functiondef takes longer. */
static char *
function_in_words(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char *words;

	if (!HeapTupleIsValid(row))
		return "function that is gone";
	form = (Form_pg_proc) GETSTRUCT(row);
	if (form->prolang == ClanguageId)
		words = psprintf(
			"function %s.%s in C%s%s%s: %s of %s", get_namespace_name(form->pronamespace),
			NameStr(form->proname), form->prosecdef ? ", security definer" : "",
			heap_attisnull(row, Anum_pg_proc_proconfig, NULL) ? "" : ", with settings",
			form->proisstrict ? ", strict" : "", text_of_function(row, Anum_pg_proc_prosrc),
			text_of_function(row, Anum_pg_proc_probin));
	else
		words = TextDatumGetCString(
			DirectFunctionCall1(pg_get_functiondef, ObjectIdGetDatum(function)));
	ReleaseSysCache(row);
	return words;
}

static void
describe_functions(Description *description)
{
	ListCell *cell;

	foreach (cell, description->functions)
		add_line(description, "%s", function_in_words(lfirst_oid(cell)));
}

static int
compare_lines(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * What the server's words depend on, as pg_dump sets it. Names are qualified by the search path, which our
 * functions have set.
 */
static void
set_parameters(void)
{
	static const char *const parameters[][2] = {
		{"bytea_output", "hex"},          {"datestyle", "ISO"}, {"extra_float_digits", "3"},
		{"intervalstyle", "postgres"},    {"timezone", "UTC"},  {"xmloption", "content"},
		{"quote_all_identifiers", "off"},
	};

	for (int i = 0; i < lengthof(parameters); i++)
		(void) set_config_option(parameters[i][0], parameters[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* In each session the same. */
static char *
define_table(Relation relation, List **functions)
{
	Description description = {.relation = relation};
	StringInfoData definition;
	ListCell *cell;
	int guc_level = NewGUCNestLevel();

	set_parameters();
	describe_table(&description);
	describe_columns(&description);
	describe_constraints(&description);
	describe_indexes(&description);
	describe_triggers(&description);
	describe_policies(&description);
	describe_functions(&description);
	AtEOXact_GUC(true, guc_level);
	list_sort(description.lines, compare_lines);

	initStringInfo(&definition);
	foreach (cell, description.lines)
		appendStringInfo(&definition, "%s%s", definition.len > 0 ? "\n" : "",
						 (const char *) lfirst(cell));
	*functions = description.functions;
	return definition.data;
}

/* The number of a column of text; 0 when there is none of that name. */
static AttrNumber
text_column(Relation relation, const char *name)
{
	int number = SPI_fnumber(RelationGetDescr(relation), name);

	return number > 0 && SPI_gettypeid(RelationGetDescr(relation), number) == TEXTOID ? number : 0;
}

/* The definition of a table among those that were kept; NULL when there is none. */
static char *
find_definition(Relation definitions, const char *name)
{
	AttrNumber key_column = text_column(definitions, "name");
	AttrNumber column = text_column(definitions, "definition");
	char *definition = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;

	if (key_column == 0 || column == 0)
		return NULL;
	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	key.sk_collation = DEFAULT_COLLATION_OID;
	scan = systable_beginscan(definitions, InvalidOid, false, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		bool isnull;
		Datum value = heap_getattr(row, column, RelationGetDescr(definitions), &isnull);

		definition = isnull ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	return definition;
}

/* What the install script kept of a table; NULL when there is nothing. Somebody may have altered that, too. */
static char *
kept_definition(const char *name)
{
	Oid oid = booking_relation("table_definitions");
	Relation definitions = OidIsValid(oid) ? try_table_open(oid, AccessShareLock) : NULL;
	char *definition = NULL;

	if (definitions == NULL)
		return NULL;
	if (definitions->rd_rel->relkind == RELKIND_RELATION)
		definition = find_definition(definitions, name);
	table_close(definitions, AccessShareLock);
	return definition;
}

/* Gives the functions that parts of the table call as well: it has to be asked again when one of them changes. */
bool
booking_is_as_made(Relation relation, List **functions)
{
	const char *kept =
		VERSION_IS_TESTED ? kept_definition(RelationGetRelationName(relation)) : NULL;

	*functions = NIL;
	return kept != NULL && strcmp(kept, define_table(relation, functions)) == 0;
}

BOOKING_FUNCTION(booking_define_tables)
{
	ReturnSetInfo *result = booking_start_set(fcinfo);

	for (int i = 0; i < TABLE_COUNT; i++)
	{
		Relation relation = booking_open_relation(booking_tables[i].name, AccessShareLock);
		List *functions;
		Datum values[] = {CStringGetTextDatum(booking_tables[i].name),
						  CStringGetTextDatum(define_table(relation, &functions))};
		bool nulls[] = {false, false};

		table_close(relation, NoLock);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
