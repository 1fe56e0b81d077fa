-- With whose rights a clinic's rule runs: its function's owner's, in a security-restricted
-- operation. Mallory's functions try to get those of the superuser who books, or of booking_owner.
\i test/lifecycle.psql
CREATE ROLE regress_booking_mallory IN ROLE booking_admin;
CREATE ROLE regress_booking_clerk IN ROLE booking_admin;
SELECT a.id FROM booking.book_slot(1, 1) a;
CREATE SCHEMA regress_mallory AUTHORIZATION regress_booking_mallory;
CREATE SCHEMA regress_secret;
CREATE TABLE regress_secret.t AS SELECT 'the secret' AS secret;
CREATE FUNCTION regress_secret.pass(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
GRANT USAGE ON SCHEMA regress_secret, regress_mallory TO PUBLIC;

-- Only who may act as the owner of the function adds it.
SET SESSION AUTHORIZATION regress_booking_mallory;
CREATE FUNCTION regress_mallory.rule(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql
	RETURN 'run by ' || current_user;
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT booking.add_rule('r', 'regress_secret.pass(booking.time_slots, booking.patients)')$$);
SET SESSION AUTHORIZATION regress_booking_clerk;
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT booking.add_rule('r', 'regress_mallory.rule(booking.time_slots, booking.patients)')$$);
-- nor does anybody get round it by a role they may switch to, or by a definer function
SET SESSION AUTHORIZATION regress_booking_mallory;
SET ROLE booking_admin;
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT booking.add_rule('r', 'regress_mallory.rule(booking.time_slots, booking.patients)')$$);
RESET ROLE;
SELECT name FROM booking.add_rule('mallory', 'regress_mallory.rule(booking.time_slots, booking.patients)');
RESET SESSION AUTHORIZATION;

-- It runs as its owner, whoever books, and whoever owns it by then.
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
SELECT message FROM booking.check_booking(2, 2) WHERE NOT passed;
SET SESSION AUTHORIZATION regress_booking_clerk;
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
SELECT message FROM booking.check_booking(2, 2) WHERE NOT passed;
RESET SESSION AUTHORIZATION;
ALTER FUNCTION regress_mallory.rule OWNER TO regress_booking_clerk;
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
ALTER FUNCTION regress_mallory.rule OWNER TO regress_booking_mallory;

-- What it tries, each within a booking by a superuser: the rule's own refusal says what it got,
-- or PostgreSQL or the book refuses what it tried. Either way nothing has changed.
REVOKE booking_admin FROM regress_booking_mallory;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA booking TO regress_booking_mallory;
GRANT USAGE ON SCHEMA booking TO regress_booking_mallory;
CREATE TABLE regress_mallory.t (n int);
CREATE FUNCTION regress_mallory.later() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN DELETE FROM regress_secret.t; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON regress_mallory.t DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION regress_mallory.later();
ALTER TABLE regress_mallory.t OWNER TO regress_booking_mallory;
ALTER FUNCTION regress_mallory.later OWNER TO regress_booking_mallory;
CREATE FUNCTION regress_mallory.nested() RETURNS text SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE booking_owner;
	RETURN 'got further';
END $$;
ALTER FUNCTION regress_mallory.nested OWNER TO regress_booking_mallory;
CREATE FUNCTION pg_temp.tried(body text, OUT sqlstate text, OUT rule text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION regress_mallory.rule(slot booking.time_slots, patient booking.patients)
		RETURNS text LANGUAGE plpgsql AS %L', format('DECLARE got text; BEGIN %s; RETURN coalesce(got, ''got through''); END', body));
	SELECT r.sqlstate, r.rule, r.message FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)') r INTO sqlstate, rule, message;
END $$;
SELECT pg_temp.state() AS before \gset
-- the server's words about roles differ from version to version
SELECT body, t.sqlstate, t.rule,
	CASE WHEN t.message !~ '^(must be (member|able|superuser)|must have|permission denied to)' THEN t.message END AS message
FROM unnest(ARRAY[
	-- to be somebody else
	'SET ROLE booking_owner', 'RESET ROLE', 'SET SESSION AUTHORIZATION booking_owner', 'RESET SESSION AUTHORIZATION',
	'PERFORM set_config(''role'', ''booking_owner'', false)', 'got := regress_mallory.nested()',
	'EXECUTE ''ALTER FUNCTION regress_mallory.rule OWNER TO booking_owner''',
	-- to read what is not hers
	'got := (SELECT secret FROM regress_secret.t)', 'got := (SELECT string_agg(email, '' '') FROM booking.patients)',
	'got := (SELECT count(*) FROM booking.appointments)', 'got := (SELECT count(*) FROM booking.bookings)',
	'got := pg_read_file(''PG_VERSION'')',
	-- to write what is not hers
	'DELETE FROM regress_secret.t', 'UPDATE booking.appointments SET status = ''cancelled''',
	'INSERT INTO booking.rules (name, check_function) VALUES (''x'', ''regress_secret.pass'')',
	'CREATE TABLE booking.mine (n int)', 'CREATE FUNCTION booking.mine() RETURNS int LANGUAGE sql RETURN 1',
	'DROP TABLE booking.rules', 'ALTER TABLE booking.patients DISABLE ROW LEVEL SECURITY',
	'GRANT booking_owner TO regress_booking_mallory', 'CREATE ROLE regress_booking_super SUPERUSER',
	-- to have the book do it, in the name of whoever books
	'PERFORM booking.book_slot(3, 3)', 'PERFORM booking.book_slot(slot.id, patient.id)', 'PERFORM booking.hold_slot(3, 3)',
	'PERFORM booking.cancel_appointment(1)', 'PERFORM booking.set_appointment_status(1, ''entered-in-error'')',
	'PERFORM booking.reschedule_appointment(1, 3)', 'PERFORM booking.confirm_hold(1)', 'PERFORM booking.expire_holds()',
	'PERFORM booking.add_rule(''x'', ''regress_secret.pass(booking.time_slots, booking.patients)'')',
	'PERFORM booking.remove_rule(''mallory'')', 'PERFORM booking.set_slot_availability(3, false)',
	'PERFORM booking.add_patient(''Mallory'', ''m@example.org'')',
	-- to have it done later, when nobody looks
	'INSERT INTO regress_mallory.t VALUES (1)', 'CREATE TEMP TABLE trap (n int)', 'CREATE TABLE pg_temp.trap (n int)',
	'EXECUTE ''DECLARE c CURSOR WITH HOLD FOR SELECT 1''', 'EXECUTE ''PREPARE p AS SELECT 1''', 'EXECUTE ''LISTEN l''',
	'EXECUTE ''SET CONSTRAINTS ALL IMMEDIATE''', 'COMMIT', 'EXECUTE ''DISCARD ALL'''
	]) WITH ORDINALITY AS b(body, n), pg_temp.tried(body) t ORDER BY n;
SELECT pg_temp.state() = :'before' AS unchanged, (SELECT count(*) FROM regress_secret.t) AS secrets;

-- It gets the slot and the patient, and may read and write what its owner may. What it sets ends
-- with it, whether it passes, refuses or fails.
GRANT SELECT ON booking.appointments TO regress_booking_mallory;
CREATE TABLE regress_mallory.log (entry text);
ALTER TABLE regress_mallory.log OWNER TO regress_booking_mallory;
SET request.jwt.claims = '{"patient_id": 2}';
SELECT body, t.*, current_user = session_user AS still_me, current_setting('request.jwt.claims') AS claims,
	current_setting('search_path') AS search_path
FROM unnest(ARRAY[
	'got := (SELECT count(*) FROM booking.appointments)', 'got := format(''%s at %s'', patient.name, slot.starts_at)',
	'got := current_setting(''search_path'')', 'INSERT INTO regress_mallory.log SELECT ''seen''',
	'got := set_config(''request.jwt.claims'', ''{"patient_id": 3}'', false)',
	'PERFORM set_config(''search_path'', ''regress_mallory'', false)', 'SET LOCAL statement_timeout = 1',
	'PERFORM set_config(''request.jwt.claims'', ''{}'', false); PERFORM 1 / 0']) WITH ORDINALITY AS b(body, n),
	pg_temp.tried(body) t ORDER BY n;
RESET request.jwt.claims;
SHOW statement_timeout;
-- in a booking that succeeds, too
CREATE OR REPLACE FUNCTION regress_mallory.rule(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('search_path', 'regress_mallory', false), set_config('request.jwt.claims', '{"sub": "forged"}', false);
	INSERT INTO regress_mallory.log VALUES (format('%s wants %s', patient.name, slot.id));
	RETURN NULL;
END $$;
SELECT a.id FROM booking.book_slot(3, 3) a;
SELECT actor_role = current_user AS by_me, actor FROM booking.appointment_events ORDER BY id DESC LIMIT 1;
SELECT entry, count(*) FROM regress_mallory.log GROUP BY 1;
SHOW search_path;

-- The functions that read for whoever calls them read for the rule's owner, not for who is booking.
SELECT count(*) FROM booking.patient_appointments(3);
SELECT message FROM pg_temp.tried('got := (SELECT count(*) FROM booking.patient_appointments(3))');
SELECT count(*) FROM booking.patient_appointments(3);

-- A caller's temporary objects do not get in the way of a rule that qualifies its names; what
-- it does not qualify is of pg_catalog, even if the caller has a path and objects of that name.
CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql RETURN 'trapped';
CREATE TEMP TABLE pg_class AS SELECT 'trapped' AS relname;
SELECT body, t.message
FROM unnest(ARRAY['got := lower(''X'')', 'got := (SELECT count(*) > 1 FROM pg_class)']) WITH ORDINALITY AS b(body, n),
	pg_temp.tried(body) t ORDER BY n;
TABLE broken;
ROLLBACK;
