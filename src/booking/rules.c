/*
 * rules.c
 *		The chain of rules that a booking has to pass. Called by book.c, lifecycle.c, transition.c and
 *		write.c, and as a dry run through SQL.
 *
 * The rules are a table: adding one is adding a row and a function. They judge the facts that facts.c
 * gathers.
 */
#include "booking/booking.h"
#include "callers/callers.h"

#include "funcapi.h"
#include "utils/builtins.h"

/* What a rule is about. Unless it asks whether that is there, it cannot be judged without. */
typedef enum RuleSubject
{
	SLOT_IF_ANY,
	SLOT_ALONE, /* needs no facts about its clinic and doctor */
	SLOT,       /* with its clinic and doctor */
	PATIENT_IF_ANY,
	PATIENT,
	SLOT_AND_PATIENT
} RuleSubject;

typedef struct Rule
{
	RefusalName refusal; /* unless the function names another */
	RuleSubject subject;
	bool (*passes)(const BookingFacts *facts, Refusal *why);
} Rule;

static bool
slot_exists(const BookingFacts *facts, Refusal *why)
{
	return facts->slot_exists;
}

/* For an occupied slot, the next rule answers. A hold may be booked although time off withdrew its slot. */
static bool
slot_available(const BookingFacts *facts, Refusal *why)
{
	return facts->is_available || booking_is_occupied(facts) || facts->is_own_hold;
}

static bool
slot_not_booked(const BookingFacts *facts, Refusal *why)
{
	if (facts->is_hold)
		why->which = SLOT_NOT_HELD;
	return !booking_is_occupied(facts);
}

static bool
slot_not_past(const BookingFacts *facts, Refusal *why)
{
	return facts->starts_at > facts->now;
}

static bool
clinic_active(const BookingFacts *facts, Refusal *why)
{
	return facts->clinic_is_active;
}

static bool
doctor_active(const BookingFacts *facts, Refusal *why)
{
	return facts->doctor_is_active;
}

static bool
patient_exists(const BookingFacts *facts, Refusal *why)
{
	return facts->patient_exists;
}

static bool
patient_active(const BookingFacts *facts, Refusal *why)
{
	return facts->patient_is_active;
}

/* An instant so far from now, by the clinic's calendar. */
static TimestampTz
from_now(const BookingFacts *facts, const Interval *span)
{
	return booking_plus_in_zone(facts->now, span, facts->time_zone);
}

/* A hold that was made in time may be booked a little later. */
static bool
within_notice(const BookingFacts *facts, Refusal *why)
{
	if (facts->is_own_hold)
		return true;
	why->from = from_now(facts, &facts->min_notice);
	return facts->starts_at >= why->from;
}

static bool
within_horizon(const BookingFacts *facts, Refusal *why)
{
	if (facts->is_own_hold || !facts->has_horizon)
		return true;
	why->until = from_now(facts, &facts->booking_horizon);
	return facts->starts_at <= why->until;
}

static bool
patient_not_double_booked(const BookingFacts *facts, Refusal *why)
{
	return !facts->patient_is_elsewhere;
}

static const Rule chain[] = {
	{SLOT_EXISTS, SLOT_IF_ANY, slot_exists},
	{SLOT_AVAILABLE, SLOT_ALONE, slot_available},
	{SLOT_NOT_BOOKED, SLOT_ALONE, slot_not_booked},
	{SLOT_NOT_PAST, SLOT_ALONE, slot_not_past},
	{CLINIC_ACTIVE, SLOT, clinic_active},
	{DOCTOR_ACTIVE, SLOT, doctor_active},
	{PATIENT_OF_REQUEST_EXISTS, PATIENT_IF_ANY, patient_exists},
	{PATIENT_ACTIVE, PATIENT, patient_active},
	{WITHIN_NOTICE, SLOT, within_notice},
	{WITHIN_HORIZON, SLOT, within_horizon},
	{PATIENT_NOT_DOUBLE_BOOKED, SLOT_AND_PATIENT, patient_not_double_booked},
};

static bool
is_about_slot(const Rule *rule)
{
	return rule->subject == SLOT_ALONE || rule->subject == SLOT;
}

static bool
can_be_judged(const Rule *rule, const BookingFacts *facts)
{
	bool needs_slot = is_about_slot(rule) || rule->subject == SLOT_AND_PATIENT;
	bool needs_patient = rule->subject == PATIENT || rule->subject == SLOT_AND_PATIENT;

	return (facts->slot_exists || !needs_slot) && (facts->patient_exists || !needs_patient);
}

/*
 * What refusals say of the slot. Inactive clinics and doctors are not shown to everybody, so they are not
 * named here either: whoever guesses ids of slots would learn their names.
 */
static void
describe_slot(const BookingFacts *facts, Refusal *why)
{
	bool has_doctor = facts->doctor_is_active && facts->clinic_is_active;

	why->clinic_id = facts->clinic_id;
	why->doctor_id = facts->doctor_id;
	why->clinic = facts->clinic_is_active ? facts->clinic_name
										  : psprintf("clinic " INT64_FORMAT, facts->clinic_id);
	why->doctor =
		has_doctor ? facts->doctor_name : psprintf("doctor " INT64_FORMAT, facts->doctor_id);
	why->starts_at = facts->starts_at;
	why->zone = facts->time_zone;
}

static bool
passes(const Rule *rule, const BookingFacts *facts, Refusal *why)
{
	*why =
		(Refusal){rule->refusal, .id = facts->request.slot_id, .slot_id = facts->request.slot_id};
	if (rule->passes(facts, why))
		return true;
	if (facts->slot_exists)
		describe_slot(facts, why);
	return false;
}

static void
enforce_rule(const Rule *rule, const BookingFacts *facts)
{
	Refusal why;

	if (!passes(rule, facts, &why))
		booking_raise(&why);
}

/* Raises the first rule that fails, the clinic's own after ours. */
void
booking_enforce_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
		enforce_rule(&chain[i], facts);
	booking_enforce_clinic_rules(facts);
}

/* The same for a slot that does not look free, after booking_look_at_slot: no other rule has its facts. */
void
booking_enforce_slot_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
	{
		if (chain[i].subject == SLOT_IF_ANY || chain[i].subject == SLOT_ALONE)
			enforce_rule(&chain[i], facts);
	}
}

/* For a hold that is booked without a request: the patient may have booked elsewhere since it was made. */
void
booking_enforce_patient_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
	{
		if (chain[i].subject == SLOT_AND_PATIENT)
			enforce_rule(&chain[i], facts);
	}
}

static void
report_rule(ReturnSetInfo *result, const Rule *rule, const BookingFacts *facts)
{
	Refusal why;
	Verdict verdict = {.rule = booking_catalogue[rule->refusal].rule,
					   .is_judged = can_be_judged(rule, facts)};

	if (verdict.is_judged && !passes(rule, facts, &why))
		verdict.refusal = &why;
	booking_report_rule(result, &verdict);
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
	booking_look_in_active_snapshot(&request, &facts);
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
BOOKING_FUNCTION_AS_CALLER(booking_is_slot_available)
{
	BookingRequest request = {0};
	BookingFacts facts;
	Refusal why;
	bool available = true;

	booking_require(fcinfo, 0, "slot_id");
	request.slot_id = PG_GETARG_INT64(0);

	SPI_connect();
	booking_look_in_active_snapshot(&request, &facts);
	if (!facts.slot_exists)
		booking_refuse(SLOT_EXISTS, .id = request.slot_id);
	for (int i = 0; i < lengthof(chain) && available; i++)
		available = !is_about_slot(&chain[i]) || passes(&chain[i], &facts, &why);
	SPI_finish();
	PG_RETURN_BOOL(available);
}
