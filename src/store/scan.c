/*
 * scan.c
 *		Reading the extension's own tables by an index, without SQL. Called where starting a
 *		statement would cost more than what it finds, and where no plan may come in between.
 *
 * The table stays locked to the end of the transaction, as after a statement; an index does not, since
 * a backend has few fast-path locks, and the writes want them.
 */
#include "store/store.h"

#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am_d.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define MOST_ATTEMPTS 10

/* An index that is gone or unfinished proves nothing: without it, nothing may be booked. */
static void
refuse_index(const BookingIndex *index)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("index booking.%s is missing or not valid", index->name),
		 errdetail("The extension booking finds rows of booking.%s by it.", index->table.name),
		 errhint("Build it again: REINDEX INDEX booking.%s, or CREATE INDEX as the extension does.",
				 index->name)));
}

/*
 * What goes by the name may be somebody's own, of another table even. All begin with a bigint; where
 * rows are found by that alone, it is unique, and where not, there is one more column.
 */
static bool
is_usable(Relation relation, const BookingIndex *index)
{
	const FormData_pg_index *form = relation->rd_index;

	if (relation->rd_rel->relkind != RELKIND_INDEX || relation->rd_rel->relam != BTREE_AM_OID ||
		!form->indisvalid || form->indrelid != index->table.oid ||
		relation->rd_opcintype[0] != INT8OID)
		return false;
	/* it is read with the rights of the caller */
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (!booking_compares_by_server(relation, i))
			return false;
	}
	if (OidIsValid(index->second))
		return form->indnkeyatts == 2 && relation->rd_opcintype[1] == index->second;
	return form->indisunique && form->indnkeyatts == 1 &&
		   form->indkey.values[0] == index->table.numbers[0];
}

static void
find_index(Relation relation, BookingTable *table)
{
	BookingIndex *index = (BookingIndex *) table;
	Relation found;

	table->index_oid = booking_relation(index->name);
	/* somebody may be dropping it at this moment */
	found =
		OidIsValid(table->index_oid) ? try_relation_open(table->index_oid, AccessShareLock) : NULL;
	index->is_usable = found != NULL && is_usable(found, index);
	if (found != NULL)
		relation_close(found, AccessShareLock);
}

/*
 * An index that was not usable may have been another one by then: REINDEX CONCURRENTLY puts a new one in
 * its place while we look for it, of which we hear when we lock the old one.
 */
static Relation
open_table(BookingIndex *index)
{
	Relation table = booking_open_table(&index->table, AccessShareLock, find_index);

	for (int i = 0; i < MOST_ATTEMPTS && !index->is_usable && !index->table.is_current; i++)
	{
		table_close(table, NoLock);
		table = booking_open_table(&index->table, AccessShareLock, find_index);
	}
	return table;
}

/* For who reads a row that the server handed over: lets the numbers of the columns be right. */
void
booking_know_columns(BookingIndex *index)
{
	if (!index->table.is_current)
		table_close(open_table(index), NoLock);
}

void
booking_start_scan(BookingScan *scan, BookingIndex *index, Snapshot snapshot, ScanKey keys,
				   int count)
{
	scan->index = index;
	scan->table = open_table(index);
	if (!index->is_usable)
		refuse_index(index);
	scan->relation = index_open(index->table.index_oid, AccessShareLock);
	scan->snapshot = snapshot;
	scan->row = table_slot_create(scan->table, NULL);
	scan->state = begin_index_scan(scan->table, scan->relation, snapshot, count);
	index_rescan(scan->state, keys, count, NULL, 0);
}

static void
start_scan_by_key(BookingScan *scan, BookingIndex *index, Snapshot snapshot, int64 id)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	booking_start_scan(scan, index, snapshot, &key, 1);
}

bool
booking_next_row(BookingScan *scan, ScanDirection direction)
{
	return index_getnext_slot(scan->state, direction, scan->row);
}

/* Whether the row, updated, would stay on its page, and another one's next version as well. */
static bool
has_room(const BookingScan *scan)
{
	const BufferHeapTupleTableSlot *row = (BufferHeapTupleTableSlot *) scan->row;

	return TTS_IS_BUFFERTUPLE(scan->row) &&
		   PageGetHeapFreeSpace(BufferGetPage(row->buffer)) >= 2 * MAXALIGN(row->base.tuple->t_len);
}

/*
 * The same for a row that is about to be updated. On the way to a row by an index, the server prunes
 * the page if it is filled beyond its fillfactor, as it is after the first booking on it: for each
 * booking again, which takes longer than all the rest of finding the slot. So that is left until the
 * room is needed. A row that was updated since it was indexed is not where the index says, and is
 * fetched as ever.
 */
static bool
next_row_to_update(BookingScan *scan)
{
	ItemPointer place = index_getnext_tid(scan->state, ForwardScanDirection);

	if (place == NULL)
		return false;
	if (table_tuple_fetch_row_version(scan->table, place, scan->snapshot, scan->row) &&
		has_room(scan))
		return true;
	ExecClearTuple(scan->row);
	return index_fetch_heap(scan->state, scan->row) || booking_next_row(scan, ForwardScanDirection);
}

/* Where a row was last seen; the first time, nowhere. */
static KnownPlace *
known_place(BookingIndex *index, int64 key)
{
	if (index->places == NULL)
		index->places =
			MemoryContextAllocZero(TopMemoryContext, index->place_count * sizeof(KnownPlace));
	return &index->places[(uint64) key % index->place_count];
}

/*
 * Whether there is still such a page, which vacuum may have cut off the table before we locked it.
 * Told by the buffer it was in, which is cheaper than to ask how long the table is.
 */
static bool
is_in_table(Relation table, const KnownPlace *place)
{
	BlockNumber block = ItemPointerGetBlockNumber(&place->row);
	bool is_there = ReadRecentBuffer(table->rd_locator, MAIN_FORKNUM, block, place->buffer);

	if (is_there)
		ReleaseBuffer(place->buffer);
	return is_there;
}

/*
 * Starts what is a scan to its caller, with the row at hand that the snapshot sees in a place; false
 * when it sees none there, or not the one. What it sees there under the key is the one, for there is
 * no other; that may be another version than was last seen.
 */
static bool
fetch_row(BookingScan *scan, BookingIndex *index, Snapshot snapshot, const KnownPlace *place)
{
	ItemPointerData row = place->row;
	bool isnull;

	scan->index = index;
	scan->table = open_table(index);
	scan->relation = NULL;
	scan->snapshot = snapshot;
	scan->row = table_slot_create(scan->table, NULL);
	return index->is_usable && is_in_table(scan->table, place) &&
		   table_tuple_fetch_row_version(scan->table, &row, snapshot, scan->row) &&
		   DatumGetInt64(booking_column(scan, 0, &isnull)) == place->key &&
		   (!index->is_to_update || has_room(scan)) &&
		   (index->has_row == NULL || index->has_row(scan));
}

/* Remembers a place on the page of the row at hand: its own, or that of the version that replaces it. */
void
booking_note_place(const BookingScan *scan, int64 key, const ItemPointerData *row)
{
	if (TTS_IS_BUFFERTUPLE(scan->row) &&
		ItemPointerGetBlockNumber(row) == ItemPointerGetBlockNumber(&scan->row->tts_tid))
		*known_place(scan->index, key) =
			(KnownPlace){key, *row, ((BufferHeapTupleTableSlot *) scan->row)->buffer};
}

static void
end_index(BookingScan *scan)
{
	if (scan->relation == NULL)
		return;
	index_endscan(scan->state);
	index_close(scan->relation, AccessShareLock);
	scan->relation = NULL;
}

/*
 * Starts a scan of a unique index on one bigint, the first of the columns, for the row that has this
 * key, and fetches it; false when there is none. Looks first where the row was last seen: a booking
 * looks at some rows more than once, and sessions do at the rows of clinics and doctors, and of the
 * slot that everybody wants.
 */
bool
booking_find(BookingScan *scan, BookingIndex *index, Snapshot snapshot, int64 key)
{
	KnownPlace *place = known_place(index, key);
	bool is_found;

	if (place->key == key && ItemPointerIsValid(&place->row))
	{
		if (fetch_row(scan, index, snapshot, place))
			return true;
		booking_end_scan(scan);
	}
	start_scan_by_key(scan, index, snapshot, key);
	is_found = index->is_to_update ? next_row_to_update(scan)
								   : booking_next_row(scan, ForwardScanDirection);
	end_index(scan);
	if (is_found)
		booking_note_place(scan, key, &scan->row->tts_tid);
	return is_found;
}

/* A column of the row at hand, by its place among those of the BookingIndex. */
Datum
booking_column(const BookingScan *scan, int column, bool *isnull)
{
	return slot_getattr(scan->row, scan->index->table.numbers[column], isnull);
}

/* Also of a scan that was not started, if it is all zeros. */
void
booking_end_scan(BookingScan *scan)
{
	if (scan->table == NULL)
		return;
	end_index(scan);
	ExecDropSingleTupleTableSlot(scan->row);
	table_close(scan->table, NoLock);
	scan->table = NULL;
}
