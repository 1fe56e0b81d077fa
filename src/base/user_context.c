/*
 * user_context.c
 *		For whom a function of ours acts, and as which user and by which search path it runs statements.
 *		Called by entry.c for each function, and by whatever runs statements or others' code.
 *
 * The caller is the current user where a function is called, as PostgreSQL means it: a SECURITY DEFINER
 * function of somebody's acts as its owner. No function of ours is declared SECURITY DEFINER, since inside
 * one the server no longer tells who called it. Instead each function notes its caller in a frame, and
 * switches to its owner by itself.
 *
 * Most functions are switched from start to end. Switching takes a third as long as all that a refused
 * booking does. So book_slot and others, which look and write without statements, switch only where there
 * is a statement or somebody's function to run, as the server's foreign keys do for their queries.
 */
#include "base/base.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Others cannot put anything where it is found by this. */
#define SAFE_SEARCH_PATH "pg_catalog, pg_temp"

static Frame *frame = NULL;

/*
 * The triggers of a statement that a function of ours runs are run as the function's owner, but act for
 * the function's caller. Any other user acts for themselves.
 */
static Oid
current_caller(void)
{
	Oid user = GetUserId();

	return frame != NULL && user == frame->owner ? frame->caller : user;
}

/* For whom the running function acts. */
Oid
booking_calling_user(void)
{
	return frame->caller;
}

static Oid
owner_of_function(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(row))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("the function was dropped meanwhile")));
	owner = ((Form_pg_proc) GETSTRUCT(row))->proowner;

	ReleaseSysCache(row);
	return owner;
}

/* Of the running function: whose rights it has, once it is switched. */
Oid
booking_function_owner(void)
{
	if (!OidIsValid(frame->owner))
		frame->owner = owner_of_function(frame->function);
	return frame->owner;
}

static void
set_search_path(SavedUserContext *saved)
{
	saved->guc_nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", SAFE_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Lasts until booking_restore_user_context, or until the transaction or subtransaction is rolled back.
 * There is nothing to switch where the function is switched already, or is a trigger of one that is.
 */
void
booking_switch_to_owner(SavedUserContext *saved)
{
	saved->guc_nestlevel = 0;
	if (frame->is_switched)
		return;
	GetUserIdAndSecContext(&saved->userid, &saved->sec_context);
	if (saved->userid == booking_function_owner() &&
		(saved->sec_context & SECURITY_LOCAL_USERID_CHANGE) &&
		strcmp(namespace_search_path, SAFE_SEARCH_PATH) == 0)
		return;
	set_search_path(saved);
	SetUserIdAndSecContext(frame->owner, saved->sec_context | SECURITY_LOCAL_USERID_CHANGE);
}

void
booking_restore_user_context(const SavedUserContext *saved)
{
	if (saved->guc_nestlevel == 0)
		return;
	AtEOXact_GUC(true, saved->guc_nestlevel);
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
}

/*
 * Switches to a user whose code is run to answer a question. It must not get any rights of the caller's or
 * ours, so it has no frame, and none of the settings that it changes stays.
 */
void
booking_start_restricted_operation(Oid user, SavedUserContext *saved)
{
	GetUserIdAndSecContext(&saved->userid, &saved->sec_context);
	saved->frame = frame;
	frame = NULL; /* after an error, each function that ends sets it to the one outside */
	set_search_path(saved);
	SetUserIdAndSecContext(user, saved->sec_context | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION);
}

void
booking_end_restricted_operation(const SavedUserContext *saved)
{
	AtEOXact_GUC(false, saved->guc_nestlevel);
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
	frame = saved->frame;
}

/* The frame has to be closed after an error as well. */
void
booking_open_frame(Frame *new, Oid function)
{
	*new = (Frame){.function = function, .caller = current_caller(), .outer = frame};
	frame = new;
}

void
booking_close_frame(const Frame *closed)
{
	frame = closed->outer;
}
