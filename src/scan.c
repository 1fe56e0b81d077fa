/*
 * scan.c
 *		Reading the extension's own tables by an index, without SQL. Called where starting a
 *		statement would cost more than what it finds, and where no plan may come in between.
 *
 * Where a table, an index and its columns are is found by name once, and again after the server
 * has told us that something about them changed. The table stays locked to the end of the
 * transaction, as after a statement; an index does not, since a backend has few fast-path locks, and
 * the writes want them.
 */
#include "booking.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* The indexes that this backend has used. */
static BookingIndex *known_indexes = NULL;

static void
forget_relation(Datum arg, Oid relation)
{
	for (BookingIndex *index = known_indexes; index != NULL; index = index->next)
	{
		if (relation == InvalidOid || relation == index->table_oid || relation == index->oid)
			index->is_current = false;
	}
}

static void
remember(BookingIndex *index)
{
	if (index->is_remembered)
		return;
	if (known_indexes == NULL)
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	index->next = known_indexes;
	index->is_remembered = true;
	known_indexes = index;
}

Oid
booking_relation(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("booking", false));
}

/* What goes by the name may be somebody's own, of another table even. */
static bool
is_usable(Relation index, Oid table)
{
	return index->rd_index->indisvalid && index->rd_index->indrelid == table &&
		   index->rd_rel->relam == BTREE_AM_OID;
}

/* An index that is gone or unfinished proves nothing: without it, nothing may be booked. */
static void
refuse_index(const BookingIndex *index)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("index booking.%s is missing or not valid", index->name),
		 errdetail("The extension booking finds rows of booking.%s by it.", index->table),
		 errhint("Build it again: REINDEX INDEX booking.%s, or CREATE INDEX as the extension does.",
				 index->name)));
}

/* Opens the table, locked, and finds the rest while nothing about it can change. */
static Relation
open_table(BookingIndex *index)
{
	Relation table = index->is_current ? try_table_open(index->table_oid, AccessShareLock) : NULL;
	TupleDesc desc;

	if (table != NULL && index->is_current)
		return table;
	if (table != NULL)
		table_close(table, AccessShareLock);

	remember(index);
	index->table_oid = booking_relation(index->table);
	table = table_open(index->table_oid, AccessShareLock);
	desc = RelationGetDescr(table);
	index->is_current = true;
	index->oid = booking_relation(index->name);
	for (int i = 0; i < MAX_SCAN_COLUMNS && index->columns[i] != NULL; i++)
	{
		index->numbers[i] = SPI_fnumber(desc, index->columns[i]);
		index->is_current &= index->numbers[i] > 0;
		if (index->numbers[i] <= 0)
			elog(ERROR, "booking.%s has no column %s", index->table, index->columns[i]);
	}
	return table;
}

/* For who reads a row that the server handed over: lets the numbers of the columns be right. */
void
booking_know_columns(BookingIndex *index)
{
	if (!index->is_current)
		table_close(open_table(index), NoLock);
}

void
booking_start_scan(BookingScan *scan, BookingIndex *index, Snapshot snapshot, ScanKey keys,
				   int count)
{
	scan->index = index;
	scan->table = open_table(index);
	scan->relation = OidIsValid(index->oid) ? index_open(index->oid, AccessShareLock) : NULL;
	if (scan->relation == NULL || !is_usable(scan->relation, index->table_oid))
		refuse_index(index);
	scan->row = table_slot_create(scan->table, NULL);
#if PG_VERSION_NUM >= 180000
	scan->state = index_beginscan(scan->table, scan->relation, snapshot, NULL, count, 0);
#else
	scan->state = index_beginscan(scan->table, scan->relation, snapshot, count, 0);
#endif
	index_rescan(scan->state, keys, count, NULL, 0);
}

/* Starts a scan by an index on one bigint, such as an id, or that begins with one. */
void
booking_start_scan_by_id(BookingScan *scan, BookingIndex *index, Snapshot snapshot, int64 id)
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

/* A column of the row at hand, by its place among those of the BookingIndex. */
Datum
booking_column(const BookingScan *scan, int column, bool *isnull)
{
	return slot_getattr(scan->row, scan->index->numbers[column], isnull);
}

void
booking_end_scan(BookingScan *scan)
{
	index_endscan(scan->state);
	ExecDropSingleTupleTableSlot(scan->row);
	index_close(scan->relation, AccessShareLock);
	table_close(scan->table, NoLock);
}
