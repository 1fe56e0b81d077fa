-- What the functions find by an index, without a statement, they find whatever is done to the
-- tables in the meantime; and they refuse to work where the index is gone.
\i test/begin.psql
\set ON_ERROR_STOP off
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '12:00', 30);
SELECT id, patient_id FROM booking.book_slot(1, 1);

-- another column, in another place
ALTER TABLE booking.time_slots ADD COLUMN room text, ADD COLUMN floor int DEFAULT 3;
ALTER TABLE booking.appointments ADD COLUMN note text DEFAULT 'none';
SELECT id, patient_id FROM booking.book_slot(2, 1);
SELECT id, note FROM booking.appointments ORDER BY id;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');

-- indexes built anew
REINDEX TABLE booking.appointments;
REINDEX TABLE booking.time_slots;
SELECT id, patient_id FROM booking.book_slot(3, 1);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(3, 2)');
SELECT sqlstate, rule FROM pg_temp.refusal($$INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) SELECT 1, 1, '2099-06-01 08:15', '2099-06-01 08:45'$$);

-- without the index that says whether a slot is taken, nothing is booked
SAVEPOINT whole;
DROP INDEX booking.unique_timeslot;
SELECT booking.book_slot(4, 1);
SELECT booking.check_booking(4, 1);
SELECT count(*) FROM booking.appointments;
ROLLBACK TO whole;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'booking.unique_timeslot'::regclass;
ALTER TABLE booking.appointments ALTER COLUMN note SET DEFAULT 'noted';
SELECT booking.book_slot(4, 1);
REINDEX INDEX booking.unique_timeslot;
SELECT id, patient_id, note FROM booking.book_slot(4, 1);

-- nor by an index that only has its name
ROLLBACK TO whole;
DROP INDEX booking.unique_timeslot;
SAVEPOINT unindexed;
CREATE INDEX unique_timeslot ON booking.clinics (id);
SELECT booking.book_slot(4, 1);
ROLLBACK TO unindexed;
CREATE INDEX unique_timeslot ON booking.appointments USING brin (time_slot_id);
SELECT booking.book_slot(4, 1);

-- nor a slot made without the one that shows a doctor's other slots
ROLLBACK TO whole;
DROP INDEX booking.doctor_slots_start_once;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, '2099-06-02 08:15', '2099-06-02 08:45');
SELECT booking.add_time_slots(1, '2099-06-02', '09:00', '12:00', 30);
ROLLBACK TO whole;
SELECT id, patient_id FROM booking.book_slot(4, 1);
ROLLBACK;
