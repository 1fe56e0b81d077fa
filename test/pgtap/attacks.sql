-- Attacks by whoever is let in with the least rights, and by whoever may write SQL beside
-- them. Those that need sessions of their own are in test/t/attacks.pl.
BEGIN;
\ir people.psql
-- the limit would stop what has to be seen to reach no other's row
SET LOCAL booking.max_rows_changed_by_patients = -1;
SELECT no_plan();

SELECT set_config('booking_test.ada', claims, true) IS NULL AS set FROM people WHERE person = 'ada' \gset

-- A search_path with operators, functions, tables, types and casts of the attacker's in front.
-- Each looks whose rights it has.
CREATE SCHEMA trap;
GRANT USAGE, CREATE ON SCHEMA trap TO PUBLIC;
GRANT booking_patient TO CURRENT_USER;
CREATE ROLE regress_booking_mallory;
GRANT booking_patient TO regress_booking_mallory;
GRANT regress_booking_mallory TO CURRENT_USER;
SET LOCAL ROLE regress_booking_mallory;
-- who could read what Mallory cannot
CREATE FUNCTION trap.spring(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF pg_catalog.pg_has_role('booking_owner', 'USAGE') THEN
		RAISE EXCEPTION 'trap % was sprung as %', what, current_user USING ERRCODE = 'XT000';
	END IF;
	RETURN true;
END
$$;
CREATE FUNCTION trap.eq(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('=') $$;
CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('= of texts') $$;
CREATE FUNCTION trap.lt(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('<') $$;
CREATE FUNCTION trap.eq(booking.appointment_status, booking.appointment_status) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('= of statuses') $$;
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.eq);
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
CREATE OPERATOR trap.= (LEFTARG = booking.appointment_status, RIGHTARG = booking.appointment_status, FUNCTION = trap.eq);
CREATE OPERATOR trap.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.lt);
CREATE OPERATOR trap.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.lt);
CREATE OPERATOR trap.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.lt);
CREATE OPERATOR trap.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.lt);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz FROM trap.spring('now') $$;
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'bert@other.example' FROM trap.spring('lower') $$;
CREATE FUNCTION trap.format(text, booking.appointment_status) RETURNS text LANGUAGE sql AS $$ SELECT '' FROM trap.spring('format') $$;
CREATE FUNCTION trap.book_slot(bigint, bigint, text) RETURNS booking.appointments LANGUAGE sql AS $$ SELECT NULL::booking.appointments FROM trap.spring('book_slot') $$;
CREATE FUNCTION trap.claimed_patient_id() RETURNS bigint LANGUAGE sql AS $$ SELECT 7300000002::bigint FROM trap.spring('claimed_patient_id') $$;
CREATE TABLE trap.appointments (LIKE booking.appointments);
CREATE TABLE trap.time_slots (LIKE booking.time_slots);
CREATE TABLE trap.patients (LIKE booking.patients);
CREATE TABLE trap.pg_timezone_names (name text);
CREATE DOMAIN trap.bigint AS pg_catalog.int8 CHECK (trap.spring('bigint'));
CREATE DOMAIN trap.text AS pg_catalog.text CHECK (trap.spring('text'));
CREATE TEMPORARY TABLE appointments (LIKE booking.appointments);
CREATE TEMPORARY TABLE time_slots (LIKE booking.time_slots);
CREATE TEMPORARY TABLE pg_proc (oid oid, proname name);
CREATE TEMPORARY TABLE pg_timezone_names (name text);
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz FROM trap.spring('pg_temp.now') $$;
CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'bert@other.example' FROM trap.spring('pg_temp.lower') $$;
CREATE FUNCTION pg_temp.eq(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('pg_temp =') $$;
CREATE OPERATOR pg_temp.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.eq);
RESET ROLE;
-- for the test itself
SET LOCAL search_path = pg_catalog, public, pg_temp;

-- Every function, as the least role that may call it, gives what it gives with
-- no trap about, and springs none.
CREATE TABLE pg_temp.calls (person text, call text);
INSERT INTO calls VALUES
	('guest', 'booking.available_slots(7200000001, specialization => ''cardiology'')'),
	('guest', 'booking.next_available(''cardiology'')'),
	('guest', 'booking.is_slot_available(7400000011)'),
	('guest', 'booking.session_slots(''2098-06-02'', ''09:00'', ''10:00'', ''UTC'', 30)'),
	('ada', 'booking.check_booking(7400000011)'), ('ada', 'booking.check_booking(7400000013)'),
	('ada', 'booking.book_slot(7400000011)'), ('ada', 'booking.book_slot(7400000017)'), ('ada', 'booking.book_slot(7400000013)'),
	('ada', 'booking.book_slot(7400000012, 7300000001, ''key of Ada'')'),
	('ada', 'booking.hold_slot(7400000011)'), ('ada', 'booking.hold_slot(7400000011, 7300000002)'),
	('ada', 'booking.cancel_appointment(7500000001)'), ('ada', 'booking.cancel_appointment(7500000002)'),
	('ada', 'booking.reschedule_appointment(7500000001, 7400000011)'),
	('ada', 'booking.confirm_hold(7500000003)'), ('ada', 'booking.patient_appointments()'),
	('ada', 'booking.visited_clinic_ids()'), ('ada', 'booking.visited_doctor_ids()'),
	('ada', 'booking.claimed_patient_id()'), ('ada', 'booking.claimed_clinic_ids()'),
	('ada', 'booking.has_no_control_characters(''Ada'')'), ('ada', 'booking.is_plausible_email(''ada@own.example'')'),
	('alder', 'booking.find_patient(''ada@own.example'')'), ('alder', 'booking.add_patient(''Dora'', ''dora@new.example'')'),
	('alder', 'booking.set_appointment_status(7500000001, ''arrived'')'), ('alder', 'booking.set_appointment_status(7500000005, ''arrived'')'),
	('alder', 'booking.confirm_hold(7500000003)'),
	('alder', 'booking.add_time_slots(7200000001, ''2098-06-03'', ''09:00'', ''10:00'', 30)'),
	('alder', 'booking.set_slot_availability(7400000011, false)'), ('alder', 'booking.remove_time_slot(7400000011)'),
	('alder', 'booking.restore_time_slot(7400000015)'), ('alder', 'booking.add_schedule(7200000001, 2, ''09:00'', ''10:00'', 30)'),
	('alder', 'booking.remove_schedule(7600000001)'), ('alder', 'booking.generate_slots(''2097-01-07'', ''2097-01-14'', 7200000001)'),
	('alder', 'booking.add_time_off(''2097-02-01'', ''2097-02-02'', 7200000001)'), ('alder', 'booking.add_days_off(''2097-02-01'', ''2097-02-02'', 7200000001)'),
	('alder', 'booking.remove_time_off(7700000001)'), ('alder', 'booking.reassign_slots(7200000001, 7200000005, ''2098-06-02'', ''2098-06-03'')'),
	('admin', 'booking.add_clinic(''New Clinic'', NULL, ''Europe/London'')'), ('admin', 'booking.add_doctor(7100000001, ''Dr New'')'),
	('admin', 'booking.remove_clinic(7100000003)'), ('admin', 'booking.restore_clinic(7100000003)'),
	('admin', 'booking.remove_doctor(7200000004)'), ('admin', 'booking.restore_doctor(7200000004)'),
	('admin', 'booking.remove_patient(7300000002)'), ('admin', 'booking.restore_patient(7300000002)'),
	('admin', 'booking.maintain()'), ('admin', 'booking.read_events(''mail'', 1)'), ('admin', 'booking.note_events_done(''mail'', 1)'), ('admin', 'booking.skip_events(''mail'')'), ('admin', 'booking.refusals()'), ('admin', 'booking.define_tables()'), ('admin', 'booking.appointment_being_moved()'),
	('alder', 'booking.doctor((SELECT b FROM booking.bookings b ORDER BY b.id LIMIT 1))'), ('alder', 'booking.doctor((SELECT a FROM booking.appointments a ORDER BY a.id LIMIT 1))'),
	('alder', 'booking.clinic((SELECT b FROM booking.bookings b ORDER BY b.id LIMIT 1))'), ('alder', 'booking.clinic((SELECT a FROM booking.appointments a ORDER BY a.id LIMIT 1))'),
	('alder', 'booking.slot((SELECT b FROM booking.bookings b ORDER BY b.id LIMIT 1))'), ('alder', 'booking.slot((SELECT a FROM booking.appointments a ORDER BY a.id LIMIT 1))'),
	('alder', 'booking.patient((SELECT b FROM booking.bookings b ORDER BY b.id LIMIT 1))'), ('alder', 'booking.patient((SELECT a FROM booking.appointments a ORDER BY a.id LIMIT 1))'),
	('admin', 'booking.expire_holds()'), ('admin', 'booking.remove_rule(''no such rule'')'), ('admin', 'booking.add_rule(''mine'', ''pg_catalog.now()''::pg_catalog.regprocedure)'),
	('guest', 'booking.occupies(''booked''::booking.appointment_status)'), ('guest', 'booking.is_free(true, NULL, pg_catalog.now())');
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
		   AND NOT EXISTS (SELECT FROM calls WHERE starts_with(call, 'booking.' || proname || '('))), NULL, 'no function is left out');
CREATE FUNCTION pg_temp.told(outcome pg_temp.outcome) RETURNS text LANGUAGE sql AS $$
	-- ids of sequences and the time of day differ from one call to the next
	SELECT regexp_replace(concat_ws(' | ', outcome.sqlstate, outcome.rule, outcome.message, outcome.detail, outcome.rows, outcome.result), '\m\d{1,6},|"[-0-9 :]+\.\d+\+00"', 'N', 'g')
$$;
CREATE TABLE pg_temp.peace AS SELECT person, call, pg_temp.told(pg_temp.attempt(person, 'SELECT * FROM ' || call)) AS told FROM calls;
SET LOCAL booking_test.search_path = 'trap, pg_temp, booking, pg_catalog, public';
SELECT public.is(pg_temp.told(pg_temp.attempt(person, 'SELECT * FROM ' || call)), told, 'the trap is without effect: ' || pg_catalog.left(call, 60)) FROM pg_temp.peace;
SELECT public.is(r.rows::pg_catalog.text, w, person || ': ' || command)
FROM (VALUES ('ada', 'TABLE booking.appointments', '2'), ('ada', 'TABLE booking.bookings', '2'), ('ada', 'TABLE booking.patients', '1'),
			('ada', 'UPDATE booking.patients SET email = ''ada@new.example''', '1'), ('ada', 'DELETE FROM booking.bookings', '2'),
			('ada', 'INSERT INTO booking.bookings (slot_id) VALUES (7400000011)', '1'),
			('alder', 'UPDATE booking.appointments SET status = ''arrived'' WHERE id OPERATOR(pg_catalog.=) 7500000001', '1')) d (person, command, w),
	pg_temp.attempt(person, command) r;
SET LOCAL booking_test.search_path = '';
-- and the trap is one: it is sprung where nobody takes care
SELECT is(r.sqlstate, 'XT000', 'a careless function would spring it')
FROM (SELECT set_config('booking_test.search_path', 'trap, pg_temp, booking, pg_catalog', true)) s,
	LATERAL pg_temp.attempt(current_user, left(s.set_config, 0), 'SELECT 1::pg_catalog.int8 = 1::pg_catalog.int8') r;
SET LOCAL booking_test.search_path = '';

-- Every one of them is the owner's, who has no rights elsewhere; test/sql/authority.sql has whose rights they take on.
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace
		   AND (prosecdef OR proowner <> 'booking_owner'::regrole)), NULL, 'functions are booking_owner''s, and not SECURITY DEFINER');
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace
		   AND has_function_privilege('public', p.oid, 'EXECUTE')), NULL, 'EXECUTE on every function as PUBLIC is false');
SELECT is((SELECT array_agg(c.oid::regclass) FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
		   AND (has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))),
	NULL, 'PUBLIC has no right on any table or view');
SELECT ok(NOT has_schema_privilege('public', 'booking', 'USAGE, CREATE'), 'nor on the schema');
SELECT is((SELECT array_agg(c.oid::regclass) FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND relkind = 'v'
		   AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'), '{booking.metrics}', 'views read with the rights of who asks, but for the figures of all');

-- A leaky function in WHERE: cheap, so that the planner would like to try it first.
CREATE TABLE trap.leaked (row_text pg_catalog.text);
GRANT ALL ON trap.leaked TO PUBLIC;
SET LOCAL ROLE regress_booking_mallory;
CREATE FUNCTION trap.leak(anyelement) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'leak %', $1;
	IF $1::pg_catalog.text ~ 'Othername|other\.example|7300000002|7300000003|7500000002|7500000005' THEN
		RAISE EXCEPTION 'leaked %', $1 USING ERRCODE = 'XX001';
	END IF;
	RETURN true;
END
$$;
CREATE OPERATOR trap.~~~ (RIGHTARG = anyelement, FUNCTION = trap.leak);
RESET ROLE;
SET LOCAL client_min_messages = error;
SELECT ok(r.sqlstate IN ('00000', '42501'), format('a leaky function sees no more of %s than %s: %s', relname, person, r.message))
FROM (VALUES ('guest'), ('ada')) p (person), pg_class c,
	pg_temp.attempt(person, format('SELECT * FROM booking.%I t WHERE trap.leak(t)', relname)) r
WHERE c.relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v');
SELECT ok(r.sqlstate IN ('00000', '42501'), format('nor of the column %s.%s: %s', relname, attname, r.message))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0,
	pg_temp.attempt('ada', format('SELECT * FROM booking.%I t WHERE trap.leak(t.%I)', relname, attname)) r
WHERE c.relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v');
SELECT ok(r.sqlstate IN ('00000', '42501') AND coalesce(r.rows, 2) <= 2, format('nor when it writes: %s: %s', command, r.message))
FROM (VALUES ('UPDATE booking.bookings t SET status = ''cancelled'' WHERE trap.leak(t)'), ('DELETE FROM booking.bookings t WHERE trap.leak(t.patient_name)'),
			 ('UPDATE booking.patients t SET name = name WHERE trap.leak(t)'), ('UPDATE booking.patients t SET name = name WHERE trap.leak(t.email)')) d (command),
	pg_temp.attempt('ada', command) r;
SELECT ok(r.sqlstate = '00000' AND r.result !~ 'Cleo|7300000003', 'nor of the day sheet than staff: ' || coalesce(r.message, ''))
FROM pg_temp.attempt('birch', 'SELECT count(*) FROM booking.day_sheet t WHERE trap.leak(t.state)') r;
-- a condition that fails for one value only would tell by its error that the value is there
SELECT is(r.sqlstate, '00000', 'no error tells of a row that is not seen: ' || command)
FROM (VALUES ('SELECT 1 / (id - 7300000002) FROM booking.patients'), ('SELECT * FROM booking.appointments WHERE 1 / (patient_id - 7300000002) < 5'),
			 ('SELECT * FROM booking.bookings WHERE 1 / (patient_id - 7300000003) < 5'), ('SELECT * FROM booking.patients WHERE CASE name WHEN ''Bert Othername'' THEN 1 / (id - id) ELSE 1 END = 1')) d (command),
	pg_temp.attempt('ada', command) r;

-- row_security = off asks for an error, not for all rows.
SET LOCAL row_security = off;
SELECT is(r.sqlstate, '42501', 'row_security = off is refused: ' || command) FROM (VALUES ('TABLE booking.patients'), ('TABLE booking.bookings'), ('TABLE booking.appointment_events')) d (command), pg_temp.attempt('ada', command) r;
SELECT is((r.sqlstate, r.rows)::text, '(00000,1)', 'and books no less') FROM pg_temp.attempt('ada', 'SELECT booking.book_slot(7400000011)') r;
RESET row_security;

-- What else there is to read: sequences, statistics, sizes, the catalogue.
SELECT is(r.sqlstate, '42501', person || ' reads no sequence: ' || left(command, 60))
FROM (VALUES ('guest'), ('ada'), ('alder'), ('admin')) p (person),
	(SELECT format('SELECT last_value FROM %s', oid::regclass) FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S'
	 UNION ALL SELECT format('SELECT nextval(%L)', oid::regclass) FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S'
	 UNION ALL SELECT format('SELECT setval(%L, 1)', oid::regclass) FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S') d (command),
	pg_temp.attempt(person, command) r;
SELECT is(r.rows, 0::bigint, 'pg_sequences shows no value to ' || person) FROM (VALUES ('guest'), ('ada'), ('alder')) p (person),
	pg_temp.attempt(person, 'SELECT * FROM pg_sequences WHERE schemaname = ''booking'' AND last_value IS NOT NULL') r;
ANALYZE booking.patients, booking.appointments, booking.appointment_events, booking.clinics, booking.time_slots;
SELECT ok((SELECT count(*) > 5 FROM pg_stats WHERE schemaname = 'booking'), 'there are statistics');
SELECT is(r.rows, 0::bigint, format('pg_stats shows none to %s', person)) FROM (VALUES ('guest'), ('ada'), ('alder'), ('birch')) p (person),
	pg_temp.attempt(person, 'SELECT * FROM pg_stats WHERE schemaname = ''booking''') r;
SELECT is(r.sqlstate, '42501', 'pg_statistic is closed') FROM pg_temp.attempt('ada', 'SELECT * FROM pg_statistic') r;
-- EXPLAIN's estimates come from the statistics, but hold no value
SELECT ok(NOT pg_temp.tells_of_others(r, ''), 'EXPLAIN names nobody') FROM pg_temp.attempt('ada', 'EXPLAIN ANALYZE VERBOSE SELECT * FROM booking.bookings') r;

-- SQL in every text argument is text.
CREATE TABLE pg_temp.injections (n int, sql text);
INSERT INTO injections VALUES (1, '''; DELETE FROM booking.appointments; --'), (2, ''' OR ''1''=''1'), (3, '$$; DROP SCHEMA booking CASCADE; $$'),
	(4, '"; SET ROLE booking_owner; --'), (5, E'\\''; DELETE FROM booking.patients; --'), (6, '%s %I %L %1$s %n%n%n'), (7, E'a\nb\r\t\u200b\u202e');
SELECT ok(r.sqlstate IN ('00000', 'PT404', 'PT422', 'PT409', '22007', '22023', '22P02', '23514', '42883', '42601', '3F000', '42602'), format('%s: SQL %s is text in %s: %s %s', person, n, template, r.sqlstate, r.message))
FROM injections, (VALUES
		('guest', 'SELECT * FROM booking.available_slots(specialization => %L)'), ('guest', 'SELECT * FROM booking.next_available(specialization => %L)'),
		('guest', 'SELECT * FROM booking.session_slots(''2098-06-02'', ''09:00'', ''10:00'', %L, 30)'),
		('ada', 'SELECT booking.book_slot(7400000011, idempotency_key => %L)'), ('ada', 'SELECT booking.hold_slot(7400000011, idempotency_key => %L)'),
		('ada', 'SELECT booking.cancel_appointment(7500000001, %L)'), ('ada', 'UPDATE booking.patients SET name = %L'), ('ada', 'UPDATE booking.patients SET email = %L || ''@new.example'' WHERE %1$L ~ ''^a'''),
		('alder', 'SELECT booking.set_appointment_status(7500000001, ''arrived'', %L)'), ('alder', 'SELECT booking.find_patient(%L)'),
		('alder', 'SELECT booking.add_patient(%L, ''dora@new.example'')'), ('alder', 'SELECT booking.add_patient(''Dora'', %L)'),
		('alder', 'SELECT booking.add_time_off(''2097-02-01'', ''2097-02-02'', 7200000001, reason => %L)'), ('alder', 'SELECT booking.add_days_off(''2097-02-01'', ''2097-02-02'', 7200000001, reason => %L)'),
		('admin', 'SELECT booking.add_clinic(%L)'), ('admin', 'SELECT booking.add_clinic(''New Clinic'', %L)'), ('admin', 'SELECT booking.add_clinic(''New Clinic'', time_zone => %L)'),
		('admin', 'SELECT booking.add_doctor(7100000001, %L)'), ('admin', 'SELECT booking.add_doctor(7100000001, ''Dr New'', %L)'),
		('admin', 'SELECT booking.add_rule(%L, ''pg_catalog.now()'')'), ('admin', 'SELECT booking.add_rule(''mine'', %L)'), ('admin', 'SELECT booking.remove_rule(%L)'),
		('admin', 'UPDATE booking.clinics SET time_zone = %L WHERE id = 7100000001')) d (person, template),
	pg_temp.attempt(person, format(template, sql)) r;
SELECT is((SELECT count(*) FROM booking.appointments WHERE id > 7500000000), 6::bigint, 'and ran nowhere');
-- claims as well
SELECT is((r.sqlstate, r.result)::text, '(00000,"(""user''; DROP SCHEMA booking CASCADE; --"")")', 'SQL in the subject is text')
FROM (SELECT 'SELECT e.actor FROM booking.book_slot(7400000011) a, LATERAL (SELECT set_config(''booking_test.x'', a.id::text, true)) s, LATERAL (SELECT ''user''''; DROP SCHEMA booking CASCADE; --''::text AS actor) e') d (command),
	pg_temp.attempt('booking_patient', '{"sub": "user''; DROP SCHEMA booking CASCADE; --", "patient_id": 7300000001}', command) r;

-- Other people's rows, by whatever filter PATCH and DELETE may send.
SELECT is((r.sqlstate, r.rows)::text, format('(00000,%s)', wanted), command)
FROM (VALUES ('UPDATE booking.patients SET name = ''Mallory'' WHERE id IN (7300000001, 7300000002, 7300000003)', 1), ('UPDATE booking.patients SET name = ''Mallory''', 1),
			 ('UPDATE booking.patients SET name = ''Mallory'' WHERE email LIKE ''%@other.example''', 0), ('UPDATE booking.patients SET name = ''Mallory'' WHERE id <> 7300000001 OR true', 1),
			 ('UPDATE booking.bookings SET status = ''cancelled'' WHERE true', 2), ('UPDATE booking.bookings SET status = ''cancelled'' WHERE patient_id = 7300000002 OR patient_id IS NOT NULL', 2),
			 ('UPDATE booking.bookings SET slot_id = 7400000011 WHERE id = 7500000002', 0), ('DELETE FROM booking.bookings WHERE id IN (7500000002, 7500000003, 7500000005)', 0),
			 ('DELETE FROM booking.bookings', 2)) d (command, wanted), pg_temp.attempt('ada', command) r;
SELECT is(r.sqlstate, '42501', command || ' is refused')
FROM (VALUES ('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (7400000011, 7300000001), (7400000017, 7300000002)'), ('INSERT INTO booking.bookings (id, slot_id, patient_id) VALUES (7500000002, 7400000013, 7300000001) ON CONFLICT (id) DO UPDATE SET patient_id = 7300000001'),
			 ('UPDATE booking.patients SET id = 7300000001 WHERE id = 7300000002'), ('MERGE INTO booking.patients p USING (SELECT 7300000002::bigint AS id) s ON p.id = s.id WHEN MATCHED THEN UPDATE SET name = ''Mallory'' WHEN NOT MATCHED THEN INSERT (name, email) VALUES (''x'', ''y'')'),
			 ('SELECT * FROM booking.patients FOR NO KEY UPDATE OF no_such_table')) d (command), pg_temp.attempt('ada', command) r WHERE command !~ '^SELECT' AND r.sqlstate NOT IN ('42P10', '0A000', 'PT422');

-- Claims set inside a query. Whoever may write SQL as booking_patient can set any, which is why
-- people are never given that role for a login (doc/security.md); through PostgREST nobody can,
-- since it lets them call the functions of this schema alone, and none sets a parameter or runs SQL.
SELECT is((r.sqlstate, r.rows)::text, '(00000,3)', 'whoever writes SQL as booking_patient is whom they like')
FROM pg_temp.attempt('ada', 'SELECT a.id FROM booking.appointments a WHERE set_config(''request.jwt.claims'', ''{"patient_id": 7300000002}'', true) IS NOT NULL') r;
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p JOIN pg_language l ON l.oid = prolang
		   WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype AND lanname <> 'c'
			   AND prosrc !~ '^SELECT [*] FROM booking[.][a-z_]+ WHERE id OPERATOR[(]pg_catalog[.]=[)] [$]1[.][a-z_]+$'
			   AND (prosqlbody IS NULL OR prosecdef)), NULL, 'no exposed function runs SQL that it is given: all are C, or of one statement');
SELECT ok(NOT has_function_privilege('booking_patient', 'pg_catalog.pg_read_file(text)', 'EXECUTE'), 'nor has a patient any file');

-- A rule's function has its owner's rights, whoever books.
CREATE ROLE regress_booking_author;
GRANT USAGE ON SCHEMA booking TO regress_booking_author;
GRANT USAGE, CREATE ON SCHEMA trap TO regress_booking_author;
SET LOCAL ROLE regress_booking_author;
CREATE TABLE trap.seen (who name, outer_who name, what text);
CREATE FUNCTION trap.rule(booking.time_slots, booking.patients) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	EXECUTE current_setting('booking_test.attack');
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || current_user || ' ' || sqlerrm;
END
$$;
GRANT EXECUTE ON FUNCTION trap.rule(booking.time_slots, booking.patients) TO PUBLIC;
RESET ROLE;
INSERT INTO booking.rules (name, clinic_id, check_function) VALUES ('of Mallory', 7100000001, 'trap.rule');
CREATE TABLE pg_temp.rule_attacks (attack text);
INSERT INTO rule_attacks VALUES
	('DELETE FROM booking.appointments'), ('SELECT * FROM booking.patients'), ('SELECT email FROM booking.patients'), ('UPDATE booking.patients SET name = ''Mallory'''),
	('SELECT booking.cancel_appointment(7500000002)'), ('SELECT booking.find_patient(''bert@other.example'')'), ('ALTER ROLE regress_booking_author SUPERUSER'),
	('GRANT booking_owner TO regress_booking_author'), ('SET ROLE booking_owner'), ('SET LOCAL ROLE booking_owner'), ('RESET ROLE'), ('SET SESSION AUTHORIZATION DEFAULT'), ('RESET SESSION AUTHORIZATION'),
	('CREATE FUNCTION booking.mine() RETURNS int LANGUAGE sql AS ''SELECT 1'''), ('CREATE TEMPORARY TABLE seed (x int)'), ('CREATE OR REPLACE FUNCTION booking.claimed_patient_id() RETURNS bigint LANGUAGE sql AS ''SELECT 7300000002::bigint'''),
	('ALTER TABLE booking.patients DISABLE ROW LEVEL SECURITY'), ('COPY booking.patients TO ''/tmp/patients'''), ('DECLARE c CURSOR WITH HOLD FOR SELECT 1'), ('PREPARE p AS SELECT 1'), ('LISTEN bookings'),
	('SELECT pg_catalog.set_config(''role'', ''booking_owner'', true)'), ('SELECT pg_catalog.set_config(''session_authorization'', ''postgres'', true)'), ('LOAD ''booking''');
SELECT ok(r.sqlstate = 'PT422' AND starts_with(r.message, '42501 regress_booking_author '),
	format('a rule cannot %s, though %s books: %s %s', left(attack, 50), person, r.sqlstate, r.message))
FROM rule_attacks, (VALUES ('ada'), ('admin')) p (person),
	(SELECT 1) one, LATERAL (SELECT set_config('booking_test.attack', attack, true)) s,
	LATERAL pg_temp.attempt(person, format('SELECT booking.book_slot(7400000011, 7300000001) /* %s */', s.set_config)) r;
UPDATE booking.rules SET deleted_at = now() WHERE name = 'of Mallory';

-- Casts, operators, operator classes, triggers and references upon the book's own are refused.
SELECT is(r.sqlstate, '42501', format('%s cannot %s', who, left(command, 60)))
FROM (VALUES ('regress_booking_mallory'), ('booking_staff'), ('booking_admin')) w (who),
	(VALUES ('CREATE CAST (booking.appointment_status AS bigint) WITH INOUT AS IMPLICIT'),
			('CREATE OPERATOR CLASS trap.int8_ops DEFAULT FOR TYPE booking.appointment_status USING btree AS OPERATOR 1 <'),
			('CREATE TRIGGER mine BEFORE UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION trap.spring_on()'),
			('CREATE RULE mine AS ON SELECT TO booking.patients DO INSTEAD SELECT 1'), ('CREATE INDEX ON booking.patients (trap.lower(email))'),
			('CREATE TABLE trap.spy (id bigint REFERENCES booking.patients (id))'), ('CREATE TABLE trap.heir () INHERITS (booking.patients)'),
			('ALTER TABLE booking.patients ADD COLUMN spy text DEFAULT trap.lower(''x'')'), ('CREATE STATISTICS trap.spy ON name, email FROM booking.patients'),
			('ALTER TYPE booking.appointment_status ADD VALUE ''spied'''), ('ALTER VIEW booking.bookings SET (security_invoker = false)'), ('COMMENT ON TABLE booking.patients IS ''mine'''), ('GRANT booking_admin TO regress_booking_mallory'),
			('ALTER ROLE booking_guest LOGIN'), ('CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION trap.spring_on()')) d (command),
	pg_temp.attempt(who, '{"patient_id": 7300000001}', command) r;
-- a cast between the attacker's own types, and a domain with a CHECK, run as the attacker
SET LOCAL ROLE regress_booking_mallory;
CREATE DOMAIN trap.id AS pg_catalog.int8 CHECK (trap.spring('domain ' || VALUE));
CREATE TYPE trap.pair AS (id pg_catalog.int8);
CREATE FUNCTION trap.id_of(trap.pair) RETURNS pg_catalog.int8 LANGUAGE sql AS $$ SELECT $1.id FROM trap.spring('cast') $$;
CREATE CAST (trap.pair AS pg_catalog.int8) WITH FUNCTION trap.id_of(trap.pair) AS IMPLICIT;
RESET ROLE;
GRANT ALL ON TYPE trap.id, trap.pair TO PUBLIC;
SELECT is((r.sqlstate, r.rows)::text, '(00000,1)', command) FROM (VALUES ('SELECT booking.book_slot(7400000011::trap.id)'), ('SELECT booking.book_slot(ROW(7400000011)::trap.pair)')) d (command), pg_temp.attempt('ada', command) r;

SELECT * FROM finish();
ROLLBACK;
