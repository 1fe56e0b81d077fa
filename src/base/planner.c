/*
 * planner.c
 *		How the statements of the extension are planned. Called by the server when it plans, and by sql.c
 *		around each statement.
 *
 * Never by a sequential scan: a plan that is made while the table is empty is kept, and must not read all
 * of it once it has grown. Nor with JIT: where there is no other way than a sequential scan, the plan
 * seems so dear that the server would compile it, which takes a thousand times as long as running it.
 *
 * Both hold only for the moment of planning. While a statement runs, they would hold for others' triggers
 * and functions, too.
 */
#include "base/base.h"

#include "jit/jit.h"
#include "optimizer/cost.h"
#include "optimizer/planner.h"
#include "utils/guc.h"

static planner_hook_type prev_planner_hook = NULL;

/* The text of our statement that is running; NULL when there is none. */
static const char *running = NULL;

/* Whether it is being planned now, and enable_seqscan as its caller has it. */
static bool is_planning = false;
static const char *callers_seqscan;

/* Notes which statement of ours runs now. Returns the outer one, to be noted again afterwards. */
const char *
booking_note_running(const char *sql)
{
	const char *outer = running;

	running = sql;
	return outer;
}

static PlannedStmt *
plan_as_ever(PLANNER_PARAMETERS)
{
	return prev_planner_hook ? prev_planner_hook(PLANNER_ARGUMENTS)
							 : standard_planner(PLANNER_ARGUMENTS);
}

static const char *
seqscan(void)
{
	return enable_seqscan ? "on" : "off";
}

static PlannedStmt *
plan_with_seqscan(const char *value, PLANNER_PARAMETERS)
{
	PlannedStmt *planned;
	int level;

	if (strcmp(seqscan(), value) == 0)
		return plan_as_ever(PLANNER_ARGUMENTS);
	level = NewGUCNestLevel();
	(void) set_config_option("enable_seqscan", value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	planned = plan_as_ever(PLANNER_ARGUMENTS);
	AtEOXact_GUC(true, level);
	return planned;
}

static PlannedStmt *
plan_ours(PLANNER_PARAMETERS)
{
	PlannedStmt *planned = NULL;

	callers_seqscan = seqscan();
	is_planning = true;
	PG_TRY();
	{
		planned = plan_with_seqscan("off", PLANNER_ARGUMENTS);
	}
	PG_FINALLY();
	{
		is_planning = false;
	}
	PG_END_TRY();
	planned->jitFlags = PGJIT_NONE;
	return planned;
}

/* A statement of a function that is evaluated while one of ours is being planned. */
static PlannedStmt *
plan_in_between(PLANNER_PARAMETERS)
{
	PlannedStmt *planned = NULL;

	is_planning = false;
	PG_TRY();
	{
		planned = plan_with_seqscan(callers_seqscan, PLANNER_ARGUMENTS);
	}
	PG_FINALLY();
	{
		is_planning = true;
	}
	PG_END_TRY();
	return planned;
}

static PlannedStmt *
plan_statement(PLANNER_PARAMETERS)
{
	if (is_planning)
		return plan_in_between(PLANNER_ARGUMENTS);
	if (running != NULL && sql != NULL && strcmp(sql, running) == 0)
		return plan_ours(PLANNER_ARGUMENTS);
	return plan_as_ever(PLANNER_ARGUMENTS);
}

void
booking_install_planner_hook(void)
{
	prev_planner_hook = planner_hook;
	planner_hook = plan_statement;
}
