/*
 * retention.c
 *		Deleting what is older than a book has to keep. Called by maintain.c.
 *
 * A slot is deleted with all its appointments and their events, so that none of them is left without
 * its slot. Rows are locked before they are deleted, and those that somebody else has locked are left
 * for the next round: without waiting, there is no deadlock.
 */
#include "upkeep/upkeep.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

/* Slots that are deleted at once, so that the array of their ids stays small. */
#define SLOTS_AT_ONCE 1000

/* The oldest first, by an index. No slot is longer than 8 hours. $1 end, $2 most slots. */
#define OLD_SLOTS_SQL(are_removed) \
	"SELECT coalesce(array_agg(id), '{}') FROM (" \
	"    SELECT id FROM booking.time_slots" \
	"    WHERE " are_removed \
	" AND starts_at < $1 AND ends_at < $1" \
	"    ORDER BY starts_at LIMIT $2 FOR UPDATE SKIP LOCKED) s"

#define OLD_APPOINTMENTS_SQL \
	"SELECT coalesce(array_agg(id), '{}') FROM (" \
	"    SELECT id FROM booking.appointments" \
	"    WHERE slot_id = ANY ($1) AND ends_at < $2 FOR UPDATE SKIP LOCKED) a"

/* The slots that have no other appointments than those of $2, which can be deleted. $1 slots. */
#define SPENT_SLOTS_SQL \
	"SELECT coalesce(array_agg(slot), '{}') FROM unnest($1) AS slot" \
	" WHERE NOT EXISTS (SELECT FROM booking.appointments a" \
	"                   WHERE a.slot_id = slot AND a.id <> ALL ($2))"

/* A day that is over is not generated again, so it need not be noted. $1 end, $2 most rows. */
#define DELETE_DAYS_SQL \
	"DELETE FROM booking.generated_days g USING (" \
	"    SELECT y.* FROM booking.doctors d, LATERAL (" \
	"        SELECT doctor_id, local_date FROM booking.generated_days" \
	"        WHERE doctor_id = d.id AND local_date < ($1 AT TIME ZONE 'UTC')::date - 1" \
	"        ORDER BY local_date LIMIT $2) y" \
	"    LIMIT $2) old" \
	" WHERE g.doctor_id = old.doctor_id AND g.local_date = old.local_date"

static BookingPlan old_slots_plan = {
	OLD_SLOTS_SQL("deleted_at IS NULL"), 2, {TIMESTAMPTZOID, INT4OID}};
static BookingPlan old_removed_slots_plan = {
	OLD_SLOTS_SQL("deleted_at IS NOT NULL"), 2, {TIMESTAMPTZOID, INT4OID}};
static BookingPlan old_appointments_plan = {
	OLD_APPOINTMENTS_SQL, 2, {INT8ARRAYOID, TIMESTAMPTZOID}};
static BookingPlan spent_slots_plan = {SPENT_SLOTS_SQL, 2, {INT8ARRAYOID, INT8ARRAYOID}};
static BookingPlan delete_days_plan = {DELETE_DAYS_SQL, 2, {TIMESTAMPTZOID, INT4OID}};

static BookingPlan delete_events_plan = {
	"DELETE FROM booking.appointment_events WHERE appointment_id = ANY (ARRAY("
	"SELECT id FROM booking.appointments WHERE slot_id = ANY ($1)))",
	1,
	{INT8ARRAYOID}};
static BookingPlan delete_appointments_plan = {
	"DELETE FROM booking.appointments WHERE slot_id = ANY ($1)", 1, {INT8ARRAYOID}};
static BookingPlan delete_slots_plan = {
	"DELETE FROM booking.time_slots WHERE id = ANY ($1)", 1, {INT8ARRAYOID}};

static BookingPlan left_events_plan = {
	"SELECT FROM booking.appointment_events WHERE appointment_id = ANY (ARRAY("
	"SELECT id FROM booking.appointments WHERE slot_id = ANY ($1))) LIMIT 1",
	1,
	{INT8ARRAYOID}};
static BookingPlan left_slots_plan = {
	"SELECT FROM booking.time_slots WHERE id = ANY ($1) LIMIT 1", 1, {INT8ARRAYOID}};

/* With a new snapshot for each plan, to see what was committed before the last one's locks. */
static Datum
ids_of(BookingPlan *plan, Datum *args)
{
	booking_execute(plan, args, NULL);
	return booking_value();
}

/* Deletes some of the slots that a plan finds, and returns how many. */
static uint64
delete_some(BookingPlan *find, TimestampTz end, int32 most)
{
	Datum limits[] = {TimestampTzGetDatum(end), Int32GetDatum(most)};
	Datum slots = ids_of(find, limits);
	Datum in_slots[] = {slots, TimestampTzGetDatum(end)};
	Datum spent_of[] = {slots, ids_of(&old_appointments_plan, in_slots)};
	Datum spent = ids_of(&spent_slots_plan, spent_of);
	uint64 deleted;

	booking_execute(&delete_events_plan, &spent, NULL);
	booking_require_none_left(&left_events_plan, &spent, NULL);
	/* if an appointment is left, the foreign key of its slot raises an error */
	booking_execute(&delete_appointments_plan, &spent, NULL);
	deleted = booking_execute(&delete_slots_plan, &spent, NULL);
	booking_require_none_left(&left_slots_plan, &spent, NULL);
	return deleted;
}

static uint64
delete_slots(BookingPlan *find, TimestampTz end, int64 max_rows)
{
	uint64 deleted = 0;
	uint64 some;

	do
	{
		CHECK_FOR_INTERRUPTS();
		some = delete_some(find, end, Min(max_rows - deleted, SLOTS_AT_ONCE));
		deleted += some;
	} while (some > 0 && deleted < max_rows);
	return deleted;
}

/* Deletes slots that ended before, with all that was in them, and returns how many slots. */
uint64
booking_delete_before(TimestampTz end, int32 max_rows)
{
	Datum limits[] = {TimestampTzGetDatum(end), Int32GetDatum(max_rows)};
	uint64 deleted = delete_slots(&old_slots_plan, end, max_rows);

	if (deleted < max_rows)
		deleted += delete_slots(&old_removed_slots_plan, end, max_rows - deleted);
	booking_execute(&delete_days_plan, limits, NULL);
	return deleted;
}
