/*
 * lock.c
 *		The advisory lock protocol. Called by everything that changes slots or appointments.
 *
 * A lock only makes rivals queue; the constraints are the truth. The tags carry classes of our
 * own in field 4, so no application's pg_advisory_lock key can collide with them. Held to the
 * end of the transaction, and never longer: a pooler may hand the session to somebody else. Only
 * what turned out to be the wrong slot's, before anything was done under it, is given back.
 *
 * Order, to avoid deadlocks: slots, then patients, then calendars; ascending ids in a class.
 */
#include "booking.h"

#include "miscadmin.h"

static LOCKTAG
tag_of(LockClass class, int64 id)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) id >> 32), (uint32) id, class);
	return tag;
}

static LockAcquireResult
acquire(LockClass class, int64 id, LOCKMODE mode, bool dont_wait)
{
	LOCKTAG tag = tag_of(class, id);

	return LockAcquire(&tag, mode, false, dont_wait);
}

void
booking_lock(LockClass class, int64 id, LOCKMODE mode)
{
	(void) acquire(class, id, mode, false);
}

/* Exclusively, and only when that is possible at once. */
bool
booking_try_lock(LockClass class, int64 id)
{
	return acquire(class, id, ExclusiveLock, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* Undoes one booking_lock, so that waiting for another of its class keeps the order. */
void
booking_unlock(LockClass class, int64 id, LOCKMODE mode)
{
	LOCKTAG tag = tag_of(class, id);

	LockRelease(&tag, mode, false);
}
