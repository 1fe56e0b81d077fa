/*
 * reassign.c
 *		Handing a doctor's slots to a substitute. Called through SQL.
 *
 * Both calendars are closed: bookings under way are waited for, and later ones find the slots with
 * their new doctor.
 */
#include "booking/booking.h"
#include "calendar/calendar.h"

#include "utils/builtins.h"

/*
 * Whether a slot s moves: it is free, or has an appointment still to come. The LIMIT keeps the planner
 * from reading all appointments of the book.
 */
#define MOVES_SQL \
	" s.deleted_at IS NULL AND (s.is_available OR (" \
	"     SELECT true FROM booking.appointments o WHERE o.slot_id = s.id" \
	"     AND booking.occupies(o.status) AND o.status NOT IN ('fulfilled', 'noshow') LIMIT 1))"

/* $1 doctor, $2 from, $3 until. */
#define MOVING_SQL \
	"SELECT s.id, s.starts_at, s.ends_at FROM booking.time_slots s" \
	" WHERE s.doctor_id = $1 AND s.starts_at >= $2 AND s.starts_at < $3" \
	" AND s.ends_at > clock_timestamp() AND" MOVES_SQL " ORDER BY s.starts_at"

/* $1 slots, $2 the substitute. */
#define MOVE_APPOINTMENTS_SQL \
	"UPDATE booking.appointments a SET doctor_id = $2 FROM unnest($1) AS moving (slot_id)" \
	" WHERE a.slot_id = moving.slot_id AND booking.occupies(a.status)"

/* A slot with a hold that the doctor's leave withdrew is available again: the substitute is not off. */
#define MOVE_SLOTS_SQL \
	"UPDATE booking.time_slots s SET doctor_id = $2, updated_at = now()," \
	"       is_available = s.is_available OR s.time_off_id IS NOT NULL, time_off_id = NULL" \
	" FROM unnest($1) AS moving (slot_id) WHERE s.id = moving.slot_id AND" MOVES_SQL

/* None is found once all have moved. */
#define LEFT_APPOINTMENTS_SQL \
	"SELECT FROM unnest($1) AS moving (slot_id)" \
	" JOIN booking.appointments a ON a.slot_id = moving.slot_id" \
	" WHERE a.doctor_id <> $2 AND booking.occupies(a.status) LIMIT 1"
#define LEFT_SLOTS_SQL \
	"SELECT FROM unnest($1) AS moving (slot_id) JOIN booking.time_slots s ON s.id = moving.slot_id" \
	" WHERE s.doctor_id <> $2 AND" MOVES_SQL " LIMIT 1"

/* No plan's cost may grow with the square of the slots, or with the size of the book. */
static BookingPlan moving_plan = {
	MOVING_SQL, 3, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, .options = READ_PLAN};
static BookingPlan move_appointments_plan = {
	MOVE_APPOINTMENTS_SQL, 2, {INT8ARRAYOID, INT8OID}, .options = READ_PLAN};
static BookingPlan left_appointments_plan = {
	LEFT_APPOINTMENTS_SQL, 2, {INT8ARRAYOID, INT8OID}, .options = READ_PLAN};
static BookingPlan move_slots_plan = {
	MOVE_SLOTS_SQL, 2, {INT8ARRAYOID, INT8OID}, .options = READ_PLAN};
static BookingPlan left_slots_plan = {
	LEFT_SLOTS_SQL, 2, {INT8ARRAYOID, INT8OID}, .options = READ_PLAN};

/* The slots that move, earliest first. */
typedef struct Moving
{
	Datum ids;
	Stretches times;
} Moving;

static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"from_doctor_id", "to_doctor_id", "from_time",
										"until_time"};
	TimestampTz from_time = PG_GETARG_TIMESTAMPTZ(2);
	TimestampTz until_time = PG_GETARG_TIMESTAMPTZ(3);

	for (int i = 0; i < lengthof(names); i++)
		booking_require(fcinfo, i, names[i]);
	if (TIMESTAMP_NOT_FINITE(from_time) || TIMESTAMP_NOT_FINITE(until_time) ||
		from_time > until_time || booking_is_longer(from_time, until_time, LONGEST_RANGE_DAYS))
		booking_refuse(RANGE_TO_REASSIGN);
	if (PG_GETARG_INT64(0) == PG_GETARG_INT64(1))
		booking_refuse(SUBSTITUTE_IS_ANOTHER_DOCTOR);
}

/* With both calendars closed, no other slot can come to be among them. */
static void
find_moving(FunctionCallInfo fcinfo, Moving *moving)
{
	Datum args[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	uint64 count = booking_execute_latest(&moving_plan, args, NULL);
	Datum *ids = palloc(Max(count, 1) * sizeof(Datum));

	for (uint64 i = 0; i < count; i++)
	{
		Datum values[3];
		bool nulls[3];

		booking_row(i, values, nulls);
		ids[i] = values[0];
		booking_add_stretch(&moving->times, DatumGetTimestampTz(values[1]),
							DatumGetTimestampTz(values[2]));
	}
	SPI_freetuptable(SPI_tuptable);
	moving->ids = booking_ids_as_array(ids, count);
}

/*
 * Finds another stretch that is in the way of one of ours; NULL when none is. Both lists are in order
 * and are walked through once. Of the others that start before ours ends, only the one that ends last
 * has to be looked at: if it is not in the way, none is.
 */
static const Stretch *
find_in_the_way(const Stretches *ours, const Stretches *others)
{
	const Stretch *last_to_end = NULL;
	int next = 0;

	for (int i = 0; i < ours->count; i++)
	{
		for (; next < others->count && others->list[next].starts_at < ours->list[i].ends_at; next++)
		{
			if (last_to_end == NULL || others->list[next].ends_at > last_to_end->ends_at)
				last_to_end = &others->list[next];
		}
		if (last_to_end != NULL && last_to_end->ends_at > ours->list[i].starts_at)
			return last_to_end;
	}
	return NULL;
}

static void
check_way_is_free(const Stretches *ours, const Stretches *others, const Doctor *to,
				  RefusalName otherwise)
{
	const Stretch *other = find_in_the_way(ours, others);

	if (other != NULL)
		booking_refuse(otherwise, .doctor_id = to->id, .from = other->starts_at,
					   .until = other->ends_at, .zone = to->time_zone);
}

/* Whether the substitute has time for all of it. */
static void
check_substitute_is_free(const Stretches *ours, const Doctor *to)
{
	Stretches slots = {0};
	Stretches off = {0};
	Stretch all;

	if (ours->count == 0)
		return;
	all.starts_at = ours->list[0].starts_at;
	all.ends_at = ours->list[ours->count - 1].ends_at;
	booking_read_slots(to->id, &all, &slots);
	check_way_is_free(ours, &slots, to, SUBSTITUTE_HAS_NO_SLOTS);
	booking_find_time_off(to, all.starts_at, all.ends_at, &off);
	check_way_is_free(ours, &off, to, SUBSTITUTE_NOT_OFF);
}

BOOKING_FUNCTION(booking_reassign_slots)
{
	Change change = {.is_of_many = true, .reason = "reassigned to another doctor"};
	int64 from_id = PG_GETARG_INT64(0);
	int64 to_id = PG_GETARG_INT64(1);
	Datum args[] = {0, PG_GETARG_DATUM(1)};
	Moving moving = {0};
	Doctor from;
	Doctor to;
	int64 moved;

	check_arguments(fcinfo);

	booking_start_writing(fcinfo);
	booking_close_doctor(Min(from_id, to_id));
	booking_close_doctor(Max(from_id, to_id));
	booking_find_doctor(from_id, &from);
	booking_find_doctor(to_id, &to);
	booking_require_active(&to);
	if (from.clinic_id != to.clinic_id)
		booking_refuse(SUBSTITUTE_WORKS_AT_THE_CLINIC, .doctor_id = to.id);
	find_moving(fcinfo, &moving);
	check_substitute_is_free(&moving.times, &to);
	args[0] = moving.ids;
	booking_change_appointments(&change, &move_appointments_plan, args, NULL);
	booking_require_none_left(&left_appointments_plan, args, NULL);
	moved = booking_execute_unguarded(&move_slots_plan, args, NULL, OWN_SNAPSHOT);
	booking_require_none_left(&left_slots_plan, args, NULL);
	SPI_finish();
	PG_RETURN_INT64(moved);
}
