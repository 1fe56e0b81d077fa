/*
 * clinic_rules.c
 *		Judging a booking by the clinic's own rules. Called by rules.c, after ours.
 *
 * A rule's function is somebody's code. It runs as its owner in a security-restricted operation, as
 * PostgreSQL runs the functions of an index, and never with the rights of the extension's owner.
 */
#include "booking/internal.h"

#include "catalog/pg_collation_d.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

static BookingPlan rows_plan = {
	"SELECT s, p FROM booking.time_slots s, booking.patients p WHERE s.id = $1 AND p.id = $2",
	2,
	{INT8OID, INT8OID}};

/* The request that rules are judging. */
static const BookingRequest *judged_request = NULL;

/* NULL when the rule lets the booking pass. */
static char *
call_check_function(Oid function, Datum slot, Datum patient)
{
	FmgrInfo flinfo;
	LOCAL_FCINFO(call, 2);
	Datum answer;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 2, DEFAULT_COLLATION_OID, NULL, NULL);
	call->args[0].value = slot;
	call->args[0].isnull = false;
	call->args[1].value = patient;
	call->args[1].isnull = false;
	answer = FunctionCallInvoke(call);
	return call->isnull ? NULL : TextDatumGetCString(answer);
}

/* With a new snapshot, so that the rule sees what was committed while we waited for the locks. */
static char *
run_as_owner(Oid function, Oid owner, Datum slot, Datum patient)
{
	SavedUserContext saved;
	char *answer;

	booking_start_restricted_operation(owner, &saved);
	PushActiveSnapshot(GetLatestSnapshot());
	answer = call_check_function(function, slot, patient);
	PopActiveSnapshot();
	booking_end_restricted_operation(&saved);
	return answer;
}

/* Fills in why, if so. */
static bool
rule_refuses(const ClinicRule *rule, Datum slot, Datum patient, Refusal *why)
{
	Oid owner;

	/* it may have been dropped since the list was read, perhaps by another rule */
	if (!booking_is_check_function(rule->function, &owner))
	{
		*why = (Refusal){
			CLINICS_RULE_CHECKED,
			.name = rule->name,
			.function = rule->check_function,
			.what = psprintf("%s, %s", quote_literal_cstr(rule->name),
							 rule->is_of_all_clinics ? "NULL"
													 : psprintf(INT64_FORMAT, rule->clinic_id)),
		};
		return true;
	}

	*why = (Refusal){
		CLINICS_RULE,
		.name = rule->name,
		.what = run_as_owner(rule->function, owner, slot, patient),
	};
	if (why->what != NULL && why->what[0] == '\0')
		why->which = CLINICS_RULE_UNEXPLAINED;
	return why->what != NULL;
}

/* A way to run a plan: booking_query, or booking_execute_latest. */
typedef uint64 RunPlan(BookingPlan *plan, Datum *values, const char *nulls);

/* The rows that rules are called with, by the same kind of snapshot as the look before. */
static void
fetch_rows(const BookingRequest *request, RunPlan *run, Datum *slot_and_patient)
{
	Datum args[] = {Int64GetDatum(request->slot_id), Int64GetDatum(request->patient_id)};
	bool nulls[2];

	if (run(&rows_plan, args, NULL) == 0)
		booking_refuse(SLOT_EXISTS, .id = request->slot_id);
	booking_row(0, slot_and_patient, nulls);
}

/* Adds a row to the answer of check_booking. */
void
booking_report_rule(ReturnSetInfo *result, const Verdict *verdict)
{
	bool passed = verdict->refusal == NULL;
	Datum values[] = {CStringGetTextDatum(verdict->rule), BoolGetDatum(passed), 0, 0};
	bool nulls[] = {false, !verdict->is_judged, true, true};

	if (!passed)
	{
		RefusalWords words = booking_words(verdict->refusal);

		values[2] = CStringGetTextDatum(unpack_sql_state(words.sqlstate));
		values[3] = CStringGetTextDatum(booking_visible(words.message));
		nulls[2] = nulls[3] = false;
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Raises the first refusal; or, given a report, adds what each rule says to it. Without a patient no rule
 * can be called. The patient's own hold was judged when it was made, and a rule that counts would count
 * it against itself.
 */
static pg_noinline void
try_rules(const BookingFacts *facts, ReturnSetInfo *report)
{
	bool runs = facts->patient_exists && !facts->is_own_hold;
	List *rules = booking_rules_of_clinic(facts->clinic_id);
	Datum rows[2];
	ListCell *cell;

	if (rules != NIL && runs)
		fetch_rows(&facts->request, report != NULL ? booking_query : booking_execute_latest, rows);
	foreach (cell, rules)
	{
		const ClinicRule *rule = lfirst(cell);
		Refusal why;
		bool refuses = runs && rule_refuses(rule, rows[0], rows[1], &why);

		if (report == NULL && refuses)
			booking_raise(&why);
		if (report != NULL)
		{
			const Verdict verdict = {.rule = rule->name,
									 .is_judged = facts->patient_exists,
									 .refusal = refuses ? &why : NULL};

			booking_report_rule(report, &verdict);
		}
	}
}

/* Lets appointment_being_moved() know the request meanwhile. */
static void
judge(const BookingFacts *facts, ReturnSetInfo *report)
{
	const BookingRequest *outer = judged_request;

	judged_request = &facts->request;
	PG_TRY();
	{
		try_rules(facts, report);
	}
	PG_FINALLY();
	{
		judged_request = outer;
	}
	PG_END_TRY();
}

void
booking_enforce_clinic_rules(const BookingFacts *facts)
{
	judge(facts, NULL);
}

void
booking_report_clinic_rules(const BookingFacts *facts, ReturnSetInfo *result)
{
	judge(facts, result);
}

/* For rules that count appointments, and should not count the one that is being moved. */
BOOKING_FUNCTION_AS_CALLER(booking_appointment_being_moved)
{
	if (judged_request == NULL || !judged_request->moves_appointment)
		PG_RETURN_NULL();
	PG_RETURN_INT64(judged_request->appointment_id);
}
