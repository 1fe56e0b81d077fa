-- A READ ONLY transaction, and so a standby, can look at everything and change nothing.
\i test/begin.psql
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper'), (2, 1, 'Dr Tony Hoare');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00'),
	(3, 1, 1, '2099-06-01 11:00', '2099-06-01 12:00');
SELECT id FROM booking.book_slot(1, 1);
SELECT id FROM booking.hold_slot(3, 1);
SELECT id FROM booking.add_schedule(1, 1, '09:00', '12:00', 60);
SELECT id FROM booking.add_time_off('2098-06-01', '2098-06-02', doctor_id => 1);
CREATE FUNCTION pg_temp.refuse(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;

CREATE TEMP TABLE calls (call text);
INSERT INTO calls VALUES
	('add_clinic(''New Clinic'')'), ('add_doctor(1, ''Dr New'')'), ('add_patient(''Ann New'', ''new@example.org'')'),
	('add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'), ('set_slot_availability(2, false)'),
	('book_slot(2, 1)'), ('book_slot(1, 1)'), ('book_slot(77, 1)'),
	('hold_slot(2, 1)'), ('hold_slot(1, 1)'), ('confirm_hold(2)'), ('confirm_hold(1)'),
	('cancel_appointment(1)'), ('reschedule_appointment(1, 2)'), ('set_appointment_status(1, ''arrived'')'),
	('expire_holds()'), ('maintain()'), ('read_events(''mail'')'), ('note_events_done(''mail'', 0)'), ('skip_events(''mail'')'),
	('remove_clinic(1)'), ('restore_clinic(1)'), ('remove_doctor(1)'), ('restore_doctor(1)'),
	('remove_patient(1)'), ('restore_patient(1)'), ('remove_time_slot(2)'), ('restore_time_slot(2)'),
	('add_schedule(1, 2, ''09:00'', ''12:00'', 60)'), ('remove_schedule(1)'),
	('generate_slots(''2099-07-01'', ''2099-07-07'')'),
	('add_time_off(''2099-06-01'', ''2099-06-02'', doctor_id => 1)'),
	('add_days_off(''2099-06-01'', ''2099-06-02'', clinic_id => 1)'), ('remove_time_off(1)'),
	('reassign_slots(1, 2, ''2099-06-01'', ''2099-06-02'')'),
	('add_rule(''r'', ''pg_temp.refuse(booking.time_slots, booking.patients)'')'), ('remove_rule(''r'')');

-- a savepoint would undo this
\set ON_ERROR_ROLLBACK off
SET TRANSACTION READ ONLY;
SELECT slot_id FROM booking.available_slots();
SELECT slot_id FROM booking.available_slots(doctor_id => 1, on_date => '2099-06-01', clinic_id => 1);
SELECT slot_id FROM booking.next_available();
SELECT slot_id FROM booking.next_available(clinic_id => 1, doctor_ids => '{1,2}');
SELECT * FROM booking.session_slots('2099-06-01', '09:00', '10:00', 'Europe/London', 30);
SELECT booking.is_slot_available(1), booking.is_slot_available(2);
SELECT bool_and(passed IS TRUE) AS passes FROM booking.check_booking(2, 1);
SELECT appointment_id FROM booking.patient_appointments(1);
SELECT slot_id, state FROM booking.day_sheet ORDER BY slot_id;
SELECT id, status FROM booking.bookings ORDER BY id;
SELECT booking.appointment_being_moved();
SELECT count(*) FROM booking.refusals();
SELECT name, value FROM booking.metrics WHERE name = 'booking_holds' AND labels = '{"state": "active"}';

SELECT call, sqlstate, message FROM calls, pg_temp.refusal('SELECT booking.' || call);
-- what is malformed is so anywhere
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(NULL, 1)');

-- The functions that only look are declared so, and all the others were called above.
SELECT proname, provolatile FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace AND provolatile <> 'v' ORDER BY proname COLLATE "C";
SELECT proname FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace AND provolatile = 'v' AND prorettype <> 'trigger'::regtype
	AND NOT EXISTS (SELECT FROM calls WHERE starts_with(call, proname || '('));
ROLLBACK;
