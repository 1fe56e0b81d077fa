-- Appointments and events are inserted without a statement; whatever an administrator has put on
-- the tables is to be as it would be with one.
\i test/begin.psql
SET client_min_messages = notice;
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '14:00', 30);
CREATE TABLE pg_temp.log (n serial, entry text);
-- as whom the functions, and so the triggers, run
GRANT ALL ON pg_temp.log TO booking_owner;
GRANT ALL ON SEQUENCE pg_temp.log_n_seq TO booking_owner;

-- AFTER ROW triggers, which see the row, and one of which books in turn
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT format('%s %s: %s, %s there', TG_WHEN, TG_LEVEL, NEW.status, count(*)) FROM booking.appointments;
	RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.book_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT format('booked slot %s as well', (booking.book_slot(NEW.slot_id + 1, 1)).slot_id) WHERE NEW.slot_id = 1;
	RETURN NULL;
END
$$;
CREATE TRIGGER zz_note AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE TRIGGER zz_book_next AFTER INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION pg_temp.book_next();
SELECT id, slot_id FROM booking.book_slot(1, 1);
SELECT id, slot_id, status FROM booking.appointments ORDER BY id;
SELECT appointment_id, slot_id, to_status FROM booking.appointment_events ORDER BY id;
SELECT entry FROM pg_temp.log ORDER BY n;
DROP TRIGGER zz_book_next ON booking.appointment_events;

-- a BEFORE trigger that changes the row, and one that keeps it out
CREATE FUNCTION pg_temp.change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.slot_id = 4 THEN
		RETURN NULL;
	END IF;
	NEW.idempotency_key := 'set by a trigger';
	RETURN NEW;
END
$$;
CREATE TRIGGER change BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.change();
SELECT id, slot_id, idempotency_key FROM booking.book_slot(3, 1);
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.book_slot(4, 1)');
DROP TRIGGER change ON booking.appointments;

-- statement triggers, with and without a table of the new rows
CREATE FUNCTION pg_temp.note_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) VALUES (TG_WHEN || ' ' || TG_LEVEL);
	RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.note_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT 'new: ' || slot_id || ' ' || status FROM new_rows;
	RETURN NULL;
END
$$;
TRUNCATE pg_temp.log;
CREATE TRIGGER before_it BEFORE INSERT ON booking.appointments EXECUTE FUNCTION pg_temp.note_statement();
SELECT id, slot_id FROM booking.book_slot(4, 1);
DROP TRIGGER before_it ON booking.appointments;
CREATE TRIGGER after_it AFTER INSERT ON booking.appointments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.note_rows();
SELECT id, slot_id FROM booking.hold_slot(5, 1);
SELECT entry FROM pg_temp.log ORDER BY n;
DROP TRIGGER after_it ON booking.appointments;
DROP TRIGGER zz_note ON booking.appointments;

-- a rule
CREATE RULE also AS ON INSERT TO booking.appointment_events DO ALSO INSERT INTO pg_temp.log (entry) VALUES ('by a rule');
TRUNCATE pg_temp.log;
SELECT id, slot_id FROM booking.book_slot(6, 1);
SELECT entry FROM pg_temp.log;
DROP RULE also ON booking.appointment_events;

-- columns: with a default, generated, dropped; a constraint, whose function is replaced
CREATE FUNCTION pg_temp.is_fine(note text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE booking.appointments ADD COLUMN gone int DEFAULT 1, ADD COLUMN note text DEFAULT 'since ' || 1 + 1,
	ADD COLUMN minutes int GENERATED ALWAYS AS (extract(epoch FROM ends_at - starts_at) / 60) STORED,
	ADD CONSTRAINT note_is_fine CHECK (pg_temp.is_fine(note));
ALTER TABLE booking.appointments DROP COLUMN gone;
SELECT id, slot_id, note, minutes FROM booking.book_slot(7, 1);
CREATE OR REPLACE FUNCTION pg_temp.is_fine(note text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT note IS NULL';
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(8, 1)');
ALTER TABLE booking.appointments ALTER COLUMN note DROP DEFAULT;
SELECT id, slot_id, note, minutes FROM booking.book_slot(8, 1);
ALTER TABLE booking.appointments DROP COLUMN note, DROP COLUMN minutes;

-- a default that books in turn, after a function has changed: what is running is not thrown away
CREATE FUNCTION pg_temp.book_another() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('test.booked', true) IS DISTINCT FROM 'once' THEN
		SET LOCAL test.booked = 'once';
		CREATE FUNCTION pg_temp.something_new() RETURNS int LANGUAGE sql RETURN 1;
		RETURN 'with slot ' || (booking.book_slot(10, 1)).slot_id;
	END IF;
	RETURN 'the other';
END
$$;
SAVEPOINT nested;
ALTER TABLE booking.appointments ADD COLUMN note text, ADD COLUMN note_length int;
ALTER TABLE booking.appointments ALTER note SET DEFAULT pg_temp.book_another(), ALTER note_length SET DEFAULT length('note');
SELECT slot_id, note, note_length FROM booking.book_slot(9, 1);
SELECT slot_id, note, note_length FROM booking.appointments WHERE slot_id IN (9, 10) ORDER BY 1;
ROLLBACK TO nested;

-- an index of somebody else's, whose violation is nobody's rule
CREATE UNIQUE INDEX one_afternoon ON booking.appointments (patient_id) WHERE starts_at >= '2099-06-01 13:00+01';
SELECT id, slot_id FROM booking.book_slot(9, 1);
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(10, 1)');
DROP INDEX booking.one_afternoon;
SELECT id, slot_id FROM booking.book_slot(10, 1);

-- each appointment has its event, and nothing else has
SELECT count(*), count(DISTINCT appointment_id), bool_and(actor_role = session_user AND created_at = now()) FROM booking.appointment_events;
SELECT count(*), bool_and(created_at = now() AND updated_at = now()) FROM booking.appointments;
ROLLBACK;
