/*
 * names.c
 *		The kinds of rows that users name by an id, and the extension's tables and indexes, found by
 *		name. Called by most floors.
 */
#include "base/base.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"

#define FIND_LIVE_SQL(table) "SELECT FROM booking." table " WHERE id = $1 AND deleted_at IS NULL"

const Entity booking_clinic = {
	.name = "clinic",
	.table = "clinics",
	.unknown = CLINIC_EXISTS,
	.find_live = &(BookingPlan){FIND_LIVE_SQL("clinics"), 1, {INT8OID}},
};
const Entity booking_doctor = {
	.name = "doctor",
	.table = "doctors",
	.unknown = DOCTOR_EXISTS,
	.find_live = &(BookingPlan){FIND_LIVE_SQL("doctors"), 1, {INT8OID}},
};
const Entity booking_patient = {
	.name = "patient",
	.table = "patients",
	.unknown = PATIENT_EXISTS,
	.find_live = &(BookingPlan){FIND_LIVE_SQL("patients"), 1, {INT8OID}},
};
const Entity booking_slot = {
	.name = "time slot",
	.table = "time_slots",
	.unknown = SLOT_EXISTS,
	.find_live = &(BookingPlan){FIND_LIVE_SQL("time_slots"), 1, {INT8OID}},
};

Oid
booking_relation(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("booking", false));
}

/* Opens a table of the extension by its name, which may be gone, or something else's by now. */
Relation
booking_open_relation(const char *name, LOCKMODE mode)
{
	Oid oid = booking_relation(name);
	Relation relation = OidIsValid(oid) ? try_table_open(oid, mode) : NULL;

	if (relation == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table booking.%s is missing", name),
			 errdetail("The extension booking reads and writes it."),
			 errhint(
				 "Give the table back its name and schema, or restore the book from a backup.")));
	return relation;
}
