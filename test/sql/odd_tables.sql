-- What can be done to the tables, and what holds even so. How each is written, oddities.sql tells.
\i test/begin.psql
\set ON_ERROR_STOP off
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 30);
SELECT status FROM booking.book_slot(1, 1);
CREATE FUNCTION pg_temp.delete_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM booking.time_slots WHERE id = NEW.id;
	RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.renumber() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.id := NEW.id + 1000;
	RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.delete_patient() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM booking.patients WHERE id = 2;
	RETURN 'gone';
END
$$;
CREATE TEMP TABLE calls AS
SELECT * FROM (VALUES ('book_slot(3, 1)'), ('check_booking(3, 1)'), ('add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'),
	('add_schedule(1, 1, ''09:00'', ''12:00'', 30)'), ('generate_slots(''2099-06-01'', ''2099-06-30'')'),
	('add_time_off(''2099-06-03'', ''2099-06-04'', clinic_id => 1)'), ('add_days_off(''2099-06-03'', ''2099-06-04'', doctor_id => 1)'),
	('maintain()'), ('available_slots(1)'), ('next_available()'), ('patient_appointments(1)'),
	('set_appointment_status(1, ''noshow'')'), ('cancel_appointment(1)')) AS c(call);
SAVEPOINT whole;

-- somebody's functions delete, or renumber, what is being booked: no appointment is left without it
CREATE TRIGGER archive AFTER UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.delete_slot();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)');
DROP TRIGGER archive ON booking.time_slots;
CREATE TRIGGER renumber BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.renumber();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)');
DROP TRIGGER renumber ON booking.time_slots;
ALTER TABLE booking.appointments ADD COLUMN note text;
ALTER TABLE booking.appointments ALTER COLUMN note SET DEFAULT pg_temp.delete_patient();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
ROLLBACK TO whole;
ALTER TABLE booking.appointment_events ADD COLUMN note text;
ALTER TABLE booking.appointment_events ALTER COLUMN note SET DEFAULT pg_temp.delete_patient();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
ROLLBACK TO whole;
SELECT status FROM booking.book_slot(2, 2);
ROLLBACK TO whole;

-- a constraint that books the same slot, while that is being marked
CREATE FUNCTION pg_temp.book_it(slot bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF slot = 3 AND current_setting('test.book', true) = 'now' THEN
		PERFORM set_config('test.book', 'done', true);
		PERFORM booking.book_slot(3, 2);
	END IF;
	RETURN true;
END
$$;
ALTER TABLE booking.time_slots ADD CONSTRAINT books CHECK (pg_temp.book_it(id)) NOT VALID;
SET LOCAL test.book = 'now';
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(3, 1)');
ROLLBACK TO whole;

-- a partition: of free slots alone; from 17 on, without an identity
CREATE TABLE public.slots_by_state (LIKE booking.time_slots) PARTITION BY LIST (is_available);
DELETE FROM booking.appointments;
DELETE FROM booking.time_slots WHERE NOT is_available;
ALTER EXTENSION booking DROP SEQUENCE booking.time_slots_id_seq;
ALTER TABLE booking.time_slots ALTER id DROP IDENTITY;
ALTER TABLE public.slots_by_state ATTACH PARTITION booking.time_slots FOR VALUES IN (true);
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(3, 1)');
ROLLBACK TO whole;

-- partitioned tables, which the functions write to by statements, and do not read
ALTER TABLE booking.appointment_events RENAME TO old_events;
CREATE TABLE booking.appointment_events (LIKE booking.old_events INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at);
ALTER TABLE booking.appointment_events ALTER id SET DEFAULT 7, ALTER created_at SET DEFAULT now(), OWNER TO booking_owner;
CREATE TABLE booking.all_events PARTITION OF booking.appointment_events DEFAULT;
ALTER TABLE booking.all_events OWNER TO booking_owner;
SELECT status FROM booking.book_slot(3, 1);
SELECT id, slot_id, to_status FROM booking.all_events;
ROLLBACK TO whole;
ALTER TABLE booking.doctors RENAME TO old_doctors;
ALTER INDEX booking.doctors_pkey RENAME TO old_doctors_pkey;
CREATE TABLE booking.doctors (LIKE booking.old_doctors INCLUDING CONSTRAINTS) PARTITION BY HASH (id);
CREATE TABLE booking.all_doctors PARTITION OF booking.doctors FOR VALUES WITH (MODULUS 1, REMAINDER 0);
ALTER TABLE booking.doctors ADD CONSTRAINT doctors_pkey PRIMARY KEY (id), OWNER TO booking_owner;
ALTER TABLE booking.all_doctors OWNER TO booking_owner;
INSERT INTO booking.doctors SELECT * FROM booking.old_doctors;
SELECT booking.book_slot(3, 1);
ROLLBACK TO whole;

-- an index that has the name, and not the key
DROP INDEX booking.unique_timeslot;
SAVEPOINT unindexed;
CREATE INDEX unique_timeslot ON booking.appointments (slot_id);
SELECT booking.book_slot(3, 1);
ROLLBACK TO unindexed;
CREATE UNIQUE INDEX unique_timeslot ON booking.appointments (id);
SELECT booking.book_slot(3, 1);
ROLLBACK TO unindexed;
CREATE UNIQUE INDEX unique_timeslot ON booking.appointments ((slot_id::text));
SELECT booking.book_slot(3, 1);
ROLLBACK TO whole;

-- an index whose second column is another
DROP INDEX booking.appointments_of_a_patient;
CREATE INDEX appointments_of_a_patient ON booking.appointments (patient_id, idempotency_key);
SELECT booking.book_slot(3, 1);
ROLLBACK TO whole;

-- columns of a type that the library does not take them for
ALTER TABLE booking.appointment_events ALTER COLUMN actor_role TYPE text;
SELECT booking.book_slot(3, 1);
ROLLBACK TO whole;
ALTER TABLE booking.clinics ALTER COLUMN hold_duration DROP DEFAULT, DROP CONSTRAINT hold_duration_is_at_most_1_hour,
	ALTER COLUMN hold_duration TYPE text;
SELECT booking.book_slot(3, 1);
SELECT booking.check_booking(3, 1);
ROLLBACK TO whole;
SELECT status FROM booking.book_slot(3, 1);
ROLLBACK TO whole;

-- what a dropped column had is not carried along
ALTER TABLE booking.time_slots ADD COLUMN note text DEFAULT repeat('x', 200);
UPDATE booking.time_slots SET note = note;
ALTER TABLE booking.time_slots DROP COLUMN note;
UPDATE booking.time_slots SET held_until = NULL WHERE id = 4;
SELECT status FROM booking.book_slot(3, 1);
SELECT pg_column_size(a.*) = pg_column_size(b.*) AS as_by_a_statement FROM booking.time_slots a, booking.time_slots b WHERE a.id = 3 AND b.id = 4;
ROLLBACK TO whole;

-- another type in the place of ours, and a status of another name
ALTER TYPE booking.appointment_status RENAME TO old_status;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(3, 1)');
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
CREATE TYPE booking.appointment_status AS ENUM ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled');
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(3, 1)');
SELECT count(*) FROM booking.appointments;
DROP TYPE booking.appointment_status;
ALTER TYPE booking.old_status RENAME TO appointment_status;
SELECT status FROM booking.book_slot(3, 1);
ALTER TYPE booking.appointment_status RENAME VALUE 'booked' TO 'taken';
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(4, 1)');
ROLLBACK TO whole;

-- nothing of this is remembered
SELECT status FROM booking.book_slot(3, 1);
SELECT status FROM booking.hold_slot(4, 2);
SELECT slot_id, status FROM booking.appointments ORDER BY slot_id;
-- a clinic without a zone, and columns of other types than the functions were written for
ALTER TABLE booking.clinics ALTER time_zone DROP NOT NULL;
SET LOCAL session_replication_role = replica;
UPDATE booking.clinics SET time_zone = NULL, min_notice = '1 day';
SET LOCAL session_replication_role = origin;
SELECT call, sqlstate, rule, message FROM calls, pg_temp.trial('SELECT booking.' || call);
ROLLBACK TO whole;
ALTER TABLE booking.clinics RENAME COLUMN time_zone TO zone_name;
ALTER TABLE booking.clinics ADD COLUMN time_zone int NOT NULL DEFAULT 5;
SELECT call, sqlstate, rule, message FROM calls, pg_temp.trial('SELECT booking.' || call);
SELECT sqlstate, message FROM pg_temp.refusal($$UPDATE booking.clinics SET zone_name = 'Europe/Dublin'$$);
ROLLBACK TO whole;
ALTER TABLE booking.doctors RENAME COLUMN name TO full_name;
ALTER TABLE booking.doctors ADD COLUMN name int NOT NULL DEFAULT 5;
ALTER TABLE booking.patients RENAME COLUMN email TO address;
ALTER TABLE booking.patients ADD COLUMN email int NOT NULL DEFAULT 5;
SELECT call, sqlstate, rule, message FROM calls, pg_temp.trial('SELECT booking.' || call);
SELECT sqlstate, message FROM pg_temp.refusal($$UPDATE booking.patients SET address = 'ada@example.com' WHERE id = 1$$);
ROLLBACK TO whole;
ALTER TABLE booking.appointments RENAME booked_at TO was_booked_at;
ALTER TABLE booking.appointments ADD booked_at text;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.cancel_appointment(1)');
INSERT INTO booking.appointments (id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
	SELECT 1000, id, 1, clinic_id, doctor_id, starts_at, ends_at, 'pending', '2098-01-01' FROM booking.time_slots WHERE id = 5;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.confirm_hold(1000)');
ROLLBACK TO whole;
ALTER TABLE booking.time_slots RENAME is_available TO was_available;
ALTER TABLE booking.time_slots ADD is_available text DEFAULT 't';
SELECT sqlstate, message FROM pg_temp.refusal($$UPDATE booking.time_slots SET starts_at = starts_at + '1 day', ends_at = ends_at + '1 day' WHERE id = 9$$);
ROLLBACK TO whole;
ALTER TABLE booking.schedules ALTER slot_minutes DROP NOT NULL;
INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes) VALUES (1, 1, '09:00', '10:00', NULL);
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT booking.generate_slots('2099-06-01', '2099-06-30')$$);
ROLLBACK TO whole;

-- somebody's trigger lets no row through
CREATE FUNCTION public.regress_passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION pg_temp.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
INSERT INTO booking.event_consumers (name, settled_until) VALUES ('mail', 0);
SET LOCAL client_min_messages = error;
SELECT FROM booking.remove_time_slot(16);
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'booking'::regnamespace AND c.relkind = 'r' LOOP
		EXECUTE format('CREATE TRIGGER aa_swallow BEFORE INSERT OR UPDATE ON booking.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.swallow()', name);
	END LOOP;
END
$$;
SELECT call, sqlstate, rule, message
FROM (VALUES ('add_clinic(''Wall Street'')'), ('add_doctor(1, ''Dr Tony Hoare'')'), ('add_patient(''Ann'', ''ann@example.org'')'),
	('add_schedule(1, 1, ''09:00'', ''12:00'', 30)'), ('add_time_off(''2099-07-01'', ''2099-07-02'', 1)'), ('add_rule(''free'', ''public.regress_passes(booking.time_slots, booking.patients)'')'),
	('add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'), ('generate_slots(''2099-07-01'', ''2099-07-07'')'),
	('read_events(''new'')'), ('read_events(''mail'')'), ('note_events_done(''mail'', 1)'), ('remove_clinic(1)'), ('remove_doctor(1)'),
	('remove_patient(2)'), ('remove_time_slot(15)'), ('restore_time_slot(16)'), ('set_slot_availability(4, false)'), ('reassign_slots(1, 1, ''2099-06-01'', ''2099-06-02'')'),
	('book_slot(3, 1)'), ('hold_slot(3, 1)'), ('cancel_appointment(1)'), ('reschedule_appointment(1, 4)'), ('set_appointment_status(1, ''arrived'')'),
	('expire_holds()'), ('maintain()')) AS c(call),
	pg_temp.trial('SELECT booking.' || call);
ROLLBACK;
