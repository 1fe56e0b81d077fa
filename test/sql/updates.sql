-- How a booking marks its slot, and that it keeps slot and patient from being deleted, without the triggers
-- of its foreign keys.
\i test/begin.psql
SET client_min_messages = notice;
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 30);
CREATE VIEW pg_temp.slot AS SELECT id, is_available, held_until > now() AS is_held, updated_at = now() AS is_new FROM booking.time_slots;

-- what it marks
SELECT status FROM booking.book_slot(1, 1);
SELECT status FROM booking.hold_slot(2, 1);
SELECT status FROM booking.hold_slot(3, 1, '1 microsecond');
SELECT status FROM booking.book_slot(3, 1);
SELECT * FROM pg_temp.slot WHERE id <= 4 ORDER BY id;
SELECT count(*) FROM booking.time_slots WHERE NOT is_available OR held_until IS NOT NULL;

-- a constraint that books in turn
CREATE FUNCTION pg_temp.book_another(slot bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN slot <> 12 OR (booking.book_slot(13, 1)).status = 'booked';
END
$$;
SAVEPOINT nested;
ALTER TABLE booking.time_slots ADD CONSTRAINT books CHECK (pg_temp.book_another(id)) NOT VALID;
SELECT slot_id, status FROM booking.book_slot(12, 1);
SELECT * FROM pg_temp.slot WHERE id BETWEEN 12 AND 14 ORDER BY id;
ROLLBACK TO nested;

-- neither slot nor patient can be deleted under the appointment
SELECT sqlstate, message FROM pg_temp.refusal('DELETE FROM booking.time_slots WHERE id = 1');
SELECT sqlstate, message FROM pg_temp.refusal('DELETE FROM booking.patients');
SELECT count(*) FROM booking.appointments a JOIN booking.time_slots USING (clinic_id, doctor_id, starts_at, ends_at) JOIN booking.patients p ON p.id = a.patient_id;
ROLLBACK;
