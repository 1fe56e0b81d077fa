/*
 * facts.c
 *		Gathers the facts that a booking's rules judge. Called by everything that judges a request to book.
 *
 * All of it with one snapshot, so that the chain judges one state of the book. The rows are read by index,
 * without SQL, since a join over six tables would cost more than the booking's writes.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

static char *
get_text(const BookRow *row, int column)
{
	return TextDatumGetCString(booking_get(row, column));
}

static TimestampTz
get_time(const BookRow *row, int column)
{
	return DatumGetTimestampTz(booking_get(row, column));
}

static Interval
get_interval(const BookRow *row, int column)
{
	return *DatumGetIntervalP(booking_get(row, column));
}

static const char *
get_status(const BookRow *appointment)
{
	return booking_status_label(booking_get(appointment, APPOINTMENTS_STATUS));
}

static void
read_slot(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *slot = booking_find(TIME_SLOTS_PKEY, snapshot, facts->request.slot_id);

	facts->slot = slot;
	facts->slot_exists = slot != NULL && booking_is_null(slot, TIME_SLOTS_DELETED_AT);
	if (facts->slot_exists)
	{
		facts->clinic_id = DatumGetInt64(booking_get(slot, TIME_SLOTS_CLINIC_ID));
		facts->doctor_id = DatumGetInt64(booking_get(slot, TIME_SLOTS_DOCTOR_ID));
		facts->starts_at = get_time(slot, TIME_SLOTS_STARTS_AT);
		facts->ends_at = get_time(slot, TIME_SLOTS_ENDS_AT);
		facts->is_available = DatumGetBool(booking_get(slot, TIME_SLOTS_IS_AVAILABLE));
		facts->is_held = !booking_is_null(slot, TIME_SLOTS_HELD_UNTIL) &&
						 get_time(slot, TIME_SLOTS_HELD_UNTIL) > facts->now;
	}
}

static void
read_occupant(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *occupant = booking_find(UNIQUE_TIMESLOT, snapshot, facts->request.slot_id);

	facts->has_occupant = occupant != NULL;
	if (facts->has_occupant)
	{
		facts->occupant_id = DatumGetInt64(booking_get(occupant, APPOINTMENTS_ID));
		facts->is_hold = strcmp(get_status(occupant), "pending") == 0;
		facts->is_expired_hold =
			facts->is_hold && get_time(occupant, APPOINTMENTS_HOLD_EXPIRES_AT) <= facts->now;
		facts->is_own_hold = facts->is_hold && !facts->is_expired_hold &&
							 facts->request.has_patient &&
							 DatumGetInt64(booking_get(occupant, APPOINTMENTS_PATIENT_ID)) ==
								 facts->request.patient_id;
		facts->occupant_is_changing = booking_is_changing(occupant);
	}
	booking_release_row(occupant);
}

/* Reads what refusals say of the clinic. */
static BookRow *
find_clinic(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *clinic = booking_find(CLINICS_PKEY, snapshot, facts->clinic_id);

	if (clinic == NULL)
		booking_refuse_value("clinic_id");
	facts->clinic_name = get_text(clinic, CLINICS_NAME);
	facts->time_zone = get_text(clinic, CLINICS_TIME_ZONE);
	facts->clinic_is_active = DatumGetBool(booking_get(clinic, CLINICS_IS_ACTIVE)) &&
							  booking_is_null(clinic, CLINICS_DELETED_AT);
	return clinic;
}

/* Returns whether the clinic's patients may be in two places at once. */
static bool
read_clinic(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *clinic = find_clinic(snapshot, facts);
	bool allows_overlap = DatumGetBool(booking_get(clinic, CLINICS_ALLOW_PATIENT_OVERLAP));

	facts->min_notice = get_interval(clinic, CLINICS_MIN_NOTICE);
	facts->has_horizon = !booking_is_null(clinic, CLINICS_BOOKING_HORIZON);
	if (facts->has_horizon)
		facts->booking_horizon = get_interval(clinic, CLINICS_BOOKING_HORIZON);
	facts->hold_duration = get_interval(clinic, CLINICS_HOLD_DURATION);
	booking_release_row(clinic);
	return allows_overlap;
}

static void
read_doctor(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *doctor = booking_find(DOCTORS_PKEY, snapshot, facts->doctor_id);

	if (doctor == NULL)
		booking_refuse_value("doctor_id");
	facts->doctor_name = get_text(doctor, DOCTORS_NAME);
	facts->doctor_is_active = DatumGetBool(booking_get(doctor, DOCTORS_IS_ACTIVE)) &&
							  booking_is_null(doctor, DOCTORS_DELETED_AT);
	booking_release_row(doctor);
}

static void
read_patient(Snapshot snapshot, BookingFacts *facts)
{
	BookRow *patient = booking_find(PATIENTS_PKEY, snapshot, facts->request.patient_id);

	facts->patient = patient;
	facts->patient_exists = patient != NULL && booking_is_null(patient, PATIENTS_DELETED_AT);
	facts->patient_is_active =
		facts->patient_exists && DatumGetBool(booking_get(patient, PATIENTS_IS_ACTIVE));
}

/* Whether an appointment of the patient keeps them from coming to the slot. */
static bool
is_in_the_way(const BookRow *appointment, const BookingFacts *facts)
{
	const BookingRequest *request = &facts->request;
	const char *status;

	if (DatumGetInt64(booking_get(appointment, APPOINTMENTS_SLOT_ID)) == request->slot_id ||
		get_time(appointment, APPOINTMENTS_ENDS_AT) <= facts->starts_at ||
		(request->moves_appointment &&
		 DatumGetInt64(booking_get(appointment, APPOINTMENTS_ID)) == request->appointment_id))
		return false;
	status = get_status(appointment);
	if (strcmp(status, "pending") == 0)
		return get_time(appointment, APPOINTMENTS_HOLD_EXPIRES_AT) > facts->now;
	return booking_status_occupies(status);
}

/* Looks for another appointment of the patient's during the slot. */
static void
find_overlap(Snapshot snapshot, BookingFacts *facts)
{
	TimestampTz first = facts->starts_at - LONGEST_SLOT_MINUTES * USECS_PER_MINUTE;
	const Condition conditions[] = {{0, EQUAL, Int64GetDatum(facts->request.patient_id)},
									{1, GREATER, TimestampTzGetDatum(first)},
									{1, LESS, TimestampTzGetDatum(facts->ends_at)}};
	BookScan *scan =
		booking_start_scan(APPOINTMENTS_OF_A_PATIENT, snapshot, conditions, lengthof(conditions));
	const BookRow *appointment;

	while (!facts->patient_is_elsewhere &&
		   (appointment = booking_next_row(scan, ForwardScanDirection)) != NULL)
		facts->patient_is_elsewhere = is_in_the_way(appointment, facts);
	booking_end_scan(scan);
}

static void
start_look(const BookingRequest *request, BookingFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->request = *request;
	facts->now = GetCurrentTimestamp();
}

static void
look_at_all(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts)
{
	start_look(request, facts);
	read_slot(snapshot, facts);
	if (request->has_patient)
		read_patient(snapshot, facts);
	if (!facts->slot_exists)
		return;
	read_occupant(snapshot, facts);
	read_doctor(snapshot, facts);
	if (!read_clinic(snapshot, facts) && request->has_patient)
		find_overlap(snapshot, facts);
}

/*
 * Enough to tell whether somebody was faster. A slot that is not marked has no occupant, unless raw SQL
 * put one there, which the look under the locks finds. Of a slot that is taken, the names are read as
 * well, for the refusal.
 */
static void
look_at_slot(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts)
{
	start_look(request, facts);
	read_slot(snapshot, facts);
	if (!facts->slot_exists || (booking_looks_free(facts) && !facts->is_held))
		return;
	read_occupant(snapshot, facts);
	if (!booking_looks_free(facts))
	{
		read_doctor(snapshot, facts);
		booking_release_row(find_clinic(snapshot, facts));
	}
}

typedef void Look(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts);

/* Sees what the transaction has done so far, as its next statement would. */
static void
look_afresh(Look *look_at, const BookingRequest *request, Snapshot (*take)(void),
			BookingFacts *facts)
{
	Snapshot snapshot;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(take());
	look_at(request, snapshot, facts);
	facts->snapshot = snapshot;
}

/* Releases the rows and the snapshot that booking_look_now kept. */
void
booking_end_look(BookingFacts *facts)
{
	booking_release_row(facts->slot);
	booking_release_row(facts->patient);
	facts->slot = facts->patient = NULL;
	UnregisterSnapshot(facts->snapshot);
	facts->snapshot = InvalidSnapshot;
}

void
booking_look(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(look_at_all, request, GetTransactionSnapshot, facts);
	booking_end_look(facts);
}

/* No facts about the patient, and about clinic and doctor only the names, of a slot that is taken. */
void
booking_look_at_slot(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(look_at_slot, request, GetTransactionSnapshot, facts);
	booking_end_look(facts);
}

/*
 * For when locks are held: sees everything that was committed before they were granted. Keeps the rows
 * for the writes, until booking_end_look.
 */
void
booking_look_now(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(look_at_all, request, GetLatestSnapshot, facts);
}

/* For a STABLE function, which sees what the statement that calls it sees. */
void
booking_look_in_active_snapshot(const BookingRequest *request, BookingFacts *facts)
{
	look_at_all(request, GetActiveSnapshot(), facts);
	booking_end_look(facts);
}

/*
 * Locks the calendar of the slot's doctor, and looks again. The slot is locked already, and the patient
 * of a booking. Keeps the rows for the writes, until booking_end_look.
 */
void
booking_lock_calendar_and_look(const BookingRequest *request, BookingFacts *facts)
{
	int64 doctor_id;

	/* the slot may have got another doctor before it was locked */
	for (;;)
	{
		doctor_id = facts->doctor_id;
		booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK);
		booking_look_now(request, facts);
		if (!facts->slot_exists || facts->doctor_id == doctor_id)
			break;
		booking_end_look(facts);
	}
}

/* The slot and patient of a call. Who names no patient is the patient. */
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

/* Whether an appointment is in the way: an expired hold is not, nor is the patient's own. */
bool
booking_is_occupied(const BookingFacts *facts)
{
	return facts->has_occupant && !facts->is_expired_hold && !facts->is_own_hold;
}

/* Whether the slot is worth waiting for its lock: most requests that fail come too late. */
bool
booking_looks_free(const BookingFacts *facts)
{
	return facts->slot_exists && (facts->is_available || facts->is_own_hold) &&
		   !booking_is_occupied(facts) && facts->starts_at > facts->now;
}
