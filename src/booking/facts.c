/*
 * facts.c
 *		What a booking's rules look at. Called by everything that judges a request to book.
 *
 * One snapshot for all of it, so that the chain judges one state of the book; and by the indexes
 * themselves, since a join over six tables would cost more than the booking's writes.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

enum
{
	SLOT_ID,
	SLOT_CLINIC_ID,
	SLOT_DOCTOR_ID,
	SLOT_STARTS_AT,
	SLOT_ENDS_AT,
	SLOT_IS_AVAILABLE,
	SLOT_HELD_UNTIL,
	SLOT_DELETED_AT
};
static BookingIndex slots = {.table = {.name = "time_slots",
									   .columns = {{"id", INT8OID},
												   {"clinic_id", INT8OID},
												   {"doctor_id", INT8OID},
												   {"starts_at", TIMESTAMPTZOID},
												   {"ends_at", TIMESTAMPTZOID},
												   {"is_available", BOOLOID},
												   {"held_until", TIMESTAMPTZOID},
												   {"deleted_at", TIMESTAMPTZOID}}},
							 .name = "time_slots_pkey",
							 .place_count = FEW_PLACES,
							 .is_to_update = true};

enum
{
	CLINIC_ID,
	CLINIC_NAME,
	CLINIC_TIME_ZONE,
	CLINIC_IS_ACTIVE,
	CLINIC_DELETED_AT,
	CLINIC_MIN_NOTICE,
	CLINIC_BOOKING_HORIZON,
	CLINIC_HOLD_DURATION,
	CLINIC_ALLOW_PATIENT_OVERLAP
};
static BookingIndex clinics = {.table = {.name = "clinics",
										 .columns = {{"id", INT8OID},
													 {"name", TEXTOID},
													 {"time_zone", TEXTOID},
													 {"is_active", BOOLOID},
													 {"deleted_at", TIMESTAMPTZOID},
													 {"min_notice", INTERVALOID},
													 {"booking_horizon", INTERVALOID},
													 {"hold_duration", INTERVALOID},
													 {"allow_patient_overlap", BOOLOID}}},
							   .name = "clinics_pkey",
							   .place_count = MANY_PLACES};

enum
{
	PERSON_ID,
	PERSON_IS_ACTIVE,
	PERSON_DELETED_AT,
	PERSON_NAME
};
static BookingIndex doctors = {.table = {.name = "doctors",
										 .columns = {{"id", INT8OID},
													 {"is_active", BOOLOID},
													 {"deleted_at", TIMESTAMPTZOID},
													 {"name", TEXTOID}}},
							   .name = "doctors_pkey",
							   .place_count = MANY_PLACES};
BookingIndex booking_patients = {
	.table = {.name = "patients",
			  .columns = {{"id", INT8OID}, {"is_active", BOOLOID}, {"deleted_at", TIMESTAMPTZOID}}},
	.name = "patients_pkey",
	.place_count = FEW_PLACES};

enum
{
	APPOINTMENT_SLOT_ID,
	APPOINTMENT_ID,
	APPOINTMENT_PATIENT_ID,
	APPOINTMENT_ENDS_AT,
	APPOINTMENT_STATUS,
	APPOINTMENT_HOLD_EXPIRES_AT
};
#define APPOINTMENT_COLUMNS \
	{ \
		{"slot_id", INT8OID}, {"id", INT8OID}, {"patient_id", INT8OID}, \
			{"ends_at", TIMESTAMPTZOID}, {"status", InvalidOid}, \
		{ \
			"hold_expires_at", TIMESTAMPTZOID \
		} \
	}
static bool occupies_slot(const BookingScan *scan);
static BookingIndex occupants = {.table = {.name = "appointments", .columns = APPOINTMENT_COLUMNS},
								 .name = "unique_timeslot",
								 .place_count = FEW_PLACES,
								 .has_row = occupies_slot};
static BookingIndex patients_appointments = {
	.table = {.name = "appointments", .columns = APPOINTMENT_COLUMNS},
	.name = "appointments_of_a_patient",
	.second = TIMESTAMPTZOID};

/* A column that is NOT NULL, or is so where it is asked for. */
static Datum
column(const BookingScan *scan, int number)
{
	bool isnull;
	Datum value = booking_column(scan, number, &isnull);

	if (isnull)
		booking_refuse_value(scan->index->table.columns[number].name);
	return value;
}

static bool
column_is_null(const BookingScan *scan, int number)
{
	bool isnull;

	(void) booking_column(scan, number, &isnull);
	return isnull;
}

static char *
column_text(const BookingScan *scan, int number)
{
	return TextDatumGetCString(column(scan, number));
}

static Interval
column_interval(const BookingScan *scan, int number)
{
	return *DatumGetIntervalP(column(scan, number));
}

static const char *
column_status(const BookingScan *scan)
{
	return booking_status_label(column(scan, APPOINTMENT_STATUS));
}

/* As the predicate of unique_timeslot has it. */
static bool
occupies_slot(const BookingScan *scan)
{
	return booking_status_occupies(column_status(scan));
}

static void
look_at_slot(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan *scan = &facts->slot;

	facts->slot_exists = booking_find(scan, &slots, snapshot, facts->request.slot_id) &&
						 column_is_null(scan, SLOT_DELETED_AT);
	if (facts->slot_exists)
	{
		facts->clinic_id = DatumGetInt64(column(scan, SLOT_CLINIC_ID));
		facts->doctor_id = DatumGetInt64(column(scan, SLOT_DOCTOR_ID));
		facts->starts_at = DatumGetTimestampTz(column(scan, SLOT_STARTS_AT));
		facts->ends_at = DatumGetTimestampTz(column(scan, SLOT_ENDS_AT));
		facts->is_available = DatumGetBool(column(scan, SLOT_IS_AVAILABLE));
		facts->is_held = !column_is_null(scan, SLOT_HELD_UNTIL) &&
						 DatumGetTimestampTz(column(scan, SLOT_HELD_UNTIL)) > facts->now;
	}
}

/* Who is replacing a row version, or has tried to; not who only locks it, as foreign keys do. */
static TransactionId
updater(const BookingScan *scan)
{
	const BufferHeapTupleTableSlot *row = (BufferHeapTupleTableSlot *) scan->row;
	HeapTupleHeader header = row->base.tuple->t_data;
	TransactionId xmax = InvalidTransactionId;

	/* the flags and what they tell of are to be of one moment */
	LockBuffer(row->buffer, BUFFER_LOCK_SHARE);
	if (!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		xmax = HeapTupleHeaderGetUpdateXid(header);
	LockBuffer(row->buffer, BUFFER_LOCK_UNLOCK);
	return xmax;
}

/* Whether a row version that we see is being replaced by another session. */
static bool
is_changing(const BookingScan *scan)
{
	TransactionId xmax = TTS_IS_BUFFERTUPLE(scan->row) ? updater(scan) : InvalidTransactionId;

	return TransactionIdIsNormal(xmax) && !TransactionIdIsCurrentTransactionId(xmax) &&
		   TransactionIdIsInProgress(xmax);
}

static void
look_at_occupant(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan scan;

	facts->has_occupant = booking_find(&scan, &occupants, snapshot, facts->request.slot_id);
	if (facts->has_occupant)
	{
		facts->occupant_id = DatumGetInt64(column(&scan, APPOINTMENT_ID));
		facts->is_hold = strcmp(column_status(&scan), "pending") == 0;
		facts->is_expired_hold =
			facts->is_hold &&
			DatumGetTimestampTz(column(&scan, APPOINTMENT_HOLD_EXPIRES_AT)) <= facts->now;
		facts->is_own_hold =
			facts->is_hold && !facts->is_expired_hold && facts->request.has_patient &&
			DatumGetInt64(column(&scan, APPOINTMENT_PATIENT_ID)) == facts->request.patient_id;
		facts->occupant_is_changing = is_changing(&scan);
	}
	booking_end_scan(&scan);
}

/* Finds the clinic, and what messages say of it. */
static void
find_clinic(BookingScan *scan, Snapshot snapshot, BookingFacts *facts)
{
	if (!booking_find(scan, &clinics, snapshot, facts->clinic_id))
		booking_refuse_value("clinic_id");
	facts->clinic_name = column_text(scan, CLINIC_NAME);
	facts->time_zone = column_text(scan, CLINIC_TIME_ZONE);
	facts->clinic_is_active =
		DatumGetBool(column(scan, CLINIC_IS_ACTIVE)) && column_is_null(scan, CLINIC_DELETED_AT);
}

static void
name_clinic(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan scan;

	find_clinic(&scan, snapshot, facts);
	booking_end_scan(&scan);
}

/* Returns whether its patients may be in two places at once. */
static bool
look_at_clinic(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan scan;
	bool allows_overlap;

	find_clinic(&scan, snapshot, facts);
	facts->min_notice = column_interval(&scan, CLINIC_MIN_NOTICE);
	facts->has_horizon = !column_is_null(&scan, CLINIC_BOOKING_HORIZON);
	if (facts->has_horizon)
		facts->booking_horizon = column_interval(&scan, CLINIC_BOOKING_HORIZON);
	facts->hold_duration = column_interval(&scan, CLINIC_HOLD_DURATION);
	allows_overlap = DatumGetBool(column(&scan, CLINIC_ALLOW_PATIENT_OVERLAP));
	booking_end_scan(&scan);
	return allows_overlap;
}

static void
look_at_doctor(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan scan;

	if (!booking_find(&scan, &doctors, snapshot, facts->doctor_id))
		booking_refuse_value("doctor_id");
	facts->doctor_name = column_text(&scan, PERSON_NAME);
	facts->doctor_is_active =
		DatumGetBool(column(&scan, PERSON_IS_ACTIVE)) && column_is_null(&scan, PERSON_DELETED_AT);
	booking_end_scan(&scan);
}

static void
look_at_patient(Snapshot snapshot, BookingFacts *facts)
{
	BookingScan *scan = &facts->patient;

	facts->patient_exists =
		booking_find(scan, &booking_patients, snapshot, facts->request.patient_id) &&
		column_is_null(scan, PERSON_DELETED_AT);
	facts->patient_is_active =
		facts->patient_exists && DatumGetBool(column(scan, PERSON_IS_ACTIVE));
}

/* Whether an appointment of the patient keeps them from coming to the slot. */
static bool
is_in_the_way(const BookingScan *scan, const BookingFacts *facts)
{
	const BookingRequest *request = &facts->request;
	const char *status;

	if (DatumGetInt64(column(scan, APPOINTMENT_SLOT_ID)) == request->slot_id ||
		DatumGetTimestampTz(column(scan, APPOINTMENT_ENDS_AT)) <= facts->starts_at ||
		(request->moves_appointment &&
		 DatumGetInt64(column(scan, APPOINTMENT_ID)) == request->appointment_id))
		return false;
	status = column_status(scan);
	if (strcmp(status, "pending") == 0)
		return DatumGetTimestampTz(column(scan, APPOINTMENT_HOLD_EXPIRES_AT)) > facts->now;
	return booking_status_occupies(status);
}

/* Looks for another appointment of the patient's during the slot. */
static void
look_elsewhere(Snapshot snapshot, BookingFacts *facts)
{
	TimestampTz first = facts->starts_at - LONGEST_SLOT_MINUTES * USECS_PER_MINUTE;
	ScanKeyData keys[3];
	BookingScan scan;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(facts->request.patient_id));
	ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, TimestampTzGetDatum(first));
	ScanKeyInit(&keys[2], 2, BTLessStrategyNumber, F_TIMESTAMPTZ_LT,
				TimestampTzGetDatum(facts->ends_at));
	booking_start_scan(&scan, &patients_appointments, snapshot, keys, lengthof(keys));
	while (!facts->patient_is_elsewhere && booking_next_row(&scan, ForwardScanDirection))
		facts->patient_is_elsewhere = is_in_the_way(&scan, facts);
	booking_end_scan(&scan);
}

static void
start_look(const BookingRequest *request, BookingFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->request = *request;
	facts->now = GetCurrentTimestamp();
}

static void
look(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts)
{
	start_look(request, facts);
	look_at_slot(snapshot, facts);
	if (request->has_patient)
		look_at_patient(snapshot, facts);
	if (!facts->slot_exists)
		return;
	look_at_occupant(snapshot, facts);
	look_at_doctor(snapshot, facts);
	if (!look_at_clinic(snapshot, facts) && request->has_patient)
		look_elsewhere(snapshot, facts);
}

/*
 * Only as far as somebody else may have been faster. A slot that is not marked has no occupant, or
 * one that raw SQL put there, which the next look finds; of one that is taken, the names are wanted to
 * say so.
 */
static void
glance(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts)
{
	start_look(request, facts);
	look_at_slot(snapshot, facts);
	if (!facts->slot_exists || (booking_looks_free(facts) && !facts->is_held))
		return;
	look_at_occupant(snapshot, facts);
	if (!booking_looks_free(facts))
	{
		look_at_doctor(snapshot, facts);
		name_clinic(snapshot, facts);
	}
}

typedef void Look(const BookingRequest *request, Snapshot snapshot, BookingFacts *facts);

/* Sees, as the next statement would, what the calling one has done so far. */
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

/* Lets the rows that were looked at go. */
void
booking_end_look(BookingFacts *facts)
{
	booking_end_scan(&facts->slot);
	booking_end_scan(&facts->patient);
	UnregisterSnapshot(facts->snapshot);
	facts->snapshot = InvalidSnapshot;
}

void
booking_look(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(look, request, GetTransactionSnapshot, facts);
	booking_end_look(facts);
}

/* At the slot alone while it looks free: no facts about the patient, none about clinic and doctor. */
void
booking_glance(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(glance, request, GetTransactionSnapshot, facts);
	booking_end_look(facts);
}

/*
 * With locks held: sees everything that was committed before they were granted. To be ended by
 * booking_end_look.
 */
void
booking_look_now(const BookingRequest *request, BookingFacts *facts)
{
	look_afresh(look, request, GetLatestSnapshot, facts);
}

/* With the caller's snapshot, as a STABLE function must. */
void
booking_look_as_asked(const BookingRequest *request, BookingFacts *facts)
{
	look(request, GetActiveSnapshot(), facts);
	booking_end_look(facts);
}

/*
 * Checks again what a rival may have changed; the locks of slot and patient are held. To be ended by
 * booking_end_look.
 */
void
booking_look_again(const BookingRequest *request, BookingFacts *facts)
{
	int64 doctor_id;

	/* the slot may have been handed to another doctor before we had its lock */
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

/* By somebody else, that is: an expired hold keeps nobody out, nor does the patient's own. */
bool
booking_is_occupied(const BookingFacts *facts)
{
	return facts->has_occupant && !facts->is_expired_hold && !facts->is_own_hold;
}

/* Whether it is worth waiting for: most requests that fail come too late for their slot. */
bool
booking_looks_free(const BookingFacts *facts)
{
	return facts->slot_exists && (facts->is_available || facts->is_own_hold) &&
		   !booking_is_occupied(facts) && facts->starts_at > facts->now;
}

/* After the writes, in which somebody else's function may have deleted what the booking is about. */
bool
booking_are_still_there(const BookingRequest *request)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	BookingScan slot;
	BookingScan patient;
	bool are_there;

	are_there = booking_find(&slot, &slots, snapshot, request->slot_id);
	booking_end_scan(&slot);
	are_there &= booking_find(&patient, &booking_patients, snapshot, request->patient_id);
	booking_end_scan(&patient);
	UnregisterSnapshot(snapshot);
	return are_there;
}
