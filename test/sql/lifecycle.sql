-- Cancelling, moving and otherwise changing appointments, by function.
\i test/lifecycle.psql

-- Cancelling frees the slot in the same statement, and says who did it and why.
SELECT id FROM booking.book_slot(1, 1);
SELECT booking.is_slot_available(1);
SET request.jwt.claims = '{"sub": "auth|ada", "patient_id": 1}';
SELECT id, slot_id, status, booked_at = now() AS booked_now FROM booking.cancel_appointment(1, reason => E'  feeling better\n');
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 1;
SELECT from_status, to_status, actor_role = current_user AS by_me, actor, reason, created_at = now() AS now
FROM booking.appointment_events ORDER BY id;
-- without sub the patient is the actor
SET request.jwt.claims = '{"patient_id": 1}';
SELECT id, patient_id FROM booking.book_slot(1);
SELECT status FROM booking.cancel_appointment(2);
RESET request.jwt.claims;
SELECT * FROM story WHERE appointment_id = 2;
-- a hold is cancelled in the same way
SELECT id FROM booking.hold_slot(1, 1);
SELECT id, status FROM booking.cancel_appointment(3);
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 1;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.confirm_hold(3)');
TABLE broken;

-- The outer role acts, in whatever function's name.
CREATE ROLE regress_booking_clerk IN ROLE booking_admin;
SELECT id FROM booking.book_slot(1, 1);
SET ROLE regress_booking_clerk;
SELECT status FROM booking.set_appointment_status(4, 'arrived');
UPDATE booking.appointments SET status = 'checked-in' WHERE id = 4;
RESET ROLE;
SELECT to_status, actor_role FROM booking.appointment_events WHERE appointment_id = 4 AND from_status IS NOT NULL ORDER BY id;
SELECT status FROM booking.cancel_appointment(4);

-- Moving keeps the row: slot, clinic, doctor and times change, the old slot is free.
SELECT id FROM booking.book_slot(2, 1);
SELECT id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status,
	booked_at = now() AS booked_now
FROM booking.reschedule_appointment(appointment_id => 5, new_slot_id => 11) \gx
SELECT slot, is_available, held, bookable FROM slots WHERE slot IN (2, 11);
SELECT * FROM story WHERE appointment_id = 5;
-- to a slot that overlaps it: its own time does not count as another appointment
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT 16, 1, 1, starts_at + interval '30 minutes', ends_at FROM booking.time_slots WHERE id = 11;
SELECT slot_id, ends_at - starts_at AS lasts FROM booking.reschedule_appointment(5, 16);
SELECT slot_id FROM booking.reschedule_appointment(5, 11);
TABLE broken;

-- A refused move leaves every row of every table as it was.
SELECT id FROM booking.book_slot(1, 2);
SELECT id FROM booking.hold_slot(3, 2);
SELECT id FROM booking.book_slot(4, 1);
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT 17, 2, 2, starts_at + interval '30 minutes', ends_at FROM booking.time_slots WHERE id = 4;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	VALUES (18, 2, 2, now() - interval '1 minute', now() + interval '1 hour');
SELECT id FROM booking.set_slot_availability(7, false);
INSERT INTO withdrawn VALUES (7);
SELECT id FROM booking.remove_time_slot(8);
SELECT pg_temp.state() AS before \gset
SELECT target, r.sqlstate, r.rule, r.message, r.follows_contract
FROM (VALUES (1, 'booked'), (3, 'held'), (11, 'its own'), (17, 'patient elsewhere'), (18, 'started'),
			 (7, 'withdrawn'), (8, 'removed'), (99, 'unknown')) AS t(slot, target),
	pg_temp.refusal(format('SELECT booking.reschedule_appointment(5, %s)', slot)) r ORDER BY slot;
SELECT pg_temp.state() = :'before' AS unchanged;
TABLE broken;
-- inactive people and places, too
UPDATE booking.patients SET is_active = false WHERE id = 1;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.reschedule_appointment(5, 12)');
UPDATE booking.patients SET is_active = true WHERE id = 1;
UPDATE booking.clinics SET booking_horizon = '1 day' WHERE id = 2;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.reschedule_appointment(5, 12)');
UPDATE booking.clinics SET booking_horizon = NULL WHERE id = 2;
-- only what is booked moves
SELECT sqlstate, rule, detail FROM pg_temp.refusal('SELECT booking.reschedule_appointment(7, 12)');
SELECT status FROM booking.set_appointment_status(5, 'arrived');
SELECT sqlstate, rule, message, detail FROM pg_temp.refusal('SELECT booking.reschedule_appointment(5, 12)');

-- What has started can still be cancelled; nobody can book its slot.
SELECT pg_temp.live('booked', now() - interval '2 hours', 3) AS past \gset
SELECT status FROM booking.cancel_appointment(:past);
SELECT s.is_available, booking.is_slot_available(s.id) AS bookable
FROM booking.appointments a JOIN booking.time_slots s ON s.id = a.slot_id WHERE a.id = :past;
TABLE broken;
ROLLBACK;
