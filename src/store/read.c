/*
 * read.c
 *		Finding a row, and scanning an index. Called where starting a statement would cost more than what it finds, and
 *		where no plan may come in between.
 *
 * The table stays locked to the end of the transaction, as after a statement; an index does not, since
 * a backend has few fast-path locks, and the writes want them.
 */
#include "store/internal.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation_d.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

struct BookScan
{
	BookRow row; /* the current one */
	bool is_direct;

	/* where it is: the index, while it is open */
	Relation index;
	IndexScanDesc state;

	/* where not */
	FoundRows found;
	uint64 next;
};

static RegProcedure
comparison_of(Oid type, Comparison comparison)
{
	switch (type)
	{
		case INT8OID:
			Assert(comparison == EQUAL);
			return F_INT8EQ;
		case TEXTOID:
			Assert(comparison == EQUAL);
			return F_TEXTEQ;
		default:
			Assert(type == TIMESTAMPTZOID);
			return comparison == EQUAL  ? F_TIMESTAMPTZ_EQ
				   : comparison == LESS ? F_TIMESTAMPTZ_LT
										: F_TIMESTAMPTZ_GT;
	}
}

static void
make_key(ScanKey key, const BookIndex *index, const Condition *condition)
{
	static const StrategyNumber strategies[] = {[EQUAL] = BTEqualStrategyNumber,
												[LESS] = BTLessStrategyNumber,
												[GREATER] = BTGreaterStrategyNumber};
	Oid type = booking_tables[index->table].columns[index->keys[condition->key]].type;

	ScanKeyInit(key, condition->key + 1, strategies[condition->comparison],
				comparison_of(type, condition->comparison), condition->value);
	if (type == TEXTOID)
		key->sk_collation = DEFAULT_COLLATION_OID;
}

static void
start_index(BookScan *scan, const KnownIndex *known, const Condition *conditions, int count)
{
	const BookIndex *index = &booking_indexes[scan->row.index];
	ScanKeyData keys[2 * lengthof(index->keys)];

	for (int i = 0; i < count; i++)
		make_key(&keys[i], index, &conditions[i]);
	scan->index = index_open(known->oid, AccessShareLock);
	scan->state = begin_index_scan(scan->row.relation, scan->index, scan->row.snapshot, count);
	index_rescan(scan->state, keys, count, NULL, 0);
}

static void
end_index(BookScan *scan)
{
	index_endscan(scan->state);
	index_close(scan->index, AccessShareLock);
}

/* By the index itself, whatever has been done to the table. */
BookScan *
booking_start_walk(IndexId index, Snapshot snapshot, const Condition *conditions, int count)
{
	BookScan *scan = palloc0(sizeof(BookScan));
	const KnownIndex *known = booking_require_index(index, &scan->row.relation);

	scan->row.table = booking_indexes[index].table;
	scan->row.index = index;
	scan->row.snapshot = snapshot;
	scan->row.slot = table_slot_create(scan->row.relation, NULL);
	scan->is_direct = true;
	start_index(scan, known, conditions, count);
	return scan;
}

/* Rows in the order of the index where they are read directly, else in any. */
BookScan *
booking_start_scan(IndexId index, Snapshot snapshot, const Condition *conditions, int count)
{
	Relation relation;
	BookScan *scan;

	(void) booking_require_index(index, &relation);
	table_close(relation, NoLock);
	if (booking_is_direct(booking_indexes[index].table))
		return booking_start_walk(index, snapshot, conditions, count);
	scan = palloc0(sizeof(BookScan));
	scan->row.table = booking_indexes[index].table;
	scan->row.snapshot = snapshot;
	booking_run_query(index, snapshot, conditions, count, &scan->found);
	return scan;
}

/* NULL after the last one. */
BookRow *
booking_next_row(BookScan *scan, ScanDirection direction)
{
	if (scan->is_direct)
	{
		if (!index_getnext_slot(scan->state, direction, scan->row.slot))
			return NULL;
		booking_read_slot(&scan->row);
	}
	else
	{
		if (scan->next == scan->found.count)
			return NULL;
		booking_read_found(&scan->found, scan->next++, &scan->row);
	}
	return &scan->row;
}

void
booking_end_scan(BookScan *scan)
{
	if (scan->is_direct)
	{
		end_index(scan);
		ExecDropSingleTupleTableSlot(scan->row.slot);
		table_close(scan->row.relation, NoLock);
	}
	pfree(scan);
}

/*
 * The next row, which is about to be updated. On the way to a row by an index, the server prunes
 * the page if it is filled beyond its fillfactor, as it is after the first booking on it: for each
 * booking again, which takes longer than all the rest of finding the slot. So that is left until the
 * room is needed. A row that was updated since it was indexed is not where the index says, and is
 * fetched as ever.
 */
static bool
next_row_to_update(BookScan *scan)
{
	BookRow *row = &scan->row;
	ItemPointer tid = index_getnext_tid(scan->state, ForwardScanDirection);

	if (tid == NULL)
		return false;
	if (table_tuple_fetch_row_version(row->relation, tid, row->snapshot, row->slot) &&
		booking_has_room(row))
		return true;
	ExecClearTuple(row->slot);
	return index_fetch_heap(scan->state, row->slot) ||
		   index_getnext_slot(scan->state, ForwardScanDirection, row->slot);
}

static bool
fetch_by_index(BookRow *row, const KnownIndex *known)
{
	const Condition condition = {0, EQUAL, Int64GetDatum(row->key)};
	BookScan scan = {.row = *row};
	bool is_found;

	start_index(&scan, known, &condition, 1);
	is_found = booking_indexes[row->index].is_to_update
				   ? next_row_to_update(&scan)
				   : index_getnext_slot(scan.state, ForwardScanDirection, row->slot);
	end_index(&scan);
	if (!is_found)
		return false;
	booking_read_slot(row);
	booking_note_hint(row, &row->tid);
	return true;
}

static bool
find_directly(BookRow *row, const KnownIndex *known)
{
	row->slot = table_slot_create(row->relation, NULL);
	if (booking_fetch_by_hint(row))
		return true;
	ExecClearTuple(row->slot);
	return fetch_by_index(row, known);
}

static bool
find_by_statement(BookRow *row)
{
	const Condition condition = {0, EQUAL, Int64GetDatum(row->key)};
	FoundRows found;

	booking_run_query(row->index, row->snapshot, &condition, 1, &found);
	if (found.count == 0)
		return false;
	booking_read_found(&found, 0, row);
	return true;
}

/* The row of a unique index on one bigint that has this key; NULL when there is none. */
BookRow *
booking_find(IndexId index, Snapshot snapshot, int64 key)
{
	BookRow *row = palloc(sizeof(BookRow));
	Relation relation;
	const KnownIndex *known = booking_require_index(index, &relation);
	bool is_found;

	row->table = booking_indexes[index].table;
	row->index = index;
	row->key = key;
	row->snapshot = snapshot;
	row->slot = NULL;
	if (booking_is_direct(row->table))
	{
		row->relation = relation;
		is_found = find_directly(row, known);
	}
	else
	{
		row->relation = NULL;
		table_close(relation, NoLock);
		is_found = find_by_statement(row);
	}
	if (is_found)
		return row;
	booking_release_row(row);
	return NULL;
}
