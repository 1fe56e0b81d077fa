/*
 * overlap.c
 *		Walks over a doctor's live slots, and the constraint trigger that keeps these from
 *		overlapping. Called by the server for whoever inserts or moves a slot, and by the files
 *		that add slots.
 *
 * The trigger does what an exclusion constraint does, and is as strict: the row and its index entries
 * are there before the check, the check sees uncommitted rows of others and waits for their
 * outcome, and so of two rivals at least one sees the other. But it walks the btree on
 * (doctor_id, starts_at) down from the slot's end instead of searching a GiST index: the first
 * slot that starts before ours and is sure to stay is the last that could overlap it, because
 * those before that one end before it starts.
 */
#include "booking.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* What stays the same for all rows of a statement: found once, kept in fn_extra. */
typedef struct Lookup
{
	Oid index;
	AttrNumber id;
	AttrNumber doctor_id;
	AttrNumber starts_at;
	AttrNumber ends_at;
	AttrNumber deleted_at;
} Lookup;

typedef struct LiveSlot
{
	int64 id;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	ItemPointerData tid;
} LiveSlot;

static void
look_up(Relation table, Lookup *lookup)
{
	TupleDesc desc = RelationGetDescr(table);

	lookup->index = get_relname_relid("doctor_slots_start_once", RelationGetNamespace(table));
	lookup->id = SPI_fnumber(desc, "id");
	lookup->doctor_id = SPI_fnumber(desc, "doctor_id");
	lookup->starts_at = SPI_fnumber(desc, "starts_at");
	lookup->ends_at = SPI_fnumber(desc, "ends_at");
	lookup->deleted_at = SPI_fnumber(desc, "deleted_at");
}

static const Lookup *
find_lookup(FunctionCallInfo fcinfo, Relation table)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		fcinfo->flinfo->fn_extra = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Lookup));
		look_up(table, fcinfo->flinfo->fn_extra);
	}
	return fcinfo->flinfo->fn_extra;
}

/* False for a removed slot, which overlaps nothing. */
static bool
read_live_slot(TupleTableSlot *row, const Lookup *lookup, LiveSlot *slot)
{
	bool isnull;

	(void) slot_getattr(row, lookup->deleted_at, &isnull);
	if (!isnull)
		return false;
	slot->id = DatumGetInt64(slot_getattr(row, lookup->id, &isnull));
	slot->doctor_id = DatumGetInt64(slot_getattr(row, lookup->doctor_id, &isnull));
	slot->starts_at = DatumGetTimestampTz(slot_getattr(row, lookup->starts_at, &isnull));
	slot->ends_at = DatumGetTimestampTz(slot_getattr(row, lookup->ends_at, &isnull));
	slot->tid = row->tts_tid;
	return true;
}

/*
 * Starts a walk over the doctor's slots that may overlap a stretch: those that start before it
 * ends, and at most a slot's greatest length before it starts.
 */
static IndexScanDesc
start_walk(Relation table, Relation index, Snapshot snapshot, int64 doctor_id,
		   const Stretch *stretch)
{
	TimestampTz first = stretch->starts_at - LONGEST_SLOT_MINUTES * USECS_PER_MINUTE;
	ScanKeyData keys[3];
	IndexScanDesc scan;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(doctor_id));
	ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, TimestampTzGetDatum(first));
	ScanKeyInit(&keys[2], 2, BTLessStrategyNumber, F_TIMESTAMPTZ_LT,
				TimestampTzGetDatum(stretch->ends_at));
#if PG_VERSION_NUM >= 180000
	scan = index_beginscan(table, index, snapshot, NULL, lengthof(keys), 0);
#else
	scan = index_beginscan(table, index, snapshot, lengthof(keys), 0);
#endif
	index_rescan(scan, keys, lengthof(keys), NULL, 0);
	return scan;
}

/*
 * Reads a doctor's live slots that overlap a stretch, earliest first, with a snapshot of now.
 * By the index itself: an SQL plan made while the table is small, and kept while one transaction
 * fills it, would read all of the table for each doctor.
 */
void
booking_read_slots(int64 doctor_id, const Stretch *stretch, Stretches *slots)
{
	Relation table = table_open(
		get_relname_relid("time_slots", get_namespace_oid("booking", false)), AccessShareLock);
	TupleTableSlot *row = table_slot_create(table, NULL);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	Relation index;
	IndexScanDesc scan;
	Lookup lookup;
	LiveSlot slot;

	look_up(table, &lookup);
	index = index_open(lookup.index, AccessShareLock);
	scan = start_walk(table, index, snapshot, doctor_id, stretch);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		if (read_live_slot(row, &lookup, &slot) && slot.ends_at > stretch->starts_at)
			booking_add_stretch(slots, slot.starts_at, slot.ends_at);
	}
	index_endscan(scan);
	index_close(index, AccessShareLock);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(table, AccessShareLock);
}

/*
 * Looks for another live slot that overlaps. Returns false when there is none; otherwise
 * *undecided is the transaction whose end will tell whether it stays, if there is one.
 */
static bool
find_overlap(Relation table, Relation index, const Lookup *lookup, const LiveSlot *new,
			 TupleTableSlot *row, TransactionId *undecided)
{
	const Stretch stretch = {new->starts_at, new->ends_at};
	SnapshotData dirty;
	IndexScanDesc scan;
	LiveSlot other;
	bool overlaps = false;
	bool is_over = false;

	InitDirtySnapshot(dirty);
	scan = start_walk(table, index, &dirty, new->doctor_id, &stretch);
	while (!overlaps && !is_over && index_getnext_slot(scan, BackwardScanDirection, row))
	{
		/* by id: another trigger may have written a version of our row since, at another place */
		if (!read_live_slot(row, lookup, &other) || other.id == new->id)
			continue;
		*undecided = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		overlaps = other.ends_at > new->starts_at;
		is_over = !overlaps && !TransactionIdIsValid(*undecided);
	}
	index_endscan(scan);
	return overlaps;
}

static void
refuse_overlap(const LiveSlot *new)
{
	Refusal overlap = {
		.sqlstate = ERRCODE_EXCLUSION_VIOLATION,
		.rule = "doctor_slots_do_not_overlap",
		.table = "time_slots",
		.detail = "live slots of one doctor never overlap.",
		.hint = "Remove the other slot, or choose another time.",
	};

	overlap.message =
		psprintf("doctor " INT64_FORMAT " has another time slot then", new->doctor_id);
	booking_refuse(&overlap);
}

static void
check_overlap(Relation table, const Lookup *lookup, const LiveSlot *new)
{
	Relation index = index_open(lookup->index, AccessShareLock);
	TupleTableSlot *row = table_slot_create(table, NULL);
	TransactionId undecided;

	while (find_overlap(table, index, lookup, new, row, &undecided))
	{
		if (!TransactionIdIsValid(undecided))
			refuse_overlap(new);
		XactLockTableWait(undecided, table, (ItemPointer) & new->tid, XLTW_RecheckExclusionConstr);
	}
	ExecDropSingleTupleTableSlot(row);
	index_close(index, AccessShareLock);
}

/* Whether an update leaves a live slot where it was, as every booking does. */
static bool
stays(TupleTableSlot *row, const Lookup *lookup, const LiveSlot *new)
{
	LiveSlot old;

	return read_live_slot(row, lookup, &old) && old.doctor_id == new->doctor_id &&old.starts_at ==
													new->starts_at &&old.ends_at == new->ends_at;
}

BOOKING_FUNCTION(booking_check_overlap)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ROW_WRITE, "time_slots");
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	TupleTableSlot *row = is_update ? trigger->tg_newslot : trigger->tg_trigslot;
	const Lookup *lookup = find_lookup(fcinfo, trigger->tg_relation);
	LiveSlot new;

	if (read_live_slot(row, lookup, &new) &&
		!(is_update && stays(trigger->tg_trigslot, lookup, &new)))
		check_overlap(trigger->tg_relation, lookup, &new);
	return PointerGetDatum(NULL);
}
