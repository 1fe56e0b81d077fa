/*
 * transition.c
 *		Changes of appointments: what each may become, and what follows from it. Called by the triggers
 *		guard and follow on appointments, and by book.c, holds.c, lifecycle.c and reassign.c.
 *
 * The triggers do the work, so that raw SQL obeys as well. The guard judges a change before it is made.
 * The follower updates the time slot and writes the event. Neither waits for a patient's or a slot's
 * lock: the UPDATE has the row's lock by then, and a function that has the other may wait for that.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "calendar/calendar.h"

#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

/*
 * When the change is allowed, the clinic's time zone, and what else would be allowed. Always one row,
 * since no foreign key guarantees that the clinic is there. $1 from, $2 to, $3 clinic.
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

/* The change that a function is making, and what the triggers have done about it so far. */
typedef struct Progress
{
	const Change *change;
	int depth; /* of the triggers that its own statement fires */
	uint64 guarded;
	uint64 to_follow;
	uint64 followed;
} Progress;

static Progress *current = NULL;

/* What raw SQL may not change. */
static const char *const fixed_columns[] = {
	"id",      "slot_id",   "patient_id",      "clinic_id",       "doctor_id", "starts_at",
	"ends_at", "booked_at", "hold_expires_at", "idempotency_key", "created_at"};

/* An appointment as a trigger is given it. */
typedef struct AppointmentTuple
{
	HeapTuple tuple;
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
} AppointmentTuple;

static Datum
get_column(const AppointmentTuple *appointment, const char *name, Oid type, bool *isnull)
{
	return heap_getattr(appointment->tuple, booking_column_of_type(appointment->desc, name, type),
						appointment->desc, isnull);
}

static int64
get_id(const AppointmentTuple *appointment, const char *name)
{
	bool isnull;

	return DatumGetInt64(get_column(appointment, name, INT8OID, &isnull));
}

/* 0 when there is none. */
static TimestampTz
get_time(const AppointmentTuple *appointment, const char *name)
{
	bool isnull;
	Datum time = get_column(appointment, name, TIMESTAMPTZOID, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(time);
}

static const char *
get_status(const AppointmentTuple *appointment)
{
	bool isnull;
	Datum status = get_column(appointment, "status", booking_status_type(), &isnull);

	if (isnull)
		booking_refuse_value("status");
	return booking_status_label(status);
}

static void
read_appointment(HeapTuple tuple, TupleDesc desc, AppointmentTuple *appointment)
{
	appointment->tuple = tuple;
	appointment->desc = desc;
	appointment->id = get_id(appointment, "id");
	appointment->slot_id = get_id(appointment, "slot_id");
	appointment->patient_id = get_id(appointment, "patient_id");
	appointment->clinic_id = get_id(appointment, "clinic_id");
	appointment->doctor_id = get_id(appointment, "doctor_id");
	appointment->starts_at = get_time(appointment, "starts_at");
	appointment->ends_at = get_time(appointment, "ends_at");
	appointment->hold_expires_at = get_time(appointment, "hold_expires_at");
	appointment->status = get_status(appointment);
}

static bool
occupies_slot(const AppointmentTuple *appointment)
{
	return booking_status_occupies(appointment->status);
}

static bool
is_hold(const AppointmentTuple *appointment)
{
	return strcmp(appointment->status, "pending") == 0;
}

/* The idempotency key alone may become null, as maintenance forgets old ones. */
static bool
column_is_kept(const AppointmentTuple *old, const AppointmentTuple *new, const char *name)
{
	AttrNumber number = booking_column_number(old->desc, name);
	Form_pg_attribute attribute = TupleDescAttr(old->desc, number - 1);
	bool old_is_null;
	bool new_is_null;
	Datum old_value = heap_getattr(old->tuple, number, old->desc, &old_is_null);
	Datum new_value = heap_getattr(new->tuple, number, new->desc, &new_is_null);

	if (old_is_null || new_is_null)
		return old_is_null == new_is_null || (new_is_null && strcmp(name, "idempotency_key") == 0);
	return datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

static void
check_fixed_columns(const AppointmentTuple *old, const AppointmentTuple *new)
{
	for (int i = 0; i < lengthof(fixed_columns); i++)
	{
		if (!column_is_kept(old, new, fixed_columns[i]))
			booking_refuse(APPOINTMENT_KEEPS_ITS_IDENTITY, .name = fixed_columns[i],
						   .appointment_id = old->id);
	}
}

static void
refuse_transition(const AppointmentTuple *old, const AppointmentTuple *new, const char *allowed)
{
	booking_refuse(allowed ? STATUS_TRANSITION : STATUS_IS_NOT_FINAL, .appointment_id = old->id,
				   .status = old->status, .new_status = new->status, .what = allowed);
}

/*
 * Another request of the patient's may take the hold for expired just now, so one of the two has to wait.
 * Our functions have the patient's lock already. Raw SQL has the row's lock, and must not wait for another.
 */
static void
lock_patient_of_hold(const AppointmentTuple *old)
{
	if (!booking_try_lock(PATIENT_LOCK, old->patient_id, ExclusiveLock))
		booking_refuse(PATIENT_NOT_BEING_BOOKED, .appointment_id = old->id);
}

/*
 * A hold does not always keep the patient from booking elsewhere: another clinic may allow overlaps, or
 * the same clinic may have for a while. So a hold that is booked without a request is judged here.
 */
static void
check_patient_is_free(const AppointmentTuple *old)
{
	BookingRequest request = {
		.slot_id = old->slot_id, .has_patient = true, .patient_id = old->patient_id};
	BookingFacts facts;

	booking_look_now(&request, &facts);
	booking_enforce_patient_rules(&facts);
	booking_end_look(&facts);
}

/* Whether it is the appointment's day by its clinic's clock. */
static bool
is_on_the_day(const AppointmentTuple *appointment, TimestampTz now, const char *time_zone)
{
	pg_tz *zone = booking_zone(time_zone);

	return !TIMESTAMP_NOT_FINITE(appointment->starts_at) &&
		   booking_local_date(now, zone) == booking_local_date(appointment->starts_at, zone);
}

/* Whether the change is allowed now. The last result is that of transition_plan. */
static bool
is_the_time(const AppointmentTuple *appointment, TimestampTz now, bool has_zone)
{
	const char *allowed = booking_row_text(0, 0);

	if (strcmp(allowed, "after the start") == 0)
		return appointment->starts_at <= now;
	if (strcmp(allowed, "on the day") == 0)
		return has_zone && is_on_the_day(appointment, now, booking_row_text(0, 1));
	return true;
}

/* A hold that was judged in time may expire before the write: the locks keep others out of its slot. */
static bool
has_expired(const AppointmentTuple *hold, const Change *change, TimestampTz now)
{
	return hold->hold_expires_at <= (change && change->now != 0 ? change->now : now);
}

static void
check_transition(const AppointmentTuple *old, const AppointmentTuple *new, const Change *change)
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

/* A hold that is confirmed was booked now, and no longer expires. */
static HeapTuple
stamp_booking(const AppointmentTuple *old, const AppointmentTuple *new)
{
	int columns[] = {booking_column_of_type(new->desc, "booked_at", TIMESTAMPTZOID),
					 booking_column_of_type(new->desc, "hold_expires_at", TIMESTAMPTZOID)};
	Datum values[] = {TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), 0};
	bool nulls[] = {false, true};

	if (!is_hold(old) || strcmp(new->status, "booked") != 0)
		return new->tuple;
	return heap_modify_tuple_by_cols(new->tuple, new->desc, 2, columns, values, nulls);
}

/* The same as the condition of the trigger follow, in SQL. */
static bool
is_followed(const AppointmentTuple *old, const AppointmentTuple *new)
{
	return strcmp(old->status, new->status) != 0 || old->slot_id != new->slot_id ||
		   old->doctor_id != new->doctor_id ||
		   (old->hold_expires_at != 0 && new->hold_expires_at != 0 &&
			old->hold_expires_at != new->hold_expires_at);
}

/* Under the calendar's lock, so that time off entered at the same moment sees the slot or is seen here. */
static void
release_slot(const AppointmentTuple *old)
{
	Datum args[] = {Int64GetDatum(old->slot_id), BoolGetDatum(is_hold(old)), 0};
	char nulls[] = "   ";

	booking_lock(CALENDAR_LOCK, old->doctor_id, CALENDAR_BOOK);
	args[2] = booking_time_off_of_slot(old->slot_id, &nulls[2]);
	booking_require_written(booking_execute(&release_plan, args, nulls), 1);
}

static void
update_held_slot(BookingPlan *plan, const AppointmentTuple *old, const AppointmentTuple *new)
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
update_slot(const AppointmentTuple *old, const AppointmentTuple *new)
{
	if (old->slot_id != new->slot_id || (occupies_slot(old) && !occupies_slot(new)))
		release_slot(old);
	else if (is_hold(new))
		update_held_slot(&extend_slot_plan, old, new);
	else if (is_hold(old))
		update_held_slot(&confirm_slot_plan, old, new);
}

static void
write_event(const AppointmentTuple *old, const AppointmentTuple *new, const Change *change)
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
 * What one of our functions is doing to this appointment. NULL for raw SQL, also when somebody's trigger
 * runs it under our statement.
 */
static Progress *
progress_of(const AppointmentTuple *appointment)
{
	if (current && booking_trigger_depth() == current->depth &&
		(current->change->is_of_many || current->change->appointment_id == appointment->id))
		return current;
	return NULL;
}

/* Without the triggers the slot would stay as it was, and there would be no event. */
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
	HeapTuple result = trigger->tg_newtuple;
	AppointmentTuple old;
	AppointmentTuple new;
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
		result = stamp_booking(&old, &new);
	}
	if (progress != NULL)
	{
		progress->guarded++;
		progress->to_follow += is_followed(&old, &new) ? 1 : 0;
	}
	return PointerGetDatum(result);
}

BOOKING_FUNCTION(booking_follow_appointment)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ROW_UPDATE, "appointments");
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	AppointmentTuple old;
	AppointmentTuple new;
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
