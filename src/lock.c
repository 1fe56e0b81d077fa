/*
 * lock.c
 *		The advisory lock protocol. Called by everything that changes slots or appointments.
 *
 * A lock only makes rivals queue; the constraints are the truth. The tags carry classes of our
 * own in field 4, so no application's pg_advisory_lock key can collide with them. Always held
 * to the end of the transaction: a pooler may hand the session to somebody else after it.
 *
 * Order, to avoid deadlocks: slots, then patients, then calendars; ascending ids in a class.
 */
#include "booking.h"

#include "miscadmin.h"

void
booking_lock(LockClass class, int64 id, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) id >> 32), (uint32) id, class);
	(void) LockAcquire(&tag, mode, false, false);
}
