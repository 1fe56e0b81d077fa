-- What each role may do at all; which rows, and in whose name, is for the tests of access. Here
-- nobody has claims, so staff and patients are let in nowhere but where their grants suffice.
\i test/begin.psql

INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street'), (2, 'Wall Street'), (3, 'Lombard Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES
	(1, 1, 'Dr Grace Hopper'), (2, 2, 'Dr Edsger Dijkstra'), (3, 2, 'Dr Tony Hoare');
INSERT INTO booking.patients (id, name, email) VALUES
	(1, 'Ada Lovelace', 'ada@example.org'), (2, 'Alan Turing', 'alan@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00'),
	(3, 2, 2, '2099-06-01 09:00', '2099-06-01 10:00'), (4, 2, 2, '2099-06-01 10:00', '2099-06-01 11:00'),
	(5, 2, 2, '2099-06-01 11:00', '2099-06-01 12:00');
SELECT setval('booking.clinics_id_seq', 10), setval('booking.doctors_id_seq', 10),
	setval('booking.patients_id_seq', 10), setval('booking.time_slots_id_seq', 10);
-- ids that a deed names; what it needs is of the second clinic
SELECT id, status FROM booking.book_slot(3, 2);
SELECT id, status FROM booking.hold_slot(4, 2);
SELECT id FROM booking.add_schedule(2, 1, '14:00', '16:00', 30);
SELECT id FROM booking.add_time_off('2099-07-01', '2099-07-02', doctor_id => 2);
INSERT INTO booking.rules (name, clinic_id, check_function) VALUES ('old rule', 3, 'nobody.asks');
INSERT INTO booking.event_consumers (name) VALUES ('sms');
ALTER SEQUENCE booking.appointments_id_seq RESTART 11;

-- Everything one can do, as calls that succeed for who may.
CREATE TABLE pg_temp.deeds (n int GENERATED ALWAYS AS IDENTITY, deed text);
INSERT INTO deeds (deed) VALUES
	('SELECT booking.add_clinic(''New Clinic'')'),
	('SELECT booking.add_doctor(1, ''Dr New'')'),
	('SELECT booking.add_patient(''Ann New'', ''new@example.org'')'),
	('SELECT booking.add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'),
	('SELECT booking.set_slot_availability(2, false)'),
	('SELECT booking.available_slots()'),
	('SELECT booking.next_available()'),
	('SELECT booking.is_slot_available(1)'),
	('SELECT booking.check_booking(5, 1)'),
	('SELECT booking.book_slot(5, 1)'),
	('SELECT booking.hold_slot(5, 1)'),
	('SELECT booking.confirm_hold(2)'),
	('SELECT booking.cancel_appointment(1)'),
	('SELECT booking.reschedule_appointment(1, 5)'),
	('SELECT booking.set_appointment_status(1, ''arrived'')'),
	('SELECT booking.expire_holds()'),
	('SELECT booking.maintain()'),
	('SELECT booking.read_events(''mail'')'),
	('SELECT booking.note_events_done(''sms'', 0)'),
	('SELECT booking.skip_events(''fax'')'),
	('SELECT booking.refusals()'),
	('SELECT booking.define_tables()'),
	('SELECT booking.patient_appointments(1)'),
	('SELECT booking.appointment_being_moved()'),
	('SELECT booking.claimed_patient_id()'),
	('SELECT booking.claimed_clinic_ids()'),
	('SELECT booking.visited_clinic_ids()'),
	('SELECT booking.visited_doctor_ids()'),
	('SELECT booking.find_patient(''ada@example.org'')'),
	('SELECT booking.has_no_control_characters(''Ada'')'),
	('SELECT booking.is_plausible_email(''ada@example.org'')'),
	('SELECT booking.occupies(''booked'')'),
	('SELECT booking.is_free(true, NULL, now())'),
	('SELECT booking.remove_time_slot(2)'),
	('SELECT booking.restore_time_slot(2)'),
	('SELECT booking.remove_patient(1)'),
	('SELECT booking.restore_patient(1)'),
	('SELECT booking.remove_doctor(1)'),
	('SELECT booking.restore_doctor(1)'),
	('SELECT booking.remove_clinic(1)'),
	('SELECT booking.restore_clinic(1)'),
	('SELECT booking.add_schedule(2, 2, ''14:00'', ''16:00'', 30)'),
	('SELECT booking.remove_schedule(1)'),
	('SELECT booking.session_slots(''2099-06-01'', ''09:00'', ''10:00'', ''UTC'', 30)'),
	('SELECT booking.generate_slots(''2099-06-08'', ''2099-06-14'')'),
	('SELECT booking.add_time_off(''2099-06-01'', ''2099-06-02'', doctor_id => 2)'),
	('SELECT booking.add_days_off(''2099-06-01'', ''2099-06-01'', clinic_id => 2)'),
	('SELECT booking.remove_time_off(1)'),
	('SELECT booking.reassign_slots(2, 3, ''2099-06-01'', ''2099-06-02'')'),
	('SELECT booking.add_rule(''never'', ''house.never(booking.time_slots, booking.patients)'')'),
	('SELECT booking.remove_rule(''old rule'', 3)'),
	('TABLE booking.clinics'), ('TABLE booking.doctors'), ('TABLE booking.patients'),
	('TABLE booking.time_slots'), ('TABLE booking.appointments'), ('TABLE booking.appointment_events'),
	('TABLE booking.status_transitions'), ('TABLE booking.rules'), ('TABLE booking.schedules'),
	('TABLE booking.time_off'), ('TABLE booking.generated_days'),
	('TABLE booking.generated_doctors'), ('TABLE booking.maintenance'),
	('TABLE booking.clinic_figures'), ('TABLE booking.event_consumers'), ('TABLE booking.metrics'),
	('TABLE booking.table_definitions'), ('TABLE booking.altered_tables'),
	('TABLE booking.day_sheet'), ('TABLE booking.bookings'), ('TABLE booking.bookings_to_cancel'),
	('SELECT booking.doctor(b), booking.clinic(b), booking.slot(b), booking.patient(b) FROM booking.bookings b'),
	('DELETE FROM booking.bookings_to_cancel'),
	('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (5, 1)'),
	('UPDATE booking.bookings SET slot_id = 5 WHERE id = 1'),
	('DELETE FROM booking.bookings WHERE id = 1'),
	('UPDATE booking.clinics SET name = ''Harley St'', min_notice = ''1 hour'', is_active = true WHERE id = 1'),
	('UPDATE booking.doctors SET specialization = ''Cardiology'''),
	('UPDATE booking.patients SET email = ''ada@example.com'' WHERE id = 1'),
	('UPDATE booking.appointments SET status = ''cancelled'''),
	('DELETE FROM booking.generated_days'),
	-- these are for nobody but the functions
	('UPDATE booking.clinics SET deleted_at = now()'),
	('UPDATE booking.doctors SET clinic_id = 1'),
	('UPDATE booking.time_slots SET is_available = true'),
	('UPDATE booking.appointments SET slot_id = 5'),
	('INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, 1, 1, now(), now())'),
	('INSERT INTO booking.clinics (name) VALUES (''Raw'')'),
	('INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes) VALUES (1, 1, ''09:00'', ''10:00'', 30)'),
	('UPDATE booking.schedules SET slot_minutes = 20'),
	('UPDATE booking.time_off SET deleted_at = now()'),
	('INSERT INTO booking.generated_days (doctor_id, local_date) VALUES (1, ''2099-06-01'')'),
	('UPDATE booking.rules SET check_function = ''mine'''),
	('INSERT INTO booking.status_transitions VALUES (''cancelled'', ''booked'', ''always'')'),
	('DELETE FROM booking.patients'),
	('DELETE FROM booking.appointment_events'),
	('DELETE FROM booking.generated_doctors'),
	('UPDATE booking.maintenance SET updated_at = now()'),
	('UPDATE booking.event_consumers SET done_until = 1'),
	('UPDATE booking.appointment_events SET actor = ''somebody'''),
	('TRUNCATE booking.appointment_events'),
	('SELECT nextval(''booking.clinics_id_seq'')'),
	('SELECT booking.tidy_row()'),
	('SELECT booking.check_time_zone()'),
	('SELECT booking.check_overlap()'),
	('SELECT booking.check_email()'),
	('SELECT booking.count_changed_rows()'),
	('SELECT booking.guard_time_slot()'),
	('SELECT booking.guard_appointment()'),
	('SELECT booking.follow_appointment()'),
	('SELECT booking.forget_rules()'),
	('SELECT booking.write_booking()'),
	('SELECT booking.cancel_booking()'),
	('CREATE TABLE booking.mine ()'),
	('ALTER TABLE booking.clinics DISABLE TRIGGER USER'),
	('DROP TABLE booking.clinics CASCADE');

-- no function, table or view of the extension is left out of the list
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace
	AND NOT EXISTS (SELECT FROM deeds WHERE deed LIKE '%booking.' || proname || '(%');
SELECT oid::regclass FROM pg_class
WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
	AND NOT EXISTS (SELECT FROM deeds WHERE deed = 'TABLE booking.' || relname);

CREATE ROLE regress_booking_admin IN ROLE booking_admin;
CREATE ROLE regress_booking_guest IN ROLE booking_guest;
CREATE ROLE regress_booking_patient IN ROLE booking_patient;
CREATE ROLE regress_booking_staff IN ROLE booking_staff;
CREATE ROLE regress_booking_nobody;

-- A rule is added by the owner of its function.
CREATE SCHEMA house;
GRANT USAGE ON SCHEMA house TO PUBLIC;
CREATE FUNCTION house.never(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN 'never';
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_admin; SELECT booking.add_rule(''never'', ''house.never(booking.time_slots, booking.patients)'')');
ALTER FUNCTION house.never(booking.time_slots, booking.patients) OWNER TO regress_booking_admin;

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
SELECT left(deed, 68) AS deed, pg_temp.attempt('regress_booking_admin', deed) AS admin,
	pg_temp.attempt('regress_booking_staff', deed) AS staff,
	pg_temp.attempt('regress_booking_patient', deed) AS patient,
	pg_temp.attempt('regress_booking_guest', deed) AS guest,
	pg_temp.attempt('regress_booking_nobody', deed) AS nobody
FROM deeds ORDER BY n;
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_nobody; SELECT booking.book_slot(1, 1)');
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_guest; SELECT booking.book_slot(1, 1)');
SELECT sqlstate, message FROM pg_temp.refusal('SET LOCAL ROLE booking_owner; CREATE SCHEMA mine');

-- The event tells who it was: the role that called, not the owner whose rights the function has.
SET ROLE regress_booking_admin;
SELECT status FROM booking.book_slot(1, 1);
SELECT id, status FROM booking.bookings WHERE id = 1;
UPDATE booking.appointments SET status = 'arrived' WHERE id = 1;
DELETE FROM booking.bookings WHERE id = 1;
RESET ROLE;
SELECT appointment_id, to_status, actor_role FROM booking.appointment_events WHERE actor_role <> current_user ORDER BY id;

-- What an admin needs to have days generated again.
SET ROLE regress_booking_admin;
SELECT booking.generate_slots('2099-06-08', '2099-06-08', 2);
SELECT booking.generate_slots('2099-06-08', '2099-06-08', 2);
SELECT count(booking.remove_time_slot(id)) FROM booking.time_slots WHERE doctor_id = 2 AND starts_at >= '2099-06-08';
DELETE FROM booking.generated_days WHERE doctor_id = 2 AND local_date = '2099-06-08';
SELECT booking.generate_slots('2099-06-08', '2099-06-08', 2);
RESET ROLE;

ROLLBACK;
