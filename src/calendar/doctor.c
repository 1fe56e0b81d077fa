/*
 * doctor.c
 *		The doctor whose calendar is to be changed. Called before anything in it is changed.
 */
#include "calendar/calendar.h"
#include "callers/callers.h"

/* What has to be known of a doctor before their calendar is touched; $1 doctor. */
#define DOCTOR_SQL \
	"SELECT d.clinic_id, c.time_zone, d.is_active AND c.is_active AND c.deleted_at IS NULL" \
	" FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id" \
	" WHERE d.id = $1 AND d.deleted_at IS NULL"

static BookingPlan doctor_plan = {DOCTOR_SQL, 1, {INT8OID}};

/* Refuses a doctor who does not exist, or whose calendar the caller may not change. */
void
booking_find_doctor(int64 doctor_id, Doctor *doctor)
{
	Datum arg = Int64GetDatum(doctor_id);
	Datum values[3];
	bool nulls[3];

	if (booking_execute_latest(&doctor_plan, &arg, NULL) == 0)
		booking_refuse(DOCTOR_EXISTS, .id = doctor_id);
	booking_row(0, values, nulls);
	doctor->id = doctor_id;
	doctor->clinic_id = DatumGetInt64(values[0]);
	booking_require_staff_of(doctor->clinic_id);
	doctor->time_zone = booking_row_text(0, 1);
	doctor->zone = booking_zone(doctor->time_zone);
	doctor->is_active = DatumGetBool(values[2]);
}

void
booking_require_active(const Doctor *doctor)
{
	if (!doctor->is_active)
		booking_refuse(DOCTOR_ACTIVE_FOR_SLOTS, .doctor_id = doctor->id);
}
