/*
 * lock.c
 *		The advisory lock protocol. Called by everything that changes slots or appointments.
 *
 * A lock only makes rivals queue; the constraints are the truth. The tags carry classes of our own in
 * field 4, so no application's pg_advisory_lock key can collide with them. Locks are held to the end of the
 * transaction, and never longer, since a pooler may hand the session to somebody else. Only a lock that
 * turns out to be the wrong slot's is given back, before anything is done under it.
 *
 * The order, to avoid deadlocks, is slots, patients, calendars; ascending ids in a class. A task of
 * maintenance is never waited for, but left to whoever is at it.
 */
#include "base/base.h"

#include "miscadmin.h"
#include "nodes/lockoptions.h"
#include "utils/resowner.h"

/* A doctor who is being added waits for this lock, or we do and then see them in the latest snapshot. */
static BookingPlan lock_clinic_plan = {
	"SELECT FROM booking.clinics WHERE id = $1 FOR UPDATE", 1, {INT8OID}};
static BookingPlan share_clinic_plan = {
	"SELECT FROM booking.clinics WHERE id = $1 FOR KEY SHARE", 1, {INT8OID}};
static BookingPlan doctors_of_clinic_plan = {
	"SELECT id FROM booking.doctors WHERE clinic_id = $1 ORDER BY id", 1, {INT8OID}};

static LOCKTAG
tag_of(LockClass class, int64 id)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) id >> 32), (uint32) id, class);
	return tag;
}

/*
 * The lock belongs to the transaction or savepoint, as does what will be written under it. If it belonged
 * to a cursor that calls us, it would go when the cursor fails in a savepoint, though what the cursor has
 * booked before stays.
 */
static LockAcquireResult
acquire(LockClass class, int64 id, LOCKMODE mode, LockWaitPolicy policy)
{
	LOCKTAG tag = tag_of(class, id);
	ResourceOwner oldowner = CurrentResourceOwner;
	LockAcquireResult result;

	CurrentResourceOwner = CurTransactionResourceOwner;
	result = LockAcquire(&tag, mode, false, policy != LockWaitBlock);
	CurrentResourceOwner = oldowner;
	return result;
}

void
booking_lock(LockClass class, int64 id, LOCKMODE mode)
{
	(void) acquire(class, id, mode, LockWaitBlock);
}

/* Takes the lock only if that is possible at once. */
bool
booking_try_lock(LockClass class, int64 id, LOCKMODE mode)
{
	return acquire(class, id, mode, LockWaitSkip) != LOCKACQUIRE_NOT_AVAIL;
}

/* Undoes one booking_lock, so that waiting for another of its class keeps the order. */
void
booking_unlock(LockClass class, int64 id, LOCKMODE mode)
{
	LOCKTAG tag = tag_of(class, id);
	ResourceOwner oldowner = CurrentResourceOwner;

	CurrentResourceOwner = CurTransactionResourceOwner;
	LockRelease(&tag, mode, false);
	CurrentResourceOwner = oldowner;
}

/*
 * Keeps out a closure of the clinic, before one of its calendars is closed. A foreign key takes this lock
 * later in any case, and by then the closure may be waiting for our calendar.
 */
void
booking_share_clinic(int64 clinic_id)
{
	Datum arg = Int64GetDatum(clinic_id);

	booking_execute(&share_clinic_plan, &arg, NULL);
}

/* Waits for the bookings of a doctor that are under way, and keeps out new ones. */
void
booking_close_doctor(int64 doctor_id)
{
	booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_CLOSE);
}

/* The same for all doctors of a clinic. */
void
booking_close_clinic(int64 clinic_id)
{
	Datum arg = Int64GetDatum(clinic_id);
	uint64 doctors;

	booking_execute(&lock_clinic_plan, &arg, NULL);
	doctors = booking_execute_latest(&doctors_of_clinic_plan, &arg, NULL);
	for (uint64 i = 0; i < doctors; i++)
	{
		Datum doctor_id;
		bool isnull;

		booking_row(i, &doctor_id, &isnull);
		booking_close_doctor(DatumGetInt64(doctor_id));
	}
}
