/*
 * own.c
 *		A patient's own appointments, and where they have been. Called through SQL.
 *
 * They return what the policies of the tables would show, by plans that are kept: planning with the
 * policies of three tables takes longer than reading a patient's appointments.
 */
#include "finding/finding.h"
#include "callers/callers.h"

#include "utils/array.h"

/* $1 patient, $2 the clinics whose appointments the caller may see, null for all. */
#define LIST_SQL \
	"SELECT a.id, a.status, (a.starts_at AT TIME ZONE c.time_zone)::date," \
	"       (a.starts_at AT TIME ZONE c.time_zone)::time," \
	"       (a.ends_at AT TIME ZONE c.time_zone)::time, c.time_zone," \
	"       d.name, d.specialization, c.name, a.starts_at, a.ends_at," \
	"       a.slot_id, a.doctor_id, a.clinic_id, a.booked_at, a.hold_expires_at" \
	" FROM booking.appointments a" \
	" JOIN booking.doctors d ON d.id = a.doctor_id" \
	" JOIN booking.clinics c ON c.id = a.clinic_id" \
	" WHERE a.patient_id = $1 AND ($2 IS NULL OR a.clinic_id = ANY ($2))" \
	" ORDER BY a.starts_at DESC, a.id DESC"

static BookingPlan appointments_plan = {LIST_SQL, 2, {INT8OID, INT8ARRAYOID}};
static BookingPlan visited_clinics_plan = {
	"SELECT array(SELECT DISTINCT clinic_id FROM booking.appointments WHERE patient_id = $1)",
	1,
	{INT8OID}};
static BookingPlan visited_doctors_plan = {
	"SELECT array(SELECT DISTINCT doctor_id FROM booking.appointments WHERE patient_id = $1)",
	1,
	{INT8OID}};

BOOKING_FUNCTION(booking_patient_appointments)
{
	Caller caller;
	Datum args[2];
	char nulls[] = "  ";
	bool is_given = !PG_ARGISNULL(0);
	bool is_own;

	booking_caller(&caller);
	is_own = caller.is_patient && (!is_given || PG_GETARG_INT64(0) == caller.patient_id);
	if (!is_given && !caller.has_patient_id)
		nulls[0] = 'n';
	if (caller.is_admin || is_own)
		nulls[1] = 'n';
	args[0] = is_given ? PG_GETARG_DATUM(0) : Int64GetDatum(caller.patient_id);
	args[1] = booking_clinic_ids(&caller);

	SPI_connect();
	booking_query(&appointments_plan, args, nulls);
	booking_return_set(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

/* The array of ids that a plan finds in the caller's appointments; empty for who is no patient. */
static Datum
visited_ids(BookingPlan *plan)
{
	Caller caller;
	Datum arg;
	Datum ids;

	booking_caller(&caller);
	arg = Int64GetDatum(caller.patient_id);
	SPI_connect();
	booking_query(plan, &arg, caller.is_patient ? " " : "n");
	ids = SPI_datumTransfer(booking_value(), false, -1);
	SPI_finish();
	return ids;
}

BOOKING_FUNCTION(booking_visited_clinic_ids)
{
	return visited_ids(&visited_clinics_plan);
}

BOOKING_FUNCTION(booking_visited_doctor_ids)
{
	return visited_ids(&visited_doctors_plan);
}
