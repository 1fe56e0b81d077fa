/*
 * idempotency.c
 *		Keys by which a request can be sent again without booking twice. Called by book.c.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "utils/snapmgr.h"

/*
 * What the patient's key was used for before. The slot is the first one, from the event: the
 * appointment may have been moved since.
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

/* Found without a statement: a key is nearly always new. */
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
 * The slot may have been removed since it was booked, so that no look has found its clinic, and the
 * appointment may have been moved to another.
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
 * The answer that this request was given before, in memory that outlives SPI_finish. To be
 * called after a look, so that it finds whatever made the look find the slot taken. A live hold
 * is no answer to a request to book: that confirms it.
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
		booking_execute_now(&key_plan, args, NULL) == 0)
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
