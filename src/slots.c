/*
 * slots.c
 *		Finding free slots, and withdrawing or reopening one. Called through SQL.
 */
#include "booking.h"

#include "utils/builtins.h"
#include "utils/rel.h"

#define MOST_SLOTS 10000

/*
 * A doctor at a time, so that the cost is that of the doctors asked for, whatever the size of
 * the table: one range of doctor_slots_start_once each, cut off at max_slots.
 * A date starts at its first midnight, PostgreSQL finds its last one: where the clocks go back
 * at midnight there are two. So the range is a little wider, and the filter settles the rest.
 * $1 doctor, $2 clinic, $3 specialization, $4 date, $5 from, $6 until, $7 most rows.
 */
#define AVAILABLE_SQL(which_doctors) \
	"SELECT s.id, c.id, c.name, d.id, d.name, d.specialization, s.starts_at, s.ends_at," \
	"       c.time_zone, (s.starts_at AT TIME ZONE c.time_zone)::date," \
	"       (s.starts_at AT TIME ZONE c.time_zone)::time," \
	"       (s.ends_at AT TIME ZONE c.time_zone)::time" \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id," \
	" LATERAL (SELECT greatest($5, $4::timestamp AT TIME ZONE c.time_zone - interval '3 hours'," \
	"                          " EARLIEST_START("statement_timestamp()") ") AS first," \
	"                 least($6, ($4 + 1)::timestamp AT TIME ZONE c.time_zone, 'infinity') AS until," \
	"                 " LATEST_START("statement_timestamp()") " AS last) w," \
	" LATERAL (SELECT s.id, s.starts_at, s.ends_at FROM booking.time_slots s" \
	"          WHERE s.doctor_id = d.id AND s.deleted_at IS NULL AND s.is_available" \
	"          AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())" \
	"          AND s.starts_at > statement_timestamp()" \
	"          AND s.starts_at >= w.first AND s.starts_at < w.until AND s.starts_at <= w.last" \
	"          AND ($4 IS NULL OR (s.starts_at AT TIME ZONE c.time_zone)::date = $4)" \
	"          ORDER BY s.starts_at LIMIT $7) s" \
	" WHERE " which_doctors \
	" AND ($3 IS NULL OR lower(d.specialization) = lower($3))" \
	" AND d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL" \
	" ORDER BY s.starts_at, d.id LIMIT $7"

#define AVAILABLE_ARGS \
	7, {INT8OID, INT8OID, TEXTOID, DATEOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID}, \
		.options = READ_PLAN

static BookingPlan of_doctor_plan = {AVAILABLE_SQL("d.id = $1 AND ($2 IS NULL OR c.id = $2)"),
									 AVAILABLE_ARGS};
static BookingPlan of_clinic_plan = {AVAILABLE_SQL("d.clinic_id = $2"), AVAILABLE_ARGS};
static BookingPlan of_all_plan = {AVAILABLE_SQL("true"), AVAILABLE_ARGS};

static BookingPlan doctor_exists_plan = {
	"SELECT FROM booking.doctors WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};
static BookingPlan clinic_exists_plan = {
	"SELECT FROM booking.clinics WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

/* What has the slot, however long ago it was; $2 whether what does not occupy it counts, too. */
static BookingPlan occupied_plan = {
	"SELECT FROM booking.appointments WHERE time_slot_id = $1"
	" AND (status IN " OCCUPYING_STATUSES
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
static BookingPlan is_live_plan = {
	"SELECT FROM booking.time_slots WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

static void
require_range(FunctionCallInfo fcinfo)
{
	static const Refusal reversed = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "range_not_reversed",
		.table = "time_slots",
		.message = "from_time is after until_time",
		.detail = "from_time belongs to the range, until_time does not.",
		.hint = "Swap from_time and until_time.",
	};

	if (!PG_ARGISNULL(4) && !PG_ARGISNULL(5) && PG_GETARG_TIMESTAMPTZ(4) > PG_GETARG_TIMESTAMPTZ(5))
		booking_refuse(&reversed);
}

static void
require_limit(FunctionCallInfo fcinfo)
{
	static const Refusal out_of_range = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "max_slots_in_range",
		.table = "time_slots",
		.message = "max_slots is not between 1 and 10000",
		.detail = "it limits the number of rows returned.",
		.hint = "Ask for the next page with from_time.",
	};

	booking_require(fcinfo, 6, "max_slots");
	if (PG_GETARG_INT32(6) < 1 || PG_GETARG_INT32(6) > MOST_SLOTS)
		booking_refuse(&out_of_range);
}

static void
require_existing(BookingPlan *plan, const Entity *entity, Datum id)
{
	if (booking_query(plan, &id, NULL) == 0)
		booking_refuse_unknown(entity, DatumGetInt64(id));
}

BOOKING_FUNCTION(booking_available_slots)
{
	Datum doctor_id = PG_GETARG_DATUM(0);
	Datum clinic_id = PG_GETARG_DATUM(2);
	bool any_doctor = PG_ARGISNULL(0);
	bool any_clinic = PG_ARGISNULL(2);
	BookingPlan *plan = !any_doctor   ? &of_doctor_plan
						: !any_clinic ? &of_clinic_plan
									  : &of_all_plan;
	Datum values[] = {doctor_id,          clinic_id,          PG_GETARG_DATUM(3),
					  PG_GETARG_DATUM(1), PG_GETARG_DATUM(4), PG_GETARG_DATUM(5),
					  PG_GETARG_DATUM(6)};
	const char nulls[] = {any_doctor ? 'n' : ' ',
						  any_clinic ? 'n' : ' ',
						  PG_ARGISNULL(3) ? 'n' : ' ',
						  PG_ARGISNULL(1) ? 'n' : ' ',
						  PG_ARGISNULL(4) ? 'n' : ' ',
						  PG_ARGISNULL(5) ? 'n' : ' ',
						  ' '};

	if (!PG_ARGISNULL(1))
		booking_require_date(PG_GETARG_DATEADT(1));
	require_range(fcinfo);
	require_limit(fcinfo);

	SPI_connect();
	if (!PG_ARGISNULL(3))
		values[2] = booking_trim(values[2]);
	if (!any_doctor)
		require_existing(&doctor_exists_plan, &booking_doctor, doctor_id);
	if (!any_clinic)
		require_existing(&clinic_exists_plan, &booking_clinic, clinic_id);
	booking_query(plan, values, nulls);
	booking_return_set(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

static void
refuse_occupied(int64 slot_id)
{
	Refusal occupied = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "slot_not_booked",
		.table = "appointments",
		.detail = "an appointment, or a hold that has not expired, occupies it.",
		.hint = "Cancel or move the appointment first; one that took place keeps its slot.",
	};

	occupied.message = psprintf("time slot " INT64_FORMAT " is occupied", slot_id);
	booking_refuse(&occupied);
}

/* Inside time off no slot is free; the calendar is locked, so that none is being entered. */
static void
check_not_off(int64 slot_id)
{
	Refusal is_off = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_not_off",
		.table = "time_off",
		.hint = "Remove the time off first: booking.remove_time_off().",
	};
	char null;
	Datum time_off_id = booking_time_off_of_slot(slot_id, &null);

	if (null == 'n')
		return;
	is_off.message = psprintf("time slot " INT64_FORMAT " is inside time off", slot_id);
	is_off.detail = psprintf("it is time off " INT64_FORMAT ".", DatumGetInt64(time_off_id));
	booking_refuse(&is_off);
}

BOOKING_FUNCTION(booking_set_slot_availability)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	BookingRequest request = {PG_GETARG_INT64(0)};
	BookingFacts facts;
	Datum slot;

	booking_require(fcinfo, 0, "slot_id");
	booking_require(fcinfo, 1, "is_available");

	booking_start_writing(fcinfo);
	booking_lock(SLOT_LOCK, request.slot_id, ExclusiveLock);
	booking_look_now(&request, &facts);
	if (facts.slot_exists)
		booking_require_clinic(facts.clinic_id);
	booking_end_look(&facts);
	booking_look_again(&request, &facts);
	booking_end_look(&facts);
	if (booking_is_occupied(&facts))
		refuse_occupied(request.slot_id);
	if (PG_GETARG_BOOL(1))
		check_not_off(request.slot_id);
	if (booking_execute(&set_availability_plan, values, NULL) == 0)
	{
		booking_require_none_left(&is_live_plan, values, NULL);
		booking_refuse_unknown(&booking_slot, request.slot_id);
	}
	slot = booking_returned_row();
	SPI_finish();
	return slot;
}

/* How deep the triggers are of a statement that changes slots together with their appointments; 0: of none. */
static int unguarded_depth = 0;

/*
 * Runs an UPDATE of slots that changes their appointments with them, or leaves them be; the
 * guard lets it pass. now is as in booking_execute_now.
 */
uint64
booking_execute_unguarded(BookingPlan *plan, Datum *values, const char *nulls, bool now)
{
	int outer = unguarded_depth;
	uint64 rows = 0;

	unguarded_depth = booking_trigger_depth() + 1;
	PG_TRY();
	{
		rows =
			now ? booking_execute_now(plan, values, nulls) : booking_execute(plan, values, nulls);
	}
	PG_FINALLY();
	{
		unguarded_depth = outer;
	}
	PG_END_TRY();
	return rows;
}

static bool
column_changes(const TriggerData *trigger, const char *name)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int column = SPI_fnumber(desc, name);
	bool was_null;
	bool is_null;
	Datum was = heap_getattr(trigger->tg_trigtuple, column, desc, &was_null);
	Datum is = heap_getattr(trigger->tg_newtuple, column, desc, &is_null);

	return was_null != is_null || (!was_null && was != is);
}

static bool
becomes_true(const TriggerData *trigger, const char *name)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;

	return column_changes(trigger, name) &&
		   DatumGetBool(heap_getattr(trigger->tg_newtuple, SPI_fnumber(desc, name), desc, &isnull));
}

/* Whether a slot is moved, handed over or removed; to withdraw or hold one is no matter. */
static bool
is_taken_away(const TriggerData *trigger)
{
	static const char *const fixed[] = {"id", "clinic_id", "doctor_id", "starts_at", "ends_at"};
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);

	if (column_changes(trigger, "deleted_at") &&
		!heap_attisnull(trigger->tg_newtuple, SPI_fnumber(desc, "deleted_at"), desc))
		return true;
	for (int i = 0; i < lengthof(fixed); i++)
	{
		if (column_changes(trigger, fixed[i]))
			return true;
	}
	return false;
}

static Datum
new_value(const TriggerData *trigger, const char *name, Oid type)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;

	return heap_getattr(trigger->tg_newtuple, booking_column_of_type(desc, name, type), desc,
						&isnull);
}

/*
 * No slot is moved into time off. The calendar is only locked if that can be done at once: who
 * waits for it here has the row lock, for which who has closed the calendar may be waiting.
 */
static void
check_new_time(const TriggerData *trigger)
{
	static const Refusal closed = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_not_off",
		.table = "time_off",
		.message = "the doctor's calendar is being changed",
		.detail = "another session is entering time off, or handing slots to a substitute.",
		.hint = "Try again.",
	};
	int64 doctor_id = DatumGetInt64(new_value(trigger, "doctor_id", INT8OID));
	Doctor doctor;

	if (!booking_try_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK))
		booking_refuse(&closed);
	booking_find_doctor(doctor_id, &doctor);
	booking_check_not_off(&doctor,
						  DatumGetTimestampTz(new_value(trigger, "starts_at", TIMESTAMPTZOID)),
						  DatumGetTimestampTz(new_value(trigger, "ends_at", TIMESTAMPTZOID)));
}

/* What time off withdrew is free where it is moved: removing the time off would not find it there. */
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

/* A BEFORE UPDATE trigger, for raw SQL: what is booked stays as it was booked. */
BOOKING_FUNCTION(booking_guard_time_slot)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_UPDATE, "time_slots");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;
	bool is_away = is_taken_away(trigger);
	Datum args[] = {heap_getattr(trigger->tg_trigtuple, booking_column_of_type(desc, "id", INT8OID),
								 desc, &isnull),
					BoolGetDatum(is_away)};
	bool is_moved;

	if (booking_trigger_depth() == unguarded_depth ||
		!(is_away || becomes_true(trigger, "is_available")))
		return PointerGetDatum(trigger->tg_newtuple);
	is_moved = column_changes(trigger, "starts_at") || column_changes(trigger, "ends_at");

	SPI_connect();
	if (booking_execute(&occupied_plan, args, NULL) > 0)
		refuse_occupied(DatumGetInt64(args[0]));
	if (is_moved)
		check_new_time(trigger);
	SPI_finish();
	return PointerGetDatum(is_moved ? reopen_moved(trigger) : trigger->tg_newtuple);
}
