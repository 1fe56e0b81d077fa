/*
 * overlap.c
 *		Walks over a doctor's live slots, and the constraint trigger that keeps these from overlapping.
 *		Called by the server for whoever inserts or moves a slot, and by the files that add slots or
 *		hand them over.
 *
 * The trigger does what an exclusion constraint does, and is as strict. The row and its index entries are
 * there before the check. The check sees uncommitted rows of others and waits for their outcome. So of two
 * rivals at least one sees the other. But instead of searching a GiST index, it walks the btree on
 * (doctor_id, starts_at) down from the slot's end. The first slot on the way that is sure to stay is the
 * last that could overlap ours, because those before it end before it starts.
 *
 * All rows of a statement are in the index before the trigger sees the first. So when they come in order,
 * one walk up the index checks many of them. A row of ours that ends before the next one starts overlaps
 * nothing that was there, if that next one is sure to stay. Who comes later sees our row.
 */
#include "calendar/calendar.h"
#include "store/store.h"

#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct LiveSlot
{
	int64 id;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	ItemPointerData tid;
} LiveSlot;

#define MOST_AHEAD 64

/* Kept in fn_extra for the rows of one statement: the ones that need no check any more. */
typedef struct Ahead
{
	int64 doctor_id; /* of the last row that came */
	TimestampTz starts_at;
	int count;
	int next;
	ItemPointerData tids[MOST_AHEAD];
} Ahead;

/* False for a removed slot, which overlaps nothing. */
static bool
read_live_slot(const BookRow *row, LiveSlot *slot)
{
	if (!booking_is_null(row, TIME_SLOTS_DELETED_AT))
		return false;
	slot->id = DatumGetInt64(booking_get(row, TIME_SLOTS_ID));
	slot->doctor_id = DatumGetInt64(booking_get(row, TIME_SLOTS_DOCTOR_ID));
	slot->starts_at = DatumGetTimestampTz(booking_get(row, TIME_SLOTS_STARTS_AT));
	slot->ends_at = DatumGetTimestampTz(booking_get(row, TIME_SLOTS_ENDS_AT));
	slot->tid = *booking_row_tid(row);
	return true;
}

/*
 * Starts a walk over the doctor's slots that may overlap a stretch: those that start before it
 * ends, and at most a slot's greatest length before it starts.
 */
static BookScan *
start_walk(Snapshot snapshot, int64 doctor_id, const Stretch *stretch)
{
	TimestampTz first = stretch->starts_at - LONGEST_SLOT_MINUTES * USECS_PER_MINUTE;
	const Condition conditions[] = {{0, EQUAL, Int64GetDatum(doctor_id)},
									{1, GREATER, TimestampTzGetDatum(first)},
									{1, LESS, TimestampTzGetDatum(stretch->ends_at)}};

	return booking_start_walk(DOCTOR_SLOTS_START_ONCE, snapshot, conditions, lengthof(conditions));
}

/*
 * Reads a doctor's live slots that overlap a stretch, earliest first, with the latest snapshot. It walks
 * the index itself: an SQL plan that is made while the table is small, and kept while one transaction fills
 * it, would read all of the table for each doctor.
 */
void
booking_read_slots(int64 doctor_id, const Stretch *stretch, Stretches *found)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	BookScan *scan = start_walk(snapshot, doctor_id, stretch);
	const BookRow *row;
	LiveSlot slot;

	while ((row = booking_next_row(scan, ForwardScanDirection)) != NULL)
	{
		if (read_live_slot(row, &slot) && slot.ends_at > stretch->starts_at)
			booking_add_stretch(found, slot.starts_at, slot.ends_at);
	}
	booking_end_scan(scan);
	UnregisterSnapshot(snapshot);
}

/*
 * Looks for another live slot that overlaps. Returns false when there is none; otherwise
 * *undecided is the transaction whose end will tell whether it stays, if there is one.
 */
static bool
find_overlap(const LiveSlot *new, TransactionId *undecided)
{
	const Stretch stretch = {new->starts_at, new->ends_at};
	SnapshotData dirty;
	BookScan *scan;
	const BookRow *row;
	LiveSlot other;
	bool overlaps = false;
	bool is_over = false;

	InitDirtySnapshot(dirty);
	scan = start_walk(&dirty, new->doctor_id, &stretch);
	while (!overlaps && !is_over && (row = booking_next_row(scan, BackwardScanDirection)) != NULL)
	{
		/* by id: another trigger may have written a version of our row since, with another TID */
		if (!read_live_slot(row, &other) || other.id == new->id)
			continue;
		*undecided = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		overlaps = other.ends_at > new->starts_at;
		is_over = !overlaps && !TransactionIdIsValid(*undecided);
	}
	booking_end_scan(scan);
	return overlaps;
}

/* Whether the row is our transaction's, and nobody is replacing it. */
static bool
is_ours(const BookRow *row, const SnapshotData *dirty)
{
	return !TransactionIdIsValid(dirty->xmin) && !TransactionIdIsValid(dirty->xmax) &&
		   TransactionIdIsCurrentTransactionId(booking_row_xmin(row));
}

/* Notes which of the slots after one that was checked need no check of their own. */
static void
look_ahead(const LiveSlot *checked, Ahead *ahead)
{
	LiveSlot last = *checked;
	bool is_first = true;
	const Condition conditions[] = {{0, EQUAL, Int64GetDatum(checked->doctor_id)},
									{1, GREATER, TimestampTzGetDatum(checked->starts_at)}};
	SnapshotData dirty;
	BookScan *scan;

	ahead->count = ahead->next = 0;
	InitDirtySnapshot(dirty);
	scan = booking_start_walk(DOCTOR_SLOTS_START_ONCE, &dirty, conditions, lengthof(conditions));
	while (ahead->count < MOST_AHEAD)
	{
		const BookRow *row = booking_next_row(scan, ForwardScanDirection);
		bool is_end = row == NULL;
		LiveSlot next;

		if (!is_end &&
			(!is_ours(row, &dirty) || !read_live_slot(row, &next) || next.starts_at < last.ends_at))
			break;
		if (!is_first)
			ahead->tids[ahead->count++] = last.tid;
		if (is_end)
			break;
		is_first = false;
		last = next;
	}
	booking_end_scan(scan);
}

/* Whether a walk has been past the row; takes it off the list. */
static bool
was_looked_at(Ahead *ahead, const LiveSlot *slot)
{
	if (ahead->next == ahead->count ||
		!ItemPointerEquals(&ahead->tids[ahead->next], (ItemPointer) &slot->tid))
		return false;
	ahead->next++;
	return true;
}

static void
check_overlap(Relation table, LiveSlot *new)
{
	TransactionId undecided;

	while (find_overlap(new, &undecided))
	{
		if (!TransactionIdIsValid(undecided))
			booking_refuse(INSERTED_SLOT_DOES_NOT_OVERLAP, .doctor_id = new->doctor_id);
		XactLockTableWait(undecided, table, &new->tid, XLTW_RecheckExclusionConstr);
	}
}

/* Whether an update leaves a live slot where it was, as every booking does. */
static bool
stays(const BookRow *row, const LiveSlot *new)
{
	LiveSlot old;

	return read_live_slot(row, &old) && old.doctor_id == new->doctor_id &&old.starts_at ==
											new->starts_at &&old.ends_at == new->ends_at;
}

/* What is kept in fn_extra lasts as long as the statement. */
static Ahead *
ahead_of(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Ahead));
	return fcinfo->flinfo->fn_extra;
}

/* Checks a row that was inserted, and, when they seem to come in order, the next ones. */
static void
check_inserted(Relation table, LiveSlot *new, Ahead *ahead)
{
	bool is_in_order = ahead->doctor_id == new->doctor_id && ahead->starts_at < new->starts_at;

	if (!was_looked_at(ahead, new))
	{
		check_overlap(table, new);
		if (is_in_order)
			look_ahead(new, ahead);
	}
	ahead->doctor_id = new->doctor_id;
	ahead->starts_at = new->starts_at;
}

BOOKING_FUNCTION_AS_CALLER(booking_check_overlap)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ROW_WRITE, "time_slots");
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	BookRow *row;
	BookRow *old = NULL;
	LiveSlot new;

	row = booking_row_of_slot(TIME_SLOTS, is_update ? trigger->tg_newslot : trigger->tg_trigslot);
	if (!read_live_slot(row, &new))
		return PointerGetDatum(NULL);
	if (is_update)
		old = booking_row_of_slot(TIME_SLOTS, trigger->tg_trigslot);
	if (!is_update)
		check_inserted(trigger->tg_relation, &new, ahead_of(fcinfo));
	else if (!stays(old, &new))
		check_overlap(trigger->tg_relation, &new);
	return PointerGetDatum(NULL);
}
