-- A booking marks its slot without a statement; whatever an administrator has put on the table is
-- to be as it would be with one. And it keeps slot and patient from being deleted, without the
-- triggers of its foreign keys.
\i test/begin.psql
SET client_min_messages = notice;
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 30);
CREATE TABLE pg_temp.log (n serial, entry text);
-- as whom the functions, and so the triggers, run
GRANT ALL ON pg_temp.log TO booking_owner;
GRANT ALL ON SEQUENCE pg_temp.log_n_seq TO booking_owner;
CREATE VIEW pg_temp.slot AS SELECT id, is_available, held_until > now() AS is_held, updated_at = now() AS is_new FROM booking.time_slots;

-- what it marks
SELECT status FROM booking.book_slot(1, 1);
SELECT status FROM booking.hold_slot(2, 1);
SELECT status FROM booking.hold_slot(3, 1, '1 microsecond');
SELECT status FROM booking.book_slot(3, 1);
SELECT * FROM pg_temp.slot WHERE id <= 4 ORDER BY id;
SELECT count(*) FROM booking.time_slots WHERE NOT is_available OR held_until IS NOT NULL;

-- row triggers: one that changes the row, one that sees it, one that keeps it as it was
CREATE FUNCTION pg_temp.change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 5 THEN
		RETURN NULL;
	END IF;
	NEW.created_at := '2001-01-01 00:00+00';
	RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) VALUES (format('%s %s: %s, available %s', TG_WHEN, TG_LEVEL, NEW.id, NEW.is_available));
	RETURN NEW;
END
$$;
CREATE TRIGGER change BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.change();
CREATE TRIGGER zz_note AFTER UPDATE OF is_available ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
SELECT status FROM booking.book_slot(4, 1);
SELECT id, created_at FROM booking.time_slots WHERE id = 4;
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.book_slot(5, 1)');
SELECT entry FROM pg_temp.log ORDER BY n;
DROP TRIGGER change ON booking.time_slots;
ALTER TABLE booking.time_slots DISABLE TRIGGER zz_note;
SELECT status FROM booking.book_slot(5, 1);
SELECT count(*) FROM pg_temp.log;
DROP TRIGGER zz_note ON booking.time_slots;

-- our own trigger, put there once more in order to trim a column
ALTER TABLE booking.time_slots ADD COLUMN room text DEFAULT '  2 ';
CREATE TRIGGER trim BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION booking.tidy_row('room');
SELECT status FROM booking.book_slot(6, 1);
SELECT '<' || room || '>' AS room FROM booking.time_slots WHERE id BETWEEN 6 AND 7 ORDER BY id;
DROP TRIGGER trim ON booking.time_slots;

-- statement triggers, with and without a table of the rows
CREATE FUNCTION pg_temp.note_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) VALUES (TG_WHEN || ' ' || TG_LEVEL);
	RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.note_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT 'new: ' || id || ' ' || is_available FROM new_rows;
	RETURN NULL;
END
$$;
TRUNCATE pg_temp.log;
CREATE TRIGGER before_it BEFORE UPDATE ON booking.time_slots EXECUTE FUNCTION pg_temp.note_statement();
SELECT status FROM booking.book_slot(7, 1);
DROP TRIGGER before_it ON booking.time_slots;
CREATE TRIGGER after_it AFTER UPDATE ON booking.time_slots REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.note_rows();
SELECT status FROM booking.book_slot(8, 1);
SELECT entry FROM pg_temp.log ORDER BY n;
DROP TRIGGER after_it ON booking.time_slots;

-- a rule
CREATE RULE also AS ON UPDATE TO booking.time_slots DO ALSO INSERT INTO pg_temp.log (entry) VALUES ('by a rule');
TRUNCATE pg_temp.log;
SELECT status FROM booking.book_slot(9, 1);
SELECT entry FROM pg_temp.log;
DROP RULE also ON booking.time_slots;

-- columns: generated, dropped; constraints on what is marked, one by a function that is replaced
CREATE FUNCTION pg_temp.is_fine(is_available boolean) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE booking.time_slots ADD COLUMN state text GENERATED ALWAYS AS (CASE WHEN is_available THEN 'free' ELSE 'taken' END) STORED;
SELECT status FROM booking.book_slot(10, 1);
SELECT id, state FROM booking.time_slots WHERE id BETWEEN 10 AND 11 ORDER BY id;
ALTER TABLE booking.time_slots DROP COLUMN state, DROP COLUMN room, ADD CONSTRAINT no_holds CHECK (held_until IS NULL) NOT VALID,
	ADD CONSTRAINT is_fine CHECK (pg_temp.is_fine(is_available)) NOT VALID;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.hold_slot(11, 1)');
SELECT status FROM booking.book_slot(11, 1);
CREATE OR REPLACE FUNCTION pg_temp.is_fine(is_available boolean) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT is_available';
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(12, 1)');
ALTER TABLE booking.time_slots DROP CONSTRAINT no_holds, DROP CONSTRAINT is_fine;

-- a constraint that books in turn
CREATE FUNCTION pg_temp.book_another(slot bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN slot <> 12 OR (booking.book_slot(13, 1)).status = 'booked';
END
$$;
SAVEPOINT nested;
ALTER TABLE booking.time_slots ADD CONSTRAINT books CHECK (pg_temp.book_another(id)) NOT VALID;
SELECT slot_id, status FROM booking.book_slot(12, 1);
SELECT * FROM pg_temp.slot WHERE id BETWEEN 12 AND 14 ORDER BY id;
ROLLBACK TO nested;

-- indexes of somebody else's on what is marked, which get their entries
CREATE INDEX free_slots ON booking.time_slots (starts_at) WHERE is_available;
CREATE INDEX by_state ON booking.time_slots (is_available, (held_until IS NULL));
SELECT status FROM booking.book_slot(12, 1);
SELECT status FROM booking.hold_slot(13, 1);
CREATE EXTENSION amcheck;
SELECT relname, bt_index_check(oid, true) FROM pg_class WHERE oid IN ('booking.free_slots'::regclass, 'booking.by_state'::regclass) ORDER BY 1;
DROP INDEX booking.free_slots, booking.by_state;

-- a foreign key of somebody else's that follows what is marked
CREATE UNIQUE INDEX slot_and_state ON booking.time_slots (id, is_available);
CREATE TABLE public.sign (slot_id bigint, is_free boolean,
	FOREIGN KEY (slot_id, is_free) REFERENCES booking.time_slots (id, is_available) ON UPDATE CASCADE);
INSERT INTO public.sign VALUES (14, true);
SELECT status FROM booking.book_slot(14, 1);
TABLE public.sign;
DROP TABLE public.sign;
DROP INDEX booking.slot_and_state;

-- a publication of updates that could not be told which row they are of
SAVEPOINT published;
SET LOCAL client_min_messages = error;
CREATE PUBLICATION slots FOR TABLE booking.time_slots;
ALTER TABLE booking.time_slots REPLICA IDENTITY NOTHING;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(15, 1)');
ROLLBACK TO published;

-- other isolation levels and triggers that are off do the same
SELECT status FROM booking.book_slot(15, 1);
SET LOCAL session_replication_role = replica;
SELECT status FROM booking.book_slot(16, 1);
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.slot WHERE id >= 15 ORDER BY id;

-- neither slot nor patient can be deleted under the appointment
SELECT sqlstate, message FROM pg_temp.refusal('DELETE FROM booking.time_slots WHERE id = 15');
SELECT sqlstate, message FROM pg_temp.refusal('DELETE FROM booking.patients');
SELECT count(*) FROM booking.appointments a JOIN booking.time_slots USING (clinic_id, doctor_id, starts_at, ends_at) JOIN booking.patients p ON p.id = a.patient_id;
ROLLBACK;
