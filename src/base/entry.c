/*
 * entry.c
 *		What happens around the body of each function that SQL calls. Called by what BOOKING_FUNCTION
 *		defines.
 */
#include "base/base.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "utils/lsyscache.h"

/*
 * In a parallel operation the server runs only what is declared to be safe there. But somebody may have
 * declared that of a function that calls ours.
 */
static void
check_parallel_safety(Oid function)
{
	char safety = func_parallel(function);

	if (safety == PROPARALLEL_UNSAFE || (safety == PROPARALLEL_RESTRICTED && IsParallelWorker()))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot execute %s() during a parallel operation", get_func_name(function)),
				 errhint("What calls it is not PARALLEL SAFE: see ALTER FUNCTION.")));
}

Datum
booking_run(FunctionCallInfo fcinfo, PGFunction body, RunAs run_as)
{
	Frame frame;
	SavedUserContext saved = {0};
	volatile Datum result = (Datum) 0; /* set within PG_TRY */

	if (IsInParallelMode())
		check_parallel_safety(fcinfo->flinfo->fn_oid);
	booking_open_frame(&frame, fcinfo->flinfo->fn_oid);
	PG_TRY();
	{
		if (run_as == AS_OWNER)
		{
			booking_switch_to_owner(&saved);
			frame.is_switched = true;
		}
		result = booking_watch_errors(fcinfo, body);
		if (fcinfo->resultinfo != NULL && !fcinfo->isnull)
			booking_check_returned_type(fcinfo, result);
	}
	PG_FINALLY();
	{
		booking_close_frame(&frame);
	}
	PG_END_TRY();
	booking_restore_user_context(&saved);
	return result;
}
