/*
 * directory.c
 *		Adding clinics, doctors and patients. Called through SQL.
 *
 * The tables' constraints judge the values. booking_execute turns a violation into its refusal.
 */
#include "callers/callers.h"

#include "utils/builtins.h"
#include "utils/rel.h"

#define ADD_CLINIC_SQL \
	"INSERT INTO booking.clinics AS c (name, address, time_zone) VALUES ($1, $2, $3) RETURNING c"

/* FOR KEY SHARE waits for whoever is removing the clinic, and then finds it removed. */
#define ADD_DOCTOR_SQL \
	"WITH clinic AS (SELECT id FROM booking.clinics" \
	"                WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE) " \
	"INSERT INTO booking.doctors AS d (clinic_id, name, specialization)" \
	" SELECT id, $2, $3 FROM clinic RETURNING d"

#define ADD_PATIENT_SQL \
	"INSERT INTO booking.patients AS p (name, email) VALUES ($1, $2) RETURNING p"

static BookingPlan add_clinic_plan = {ADD_CLINIC_SQL, 3, {TEXTOID, TEXTOID, TEXTOID}};
static BookingPlan add_doctor_plan = {ADD_DOCTOR_SQL, 3, {INT8OID, TEXTOID, TEXTOID}};
static BookingPlan add_patient_plan = {ADD_PATIENT_SQL, 2, {TEXTOID, TEXTOID}};

static BookingPlan find_patient_plan = {
	"SELECT p FROM booking.patients p WHERE lower(p.email) = lower($1) AND p.deleted_at IS NULL",
	1,
	{TEXTOID}};

static BookingPlan other_patient_plan = {
	"SELECT FROM booking.patients"
	" WHERE lower(email) = lower($1) AND deleted_at IS NULL AND id <> $2",
	2,
	{TEXTOID, INT8OID}};

BOOKING_FUNCTION(booking_add_clinic)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	char nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', ' '};
	Datum clinic;

	booking_require(fcinfo, 0, "name");
	booking_require(fcinfo, 2, "time_zone");

	booking_start_writing(fcinfo);
	values[2] = booking_known_zone(values[2]);
	booking_execute(&add_clinic_plan, values, nulls);
	clinic = booking_returned_row();
	SPI_finish();
	return clinic;
}

BOOKING_FUNCTION(booking_add_doctor)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	char nulls[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' '};
	Datum doctor;

	booking_require(fcinfo, 0, "clinic_id");
	booking_require(fcinfo, 1, "name");

	booking_start_writing(fcinfo);
	if (booking_execute(&add_doctor_plan, values, nulls) == 0)
	{
		booking_require_none_left(booking_clinic.find_live, values, NULL);
		booking_refuse(CLINIC_EXISTS, .id = PG_GETARG_INT64(0));
	}
	doctor = booking_returned_row();
	SPI_finish();
	return doctor;
}

BOOKING_FUNCTION(booking_add_patient)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	Datum patient;

	booking_require(fcinfo, 0, "name");
	booking_require(fcinfo, 1, "email");

	booking_start_writing(fcinfo);
	booking_require_staff("add patients");
	booking_execute(&add_patient_plan, values, NULL);
	patient = booking_returned_row();
	SPI_finish();
	return patient;
}

/* By the whole address, so that nobody can browse patients. */
BOOKING_FUNCTION(booking_find_patient)
{
	Datum email = PG_GETARG_DATUM(0);

	booking_require(fcinfo, 0, "email");
	booking_require_staff("look up patients");

	SPI_connect();
	email = booking_tidy_email(email);
	booking_query(&find_patient_plan, &email, NULL);
	booking_return_set_of_rows(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

/*
 * A BEFORE UPDATE trigger. The unique index would refuse the address as well, but it would tell a patient
 * who changes their own address that another patient has it.
 */
BOOKING_FUNCTION(booking_check_email)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_UPDATE, "patients");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool isnull;
	Datum values[] = {heap_getattr(trigger->tg_newtuple,
								   booking_column_of_type(desc, "email", TEXTOID), desc, &isnull),
					  0};

	if (isnull)
		return PointerGetDatum(trigger->tg_newtuple);
	SPI_connect();
	values[0] = booking_tidy_email(values[0]);
	values[1] = heap_getattr(trigger->tg_newtuple, booking_column_of_type(desc, "id", INT8OID),
							 desc, &isnull);
	if (booking_execute_latest(&other_patient_plan, values, NULL) > 0)
		booking_refuse(NEW_EMAIL_IS_UNIQUE);
	SPI_finish();
	return PointerGetDatum(trigger->tg_newtuple);
}
