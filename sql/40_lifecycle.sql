-- The life of an appointment: holds, cancelling, moving, and what each status may become.

-- Rows belong to the extension, so they are not dumped.
CREATE TABLE booking.status_transitions (
	from_status booking.appointment_status,
	to_status booking.appointment_status,
	allowed text NOT NULL,
	PRIMARY KEY (from_status, to_status),
	CONSTRAINT allowed_at_a_known_time CHECK (allowed IN ('always', 'after the start', 'on the day'))
);
INSERT INTO booking.status_transitions (from_status, to_status, allowed) VALUES
	('pending', 'booked', 'always'),
	('pending', 'cancelled', 'always'),
	('booked', 'arrived', 'always'),
	('booked', 'checked-in', 'always'),
	('booked', 'fulfilled', 'after the start'),
	('booked', 'cancelled', 'always'),
	('booked', 'noshow', 'after the start'),
	('arrived', 'checked-in', 'always'),
	('arrived', 'fulfilled', 'after the start'),
	('arrived', 'cancelled', 'always'),
	('checked-in', 'fulfilled', 'after the start'),
	('checked-in', 'cancelled', 'always'),
	('noshow', 'booked', 'on the day'),
	('noshow', 'arrived', 'on the day');
INSERT INTO booking.status_transitions (from_status, to_status, allowed)
	SELECT status, 'entered-in-error', 'always'
	FROM unnest(enum_range(NULL::booking.appointment_status)) status
	WHERE status <> 'entered-in-error';

COMMENT ON TABLE booking.status_transitions IS 'What the status of an appointment may become.

What is not here is refused (PT409), by whatever way it is tried. Part of the extension: changes to it are not dumped.';
COMMENT ON COLUMN booking.status_transitions.from_status IS 'The status before.';
COMMENT ON COLUMN booking.status_transitions.to_status IS 'The status after.';
COMMENT ON COLUMN booking.status_transitions.allowed IS 'When: always, after the start of the appointment, or on the day (the clinic''s local date) of the appointment.';

CREATE INDEX holds_by_expiry ON booking.appointments (hold_expires_at) WHERE status = 'pending';

-- BEFORE: judges a change of an appointment, by whatever way it comes. AFTER: lets the time
-- slot follow and writes the event. There are none on INSERT, which a restore replays.
CREATE FUNCTION booking.guard_appointment() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_guard_appointment';
COMMENT ON FUNCTION booking.guard_appointment IS
	'Trigger: refuses a change of status that status_transitions does not allow (PT409; PT410 for an expired hold), and a change of the columns that only the functions may change (PT422).';
CREATE TRIGGER guard BEFORE UPDATE ON booking.appointments
	FOR EACH ROW EXECUTE FUNCTION booking.guard_appointment();

CREATE FUNCTION booking.follow_appointment() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_follow_appointment';
COMMENT ON FUNCTION booking.follow_appointment IS
	'Trigger: frees or takes the time slot when the status of its appointment changes, and writes the event.';
CREATE TRIGGER follow AFTER UPDATE ON booking.appointments
	FOR EACH ROW
	WHEN (NEW.status <> OLD.status OR NEW.slot_id <> OLD.slot_id
		  OR NEW.doctor_id <> OLD.doctor_id
		  OR NEW.hold_expires_at <> OLD.hold_expires_at)
	EXECUTE FUNCTION booking.follow_appointment();

CREATE FUNCTION booking.guard_time_slot() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_guard_time_slot';
COMMENT ON FUNCTION booking.guard_time_slot IS
	'Trigger: refuses to reopen, move or remove a time slot that somebody has or had, unless the appointment was cancelled or entered in error or the hold has expired, and to move one into time off (PT409); one that time off withdrew is free where it is moved.';
CREATE TRIGGER guard BEFORE UPDATE ON booking.time_slots
	FOR EACH ROW EXECUTE FUNCTION booking.guard_time_slot();

CREATE FUNCTION booking.hold_slot(slot_id bigint, patient_id bigint DEFAULT NULL,
								  hold_for interval DEFAULT NULL, idempotency_key text DEFAULT NULL)
	RETURNS booking.appointments
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_hold_slot';
COMMENT ON FUNCTION booking.hold_slot IS
	'Keeps a free time slot for a patient for a while.

Until hold_expires_at. Returns the appointment, of status pending. hold_for: more than 0, at most 1 hour; the clinic''s hold_duration when not given. The patient''s own hold is extended. An expired hold is free for everybody at once. idempotency_key as for book_slot. Errors: those of book_slot; PT422 hold_for out of range.';

CREATE FUNCTION booking.confirm_hold(appointment_id bigint)
	RETURNS booking.appointments
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_confirm_hold';
COMMENT ON FUNCTION booking.confirm_hold IS
	'Books what a hold keeps and returns the appointment, now booked.

Errors: PT400 appointment missing; PT404 no such appointment; PT410 the hold has expired; PT409 it is not a hold, or clinic, doctor or patient has become inactive; PT422 the slot has started; 42501 the appointment is not the caller''s to change or is not there (PT404 to administrators).';

CREATE FUNCTION booking.cancel_appointment(appointment_id bigint, reason text DEFAULT NULL)
	RETURNS booking.appointments
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_cancel_appointment';
COMMENT ON FUNCTION booking.cancel_appointment IS
	'Cancels an appointment or a hold.

Frees its time slot and returns the appointment. reason: 1 to 500 characters, kept in its event. Errors: PT400 appointment missing; PT404 no such appointment; PT409 its status can no longer become cancelled; PT422 reason blank or too long; 42501 the appointment is not the caller''s to change or is not there (PT404 to administrators).';

CREATE FUNCTION booking.reschedule_appointment(appointment_id bigint, new_slot_id bigint)
	RETURNS booking.appointments
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_reschedule_appointment';
COMMENT ON FUNCTION booking.reschedule_appointment IS
	'Moves a booked appointment to another free time slot.

Frees the old one and returns the appointment; when refused, nothing has changed. The new slot has to pass all rules of a booking. Errors: PT400 a value is missing; PT404 no such appointment or slot; PT409 the appointment is not booked, or as book_slot; PT422 as book_slot; 42501 the appointment is not the caller''s to change or is not there (PT404 to administrators).';

CREATE FUNCTION booking.set_appointment_status(appointment_id bigint, status booking.appointment_status,
											   reason text DEFAULT NULL)
	RETURNS booking.appointments
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_set_appointment_status';
COMMENT ON FUNCTION booking.set_appointment_status IS
	'Changes the status of an appointment.

As status_transitions allows. Frees the time slot where the new status does not occupy it, and returns the appointment. reason: 1 to 500 characters, kept in the event. Errors: PT400 a value is missing; PT404 no such appointment; PT409 not allowed (the detail says what is), or the patient of a hold that is to be booked has another appointment then; PT410 the hold has expired; PT422 reason blank or too long; 42501 the caller is not staff of its clinic.';

CREATE FUNCTION booking.expire_holds(max_rows int DEFAULT 1000)
	RETURNS int
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_expire_holds';
COMMENT ON FUNCTION booking.expire_holds IS
	'Cancels expired holds.

At most max_rows (1 to 5000), with the reason "hold expired". Returns how many; those another session is busy with are left out. For a scheduler: an expired hold is free without it. Errors: PT400 max_rows missing; PT422 out of range; 42501 the caller is no administrator.';

