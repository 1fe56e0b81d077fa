/*
 * idempotency.c
 *		Keys by which a request can be sent again without booking twice. Called by book.c.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "utils/snapmgr.h"

/*
 * What the patient's key was used for. The slot is that of the first event, since the appointment may have
 * been moved. $1 patient, $2 key, $3 now, $4 the slot that is asked for.
 */
static BookingPlan key_plan = {
	"SELECT a, (SELECT e.slot_id FROM booking.appointment_events e"
	"           WHERE e.appointment_id = a.id ORDER BY e.id LIMIT 1),"
	"       a.id, a.status = 'pending', a.booked_at IS NULL AND a.hold_expires_at <= $3, a.clinic_id,"
	"       (SELECT clinic_id FROM booking.time_slots WHERE id = $4)"
	" FROM booking.appointments a WHERE a.patient_id = $1 AND a.idempotency_key = $2",
	4,
	{INT8OID, TEXTOID, TIMESTAMPTZOID, INT8OID}};

text *
booking_read_key(FunctionCallInfo fcinfo, int argument)
{
	text *key;

	if (PG_ARGISNULL(argument))
		return NULL;
	key = PG_GETARG_TEXT_PP(argument);
	booking_require_text(key, 255, KEY_LENGTH);
	return key;
}

/* By the index, without a statement, since a key is nearly always new. */
static bool
key_is_used(const BookingRequest *request)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	const Condition conditions[] = {{0, EQUAL, Int64GetDatum(request->patient_id)},
									{1, EQUAL, PointerGetDatum(request->idempotency_key)}};
	BookScan *scan = booking_start_scan(IDEMPOTENCY_KEY_IS_USED_ONCE, snapshot, conditions,
										lengthof(conditions));
	bool is_used = booking_next_row(scan, ForwardScanDirection) != NULL;

	booking_end_scan(scan);
	UnregisterSnapshot(snapshot);
	return is_used;
}

/*
 * Judges both clinics, of the appointment and of the slot. The look did not if the slot has been removed,
 * and the appointment may have been moved to another clinic.
 */
static void
require_may_be_told(const BookingRequest *request, const Caller *caller, const Datum *clinic_ids,
					const bool *nulls)
{
	for (int i = 0; i < 2; i++)
	{
		if (!nulls[i])
			booking_require_may_book_at(caller, request->patient_id, DatumGetInt64(clinic_ids[i]));
	}
}

/*
 * Finds the answer that this request was given before, in memory that outlives SPI_finish. Called after a
 * look, so that an appointment that the look found is found as well. A hold that has not expired is no
 * answer to a request to book, which confirms it.
 */
bool
booking_was_answered(const BookingRequest *request, const Caller *caller, Purpose purpose,
					 Datum *appointment)
{
	Datum args[] = {Int64GetDatum(request->patient_id), PointerGetDatum(request->idempotency_key),
					TimestampTzGetDatum(GetCurrentTimestamp()), Int64GetDatum(request->slot_id)};
	Datum values[7];
	bool nulls[7];

	if (request->idempotency_key == NULL || !key_is_used(request) ||
		booking_execute_latest(&key_plan, args, NULL) == 0)
		return false;
	booking_row(0, values, nulls);
	if (nulls[1] || DatumGetInt64(values[1]) != request->slot_id)
		booking_refuse(KEY_MATCHES, .slot_id = request->slot_id);
	require_may_be_told(request, caller, &values[5], &nulls[5]);
	if (!nulls[4] && DatumGetBool(values[4]))
		booking_refuse(HOLD_NOT_EXPIRED, .appointment_id = DatumGetInt64(values[2]));
	if (DatumGetBool(values[3]) && purpose == BOOK)
		return false;
	*appointment = booking_returned_row();
	return true;
}
