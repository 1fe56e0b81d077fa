-- Input nobody should send: one clean error each, a live server, and not one row more or less.
\i test/begin.psql

INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00');
SELECT setval('booking.clinics_id_seq', 10), setval('booking.doctors_id_seq', 10),
	setval('booking.patients_id_seq', 10), setval('booking.time_slots_id_seq', 10);
CREATE TEMP VIEW counts AS
	SELECT (SELECT count(*) FROM booking.clinics) AS clinics, (SELECT count(*) FROM booking.doctors) AS doctors,
		(SELECT count(*) FROM booking.patients) AS patients, (SELECT count(*) FROM booking.time_slots) AS slots,
		(SELECT count(*) FROM booking.appointments) AS appointments,
		(SELECT count(*) FROM booking.appointment_events) AS events,
		(SELECT count(*) FROM booking.time_slots WHERE is_available AND deleted_at IS NULL) AS free;
TABLE counts;

-- A valid call of each function; of each, an argument at a time is replaced.
CREATE TEMP TABLE calls (function text, arguments text[], PRIMARY KEY (function));
INSERT INTO calls VALUES
	('add_clinic', '{name => ''New Clinic'', address => ''1 New Street'', time_zone => ''UTC''}'),
	('add_doctor', '{clinic_id => 1, name => ''Dr New'', specialization => ''Cardiology''}'),
	('add_patient', '{name => ''Ann New'', email => ''new@example.org''}'),
	('add_time_slots', '{doctor_id => 1, on_date => ''2099-06-02'', start_time => ''09:00'', end_time => ''10:00'', slot_minutes => 30}'),
	('set_slot_availability', '{slot_id => 1, is_available => true}'),
	('available_slots', '{doctor_id => 1, on_date => ''2099-06-02'', clinic_id => 1, specialization => ''Cardiology'', from_time => ''2099-06-02'', until_time => ''2099-06-03'', max_slots => 1}'),
	('is_slot_available', '{slot_id => 1}'),
	('check_booking', '{slot_id => 1, patient_id => 1}'),
	('book_slot', '{slot_id => 1, patient_id => 1, idempotency_key => ''k''}'),
	('patient_appointments', '{patient_id => 1}'),
	('remove_clinic', '{id => 1}'), ('restore_clinic', '{id => 1}'),
	('remove_doctor', '{id => 1}'), ('restore_doctor', '{id => 1}'),
	('remove_patient', '{id => 1}'), ('restore_patient', '{id => 1}'),
	('remove_time_slot', '{id => 1}'), ('restore_time_slot', '{id => 1}');

-- every argument of every function is there
SELECT p.proname, a.name FROM pg_proc p, unnest(p.proargnames, p.proargmodes) AS a(name, mode)
WHERE pronamespace = 'booking'::regnamespace AND coalesce(mode, 'i') = 'i'
	AND NOT EXISTS (SELECT FROM calls, unnest(arguments) AS argument
					WHERE function = proname AND argument LIKE a.name || ' => %');

-- The outcome of a call with its n-th argument replaced. Clean is to be accepted, or to be
-- refused as the contract says and in few words.
CREATE FUNCTION pg_temp.call(function text, arguments text[], n bigint, value text,
							 OUT sqlstate text, OUT rule text, OUT message text, OUT clean boolean)
	LANGUAGE plpgsql AS $$
DECLARE
	outcome record;
BEGIN
	arguments[n] := split_part(arguments[n], ' => ', 1) || ' => ' || value;
	SELECT * INTO outcome
	FROM pg_temp.trial(format('SELECT booking.%s(%s)', function, array_to_string(arguments, ', ')));
	sqlstate := outcome.sqlstate;
	rule := outcome.rule;
	message := outcome.message;
	clean := sqlstate = '00000'
		OR outcome.follows_contract AND sqlstate LIKE 'PT4__' AND length(message) < 300 AND length(outcome.detail) < 300;
END
$$;

-- NULL
SELECT function, split_part(argument, ' ', 1) AS argument, sqlstate, message, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n), pg_temp.call(function, arguments, n, 'NULL')
ORDER BY function COLLATE "C", n;
TABLE counts;

-- ids
SELECT function, split_part(argument, ' ', 1) AS argument, array_agg(DISTINCT sqlstate) AS sqlstates,
	array_agg(DISTINCT rule) AS rules, bool_and(clean) AS clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{-9223372036854775808,-9223372036854775807,-1,0,4294967296,4294967297,9223372036854775807}'::text[]) AS id,
	pg_temp.call(function, arguments, n, quote_literal(id))
WHERE argument ~ '^(id|\w+_id) '
GROUP BY function, n, argument ORDER BY function COLLATE "C", n;
TABLE counts;

-- dates and times
SELECT function, split_part(argument, ' ', 1) AS argument, date, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{4713-01-01 BC,0001-01-01 BC,0001-01-01,1582-10-10,9999-12-31,10000-01-01,5874897-12-31,-infinity,infinity}'::text[])
		WITH ORDINALITY AS dates(date, d),
	pg_temp.call(function, arguments, n, quote_literal(date))
WHERE argument LIKE 'on_date%'
ORDER BY function COLLATE "C", d;
SELECT split_part(argument, ' ', 1) AS argument, date, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{4713-01-01 BC,0001-01-01,294276-12-31,-infinity,infinity}'::text[]) WITH ORDINALITY AS dates(date, d),
	pg_temp.call(function, arguments, n, quote_literal(date))
WHERE argument ~ '^(from|until)_time' AND function = 'available_slots' ORDER BY n, d;
SELECT split_part(argument, ' ', 1) AS argument, value, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{00:00,08:15,24:00,23:59:59.999999,-2147483648,2147483647}'::text[]) WITH ORDINALITY AS times(value, t),
	pg_temp.call(function, arguments, n, quote_literal(value))
WHERE function = 'add_time_slots' AND (argument ~ '_time' AND value ~ ':' OR argument ~ 'minutes' AND value !~ ':')
ORDER BY n, t;
TABLE counts;

-- A megabyte, of one byte or of three bytes a character; blanks around; and characters that
-- mean something elsewhere.
SELECT function, split_part(argument, ' ', 1) AS argument, kind, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	(VALUES (1, '1 MB of x', repeat('x', 1048576)), (2, '1 MB of kanji', repeat('字', 349525)),
			(3, '1 MB of blanks', repeat(' ', 1048576)), (4, 'escapes', 'a''b"c\%_{}$1'),
			(5, 'newline', E'two\nlines'), (6, 'markup', '<script>')) AS texts(t, kind, value),
	pg_temp.call(function, arguments, n, quote_literal(value))
WHERE argument ~ '^(name|address|time_zone|specialization|email|idempotency_key) '
ORDER BY function COLLATE "C", n, t;
TABLE counts;

ROLLBACK;
