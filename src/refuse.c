/*
 * refuse.c
 *		One way to say no: every refusal of the extension is raised here. Called by all files.
 *
 * The rule's name goes into CONSTRAINT, for clients, and to the start of DETAIL, since
 * PostgREST passes DETAIL on but not CONSTRAINT. Patients' ids and e-mail addresses never
 * appear, because messages are logged.
 */
#include "booking.h"

#include "utils/lsyscache.h"

const Entity booking_clinic = {"clinic", "clinics", "clinic_exists",
"SELECT id, name FROM booking.clinics lists the clinics."};
const Entity booking_doctor = {"doctor", "doctors", "doctor_exists",
"SELECT id, name FROM booking.doctors lists the doctors."};
const Entity booking_patient = {"patient", "patients", "patient_exists",
"Look the patient up by e-mail address, or add them with booking.add_patient()."};
const Entity booking_slot = {"time slot", "time_slots", "slot_exists",
"booking.available_slots() lists the slots that are free."};

/* A constraint of a table that a function's arguments can break, and how that is reported. */
typedef struct Violation
{
	const char *constraint;
	Refusal		refusal;
} Violation;

static const Violation violations[] = {
	{"clinic_name_has_2_to_255_characters",
		{ERRCODE_BOOKING_UNPROCESSABLE, "clinic_name_has_2_to_255_characters", "clinics",
			"the clinic's name does not have 2 to 255 characters",
			"leading and trailing blanks do not count.",
	"Give a name of 2 to 255 characters."}},
	{"clinic_name_is_unique",
		{ERRCODE_BOOKING_CONFLICT, "clinic_name_is_unique", "clinics",
			"another clinic has this name",
			"names are unique among the clinics that are not removed.",
	"Choose another name, or rename or remove the other clinic."}},
	{"clinic_address_has_at_most_500_characters",
		{ERRCODE_BOOKING_UNPROCESSABLE, "clinic_address_has_at_most_500_characters", "clinics",
			"the clinic's address has more than 500 characters",
			"leading and trailing blanks do not count.",
	"Shorten the address."}},
	{"doctor_name_has_2_to_255_characters",
		{ERRCODE_BOOKING_UNPROCESSABLE, "doctor_name_has_2_to_255_characters", "doctors",
			"the doctor's name does not have 2 to 255 characters",
			"leading and trailing blanks do not count.",
	"Give a name of 2 to 255 characters."}},
	{"specialization_has_at_most_255_characters",
		{ERRCODE_BOOKING_UNPROCESSABLE, "specialization_has_at_most_255_characters", "doctors",
			"the specialization has more than 255 characters",
			"leading and trailing blanks do not count.",
	"Shorten the specialization."}},
	{"patient_name_has_2_to_255_characters",
		{ERRCODE_BOOKING_UNPROCESSABLE, "patient_name_has_2_to_255_characters", "patients",
			"the patient's name does not have 2 to 255 characters",
			"leading and trailing blanks do not count.",
	"Give a name of 2 to 255 characters."}},
	{"patient_email_is_plausible",
		{ERRCODE_BOOKING_UNPROCESSABLE, "patient_email_is_plausible", "patients",
			"the patient's e-mail address is not of the form name@domain",
			"it has at most 254 characters, no blanks, one @ and a dot in the domain.",
	"Check the e-mail address."}},
	{"patient_email_is_unique",
		{ERRCODE_BOOKING_CONFLICT, "patient_email_is_unique", "patients",
			"another patient has this e-mail address",
			"addresses are unique, without regard to case, among the patients that are not removed.",
	"Look the patient up by the address instead of adding them again."}},
	{"doctor_slots_do_not_overlap",
		{ERRCODE_BOOKING_CONFLICT, "doctor_slots_do_not_overlap", "time_slots",
			"the doctor has another time slot then",
			"live slots of one doctor never overlap.",
	"Remove the other slot, or choose another time."}},
	{"doctor_slots_start_once",
		{ERRCODE_BOOKING_CONFLICT, "doctor_slots_do_not_overlap", "time_slots",
			"the doctor has another time slot then",
			"live slots of one doctor never overlap.",
	"Remove the other slot, or choose another time."}},
	{"unique_timeslot",
		{ERRCODE_BOOKING_CONFLICT, "slot_not_booked", "appointments",
			"the time slot was booked by somebody else a moment ago",
			"one appointment occupies a slot.",
	"Choose another slot from booking.available_slots()."}},
};

void
booking_refuse(const Refusal *refusal)
{
	ereport(ERROR,
			(errcode(refusal->sqlstate),
			 errmsg("%s", refusal->message),
			 errdetail("rule %s: %s", refusal->rule, refusal->detail),
			 errhint("%s", refusal->hint),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, "booking"),
			 refusal->table ? err_generic_string(PG_DIAG_TABLE_NAME, refusal->table) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, refusal->rule)));
}

/* In a PG_CATCH block: re-raises the violation of a constraint, as its rule if it is ours. */
void
booking_refuse_violation(void)
{
	ErrorData  *error = CopyErrorData();

	FlushErrorState();
	if (error->constraint_name && error->schema_name &&
		strcmp(error->schema_name, "booking") == 0)
	{
		for (int i = 0; i < lengthof(violations); i++)
		{
			if (strcmp(error->constraint_name, violations[i].constraint) == 0)
				booking_refuse(&violations[i].refusal);
		}
	}
	ReThrowError(error);
}

/* Refuses a call that leaves out an argument it needs. */
void
booking_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
	Refusal		missing = {ERRCODE_BOOKING_MALFORMED, "required_argument", NULL, NULL, NULL, NULL};

	if (!PG_ARGISNULL(argument))
		return;

	missing.message = psprintf("%s is missing", name);
	missing.detail = psprintf("booking.%s() needs it, and null is no value.",
							  get_func_name(fcinfo->flinfo->fn_oid));
	missing.hint = psprintf("Pass %s => a value.", name);
	booking_refuse(&missing);
}

/* Refuses an id that names nothing, or something removed. */
void
booking_refuse_unknown(const Entity *entity, int64 id)
{
	Refusal		unknown = {ERRCODE_BOOKING_NOT_FOUND, entity->exists_rule, entity->table,
		NULL, NULL, entity->find_hint};

	/* a patient's id reaches no message */
	unknown.message = entity == &booking_patient ? "there is no such patient"
		: psprintf("there is no %s " INT64_FORMAT, entity->name, id);
	unknown.detail = psprintf("no row of booking.%s has this id, or the %s was removed.",
							  entity->table, entity->name);
	booking_refuse(&unknown);
}
