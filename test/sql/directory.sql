-- Clinics, doctors and patients: adding, changing, removing and restoring them.
\i test/begin.psql

-- Blanks around a value go, and a zone is spelled as the server spells it.
SELECT id, name, address, time_zone, is_active, min_notice, booking_horizon, hold_duration,
	allow_patient_overlap, idempotency_retention, created_at = now() AS created_now,
	updated_at = now() AS updated_now, deleted_at
FROM booking.add_clinic(name => E' \t\n Harley Street\r\n', address => ' 1 Harley Street, London ',
						time_zone => 'europe/LONDON') \gx
SELECT id, name, address, time_zone FROM booking.add_clinic('Wall Street', time_zone => E' America/New_York\n');
SELECT id, name, address, time_zone FROM booking.add_clinic('Nowhere');

SELECT id, clinic_id, name, specialization, is_active, deleted_at
FROM booking.add_doctor(clinic_id => 1, name => '  Dr Grace Hopper ', specialization => ' Cardiology ');
SELECT id, clinic_id, name, specialization FROM booking.add_doctor(2, 'Dr Edsger Dijkstra');
-- A doctor's name is not unique: two people may share it.
SELECT id, clinic_id, name FROM booking.add_doctor(1, 'Dr Grace Hopper');

SELECT id, name, email, is_active, deleted_at
FROM booking.add_patient(name => ' Ada Lovelace', email => ' Ada@Example.org ');
SELECT id FROM booking.add_patient('Alan Turing', 'alan.turing+tag@mail.example.co.uk');

-- 255 characters are 255, however many bytes they take.
SELECT char_length(name), octet_length(name) FROM booking.add_clinic(repeat('字', 255));
SELECT char_length(name), octet_length(name) FROM booking.add_doctor(1, repeat('é', 255));
SELECT char_length(name), octet_length(name) FROM booking.add_patient(repeat('😀', 255), 'x@example.org');
SELECT name, char_length(address) FROM booking.add_clinic('医院', repeat('字', 500));

-- A change is a plain UPDATE; the trigger trims, too, and keeps updated_at.
UPDATE booking.clinics SET updated_at = '2000-01-01', name = '  Harley St ', address = NULL,
	time_zone = ' europe/dublin' WHERE id = 1
RETURNING name, address, time_zone, updated_at = now() AS updated_now;
UPDATE booking.doctors SET updated_at = '2000-01-01', specialization = ' Oncology ' WHERE id = 1
RETURNING name, specialization, updated_at = now() AS updated_now;
UPDATE booking.patients SET updated_at = '2000-01-01', email = ' ada@example.com ' WHERE id = 1
RETURNING email, updated_at = now() AS updated_now;
SELECT sqlstate, rule, message FROM pg_temp.refusal($$UPDATE booking.clinics SET time_zone = 'Mars/Olympus' WHERE id = 1$$);
-- Unknown zones are refused when they are set, not when the row is written: a dump made on
-- another server must restore.
INSERT INTO booking.clinics (name, time_zone) VALUES ('Restored', 'Mars/Olympus') RETURNING time_zone;
UPDATE booking.clinics SET is_active = false WHERE name = 'Restored' RETURNING time_zone;

-- Removing is soft, and once; restoring undoes it, as often as one likes.
SELECT id, name, deleted_at = now() AS deleted_now FROM booking.remove_clinic(id => 2);
SELECT id, name, deleted_at = now() AS deleted_now FROM booking.remove_doctor(id => 3);
SELECT id, name, deleted_at = now() AS deleted_now FROM booking.remove_patient(id => 1);
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.remove_clinic(2)');
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.remove_doctor(3)');
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.remove_patient(1)');
SELECT sqlstate, rule, message FROM pg_temp.refusal($$SELECT booking.add_doctor(2, 'Dr Who')$$);
SELECT id, deleted_at FROM booking.restore_clinic(id => 2);
SELECT id, deleted_at FROM booking.restore_clinic(id => 2);
SELECT id, deleted_at FROM booking.restore_doctor(id => 3);
SELECT id, deleted_at FROM booking.restore_doctor(id => 3);
SELECT id, deleted_at FROM booking.restore_patient(id => 1);
SELECT id, deleted_at FROM booking.restore_patient(id => 1);

-- What is removed leaves its name to others, and cannot come back while they have it.
SELECT id FROM booking.remove_clinic(2);
SELECT name FROM booking.add_clinic('Wall Street');
SELECT * FROM pg_temp.refusal('SELECT booking.restore_clinic(2)') \gx
SELECT id FROM booking.remove_patient(1);
SELECT email FROM booking.add_patient('Ada Again', 'ADA@example.com');
SELECT * FROM pg_temp.refusal('SELECT booking.restore_patient(1)') \gx

-- Upcoming appointments keep their clinic, doctor, patient and slot; one that is over, or
-- no longer occupies its slot, keeps nothing.
SELECT count(*) FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT id FROM booking.book_slot(1, 2);
SELECT id FROM booking.book_slot(2, 2);
SELECT * FROM pg_temp.refusal('SELECT booking.remove_clinic(1)') \gx
SELECT * FROM pg_temp.refusal('SELECT booking.remove_doctor(1)') \gx
SELECT * FROM pg_temp.refusal('SELECT booking.remove_patient(2)') \gx
SELECT * FROM pg_temp.refusal('SELECT booking.remove_time_slot(1)') \gx
SELECT status FROM booking.patient_appointments(2);
UPDATE booking.appointments SET status = 'cancelled' WHERE id = 1;
-- a slot is not moved under its appointment, so the triggers have to look away
SELECT sqlstate, rule FROM pg_temp.refusal('UPDATE booking.time_slots SET starts_at = now() - interval ''2 hours'' WHERE id = 2');
SET session_replication_role = replica;
UPDATE booking.time_slots SET starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour'
WHERE id = 2;
SET session_replication_role = origin;
SELECT id FROM booking.remove_time_slot(1);
SELECT id FROM booking.remove_patient(2);
SELECT id FROM booking.remove_doctor(1);
SELECT id FROM booking.remove_clinic(1);
-- One that has begun and goes on is upcoming still.
SELECT (booking.restore_clinic(1)).id AS clinic, (booking.restore_doctor(1)).id AS doctor,
	(booking.restore_patient(2)).id AS patient;
SET session_replication_role = replica;
UPDATE booking.time_slots SET ends_at = now() + interval '1 hour' WHERE id = 2;
SET session_replication_role = origin;
SELECT sqlstate, rule, detail FROM pg_temp.refusal('SELECT booking.remove_doctor(1)');

ROLLBACK;
