/*
 * authority.c
 *		The rights and the search path by which statements, and functions of somebody else's, are run.
 *		Called by all that may run either.
 *
 * Nearly all of the extension's functions are SECURITY DEFINER with a SET search_path, and have both
 * from the start. To set these up would take longer than most of what a refused booking does, so that
 * book_slot and hold_slot, which look and write by themselves, take them on only here: as the server's
 * own foreign keys take on the rights of a table's owner for their queries.
 */
#include "booking.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* As the functions have it that are SECURITY DEFINER. */
#define TRUSTED_PATH "pg_catalog, pg_temp"

/* The owner of the tables; InvalidOid when it is to be asked for. */
static Oid known_owner = InvalidOid;

static void
forget_owner(Datum arg, Oid relation)
{
	known_owner = InvalidOid;
}

static Oid
owner_of_tables(void)
{
	static bool is_listening = false;
	HeapTuple row;

	if (OidIsValid(known_owner))
		return known_owner;
	if (!is_listening)
	{
		CacheRegisterRelcacheCallback(forget_owner, (Datum) 0);
		is_listening = true;
	}
	row = SearchSysCache1(RELOID, ObjectIdGetDatum(booking_relation("appointments")));
	if (!HeapTupleIsValid(row))
		elog(ERROR, "there is no table booking.appointments");
	known_owner = ((Form_pg_class) GETSTRUCT(row))->relowner;
	ReleaseSysCache(row);
	return known_owner;
}

/* Lasts until booking_leave_authority, or until the transaction or subtransaction is rolled back. */
void
booking_take_authority(Authority *callers)
{
	Oid owner = owner_of_tables();

	GetUserIdAndSecContext(&callers->user, &callers->security);
	callers->guc_level = 0;
	if (callers->user == owner && strcmp(namespace_search_path, TRUSTED_PATH) == 0)
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
