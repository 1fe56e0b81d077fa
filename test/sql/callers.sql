-- Who the caller of a function is: the current user where it is called, as PostgreSQL means it.
\i test/lifecycle.psql
CREATE ROLE regress_booking_ada IN ROLE booking_patient;
CREATE ROLE regress_booking_desk IN ROLE booking_staff;
CREATE ROLE regress_booking_boss IN ROLE booking_admin;
CREATE ROLE regress_booking_nobody;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
-- What functions of an application do; made once for each kind of owner.
CREATE PROCEDURE pg_temp.make(name text, owner regrole, rights text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE FUNCTION app.%I(command text) RETURNS text LANGUAGE plpgsql %s AS %L', name, rights,
		'DECLARE answer text; BEGIN EXECUTE command INTO answer; RETURN answer; END');
	EXECUTE format('ALTER FUNCTION app.%I OWNER TO %s', name, owner);
END
$$;
CALL pg_temp.make('as_ada', 'regress_booking_ada', 'SECURITY DEFINER');
CALL pg_temp.make('as_desk', 'regress_booking_desk', 'SECURITY DEFINER');
CALL pg_temp.make('as_boss', 'regress_booking_boss', 'SECURITY DEFINER');
CALL pg_temp.make('as_caller', 'regress_booking_ada', '');
CALL pg_temp.make('as_boss_by_path', 'regress_booking_boss', 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp');
CREATE VIEW pg_temp.actors AS SELECT appointment_id, to_status, actor_role, actor FROM booking.appointment_events ORDER BY id;
SELECT id FROM booking.book_slot(1, 1);
SELECT id FROM booking.book_slot(2, 2);
SELECT id FROM booking.hold_slot(3, 2);

-- A patient's function that an administrator calls does what the patient may, and no more: not with the
-- appointments of others, whatever it calls and however.
SET request.jwt.claims = '{"patient_id": 1}';
SET SESSION AUTHORIZATION regress_booking_boss;
SELECT call, (pg_temp.refusal(format('SELECT app.as_ada(%L)', call))).*
FROM unnest(ARRAY[
	'SELECT booking.cancel_appointment(2)', 'SELECT booking.set_appointment_status(2, ''arrived'')',
	'SELECT booking.reschedule_appointment(2, 4)', 'SELECT booking.confirm_hold(3)',
	'SELECT booking.book_slot(4, 2)', 'SELECT booking.hold_slot(4, 2)', 'SELECT booking.check_booking(4, 2)',
	'UPDATE booking.appointments SET status = ''cancelled'' WHERE id = 2', 'SELECT booking.expire_holds()',
	'SELECT booking.find_patient(''alan@example.org'')', 'SELECT booking.remove_clinic(2)', 'SELECT booking.maintain()',
	'SELECT app.as_caller(''SELECT booking.cancel_appointment(2)'')']) call \gx
-- nor what is theirs to see
SELECT app.as_ada('SELECT array_agg(id) FROM booking.bookings'), app.as_ada('SELECT count(*) FROM booking.patient_appointments(2)'),
	app.as_ada('SELECT booking.claimed_clinic_ids()'), app.as_ada('SELECT booking.claimed_patient_id()');
SELECT app.as_ada('UPDATE booking.bookings SET status = ''cancelled'' WHERE id = 2 RETURNING id'),
	app.as_ada('DELETE FROM booking.bookings WHERE id = 2 RETURNING id');
-- but with her own
SELECT app.as_ada('SELECT status FROM booking.cancel_appointment(1)');
SELECT app.as_ada('SELECT id FROM booking.book_slot(1)');
-- an administrator's function is hers only while it runs
SELECT app.as_ada('SELECT app.as_boss(''SELECT status FROM booking.cancel_appointment(3)'')');
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT app.as_ada('SELECT app.as_boss(''SELECT 1''); SELECT booking.cancel_appointment(2)')$$);
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT app.as_boss('SELECT app.as_ada(''SELECT booking.cancel_appointment(2)'')')$$);
RESET SESSION AUTHORIZATION;
SELECT * FROM actors;

-- An application's function acts as its owner, for somebody with no right at all: as an administrator
SAVEPOINT plain;
SET request.jwt.claims = '{"clinic_ids": [2]}';
SET SESSION AUTHORIZATION regress_booking_nobody;
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.cancel_appointment(2)');
SELECT app.as_boss('SELECT status FROM booking.cancel_appointment(2)');
SELECT app.as_boss_by_path('SELECT status FROM booking.book_slot(5, 3)');
SELECT app.as_boss('SELECT name FROM booking.clinics WHERE id = 1'), app.as_boss('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (6, 3) RETURNING status');
-- as staff, with the claims of the request
SELECT app.as_desk('SELECT status FROM booking.book_slot(11, 1)');
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT app.as_desk('SELECT booking.book_slot(7, 1)')$$);
SELECT app.as_desk('SELECT array_agg(id) FROM booking.clinics WHERE id = ANY (booking.claimed_clinic_ids())');
RESET SESSION AUTHORIZATION;
SELECT * FROM actors;
ROLLBACK TO plain;

-- Whoever has set a role is that role
SET ROLE regress_booking_ada;
SET request.jwt.claims = '{"patient_id": 1}';
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.cancel_appointment(2)');
SELECT status FROM booking.cancel_appointment(4);
SET ROLE regress_booking_boss;
SELECT status FROM booking.cancel_appointment(2);
RESET ROLE;
SELECT * FROM actors;
ROLLBACK TO plain;

-- Triggers under what our functions write act for who called these, and write in their name;
CREATE FUNCTION app.trigger_as_caller() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'as % by %: patient %', current_user, current_setting('search_path'), booking.claimed_patient_id();
	IF NEW.status = 'cancelled' THEN
		RAISE NOTICE 'cancel 2: %', (SELECT t.message FROM app.tried('SELECT booking.cancel_appointment(2)') t);
		RAISE NOTICE 'book 4: %', (SELECT t.message FROM app.tried('SELECT booking.book_slot(4)') t);
		RAISE NOTICE 'still as % by %', current_user, current_setting('search_path');
	END IF;
	RETURN NULL;
END
$$;
CREATE FUNCTION app.tried(command text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	message := 'done';
EXCEPTION WHEN OTHERS THEN
	message := sqlerrm;
END
$$;
SET client_min_messages = notice;
CREATE TRIGGER tell AFTER UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION app.trigger_as_caller();
-- or as a definer function
CREATE PROCEDURE pg_temp.trigger_as(owner regrole) LANGUAGE plpgsql AS $$
BEGIN
	ALTER FUNCTION app.trigger_as_caller SECURITY DEFINER;
	EXECUTE format('ALTER FUNCTION app.trigger_as_caller OWNER TO %s', owner);
END
$$;
SAVEPOINT trigger;
SET request.jwt.claims = '{"patient_id": 1, "sub": "ada"}';
SET SESSION AUTHORIZATION regress_booking_ada;
SELECT status FROM booking.cancel_appointment(4);
RESET SESSION AUTHORIZATION;
SELECT * FROM actors WHERE actor = 'ada';
ROLLBACK TO trigger;
-- the same by the view, which writes by our functions
SET request.jwt.claims = '{"patient_id": 1, "sub": "ada"}';
SET SESSION AUTHORIZATION regress_booking_ada;
UPDATE booking.bookings SET status = 'cancelled' WHERE id = 4;
RESET SESSION AUTHORIZATION;
SELECT * FROM actors WHERE actor = 'ada';
ROLLBACK TO trigger;
-- of an administrator's own UPDATE, they act for the administrator
SET request.jwt.claims = '{"sub": "boss"}';
GRANT ALL ON FUNCTION app.tried TO PUBLIC;
SET SESSION AUTHORIZATION regress_booking_boss;
UPDATE booking.appointments SET status = 'cancelled' WHERE id = 4;
RESET SESSION AUTHORIZATION;
SELECT * FROM actors WHERE actor = 'boss';
ROLLBACK TO trigger;
-- a definer function in between acts as its owner: an administrator's
CALL pg_temp.trigger_as('regress_booking_boss');
SET request.jwt.claims = '{"patient_id": 1, "sub": "ada"}';
SET SESSION AUTHORIZATION regress_booking_ada;
SELECT status FROM booking.cancel_appointment(4);
RESET SESSION AUTHORIZATION;
SELECT * FROM actors WHERE actor = 'ada';
ROLLBACK TO trigger;
-- a patient's, under what an administrator does
CALL pg_temp.trigger_as('regress_booking_ada');
SET request.jwt.claims = '{"patient_id": 1, "sub": "boss"}';
SET SESSION AUTHORIZATION regress_booking_boss;
SELECT status FROM booking.cancel_appointment(4);
RESET SESSION AUTHORIZATION;
SELECT * FROM actors WHERE actor = 'boss';
ROLLBACK TO trigger;
-- the owner of the book's own, for the caller: they have no rights to act with
SET request.jwt.claims = '{"patient_id": 1, "sub": "ada"}';
CALL pg_temp.trigger_as('booking_owner');
SET SESSION AUTHORIZATION regress_booking_ada;
SELECT status FROM booking.cancel_appointment(4);
ROLLBACK TO plain;

-- A clinic's rule acts as its owner, also where that is the owner of the book, who is nobody in it
CREATE FUNCTION app.rule(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	refused text;
BEGIN
	BEGIN
		PERFORM booking.cancel_appointment(2);
	EXCEPTION WHEN OTHERS THEN
		refused := sqlerrm;
	END;
	RETURN format('as %s by %s: clinics %s, sees %s of Alan''s, %s', current_user, current_setting('search_path'), booking.claimed_clinic_ids(),
		(SELECT count(*) FROM booking.patient_appointments(2)), refused);
END
$$;
SELECT FROM booking.add_rule('r', 'app.rule(booking.time_slots, booking.patients)');
SET request.jwt.claims = '{"patient_id": 1, "clinic_ids": [2]}';
CREATE FUNCTION pg_temp.rule_as(owner regrole) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FUNCTION app.rule OWNER TO %s', owner);
	RETURN r.message FROM pg_temp.refusal('SELECT booking.book_slot(4, 1)') r;
END
$$;
SELECT owner, pg_temp.rule_as(owner) FROM unnest(ARRAY['regress_booking_ada', 'regress_booking_desk', 'regress_booking_boss', 'booking_owner']::regrole[]) owner;
-- also in a dry run
SELECT message FROM booking.check_booking(4, 1) WHERE rule = 'r';
SELECT current_user, current_setting('search_path');
ROLLBACK TO plain;

-- Who adds a rule is who calls the function: nobody lends an administrator's rights to their own function
CREATE FUNCTION app.pass(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql AS 'SELECT NULL';
ALTER FUNCTION app.pass OWNER TO regress_booking_boss;
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT app.as_desk('SELECT booking.add_rule(''p'', ''app.pass(booking.time_slots, booking.patients)'')')$$);
GRANT EXECUTE ON FUNCTION booking.add_rule TO regress_booking_desk;
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT app.as_desk('SELECT booking.add_rule(''p'', ''app.pass(booking.time_slots, booking.patients)'')')$$);
SELECT app.as_boss('SELECT name FROM booking.add_rule(''p'', ''app.pass(booking.time_slots, booking.patients)'')');
ROLLBACK TO plain;

-- User and search_path are afterwards what they were: after success, after an error that is caught, and at
-- both ends of a subtransaction
CREATE FUNCTION app.now_as() RETURNS text LANGUAGE sql AS $$SELECT format('%s by %s', current_user, current_setting('search_path'))$$;
CREATE PROCEDURE app.walk() LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	FOREACH command IN ARRAY ARRAY[
		'SELECT booking.cancel_appointment(4)', 'SELECT booking.cancel_appointment(4)', 'SELECT booking.book_slot(4)',
		'SELECT booking.book_slot(4)', 'SELECT booking.book_slot(2)', 'SELECT booking.cancel_appointment(2)',
		'SELECT count(*) FROM booking.available_slots()', 'SELECT count(*) FROM booking.available_slots(0)',
		'SELECT booking.is_slot_available(0)', 'SELECT booking.patient_appointments()', 'SELECT booking.visited_clinic_ids()',
		'UPDATE booking.patients SET email = ''alan@example.org''', 'SELECT booking.expire_holds()']
	LOOP
		RAISE NOTICE '%: %, %', command, app.tried(command), app.now_as();
	END LOOP;
END
$$;
CREATE FUNCTION app.tried(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done as ' || app.now_as();
EXCEPTION WHEN OTHERS THEN
	RETURN format('%s as %s', sqlstate, app.now_as());
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO PUBLIC;
SET client_min_messages = notice;
SET request.jwt.claims = '{"patient_id": 1}';
SET SESSION AUTHORIZATION regress_booking_ada;
SET search_path = app, pg_catalog;
CALL app.walk();
SAVEPOINT inner_one;
SELECT count(*) FROM booking.available_slots();
SELECT booking.cancel_appointment(2);
ROLLBACK TO inner_one;
SELECT app.now_as();
RELEASE inner_one;
SELECT app.now_as();
ROLLBACK TO plain;

ROLLBACK;
