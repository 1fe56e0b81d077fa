/*
 * clinic_rules.c
 *		The clinic's own rules: adding, removing and running them. Run by rules.c, after ours.
 *
 * A rule's function is somebody's code. It runs as its owner in a security-restricted
 * operation, as PostgreSQL runs the functions of an index, never with the rights of the
 * extension's owner, under which our own code runs.
 *
 * Each backend keeps the list of rules. A change of the table rules, or of any function,
 * discards it in every session by the server's own invalidation messages.
 */
#include "booking/booking.h"
#include "store/store.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

static BookingPlan add_plan = {
	"INSERT INTO booking.rules AS r (name, check_function, clinic_id, \"position\")"
	" VALUES ($1, $2, $3, $4) RETURNING r",
	4,
	{TEXTOID, TEXTOID, INT8OID, INT4OID}};
static BookingPlan remove_plan = {
	"UPDATE booking.rules AS r SET deleted_at = now()"
	" WHERE name = $1 AND clinic_id IS NOT DISTINCT FROM $2 AND deleted_at IS NULL RETURNING r",
	2,
	{TEXTOID, INT8OID}};
static BookingPlan is_live_plan = {
	"SELECT FROM booking.rules"
	" WHERE name = $1 AND clinic_id IS NOT DISTINCT FROM $2 AND deleted_at IS NULL",
	2,
	{TEXTOID, INT8OID}};
static BookingPlan list_plan = {
	"SELECT name, clinic_id, check_function FROM booking.rules"
	" WHERE deleted_at IS NULL ORDER BY \"position\", name",
	0,
	{0}};
static BookingPlan rows_plan = {
	"SELECT s, p FROM booking.time_slots s, booking.patients p WHERE s.id = $1 AND p.id = $2",
	2,
	{INT8OID, INT8OID}};

typedef struct ClinicRule
{
	char *name;
	char *check_function;
	Oid function; /* InvalidOid when there is none of that name and form */
	bool of_all_clinics;
	int64 clinic_id;
} ClinicRule;

/* This backend's copy of the list. */
static MemoryContext kept_context = NULL;
static ClinicRule *kept_rules = NULL;
static uint64 kept_count = 0;
static Oid kept_relation = InvalidOid;
static bool kept_is_current = false;
static uint64 invalidations = 0;

/* The request that rules are being tried on. */
static const BookingRequest *judged = NULL;

static void
discard(void)
{
	invalidations++;
	kept_is_current = false;
}

static void
discard_for_relation(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == kept_relation)
		discard();
}

/* Functions are found by name, so that of their schema counts as well. */
static void
discard_for_name(Datum arg, int cache, uint32 hash)
{
	discard();
}

static Oid
row_type(const char *table)
{
	return get_rel_type_id(booking_relation(table));
}

/* Whether a function is of the form that a rule's has to be. */
static bool
is_check_function(Oid function, Oid *owner)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool fits;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	*owner = proc->proowner;
	fits = proc->prokind == PROKIND_FUNCTION && !proc->proretset && proc->prorettype == TEXTOID &&
		   proc->pronargs == 2 && proc->proargtypes.values[0] == row_type("time_slots") &&
		   proc->proargtypes.values[1] == row_type("patients");
	ReleaseSysCache(tuple);
	return fits;
}

/* By the catalogue itself: the extension's owner need not have USAGE of the schema. */
static Oid
find_check_function(text *qualified_name)
{
	List *names = textToQualifiedNameList(qualified_name);
	Oid types[] = {row_type("time_slots"), row_type("patients")};
	Oid schema = get_namespace_oid(strVal(linitial(names)), true);
	Oid owner;
	Oid function;

	if (!OidIsValid(schema) || list_length(names) != 2)
		return InvalidOid;
	function =
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(strVal(lsecond(names))),
						PointerGetDatum(buildoidvector(types, 2)), ObjectIdGetDatum(schema));
	return is_check_function(function, &owner) ? function : InvalidOid;
}

/* The rows of the list query, which SPI still has, as this backend keeps them. */
static ClinicRule *
copy_rules(MemoryContext context, uint64 count)
{
	ClinicRule *rules = MemoryContextAllocZero(context, Max(count, 1) * sizeof(ClinicRule));

	for (uint64 i = 0; i < count; i++)
	{
		Datum values[3];
		bool nulls[3];

		booking_row(i, values, nulls);
		rules[i].name = MemoryContextStrdup(context, booking_row_text(i, 0));
		rules[i].of_all_clinics = nulls[1];
		rules[i].clinic_id = nulls[1] ? 0 : DatumGetInt64(values[1]);
		rules[i].check_function = MemoryContextStrdup(context, booking_row_text(i, 2));
		rules[i].function = find_check_function(cstring_to_text(rules[i].check_function));
	}
	return rules;
}

/*
 * Reads the list by the latest snapshot, even in REPEATABLE READ: it outlives the transaction.
 * An invalidation that arrives meanwhile leaves it to be read again.
 */
static void
read_rules(void)
{
	static bool is_listening = false;
	MemoryContext context;
	uint64 seen;

	if (!is_listening)
	{
		CacheRegisterRelcacheCallback(discard_for_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, discard_for_name, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, discard_for_name, (Datum) 0);
		is_listening = true;
	}

	kept_relation = booking_relation("rules");
	seen = invalidations;
	context = AllocSetContextCreate(CurrentMemoryContext, "booking rules", ALLOCSET_SMALL_SIZES);
	PushActiveSnapshot(GetLatestSnapshot());
	kept_count = 0;
	kept_rules = copy_rules(context, booking_query(&list_plan, NULL, NULL));
	PopActiveSnapshot();

	kept_count = SPI_processed;
	if (kept_context != NULL)
		MemoryContextDelete(kept_context);
	MemoryContextSetParent(context, TopMemoryContext);
	kept_context = context;
	kept_is_current = seen == invalidations;
}

/*
 * Copies, since running one rule may discard the list. Other sessions' changes are asked for:
 * a transaction that waits, or has used the tables before, need not have heard of them.
 */
static List *
rules_of_clinic(int64 clinic_id)
{
	List *rules = NIL;

	AcceptInvalidationMessages();
	if (!kept_is_current)
		read_rules();
	for (uint64 i = 0; i < kept_count; i++)
	{
		ClinicRule *rule;

		if (!kept_rules[i].of_all_clinics && kept_rules[i].clinic_id != clinic_id)
			continue;
		rule = palloc(sizeof(ClinicRule));
		*rule = kept_rules[i];
		rule->name = pstrdup(rule->name);
		rule->check_function = pstrdup(rule->check_function);
		rules = lappend(rules, rule);
	}
	return rules;
}

/* The rule's answer; NULL when it lets the booking pass. */
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

/*
 * Runs a rule as the owner of its function. The new snapshot shows it what was committed
 * while we waited for the locks.
 */
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

/* Fills in why a rule refuses; false when it does not. */
static bool
rule_refuses(const ClinicRule *rule, Datum slot, Datum patient, Refusal *why)
{
	Oid owner;

	/* asked again, since it may have been dropped after the list was read: by another rule, say */
	if (!is_check_function(rule->function, &owner))
	{
		*why = (Refusal){
			CLINICS_RULE_CHECKED,
			.name = rule->name,
			.function = rule->check_function,
			.what =
				psprintf("%s, %s", quote_literal_cstr(rule->name),
						 rule->of_all_clinics ? "NULL" : psprintf(INT64_FORMAT, rule->clinic_id)),
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

/*
 * The rows that rules are called with, by a snapshot like that of the look before: the
 * statement's own may be older than the slot or the patient.
 */
static void
fetch_rows(const BookingRequest *request, bool in_callers_snapshot, Datum *slot_and_patient)
{
	Datum args[] = {Int64GetDatum(request->slot_id), Int64GetDatum(request->patient_id)};
	bool nulls[2];
	uint64 rows = in_callers_snapshot ? booking_query(&rows_plan, args, NULL)
									  : booking_execute_now(&rows_plan, args, NULL);

	if (rows == 0)
		booking_refuse(SLOT_EXISTS, .id = request->slot_id);
	booking_row(0, slot_and_patient, nulls);
}

/* Adds a row to the answer of check_booking; refusal is NULL unless the rule failed. */
void
booking_report_rule(ReturnSetInfo *result, const char *name, bool judged, const Refusal *refusal)
{
	Datum values[] = {CStringGetTextDatum(name), BoolGetDatum(refusal == NULL), 0, 0};
	bool nulls[] = {false, !judged, true, true};

	if (refusal != NULL)
	{
		RefusalWords words = booking_words(refusal);

		values[2] = CStringGetTextDatum(unpack_sql_state(words.sqlstate));
		values[3] = CStringGetTextDatum(words.message);
		nulls[2] = nulls[3] = false;
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Tries the clinic's rules on a request that passed ours, and raises or reports what each says.
 * A hold was judged when it was made; a rule that counts would count it against itself. Without
 * a patient there is nothing to judge.
 */
static pg_noinline void
try_rules(const BookingFacts *facts, ReturnSetInfo *report)
{
	bool runs = facts->patient_exists && !facts->is_own_hold;
	List *rules = rules_of_clinic(facts->clinic_id);
	Datum rows[2];
	ListCell *cell;

	if (rules != NIL && runs)
		fetch_rows(&facts->request, report != NULL, rows);
	foreach (cell, rules)
	{
		const ClinicRule *rule = lfirst(cell);
		Refusal why;
		bool refuses = runs && rule_refuses(rule, rows[0], rows[1], &why);

		if (report != NULL)
			booking_report_rule(report, rule->name, facts->patient_exists, refuses ? &why : NULL);
		else if (refuses)
			booking_raise(&why);
	}
}

/* Lets the rules know what they are tried on. */
static void
judge(const BookingFacts *facts, ReturnSetInfo *report)
{
	const BookingRequest *outer = judged;

	judged = &facts->request;
	PG_TRY();
	{
		try_rules(facts, report);
	}
	PG_FINALLY();
	{
		judged = outer;
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

static const char *
function_name(Oid function)
{
	char *schema = get_namespace_name(get_func_namespace(function));
	char *name = get_func_name(function);

	if (schema == NULL || name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("the function was dropped meanwhile")));
	return quote_qualified_identifier(schema, name);
}

static void
check_function_form(Oid function)
{
	Oid owner;

	if (!is_check_function(function, &owner))
		booking_refuse(RULE_FUNCTION_FITS);
	if (!has_privs_of_role(booking_calling_user(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of function %s", format_procedure(function)),
						errdetail("A rule runs with the rights of the owner of its function."),
						errhint("Let the function's owner add the rule.")));
}

BOOKING_FUNCTION(booking_add_rule)
{
	Datum values[] = {PG_GETARG_DATUM(0), 0, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	char nulls[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' '};
	Oid function = PG_GETARG_OID(1);
	Datum rule;

	booking_require(fcinfo, 0, "name");
	booking_require(fcinfo, 1, "check_function");
	booking_require(fcinfo, 3, "position");
	booking_require_writable(fcinfo);
	check_function_form(function);
	values[1] = CStringGetTextDatum(function_name(function));

	SPI_connect();
	booking_execute(&add_plan, values, nulls);
	rule = booking_returned_row();
	CacheInvalidateRelcacheByRelid(booking_relation("rules"));
	SPI_finish();
	return rule;
}

BOOKING_FUNCTION(booking_remove_rule)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	char nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' '};
	Datum rule;

	booking_require(fcinfo, 0, "name");

	booking_start_writing(fcinfo);
	values[0] = booking_trim(values[0]);
	if (booking_execute(&remove_plan, values, nulls) == 0)
	{
		booking_require_none_left(&is_live_plan, values, nulls);
		booking_refuse(RULE_EXISTS);
	}
	rule = booking_returned_row();
	CacheInvalidateRelcacheByRelid(booking_relation("rules"));
	SPI_finish();
	return rule;
}

BOOKING_FUNCTION_AS_CALLER(booking_forget_rules)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ANY_CHANGE, "rules");

	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/* For rules that count appointments: the one that is asked about is not to be counted. */
BOOKING_FUNCTION_AS_CALLER(booking_appointment_being_moved)
{
	if (judged == NULL || !judged->moves_appointment)
		PG_RETURN_NULL();
	PG_RETURN_INT64(judged->appointment_id);
}
