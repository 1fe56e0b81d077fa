/*
 * update.c
 *		Updating, or locking, a row at hand of one of the extension's own tables as a statement would,
 *		without one. Called where starting a statement would cost more than what it does.
 *
 * Only where nothing is out of the ordinary; else these functions return false, having written
 * nothing, and the caller runs the statement. That is so when the row has changed since it was read, at
 * isolation levels other than READ COMMITTED, and where somebody has put something on the table
 * that a statement would heed.
 */
#include "store/store.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The row as it is to be; what dropped columns had goes. */
static TupleTableSlot *
changed_row(const BookingTarget *target, TupleTableSlot *old, const Datum *values,
			const bool *nulls)
{
	TupleTableSlot *new = target->row;
	TupleDesc desc = new->tts_tupleDescriptor;

	slot_getallattrs(old);
	ExecClearTuple(new);
	memcpy(new->tts_values, old->tts_values, desc->natts * sizeof(Datum));
	for (int i = 0; i < desc->natts; i++)
		new->tts_isnull[i] = old->tts_isnull[i] || TupleDescAttr(desc, i)->attisdropped;
	booking_put_values(target, values, nulls);
	return ExecStoreVirtualTuple(new);
}

/* The index entries of a row version that is not heap-only, or those of BRIN and the like. */
static void
index_row(const BookingTarget *target, ResultRelInfo *result, TU_UpdateIndexes wanted)
{
	booking_open_indexes(target, result, target->row);
	(void) insert_index_entries(result, target->row, target->estate, wanted);
	ExecCloseIndices(result);
}

/*
 * Whether the row is still as it was read. The server finds out what others have done since, but what
 * this transaction itself has done is no race, but an error to it.
 */
static bool
is_as_it_was(BookingScan *scan)
{
	Snapshot now = RegisterSnapshot(GetLatestSnapshot());
	bool is_seen = table_tuple_satisfies_snapshot(scan->table, scan->row, now);

	UnregisterSnapshot(now);
	return is_seen;
}

static bool
update_row(const BookingTarget *target, Relation table, BookingScan *scan, const Datum *values,
		   const bool *nulls)
{
	ResultRelInfo *result = booking_result_relation(target, table);
	TupleTableSlot *new = changed_row(target, scan->row, values, nulls);
	TM_FailureData failure;
	LockTupleMode lock;
	TU_UpdateIndexes indexes;

	CheckCmdReplicaIdentity(table, CMD_UPDATE);
	if (RelationGetDescr(table)->constr)
		ExecConstraints(result, new, target->estate);
	if (!is_as_it_was(scan) || update_tuple(table, &scan->row->tts_tid, new, scan->snapshot,
											&failure, &lock, &indexes) != TM_Ok)
		return false;
	if (indexes != TU_None)
		index_row(target, result, indexes);
	return true;
}

static bool
update_by_itself(BookingTarget *target, Relation table, BookingScan *scan, const Datum *values,
				 const bool *nulls)
{
	Authority callers = {0};
	MemoryContext caller;
	bool is_done = false;

	if (booking_runs_code(target))
		booking_take_authority(&callers);
	caller = booking_start_target(target);
	PG_TRY();
	{
		PushActiveSnapshot(scan->snapshot);
		is_done = update_row(target, table, scan, values, nulls);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		booking_end_target(target, caller);
		booking_raise_again();
	}
	PG_END_TRY();
	booking_end_target(target, caller);
	booking_leave_authority(&callers);
	if (is_done)
		CommandCounterIncrement();
	return is_done;
}

/* Gives the target's columns of the row at hand new values. */
bool
booking_update(BookingTarget *target, BookingScan *scan, const Datum *values, const bool *nulls)
{
	Relation table;
	bool is_done;

	if (!booking_direct || IsolationUsesXactSnapshot())
		return false;
	table = booking_open_target(target);
	is_done = !target->is_busy && !target->needs_statement &&
			  update_by_itself(target, table, scan, values, nulls);
	table_close(table, NoLock);
	return is_done;
}

/* Locks the row at hand as a foreign key that refers to it would, so that it stays. */
bool
booking_share_row(BookingScan *scan)
{
	TM_FailureData failure;

	if (IsolationUsesXactSnapshot())
		return false;
	LockRelationOid(RelationGetRelid(scan->table), RowShareLock);
	return table_tuple_lock(scan->table, &scan->row->tts_tid, scan->snapshot, scan->row,
							GetCurrentCommandId(true), LockTupleKeyShare, LockWaitBlock,
							TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS, &failure) == TM_Ok;
}
