/*
 * update.c
 *		Updating, or locking, a row at hand as a statement would, without one. Called where starting a statement would
 *		cost more than what it does.
 *
 * Where the table is not as the extension made it, the row has changed since it was read, or the isolation level is
 * not READ COMMITTED, these functions return false, having written nothing, and the caller runs the statement.
 * All triggers of the extension's own on time_slots are no-ops when a slot is only marked.
 */
#include "store/internal.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The row as it is to be; what dropped columns had goes. */
static TupleTableSlot *
changed_row(Writer *writer, const BookRow *old, const ColumnValue *values, int count)
{
	const AttrNumber *numbers = booking_column_numbers(old->table);
	TupleTableSlot *new = writer->row;
	TupleDesc desc = new->tts_tupleDescriptor;

	slot_getallattrs(old->slot);
	ExecClearTuple(new);
	memcpy(new->tts_values, old->slot->tts_values, desc->natts * sizeof(Datum));
	for (int i = 0; i < desc->natts; i++)
		new->tts_isnull[i] = old->slot->tts_isnull[i] || TupleDescAttr(desc, i)->attisdropped;
	for (int i = 0; i < count; i++)
	{
		int number = numbers[values[i].column] - 1;

		new->tts_values[number] = values[i].value;
		new->tts_isnull[number] = values[i].isnull;
	}
	new->tts_tableOid = RelationGetRelid(old->relation);
	return ExecStoreVirtualTuple(new);
}

/* The index entries of a row version that is not heap-only. */
static void
index_row(Writer *writer, TU_UpdateIndexes wanted)
{
	booking_open_indexes(writer, writer->row);
	(void) insert_index_entries(writer->result, writer->row, writer->estate, wanted);
	ExecCloseIndices(writer->result);
}

/*
 * Whether the row is still as it was read. The server finds out what others have done since, but what
 * this transaction itself has done is no race, but an error to it.
 */
static bool
is_as_it_was(const BookRow *row)
{
	Snapshot now = RegisterSnapshot(GetLatestSnapshot());
	bool is_seen = table_tuple_satisfies_snapshot(row->relation, row->slot, now);

	UnregisterSnapshot(now);
	return is_seen;
}

static bool
update_row(Writer *writer, BookRow *row, const ColumnValue *values, int count)
{
	TupleTableSlot *new = changed_row(writer, row, values, count);
	TM_FailureData failure;
	LockTupleMode lock;
	TU_UpdateIndexes indexes;

	CheckCmdReplicaIdentity(row->relation, CMD_UPDATE);
	ExecConstraints(writer->result, new, writer->estate);
	if (!is_as_it_was(row) || update_tuple(row->relation, &row->slot->tts_tid, new, row->snapshot,
										   &failure, &lock, &indexes) != TM_Ok)
		return false;
	if (indexes != TU_None)
		index_row(writer, indexes);
	booking_note_hint(row, &new->tts_tid);
	return true;
}

static bool
update_directly(BookRow *row, const ColumnValue *values, int count)
{
	Writer *writer = booking_writer(row->table, row->relation);
	MemoryContext caller = booking_start_writer(writer, row->relation);
	bool is_done = false;

	PG_TRY();
	{
		PushActiveSnapshot(row->snapshot);
		is_done = update_row(writer, row, values, count);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		booking_raise_again();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (is_done)
		CommandCounterIncrement();
	return is_done;
}

/* Gives some columns of the row new values. */
bool
booking_update(BookRow *row, const ColumnValue *values, int count)
{
	Relation relation;
	bool is_done;

	if (row->relation == NULL || IsolationUsesXactSnapshot())
		return false;
	(void) booking_open_table(row->table, RowExclusiveLock, &relation);
	is_done = booking_is_direct(row->table) &&
			  RelationGetRelid(relation) == RelationGetRelid(row->relation) &&
			  update_directly(row, values, count);
	table_close(relation, NoLock);
	return is_done;
}

/* Locks the row as a foreign key that refers to it would, so that it stays. */
bool
booking_share_row(BookRow *row)
{
	TM_FailureData failure;

	if (row->relation == NULL || IsolationUsesXactSnapshot())
		return false;
	LockRelationOid(RelationGetRelid(row->relation), RowShareLock);
	return booking_is_direct(row->table) &&
		   table_tuple_lock(row->relation, &row->slot->tts_tid, row->snapshot, row->slot,
							GetCurrentCommandId(true), LockTupleKeyShare, LockWaitBlock,
							TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS, &failure) == TM_Ok;
}
