/*
 * slots.c
 *		Withdrawing or reopening a slot, and what raw SQL may do to one. Called through SQL, and by the
 *		trigger guard on time_slots.
 */
#include "booking/booking.h"
#include "callers/callers.h"
#include "calendar/calendar.h"

#include "utils/builtins.h"
#include "utils/rel.h"

/* Appointments in the slot. $1 slot, $2 whether proposed and waitlisted ones count as well. */
static BookingPlan occupied_plan = {
	"SELECT FROM booking.appointments WHERE slot_id = $1"
	" AND (booking.occupies(status)"
	"      OR ($2 AND status NOT IN ('cancelled', 'entered-in-error')))"
	" AND (status <> 'pending' OR hold_expires_at > clock_timestamp())",
	2,
	{INT8OID, BOOLOID}};
static BookingPlan set_availability_plan = {
	"UPDATE booking.time_slots AS s SET is_available = $2, held_until = NULL, time_off_id = NULL,"
	"       updated_at = now()"
	" WHERE id = $1 AND deleted_at IS NULL RETURNING s",
	2,
	{INT8OID, BOOLOID}};

/* The calendar is locked, so that no time off is being entered. */
static void
check_not_off(int64 slot_id)
{
	char null;
	Datum time_off_id = booking_time_off_of_slot(slot_id, &null);

	if (null != 'n')
		booking_refuse(SLOT_NOT_IN_TIME_OFF, .slot_id = slot_id, .id = DatumGetInt64(time_off_id));
}

BOOKING_FUNCTION(booking_set_slot_availability)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	BookingRequest request = {.slot_id = PG_GETARG_INT64(0)};
	BookingFacts facts;
	Datum slot;

	booking_require(fcinfo, 0, "slot_id");
	booking_require(fcinfo, 1, "is_available");

	booking_start_writing(fcinfo);
	booking_lock(SLOT_LOCK, request.slot_id, ExclusiveLock);
	booking_look_now(&request, &facts);
	if (facts.slot_exists)
		booking_require_staff_of(facts.clinic_id);
	booking_end_look(&facts);
	booking_lock_calendar_and_look(&request, &facts);
	booking_end_look(&facts);
	if (booking_is_occupied(&facts))
		booking_refuse(SLOT_NOT_OCCUPIED, .slot_id = request.slot_id);
	if (PG_GETARG_BOOL(1))
		check_not_off(request.slot_id);
	if (booking_execute(&set_availability_plan, values, NULL) == 0)
	{
		booking_require_none_left(booking_slot.find_live, values, NULL);
		booking_refuse(SLOT_EXISTS, .id = request.slot_id);
	}
	slot = booking_returned_row();
	SPI_finish();
	return slot;
}

static bool
column_changes(const TriggerData *trigger, const char *name)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int column = booking_column_number(desc, name);
	bool was_null;
	bool is_null;
	Datum was = heap_getattr(trigger->tg_trigtuple, column, desc, &was_null);
	Datum is = heap_getattr(trigger->tg_newtuple, column, desc, &is_null);

	return was_null != is_null || (!was_null && was != is);
}

static Datum
new_value(const TriggerData *trigger, const char *name, Oid type)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;

	return heap_getattr(trigger->tg_newtuple, booking_column_of_type(desc, name, type), desc,
						&isnull);
}

static bool
becomes_true(const TriggerData *trigger, const char *name)
{
	return column_changes(trigger, name) && DatumGetBool(new_value(trigger, name, BOOLOID));
}

/* Whether a slot is moved, given to another doctor or removed. To withdraw or hold one does no harm. */
static bool
changes_what_is_booked(const TriggerData *trigger)
{
	static const char *const fixed[] = {"id", "clinic_id", "doctor_id", "starts_at", "ends_at"};
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);

	if (column_changes(trigger, "deleted_at") &&
		!heap_attisnull(trigger->tg_newtuple, booking_column_number(desc, "deleted_at"), desc))
		return true;
	for (int i = 0; i < lengthof(fixed); i++)
	{
		if (column_changes(trigger, fixed[i]))
			return true;
	}
	return false;
}

/*
 * Refuses a slot that is moved into time off. The calendar's lock is not waited for: the UPDATE has the
 * row's lock by now, and whoever has closed the calendar may be waiting for that.
 */
static void
check_new_time(const TriggerData *trigger)
{
	int64 doctor_id = DatumGetInt64(new_value(trigger, "doctor_id", INT8OID));
	Doctor doctor;

	if (!booking_try_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK))
		booking_refuse(CALENDAR_NOT_CLOSED);
	booking_find_doctor(doctor_id, &doctor);
	booking_check_not_off(&doctor,
						  DatumGetTimestampTz(new_value(trigger, "starts_at", TIMESTAMPTZOID)),
						  DatumGetTimestampTz(new_value(trigger, "ends_at", TIMESTAMPTZOID)));
}

/* A slot that time off withdrew is available where it is moved: removing the time off would not find it. */
static HeapTuple
reopen_moved(const TriggerData *trigger)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int columns[] = {booking_column_of_type(desc, "is_available", BOOLOID),
					 booking_column_of_type(desc, "time_off_id", INT8OID)};
	Datum values[] = {BoolGetDatum(true), 0};
	bool nulls[] = {false, true};

	if (heap_attisnull(trigger->tg_newtuple, columns[1], desc))
		return trigger->tg_newtuple;
	return heap_modify_tuple_by_cols(trigger->tg_newtuple, desc, lengthof(columns), columns, values,
									 nulls);
}

/* A BEFORE UPDATE trigger: raw SQL may not change what is booked. */
BOOKING_FUNCTION(booking_guard_time_slot)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_UPDATE, "time_slots");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;
	bool changes_booked = changes_what_is_booked(trigger);
	Datum args[] = {heap_getattr(trigger->tg_trigtuple, booking_column_of_type(desc, "id", INT8OID),
								 desc, &isnull),
					BoolGetDatum(changes_booked)};
	bool is_moved;

	if (booking_guard_is_off() || !(changes_booked || becomes_true(trigger, "is_available")))
		return PointerGetDatum(trigger->tg_newtuple);
	is_moved = column_changes(trigger, "starts_at") || column_changes(trigger, "ends_at");

	SPI_connect();
	if (booking_execute(&occupied_plan, args, NULL) > 0)
		booking_refuse(SLOT_NOT_OCCUPIED, .slot_id = DatumGetInt64(args[0]));
	if (is_moved)
		check_new_time(trigger);
	SPI_finish();
	return PointerGetDatum(is_moved ? reopen_moved(trigger) : trigger->tg_newtuple);
}
