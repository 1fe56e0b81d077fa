-- How many rows a statement of a patient, or of staff, may change through the view and the tables.
\i test/lifecycle.psql
ALTER SEQUENCE booking.appointments_id_seq RESTART 101;
INSERT INTO booking.appointments (id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, booked_at)
	SELECT id, id, 1, clinic_id, doctor_id, starts_at, ends_at, now() FROM booking.time_slots WHERE id <= 4;
UPDATE booking.time_slots SET is_available = false WHERE id <= 4;
INSERT INTO booking.generated_days (doctor_id, local_date) SELECT 1, date '2099-06-01' + n FROM generate_series(1, 4) n;
SHOW booking.max_rows_changed_by_patients;
SHOW booking.max_rows_changed_by_staff;

-- A patient, one row.
SET request.jwt.claims = '{"patient_id": 1, "clinic_ids": [1]}';
SET ROLE booking_patient;
SELECT command, r.sqlstate, r.rule, r.message, r.follows_contract
FROM (VALUES
	(1, 'UPDATE booking.bookings SET status = ''cancelled'''),
	(2, 'UPDATE booking.bookings SET status = ''cancelled'' WHERE id = 1'),
	(3, 'UPDATE booking.bookings SET status = ''cancelled'' WHERE id IN (1, 2)'),
	(4, 'UPDATE booking.bookings SET status = status'),
	(5, 'UPDATE booking.bookings SET status = ''cancelled'' WHERE id = 99'),
	(6, 'DELETE FROM booking.bookings'),
	(7, 'DELETE FROM booking.bookings WHERE id = 1'),
	(8, 'INSERT INTO booking.bookings (slot_id) VALUES (5), (6)'),
	(9, 'INSERT INTO booking.bookings (slot_id) VALUES (5)'),
	(10, 'INSERT INTO booking.bookings (slot_id) VALUES (5); INSERT INTO booking.bookings (slot_id) VALUES (6)'),
	(11, 'UPDATE booking.patients SET name = ''Ada King'''),
	-- as PostgREST sends it
	(12, 'WITH pgrst_source AS (UPDATE booking.bookings SET status = ''cancelled'' RETURNING 1) SELECT count(*) FROM pgrst_source'),
	(13, 'WITH pgrst_source AS (DELETE FROM booking.bookings WHERE id < 3 RETURNING 1) SELECT count(*) FROM pgrst_source'),
	(14, 'WITH pgrst_source AS (DELETE FROM booking.bookings WHERE id = 3 RETURNING 1) SELECT count(*) FROM pgrst_source')) AS c(n, command),
	pg_temp.trial(command) r ORDER BY n;
SELECT detail, hint FROM pg_temp.refusal('DELETE FROM booking.bookings');
-- whom it limits cannot raise it
SELECT sqlstate FROM pg_temp.trial('SET booking.max_rows_changed_by_patients = 2');
SELECT sqlstate FROM pg_temp.trial('SELECT set_config(''booking.max_rows_changed_by_patients'', ''-1'', true)');
RESET ROLE;
SET booking.max_rows_changed_by_patients = 2;
SET ROLE booking_patient;
SELECT sqlstate FROM pg_temp.trial('UPDATE booking.bookings SET status = ''cancelled'' WHERE id IN (1, 2)');
SELECT sqlstate, message FROM pg_temp.trial('UPDATE booking.bookings SET status = ''cancelled'' WHERE id IN (1, 2, 3)');
RESET ROLE;
RESET booking.max_rows_changed_by_patients;

-- Staff, three here.
SET booking.max_rows_changed_by_staff = 3;
SET ROLE booking_staff;
SELECT command, r.sqlstate, r.rule, r.message, r.follows_contract
FROM (VALUES
	(1, 'UPDATE booking.bookings SET status = ''cancelled'''),
	(2, 'UPDATE booking.bookings SET status = ''cancelled'' WHERE id <= 3'),
	(3, 'UPDATE booking.appointments SET status = ''cancelled'''),
	(4, 'UPDATE booking.appointments SET status = ''cancelled'' WHERE id <= 3'),
	(5, 'DELETE FROM booking.bookings'),
	(6, 'INSERT INTO booking.bookings (slot_id, patient_id) SELECT id, 2 FROM booking.time_slots WHERE id > 4'),
	(7, 'INSERT INTO booking.bookings (slot_id, patient_id) SELECT id, 2 FROM booking.time_slots WHERE id IN (5, 6, 7)'),
	(8, 'UPDATE booking.time_slots SET starts_at = starts_at + interval ''5 minutes'' WHERE id > 4'),
	(9, 'UPDATE booking.time_slots SET starts_at = starts_at + interval ''5 minutes'' WHERE id IN (5, 6, 7)'),
	-- that it is too many is said before what the first of them would be refused for
	(10, 'DELETE FROM booking.generated_days'),
	(11, 'DELETE FROM booking.generated_days WHERE local_date < ''2099-06-05'''),
	-- functions are for many
	(12, 'SELECT booking.add_days_off(''2099-06-01'', ''2099-06-01'', doctor_id => 1)'),
	(13, 'SELECT booking.generate_slots(''2099-06-01'', ''2099-06-20'', doctor_id => 1)')) AS c(n, command),
	pg_temp.trial(command) r ORDER BY n;
SELECT detail, hint FROM pg_temp.refusal('DELETE FROM booking.bookings');
SELECT sqlstate FROM pg_temp.trial('SET booking.max_rows_changed_by_staff = 4');
RESET ROLE;
SET booking.max_rows_changed_by_staff = 0;
SET ROLE booking_staff;
SELECT sqlstate, message FROM pg_temp.trial('UPDATE booking.appointments SET status = ''cancelled'' WHERE id = 1');
RESET ROLE;
SET booking.max_rows_changed_by_staff = -1;
SET ROLE booking_staff;
SELECT sqlstate FROM pg_temp.trial('UPDATE booking.bookings SET status = ''cancelled''');
RESET ROLE;
SET booking.max_rows_changed_by_staff = 0;
SET booking.max_rows_changed_by_patients = 0;

-- Administrators and superusers are not limited, nor is an application's function that has their rights.
SELECT sqlstate FROM pg_temp.trial('UPDATE booking.bookings SET status = ''cancelled''');
SET ROLE booking_admin;
SELECT sqlstate FROM pg_temp.trial('UPDATE booking.bookings SET status = ''cancelled''');
SELECT sqlstate FROM pg_temp.trial('DELETE FROM booking.generated_days');
RESET ROLE;
-- What is written for a patient by a function does not count as theirs.
SET ROLE booking_patient;
SELECT command, r.sqlstate
FROM (VALUES
	(1, 'SELECT booking.cancel_appointment(id) FROM booking.appointments'),
	(2, 'SELECT booking.book_slot(5), booking.book_slot(6)'),
	(3, 'SELECT booking.hold_slot(5), booking.reschedule_appointment(1, 6)')) AS c(n, command),
	pg_temp.trial(command) r ORDER BY n;
RESET ROLE;
-- An application's function acts as its owner.
CREATE ROLE regress_booking_application IN ROLE booking_admin;
CREATE SCHEMA regress_application AUTHORIZATION regress_booking_application;
GRANT USAGE ON SCHEMA regress_application TO booking_patient;
SET ROLE regress_booking_application;
CREATE FUNCTION regress_application.cancel_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
	'WITH c AS (UPDATE booking.appointments SET status = ''cancelled'' RETURNING 1) SELECT count(*) FROM c';
SET ROLE booking_patient;
SELECT regress_application.cancel_all();
RESET ROLE;
ROLLBACK;
