/*
 * holds.c
 *		Ending holds: when they expire, or when their slot is booked for something else. Called by book.c,
 *		lifecycle.c and maintain.c, and through SQL.
 */
#include "booking/booking.h"

#include "access/htup_details.h"

/* Each takes locks until commit, and the lock table is shared by all sessions. */
#define MOST_HOLDS 5000

static BookingPlan cancel_hold_plan = {
	"UPDATE booking.appointments SET status = 'cancelled' WHERE id = $1 AND status = 'pending'",
	1,
	{INT8OID}};
static BookingPlan is_hold_plan = {
	"SELECT FROM booking.appointments WHERE id = $1 AND status = 'pending'", 1, {INT8OID}};
static BookingPlan expired_plan = {
	"SELECT id, slot_id, doctor_id FROM booking.appointments"
	" WHERE status = 'pending' AND hold_expires_at <= clock_timestamp()"
	" ORDER BY hold_expires_at LIMIT $1 FOR UPDATE SKIP LOCKED",
	1,
	{INT4OID}};

/* After a statement that found no hold to change: raw SQL, which takes no lock of ours, may have ended it. */
void
booking_require_no_hold(int64 appointment_id)
{
	Datum value = Int64GetDatum(appointment_id);

	booking_require_none_left(&is_hold_plan, &value, NULL);
}

/* Returns 0 when it is no hold any more. */
static uint64
cancel_hold(int64 appointment_id, const Change *change)
{
	Datum value = Int64GetDatum(appointment_id);
	uint64 rows = booking_change_appointments(change, &cancel_hold_plan, &value, NULL);

	if (rows == 0)
		booking_require_no_hold(appointment_id);
	return rows;
}

void
booking_cancel_hold(int64 appointment_id, const char *reason)
{
	Change change = {.appointment_id = appointment_id, .sets_status = true, .reason = reason};

	cancel_hold(appointment_id, &change);
}

/* When another patient wants its slot, or maintenance finds it. */
uint64
booking_expire_hold(int64 appointment_id)
{
	Change change = {.appointment_id = appointment_id,
					 .sets_status = true,
					 .reason = "hold expired",
					 .actor = NOBODY_ACTS};

	return cancel_hold(appointment_id, &change);
}

/* Cancels the hold that unique_timeslot would find in the slot, though the rules let it pass. */
void
booking_release_hold(const BookingFacts *facts)
{
	if (facts->is_expired_hold)
		booking_expire_hold(facts->occupant_id);
	else if (facts->is_own_hold)
		booking_cancel_hold(facts->occupant_id, "another appointment was moved here");
}

/* Leaves the hold as it is while somebody has its slot's lock, or has closed the calendar. */
static bool
expire_hold(int64 id, int64 slot_id, int64 doctor_id)
{
	return booking_try_lock(SLOT_LOCK, slot_id, ExclusiveLock) &&
		   booking_try_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK) &&
		   booking_expire_hold(id) == 1;
}

/* Cancels at most max_rows expired holds, the oldest first, and returns how many. */
int32
booking_sweep_holds(int32 max_rows)
{
	Datum limit = Int32GetDatum(max_rows);
	uint64 rows = booking_execute(&expired_plan, &limit, NULL);
	SPITupleTable *expired = SPI_tuptable;
	int32 cancelled = 0;

	for (uint64 i = 0; i < rows; i++)
	{
		Datum values[3];
		bool nulls[3];

		heap_deform_tuple(expired->vals[i], expired->tupdesc, values, nulls);
		if (expire_hold(DatumGetInt64(values[0]), DatumGetInt64(values[1]),
						DatumGetInt64(values[2])))
			cancelled++;
	}
	return cancelled;
}

BOOKING_FUNCTION(booking_expire_holds)
{
	int32 max_rows = PG_GETARG_INT32(0);
	int32 cancelled;

	booking_require(fcinfo, 0, "max_rows");
	booking_require_between(max_rows, 1, MOST_HOLDS, HOLDS_IN_RANGE);

	booking_start_writing(fcinfo);
	cancelled = booking_sweep_holds(max_rows);
	SPI_finish();
	PG_RETURN_INT32(cancelled);
}
