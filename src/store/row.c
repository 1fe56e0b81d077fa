/*
 * row.c
 *		A row at hand: its columns, and what has become of it. Called by whoever has read one.
 */
#include "store/internal.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "utils/rel.h"

/* A column that is NOT NULL, or is so where it is asked for. */
Datum
booking_get(const BookRow *row, int column)
{
	if (row->nulls[column])
		booking_refuse_value(booking_tables[row->table].columns[column].name);
	return row->values[column];
}

bool
booking_is_null(const BookRow *row, int column)
{
	return row->nulls[column];
}

/* Takes the columns from the slot. */
void
booking_read_slot(BookRow *row)
{
	const AttrNumber *numbers = booking_column_numbers(row->table);

	row->tid = row->slot->tts_tid;
	for (int i = 0; i < booking_tables[row->table].column_count; i++)
		row->values[i] = slot_getattr(row->slot, numbers[i], &row->nulls[i]);
}

/* For a trigger: the row that the server has handed over. */
BookRow *
booking_row_of_slot(TableId table, TupleTableSlot *slot)
{
	BookRow *row = palloc0(sizeof(BookRow));

	booking_know_table(table);
	row->table = table;
	row->slot = slot;
	booking_read_slot(row);
	return row;
}

ItemPointer
booking_row_tid(const BookRow *row)
{
	return unconstify(ItemPointerData *, &row->tid);
}

/* Of a row that was found without a statement. */
TransactionId
booking_row_xmin(const BookRow *row)
{
	bool isnull;

	return DatumGetTransactionId(
		slot_getsysattr(row->slot, MinTransactionIdAttributeNumber, &isnull));
}

/* Whether the row, updated, would stay on its page, and another one's next version as well. */
bool
booking_has_room(const BookRow *row)
{
	const BufferHeapTupleTableSlot *slot = (BufferHeapTupleTableSlot *) row->slot;

	return TTS_IS_BUFFERTUPLE(row->slot) && PageGetHeapFreeSpace(BufferGetPage(slot->buffer)) >=
												2 * MAXALIGN(slot->base.tuple->t_len);
}

/* Who is replacing a row version, or has tried to; not who only locks it, as foreign keys do. */
static TransactionId
updater(TupleTableSlot *slot)
{
	const BufferHeapTupleTableSlot *row = (BufferHeapTupleTableSlot *) slot;
	HeapTupleHeader header = row->base.tuple->t_data;
	TransactionId xmax = InvalidTransactionId;

	/* the flags and what they tell of are to be of one moment */
	LockBuffer(row->buffer, BUFFER_LOCK_SHARE);
	if (!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		xmax = HeapTupleHeaderGetUpdateXid(header);
	LockBuffer(row->buffer, BUFFER_LOCK_UNLOCK);
	return xmax;
}

static bool
is_being_replaced(TupleTableSlot *slot)
{
	TransactionId xmax = TTS_IS_BUFFERTUPLE(slot) ? updater(slot) : InvalidTransactionId;

	return TransactionIdIsNormal(xmax) && !TransactionIdIsCurrentTransactionId(xmax) &&
		   TransactionIdIsInProgress(xmax);
}

/* A statement tells where the row is, but not who is at it. */
static bool
is_being_replaced_there(const BookRow *row)
{
	Relation relation = table_open(row->relation_oid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	bool is_changing =
		table_tuple_fetch_row_version(relation, booking_row_tid(row), row->snapshot, slot) &&
		is_being_replaced(slot);

	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
	return is_changing;
}

/* Whether the row is being replaced by another session. */
bool
booking_is_changing(const BookRow *row)
{
	return row->slot != NULL ? is_being_replaced(row->slot) : is_being_replaced_there(row);
}

/* Also of none. */
void
booking_release_row(BookRow *row)
{
	if (row == NULL)
		return;
	if (row->relation != NULL)
	{
		ExecDropSingleTupleTableSlot(row->slot);
		table_close(row->relation, NoLock);
	}
	pfree(row);
}
