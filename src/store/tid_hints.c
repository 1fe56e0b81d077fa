/*
 * tid_hints.c
 *		Where rows were last seen, as a hint for the next time. Called by read.c and update.c.
 *
 * A booking looks at some rows more than once, and sessions do at the rows of clinics and doctors, and of the
 * slot that everybody wants.
 */
#include "store/internal.h"

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Where the row with a key was seen. */
typedef struct TidHint
{
	int64 key;
	ItemPointerData tid;
	Buffer buffer;
} TidHint;

static TidHint *hints[INDEX_COUNT];

/* The first time, nowhere. */
static TidHint *
hint_of(IndexId index, int64 key)
{
	int count = booking_indexes[index].hint_count;

	if (hints[index] == NULL)
		hints[index] = MemoryContextAllocZero(TopMemoryContext, count * sizeof(TidHint));
	return &hints[index][(uint64) key % count];
}

/*
 * Whether there is still such a page, which vacuum may have cut off the table before we locked it.
 * Told by the buffer it was in, which is cheaper than to ask how long the table is.
 */
static bool
is_in_table(Relation table, const TidHint *hint)
{
	BlockNumber block = ItemPointerGetBlockNumber(&hint->tid);
	bool is_there = ReadRecentBuffer(table->rd_locator, MAIN_FORKNUM, block, hint->buffer);

	if (is_there)
		ReleaseBuffer(hint->buffer);
	return is_there;
}

/* What the snapshot sees in the place may be a version that is not in the index, if that is partial. */
static bool
is_indexed(const BookRow *row, const BookIndex *index)
{
	return !index->is_of_occupants ||
		   booking_status_occupies(booking_status_label(booking_get(row, APPOINTMENTS_STATUS)));
}

/*
 * Fetches the row of a key from where it was last seen; false when the snapshot sees none there, or not the
 * one. What it sees there under the key is the one, for there is no other; that may be another version than was
 * last seen.
 */
bool
booking_fetch_by_hint(BookRow *row)
{
	const BookIndex *index = &booking_indexes[row->index];
	const TidHint *hint = hint_of(row->index, row->key);
	ItemPointerData tid = hint->tid;

	if (hint->key != row->key || !ItemPointerIsValid(&tid) || !is_in_table(row->relation, hint) ||
		!table_tuple_fetch_row_version(row->relation, &tid, row->snapshot, row->slot))
		return false;
	booking_read_slot(row);
	return !row->nulls[index->keys[0]] && DatumGetInt64(row->values[index->keys[0]]) == row->key &&
		   (!index->is_to_update || booking_has_room(row)) && is_indexed(row, index);
}

/* Remembers a place on the page of the row at hand: its own, or that of the version that replaces it. */
void
booking_note_hint(const BookRow *row, const ItemPointerData *tid)
{
	if (TTS_IS_BUFFERTUPLE(row->slot) &&
		ItemPointerGetBlockNumber(tid) == ItemPointerGetBlockNumber(&row->slot->tts_tid))
		*hint_of(row->index, row->key) =
			(TidHint){row->key, *tid, ((BufferHeapTupleTableSlot *) row->slot)->buffer};
}
