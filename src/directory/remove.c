/*
 * remove.c
 *		Removing softly, and restoring, what a person can remove. Called through SQL.
 *
 * What has upcoming appointments is not removed. The lock that a removal takes conflicts with one that
 * each booking holds, so no booking is made between the count and the commit.
 */
#include "callers/callers.h"
#include "calendar/calendar.h"

/* How many appointments are to come. The bound of starts_at lets an index be used. */
#define UPCOMING_SQL \
	"SELECT count(*) FROM booking.time_slots s" \
	" JOIN booking.appointments a ON a.slot_id = s.id" \
	" WHERE s.deleted_at IS NULL AND s.ends_at > clock_timestamp()" \
	" AND s.starts_at > clock_timestamp() - " LONGEST_SLOT_SQL \
	" AND booking.occupies(a.status) AND a.status NOT IN ('fulfilled', 'noshow')" \
	" AND (a.status <> 'pending' OR a.hold_expires_at > clock_timestamp())" \
	" AND "

#define REMOVE_SQL(table) \
	"UPDATE booking." table \
	" AS t SET deleted_at = now(), updated_at = now()" \
	" WHERE id = $1 AND deleted_at IS NULL RETURNING t"

#define FIND_SQL(table) "SELECT FROM booking." table " WHERE id = $1"

#define RESTORE_SQL(table) \
	"UPDATE booking." table \
	" AS t SET deleted_at = NULL, updated_at = now()" \
	" WHERE id = $1 RETURNING t"

/* A slot is as free as before, unless it is in time off by now. $1 slot, $2 that time off. */
#define RESTORE_SLOT_SQL \
	"UPDATE booking.time_slots AS t SET deleted_at = NULL, updated_at = now()," \
	"       is_available = (is_available OR time_off_id IS NOT NULL) AND $2 IS NULL," \
	"       time_off_id = CASE WHEN is_available OR time_off_id IS NOT NULL THEN $2 END" \
	" WHERE id = $1 RETURNING t"

/* How one kind of thing is removed and restored. */
typedef struct Removable
{
	const Entity *entity;
	void (*keep_bookings_out)(int64 id);
	BookingPlan upcoming;
	BookingPlan remove;
	BookingPlan restore;
	BookingPlan find;
	BookingPlan clinic; /* whose staff may do it; where there is none, the grants decide */
} Removable;

static void
lock_patient(int64 id)
{
	booking_lock(PATIENT_LOCK, id, ExclusiveLock);
}

static void
lock_slot(int64 id)
{
	booking_lock(SLOT_LOCK, id, ExclusiveLock);
}

static Removable clinics = {
	.entity = &booking_clinic,
	.keep_bookings_out = booking_close_clinic,
	.upcoming = {UPCOMING_SQL
				 "s.doctor_id IN (SELECT id FROM booking.doctors WHERE clinic_id = $1)",
				 1,
				 {INT8OID}},
	.remove = {REMOVE_SQL("clinics"), 1, {INT8OID}},
	.restore = {RESTORE_SQL("clinics"), 1, {INT8OID}},
	.find = {FIND_SQL("clinics"), 1, {INT8OID}},
};

static Removable doctors = {
	.entity = &booking_doctor,
	.keep_bookings_out = booking_close_doctor,
	.upcoming = {UPCOMING_SQL "s.doctor_id = $1", 1, {INT8OID}},
	.remove = {REMOVE_SQL("doctors"), 1, {INT8OID}},
	.restore = {RESTORE_SQL("doctors"), 1, {INT8OID}},
	.find = {FIND_SQL("doctors"), 1, {INT8OID}},
};

static Removable patients = {
	.entity = &booking_patient,
	.keep_bookings_out = lock_patient,
	.upcoming = {UPCOMING_SQL "a.patient_id = $1", 1, {INT8OID}},
	.remove = {REMOVE_SQL("patients"), 1, {INT8OID}},
	.restore = {RESTORE_SQL("patients"), 1, {INT8OID}},
	.find = {FIND_SQL("patients"), 1, {INT8OID}},
};

static Removable time_slots = {
	.entity = &booking_slot,
	.keep_bookings_out = lock_slot,
	.upcoming = {UPCOMING_SQL "s.id = $1", 1, {INT8OID}},
	.remove = {REMOVE_SQL("time_slots"), 1, {INT8OID}},
	.restore = {RESTORE_SLOT_SQL, 2, {INT8OID, INT8OID}},
	.find = {FIND_SQL("time_slots"), 1, {INT8OID}},
	.clinic = {"SELECT clinic_id FROM booking.time_slots WHERE id = $1", 1, {INT8OID}},
};

static BookingPlan doctor_of_slot_plan = {
	"SELECT doctor_id FROM booking.time_slots WHERE id = $1", 1, {INT8OID}};

static void
refuse_while_booked(const Entity *entity, int64 id, int64 appointments)
{
	const char *what =
		entity == &booking_patient ? "the patient" : psprintf("%s " INT64_FORMAT, entity->name, id);

	booking_refuse(NO_UPCOMING_APPOINTMENTS, .table = entity->table, .what = what,
				   .count = appointments);
}

static void
require_staff(Removable *what, Datum id)
{
	if (what->clinic.sql != NULL && booking_execute(&what->clinic, &id, NULL) == 1)
		booking_require_staff_of(DatumGetInt64(booking_value()));
}

/* Returns the changed row. While we waited for it, somebody else may have deleted or removed it. */
static Datum
write_row(const Removable *what, BookingPlan *change, BookingPlan *find, Datum *args,
		  const char *nulls)
{
	if (booking_execute(change, args, nulls) == 0)
	{
		booking_require_none_left(find, args, NULL);
		booking_refuse(what->entity->unknown, .id = DatumGetInt64(args[0]));
	}
	return booking_returned_row();
}

static Datum
remove_row(FunctionCallInfo fcinfo, Removable *what)
{
	Datum id = PG_GETARG_DATUM(0);
	int64 upcoming;
	Datum row;

	booking_require(fcinfo, 0, "id");

	booking_start_writing(fcinfo);
	require_staff(what, id);
	what->keep_bookings_out(DatumGetInt64(id));
	booking_execute_latest(&what->upcoming, &id, NULL);
	upcoming = DatumGetInt64(booking_value());
	if (upcoming > 0)
		refuse_while_booked(what->entity, DatumGetInt64(id), upcoming);
	row = write_row(what, &what->remove, what->entity->find_live, &id, NULL);
	SPI_finish();
	return row;
}

static Datum
restore_row(FunctionCallInfo fcinfo, Removable *what)
{
	Datum id = PG_GETARG_DATUM(0);
	Datum row;

	booking_require(fcinfo, 0, "id");

	booking_start_writing(fcinfo);
	require_staff(what, id);
	row = write_row(what, &what->restore, &what->find, &id, NULL);
	SPI_finish();
	return row;
}

BOOKING_FUNCTION(booking_remove_clinic)
{
	return remove_row(fcinfo, &clinics);
}

BOOKING_FUNCTION(booking_restore_clinic)
{
	return restore_row(fcinfo, &clinics);
}

BOOKING_FUNCTION(booking_remove_doctor)
{
	return remove_row(fcinfo, &doctors);
}

BOOKING_FUNCTION(booking_restore_doctor)
{
	return restore_row(fcinfo, &doctors);
}

BOOKING_FUNCTION(booking_remove_patient)
{
	return remove_row(fcinfo, &patients);
}

BOOKING_FUNCTION(booking_restore_patient)
{
	return restore_row(fcinfo, &patients);
}

BOOKING_FUNCTION(booking_remove_time_slot)
{
	return remove_row(fcinfo, &time_slots);
}

BOOKING_FUNCTION(booking_restore_time_slot)
{
	Datum args[] = {PG_GETARG_DATUM(0), 0};
	char nulls[] = {' ', 'n'};
	Datum row;

	booking_require(fcinfo, 0, "id");

	booking_start_writing(fcinfo);
	require_staff(&time_slots, args[0]);
	lock_slot(DatumGetInt64(args[0]));
	if (booking_execute_latest(&doctor_of_slot_plan, args, NULL) == 0)
		booking_refuse(SLOT_EXISTS, .id = DatumGetInt64(args[0]));
	booking_lock(CALENDAR_LOCK, DatumGetInt64(booking_value()), CALENDAR_BOOK);
	args[1] = booking_time_off_of_slot(DatumGetInt64(args[0]), &nulls[1]);
	row = write_row(&time_slots, &time_slots.restore, &time_slots.find, args, nulls);
	SPI_finish();
	return row;
}
