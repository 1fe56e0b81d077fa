/*
 * rules.c
 *		The validation chain of a booking. Called by book.c, and as a dry run through SQL.
 *
 * The rules are a table: adding one is adding a row and a function. They look at facts that
 * one query gathers, so that the whole chain judges one state of the book.
 */
#include "booking.h"

#include "access/xact.h"
#include "funcapi.h"
#include "storage/procarray.h"
#include "utils/builtins.h"

/*
 * Its columns are FactColumn's, in order. $1 slot, $2 patient, $3 the moment it is asked for,
 * $4 the appointment that would move to the slot.
 */
#define LOOK_SQL \
	"SELECT s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.is_available," \
	"       c.name, c.time_zone, c.is_active AND c.deleted_at IS NULL," \
	"       " EARLIEST_START("$3") "," \
	"       " LATEST_START("$3") "," \
	"       d.name, d.is_active AND d.deleted_at IS NULL," \
	"       p.is_active," \
	"       NOT c.allow_patient_overlap AND EXISTS (" \
	"           SELECT FROM booking.appointments e" \
	"           WHERE e.patient_id = $2 AND e.time_slot_id <> s.id" \
	"           AND e.id IS DISTINCT FROM $4" \
	"           AND e.starts_at < s.ends_at AND e.ends_at > s.starts_at" \
	"           AND e.starts_at > s.starts_at - interval '8 hours'" \
	"           AND e.status IN " OCCUPYING_STATUSES \
	"           AND (e.status <> 'pending' OR e.hold_expires_at > $3))," \
	"       $3 + c.hold_duration," \
	"       a.id, a.patient_id, a.status = 'pending', a.hold_expires_at <= $3, a.xmax" \
	" FROM (SELECT) AS request" \
	" LEFT JOIN booking.time_slots s ON s.id = $1 AND s.deleted_at IS NULL" \
	" LEFT JOIN booking.clinics c ON c.id = s.clinic_id" \
	" LEFT JOIN booking.doctors d ON d.id = s.doctor_id" \
	" LEFT JOIN booking.patients p ON p.id = $2 AND p.deleted_at IS NULL" \
	" LEFT JOIN booking.appointments a ON a.time_slot_id = s.id" \
	"     AND a.status IN " OCCUPYING_STATUSES

typedef enum FactColumn
{
	SLOT_CLINIC_ID,
	SLOT_DOCTOR_ID,
	SLOT_STARTS_AT,
	SLOT_ENDS_AT,
	SLOT_IS_AVAILABLE,
	CLINIC_NAME,
	CLINIC_TIME_ZONE,
	CLINIC_IS_ACTIVE,
	CLINIC_EARLIEST_START,
	CLINIC_LATEST_START,
	DOCTOR_NAME,
	DOCTOR_IS_ACTIVE,
	PATIENT_IS_ACTIVE,
	PATIENT_IS_ELSEWHERE,
	HOLD_EXPIRES_AT,
	OCCUPANT_ID,
	OCCUPANT_PATIENT_ID,
	OCCUPANT_IS_HOLD,
	OCCUPANT_HOLD_EXPIRED,
	OCCUPANT_XMAX,
	FACT_COLUMNS
} FactColumn;

static BookingPlan look_plan = {LOOK_SQL, 4, {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID}};

/* What a rule is about; it can only be judged when that exists. */
typedef enum RuleSubject
{
	NOTHING,
	SLOT,
	PATIENT,
	SLOT_AND_PATIENT
} RuleSubject;

typedef struct Rule
{
	const char *name;
	int sqlstate;
	const char *table;
	RuleSubject subject;
	bool (*passes)(const BookingFacts *facts, Refusal *why);
} Rule;

/* By somebody else, that is: an expired hold keeps nobody out, nor does the patient's own. */
bool
booking_is_occupied(const BookingFacts *facts)
{
	return facts->has_occupant && !facts->is_expired_hold && !facts->is_own_hold;
}

/* Such as "Dr Grace Hopper at Harley Street, 2099-06-01 09:00 BST (Europe/London).". */
static char *
slot_in_words(const BookingFacts *facts)
{
	return psprintf("%s at %s, %s.", facts->doctor_name, facts->clinic_name,
					booking_local_time(facts->starts_at, facts->time_zone));
}

static char *
find_another_slot(const BookingFacts *facts)
{
	return psprintf(
		"Choose a free slot: SELECT * FROM booking.available_slots(doctor_id => " INT64_FORMAT ").",
		facts->doctor_id);
}

static bool
slot_exists(const BookingFacts *facts, Refusal *why)
{
	if (facts->slot_exists)
		return true;
	why->message = psprintf("there is no time slot " INT64_FORMAT, facts->request.slot_id);
	why->detail = "no time slot has this id, or it was removed.";
	why->hint = booking_slot.find_hint;
	return false;
}

/* An occupied slot is not withdrawn, the next rule answers for it; and a hold outlives time off. */
static bool
slot_available(const BookingFacts *facts, Refusal *why)
{
	if (facts->is_available || booking_is_occupied(facts) || facts->is_own_hold)
		return true;
	why->message =
		psprintf("time slot " INT64_FORMAT " was withdrawn by the clinic", facts->request.slot_id);
	why->detail = slot_in_words(facts);
	why->hint = find_another_slot(facts);
	return false;
}

static bool
slot_not_booked(const BookingFacts *facts, Refusal *why)
{
	if (!booking_is_occupied(facts))
		return true;
	why->message = psprintf(facts->is_hold ? "time slot " INT64_FORMAT " is being held for somebody"
										   : "time slot " INT64_FORMAT " is already booked",
							facts->request.slot_id);
	why->detail = slot_in_words(facts);
	why->hint = find_another_slot(facts);
	return false;
}

static bool
slot_not_past(const BookingFacts *facts, Refusal *why)
{
	if (facts->starts_at > facts->now)
		return true;
	why->message =
		psprintf("time slot " INT64_FORMAT " has already started", facts->request.slot_id);
	why->detail = slot_in_words(facts);
	why->hint = find_another_slot(facts);
	return false;
}

static bool
clinic_active(const BookingFacts *facts, Refusal *why)
{
	if (facts->clinic_is_active)
		return true;
	why->message = psprintf("clinic " INT64_FORMAT " takes no bookings", facts->clinic_id);
	why->detail = psprintf("%s is inactive or was removed.", facts->clinic_name);
	why->hint = "Choose a slot at another clinic.";
	return false;
}

static bool
doctor_active(const BookingFacts *facts, Refusal *why)
{
	if (facts->doctor_is_active)
		return true;
	why->message = psprintf("doctor " INT64_FORMAT " takes no bookings", facts->doctor_id);
	why->detail = psprintf("%s is inactive or was removed.", facts->doctor_name);
	why->hint = "Choose a slot of another doctor.";
	return false;
}

static bool
patient_exists(const BookingFacts *facts, Refusal *why)
{
	if (facts->patient_exists)
		return true;
	why->message = "there is no such patient";
	why->detail = "no patient has this id, or the patient was removed.";
	why->hint = booking_patient.find_hint;
	return false;
}

static bool
patient_active(const BookingFacts *facts, Refusal *why)
{
	if (facts->patient_is_active)
		return true;
	why->message = "the patient is inactive";
	why->detail = "no appointment can be booked for an inactive patient.";
	why->hint = "Set the patient's is_active first.";
	return false;
}

/* Whoever made a hold in time may book it a little later. */
static bool
within_notice(const BookingFacts *facts, Refusal *why)
{
	if (facts->starts_at >= facts->earliest_start || facts->is_own_hold)
		return true;
	why->message =
		psprintf("it is too late to book time slot " INT64_FORMAT, facts->request.slot_id);
	why->detail = psprintf("%s The clinic books only slots from %s on.", slot_in_words(facts),
						   booking_local_time(facts->earliest_start, facts->time_zone));
	why->hint = "Choose a later slot, or call the clinic.";
	return false;
}

static bool
within_horizon(const BookingFacts *facts, Refusal *why)
{
	if (facts->starts_at <= facts->latest_start || facts->is_own_hold)
		return true;
	why->message =
		psprintf("it is too early to book time slot " INT64_FORMAT, facts->request.slot_id);
	why->detail = psprintf("%s The clinic books only slots up to %s.", slot_in_words(facts),
						   booking_local_time(facts->latest_start, facts->time_zone));
	why->hint = "Choose an earlier slot, or try again later.";
	return false;
}

static bool
patient_not_double_booked(const BookingFacts *facts, Refusal *why)
{
	if (!facts->patient_is_elsewhere)
		return true;
	why->message = psprintf("the patient has another appointment during time slot " INT64_FORMAT,
							facts->request.slot_id);
	why->detail = slot_in_words(facts);
	why->hint = "Choose a slot at another time, or cancel the other appointment first.";
	return false;
}

static const Rule chain[] = {
	{"slot_exists", ERRCODE_BOOKING_NOT_FOUND, "time_slots", NOTHING, slot_exists},
	{"slot_available", ERRCODE_BOOKING_CONFLICT, "time_slots", SLOT, slot_available},
	{"slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments", SLOT, slot_not_booked},
	{"slot_not_past", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots", SLOT, slot_not_past},
	{"clinic_active", ERRCODE_BOOKING_CONFLICT, "clinics", SLOT, clinic_active},
	{"doctor_active", ERRCODE_BOOKING_CONFLICT, "doctors", SLOT, doctor_active},
	{"patient_exists", ERRCODE_BOOKING_NOT_FOUND, "patients", NOTHING, patient_exists},
	{"patient_active", ERRCODE_BOOKING_CONFLICT, "patients", PATIENT, patient_active},
	{"within_notice", ERRCODE_BOOKING_UNPROCESSABLE, "clinics", SLOT, within_notice},
	{"within_horizon", ERRCODE_BOOKING_UNPROCESSABLE, "clinics", SLOT, within_horizon},
	{"patient_not_double_booked", ERRCODE_BOOKING_CONFLICT, "appointments", SLOT_AND_PATIENT,
	 patient_not_double_booked},
};

/* Whether a row version that we see is being replaced by another session. */
static bool
is_changing(TransactionId xmax)
{
	return TransactionIdIsNormal(xmax) && !TransactionIdIsCurrentTransactionId(xmax) &&
		   TransactionIdIsInProgress(xmax);
}

/* Gathers the facts about a request, in the snapshot that ask() chooses. */
static void
look(const BookingRequest *request, uint64 (*ask)(BookingPlan *, Datum *, const char *),
	 BookingFacts *facts)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum args[] = {Int64GetDatum(request->slot_id), Int64GetDatum(request->patient_id),
					TimestampTzGetDatum(now), Int64GetDatum(request->appointment_id)};
	const char arg_nulls[] = {' ', request->has_patient ? ' ' : 'n', ' ',
							  request->moves_appointment ? ' ' : 'n'};
	Datum fact[FACT_COLUMNS];
	bool unknown[FACT_COLUMNS];

	ask(&look_plan, args, arg_nulls);
	booking_row(0, fact, unknown);

	memset(facts, 0, sizeof(*facts));
	facts->request = *request;
	facts->now = now;

	facts->patient_exists = !unknown[PATIENT_IS_ACTIVE];
	facts->patient_is_active = facts->patient_exists && DatumGetBool(fact[PATIENT_IS_ACTIVE]);

	facts->slot_exists = !unknown[SLOT_CLINIC_ID];
	if (!facts->slot_exists)
		return;
	facts->clinic_id = DatumGetInt64(fact[SLOT_CLINIC_ID]);
	facts->doctor_id = DatumGetInt64(fact[SLOT_DOCTOR_ID]);
	facts->starts_at = DatumGetTimestampTz(fact[SLOT_STARTS_AT]);
	facts->ends_at = DatumGetTimestampTz(fact[SLOT_ENDS_AT]);
	facts->is_available = DatumGetBool(fact[SLOT_IS_AVAILABLE]);
	facts->clinic_name = TextDatumGetCString(fact[CLINIC_NAME]);
	facts->time_zone = TextDatumGetCString(fact[CLINIC_TIME_ZONE]);
	facts->clinic_is_active = DatumGetBool(fact[CLINIC_IS_ACTIVE]);
	facts->earliest_start = DatumGetTimestampTz(fact[CLINIC_EARLIEST_START]);
	facts->latest_start = DatumGetTimestampTz(fact[CLINIC_LATEST_START]);
	facts->doctor_name = TextDatumGetCString(fact[DOCTOR_NAME]);
	facts->doctor_is_active = DatumGetBool(fact[DOCTOR_IS_ACTIVE]);
	facts->patient_is_elsewhere = DatumGetBool(fact[PATIENT_IS_ELSEWHERE]);
	facts->clinic_hold_expires_at = DatumGetTimestampTz(fact[HOLD_EXPIRES_AT]);

	facts->has_occupant = !unknown[OCCUPANT_ID];
	if (!facts->has_occupant)
		return;
	facts->occupant_id = DatumGetInt64(fact[OCCUPANT_ID]);
	facts->is_hold = DatumGetBool(fact[OCCUPANT_IS_HOLD]);
	facts->is_expired_hold = facts->is_hold && DatumGetBool(fact[OCCUPANT_HOLD_EXPIRED]);
	facts->is_own_hold = facts->is_hold && !facts->is_expired_hold && request->has_patient &&
						 DatumGetInt64(fact[OCCUPANT_PATIENT_ID]) == request->patient_id;
	facts->occupant_is_changing = is_changing(DatumGetTransactionId(fact[OCCUPANT_XMAX]));
}

static bool
can_be_judged(const Rule *rule, const BookingFacts *facts)
{
	bool needs_slot = rule->subject == SLOT || rule->subject == SLOT_AND_PATIENT;
	bool needs_patient = rule->subject == PATIENT || rule->subject == SLOT_AND_PATIENT;

	return (facts->slot_exists || !needs_slot) && (facts->patient_exists || !needs_patient);
}

/* The slot and patient that a call names; without a patient, the one the caller is. */
void
booking_read_request(FunctionCallInfo fcinfo, const Caller *caller, BookingRequest *request)
{
	booking_require(fcinfo, 0, "slot_id");
	if (!caller->has_patient_id && (caller->is_admin || caller->is_staff))
		booking_require(fcinfo, 1, "patient_id");

	memset(request, 0, sizeof(*request));
	request->slot_id = PG_GETARG_INT64(0);
	request->has_patient = true;
	request->patient_id = PG_ARGISNULL(1) ? caller->patient_id : PG_GETARG_INT64(1);
	booking_require_may_book(caller, request->patient_id);
}

void
booking_look(const BookingRequest *request, BookingFacts *facts)
{
	look(request, booking_execute, facts);
}

/* With locks held: sees everything that was committed before they were granted. */
void
booking_look_now(const BookingRequest *request, BookingFacts *facts)
{
	look(request, booking_execute_now, facts);
}

/* Raises the first rule that fails, the clinic's own after ours. */
void
booking_enforce_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
	{
		Refusal why = {
			.sqlstate = chain[i].sqlstate,
			.rule = chain[i].name,
			.table = chain[i].table,
		};

		if (!chain[i].passes(facts, &why))
			booking_refuse(&why);
	}
	booking_enforce_clinic_rules(facts);
}

/* Adds a row to the answer of check_booking; refusal is NULL unless the rule failed. */
void
booking_report_rule(ReturnSetInfo *result, const char *name, bool judged, const Refusal *refusal)
{
	Datum values[] = {CStringGetTextDatum(name), BoolGetDatum(refusal == NULL), 0, 0};
	bool nulls[] = {false, !judged, true, true};

	if (refusal != NULL)
	{
		values[2] = CStringGetTextDatum(unpack_sql_state(refusal->sqlstate));
		values[3] = CStringGetTextDatum(refusal->message);
		nulls[2] = nulls[3] = false;
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
report_rule(ReturnSetInfo *result, const Rule *rule, const BookingFacts *facts)
{
	Refusal why = {
		.sqlstate = rule->sqlstate,
	};
	bool judged = can_be_judged(rule, facts);
	bool failed = judged && !rule->passes(facts, &why);

	booking_report_rule(result, rule->name, judged, failed ? &why : NULL);
}

/* A dry run of the whole chain: a row a rule. */
BOOKING_FUNCTION(booking_check_booking)
{
	BookingRequest request;
	BookingFacts facts;
	Caller caller;
	ReturnSetInfo *result;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);

	result = booking_start_set(fcinfo);
	SPI_connect();
	look(&request, booking_query, &facts);
	if (facts.slot_exists)
		booking_require_may_book_at(&caller, request.patient_id, facts.clinic_id);
	for (int i = 0; i < lengthof(chain); i++)
		report_rule(result, &chain[i], &facts);
	if (facts.slot_exists)
		booking_report_clinic_rules(&facts, result);
	SPI_finish();
	return (Datum) 0;
}

/* Whether somebody could book the slot now. */
BOOKING_FUNCTION(booking_is_slot_available)
{
	BookingRequest request = {0};
	BookingFacts facts;
	Refusal why = {0};
	bool available = true;

	booking_require(fcinfo, 0, "slot_id");
	request.slot_id = PG_GETARG_INT64(0);

	SPI_connect();
	look(&request, booking_query, &facts);
	if (!facts.slot_exists)
		booking_refuse_unknown(&booking_slot, request.slot_id);
	for (int i = 0; i < lengthof(chain) && available; i++)
		available = chain[i].subject != SLOT || chain[i].passes(&facts, &why);
	SPI_finish();
	PG_RETURN_BOOL(available);
}
