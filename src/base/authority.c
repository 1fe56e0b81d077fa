/*
 * authority.c
 *		For whom a function of ours acts, and with whose rights and by which search path what it runs
 *		is run. Called by the entry of each function (entry.c), and by all that may run others' code.
 *
 * The caller is the current user where a function is called, as PostgreSQL means it: a SECURITY DEFINER
 * function of somebody's acts as its owner. No function of ours is declared SECURITY DEFINER: inside such a
 * function, the server no longer tells who called it. Each notes its caller in a frame instead, and takes on
 * by itself what such a function would have: the rights of its owner and a search path. Most have both from
 * start to end. To set them up takes a third as long as all that a refused booking does;
 * so book_slot and others, which look and write by themselves, have them only where there is a statement
 * or somebody's function to run, as the server's own foreign keys take on rights for their queries.
 */
#include "base/base.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Nothing that others may have put somewhere is found by it. */
#define TRUSTED_PATH "pg_catalog, pg_temp"

static Frame *frame = NULL;

/*
 * What is run with the rights that a function of ours has taken on, such as the triggers of its
 * statements, is run for whoever called that. Anybody else is who they are.
 */
static Oid
current_caller(void)
{
	Oid user = GetUserId();

	return frame != NULL && user == frame->owner ? frame->caller : user;
}

/* For whom the function acts that is running. */
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

/* With whose rights the function that is running does what it does. */
Oid
booking_acting_owner(void)
{
	if (!OidIsValid(frame->owner))
		frame->owner = owner_of_function(frame->function);
	return frame->owner;
}

static void
set_path(Authority *before)
{
	before->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", TRUSTED_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Lasts until booking_leave_authority, or until the transaction or subtransaction is rolled back. There
 * may be nothing to do: the function has it already, or what it is a trigger of.
 */
void
booking_take_authority(Authority *callers)
{
	callers->guc_level = 0;
	if (frame->is_taken)
		return;
	GetUserIdAndSecContext(&callers->user, &callers->security);
	if (callers->user == booking_acting_owner() &&
		(callers->security & SECURITY_LOCAL_USERID_CHANGE) &&
		strcmp(namespace_search_path, TRUSTED_PATH) == 0)
		return;
	set_path(callers);
	SetUserIdAndSecContext(frame->owner, callers->security | SECURITY_LOCAL_USERID_CHANGE);
}

void
booking_leave_authority(const Authority *callers)
{
	if (callers->guc_level == 0)
		return;
	AtEOXact_GUC(true, callers->guc_level);
	SetUserIdAndSecContext(callers->user, callers->security);
}

/*
 * Takes on the rights of somebody whose code is to be run, and what it is not to use for more than to
 * answer. It acts for nobody else; no setting that it changes stays.
 */
void
booking_become_restricted(Oid user, Authority *before)
{
	GetUserIdAndSecContext(&before->user, &before->security);
	before->frame = frame;
	frame = NULL; /* after an error, each function that ends sets it to the one outside */
	set_path(before);
	SetUserIdAndSecContext(user, before->security | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION);
}

void
booking_leave_restricted(const Authority *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->security);
	frame = before->frame;
}

/* To be closed, after an error as well. */
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
