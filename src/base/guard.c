/*
 * guard.c
 *		The switch by which functions of ours pass the guard of time_slots. Called by what changes slots with
 *		their appointments, and by the guard.
 */
#include "base/base.h"

/* How deep the triggers are of a statement that changes slots together with their appointments; 0: of none. */
static int unguarded_depth = 0;

/*
 * Runs an UPDATE of slots that changes their appointments with them, or leaves them be; the
 * guard lets it pass.
 */
uint64
booking_execute_unguarded(BookingPlan *plan, Datum *values, const char *nulls,
						  WhichSnapshot snapshot)
{
	int outer = unguarded_depth;
	uint64 rows = 0;

	unguarded_depth = booking_trigger_depth() + 1;
	PG_TRY();
	{
		rows = snapshot == LATEST_SNAPSHOT ? booking_execute_now(plan, values, nulls)
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
