-- The functions do what they say whatever their caller's search_path finds: in a new session,
-- where no plan is made yet, a role that may call them puts its own functions, operators,
-- views and temporary tables in their way, all of which raise an error when they are touched.
\i test/begin.psql

CREATE ROLE regress_booking_admin IN ROLE booking_admin;
CREATE SCHEMA trap AUTHORIZATION regress_booking_admin;
SET ROLE regress_booking_admin;
CREATE FUNCTION trap.caught() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught as %', current_user; END $$;
CREATE FUNCTION trap.is_equal(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT trap.caught()';
CREATE FUNCTION trap.plus(timestamptz, interval) RETURNS timestamptz LANGUAGE sql AS 'SELECT $1 WHERE trap.caught()';
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.is_equal);
CREATE OPERATOR trap.+ (LEFTARG = timestamptz, RIGHTARG = interval, FUNCTION = trap.plus);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2200-01-01'::timestamptz WHERE trap.caught() $$;
CREATE FUNCTION trap.statement_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT trap.now()';
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT trap.now()';
CREATE FUNCTION trap.count(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0 WHERE trap.caught()';
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' WHERE trap.caught() $$;
CREATE FUNCTION trap.generate_series(timestamptz, timestamptz, interval) RETURNS SETOF timestamptz
	LANGUAGE sql AS 'SELECT trap.now()';
CREATE VIEW trap.pg_timezone_names AS SELECT 'Mars/Olympus' AS name;
CREATE TEMP TABLE pg_timezone_names AS SELECT 'Mars/Olympus' AS name;
CREATE TEMP TABLE clinics (LIKE booking.clinics);
CREATE TEMP TABLE doctors (LIKE booking.doctors);
CREATE TEMP TABLE patients (LIKE booking.patients);
CREATE TEMP TABLE time_slots (LIKE booking.time_slots);
CREATE TEMP TABLE appointments (LIKE booking.appointments);
CREATE TEMP TABLE appointment_events (LIKE booking.appointment_events);
CREATE TEMP TABLE status_transitions (LIKE booking.status_transitions);
CREATE TEMP TABLE schedules (LIKE booking.schedules);
CREATE TEMP TABLE time_off (LIKE booking.time_off);
CREATE TEMP TABLE generated_days (LIKE booking.generated_days);
CREATE TEMP TABLE rules (LIKE booking.rules);
CREATE TEMP TABLE bookings (id bigint);
CREATE TYPE pg_temp.appointment_status AS ENUM ('mine');
CREATE FUNCTION trap.book_slot(bigint, bigint, text) RETURNS booking.appointments LANGUAGE sql AS 'SELECT NULL::booking.appointments WHERE trap.caught()';
CREATE FUNCTION trap.unnest(anyarray, anyarray) RETURNS TABLE (starts_at timestamptz, ends_at timestamptz) LANGUAGE sql AS 'SELECT trap.now(), trap.now()';
CREATE FUNCTION trap.greatest_of(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT trap.caught()';
CREATE OPERATOR trap.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.greatest_of);
CREATE OPERATOR trap.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.greatest_of);
CREATE FUNCTION trap.caught_status(booking.appointment_status, booking.appointment_status) RETURNS boolean LANGUAGE sql AS 'SELECT trap.caught()';
CREATE OPERATOR trap.<> (LEFTARG = booking.appointment_status, RIGHTARG = booking.appointment_status, FUNCTION = trap.caught_status);

SET search_path = trap, pg_temp, pg_catalog, booking;
-- the trap works
SELECT 1::bigint = 1::bigint;

SELECT id, name, time_zone FROM booking.add_clinic('Harley Street', time_zone => 'europe/london');
SELECT sqlstate, rule, message FROM pg_temp.refusal($$SELECT booking.add_clinic('On Mars', time_zone => 'Mars/Olympus')$$);
UPDATE booking.clinics SET time_zone = 'europe/dublin' RETURNING time_zone;
SELECT id, name FROM booking.add_doctor(1, ' Dr Grace Hopper ', 'Cardiology');
SELECT id, name FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id, starts_at FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30)$$);
SELECT slot_id, local_start FROM booking.available_slots(specialization => 'CARDIOLOGY', on_date => '2099-06-01');
SELECT booking.is_slot_available(1);
SELECT rule, passed FROM booking.check_booking(1, 1) WHERE NOT passed;
SELECT id, status FROM booking.book_slot(1, 1);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
SELECT appointment_id, local_start, doctor_name FROM booking.patient_appointments(1);
SELECT local_start, state, patient_name FROM booking.day_sheet ORDER BY slot_id;
SELECT sqlstate, rule, detail FROM pg_temp.refusal('SELECT booking.remove_clinic(1)');
SELECT sqlstate, rule, detail FROM pg_temp.refusal('SELECT booking.remove_doctor(1)');
SELECT sqlstate, rule, detail FROM pg_temp.refusal('SELECT booking.remove_patient(1)');
SELECT is_available FROM booking.set_slot_availability(2, false);
SELECT id FROM booking.remove_time_slot(2);
SELECT id FROM booking.restore_time_slot(2);

-- the life of an appointment, by functions, by the view and by raw SQL
SELECT is_available FROM booking.set_slot_availability(2, true);
SELECT id, status FROM booking.reschedule_appointment(1, 2);
SELECT id FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT id, status FROM booking.hold_slot(1, 2);
SELECT status FROM booking.confirm_hold(2);
SELECT status FROM booking.set_appointment_status(2, 'arrived');
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.set_appointment_status(2, 'noshow')$$);
SELECT status FROM booking.cancel_appointment(2);
SELECT booking.expire_holds();
SELECT count(*) FROM booking.maintain(retention => '1 year');
SELECT count(*) >= 0 AS is_read FROM booking.read_events('mail');
SELECT booking.note_events_done('mail', 0);
SELECT booking.skip_events('mail') >= 0 AS is_skipped;
SELECT count(*) FROM booking.metrics WHERE name = 'booking_holds';
INSERT INTO booking.bookings (slot_id, patient_id) VALUES (1, 2) RETURNING slot_id, local_start;
DELETE FROM booking.bookings WHERE slot_id = 1 AND status = 'booked' RETURNING slot_id;
UPDATE booking.appointments SET status = 'arrived' WHERE id = 1 RETURNING status;
SELECT appointment_id, to_status FROM booking.appointment_events e ORDER BY id;

-- calendars
SELECT id FROM booking.add_doctor(1, 'Dr Tony Hoare');
SELECT weekday FROM booking.add_schedule(1, 1, '14:00', '16:00', 30);
SELECT * FROM booking.session_slots('2099-06-01', '14:00', '15:00', 'Europe/London', 30);
SELECT booking.generate_slots('2099-06-01', '2099-06-08');
SELECT booking.generate_slots('2099-06-01', '2099-06-08', 1);
SELECT slot_id, local_date, local_start FROM booking.next_available(per_doctor => 2);
SELECT slot_id, local_start FROM booking.next_available(doctor_ids => '{1}', specialization => 'cardiology');
SELECT id FROM booking.add_time_off('2099-06-08 13:00+00', '2099-06-08 13:30+00', doctor_id => 1);
SELECT id FROM booking.add_days_off('2099-06-01', '2099-06-01', clinic_id => 1);
SELECT slot_id, local_date, local_start FROM booking.available_slots();
SELECT id IS NOT NULL AS removed FROM booking.remove_time_off(2);
SELECT booking.reassign_slots(1, 2, '2099-06-01', '2099-06-02');
SELECT slot_id, doctor_name FROM booking.available_slots(on_date => '2099-06-01');
SELECT weekday FROM booking.remove_schedule(1);

-- a rule, whose function is looked for by its full name
CREATE FUNCTION trap.never(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN 'never';
SELECT check_function FROM booking.add_rule('never', 'trap.never(booking.time_slots, booking.patients)');
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.book_slot(1, 2)');
SELECT name FROM booking.remove_rule('never');

ROLLBACK;
