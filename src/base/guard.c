/*
 * guard.c
 *		The switch by which functions of ours pass the guard of time_slots, a trigger. Called by what
 *		changes slots with their appointments, and by the guard.
 */
#include "base/base.h"

/* The depth of the triggers of the statement that passes the guard; 0 when there is none. */
static int unguarded_depth = 0;

/* Runs an UPDATE of slots past the guard: what it means for their appointments is seen to. */
uint64
booking_execute_unguarded(BookingPlan *plan, Datum *values, const char *nulls,
						  WhichSnapshot snapshot)
{
	int outer = unguarded_depth;
	uint64 rows = 0;

	unguarded_depth = booking_trigger_depth() + 1;
	PG_TRY();
	{
		rows = snapshot == LATEST_SNAPSHOT ? booking_execute_latest(plan, values, nulls)
										   : booking_execute(plan, values, nulls);
	}
	PG_FINALLY();
	{
		unguarded_depth = outer;
	}
	PG_END_TRY();
	return rows;
}

/* Whether the trigger that asks is fired by such a statement itself. */
bool
booking_guard_is_off(void)
{
	return booking_trigger_depth() == unguarded_depth;
}
