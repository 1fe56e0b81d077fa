-- The clinic's own rules: which are tried, in which order, and what their answers become.
\i test/lifecycle.psql
CREATE SCHEMA regress_rules;

-- Two a week: the example of the documentation.
CREATE FUNCTION regress_rules.two_a_week(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql STABLE RETURN (
		SELECT 'the patient has two appointments in that week' FROM booking.appointments a
		WHERE a.patient_id = patient.id AND a.status IN ('booked', 'arrived', 'checked-in', 'fulfilled')
			AND date_trunc('week', a.starts_at) = date_trunc('week', slot.starts_at)
		HAVING count(*) >= 2);
SELECT id, name, clinic_id, check_function, position, created_at = now() AS now, deleted_at
FROM booking.add_rule('two_a_week', 'regress_rules.two_a_week(booking.time_slots, booking.patients)', clinic_id => 1);
SELECT a.id FROM booking.book_slot(1, 1) a;
SELECT a.id FROM booking.book_slot(2, 1) a;
SELECT * FROM pg_temp.refusal('SELECT booking.book_slot(3, 1)') \gx
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.hold_slot(3, 1)');
SELECT sqlstate, rule FROM pg_temp.refusal('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (3, 1)');
SELECT * FROM booking.check_booking(3, 1) WHERE NOT passed;
-- of its clinic alone, and of that patient
SELECT a.id FROM booking.book_slot(3, 2) a;
SELECT a.id FROM booking.book_slot(11, 1) a;
-- Moving counts as a booking there.
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.reschedule_appointment(4, 4)');
-- A hold that was made in time is confirmed: the rule judged it then.
SELECT a.id FROM booking.hold_slot(4, 2) a;
SELECT a.id FROM booking.book_slot(5, 2) a;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(6, 2)');
SELECT status FROM booking.confirm_hold(5);
TABLE broken;
SELECT name, deleted_at IS NOT NULL AS removed FROM booking.remove_rule('two_a_week', 1);
SELECT a.id FROM booking.book_slot(6, 2) a;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.remove_rule(''two_a_week'', 1)');

-- Rules of all clinics and of one, by position and then by name, after ours.
CREATE TABLE regress_rules.calls (n serial, name text, slot bigint, patient text);
CREATE FUNCTION regress_rules.note(name text, slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql AS 'INSERT INTO regress_rules.calls (name, slot, patient) VALUES ($1, $2.id, $3.name); SELECT NULL';
CREATE FUNCTION regress_rules.a(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql AS $$SELECT regress_rules.note('a', s, p)$$;
CREATE FUNCTION regress_rules.b(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql AS $$SELECT regress_rules.note('b', s, p)$$;
CREATE FUNCTION regress_rules."C c"(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql AS $$SELECT regress_rules.note('C c', s, p)$$;
CREATE FUNCTION pg_temp.add(name text, clinic_id bigint, "position" int, function text) RETURNS text LANGUAGE sql AS $$
	SELECT name FROM booking.add_rule($1, format('regress_rules.%I(booking.time_slots, booking.patients)', $4)::regprocedure, $2, $3)
$$;
SELECT pg_temp.add('z', NULL, 100, 'a'), pg_temp.add('y', NULL, 100, 'b'), pg_temp.add('first', NULL, -2147483648, 'C c'),
	pg_temp.add('last', NULL, 2147483647, 'a'), pg_temp.add('one''s "own"', 2, 99, 'b'), pg_temp.add('other''s', 1, 98, 'b');
SELECT name, clinic_id, position, check_function FROM booking.rules WHERE deleted_at IS NULL ORDER BY position, name;
-- What comes after the last of ours.
CREATE FUNCTION pg_temp.after_ours(slot bigint, patient bigint) RETURNS TABLE (rule text, passed boolean) LANGUAGE sql AS $$
	WITH chain AS (SELECT * FROM booking.check_booking(slot, patient) WITH ORDINALITY)
	SELECT rule, passed FROM chain
	WHERE ordinality > (SELECT max(ordinality) FROM chain WHERE rule NOT IN (SELECT name FROM booking.rules)) ORDER BY ordinality
$$;
SELECT * FROM pg_temp.after_ours(12, 3);
TRUNCATE regress_rules.calls;
SELECT a.id FROM booking.book_slot(12, 3) a;
-- each once; a and b are the function of two rules each
SELECT name, slot, patient, count(*) FROM regress_rules.calls GROUP BY 1, 2, 3 ORDER BY min(n);
TRUNCATE regress_rules.calls;
-- what one of ours refuses, no rule is asked; a dry run asks all
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(12, 1)');
SELECT count(*) FROM regress_rules.calls;
SELECT rule, passed FROM booking.check_booking(12, 2) WHERE passed IS DISTINCT FROM true OR rule = 'first';
-- without a patient they cannot be judged; without a slot there is no clinic
SELECT * FROM pg_temp.after_ours(13, 99);
SELECT * FROM pg_temp.after_ours(99, 1);
SELECT name FROM booking.remove_rule('one''s "own"', clinic_id => 2);
SELECT count(*) FROM booking.rules, booking.remove_rule(name, clinic_id) WHERE rules.deleted_at IS NULL;

-- A name is unique in its clinic, and among those of all clinics; a removed one is free again.
SELECT pg_temp.add('n', NULL, 1, 'a'), pg_temp.add('n', 1, 1, 'a'), pg_temp.add('n', 2, 1, 'a'), pg_temp.add('  trimmed ', 2, 1, 'a');
SELECT name FROM booking.rules WHERE position = 1 ORDER BY id;
SELECT clinic, r.sqlstate, r.rule, r.follows_contract
FROM unnest(ARRAY[1, NULL]) clinic, pg_temp.refusal(format($$SELECT pg_temp.add('n', %L, 1, 'b')$$, clinic)) r;
SELECT name FROM booking.remove_rule('n');
SELECT sqlstate FROM pg_temp.refusal($$SELECT pg_temp.add('n', NULL, 1, 'b')$$);
SELECT count(*) FROM (SELECT * FROM booking.rules WHERE deleted_at IS NULL) r, booking.remove_rule(name, clinic_id);

-- What a rule says: a text refuses, whatever it is; an error of its own is passed on as it is.
CREATE TABLE regress_rules.answer (answer text);
INSERT INTO regress_rules.answer VALUES (NULL);
CREATE FUNCTION regress_rules.says(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql AS 'SELECT answer FROM regress_rules.answer';
SELECT pg_temp.add('says', NULL, 1, 'says');
SELECT n, r.sqlstate, r.rule, left(r.message, 60) AS message, length(r.message), r.follows_contract
FROM unnest(ARRAY['no', '', '%s %n %', E'two\nlines', repeat('x', 1024 * 1024)]) WITH ORDINALITY AS a(answer, n),
	pg_temp.refusal(format('UPDATE regress_rules.answer SET answer = %L; SELECT booking.book_slot(13, 1)', answer)) r ORDER BY n;
UPDATE regress_rules.answer SET answer = 'no';
SELECT * FROM booking.check_booking(13, 1) WHERE NOT passed;
UPDATE regress_rules.answer SET answer = NULL;
SELECT a.id FROM booking.book_slot(13, 1) a;
CREATE FUNCTION regress_rules.raises(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'P1234', MESSAGE = 'mine', DETAIL = 'my detail', HINT = 'my hint',
		CONSTRAINT = 'my_rule', TABLE = 'my_table', SCHEMA = 'mine';
END $$;
SELECT pg_temp.add('raises', NULL, 2, 'raises');
SELECT sqlstate, rule, message, detail, hint, "table" FROM pg_temp.refusal('SELECT booking.book_slot(14, 1)');
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.check_booking(14, 1)');
SELECT name FROM booking.remove_rule('raises');
CREATE FUNCTION regress_rules.cancels(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_cancel_backend(pg_backend_pid());
	PERFORM pg_sleep(60);  -- the cancel arrives at once
	RETURN NULL;
END $$;
SELECT pg_temp.add('cancels', NULL, 2, 'cancels');
\set SHOW_CONTEXT never
SELECT booking.book_slot(14, 1);
\set SHOW_CONTEXT errors
SELECT name FROM booking.remove_rule('cancels');
CREATE FUNCTION regress_rules.strict(s booking.time_slots, p booking.patients) RETURNS text STRICT LANGUAGE sql AS $$SELECT 'called'$$;
SELECT pg_temp.add('strict', 2, 2, 'strict');
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.book_slot(14, 1)');
DROP FUNCTION regress_rules.strict;
SELECT sqlstate, rule, hint FROM pg_temp.refusal('SELECT booking.book_slot(14, 1)');
SELECT name FROM booking.remove_rule('strict', 2);

-- A rule sees the book as the booking does: rows that the same statement made, what the
-- transaction did before, and the slot and patient as they are now.
CREATE FUNCTION regress_rules.sees(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s at %s has %s; the row says %s', patient.name, slot.starts_at,
		(SELECT count(*) FROM booking.appointments a WHERE a.patient_id = patient.id),
		EXISTS (SELECT FROM booking.time_slots s WHERE s = slot)) $$;
SELECT pg_temp.add('sees', NULL, 2, 'sees');
SELECT sqlstate, message FROM pg_temp.refusal($$SELECT booking.book_slot(14, (booking.add_patient('Donald Knuth', 'don@example.org')).id)$$);
SELECT sqlstate, message FROM pg_temp.refusal($$
	SELECT booking.book_slot(s.id, 1) FROM booking.add_time_slots(2, '2099-07-01', '09:00', '10:00', 60) s$$);
SELECT sqlstate, message FROM pg_temp.refusal($$
	SELECT booking.book_slot(14, p.id) FROM booking.add_patient('Donald Knuth', 'don@example.org') p$$);
UPDATE booking.patients SET name = 'Augusta Ada King' WHERE id = 1;
SELECT message FROM pg_temp.refusal('SELECT booking.book_slot(14, 1)');
SELECT name FROM booking.remove_rule('sees');

-- Its function may be replaced, dropped and made again, renamed or moved: it is found by name.
-- A rule without its function lets nobody book, and says which it is.
CREATE FUNCTION pg_temp.says() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', r.sqlstate, r.rule, r.message, r.detail) FROM pg_temp.trial('SELECT booking.book_slot(14, 1)') r $$;
UPDATE regress_rules.answer SET answer = 'no';
SELECT pg_temp.says();
CREATE OR REPLACE FUNCTION regress_rules.says(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql RETURN 'never';
SELECT pg_temp.says();
DROP FUNCTION regress_rules.says;
SELECT * FROM pg_temp.refusal('SELECT booking.book_slot(14, 1)') \gx
SELECT * FROM booking.check_booking(14, 1) WHERE NOT passed;
CREATE FUNCTION regress_rules.says(p booking.patients, s booking.time_slots) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION regress_rules.says(s booking.time_slots, p booking.patients) RETURNS int LANGUAGE sql RETURN 1;
SELECT pg_temp.says();
DROP FUNCTION regress_rules.says(booking.time_slots, booking.patients);
CREATE FUNCTION regress_rules.says(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE sql RETURN 'again';
SELECT pg_temp.says();
ALTER FUNCTION regress_rules.says(booking.time_slots, booking.patients) RENAME TO said;
SELECT pg_temp.says();
ALTER FUNCTION regress_rules.said(booking.time_slots, booking.patients) RENAME TO says;
ALTER SCHEMA regress_rules RENAME TO "regress ""rules""";
SELECT pg_temp.says();
ALTER SCHEMA "regress ""rules""" RENAME TO regress_rules;
SELECT pg_temp.says();
SAVEPOINT s;
SELECT name FROM booking.remove_rule('says');
SELECT pg_temp.says();
ROLLBACK TO s;
SELECT pg_temp.says();
-- one that another rule drops in passing is missed in the same booking
CREATE FUNCTION regress_rules.drops(s booking.time_slots, p booking.patients) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DROP FUNCTION IF EXISTS regress_rules.says(booking.time_slots, booking.patients);
	RETURN NULL;
END $$;
SELECT pg_temp.add('drops', NULL, -1, 'drops');
SELECT pg_temp.says();
SELECT name FROM booking.remove_rule('drops');
SELECT name FROM booking.remove_rule('says');
SELECT pg_temp.says();
TABLE broken;
ROLLBACK;
