-- With whose rights, and by which search path, functions run what is not theirs: they are not SECURITY
-- DEFINER, and take both on by themselves; book_slot and hold_slot only where there is something to run.
\i test/begin.psql
SET client_min_messages = notice;
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 10);
SELECT proname, prosecdef, proconfig FROM pg_proc WHERE pronamespace = 'booking'::regnamespace AND proname IN ('book_slot', 'hold_slot');

-- The patient has no right but to call the functions, and a trap in front of her search_path.
CREATE ROLE regress_booking_ada IN ROLE booking_patient;
CREATE SCHEMA trap;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA trap, shop TO PUBLIC;
CREATE FUNCTION trap.version() RETURNS text LANGUAGE sql AS 'SELECT ''trapped''';
-- of the clinic's IT: says as whom and how it runs, and is careless about names
CREATE FUNCTION shop.who(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN format('%s as %s by %s: %s', what, current_user, current_setting('search_path'),
		CASE WHEN version() = 'trapped' THEN 'trapped' ELSE 'safe' END);
END
$$;
CREATE FUNCTION shop.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '%', shop.who(format('%s %s on %s', TG_WHEN, TG_OP, TG_TABLE_NAME));
	RETURN NEW;
END
$$;
CREATE FUNCTION shop.passes(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE '%', shop.who(what);
	RETURN true;
END
$$;
CREATE FUNCTION shop.rule(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '%', shop.who('rule');
	RETURN NULL;
END
$$;
ALTER FUNCTION shop.rule OWNER TO booking_admin;
CREATE FUNCTION pg_temp.unchanged() RETURNS text LANGUAGE sql AS
	$$SELECT format('still %s by %s', current_user, current_setting('search_path'))$$;
GRANT EXECUTE ON FUNCTION pg_temp.unchanged() TO PUBLIC;
SET request.jwt.claims = '{"patient_id": 1}';
SAVEPOINT plain;

-- Nobody's code: nothing is taken on, and nothing of the trap is run.
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT status FROM booking.book_slot(1);
SELECT status FROM booking.hold_slot(2);
-- statements: of an idempotency key that was used, and of a hold that becomes an appointment
SELECT status FROM booking.book_slot(3, NULL, 'key');
SELECT status FROM booking.book_slot(3, NULL, 'key');
SELECT status FROM booking.book_slot(2);
SELECT pg_temp.unchanged();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1)');
SELECT pg_temp.unchanged();
-- the trap is one, and she may do nothing else
SELECT shop.who('she');
SELECT FROM booking.clinics FOR UPDATE;
\set ON_ERROR_STOP off
ROLLBACK TO plain;

-- Expressions, as they are compiled and as they run
-- from 17 on, an index is made by another path
SET client_min_messages = warning;
CREATE INDEX ON booking.appointments (id) WHERE shop.passes('index of appointments');
SET client_min_messages = notice;
ALTER TABLE booking.appointments ADD COLUMN note text;
ALTER TABLE booking.appointments ALTER COLUMN note SET DEFAULT shop.who('default');
ALTER TABLE booking.time_slots ADD CHECK (shop.passes('check of slots')) NOT VALID;
ALTER TABLE booking.appointment_events ADD CHECK (shop.passes('check of events of ' || to_status)) NOT VALID;
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT note FROM booking.book_slot(1);
SELECT note FROM booking.hold_slot(2);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- Triggers, of the slot, for which a statement is run, and of the appointment
CREATE TRIGGER tell AFTER UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION shop.tell();
CREATE TRIGGER tell AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION shop.tell();
CREATE TRIGGER tell BEFORE INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION shop.tell();
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT status FROM booking.book_slot(1);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- A clinic's rule has the same path, and the rights of its owner
SELECT FROM booking.add_rule('tell', 'shop.rule(booking.time_slots, booking.patients)');
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT status FROM booking.book_slot(1);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- An error in the middle of it takes it off again.
CREATE FUNCTION shop.fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no: %'', shop.who(''trigger''); END';
CREATE TRIGGER fail AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION shop.fail();
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(1)');
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- Somebody else's definer function with the very path, and no rights: ours does not take it for its own.
CREATE ROLE regress_booking_clerk IN ROLE booking_patient;
CREATE FUNCTION shop.book(slot bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM booking.book_slot(slot);
	RETURN format('still %s by %s', current_user, current_setting('search_path'));
END
$$;
ALTER FUNCTION shop.book OWNER TO regress_booking_clerk;
CREATE TRIGGER tell AFTER UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION shop.tell();
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT shop.book(1);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- Foreign keys: one that the booking sees to by itself is fired at other isolation levels, and so is one to
-- another table, whose operator is somebody's
CREATE FUNCTION shop.same(a bigint, b bigint) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
	RAISE NOTICE '%', shop.who('operator');
	RETURN a = b;
END
$$;
CREATE OPERATOR shop.=== (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = shop.same);
CREATE OPERATOR CLASS shop.ops FOR TYPE bigint USING btree AS
	OPERATOR 1 <, OPERATOR 3 shop.===, FUNCTION 1 btint8cmp(bigint, bigint);
CREATE TABLE shop.people (id bigint NOT NULL);
CREATE UNIQUE INDEX ON shop.people (id shop.ops);
INSERT INTO shop.people VALUES (1);
ALTER TABLE shop.people OWNER TO booking_admin;
ALTER TABLE booking.appointments DROP CONSTRAINT appointment_is_for_a_patient;
ALTER TABLE booking.appointments ADD FOREIGN KEY (patient_id) REFERENCES shop.people (id);
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT status FROM booking.book_slot(1);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- A class of operators of somebody's in a family of the server's
CREATE TYPE shop.color AS ENUM ('red', 'green');
CREATE FUNCTION shop.compare(a shop.color, b shop.color) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE '%', shop.who('comparison');
	RETURN enum_cmp(a, b);
END
$$;
CREATE OPERATOR CLASS shop.colors FOR TYPE shop.color USING btree FAMILY enum_ops AS FUNCTION 1 shop.compare(shop.color, shop.color);
ALTER TABLE booking.appointment_events ADD COLUMN color shop.color DEFAULT 'red';
CREATE INDEX ON booking.appointment_events (color shop.colors);
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT status FROM booking.book_slot(1);
SELECT status FROM booking.hold_slot(2);
SELECT pg_temp.unchanged();
ROLLBACK TO plain;
-- an index that bookings look at is not to be one of these
CREATE FUNCTION shop.compare(a bigint, b bigint) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE '%', shop.who('comparison');
	RETURN btint8cmp(a, b);
END
$$;
CREATE OPERATOR CLASS shop.numbers FOR TYPE bigint USING btree FAMILY text_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 shop.compare(bigint, bigint);
ALTER INDEX booking.unique_timeslot RENAME TO renamed;
CREATE UNIQUE INDEX unique_timeslot ON booking.appointments (slot_id shop.numbers) WHERE status <> 'cancelled';
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = trap, pg_catalog;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(1)');
ROLLBACK TO plain;

-- Whoever is the owner already, by SET ROLE, is not left to go back to who they were.
CREATE FUNCTION shop.reset() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RESET ROLE; RETURN NULL; END';
CREATE TRIGGER reset AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION shop.reset();
GRANT booking_admin TO booking_owner;
SET ROLE booking_owner;
SET search_path = pg_catalog, pg_temp;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
SELECT pg_temp.unchanged();
ROLLBACK TO plain;

-- The rights are those of the function's owner, as with SECURITY DEFINER; and a function called by a
-- trigger of a booking goes on with those of its own.
CREATE ROLE regress_booking_new_owner;
GRANT booking_owner TO regress_booking_new_owner;
CREATE TRIGGER tell AFTER UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION shop.tell();
SELECT status FROM booking.book_slot(1, 1);
ALTER FUNCTION booking.book_slot OWNER TO regress_booking_new_owner;
CREATE FUNCTION shop.cancel() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM booking.cancel_appointment(NEW.id); RETURN NULL; END';
CREATE TRIGGER cancel AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION shop.cancel();
SELECT slot_id FROM booking.book_slot(2, 1);
SELECT slot_id, status FROM booking.appointments ORDER BY slot_id;
ROLLBACK TO plain;

ROLLBACK;
