/*
 * authority.c
 *		For whom a function of ours acts, and with whose rights and by which search path what it runs
 *		is run. Called by the entry of each function (booking.h), and by all that may run others' code.
 *
 * The caller is the current user where a function is called, as PostgreSQL means it: a SECURITY DEFINER
 * function of somebody's acts as its owner. No function of ours is declared SECURITY DEFINER: inside such a
 * function, the server no longer tells who called it. Each notes its caller in a frame instead, and takes on
 * by itself what such a function would have: the rights of its owner and a search path. Most have both from
 * start to end. To set them up takes a third as long as all that a refused booking does;
 * so book_slot and others, which look and write by themselves, have them only where there is a statement
 * or somebody's function to run, as the server's own foreign keys take on rights for their queries.
 */
#include "booking.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Nothing that others may have put somewhere is found by it. */
#define TRUSTED_PATH "pg_catalog, pg_temp"

/* A function of ours that is running. */
typedef struct Frame
{
	Oid function;
	Oid caller;    /* for whom it acts */
	Oid owner;     /* whose rights it has, or had; InvalidOid before it took them on */
	bool is_taken; /* for the whole of its body */
	struct Frame *outer;
} Frame;

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

static HeapTuple
find_function(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(row))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("the function was dropped meanwhile")));
	return row;
}

static Oid
owner_of_function(Oid function)
{
	HeapTuple row = find_function(function);
	Oid owner = ((Form_pg_proc) GETSTRUCT(row))->proowner;

	ReleaseSysCache(row);
	return owner;
}

/*
 * In a parallel operation the server runs only what is declared to be safe there; but somebody may have
 * declared that of a function that calls ours.
 */
static void
check_parallel_safety(Oid function)
{
	HeapTuple row = find_function(function);
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);

	if (form->proparallel == PROPARALLEL_UNSAFE ||
		(form->proparallel == PROPARALLEL_RESTRICTED && IsParallelWorker()))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot execute %s() during a parallel operation", NameStr(form->proname)),
				 errhint("What calls it is not PARALLEL SAFE: see ALTER FUNCTION.")));
	ReleaseSysCache(row);
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
	if (!OidIsValid(frame->owner))
		frame->owner = owner_of_function(frame->function);
	if (callers->user == frame->owner && (callers->security & SECURITY_LOCAL_USERID_CHANGE) &&
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

/* Runs the body of a function that SQL calls. */
Datum
booking_run(FunctionCallInfo fcinfo, PGFunction body, Rights rights)
{
	Frame new = {
		.function = fcinfo->flinfo->fn_oid,
		.caller = current_caller(),
		.outer = frame,
	};
	Authority callers = {0};
	Datum result = (Datum) 0;

	if (IsInParallelMode())
		check_parallel_safety(new.function);
	frame = &new;
	PG_TRY();
	{
		if (rights == OWNERS_RIGHTS)
		{
			booking_take_authority(&callers);
			new.is_taken = true;
		}
		result = booking_watch_errors(fcinfo, body);
		if (fcinfo->resultinfo != NULL && !fcinfo->isnull)
			booking_check_returned_type(fcinfo, result);
	}
	PG_FINALLY();
	{
		frame = new.outer;
	}
	PG_END_TRY();
	booking_leave_authority(&callers);
	return result;
}
