-- No error has a control character of a caller's, a table's or somebody's code in it, and no such
-- text is stored: PostgREST puts the message of a PT error into a line of its answer as it is.
\i test/begin.psql

INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name, specialization) VALUES (1, 1, 'Dr Grace Hopper', 'Cardiology');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org'), (2, 'Alan Turing', 'alan@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00');
SELECT setval('booking.clinics_id_seq', 10), setval('booking.doctors_id_seq', 10),
	setval('booking.patients_id_seq', 10), setval('booking.time_slots_id_seq', 10);
SELECT id, status FROM booking.book_slot(1, 1);
CREATE SCHEMA regress_house;
CREATE FUNCTION regress_house.passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;

-- The control characters of Unicode, and those that turn the direction of writing.
CREATE TEMP TABLE controls AS SELECT chr(n) AS control FROM generate_series(1, 65535) n
WHERE n < 32 OR n BETWEEN 127 AND 159 OR n IN (x'061C'::int, x'200E'::int, x'200F'::int)
	OR n BETWEEN x'2028'::int AND x'202E'::int OR n BETWEEN x'2066'::int AND x'2069'::int;
SELECT string_agg(control, '') AS controls, count(*) FROM controls \gset
SELECT :count AS controls;
-- For a pattern: none of them has a meaning there.
SELECT set_config('regress.controls', '[' || :'controls' || ']', true) IS NOT NULL AS set;
CREATE TEMP TABLE hostile (n int, value text);
INSERT INTO hostile VALUES
	(1, E'X\r\nSet-Cookie: sid=1'),
	(2, E'X\r\n\r\n<script>alert(1)</script>'),
	(3, 'X' || :'controls' || 'X'),
	(4, :'controls'),
	(5, E'"\r\n''\\\x1b[2J%s%n$1'),
	(6, E'x@example.org\r\nBcc: y@example.org'),
	(7, repeat(E'X\r\n', 30)),
	(8, repeat(E'X\u202e', 100000));

-- What a command is refused with has none.
CREATE FUNCTION pg_temp.outcome(command text, OUT sqlstate text, OUT rule text, OUT message text, OUT clean boolean)
	LANGUAGE sql AS $$
	SELECT r.sqlstate, r.rule, r.message,
		concat(r.message, r.detail, r.hint, CASE WHEN r.sqlstate LIKE 'PT%' THEN r.rule END) !~ current_setting('regress.controls')
	FROM pg_temp.trial(command) r
$$;

-- Every argument of every function that takes words. The others are what lets it come that far.
CREATE FUNCTION pg_temp.value_for(function name, argument name, type regtype) RETURNS text
	LANGUAGE sql RETURN CASE
		WHEN argument IN ('until_date', 'end_time', 'ends_at', 'until_time') AND type = 'time'::regtype THEN '''10:00'''
		WHEN argument IN ('until_date', 'ends_at', 'until_time') THEN '''2099-06-03'''
		WHEN type IN ('date'::regtype, 'timestamptz'::regtype) THEN '''2099-06-02'''
		WHEN type = 'time'::regtype THEN '''09:00'''
		WHEN type = 'interval'::regtype THEN '''5 minutes'''
		WHEN type = 'boolean'::regtype THEN 'true'
		WHEN type = 'bigint'::regtype THEN CASE argument WHEN 'new_slot_id' THEN '2' ELSE '1' END
		WHEN type = 'int'::regtype THEN CASE argument WHEN 'weekday' THEN '1' ELSE '30' END
		WHEN type = 'booking.appointment_status'::regtype THEN '''arrived'''
		WHEN type = 'regprocedure'::regtype THEN '''regress_house.passes(booking.time_slots, booking.patients)'''
		WHEN argument = 'email' THEN '''x@example.org'''
		WHEN argument = 'time_zone' THEN '''UTC'''
		WHEN type = 'text'::regtype THEN '''Some Words''' END;
CREATE TEMP TABLE arguments AS
	SELECT p.oid, p.proname AS function, n, p.proargnames[n]::name AS argument, t.type::regtype, n <= p.pronargs - p.pronargdefaults AS required
	FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY AS t(type, n)
	WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype AND p.proargnames IS NOT NULL;
CREATE TEMP TABLE calls AS
	SELECT a.function, a.argument, a.type,
		format('SELECT booking.%s(%s)', a.function,
			   (SELECT string_agg(format('%I => %s', o.argument,
										 CASE WHEN o.n <> a.n THEN pg_temp.value_for(o.function, o.argument, o.type)
											  WHEN o.type = 'text[]'::regtype THEN format('ARRAY[%L]', h.value)
											  ELSE quote_literal(h.value) END), ', ')
				FROM arguments o
				WHERE o.oid = a.oid AND (o.required OR o.n = a.n OR o.argument = 'patient_id'
										 OR (o.function LIKE 'add\_%off' AND o.argument = 'doctor_id')))) AS command
	FROM arguments a JOIN pg_type t ON t.oid = a.type, hostile h
	WHERE t.typcategory IN ('S', 'E') OR t.typcategory = 'A' AND t.typelem = 'text'::regtype OR a.type::text LIKE 'reg%';

-- as an administrator; what the server refuses before the function is asked is no PT error
CREATE TEMP TABLE outcomes AS SELECT c.*, o.* FROM calls c, pg_temp.outcome(command) o;
SELECT function, argument, string_agg(DISTINCT sqlstate || ' ' || coalesce(rule, ''), ', ') AS outcomes,
	bool_and(clean) AS clean
FROM outcomes WHERE sqlstate LIKE 'PT%' OR sqlstate = '00000' GROUP BY 1, 2 ORDER BY function COLLATE "C", 2;
SELECT DISTINCT function, argument, type, sqlstate FROM outcomes WHERE sqlstate NOT LIKE 'PT%' AND sqlstate <> '00000' ORDER BY 1, 2;
SELECT DISTINCT message FROM outcomes WHERE function = 'session_slots' AND message LIKE '%Set-Cookie%';

-- Through row-level security, as a patient and as staff whose claims are no better.
GRANT booking_patient, booking_staff TO CURRENT_USER;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
GRANT SELECT ON calls, hostile TO PUBLIC;
CREATE TEMP TABLE claims AS
	SELECT role, n, jsonb_build_object('role', value, 'patient_id', 1, 'clinic_ids', '[1]'::jsonb, 'sub', value) AS claims
	FROM hostile, unnest('{booking_patient,booking_staff}'::text[]) role;
CREATE FUNCTION pg_temp.as_caller(role text, claims text, command text) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
	result record;
BEGIN
	PERFORM set_config('request.jwt.claims', claims, true), set_config('role', role, true);
	result := pg_temp.outcome(command);
	PERFORM set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
	RETURN result;
END
$$;
SELECT role, o.sqlstate, o.rule, o.message, bool_and(o.clean) AS clean, count(*)
FROM claims, unnest('{booking.book_slot(2), booking.cancel_appointment(1), booking.claimed_patient_id()}'::text[]) call,
	pg_temp.as_caller(role, claims::text, 'SELECT ' || call) AS o(sqlstate text, rule text, message text, clean boolean)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
-- nor claims that are of another form
SELECT o.sqlstate, o.rule, bool_and(o.clean) AS clean, count(*)
FROM hostile, (VALUES ('%s'), ('{"patient_id": %s}'), ('{"clinic_ids": [%s]}'), ('{"sub": [%s]}')) AS forms(form),
	pg_temp.as_caller('booking_staff', format(form, to_json(value)), 'SELECT booking.add_patient(''X'', ''Y'')')
		AS o(sqlstate text, rule text, message text, clean boolean)
GROUP BY 1, 2 ORDER BY 1;
SELECT o.sqlstate, bool_and(o.clean) AS clean, count(*)
FROM calls, pg_temp.as_caller('booking_patient', '{"patient_id": 1}', command) AS o(sqlstate text, rule text, message text, clean boolean)
WHERE o.sqlstate LIKE 'PT%' OR o.sqlstate IN ('00000', '42501') GROUP BY 1 ORDER BY 1;

-- Nothing of it is stored, by plain SQL neither.
SELECT conrelid::regclass AS "table" FROM pg_constraint
WHERE conname = 'text_has_no_control_characters' AND connamespace = 'booking'::regnamespace ORDER BY conrelid::regclass::text;
SELECT command, r.sqlstate, r.rule, count(*) AS controls
FROM controls, (VALUES ('UPDATE booking.clinics SET name = %L WHERE id = 1'), ('UPDATE booking.clinics SET address = %L'),
					   ('UPDATE booking.doctors SET name = %L'), ('UPDATE booking.doctors SET specialization = %L'),
					   ('UPDATE booking.patients SET name = %L WHERE id = 1'), ('UPDATE booking.patients SET email = %L || ''@example.org'' WHERE id = 1'),
					   ('SELECT booking.add_time_off(''2099-01-01'', ''2099-01-02'', 1, reason => %L)'),
					   ('SELECT booking.add_rule(%L, ''regress_house.passes(booking.time_slots, booking.patients)'')'),
					   ('SELECT booking.read_events(%L)'), ('SELECT booking.book_slot(2, 2, %L)'), ('SELECT booking.hold_slot(2, 2, NULL, %L)'),
					   ('SELECT booking.cancel_appointment(1, %L)'), ('INSERT INTO booking.bookings (slot_id, patient_id, idempotency_key) VALUES (2, 2, %L)')) AS c(command),
	pg_temp.trial(format(command, 'a' || control || 'a')) r
GROUP BY 1, 2, 3 ORDER BY 1;
-- words that people write are
SELECT sqlstate, count(*)
FROM (VALUES ('علی‌رضا'), ('श्रीमान्'), ('क्‍ष'), ('👩‍⚕️ Ann'), ('❤️'), ('🏴󠁧󠁢󠁥󠁮󠁧󠁿'), ('渡邉󠄐'), ('Zoë Müller'), ('Ngô Bảo Châu'), ('םינופ'), ('סא־בא')) AS words(word),
	pg_temp.trial(format('UPDATE booking.patients SET name = %L WHERE id = 1', word || ' B')) GROUP BY 1;
-- and what belongs to the last character stays with it
SELECT bool_and(name = word) AS kept FROM (VALUES ('a❤️'), ('a🏴󠁧󠁢󠁥󠁮󠁧󠁿'), ('渡邉󠄐')) AS words(word),
	LATERAL (SELECT (booking.add_doctor(1, word)).name) d;

-- A book that has such texts all the same, as an older version may have left it.
ALTER TABLE booking.clinics DROP CONSTRAINT text_has_no_control_characters;
ALTER TABLE booking.doctors DROP CONSTRAINT text_has_no_control_characters;
ALTER TABLE booking.patients DROP CONSTRAINT text_has_no_control_characters, DROP CONSTRAINT patient_email_is_plausible;
ALTER TABLE booking.rules DROP CONSTRAINT text_has_no_control_characters;
CREATE FUNCTION pg_temp.shown(command text, OUT sqlstate text, OUT rule text, OUT message text, OUT detail text, OUT hint text, OUT clean boolean)
	LANGUAGE sql AS $$
	SELECT r.sqlstate, r.rule, r.message, r.detail, r.hint, concat(r.message, r.detail, r.hint, r.rule) !~ current_setting('regress.controls')
	FROM pg_temp.trial(command) r
$$;
SAVEPOINT old;
UPDATE booking.clinics SET name = E'Harley\r\nStreet', time_zone = 'UTC';
UPDATE booking.doctors SET name = E'Dr Grace\u2028Hopper' WHERE id = 1;
UPDATE booking.patients SET name = E'Ada\rLovelace', email = E'ada\r@example.org' WHERE id = 1;
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(1, 2)') \gx
UPDATE booking.clinics SET min_notice = '1 year', booking_horizon = '1 day';
SELECT rule, clean FROM pg_temp.shown('SELECT booking.book_slot(2, 2)');
ALTER TABLE booking.clinics DISABLE TRIGGER time_zone_is_known;
UPDATE booking.clinics SET time_zone = E'Mars\r\nX: y', min_notice = '1 day', booking_horizon = NULL;
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
-- every call once more
SELECT count(*) FILTER (WHERE NOT o.clean) AS unclean FROM calls, pg_temp.outcome(command) o WHERE sqlstate LIKE 'PT%';
ROLLBACK TO old;

-- The clinic's own rules: their names, their functions, their answers and their errors.
CREATE FUNCTION regress_house.answers(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql
	RETURN E'no\r\nX: y';
CREATE FUNCTION regress_house.raises(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION E'no\r\nX: y' USING ERRCODE = 'PT418', DETAIL = E'a\u202eb', HINT = E'c\u0085d';
END
$$;
CREATE FUNCTION regress_house.quotes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN E'4\r\n2'::int;
END
$$;
CREATE FUNCTION regress_house.repeats(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM regress_house.raises(slot, patient);
EXCEPTION WHEN OTHERS THEN
	RAISE;
END
$$;
INSERT INTO booking.rules (name, check_function) VALUES (E'a\r\nrule', 'regress_house.gone');
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
UPDATE booking.rules SET check_function = 'regress_house.answers';
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
UPDATE booking.rules SET check_function = 'regress_house.raises';
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
UPDATE booking.rules SET check_function = 'regress_house.quotes';
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
UPDATE booking.rules SET check_function = 'regress_house.repeats';
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
-- also while trying them alone, and by way of the view
SELECT sqlstate, clean FROM unnest('{"SELECT booking.check_booking(2, 2)",
	"INSERT INTO booking.bookings (slot_id, patient_id) VALUES (2, 2)"}'::text[]) AS command, pg_temp.shown(command);
ROLLBACK TO old;

-- Others' triggers and constraints under what the functions write, and the tasks of maintain().
CREATE FUNCTION regress_house.object() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION E'no\r\nX: y' USING ERRCODE = TG_ARGV[0], DETAIL = E'a\u202eb', HINT = E'c\u0085d';
END
$$;
CREATE TRIGGER objects AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION regress_house.object('PT418');
SELECT * FROM pg_temp.shown('SELECT booking.book_slot(2, 2)') \gx
DROP TRIGGER objects ON booking.appointments;
CREATE TRIGGER objects AFTER INSERT ON booking.patients FOR EACH ROW EXECUTE FUNCTION regress_house.object('PT418');
SELECT sqlstate, message, clean FROM pg_temp.shown('SELECT booking.add_patient(''Ann'', ''ann@example.org'')');
ALTER TABLE booking.appointments ADD CONSTRAINT "no
such" CHECK (patient_id <> 2);
SELECT sqlstate, message FROM pg_temp.shown('SELECT booking.book_slot(2, 2)');
CREATE TRIGGER objects AFTER INSERT ON booking.clinic_figures FOR EACH ROW EXECUTE FUNCTION regress_house.object('22000');
SELECT * FROM booking.maintain();

ROLLBACK;
