/*
 * requests.c
 *		What a request of a web client may not ask of the server. Called by the server for each statement
 *		that it has parsed and each utility command that it runs.
 *
 * PostgREST makes one statement of each request. The estimates of EXPLAIN tell of rows that its client may
 * not see. An embedding that leads back to where it came from multiplies its rows at each turn.
 */
#include "callers/callers.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

bool booking_guard_requests = false;

static post_parse_analyze_hook_type prev_post_parse_analyze_hook = NULL;
static ProcessUtility_hook_type prev_ProcessUtility_hook = NULL;

/* A query, and those in whose FROM it stands. */
typedef struct Level
{
	const struct Level *outer;
	const Query *query;
} Level;

/* The table whose rows a function of the extension returns. */
static Oid
table_of_function(const RangeTblFunction *function, Oid schema)
{
	const FuncExpr *call = (const FuncExpr *) function->funcexpr;

	if (!IsA(call, FuncExpr) || get_func_namespace(call->funcid) != schema)
		return InvalidOid;
	return get_typ_typrelid(call->funcresulttype);
}

/* The table or view of the book whose rows an entry gives; InvalidOid for others. */
static Oid
table_of(const RangeTblEntry *entry)
{
	Oid schema = get_namespace_oid("booking", true);
	Oid table = InvalidOid;

	if (entry->rtekind == RTE_RELATION)
		table = entry->relid;
	else if (entry->rtekind == RTE_FUNCTION && entry->functions != NIL)
		table = table_of_function(linitial_node(RangeTblFunction, entry->functions), schema);
	return OidIsValid(table) && get_rel_namespace(table) == schema ? table : InvalidOid;
}

/* Whether an entry gives rows of the table, by itself or by a WITH query of the same level. */
static bool
gives(const RangeTblEntry *entry, const Query *query, Oid table)
{
	for (int i = 0; entry->rtekind == RTE_CTE && i < list_length(query->cteList); i++)
	{
		const CommonTableExpr *with = list_nth_node(CommonTableExpr, query->cteList, i);
		const Query *source = castNode(Query, with->ctequery);

		if (strcmp(with->ctename, entry->ctename) != 0)
			continue;
		for (int j = 0; j < list_length(source->rtable); j++)
		{
			if (table_of(list_nth(source->rtable, j)) == table)
				return true;
		}
	}
	return table_of(entry) == table;
}

static bool
is_read_above(const Level *level, Oid table)
{
	for (; level != NULL; level = level->outer)
	{
		for (int i = 0; i < list_length(level->query->rtable); i++)
		{
			if (gives(list_nth(level->query->rtable, i), level->query, table))
				return true;
		}
	}
	return false;
}

static void
check_embeddings(const Query *query, const Level *outer)
{
	Level level = {outer, query};

	check_stack_depth();
	for (int i = 0; i < list_length(query->rtable); i++)
	{
		const RangeTblEntry *entry = list_nth(query->rtable, i);
		Oid table = table_of(entry);

		if (OidIsValid(table) && is_read_above(outer, table))
			booking_refuse(EMBEDDING_DOES_NOT_LEAD_BACK, .name = get_rel_name(table));
		if (entry->rtekind == RTE_SUBQUERY)
			check_embeddings(entry->subquery, &level);
	}
	for (int i = 0; i < list_length(query->cteList); i++)
		check_embeddings(
			castNode(Query, list_nth_node(CommonTableExpr, query->cteList, i)->ctequery), outer);
}

/*
 * The setting may be on in a server that has neither the extension nor its roles. Superusers are the
 * administrators there.
 */
static bool
is_admin(void)
{
	return booking_has_role(GetUserId(), "booking_admin") || superuser();
}

static void
check_request(ParseState *state, Query *query, JumbledQuery jumbled)
{
	if (prev_post_parse_analyze_hook != NULL)
		prev_post_parse_analyze_hook(state, query, jumbled);
	if (booking_guard_requests && query->commandType != CMD_UTILITY && !is_admin())
		check_embeddings(query, NULL);
}

/* EXPLAIN is judged when it is run, since another user may have prepared it in the same session. */
static void
check_command(PlannedStmt *command, const char *sql, bool is_read_only,
			  ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
			  DestReceiver *receiver, QueryCompletion *completion)
{
	if (booking_guard_requests && IsA(command->utilityStmt, ExplainStmt) && !is_admin())
		booking_refuse(PLANS_ARE_FOR_ADMINISTRATORS);
	(prev_ProcessUtility_hook ? prev_ProcessUtility_hook : standard_ProcessUtility)(
		command, sql, is_read_only, context, params, environment, receiver, completion);
}

void
booking_install_request_guard(void)
{
	prev_post_parse_analyze_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = check_request;
	prev_ProcessUtility_hook = ProcessUtility_hook;
	ProcessUtility_hook = check_command;
}
