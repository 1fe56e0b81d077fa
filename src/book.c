/*
 * book.c
 *		Booking a time slot. Called through SQL.
 *
 * Look, lock, look again: a request that cannot succeed is refused by the first look, and has
 * neither locked nor written anything.
 */
#include "booking.h"

#include "utils/builtins.h"

/*
 * The three writes in one statement. Its WHERE looks at the slot itself once more, since raw
 * SQL takes no advisory lock: without the slot there is no appointment.
 */
#define BOOK_SQL \
	"WITH slot AS (" \
	"    UPDATE booking.time_slots SET is_available = false, held_until = NULL, updated_at = now()" \
	"    WHERE id = $1 AND is_available AND deleted_at IS NULL" \
	"    RETURNING id, clinic_id, doctor_id, starts_at, ends_at), " \
	"made AS (" \
	"    INSERT INTO booking.appointments AS a" \
	"        (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at," \
	"         status, booked_at)" \
	"    SELECT id, $2, clinic_id, doctor_id, starts_at, ends_at, 'booked', now() FROM slot" \
	"    RETURNING a AS appointment, a.id, a.time_slot_id, a.status), " \
	"event AS (" \
	"    INSERT INTO booking.appointment_events" \
	"        (appointment_id, time_slot_id, to_status, actor_role, actor)" \
	"    SELECT id, time_slot_id, status, $3, $4 FROM made) " \
	"SELECT appointment FROM made"

static BookingPlan book_plan = {BOOK_SQL, 4, {INT8OID, INT8OID, NAMEOID, TEXTOID}};

/* Waits for every rival, and checks again what they may have changed. */
static void
lock_and_look_again(const BookingRequest *request, BookingFacts *facts)
{
	int64		doctor_id;

	booking_lock(SLOT_LOCK, request->slot_id, ExclusiveLock);
	booking_lock(PATIENT_LOCK, request->patient_id, ExclusiveLock);

	/* the slot may have been handed to another doctor before we had its lock */
	do
	{
		doctor_id = facts->doctor_id;
		booking_lock(CALENDAR_LOCK, doctor_id, CALENDAR_BOOK);
		booking_look(request, facts);
		booking_enforce_rules(facts);
	} while (facts->doctor_id != doctor_id);
}

/* Returns the appointment, in memory that outlives SPI_finish. */
static Datum
write_booking(const BookingRequest *request, const Caller *caller)
{
	Refusal		changed = {ERRCODE_BOOKING_CONFLICT, "slot_not_booked", "time_slots", NULL,
		"another session changed it without taking its lock, or a trigger kept it from being booked.",
	"Try again."};
	Datum		values[] = {Int64GetDatum(request->slot_id), Int64GetDatum(request->patient_id),
		DirectFunctionCall1(namein, CStringGetDatum(caller->role)),
	caller->subject ? CStringGetTextDatum(caller->subject) : (Datum) 0};
	const char	nulls[] = {' ', ' ', ' ', caller->subject ? ' ' : 'n'};
	BookingFacts facts;

	if (booking_execute(&book_plan, values, nulls) == 1)
		return booking_returned_row();

	booking_look(request, &facts);
	booking_enforce_rules(&facts);
	changed.message = psprintf("time slot " INT64_FORMAT " could not be booked", request->slot_id);
	booking_refuse(&changed);
}

PG_FUNCTION_INFO_V1(booking_book_slot);
Datum
booking_book_slot(PG_FUNCTION_ARGS)
{
	Caller		caller;
	BookingRequest request;
	BookingFacts facts;
	Datum		appointment;

	booking_caller(&caller);
	booking_read_request(fcinfo, &caller, &request);

	booking_start_writing("book_slot()");
	booking_look(&request, &facts);
	booking_enforce_rules(&facts);
	lock_and_look_again(&request, &facts);
	appointment = write_booking(&request, &caller);
	SPI_finish();
	return appointment;
}
