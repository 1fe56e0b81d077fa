-- A booking that succeeds: the three rows it writes, and who sees what of them.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT id, starts_at FROM booking.add_time_slots(1, '2099-06-01', '09:00', '11:00', 30);
UPDATE booking.time_slots SET updated_at = '2000-01-01', held_until = now() - interval '1 minute' WHERE id = 2;
ALTER SEQUENCE booking.appointments_id_seq RESTART 101;

SELECT bool_and(passed IS TRUE AND sqlstate IS NULL AND message IS NULL) AS passes FROM booking.check_booking(slot_id => 2, patient_id => 1);
SELECT booking.is_slot_available(2);

-- what it returns is the row that it wrote
SELECT id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status,
	booked_at = now() AS booked_now, hold_expires_at, idempotency_key,
	created_at = now() AS created_now, updated_at = now() AS updated_now
FROM booking.book_slot(slot_id => 2, patient_id => 1) \gx
SELECT count(*), min(id) FROM booking.appointments;
SELECT is_available, held_until, updated_at = now() AS updated_now, deleted_at FROM booking.time_slots WHERE id = 2;
-- no claims: nobody is the actor but the role
SELECT appointment_id, slot_id, from_status, to_status, actor_role = current_user AS by_me, actor, reason,
	created_at = now() AS created_now
FROM booking.appointment_events;
SELECT booking.is_slot_available(2);

-- The patient may be the caller, by the claims of the request.
SET request.jwt.claims = '{"patient_id": 2, "sub": "auth|alan"}';
SELECT id, patient_id FROM booking.book_slot(slot_id => 1);
SELECT count(*) FILTER (WHERE NOT passed) AS failing FROM booking.check_booking(3);
SET request.jwt.claims = '{"patient_id": "1"}';
SELECT id, patient_id FROM booking.book_slot(slot_id => 3);
SELECT appointment_id, actor FROM booking.appointment_events ORDER BY id;
SELECT claims, sqlstate, rule, detail
FROM (VALUES (''), ('{}'), ('{"patient_id": null}'), ('{"patient_id": 1.5}'), ('{"patient_id": "1 "}'),
			 ('{"patient_id": "1; DROP TABLE"}'), ('{"patient_id": ""}'), ('{"patient_id": 9223372036854775808}'),
			 ('{"patient_id": [1]}'), ('{"sub": {}}'), ('[1]'), ('{'), ('x'), ('{"patient_id": 999}')) AS c(claims),
	pg_temp.refusal(format('SELECT set_config(''request.jwt.claims'', %L, true); SELECT booking.book_slot(4)', claims));
RESET request.jwt.claims;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(4)');

-- People read local times.
SELECT clinic_name, doctor_name, local_date, local_start, local_end, state, patient_name, slot_id, appointment_id
FROM booking.day_sheet WHERE doctor_id = 1 AND local_date = '2099-06-01' ORDER BY starts_at;
SELECT id FROM booking.set_slot_availability(4, false);
SELECT slot_id, state, patient_name FROM booking.day_sheet WHERE doctor_id = 1 AND local_date = '2099-06-01' ORDER BY starts_at;
SELECT appointment_id, status, local_date, local_start, local_end, time_zone, doctor_name, specialization,
	clinic_name, starts_at, ends_at, slot_id, doctor_id, clinic_id, booked_at = now() AS booked_now, hold_expires_at
FROM booking.patient_appointments(patient_id => 2) \gx
-- the latest first
SELECT appointment_id, local_start FROM booking.patient_appointments(1);

-- A cancelled appointment is history; the slot is free for the next.
UPDATE booking.appointments SET status = 'cancelled' WHERE id = 101;
SELECT slot_id, state, patient_name FROM booking.day_sheet WHERE slot_id = 2;
SELECT id, patient_id FROM booking.book_slot(2, 2);
SELECT id, patient_id, status FROM booking.appointments WHERE slot_id = 2 ORDER BY id;
SELECT appointment_id, status FROM booking.patient_appointments(1);

-- An expired hold is no appointment. Only without the triggers can it be let expire by hand.
SELECT (booking.cancel_appointment(id)).status FROM booking.appointments WHERE slot_id = 3;
SELECT status FROM booking.hold_slot(3, 1);
SELECT slot_id, state, patient_name FROM booking.day_sheet WHERE slot_id = 3;
SET session_replication_role = replica;
UPDATE booking.appointments SET hold_expires_at = now() - interval '1 second' WHERE slot_id = 3 AND status = 'pending';
UPDATE booking.time_slots SET held_until = now() - interval '1 second' WHERE id = 3;
SET session_replication_role = origin;
SELECT slot_id, state, patient_name FROM booking.day_sheet WHERE slot_id = 3;
SELECT booking.is_slot_available(3);

-- Thousands in one transaction, whose plans are kept.
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT 1, 1, t, t + interval '5 minutes' FROM generate_series('2098-01-01'::timestamptz, '2098-01-07', '5 minutes') AS t;
SELECT count(*) AS booked, count(DISTINCT (b).slot_id) AS slots, count(DISTINCT (b).id) AS appointments
FROM (SELECT booking.book_slot(id, 1) AS b FROM booking.time_slots WHERE starts_at < '2099-01-01' OFFSET 0) AS bookings;
-- every occupied slot is unavailable, and has one appointment and one event
SELECT count(*) AS slots, count(*) FILTER (WHERE is_available) AS still_free,
	(SELECT count(*) FROM booking.appointments WHERE starts_at < '2099-01-01') AS appointments,
	(SELECT count(*) FROM booking.appointment_events JOIN booking.appointments a ON a.id = appointment_id
	 WHERE starts_at < '2099-01-01') AS events
FROM booking.time_slots WHERE starts_at < '2099-01-01';

ROLLBACK;
