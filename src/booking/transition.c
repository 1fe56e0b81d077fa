/*
 * transition.c
 *		Changes of appointments: what each may become, and what follows from it. Called by the
 *		triggers on appointments, so that raw SQL obeys, and by the files that change them.
 *
 * The guard judges a change before it is made; the follower lets the time slot follow and
 * writes the event. Neither waits for a patient's or a slot's lock: the row lock of the UPDATE that
 * fires them is there, and to wait under it could deadlock with a function that has the other.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "calendar/calendar.h"

#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

/*
 * One row always: no key guarantees the copy of the clinic's id, and without the clinic no day
 * is its today. $1 from, $2 to, $3 clinic.
 */
#define TRANSITION_SQL \
	"SELECT t.allowed, c.time_zone," \
	"       (SELECT string_agg(n.to_status::text || CASE n.allowed WHEN 'always' THEN ''" \
	"                          ELSE ' (' || n.allowed || ')' END, ', ' ORDER BY n.to_status)" \
	"        FROM booking.status_transitions n WHERE n.from_status = $1::booking.appointment_status)" \
	" FROM (SELECT) AS request" \
	" LEFT JOIN booking.clinics c ON c.id = $3" \
	" LEFT JOIN booking.status_transitions t" \
	"     ON t.from_status = $1::booking.appointment_status" \
	"     AND t.to_status = $2::booking.appointment_status"

/*
 * A hold left the slot available; any other appointment withdrew it. $1 slot, $2 whether it was a
 * hold, $3 the time off that the slot is in, which keeps it withdrawn.
 */
#define RELEASE_SQL \
	"UPDATE booking.time_slots SET held_until = NULL, updated_at = now()," \
	"       is_available = CASE WHEN $2 THEN is_available ELSE $3 IS NULL END," \
	"       time_off_id = CASE WHEN $2 THEN time_off_id ELSE $3 END" \
	" WHERE id = $1"

/*
 * The slot of a hold that is confirmed or extended, if it still is as the hold has it: raw SQL that
 * found the hold expired may have moved the slot. $1 slot, $2 doctor, $3 start, $4 end.
 */
#define AS_HELD_SQL \
	" WHERE id = $1 AND doctor_id = $2 AND starts_at = $3 AND ends_at = $4 AND deleted_at IS NULL"
#define HELD_SLOT_SQL(columns) \
	"UPDATE booking.time_slots SET " columns ", updated_at = now()" AS_HELD_SQL
#define HELD_SLOT_ARGTYPES INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID

static BookingPlan transition_plan = {TRANSITION_SQL, 3, {TEXTOID, TEXTOID, INT8OID}};
static BookingPlan release_plan = {RELEASE_SQL, 3, {INT8OID, BOOLOID, INT8OID}};
static BookingPlan confirm_slot_plan = {
	HELD_SLOT_SQL("is_available = false, held_until = NULL, time_off_id = NULL"),
	4,
	{HELD_SLOT_ARGTYPES}};
static BookingPlan extend_slot_plan = {
	HELD_SLOT_SQL("held_until = $5"), 5, {HELD_SLOT_ARGTYPES, TIMESTAMPTZOID}};
static BookingPlan as_held_plan = {
	"SELECT FROM booking.time_slots" AS_HELD_SQL, 4, {HELD_SLOT_ARGTYPES}};

/* The change that a function is making at this moment, and what the triggers have done about it. */
typedef struct Progress
{
	const Change *change;
	int depth; /* of the triggers that its statement fires; others' statements fire them deeper */
	uint64 guarded;
	uint64 to_follow;
	uint64 followed;
} Progress;

static Progress *current = NULL;

/* What the functions alone may change: identity, the slot's copies, and their own notes. */
static const char *const fixed_columns[] = {
	"id",      "slot_id",   "patient_id",      "clinic_id",       "doctor_id", "starts_at",
	"ends_at", "booked_at", "hold_expires_at", "idempotency_key", "created_at"};

/* An appointment as a trigger is handed it. */
typedef struct Appointment
{
	HeapTuple row;
	TupleDesc desc;
	int64 id;
	int64 slot_id;
	int64 patient_id;
	int64 clinic_id;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	TimestampTz hold_expires_at; /* 0 when there is none */
	const char *status;
} Appointment;

static Datum
column(HeapTuple row, TupleDesc desc, const char *name, Oid type, bool *isnull)
{
	return heap_getattr(row, booking_column_of_type(desc, name, type), desc, isnull);
}

static void
read_appointment(HeapTuple row, TupleDesc desc, Appointment *appointment)
{
	bool isnull;
	Datum expiry;
	Datum status;

	appointment->row = row;
	appointment->desc = desc;
	appointment->id = DatumGetInt64(column(row, desc, "id", INT8OID, &isnull));
	appointment->slot_id = DatumGetInt64(column(row, desc, "slot_id", INT8OID, &isnull));
	appointment->patient_id = DatumGetInt64(column(row, desc, "patient_id", INT8OID, &isnull));
	appointment->clinic_id = DatumGetInt64(column(row, desc, "clinic_id", INT8OID, &isnull));
	appointment->doctor_id = DatumGetInt64(column(row, desc, "doctor_id", INT8OID, &isnull));
	appointment->starts_at =
		DatumGetTimestampTz(column(row, desc, "starts_at", TIMESTAMPTZOID, &isnull));
	appointment->ends_at =
		DatumGetTimestampTz(column(row, desc, "ends_at", TIMESTAMPTZOID, &isnull));
	expiry = column(row, desc, "hold_expires_at", TIMESTAMPTZOID, &isnull);
	appointment->hold_expires_at = isnull ? 0 : DatumGetTimestampTz(expiry);
	status = column(row, desc, "status", booking_status_type(), &isnull);
	if (isnull)
		booking_refuse_value("status");
	appointment->status = booking_status_label(status);
}

static bool
occupies_slot(const Appointment *appointment)
{
	return booking_status_occupies(appointment->status);
}

static bool
is_hold(const Appointment *appointment)
{
	return strcmp(appointment->status, "pending") == 0;
}

/* An idempotency key may be forgotten by anybody, which is no change of the appointment. */
static bool
column_is_untouched(const Appointment *old, const Appointment *new, const char *name)
{
	AttrNumber number = booking_column_number(old->desc, name);
	Form_pg_attribute attribute = TupleDescAttr(old->desc, number - 1);
	bool old_is_null;
	bool new_is_null;
	Datum old_value = heap_getattr(old->row, number, old->desc, &old_is_null);
	Datum new_value = heap_getattr(new->row, number, new->desc, &new_is_null);

	if (old_is_null || new_is_null)
		return old_is_null == new_is_null || (new_is_null && strcmp(name, "idempotency_key") == 0);
	return datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

static void
check_fixed_columns(const Appointment *old, const Appointment *new)
{
	for (int i = 0; i < lengthof(fixed_columns); i++)
	{
		if (!column_is_untouched(old, new, fixed_columns[i]))
			booking_refuse(APPOINTMENT_KEEPS_ITS_IDENTITY, .name = fixed_columns[i],
						   .appointment_id = old->id);
	}
}

static void
refuse_transition(const Appointment *old, const Appointment *new, const char *allowed)
{
	booking_refuse(allowed ? STATUS_TRANSITION : STATUS_IS_NOT_FINAL, .appointment_id = old->id,
				   .status = old->status, .new_status = new->status, .what = allowed);
}

/*
 * While the patient books, somebody may have found the hold expired, or be about to. Our functions
 * have the patient's lock by now; raw SQL must not wait for it with the row locked.
 */
static void
lock_patient_of_hold(const Appointment *old)
{
	if (!booking_try_lock(PATIENT_LOCK, old->patient_id, ExclusiveLock))
		booking_refuse(PATIENT_NOT_BEING_BOOKED, .appointment_id = old->id);
}

/*
 * Where the hold kept the patient from booking elsewhere, another clinic may have let them, or the clinic
 * itself for a while. A request to book the hold was judged before.
 */
static void
check_patient_is_free(const Appointment *old)
{
	BookingRequest request = {
		.slot_id = old->slot_id, .has_patient = true, .patient_id = old->patient_id};
	BookingFacts facts;

	booking_look_now(&request, &facts);
	booking_enforce_patient_rules(&facts);
	booking_end_look(&facts);
}

/* Whether it is the appointment's day by its clinic's clock; only who asks has to know the zone. */
static bool
is_on_the_day(const Appointment *appointment, TimestampTz now, const char *time_zone)
{
	pg_tz *zone = booking_zone(time_zone);

	return !TIMESTAMP_NOT_FINITE(appointment->starts_at) &&
		   booking_local_date(now, zone) == booking_local_date(appointment->starts_at, zone);
}

/* By what the last result says of the change: when it is allowed, and the clinic's zone, if any. */
static bool
is_the_time(const Appointment *appointment, TimestampTz now, bool has_zone)
{
	const char *allowed = booking_row_text(0, 0);

	if (strcmp(allowed, "after the start") == 0)
		return appointment->starts_at <= now;
	if (strcmp(allowed, "on the day") == 0)
		return has_zone && is_on_the_day(appointment, now, booking_row_text(0, 1));
	return true;
}

/* A hold that expires between the look and the write is kept: the locks let nobody else have the slot. */
static bool
has_expired(const Appointment *hold, const Change *change, TimestampTz now)
{
	return hold->hold_expires_at <= (change && change->now != 0 ? change->now : now);
}

static void
check_transition(const Appointment *old, const Appointment *new, const Change *change)
{
	bool books_hold = is_hold(old) && strcmp(new->status, "booked") == 0;
	Datum args[] = {CStringGetTextDatum(old->status), CStringGetTextDatum(new->status),
					Int64GetDatum(old->clinic_id)};
	TimestampTz now;
	Datum values[3];
	bool nulls[3];

	if (books_hold)
		lock_patient_of_hold(old);
	now = GetCurrentTimestamp();

	booking_execute(&transition_plan, args, NULL);
	booking_row(0, values, nulls);
	if (nulls[0] || !is_the_time(old, now, !nulls[1]))
		refuse_transition(old, new, nulls[2] ? NULL : booking_row_text(0, 2));
	if (books_hold && has_expired(old, change, now))
		booking_refuse(HOLD_NOT_EXPIRED, .appointment_id = old->id);
	if (books_hold && (change == NULL || change->sets_status))
		check_patient_is_free(old);
}

/* A hold that becomes an appointment was booked now, and no longer expires. */
static HeapTuple
note_booking(const Appointment *old, const Appointment *new)
{
	int columns[] = {booking_column_of_type(new->desc, "booked_at", TIMESTAMPTZOID),
					 booking_column_of_type(new->desc, "hold_expires_at", TIMESTAMPTZOID)};
	Datum values[] = {TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), 0};
	bool nulls[] = {false, true};

	if (!is_hold(old) || strcmp(new->status, "booked") != 0)
		return new->row;
	return heap_modify_tuple_by_cols(new->row, new->desc, 2, columns, values, nulls);
}

/* As the condition of the trigger follow has it. */
static bool
is_followed(const Appointment *old, const Appointment *new)
{
	return strcmp(old->status, new->status) != 0 || old->slot_id != new->slot_id ||
		   old->doctor_id != new->doctor_id ||
		   (old->hold_expires_at != 0 && new->hold_expires_at != 0 &&
			old->hold_expires_at != new->hold_expires_at);
}

/* Time off may be entered meanwhile, or has been: either it sees the slot, or we see it. */
static void
release_slot(const Appointment *old)
{
	Datum args[] = {Int64GetDatum(old->slot_id), BoolGetDatum(is_hold(old)), 0};
	char nulls[] = "   ";

	booking_lock(CALENDAR_LOCK, old->doctor_id, CALENDAR_BOOK);
	args[2] = booking_time_off_of_slot(old->slot_id, &nulls[2]);
	booking_require_written(booking_execute(&release_plan, args, nulls), 1);
}

static void
update_held_slot(BookingPlan *plan, const Appointment *old, const Appointment *new)
{
	Datum args[] = {Int64GetDatum(old->slot_id), Int64GetDatum(old->doctor_id),
					TimestampTzGetDatum(old->starts_at), TimestampTzGetDatum(old->ends_at),
					TimestampTzGetDatum(new->hold_expires_at)};

	if (booking_execute(plan, args, NULL) > 0)
		return;
	booking_require_none_left(&as_held_plan, args, NULL);
	booking_refuse(SLOT_AS_JUDGED, .slot_id = old->slot_id);
}

static void
update_slot(const Appointment *old, const Appointment *new)
{
	if (old->slot_id != new->slot_id || (occupies_slot(old) && !occupies_slot(new)))
		release_slot(old);
	else if (is_hold(new))
		update_held_slot(&extend_slot_plan, old, new);
	else if (is_hold(old))
		update_held_slot(&confirm_slot_plan, old, new);
}

static void
write_event(const Appointment *old, const Appointment *new, const Change *change)
{
	const Event event = {
		.appointment_id = new->id,
		.slot_id = new->slot_id,
		.from_status = old->status,
		.to_status = new->status,
		.reason = change ? change->reason : NULL,
	};

	booking_write_event_of(change ? change->actor : CALLER_ACTS, &event);
}

/*
 * What one of our functions is doing about this appointment. NULL for raw SQL, also for that of others'
 * triggers under our statement.
 */
static Progress *
progress_of(const Appointment *appointment)
{
	if (current && booking_trigger_depth() == current->depth &&
		(current->change->is_of_many || current->change->appointment_id == appointment->id))
		return current;
	return NULL;
}

/* Without them, a slot would stay as it was, and there would be no event. */
static void
require_triggers(const Progress *progress, uint64 rows)
{
	if (progress->guarded >= rows && progress->followed >= progress->to_follow)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("the triggers of booking.appointments did not follow a change"),
		 errdetail("They judge it, let the time slot follow and write the event."),
		 errhint(
			 "Enable the triggers guard and follow, reset session_replication_role, and look for triggers that return another row.")));
}

/* Runs a statement that changes appointments, and tells the triggers why. */
uint64
booking_change_appointments(const Change *change, BookingPlan *plan, Datum *values,
							const char *nulls)
{
	Progress progress = {.change = change, .depth = booking_trigger_depth() + 1};
	Progress *outer = current;
	uint64 rows = 0;

	current = &progress;
	PG_TRY();
	{
		rows = booking_execute(plan, values, nulls);
	}
	PG_FINALLY();
	{
		current = outer;
	}
	PG_END_TRY();
	require_triggers(&progress, rows);
	return rows;
}

BOOKING_FUNCTION(booking_guard_appointment)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_UPDATE, "appointments");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	HeapTuple row = trigger->tg_newtuple;
	Appointment old;
	Appointment new;
	Progress *progress;

	booking_check_restricted_operation("UPDATE of booking.appointments");
	read_appointment(trigger->tg_trigtuple, desc, &old);
	read_appointment(trigger->tg_newtuple, desc, &new);
	progress = progress_of(&old);
	if (progress == NULL)
		check_fixed_columns(&old, &new);

	if (strcmp(old.status, new.status) != 0 || (progress && progress->change->sets_status))
	{
		SPI_connect();
		check_transition(&old, &new, progress ? progress->change : NULL);
		SPI_finish();
		row = note_booking(&old, &new);
	}
	if (progress != NULL)
	{
		progress->guarded++;
		progress->to_follow += is_followed(&old, &new) ? 1 : 0;
	}
	return PointerGetDatum(row);
}

BOOKING_FUNCTION(booking_follow_appointment)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ROW_UPDATE, "appointments");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	Appointment old;
	Appointment new;
	Progress *progress;

	read_appointment(trigger->tg_trigtuple, desc, &old);
	read_appointment(trigger->tg_newtuple, desc, &new);
	progress = progress_of(&old);

	SPI_connect();
	update_slot(&old, &new);
	write_event(&old, &new, progress ? progress->change : NULL);
	SPI_finish();
	if (progress != NULL)
		progress->followed++;
	return PointerGetDatum(NULL);
}
