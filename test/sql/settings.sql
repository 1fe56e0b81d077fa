-- How our statements are planned is nobody else's affair: settings of the planner, and others' plans, are under
-- them and after them what they were.
\i test/lifecycle.psql
CREATE VIEW pg_temp.settings AS SELECT current_setting('enable_seqscan') AS seqscan, current_setting('jit') AS jit;
SET jit = on;
CREATE SCHEMA app;
CREATE TABLE app.orders (id int PRIMARY KEY);
INSERT INTO app.orders VALUES (1);
ANALYZE app.orders;
-- what somebody's code finds under our statements: settings, and the plan of a query that reads few rows
CREATE FUNCTION app.seen() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM app.orders WHERE id = 1' INTO plan;
	RETURN format('%s, seqscan %s, jit %s', plan->0->'Plan'->>'Node Type', current_setting('enable_seqscan'), current_setting('jit'));
END
$$;
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT SELECT ON app.orders TO PUBLIC;
CREATE FUNCTION app.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% %: %', TG_OP, TG_TABLE_NAME, app.seen();
	RETURN NEW;
END
$$;
CREATE TRIGGER tell AFTER UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION app.tell();
CREATE TRIGGER tell BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION app.tell();
CREATE TRIGGER tell BEFORE INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION app.tell();
SET client_min_messages = notice;
SELECT app.seen();
SELECT id FROM booking.book_slot(1, 1);
SELECT status FROM booking.cancel_appointment(1);
SET LOCAL enable_seqscan = off;
SELECT id FROM booking.book_slot(2, 2);
SET LOCAL enable_seqscan = on;
-- what is evaluated as our statement is planned has its plans as ever, too; but there the setting shows
CREATE FUNCTION app.constant() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.seen(); END';
ALTER TABLE booking.clinics ADD COLUMN remark text DEFAULT app.constant();
ALTER SEQUENCE booking.clinics_id_seq RESTART 101;
SELECT remark FROM booking.add_clinic('Baker Street');
ALTER TABLE booking.clinics DROP COLUMN remark;
-- a rule
CREATE FUNCTION app.rule(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql AS 'SELECT app.seen()';
SELECT FROM booking.add_rule('seen', 'app.rule(booking.time_slots, booking.patients)');
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(3, 3)');
SELECT FROM booking.remove_rule('seen');
-- and a plan of somebody's that is made there and kept
CREATE FUNCTION app.count() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM FROM app.orders WHERE id = 1; RETURN NULL; END';
CREATE TRIGGER count AFTER UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION app.count();
CREATE FUNCTION pg_temp.sequential(which regclass) RETURNS bigint LANGUAGE sql AS 'SELECT pg_stat_get_xact_numscans($1)';
SELECT pg_temp.sequential('app.orders') AS before \gset
SELECT status FROM booking.cancel_appointment(2);
SELECT pg_temp.sequential('app.orders') - :before AS scans;

-- Ours: by the index, however few rows there are. By hand they are read as one likes.
SELECT pg_temp.sequential('booking.appointments') AS before \gset
SELECT count(*) FROM booking.patient_appointments(1);
SELECT pg_temp.sequential('booking.appointments') - :before AS ours;
ANALYZE booking.appointments;
SELECT count(*) FROM booking.appointments WHERE patient_id = 1;
SELECT pg_temp.sequential('booking.appointments') - :before AS by_hand;
-- by a search among many doctors, which reads in the order of time
INSERT INTO booking.doctors (id, clinic_id, name) SELECT i, 1, 'Dr No ' || i FROM generate_series(1000, 1060) i;
SELECT pg_temp.sequential('booking.time_slots') AS before \gset
SELECT count(*) FROM booking.next_available(per_doctor => 2, max_slots => 2);
SELECT pg_temp.sequential('booking.time_slots') - :before AS ours;
SELECT * FROM settings;

-- What a trigger sets is set for as long as it says, and no value of ours comes in its place.
CREATE FUNCTION app.set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('enable_seqscan', current_setting('app.seqscan'), current_setting('app.is_local')::boolean);
	PERFORM set_config('jit', current_setting('app.seqscan'), current_setting('app.is_local')::boolean);
	IF current_setting('app.fails')::boolean THEN
		RAISE 'no';
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER set AFTER UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION app.set();
SET client_min_messages = warning;
SELECT slot_id FROM booking.book_slot(7, 3);
CREATE FUNCTION pg_temp.after(seqscan text, is_local boolean, fails boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('app.seqscan', seqscan, true), set_config('app.is_local', is_local::text, true), set_config('app.fails', fails::text, true);
	BEGIN
		SELECT status INTO answer FROM booking.cancel_appointment((SELECT max(id) FROM booking.appointments WHERE slot_id = 7));
	EXCEPTION WHEN raise_exception THEN
		answer := sqlerrm;
	END;
	RETURN format('%s: seqscan %s, jit %s', answer, current_setting('enable_seqscan'), current_setting('jit'));
END
$$;
SAVEPOINT plain;
SELECT pg_temp.after('on', true, true);
SELECT pg_temp.after('on', true, false);
ROLLBACK TO plain;
SELECT pg_temp.after('off', false, true);
SELECT pg_temp.after('off', false, false);
ROLLBACK TO plain;
SELECT * FROM settings;
SELECT pg_temp.after('on', true, false);
ROLLBACK;
SHOW enable_seqscan;
SELECT setting = reset_val AS as_before FROM pg_settings WHERE name = 'jit';
RESET jit;
