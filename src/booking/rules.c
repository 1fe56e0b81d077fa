/*
 * rules.c
 *		The validation chain of a booking. Called by book.c, and as a dry run through SQL.
 *
 * The rules are a table: adding one is adding a row and a function. They look at the facts that
 * facts.c gathers.
 */
#include "booking/booking.h"
#include "callers/callers.h"

#include "funcapi.h"
#include "utils/builtins.h"

/* What a rule is about; it can only be judged when that exists. */
typedef enum RuleSubject
{
	SLOT_IF_ANY,
	SLOT_ALONE, /* of its clinic and doctor only their names */
	SLOT,       /* its clinic and doctor, too */
	PATIENT_IF_ANY,
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

/*
 * Such as "Dr Grace Hopper at Harley Street, 2099-06-01 09:00 BST (Europe/London).". Who is not shown to
 * everybody is not named: whoever guesses ids of slots would learn of them.
 */
static char *
slot_in_words(const BookingFacts *facts)
{
	bool has_doctor = facts->doctor_is_active && facts->clinic_is_active;

	return psprintf("%s at %s, %s.",
					has_doctor ? facts->doctor_name
							   : psprintf("doctor " INT64_FORMAT, facts->doctor_id),
					facts->clinic_is_active ? facts->clinic_name
											: psprintf("clinic " INT64_FORMAT, facts->clinic_id),
					booking_local_time(facts->starts_at, facts->time_zone));
}

static char *
find_another_slot(const BookingFacts *facts)
{
	return psprintf("Choose a free slot: booking.available_slots(doctor_id => " INT64_FORMAT ").",
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
	why->detail = "it is inactive or was removed.";
	why->hint = "Choose a slot at another clinic.";
	return false;
}

static bool
doctor_active(const BookingFacts *facts, Refusal *why)
{
	if (facts->doctor_is_active)
		return true;
	why->message = psprintf("doctor " INT64_FORMAT " takes no bookings", facts->doctor_id);
	why->detail = "the doctor is inactive or was removed.";
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

/* Now and so long later, by the clinic's calendar. */
static TimestampTz
from_now(const BookingFacts *facts, const Interval *span)
{
	return booking_plus_in_zone(facts->now, span, facts->time_zone);
}

/* Whoever made a hold in time may book it a little later. */
static bool
within_notice(const BookingFacts *facts, Refusal *why)
{
	TimestampTz earliest_start;

	if (facts->is_own_hold)
		return true;
	earliest_start = from_now(facts, &facts->min_notice);
	if (facts->starts_at >= earliest_start)
		return true;
	why->message =
		psprintf("it is too late to book time slot " INT64_FORMAT, facts->request.slot_id);
	why->detail = psprintf("%s The clinic books only slots from %s on.", slot_in_words(facts),
						   booking_local_time(earliest_start, facts->time_zone));
	why->hint = "Choose a later slot, or call the clinic.";
	return false;
}

static bool
within_horizon(const BookingFacts *facts, Refusal *why)
{
	TimestampTz latest_start;

	if (facts->is_own_hold || !facts->has_horizon)
		return true;
	latest_start = from_now(facts, &facts->booking_horizon);
	if (facts->starts_at <= latest_start)
		return true;
	why->message =
		psprintf("it is too early to book time slot " INT64_FORMAT, facts->request.slot_id);
	why->detail = psprintf("%s The clinic books only slots up to %s.", slot_in_words(facts),
						   booking_local_time(latest_start, facts->time_zone));
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
	{"slot_exists", ERRCODE_BOOKING_NOT_FOUND, "time_slots", SLOT_IF_ANY, slot_exists},
	{"slot_available", ERRCODE_BOOKING_CONFLICT, "time_slots", SLOT_ALONE, slot_available},
	{"slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments", SLOT_ALONE, slot_not_booked},
	{"slot_not_past", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots", SLOT_ALONE, slot_not_past},
	{"clinic_active", ERRCODE_BOOKING_CONFLICT, "clinics", SLOT, clinic_active},
	{"doctor_active", ERRCODE_BOOKING_CONFLICT, "doctors", SLOT, doctor_active},
	{"patient_exists", ERRCODE_BOOKING_NOT_FOUND, "patients", PATIENT_IF_ANY, patient_exists},
	{"patient_active", ERRCODE_BOOKING_CONFLICT, "patients", PATIENT, patient_active},
	{"within_notice", ERRCODE_BOOKING_UNPROCESSABLE, "clinics", SLOT, within_notice},
	{"within_horizon", ERRCODE_BOOKING_UNPROCESSABLE, "clinics", SLOT, within_horizon},
	{"patient_not_double_booked", ERRCODE_BOOKING_CONFLICT, "appointments", SLOT_AND_PATIENT,
	 patient_not_double_booked},
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

static void
enforce_rule(const Rule *rule, const BookingFacts *facts)
{
	Refusal why = {
		.sqlstate = rule->sqlstate,
		.rule = rule->name,
		.table = rule->table,
	};

	if (!rule->passes(facts, &why))
		booking_refuse(&why);
}

/* Raises the first rule that fails, the clinic's own after ours. */
void
booking_enforce_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
		enforce_rule(&chain[i], facts);
	booking_enforce_clinic_rules(facts);
}

/* The same after a glance, which has not looked further: for a slot that does not look free. */
void
booking_enforce_slot_rules(const BookingFacts *facts)
{
	for (int i = 0; i < lengthof(chain); i++)
	{
		if (chain[i].subject == SLOT_IF_ANY || chain[i].subject == SLOT_ALONE)
			enforce_rule(&chain[i], facts);
	}
}

/* For a hold that is booked without a request: what may have come between since it was made. */
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
	booking_look_as_asked(&request, &facts);
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
	Refusal why = {0};
	bool available = true;

	booking_require(fcinfo, 0, "slot_id");
	request.slot_id = PG_GETARG_INT64(0);

	SPI_connect();
	booking_look_as_asked(&request, &facts);
	if (!facts.slot_exists)
		booking_refuse_unknown(&booking_slot, request.slot_id);
	for (int i = 0; i < lengthof(chain) && available; i++)
		available = !is_about_slot(&chain[i]) || chain[i].passes(&facts, &why);
	SPI_finish();
	PG_RETURN_BOOL(available);
}
