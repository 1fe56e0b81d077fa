/*
 * time_off.c
 *		Leave of doctors and closures of clinics. Called through SQL, and by the files that add
 *		or release slots.
 *
 * Entering time off closes the calendars that it touches: it waits for the bookings under way. Whatever
 * frees a slot later finds the time off and leaves the slot withdrawn.
 */
#include "calendar/calendar.h"
#include "callers/callers.h"

#include "common/int.h"
#include "utils/builtins.h"

#define ZONE_OF_CLINIC_SQL \
	"SELECT id, time_zone FROM booking.clinics WHERE id = $1 AND deleted_at IS NULL"

/* $1 clinic, $2 doctor or null for all of the clinic, $3 start, $4 end; an index finds these slots. */
#define SLOTS_INSIDE_SQL \
	" s.doctor_id IN (SELECT d.id FROM booking.doctors d" \
	"                 WHERE d.clinic_id = $1 AND ($2 IS NULL OR d.id = $2))" \
	" AND s.deleted_at IS NULL AND s.starts_at > $3 - " LONGEST_SLOT_SQL \
	" AND s.starts_at < $4 AND s.ends_at > $3"

#define INSIDE_ARGTYPES INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID

#define ADD_SQL \
	"INSERT INTO booking.time_off (clinic_id, doctor_id, starts_at, ends_at, reason)" \
	" VALUES ($1, $2, $3, $4, $5) RETURNING id"

/* A slot that is held is withdrawn as well. Its holder may still book it, and nobody else. */
#define WITHDRAW_SQL \
	"UPDATE booking.time_slots s SET is_available = false, time_off_id = $5, updated_at = now()" \
	" WHERE s.is_available AND" SLOTS_INSIDE_SQL

/* A slot that is held opens as well, and the hold keeps it. A booked one has no time_off_id. */
#define REOPEN_SQL \
	"UPDATE booking.time_slots s SET time_off_id = " TIME_OFF_OF_SLOT_SQL \
	"," \
	"       is_available = NOT EXISTS " TIME_OFF_OF_SLOT_SQL \
	", updated_at = now()" \
	" WHERE s.time_off_id = $5 AND" SLOTS_INSIDE_SQL

#define TO_MOVE_SQL \
	"SELECT a FROM booking.time_slots s JOIN booking.appointments a ON a.slot_id = s.id" \
	" WHERE booking.occupies(a.status) AND a.status NOT IN ('fulfilled', 'noshow')" \
	" AND (a.status <> 'pending' OR a.hold_expires_at > clock_timestamp())" \
	" AND a.ends_at > clock_timestamp() AND" SLOTS_INSIDE_SQL " ORDER BY a.starts_at, a.id"

/* What there is none of once a time off is entered, or removed. */
#define STILL_FREE_SQL \
	"SELECT FROM booking.time_slots s WHERE s.is_available AND" SLOTS_INSIDE_SQL " LIMIT 1"
#define STILL_WITHDRAWN_SQL \
	"SELECT FROM booking.time_slots s WHERE s.time_off_id = $5 AND" SLOTS_INSIDE_SQL " LIMIT 1"

static BookingPlan zone_of_clinic_plan = {ZONE_OF_CLINIC_SQL, 1, {INT8OID}};
static BookingPlan add_plan = {ADD_SQL, 5, {INSIDE_ARGTYPES, TEXTOID}};
static BookingPlan withdraw_plan = {WITHDRAW_SQL, 5, {INSIDE_ARGTYPES, INT8OID}};
static BookingPlan to_move_plan = {TO_MOVE_SQL, 4, {INSIDE_ARGTYPES}};
static BookingPlan still_free_plan = {STILL_FREE_SQL, 4, {INSIDE_ARGTYPES}};
static BookingPlan still_withdrawn_plan = {STILL_WITHDRAWN_SQL, 5, {INSIDE_ARGTYPES, INT8OID}};
static BookingPlan reopen_plan = {REOPEN_SQL, 5, {INSIDE_ARGTYPES, INT8OID}};
static BookingPlan find_plan = {
	"SELECT clinic_id, doctor_id, starts_at, ends_at FROM booking.time_off"
	" WHERE id = $1 AND deleted_at IS NULL",
	1,
	{INT8OID}};
static BookingPlan remove_plan = {
	"UPDATE booking.time_off AS o SET deleted_at = now()"
	" WHERE id = $1 AND deleted_at IS NULL RETURNING o",
	1,
	{INT8OID}};
static BookingPlan of_doctor_plan = {
	"SELECT starts_at, ends_at FROM booking.time_off"
	" WHERE clinic_id = $1 AND (doctor_id IS NULL OR doctor_id = $2) AND deleted_at IS NULL"
	" AND ends_at > $3 AND starts_at < $4 ORDER BY starts_at",
	4,
	{INSIDE_ARGTYPES}};
static BookingPlan of_slot_plan = {
	"SELECT " TIME_OFF_OF_SLOT_SQL " FROM booking.time_slots s WHERE s.id = $1", 1, {INT8OID}};

/* Whose time off it is, and when. */
typedef struct TimeOff
{
	int64 clinic_id;
	bool of_doctor;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	pg_tz *zone;
} TimeOff;

/* For a statement that has only the four arguments of SLOTS_INSIDE_SQL. */
#define NO_FIFTH ((NullableDatum){.isnull = true})

/* With the latest snapshot: another session may have had the calendar locked until now. */
static uint64
run_inside(BookingPlan *plan, const TimeOff *off, NullableDatum fifth)
{
	Datum values[] = {Int64GetDatum(off->clinic_id), Int64GetDatum(off->doctor_id),
					  TimestampTzGetDatum(off->starts_at), TimestampTzGetDatum(off->ends_at),
					  fifth.value};
	char nulls[] = {' ', off->of_doctor ? ' ' : 'n', ' ', ' ', fifth.isnull ? 'n' : ' '};

	return plan == &reopen_plan ? booking_execute_unguarded(plan, values, nulls, LATEST_SNAPSHOT)
								: booking_execute_latest(plan, values, nulls);
}

static void
close_calendars(const TimeOff *off)
{
	if (off->of_doctor)
	{
		booking_share_clinic(off->clinic_id);
		booking_close_doctor(off->doctor_id);
	}
	else
		booking_close_clinic(off->clinic_id);
}

/* The stretches of a doctor's time off that overlap a range. */
void
booking_find_time_off(const Doctor *doctor, TimestampTz starts_at, TimestampTz ends_at,
					  Stretches *off)
{
	Datum args[] = {Int64GetDatum(doctor->clinic_id), Int64GetDatum(doctor->id),
					TimestampTzGetDatum(starts_at), TimestampTzGetDatum(ends_at)};
	uint64 count = booking_execute_latest(&of_doctor_plan, args, NULL);

	for (uint64 i = 0; i < count; i++)
	{
		Datum values[2];
		bool nulls[2];

		booking_row(i, values, nulls);
		booking_add_stretch(off, DatumGetTimestampTz(values[0]), DatumGetTimestampTz(values[1]));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Refuses new slots inside time off, where no slot is free. */
void
booking_check_not_off(const Doctor *doctor, TimestampTz starts_at, TimestampTz ends_at)
{
	Stretches off = {0};

	booking_find_time_off(doctor, starts_at, ends_at, &off);
	if (off.count > 0)
		booking_refuse(DOCTOR_NOT_OFF, .doctor_id = doctor->id, .from = off.list[0].starts_at,
					   .until = off.list[0].ends_at, .zone = doctor->time_zone);
}

/* The time off that a slot is in by now, as an argument of a statement that may be null. */
Datum
booking_time_off_of_slot(int64 slot_id, char *null)
{
	Datum arg = Int64GetDatum(slot_id);
	Datum id = 0;
	bool isnull = true;

	if (booking_execute_latest(&of_slot_plan, &arg, NULL) == 1)
		booking_row(0, &id, &isnull);
	*null = isnull ? 'n' : ' ';
	return id;
}

/* Finds the one doctor or clinic that a call names by its arguments 2 and 3. */
static void
find_whose(FunctionCallInfo fcinfo, TimeOff *off)
{
	Doctor doctor;
	Datum values[2];
	bool nulls[2];

	off->of_doctor = !PG_ARGISNULL(2);
	if (off->of_doctor)
	{
		booking_find_doctor(PG_GETARG_INT64(2), &doctor);
		off->doctor_id = doctor.id;
		off->clinic_id = doctor.clinic_id;
		off->zone = doctor.zone;
		return;
	}
	if (booking_execute_latest(&zone_of_clinic_plan, &PG_GETARG_DATUM(3), NULL) == 0)
		booking_refuse(CLINIC_EXISTS, .id = PG_GETARG_INT64(3));
	booking_row(0, values, nulls);
	off->clinic_id = DatumGetInt64(values[0]);
	booking_require_staff_of(off->clinic_id);
	off->zone = booking_zone(booking_row_text(0, 1));
}

static void
require_whose(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2) == PG_ARGISNULL(3))
		booking_refuse(TIME_OFF_IS_OF_A_DOCTOR_OR_A_CLINIC);
}

/* The time between the earliest and the latest instant does not fit an int64. */
bool
booking_is_longer(TimestampTz from, TimestampTz until, int days)
{
	int64 length;

	return pg_sub_s64_overflow(until, from, &length) || length > days * USECS_PER_DAY;
}

static void
check_range(const TimeOff *off)
{
	if (TIMESTAMP_NOT_FINITE(off->starts_at) || TIMESTAMP_NOT_FINITE(off->ends_at) ||
		off->ends_at <= off->starts_at ||
		booking_is_longer(off->starts_at, off->ends_at, LONGEST_RANGE_DAYS))
		booking_refuse(TIME_OFF_LASTS_UP_TO_5_YEARS);
	booking_require_date(booking_local_date(off->starts_at, pg_tzset("UTC")));
}

/* Enters it, withdraws the slots in it and returns the appointments in it. */
static Datum
enter(FunctionCallInfo fcinfo, const TimeOff *off)
{
	NullableDatum reason = {PG_GETARG_DATUM(4), PG_ARGISNULL(4)};
	NullableDatum id = {0};

	close_calendars(off);
	run_inside(&add_plan, off, reason);
	id.value = booking_value();
	run_inside(&withdraw_plan, off, id);
	if (run_inside(&still_free_plan, off, NO_FIFTH) > 0)
		booking_refuse_kept_out();
	run_inside(&to_move_plan, off, NO_FIFTH);
	booking_return_set_of_rows(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

BOOKING_FUNCTION(booking_add_time_off)
{
	TimeOff off = {0};

	booking_require(fcinfo, 0, "starts_at");
	booking_require(fcinfo, 1, "ends_at");
	require_whose(fcinfo);
	off.starts_at = PG_GETARG_TIMESTAMPTZ(0);
	off.ends_at = PG_GETARG_TIMESTAMPTZ(1);
	check_range(&off);

	booking_start_writing(fcinfo);
	find_whose(fcinfo, &off);
	return enter(fcinfo, &off);
}

BOOKING_FUNCTION(booking_add_days_off)
{
	TimeOff off = {0};

	booking_require(fcinfo, 0, "from_date");
	booking_require(fcinfo, 1, "until_date");
	require_whose(fcinfo);
	booking_require_date(PG_GETARG_DATEADT(0));
	booking_require_date(PG_GETARG_DATEADT(1));

	booking_start_writing(fcinfo);
	find_whose(fcinfo, &off);
	off.starts_at = booking_day_start(PG_GETARG_DATEADT(0), off.zone);
	off.ends_at = booking_day_start(PG_GETARG_DATEADT(1) + 1, off.zone);
	check_range(&off);
	return enter(fcinfo, &off);
}

BOOKING_FUNCTION(booking_remove_time_off)
{
	Datum id = PG_GETARG_DATUM(0);
	TimeOff off = {0};
	Datum values[4];
	bool nulls[4];
	Datum row;

	booking_require(fcinfo, 0, "id");

	booking_start_writing(fcinfo);
	if (booking_execute(&find_plan, &id, NULL) == 0)
		booking_refuse(TIME_OFF_EXISTS, .id = DatumGetInt64(id));
	booking_row(0, values, nulls);
	off.clinic_id = DatumGetInt64(values[0]);
	booking_require_staff_of(off.clinic_id);
	off.of_doctor = !nulls[1];
	off.doctor_id = off.of_doctor ? DatumGetInt64(values[1]) : 0;
	off.starts_at = DatumGetTimestampTz(values[2]);
	off.ends_at = DatumGetTimestampTz(values[3]);

	close_calendars(&off);
	if (booking_execute(&remove_plan, &id, NULL) == 0)
	{
		booking_require_none_left(&find_plan, &id, NULL);
		booking_refuse(TIME_OFF_EXISTS, .id = DatumGetInt64(id));
	}
	row = booking_returned_row();
	run_inside(&reopen_plan, &off, (NullableDatum){id});
	if (run_inside(&still_withdrawn_plan, &off, (NullableDatum){id}) > 0)
		booking_refuse_kept_out();
	SPI_finish();
	return row;
}
