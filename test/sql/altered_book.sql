-- Whatever somebody has done to the tables, an error is never an internal one (XX000), nothing crashes, and
-- nothing is left of it.
\i test/lifecycle.psql
SET client_min_messages = error;
INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes) VALUES (1, 1, '18:00', '19:00', 30);
SELECT count(*) FROM booking.add_time_off('2099-07-01', '2099-07-02', doctor_id => 1);
SELECT booking.generate_slots('2099-06-01', '2099-06-07', doctor_id => 1);
SELECT FROM booking.book_slot(1, 1, 'key');
SELECT FROM booking.hold_slot(2, 2);
SELECT FROM booking.book_slot(11, 3);
SELECT FROM booking.hold_slot(5, 1);
SELECT pg_temp.let_expire(4);
ALTER SEQUENCE booking.clinics_id_seq RESTART 101;
SELECT FROM booking.read_events('mail');
SELECT FROM booking.remove_patient((SELECT id FROM booking.add_patient('Emmy Noether', 'emmy@example.org')));
CREATE FUNCTION pg_temp.sees(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql AS
	'SELECT CASE WHEN $1.id = 8 THEN $2.name END';
SELECT FROM booking.add_rule('sees', 'pg_temp.sees(booking.time_slots, booking.patients)');

-- Every function, and what fires every trigger, in the way that does most.
CREATE TEMP TABLE calls (n serial, person text DEFAULT 'admin', call text);
INSERT INTO calls (call) SELECT 'SELECT * FROM booking.' || c FROM unnest(ARRAY[
	'available_slots(1)', 'available_slots(clinic_id => 2)', 'available_slots(on_date => ''2099-06-01'')', 'next_available()',
	'next_available(clinic_id => 1, doctor_ids => ''{1,2}'')', 'is_slot_available(3)', 'session_slots(''2099-06-01'', ''09:00'', ''12:00'', ''Europe/London'', 30)',
	'check_booking(3, 2)', 'book_slot(3, 3)', 'book_slot(3, 3, ''new'')', 'book_slot(1, 1, ''key'')', 'book_slot(2, 2)', 'book_slot(2, 1)', 'book_slot(5, 2)',
	'hold_slot(4, 1)', 'hold_slot(2, 2)', 'confirm_hold(2)', 'cancel_appointment(1, ''a cold'')', 'cancel_appointment(2)', 'reschedule_appointment(1, 6)',
	'set_appointment_status(3, ''entered-in-error'')', 'expire_holds()', 'patient_appointments(1)', 'find_patient(''ada@example.org'')',
	'add_clinic(''Baker Street'', ''Baker Street 221b'', ''Europe/London'')', 'add_doctor(1, ''Dr Ada Yonath'', ''Surgery'')', 'add_patient(''Kurt Goedel'', ''kurt@example.org'')',
	'remove_clinic(2)', 'restore_clinic(1)', 'remove_doctor(2)', 'restore_doctor(1)', 'remove_patient(2)', 'restore_patient(101)', 'remove_time_slot(6)', 'restore_time_slot(6)',
	'add_time_slots(1, ''2099-06-08'', ''09:00'', ''12:00'', 30)', 'set_slot_availability(6, false)', 'set_slot_availability(6, true)',
	'add_schedule(1, 2, ''09:00'', ''12:00'', 30)', 'remove_schedule(1)', 'generate_slots(''2099-06-01'', ''2099-06-30'')',
	'add_time_off(''2099-06-01'', ''2099-06-02'', doctor_id => 1)', 'add_days_off(''2099-06-01'', ''2099-06-02'', clinic_id => 1)', 'remove_time_off((SELECT min(id) FROM booking.time_off))',
	'reassign_slots(1, (SELECT id FROM booking.add_doctor(1, ''Dr Ada Yonath'')), ''2099-06-01'', ''2099-06-02'')',
	'add_rule(''more'', ''pg_temp.sees(booking.time_slots, booking.patients)'')', 'remove_rule(''sees'')', 'appointment_being_moved()',
	'maintain()', 'maintain(retention => ''30 days'')', 'read_events(''mail'')', 'read_events(''other'')', 'note_events_done(''mail'', 1)', 'refusals()', 'metrics', 'bookings', 'day_sheet',
	'claimed_patient_id()', 'claimed_clinic_ids()', 'visited_clinic_ids()', 'visited_doctor_ids()']) c;
INSERT INTO calls (call) VALUES
	('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (6, 3)'), ('UPDATE booking.bookings SET status = ''cancelled'' WHERE id = 1'),
	('UPDATE booking.bookings SET slot_id = 7 WHERE id = 1'), ('DELETE FROM booking.bookings WHERE id = 1'),
	('UPDATE booking.appointments SET status = ''cancelled'''), ('UPDATE booking.appointments SET idempotency_key = NULL'), ('UPDATE booking.appointments SET status = ''booked'' WHERE status = ''pending'''),
	('UPDATE booking.time_slots SET ends_at = ends_at - interval ''1 minute'' WHERE id = 6'), ('UPDATE booking.time_slots SET is_available = true WHERE id = 6'),
	('UPDATE booking.time_slots SET deleted_at = now() WHERE id = 6'), ('UPDATE booking.time_slots SET doctor_id = 2, clinic_id = 2 WHERE id = 6'),
	('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) SELECT 1, 1, t, t + interval ''10 min'' FROM generate_series(''2099-08-01''::timestamptz, ''2099-08-02'', ''10 min'') t'),
	('UPDATE booking.patients SET email = ''x@example.org'' WHERE id = 1'), ('UPDATE booking.patients SET name = ''x y'' WHERE id = 1'),
	('UPDATE booking.clinics SET time_zone = ''Europe/Paris'''), ('UPDATE booking.clinics SET min_notice = ''1 hour'''), ('UPDATE booking.doctors SET name = ''Dr Who'''),
	('UPDATE booking.rules SET deleted_at = now()'), ('UPDATE booking.schedules SET updated_at = now()'), ('DELETE FROM booking.generated_days');
INSERT INTO calls (person, call) SELECT p, 'SELECT count(*) FROM booking.' || t
FROM unnest(ARRAY['booking_patient', 'booking_staff']) p,
	unnest(ARRAY['clinics', 'doctors', 'patients', 'time_slots', 'bookings', 'appointment_events']) t;
INSERT INTO calls (person, call) SELECT 'booking_patient', 'SELECT * FROM booking.' || c
FROM unnest(ARRAY['book_slot(3)', 'hold_slot(4)', 'cancel_appointment(1)', 'patient_appointments()', 'check_booking(3)', 'visited_clinic_ids()', 'visited_doctor_ids()']) c;

-- What a call ends with; what it did is undone.
CREATE FUNCTION pg_temp.outcome(person text, call text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	IF person <> 'admin' THEN
		EXECUTE format('SET LOCAL ROLE %I', person);
	END IF;
	EXECUTE call;
	RAISE division_by_zero;
EXCEPTION WHEN OTHERS THEN
	state := replace(sqlstate, '22012', '00000');
	message := sqlerrm;
END
$$;
CREATE TEMP TABLE outcomes (change text, n int, state text, message text);
-- Makes a change, tries every call, or every third from one on, and undoes it.
CREATE PROCEDURE pg_temp.try(change text, which int DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	found outcomes[];
BEGIN
	BEGIN
		EXECUTE change;
		found := array(SELECT ROW(change, n, (o).*)::outcomes FROM (SELECT n, pg_temp.outcome(person, call) AS o FROM calls WHERE which IS NULL OR n % 3 = which % 3 ORDER BY n) s);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	WHEN OTHERS THEN
		found := ARRAY[ROW(change, NULL, sqlstate, sqlerrm)::outcomes];
	END;
	INSERT INTO outcomes SELECT * FROM unnest(found);
END
$$;
SET request.jwt.claims = '{"patient_id": 1, "clinic_ids": [1]}';
CALL pg_temp.try('SELECT');
SELECT call, state, message FROM outcomes JOIN calls USING (n) WHERE state <> '00000';
SELECT pg_temp.state() AS state \gset

-- Each table in turn is renamed, or something else in its place; each column is gone.
DO $$
DECLARE
	change text;
	which int;
BEGIN
	FOR change, which IN
		WITH tables AS (SELECT oid, oid::regclass AS name, relname FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r'),
		columns AS (SELECT name, attname, attnum FROM tables JOIN pg_attribute ON attrelid = tables.oid WHERE attnum > 0 AND NOT attisdropped)
		SELECT format('ALTER TABLE %s RENAME TO gone', name), NULL::int FROM tables
		UNION ALL
		SELECT format('ALTER TABLE %s RENAME TO gone; ' || c, name, relname), NULL::int FROM tables, unnest(ARRAY['CREATE VIEW booking.%2$I AS TABLE booking.gone',
			'CREATE TABLE booking.%2$I (LIKE booking.gone INCLUDING ALL) PARTITION BY LIST (created_at)', 'CREATE TYPE booking.%2$I AS (id bigint)']) c
		WHERE relname IN ('time_slots', 'appointments', 'appointment_events', 'table_definitions')
		UNION ALL
		SELECT format(CASE attnum % 2 WHEN 0 THEN 'ALTER TABLE %s DROP COLUMN %I CASCADE' ELSE 'ALTER TABLE %s RENAME COLUMN %I TO gone' END, name, attname), attnum FROM columns
	LOOP
		CALL pg_temp.try(change, which);
	END LOOP;
END
$$;
SELECT count(DISTINCT change) >= 130 AS many FROM outcomes;
SELECT count(*), min(change), call, state, message FROM outcomes LEFT JOIN calls USING (n) WHERE state LIKE 'XX%' GROUP BY call, state, message ORDER BY 3, 1;
-- what functions and triggers say by themselves
SELECT DISTINCT regexp_replace(message, '(table booking\.|column |no valid )"?\w+"?', '\1...', 'g') AS message FROM outcomes WHERE state = '55000' ORDER BY 1;
SELECT pg_temp.state() = :'state' AS unchanged;
-- and when all is as it was, so are they
CREATE TEMP TABLE before AS SELECT n, state FROM outcomes WHERE change = 'SELECT';
DELETE FROM outcomes;
CALL pg_temp.try('SELECT');
SELECT call, b.state, o.state, message FROM outcomes o JOIN before b USING (n) JOIN calls USING (n) WHERE o.state <> b.state;
ROLLBACK;
