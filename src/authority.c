/*
 * authority.c
 *		The rights and the search path by which book_slot and hold_slot run statements, and functions of
 *		somebody else's. Called by all that may run either.
 *
 * The other functions that write are SECURITY DEFINER with a SET search_path, and have both from the
 * start. To set these up takes a third as long as all that a refused booking does; so the two, which look
 * and write by themselves, take them on only here, as the server's own foreign keys take on the rights of
 * a table's owner for their queries.
 */
#include "booking.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* As the functions have it that are SECURITY DEFINER. */
#define TRUSTED_PATH "pg_catalog, pg_temp"

/* The function that is running without its owner's rights, and as whom; InvalidOid when there is none. */
static Oid function = InvalidOid;
static Oid invoker = InvalidOid;

/* Runs a function's body so that it can take on its owner's rights. */
Datum
booking_run_as_invoker(FunctionCallInfo fcinfo, PGFunction body)
{
	Oid outer_function = function;
	Oid outer_invoker = invoker;
	Datum result = (Datum) 0;

	function = fcinfo->flinfo->fn_oid;
	invoker = GetUserId();
	PG_TRY();
	{
		result = body(fcinfo);
	}
	PG_FINALLY();
	{
		function = outer_function;
		invoker = outer_invoker;
	}
	PG_END_TRY();
	return result;
}

static Oid
owner_of_function(void)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(row))->proowner;
	ReleaseSysCache(row);
	return owner;
}

/*
 * Lasts until booking_leave_authority, or until the transaction or subtransaction is rolled back. There is
 * nothing to do in a function that is SECURITY DEFINER, called by itself or by what the two run.
 */
void
booking_take_authority(Authority *callers)
{
	Oid owner;

	callers->guc_level = 0;
	GetUserIdAndSecContext(&callers->user, &callers->security);
	if (!OidIsValid(function) || callers->user != invoker)
		return;
	owner = owner_of_function();
	if (callers->user == owner && (callers->security & SECURITY_LOCAL_USERID_CHANGE) &&
		strcmp(namespace_search_path, TRUSTED_PATH) == 0)
		return;
	callers->guc_level = NewGUCNestLevel();
	SetUserIdAndSecContext(owner, callers->security | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", TRUSTED_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
booking_leave_authority(const Authority *callers)
{
	if (callers->guc_level == 0)
		return;
	AtEOXact_GUC(true, callers->guc_level);
	SetUserIdAndSecContext(callers->user, callers->security);
}
