-- Who may do what: booking_admin runs the book; guests, patients and staff wait for theirs;
-- nobody else sees anything.
\i test/begin.psql

INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00');
SELECT setval('booking.clinics_id_seq', 10), setval('booking.doctors_id_seq', 10),
	setval('booking.patients_id_seq', 10), setval('booking.time_slots_id_seq', 10);

-- Everything one can do, as calls that succeed for who may.
CREATE TABLE pg_temp.deeds (deed text);
INSERT INTO deeds VALUES
	('SELECT booking.add_clinic(''New Clinic'')'),
	('SELECT booking.add_doctor(1, ''Dr New'')'),
	('SELECT booking.add_patient(''Ann New'', ''new@example.org'')'),
	('SELECT booking.add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'),
	('SELECT booking.set_slot_availability(2, false)'),
	('SELECT booking.available_slots()'),
	('SELECT booking.is_slot_available(1)'),
	('SELECT booking.check_booking(1, 1)'),
	('SELECT booking.book_slot(1, 1)'),
	('SELECT booking.patient_appointments(1)'),
	('SELECT booking.remove_time_slot(2)'),
	('SELECT booking.restore_time_slot(2)'),
	('SELECT booking.remove_patient(1)'),
	('SELECT booking.restore_patient(1)'),
	('SELECT booking.remove_doctor(1)'),
	('SELECT booking.restore_doctor(1)'),
	('SELECT booking.remove_clinic(1)'),
	('SELECT booking.restore_clinic(1)'),
	('TABLE booking.clinics'), ('TABLE booking.doctors'), ('TABLE booking.patients'),
	('TABLE booking.time_slots'), ('TABLE booking.appointments'), ('TABLE booking.appointment_events'),
	('TABLE booking.day_sheet'),
	('UPDATE booking.clinics SET name = ''Harley St'', min_notice = ''1 hour'', is_active = true'),
	('UPDATE booking.doctors SET specialization = ''Cardiology'''),
	('UPDATE booking.patients SET email = ''ada@example.com'' WHERE id = 1'),
	-- these are for nobody but the functions
	('UPDATE booking.clinics SET deleted_at = now()'),
	('UPDATE booking.doctors SET clinic_id = 1'),
	('UPDATE booking.time_slots SET is_available = true'),
	('UPDATE booking.appointments SET status = ''cancelled'''),
	('INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, 1, 1, now(), now())'),
	('INSERT INTO booking.clinics (name) VALUES (''Raw'')'),
	('DELETE FROM booking.patients'),
	('DELETE FROM booking.appointment_events'),
	('UPDATE booking.appointment_events SET actor = ''somebody'''),
	('TRUNCATE booking.appointment_events'),
	('SELECT nextval(''booking.clinics_id_seq'')'),
	('SELECT booking.tidy_row()'),
	('SELECT booking.check_time_zone()'),
	('CREATE TABLE booking.mine ()'),
	('ALTER TABLE booking.clinics DISABLE TRIGGER USER'),
	('DROP TABLE booking.clinics CASCADE');

-- no function of the extension is left out of the list
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace
	AND NOT EXISTS (SELECT FROM deeds WHERE deed LIKE '%booking.' || proname || '(%');

CREATE ROLE regress_booking_admin IN ROLE booking_admin;
CREATE ROLE regress_booking_guest IN ROLE booking_guest;
CREATE ROLE regress_booking_patient IN ROLE booking_patient;
CREATE ROLE regress_booking_staff IN ROLE booking_staff;
CREATE ROLE regress_booking_nobody;

-- The SQLSTATE of a deed done as a role, whatever it did being undone.
CREATE FUNCTION pg_temp.attempt(role text, deed text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE deed;
	RAISE EXCEPTION 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE sqlstate WHEN '00001' THEN 'yes' WHEN '42501' THEN 'no' ELSE sqlstate || ' ' || sqlerrm END;
END
$$;
SELECT left(deed, 60) AS deed, pg_temp.attempt('regress_booking_admin', deed) AS admin,
	pg_temp.attempt('regress_booking_staff', deed) AS staff,
	pg_temp.attempt('regress_booking_patient', deed) AS patient,
	pg_temp.attempt('regress_booking_guest', deed) AS guest,
	pg_temp.attempt('regress_booking_nobody', deed) AS nobody
FROM deeds;
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_nobody; SELECT booking.book_slot(1, 1)');
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_guest; SELECT booking.book_slot(1, 1)');
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE booking_owner; CREATE SCHEMA mine');

-- The event tells who it was: the role that called, not the owner whose rights the function has.
SET ROLE regress_booking_admin;
SELECT status FROM booking.book_slot(1, 1);
RESET ROLE;
SELECT actor_role FROM booking.appointment_events;

ROLLBACK;
