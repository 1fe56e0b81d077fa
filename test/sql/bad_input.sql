-- Input nobody should send: one clean error each, a live server, and not one row more or less.
\i test/begin.psql

INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper'), (2, 1, 'Dr Tony Hoare');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00'),
	(3, 1, 1, '2099-06-01 11:00', '2099-06-01 12:00'), (4, 1, 1, '2099-06-01 12:00', '2099-06-01 13:00');
SELECT setval('booking.clinics_id_seq', 10), setval('booking.doctors_id_seq', 10),
	setval('booking.patients_id_seq', 10), setval('booking.time_slots_id_seq', 10);
SELECT id, status FROM booking.book_slot(2, 1);
SELECT id, status FROM booking.hold_slot(3, 1);
SELECT id FROM booking.add_schedule(1, 1, '09:00', '12:00', 60);
SELECT id FROM booking.add_time_off('2099-01-01', '2099-01-02', doctor_id => 2);
INSERT INTO booking.event_consumers (name, settled_until, read_until) VALUES ('sms', 1, 1);
CREATE SCHEMA regress_house;
CREATE FUNCTION regress_house.passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION regress_house.other(int) RETURNS text LANGUAGE sql RETURN NULL;
SELECT name FROM booking.add_rule('old', 'regress_house.passes(booking.time_slots, booking.patients)');
CREATE TEMP VIEW counts AS
	SELECT (SELECT count(*) FROM booking.clinics) AS clinics, (SELECT count(*) FROM booking.doctors) AS doctors,
		(SELECT count(*) FROM booking.patients) AS patients, (SELECT count(*) FROM booking.time_slots) AS slots,
		(SELECT count(*) FROM booking.appointments) AS appointments,
		(SELECT count(*) FROM booking.appointment_events) AS events,
		(SELECT count(*) FROM booking.time_slots WHERE is_available AND deleted_at IS NULL) AS free,
		(SELECT count(*) FROM booking.schedules WHERE deleted_at IS NULL) AS schedules,
		(SELECT count(*) FROM booking.time_off WHERE deleted_at IS NULL) AS time_off,
		(SELECT count(*) FROM booking.generated_days) AS days,
		(SELECT count(*) FROM booking.rules WHERE deleted_at IS NULL) AS rules;
TABLE counts;

-- A valid call of each function; of each, an argument at a time is replaced.
CREATE TEMP TABLE calls (function text, arguments text[], PRIMARY KEY (function));
INSERT INTO calls VALUES
	('add_clinic', '{name => ''New Clinic'', address => ''1 New Street'', time_zone => ''UTC''}'),
	('add_doctor', '{clinic_id => 1, name => ''Dr New'', specialization => ''Cardiology''}'),
	('add_patient', '{name => ''Ann New'', email => ''new@example.org''}'),
	('add_time_slots', '{doctor_id => 1, on_date => ''2099-06-02'', start_time => ''09:00'', end_time => ''10:00'', slot_minutes => 30}'),
	('set_slot_availability', '{slot_id => 1, is_available => true}'),
	('available_slots', '{doctor_id => 1, on_date => ''2099-06-02'', clinic_id => 1, specialization => ''Cardiology'', from_time => ''2099-06-02'', until_time => ''2099-06-03'', max_slots => 1, after_doctor => 1}'),
	('next_available', '{specialization => ''Cardiology'', clinic_id => 1, "doctor_ids => ''{1}''", from_time => ''2099-06-02'', per_doctor => 1, max_slots => 1}'),
	('is_slot_available', '{slot_id => 1}'),
	('check_booking', '{slot_id => 1, patient_id => 1}'),
	('book_slot', '{slot_id => 1, patient_id => 1, idempotency_key => ''k''}'),
	('hold_slot', '{slot_id => 1, patient_id => 1, hold_for => ''5 minutes'', idempotency_key => ''k''}'),
	('confirm_hold', '{appointment_id => 2}'),
	('cancel_appointment', '{appointment_id => 1, reason => ''ill''}'),
	('reschedule_appointment', '{appointment_id => 1, new_slot_id => 4}'),
	('set_appointment_status', '{appointment_id => 1, status => ''arrived'', reason => ''early''}'),
	('expire_holds', '{max_rows => 10}'),
	('maintain', '{max_rows => 10, horizon => ''10 days'', retention => ''10 years''}'),
	('read_events', '{consumer => ''mail'', max_rows => 10}'),
	('note_events_done', '{consumer => ''sms'', until_id => 1}'),
	('skip_events', '{consumer => ''fax''}'),
	('refusals', '{}'),
	('patient_appointments', '{patient_id => 1}'),
	('remove_clinic', '{id => 1}'), ('restore_clinic', '{id => 1}'),
	('remove_doctor', '{id => 1}'), ('restore_doctor', '{id => 1}'),
	('remove_patient', '{id => 1}'), ('restore_patient', '{id => 1}'),
	('remove_time_slot', '{id => 1}'), ('restore_time_slot', '{id => 1}'),
	('add_schedule', '{doctor_id => 1, weekday => 2, start_time => ''09:00'', end_time => ''12:00'', slot_minutes => 30, gap_minutes => 0, valid_from => ''2099-01-01'', valid_until => ''2099-12-31''}'),
	('remove_schedule', '{id => 1}'),
	('session_slots', '{on_date => ''2099-06-01'', start_time => ''09:00'', end_time => ''12:00'', time_zone => ''UTC'', slot_minutes => 30, gap_minutes => 0}'),
	('generate_slots', '{from_date => ''2099-07-01'', until_date => ''2099-07-07'', doctor_id => 1, clinic_id => 1}'),
	('add_time_off', '{starts_at => ''2099-06-01'', ends_at => ''2099-06-02'', doctor_id => 1, clinic_id => NULL, reason => ''ill''}'),
	('add_days_off', '{from_date => ''2099-06-01'', until_date => ''2099-06-01'', doctor_id => NULL, clinic_id => 1, reason => ''holiday''}'),
	('remove_time_off', '{id => 1}'),
	('reassign_slots', '{from_doctor_id => 1, to_doctor_id => 2, from_time => ''2099-06-01'', until_time => ''2099-06-02''}'),
	('add_rule', '{name => ''new'', "check_function => ''regress_house.passes(booking.time_slots, booking.patients)''", clinic_id => 1, "\"position\" => 1"}'),
	('remove_rule', '{name => ''old'', clinic_id => NULL}'),
	('appointment_being_moved', '{}'),
	('claimed_patient_id', '{}'),
	('claimed_clinic_ids', '{}'),
	('define_tables', '{}'),
	('visited_clinic_ids', '{}'),
	('visited_doctor_ids', '{}'),
	('find_patient', '{email => ''ada@example.org''}'),
	('has_no_control_characters', '{words => ''Ada''}'),
	('is_plausible_email', '{email => ''ada@example.org''}');

-- every argument of every function is there
SELECT p.proname FROM pg_proc p
WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
	AND proname NOT IN (SELECT function FROM calls) AND (proargnames IS NOT NULL OR pronargs = 0);
SELECT p.proname, a.name FROM pg_proc p, unnest(p.proargnames, p.proargmodes) AS a(name, mode)
WHERE pronamespace = 'booking'::regnamespace AND coalesce(mode, 'i') = 'i'
	AND NOT EXISTS (SELECT FROM calls, unnest(arguments) AS argument
					WHERE function = proname AND argument LIKE quote_ident(a.name) || ' => %');

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

-- the calls themselves are valid; what is booked cannot be removed, and the patient of slot 2 is busy
SELECT function, sqlstate, rule, message FROM calls, pg_temp.trial(format('SELECT booking.%s(%s)', function, array_to_string(arguments, ', ')))
WHERE sqlstate <> '00000' ORDER BY function COLLATE "C";

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
WHERE argument ~ '^(id|\w+_id) ' AND NOT argument ~ 'NULL$'
GROUP BY function, n, argument ORDER BY function COLLATE "C", n;
SELECT ids, sqlstate, clean
FROM calls, (VALUES (1, '{}'), (2, '{NULL}'), (3, '{{1,2},{3,4}}'), (4, '[5:6]={1,2}'), (5, '{-9223372036854775808,9223372036854775807}'),
					(6, '{1,1,1}')) AS lists(l, ids),
	pg_temp.call(function, arguments, 3, quote_literal(ids))
WHERE function = 'next_available' ORDER BY l;
SELECT sqlstate, clean FROM calls,
	pg_temp.call(function, arguments, 3, '(SELECT array_agg(n) FROM generate_series(1, 100000) n)')
WHERE function = 'next_available';
TABLE counts;

-- dates
SELECT function, split_part(argument, ' ', 1) AS argument, date, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{4713-01-01 BC,0001-01-01 BC,0001-01-01,1582-10-10,9999-12-31,10000-01-01,5874897-12-31,-infinity,infinity}'::text[])
		WITH ORDINALITY AS dates(date, d),
	pg_temp.call(function, arguments, n, quote_literal(date))
WHERE argument ~ '^(\w+_date|valid_\w+) '
ORDER BY function COLLATE "C", n, d;
-- and instants
SELECT function, split_part(argument, ' ', 1) AS argument, instant, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{4713-01-01 BC,0001-01-01,294276-12-31,-infinity,infinity}'::text[]) WITH ORDINALITY AS instants(instant, i),
	pg_temp.call(function, arguments, n, quote_literal(instant))
WHERE argument ~ '^(from_time|until_time|starts_at|ends_at) ' ORDER BY function COLLATE "C", n, i;
-- both ends at once: reversed, of no length, and as long as time goes
SELECT call, sqlstate, rule, message, follows_contract
FROM (VALUES
	('available_slots(from_time => ''2099-06-02'', until_time => ''2099-06-01'')'),
	('generate_slots(''2099-06-02'', ''2099-06-01'')'),
	('generate_slots(''2099-06-01'', ''2104-06-07'')'),
	('generate_slots(''0001-01-01'', ''0001-01-02'')'),
	('generate_slots(''9999-12-30'', ''9999-12-31'')'),
	('add_time_off(''2099-06-01'', ''2099-06-01'', 1)'),
	('add_time_off(''2099-06-02'', ''2099-06-01'', 1)'),
	('add_time_off(''4713-01-01 BC'', ''294276-12-31'', 1)'),
	('add_time_off(''294276-12-30'', ''294276-12-31'', 1)'),
	('add_time_off(''4713-01-01 BC'', ''4713-01-02 BC'', 1)'),
	('add_time_off(''-infinity'', ''infinity'', clinic_id => 1)'),
	('add_time_off(''2099-06-01'', ''2104-06-04'', 1)'),
	('add_time_off(''2099-06-01'', ''2104-06-05 00:00:00.000001'', 1)'),
	('add_time_off(''2099-06-01'', ''2099-06-02'')'),
	('add_time_off(''2099-06-01'', ''2099-06-02'', doctor_id => 1, clinic_id => 1)'),
	('add_days_off(''2099-06-02'', ''2099-06-01'', 1)'),
	('add_days_off(''0001-01-01'', ''9999-12-31'', 1)'),
	('add_days_off(''9999-12-31'', ''9999-12-31'', 1)'),
	('add_days_off(''0001-01-01'', ''0001-01-01'', 1)'),
	('reassign_slots(1, 2, ''2099-06-02'', ''2099-06-01'')'),
	('reassign_slots(1, 2, ''4713-01-01 BC'', ''294276-12-31'')'),
	('reassign_slots(1, 2, ''294276-12-31'', ''4713-01-01 BC'')'),
	('reassign_slots(1, 1, ''2099-06-01'', ''2099-06-02'')'),
	('add_schedule(1, 2, ''09:00'', ''10:00'', 30, valid_from => ''2099-02-01'', valid_until => ''2099-01-31'')')) AS calls(call),
	pg_temp.trial('SELECT booking.' || call);
-- times of day, and what is counted
SELECT function, split_part(argument, ' ', 1) AS argument, value, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{00:00,08:15,24:00,23:59:59.999999}'::text[]) WITH ORDINALITY AS times(value, t),
	pg_temp.call(function, arguments, n, quote_literal(value))
WHERE argument ~ '^(start|end)_time ' ORDER BY function COLLATE "C", n, t;
SELECT function, split_part(argument, ' ', 1) AS argument, array_agg(value::int ORDER BY t) FILTER (WHERE sqlstate = '00000') AS accepted,
	array_agg(value::int ORDER BY t) FILTER (WHERE sqlstate <> '00000') AS refused,
	array_agg(DISTINCT sqlstate) FILTER (WHERE sqlstate <> '00000') AS sqlstates, array_agg(DISTINCT rule) FILTER (WHERE rule IS NOT NULL) AS rules,
	bool_and(clean) AS clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	unnest('{-2147483648,-1,0,1,5,7,8,60,480,481,1001,10001,2147483647}'::text[]) WITH ORDINALITY AS numbers(value, t),
	pg_temp.call(function, arguments, n, value)
WHERE argument ~ '^(weekday|\w+_minutes|max_\w+|per_doctor|"position") '
GROUP BY function, n, argument ORDER BY function COLLATE "C", n;
SELECT hold_for, sqlstate, rule, clean
FROM calls, unnest('{-1 second,0,1 microsecond,1 hour,1 hour 1 microsecond,1 day,1 mon,1 mon -30 days 5 minutes,1 day -23:59,178000000 years,-178000000 years}'::text[])
		WITH ORDINALITY AS intervals(hold_for, i),
	pg_temp.call(function, arguments, 3, quote_literal(hold_for))
WHERE function = 'hold_slot' ORDER BY i;
SELECT horizon, sqlstate, rule, clean
FROM calls, unnest('{-1 day,0,23:59:59.999999,1 day,5 years,5 years 1 microsecond,10 years -1800 days,178000000 years,-178000000 years}'::text[])
		WITH ORDINALITY AS intervals(horizon, i),
	pg_temp.call(function, arguments, 2, quote_literal(horizon))
WHERE function = 'maintain' ORDER BY i;
SELECT retention, sqlstate, rule, clean
FROM calls, unnest('{-1 day,0,29 days 23:59:59.999999,30 days,100 years,100 years 1 microsecond,-100 years 36030 days,1 year -1 day,1 mon 1 day -1 microsecond,178000000 years,-178000000 years}'::text[])
		WITH ORDINALITY AS intervals(retention, i),
	pg_temp.call(function, arguments, 3, quote_literal(retention))
WHERE function = 'maintain' ORDER BY i;
TABLE counts;

-- every status, and what is none
SELECT status, sqlstate, rule, message
FROM calls, unnest(enum_range(NULL::booking.appointment_status)) WITH ORDINALITY AS statuses(status, s),
	pg_temp.call(function, arguments, 2, quote_literal(status))
WHERE function = 'set_appointment_status' ORDER BY s;
SELECT status, sqlstate, message
FROM unnest('{"",BOOKED,"booked "}'::text[]) AS status,
	pg_temp.trial(format('SELECT booking.set_appointment_status(1, %L)', status));
-- a function that is no rule, or none at all
SELECT check_function, sqlstate, rule, message, clean
FROM calls, unnest('{0,-,1,4294967295,regress_house.other(int),pg_catalog.now()}'::text[]) AS check_function,
	pg_temp.call(function, arguments, 2, quote_literal(check_function))
WHERE function = 'add_rule';

-- A megabyte, of one byte or of three bytes a character; blanks around; and characters that
-- mean something elsewhere.
SELECT function, split_part(argument, ' ', 1) AS argument, kind, sqlstate, rule, clean
FROM calls, unnest(arguments) WITH ORDINALITY AS a(argument, n),
	(VALUES (1, '1 MB of x', repeat('x', 1048576)), (2, '1 MB of kanji', repeat('字', 349525)),
			(3, '1 MB of blanks', repeat(' ', 1048576)), (4, 'escapes', 'a''b"c\%_{}$1'),
			(5, 'newline', E'two\nlines'), (6, 'markup', '<script>'), (7, 'nothing', '')) AS texts(t, kind, value),
	pg_temp.call(function, arguments, n, quote_literal(value))
WHERE argument ~ '^(name|address|time_zone|specialization|email|idempotency_key|reason|consumer) '
ORDER BY function COLLATE "C", n, t;
TABLE counts;

-- Schedules of one doctor that overlap, by weekday, past midnight, and by validity.
SELECT booking.add_schedule(2, 7, '22:00', '02:00', 60) IS NOT NULL AS added;
SELECT * FROM pg_temp.refusal($$SELECT booking.add_schedule(2, 1, '01:00', '05:00', 60)$$) \gx
SELECT call, sqlstate, rule
FROM (VALUES ('2, 1, ''02:00'', ''05:00'', 60'), ('2, 7, ''21:00'', ''22:00'', 60'), ('2, 7, ''21:00'', ''22:01'', 60'),
			 ('1, 7, ''22:00'', ''02:00'', 60'), ('2, 7, ''22:00'', ''22:00'', 60')) AS calls(call),
	pg_temp.trial('SELECT booking.add_schedule(' || call || ')');

-- A zone that this server no longer knows: nothing can be worked out in it.
SET session_replication_role = replica;
UPDATE booking.clinics SET time_zone = 'Mars/Olympus', min_notice = '1 day';
INSERT INTO booking.appointments (id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status) VALUES
	(11, 4, 1, 1, 1, '2019-06-01 12:00', '2019-06-01 13:00', 'noshow'), (12, 5, 1, 1, 1, '-infinity', 'infinity', 'noshow');
SET session_replication_role = origin;
SELECT call, sqlstate, rule, message, follows_contract
FROM (VALUES ('add_time_slots(1, ''2099-06-02'', ''09:00'', ''10:00'', 30)'), ('add_schedule(1, 2, ''09:00'', ''12:00'', 60)'),
			 ('generate_slots(''2099-07-01'', ''2099-07-07'')'), ('add_time_off(''2099-06-01'', ''2099-06-02'', 1)'),
			 ('add_days_off(''2099-06-01'', ''2099-06-01'', clinic_id => 1)'), ('reassign_slots(1, 2, ''2099-06-01'', ''2099-06-02'')'),
			 ('session_slots(''2099-06-01'', ''09:00'', ''12:00'', ''Mars/Olympus'', 30)'),
			 ('check_booking(1, 1)'), ('book_slot(1, 1)'), ('hold_slot(1, 1)'),
			 ('set_appointment_status(11, ''arrived'')')) AS calls(call),
	pg_temp.trial('SELECT booking.' || call);
-- Other rules come first. What needs no local date goes on; when a slot that is taken starts is told in the
-- session's zone then.
SELECT call, sqlstate, rule, message, detail, follows_contract
FROM (VALUES ('cancel_appointment(1)'), ('confirm_hold(2)'), ('set_appointment_status(11, ''entered-in-error'')'),
			 ('hold_slot(3, 1)'), ('book_slot(2, 1)'), ('book_slot(1, 7)'), ('book_slot(7, 1)')) AS calls(call),
	pg_temp.trial('SELECT booking.' || call) \gx
UPDATE booking.clinics SET time_zone = 'Europe/London', min_notice = '0';
SELECT call, sqlstate, rule, message
FROM (VALUES ('set_appointment_status(11, ''arrived'')'), ('set_appointment_status(12, ''arrived'')')) AS calls(call),
	pg_temp.trial('SELECT booking.' || call);
TABLE counts;

ROLLBACK;
