/*
 * reassign.c
 *		Handing a doctor's slots to a substitute. Called through SQL.
 *
 * Both calendars are closed: bookings under way are waited for, and those that come find the
 * slots with their new doctor.
 */
#include "booking.h"

#include "utils/builtins.h"

/* Free, or with an appointment still to come; $1 doctor, $3 from, $4 until. */
#define MOVING_SQL \
	" s.doctor_id = $1 AND s.deleted_at IS NULL AND s.starts_at >= $3 AND s.starts_at < $4" \
	" AND s.ends_at > clock_timestamp()" \
	" AND (s.is_available OR EXISTS (" \
	"     SELECT FROM booking.appointments o WHERE o.time_slot_id = s.id" \
	"     AND o.status IN " OCCUPYING_STATUSES " AND o.status NOT IN ('fulfilled', 'noshow')))"

#define ARGTYPES INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID

/* The first slot of the substitute, $2, that is in the way. */
#define CLASH_SQL \
	"SELECT t.starts_at, t.ends_at FROM booking.time_slots s JOIN booking.time_slots t" \
	"     ON t.doctor_id = $2 AND t.deleted_at IS NULL" \
	"     AND t.starts_at > s.starts_at - interval '8 hours'" \
	"     AND t.starts_at < s.ends_at AND t.ends_at > s.starts_at" \
	" WHERE" MOVING_SQL " ORDER BY s.starts_at LIMIT 1"

#define OFF_SQL \
	"SELECT o.starts_at, o.ends_at FROM booking.time_slots s JOIN booking.time_off o" \
	"     ON o.clinic_id = s.clinic_id AND (o.doctor_id IS NULL OR o.doctor_id = $2)" \
	"     AND o.starts_at < s.ends_at AND o.ends_at > s.starts_at AND o.deleted_at IS NULL" \
	" WHERE" MOVING_SQL " ORDER BY s.starts_at LIMIT 1"

#define MOVE_APPOINTMENTS_SQL \
	"UPDATE booking.appointments a SET doctor_id = $2 FROM booking.time_slots s" \
	" WHERE a.time_slot_id = s.id AND a.status IN " OCCUPYING_STATUSES " AND" MOVING_SQL

/*
 * Comes last: the appointments are found by the doctor that their slots still have. One that
 * the doctor's leave withdrew under a hold is in no time off of the substitute's.
 */
#define MOVE_SLOTS_SQL \
	"UPDATE booking.time_slots s SET doctor_id = $2, updated_at = now()," \
	"       is_available = s.is_available OR s.time_off_id IS NOT NULL, time_off_id = NULL" \
	" WHERE" MOVING_SQL

static BookingPlan clash_plan = {CLASH_SQL, 4, {ARGTYPES}};
static BookingPlan off_plan = {OFF_SQL, 4, {ARGTYPES}};
static BookingPlan move_appointments_plan = {MOVE_APPOINTMENTS_SQL, 4, {ARGTYPES}};
static BookingPlan move_slots_plan = {MOVE_SLOTS_SQL, 4, {ARGTYPES}};

static void
refuse_reassignment(int sqlstate, const char *rule, const char *message, const char *detail,
					const char *hint)
{
	booking_refuse(&(Refusal){
		.sqlstate = sqlstate,
		.rule = rule,
		.table = "time_slots",
		.message = message,
		.detail = detail,
		.hint = hint,
	});
}

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
		refuse_reassignment(ERRCODE_BOOKING_UNPROCESSABLE, "range_up_to_5_years",
							"the range is reversed, or longer than 5 years",
							"from_time belongs to the range, until_time does not.",
							"Check both ends of the range.");
	if (PG_GETARG_INT64(0) == PG_GETARG_INT64(1))
		refuse_reassignment(ERRCODE_BOOKING_UNPROCESSABLE, "substitute_is_another_doctor",
							"a doctor cannot be their own substitute",
							"from_doctor_id and to_doctor_id are the same.",
							"Choose another doctor.");
}

static void
check_same_clinic(const Doctor *from, const Doctor *to)
{
	if (from->clinic_id == to->clinic_id)
		return;
	refuse_reassignment(ERRCODE_BOOKING_UNPROCESSABLE, "substitute_works_at_the_clinic",
						psprintf("doctor " INT64_FORMAT " works at another clinic", to->id),
						"a substitute comes from the same clinic, where the patients go.",
						"Choose a doctor of the same clinic.");
}

/* Refuses when the query finds a stretch that is in the substitute's way. */
static void
check_way_is_free(BookingPlan *plan, Datum *args, const Doctor *to, const char *rule,
				  const char *message)
{
	Datum values[2];
	bool nulls[2];

	if (booking_execute_now(plan, args, NULL) == 0)
		return;
	booking_row(0, values, nulls);
	refuse_reassignment(ERRCODE_BOOKING_CONFLICT, rule, psprintf(message, to->id),
						psprintf("the first time it is so is from %s to %s.",
								 booking_local_time(DatumGetTimestampTz(values[0]), to->time_zone),
								 booking_local_time(DatumGetTimestampTz(values[1]), to->time_zone)),
						"Choose another substitute, or a shorter range.");
}

BOOKING_FUNCTION(booking_reassign_slots)
{
	Change change = {.of_many = true, .reason = "reassigned to another doctor"};
	Datum args[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	int64 from_id = PG_GETARG_INT64(0);
	int64 to_id = PG_GETARG_INT64(1);
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
	check_same_clinic(&from, &to);
	check_way_is_free(&clash_plan, args, &to, "doctor_slots_do_not_overlap",
					  "doctor " INT64_FORMAT " has time slots of their own then");
	check_way_is_free(&off_plan, args, &to, "doctor_not_off",
					  "doctor " INT64_FORMAT " is off then");
	booking_change(&change, &move_appointments_plan, args, NULL);
	moved = booking_execute_unguarded(&move_slots_plan, args, NULL, false);
	SPI_finish();
	PG_RETURN_INT64(moved);
}
