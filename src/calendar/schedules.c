/*
 * schedules.c
 *		The weekly working sessions of doctors. Called through SQL.
 */
#include "calendar/calendar.h"
#include "callers/callers.h"

#include "utils/builtins.h"

#define ADD_SQL \
	"INSERT INTO booking.schedules AS s (doctor_id, weekday, start_time, end_time," \
	"                                    slot_minutes, gap_minutes, valid_from, valid_until)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING s"

static BookingPlan add_plan = {
	ADD_SQL, 8, {INT8OID, INT4OID, TIMEOID, TIMEOID, INT4OID, INT4OID, DATEOID, DATEOID}};
static BookingPlan remove_plan = {
	"UPDATE booking.schedules AS s SET deleted_at = now()"
	" WHERE id = $1 AND deleted_at IS NULL RETURNING s",
	1,
	{INT8OID}};

static BookingPlan is_live_plan = {
	"SELECT FROM booking.schedules WHERE id = $1 AND deleted_at IS NULL", 1, {INT8OID}};

static BookingPlan clinic_of_schedule_plan = {
	"SELECT d.clinic_id FROM booking.schedules s JOIN booking.doctors d ON d.id = s.doctor_id"
	" WHERE s.id = $1",
	1,
	{INT8OID}};

static void
check_validity(FunctionCallInfo fcinfo)
{
	for (int i = 6; i <= 7; i++)
	{
		if (!PG_ARGISNULL(i))
			booking_require_date(PG_GETARG_DATEADT(i));
	}
	if (!PG_ARGISNULL(6) && !PG_ARGISNULL(7) && PG_GETARG_DATEADT(6) > PG_GETARG_DATEADT(7))
		booking_refuse(SCHEDULE_IS_VALID_FROM_BEFORE_UNTIL);
}

BOOKING_FUNCTION(booking_add_schedule)
{
	static const char *const names[] = {"doctor_id", "weekday",      "start_time",
										"end_time",  "slot_minutes", "gap_minutes"};
	Hours hours = {
		.start_time = PG_GETARG_TIMEADT(2),
		.end_time = PG_GETARG_TIMEADT(3),
		.slot_minutes = PG_GETARG_INT32(4),
		.gap_minutes = PG_GETARG_INT32(5),
	};
	Datum values[8];
	char nulls[8];
	Doctor doctor;
	Datum row;

	for (int i = 0; i < lengthof(names); i++)
		booking_require(fcinfo, i, names[i]);
	booking_require_between(PG_GETARG_INT32(1), 1, 7, WEEKDAY_IS_1_TO_7);
	booking_check_hours(&hours);
	check_validity(fcinfo);
	for (int i = 0; i < lengthof(values); i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}

	booking_start_writing(fcinfo);
	booking_lock(CALENDAR_LOCK, PG_GETARG_INT64(0), CALENDAR_EDIT);
	booking_find_doctor(PG_GETARG_INT64(0), &doctor);
	booking_generate_again(doctor.id);
	booking_execute(&add_plan, values, nulls);
	row = booking_returned_row();
	SPI_finish();
	return row;
}

BOOKING_FUNCTION(booking_remove_schedule)
{
	Datum id = PG_GETARG_DATUM(0);
	Datum row;

	booking_require(fcinfo, 0, "id");

	booking_start_writing(fcinfo);
	if (booking_execute(&clinic_of_schedule_plan, &id, NULL) == 1)
		booking_require_staff_of(DatumGetInt64(booking_value()));
	if (booking_execute(&remove_plan, &id, NULL) == 0)
	{
		booking_require_none_left(&is_live_plan, &id, NULL);
		booking_refuse(SCHEDULE_EXISTS, .id = DatumGetInt64(id));
	}
	row = booking_returned_row();
	SPI_finish();
	return row;
}
