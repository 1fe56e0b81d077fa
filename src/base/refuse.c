/*
 * refuse.c
 *		One way to say no: every refusal of the extension is raised here. Called by all files.
 *
 * The rule's name goes into CONSTRAINT, for clients, and to the start of DETAIL, since
 * PostgREST passes DETAIL on but not CONSTRAINT. Patients' ids and e-mail addresses never
 * appear, because messages are logged.
 */
#include "base/base.h"

#include <ctype.h>

#include "utils/lsyscache.h"

#define FIND_LIVE_SQL(table) "SELECT FROM booking." table " WHERE id = $1 AND deleted_at IS NULL"

const Entity booking_clinic = {
	.name = "clinic",
	.table = "clinics",
	.exists_rule = "clinic_exists",
	.find_hint = "booking.clinics lists the clinics.",
	.find_live = &(BookingPlan){FIND_LIVE_SQL("clinics"), 1, {INT8OID}},
};
const Entity booking_doctor = {
	.name = "doctor",
	.table = "doctors",
	.exists_rule = "doctor_exists",
	.find_hint = "booking.doctors lists the doctors.",
	.find_live = &(BookingPlan){FIND_LIVE_SQL("doctors"), 1, {INT8OID}},
};
const Entity booking_patient = {
	.name = "patient",
	.table = "patients",
	.exists_rule = "patient_exists",
	.find_hint = "Look the patient up by e-mail address, or add them with booking.add_patient().",
	.find_live = &(BookingPlan){FIND_LIVE_SQL("patients"), 1, {INT8OID}},
};
const Entity booking_slot = {
	.name = "time slot",
	.table = "time_slots",
	.exists_rule = "slot_exists",
	.find_hint = "booking.available_slots() lists the slots that are free.",
	.find_live = &(BookingPlan){FIND_LIVE_SQL("time_slots"), 1, {INT8OID}},
};
const Entity booking_appointment = {
	.name = "appointment",
	.table = "appointments",
	.exists_rule = "appointment_exists",
	.find_hint = "booking.patient_appointments() lists the appointments of a patient.",
};

/*
 * The rules that constraints of the tables stand for, in the words of the functions whose
 * arguments can break them. The raw error would show the failing row, and its class 23 would
 * be answered with other HTTP statuses.
 */
static const Refusal violations[] = {
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "clinic_name_has_2_to_255_characters",
		.table = "clinics",
		.message = "the clinic's name does not have 2 to 255 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Give a name of 2 to 255 characters.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "clinic_name_is_unique",
		.table = "clinics",
		.message = "another clinic has this name",
		.detail = "names are unique among the clinics that are not removed.",
		.hint = "Choose another name, or rename or remove the other clinic.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "clinic_address_has_at_most_500_characters",
		.table = "clinics",
		.message = "the clinic's address has more than 500 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Shorten the address.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "doctor_name_has_2_to_255_characters",
		.table = "doctors",
		.message = "the doctor's name does not have 2 to 255 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Give a name of 2 to 255 characters.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "specialization_has_at_most_255_characters",
		.table = "doctors",
		.message = "the specialization has more than 255 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Shorten the specialization.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "patient_name_has_2_to_255_characters",
		.table = "patients",
		.message = "the patient's name does not have 2 to 255 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Give a name of 2 to 255 characters.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "patient_email_is_plausible",
		.table = "patients",
		.message = "the patient's e-mail address is not of the form name@domain",
		.detail =
			"it has at most 254 characters, no blanks nor what is not seen, one @, a dot in the domain, and none of ( ) < > [ ] : ; , \\ \" outside quotes.",
		.hint = "Check the e-mail address.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "patient_email_is_unique",
		.table = "patients",
		.message = "another patient has this e-mail address",
		.detail =
			"addresses are unique, without regard to case, among the patients that are not removed.",
		.hint = "Look the patient up by the address instead of adding them again.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_slots_do_not_overlap",
		.table = "time_slots",
		.message = "the doctor has another time slot then",
		.detail = "live slots of one doctor never overlap.",
		.hint = "Remove the other slot, or choose another time.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "doctor_schedules_do_not_overlap",
		.table = "schedules",
		.message = "the doctor has another schedule then",
		.detail = "live schedules of one doctor never overlap while both are valid.",
		.hint = "Remove the other schedule, or choose other hours or dates.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "time_off_lasts_up_to_5_years",
		.table = "time_off",
		.message = "the time off does not end after it starts, or lasts over 5 years",
		.detail = "it is a little too long: years have 365 or 366 days.",
		.hint = "Check both ends of the time off.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "time_off_reason_has_at_most_500_characters",
		.table = "time_off",
		.message = "the reason has more than 500 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Shorten the reason.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "rule_name_has_1_to_63_characters",
		.table = "rules",
		.message = "the rule's name does not have 1 to 63 characters",
		.detail = "leading and trailing blanks do not count.",
		.hint = "Give a name of 1 to 63 characters.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "rule_name_is_unique_in_its_clinic",
		.table = "rules",
		.message = "another rule has this name",
		.detail = "names are unique among the rules of a clinic, and among those of all clinics.",
		.hint = "Choose another name, or remove the other rule.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_NOT_FOUND,
		.rule = "clinic_exists",
		.table = "clinics",
		.message = "there is no such clinic",
		.detail = "the rule was to be of a clinic that does not exist.",
		.hint = "booking.clinics lists the clinics.",
	},
	{
		/* of whatever table the text is in */
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "text_has_no_control_characters",
		.message = "a text has a control character in it",
		.detail =
			"names, addresses, reasons and keys have neither line breaks, tabs and the like, nor what turns the direction of writing.",
		.hint = "Write it in one line, with commas where an address has line breaks.",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "slot_not_booked",
		.table = "appointments",
		.message = "the time slot was booked by somebody else a moment ago",
		.detail = "one appointment occupies a slot.",
		.hint = "Choose another slot from booking.available_slots().",
	},
	{
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "idempotency_key_is_used_once",
		.table = "appointments",
		.message = "the idempotency key was used a moment ago",
		.detail = "another session used it after this transaction's snapshot was taken.",
		.hint = "Send the request again in a new transaction.",
	},
};

/* Constraints that stand for a rule of another name. */
static const struct
{
	const char *constraint;
	const char *rule;
} other_names[] = {
	{"appointment_is_for_a_patient", "slot_not_booked"},
	{"appointment_is_in_a_time_slot", "slot_not_booked"},
	{"doctor_slots_start_once", "doctor_slots_do_not_overlap"},
	{"rule_is_for_a_clinic", "clinic_exists"},
	{"unique_timeslot", "slot_not_booked"},
};

/* Whatever names and values are quoted, clients get no control character of them. */
static void
raise_refusal(int sqlstate, const char *message, const char *detail, const char *hint,
			  const char *table, const char *rule)
{
	message = booking_visible(message);
	detail = booking_visible(detail);
	hint = booking_visible(hint);
	rule = booking_visible(rule);
	booking_note_clean_error();
	ereport(ERROR,
			(errcode(sqlstate), errmsg_internal("%s", message), errdetail_internal("%s", detail),
			 errhint("%s", hint), err_generic_string(PG_DIAG_SCHEMA_NAME, "booking"),
			 table ? err_generic_string(PG_DIAG_TABLE_NAME, table) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, rule)));
}

void
booking_refuse(const Refusal *refusal)
{
	booking_count_refusal(refusal->rule);
	raise_refusal(refusal->sqlstate, refusal->message,
				  psprintf("rule %s: %s", refusal->rule, refusal->detail), refusal->hint,
				  refusal->table, refusal->rule);
	pg_unreachable();
}

/* Without what REINDEX CONCURRENTLY adds to the name of the other index while there are two, or left behind. */
static const char *
without_reindex_suffix(const char *constraint)
{
	int length = strlen(constraint);

	while (length > 0 && isdigit((unsigned char) constraint[length - 1]))
		length--;
	if (length > 6 && (strncmp(constraint + length - 6, "_ccnew", 6) == 0 ||
					   strncmp(constraint + length - 6, "_ccold", 6) == 0))
		return pnstrdup(constraint, length - 6);
	return constraint;
}

static const Refusal *
find_violation(const char *rule)
{
	for (int i = 0; i < lengthof(violations); i++)
	{
		if (strcmp(rule, violations[i].rule) == 0)
			return &violations[i];
	}
	return NULL;
}

pg_noreturn static void refuse_violation(const Refusal *violation, const char *table);

static void
refuse_violation(const Refusal *violation, const char *table)
{
	Refusal refusal = *violation;

	if (refusal.table == NULL)
		refusal.table = table;
	booking_refuse(&refusal);
}

/* Refuses what a constraint would, in the same words. */
void
booking_refuse_violation(const char *rule, const char *table)
{
	const Refusal *violation = find_violation(rule);

	Assert(violation != NULL);
	refuse_violation(violation, table);
}

/* The rule that a violated constraint of the extension stands for; NULL for other errors. */
static const Refusal *
violated_rule(const ErrorData *error)
{
	const char *rule;

	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		error->constraint_name == NULL || error->schema_name == NULL ||
		strcmp(error->schema_name, "booking") != 0)
		return NULL;

	rule = without_reindex_suffix(error->constraint_name);
	for (int i = 0; i < lengthof(other_names); i++)
	{
		if (strcmp(rule, other_names[i].constraint) == 0)
			rule = other_names[i].rule;
	}
	return find_violation(rule);
}

/*
 * In a PG_CATCH block around SQL of ours: raises the error again, without our SQL in its
 * context where it is a refusal.
 */
void
booking_raise_again(void)
{
	ErrorData *error = CopyErrorData();
	const Refusal *violation = violated_rule(error);

	FlushErrorState();
	if (violation != NULL)
		refuse_violation(violation, error->table_name);
	if (strncmp(unpack_sql_state(error->sqlerrcode), "PT", 2) == 0 && error->constraint_name &&
		error->detail && error->hint)
		raise_refusal(error->sqlerrcode, error->message, error->detail, error->hint,
					  error->table_name, error->constraint_name);
	ReThrowError(error);
}

/* Refuses a call that leaves out an argument it needs. */
void
booking_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
	Refusal missing = {
		.sqlstate = ERRCODE_BOOKING_MALFORMED,
		.rule = "required_argument",
	};

	if (!PG_ARGISNULL(argument))
		return;

	missing.message = psprintf("%s is missing", name);
	missing.detail = psprintf("booking.%s() needs it, and null is no value.",
							  get_func_name(fcinfo->flinfo->fn_oid));
	missing.hint = psprintf("Give %s a value.", name);
	booking_refuse(&missing);
}

/* Refuses an id that names nothing, or something removed. */
void
booking_refuse_unknown(const Entity *entity, int64 id)
{
	Refusal unknown = {
		.sqlstate = ERRCODE_BOOKING_NOT_FOUND,
		.rule = entity->exists_rule,
		.table = entity->table,
		.hint = entity->find_hint,
	};

	/* a patient's id reaches no message */
	unknown.message = entity == &booking_patient
						  ? "there is no such patient"
						  : psprintf("there is no %s " INT64_FORMAT, entity->name, id);
	unknown.detail = psprintf("no %s has this id, or it was removed.", entity->name);
	booking_refuse(&unknown);
}

/* What the types and constraints of the tables, as the extension made them, do not allow. */
void
booking_refuse_value(const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a row of the book has no valid %s", column),
			 errdetail("The extension booking relies on its types and constraints."),
			 errhint("Give the row such a value, and the table its type and constraint again.")));
}

/* What was judged to be free, or the patient's, is not so any more when it is written. */
void
booking_refuse_changed(int64 slot_id)
{
	Refusal changed = {
		.sqlstate = ERRCODE_BOOKING_CONFLICT,
		.rule = "slot_not_booked",
		.table = "time_slots",
		.detail = "another session changed it without taking its lock, or a trigger did.",
		.hint = "Try again.",
	};

	changed.message = psprintf("time slot " INT64_FORMAT " could not be booked", slot_id);
	booking_refuse(&changed);
}

void
booking_refuse_expired_hold(int64 appointment_id)
{
	Refusal expired = {
		.sqlstate = ERRCODE_BOOKING_GONE,
		.rule = "hold_not_expired",
		.table = "appointments",
		.detail = "an expired hold keeps the slot for nobody.",
		.hint = "Book the slot again if it is still free: booking.book_slot().",
	};

	expired.message =
		psprintf("the hold of appointment " INT64_FORMAT " has expired", appointment_id);
	booking_refuse(&expired);
}
