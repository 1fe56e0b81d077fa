-- DROP EXTENSION takes the whole book along; a new one works in the same session, whose plans
-- were made for the old tables.
\i test/begin.psql
SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT id FROM booking.book_slot(1, 1);
SELECT slot_id FROM booking.available_slots();
UPDATE booking.clinics SET time_zone = 'Europe/Dublin';
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.remove_doctor(1)');
COMMIT;

DROP EXTENSION booking;
SELECT to_regnamespace('booking') AS schema, to_regclass('booking.appointments') AS appointments;
SELECT count(*) AS roles FROM pg_roles WHERE rolname LIKE 'booking\_%';
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
CREATE EXTENSION booking CASCADE;


\i test/begin.psql
SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT id FROM booking.book_slot(1, 1);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
SELECT slot_id FROM booking.available_slots();
UPDATE booking.clinics SET time_zone = 'Europe/Dublin';
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.remove_doctor(1)');

-- Neither do columns that a user adds, or adds and drops, disturb a plan or a result.
ALTER TABLE booking.clinics ADD gone int DEFAULT 1, ADD note text DEFAULT 'x';
ALTER TABLE booking.time_slots ADD gone text DEFAULT 'gone', ADD room int DEFAULT 7;
ALTER TABLE booking.appointments ADD gone text DEFAULT 'gone', ADD fee numeric DEFAULT 9.5;
SELECT id, name, gone, note FROM booking.add_clinic('Wall Street');
ALTER TABLE booking.clinics DROP gone;
ALTER TABLE booking.time_slots DROP gone;
ALTER TABLE booking.appointments DROP gone;
SELECT id, name, note FROM booking.add_clinic('Main Street');
SELECT id, starts_at, deleted_at, room FROM booking.add_time_slots(1, '2099-06-02', '09:00', '10:00', 30);
SELECT id, status, fee FROM booking.book_slot(2, 1);
SELECT id, is_available, room FROM booking.set_slot_availability(3, false);
ROLLBACK;

-- It is not installed into somebody's schema, nor with a role that people log in as.
BEGIN;
DROP EXTENSION booking;
CREATE SCHEMA booking;
SELECT sqlstate, message FROM pg_temp.refusal('CREATE EXTENSION booking');
DROP SCHEMA booking;
ALTER ROLE booking_owner LOGIN;
SELECT sqlstate, message, hint FROM pg_temp.refusal('CREATE EXTENSION booking') \gx
ALTER ROLE booking_owner NOLOGIN;
SELECT sqlstate FROM pg_temp.refusal('CREATE EXTENSION booking');
ROLLBACK;
