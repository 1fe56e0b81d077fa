-- Claims of every kind: whoever they do not make somebody gets 42501 or no row, never
-- another's data and never an internal error.
BEGIN;
\ir people.psql
SELECT no_plan();

CREATE TABLE pg_temp.claims (kind text, claims text, reading text);   -- reading: refused, nobody, ada
INSERT INTO claims VALUES
	('unset', NULL, 'nobody'),
	('empty', '', 'nobody'),
	('blank', '  ', 'refused'),
	('null', 'null', 'refused'),
	('true', 'true', 'refused'),
	('number', '7300000001', 'refused'),
	('text', '"7300000001"', 'refused'),
	('array', '[]', 'refused'),
	('array of the object', '[{"patient_id": 7300000001}]', 'refused'),
	('no JSON', 'patient_id=7300000001', 'refused'),
	('cut off', '{"patient_id": 7300000001', 'refused'),
	('two objects', '{"patient_id": 7300000001}{}', 'refused'),
	('NUL character', '{"patient_id": "7300000001\u0000"}', 'refused'),
	('half a surrogate', '{"patient_id": "\ud83d"}', 'refused'),
	('no claims', '{}', 'nobody'),
	('another case', '{"PATIENT_ID": 7300000001, "Patient_Id": 7300000001}', 'nobody'),
	('nested', '{"app": {"patient_id": 7300000001}}', 'nobody'),
	('null id', '{"patient_id": null}', 'nobody'),
	('true id', '{"patient_id": true}', 'refused'),
	('object id', '{"patient_id": {"patient_id": 7300000001}}', 'refused'),
	('array id', '{"patient_id": [7300000001]}', 'refused'),
	('empty id', '{"patient_id": ""}', 'refused'),
	('blank id', '{"patient_id": " 7300000001"}', 'refused'),
	('id and blank', '{"patient_id": "7300000001 "}', 'refused'),
	('id and letter', '{"patient_id": "7300000001x"}', 'refused'),
	('hexadecimal id', '{"patient_id": "0x1b31e1c41"}', 'refused'),
	('two ids', '{"patient_id": "7300000001,7300000002"}', 'refused'),
	('id and SQL', '{"patient_id": "7300000001 OR true"}', 'refused'),
	('fraction', '{"patient_id": 7300000001.5}', 'refused'),
	('fraction of nought', '{"patient_id": 7300000001.0}', 'ada'),
	('long fraction of nought', '{"patient_id": 7300000001.000000000000000000000000}', 'ada'),
	('fraction of nearly nought', '{"patient_id": 7300000001.000000000000000000000001}', 'refused'),
	('fraction as text', '{"patient_id": "7300000001.0"}', 'refused'),
	('exponent as text', '{"patient_id": "7300000001e0"}', 'refused'),
	('NaN', '{"patient_id": "NaN"}', 'refused'),
	('infinity', '{"patient_id": "Infinity"}', 'refused'),
	('NaN that is no JSON', '{"patient_id": NaN}', 'refused'),
	('too big', '{"patient_id": 9223372036854775808}', 'refused'),
	('wraps round to the id', '{"patient_id": 18446744081009551617}', 'refused'),
	('huge', '{"patient_id": 1e1000}', 'refused'),
	('huger than a number', '{"patient_id": 1e1000000}', 'refused'),
	('minus', '{"patient_id": -7300000001}', 'nobody'),
	('nought', '{"patient_id": 0}', 'nobody'),
	('nobody''s', '{"patient_id": 7399999999}', 'nobody'),
	('deep', repeat('[', 1000000), 'refused'),
	('deep and closed', repeat('[', 100000) || repeat(']', 100000), 'refused'),
	('deep id', '{"patient_id": ' || repeat('[', 3000) || repeat(']', 3000) || '}', 'refused'),
	('1 MB of nothing', repeat('x', 1048576), 'refused'),
	('1 MB id', '{"patient_id": "' || repeat('7', 1048576) || '"}', 'refused'),
	('1 MB of blanks', repeat(' ', 1048576) || '{"patient_id": 7300000001}', 'ada'),
	('1 MB beside', '{"padding": "' || repeat('x', 1048576) || '", "patient_id": 7300000001}', 'ada'),
	('100,000 beside', '{' || (SELECT string_agg(format('"k%s": 1', n), ', ') FROM generate_series(1, 100000) n)
		|| ', "patient_id": 7300000001}', 'ada'),
	('the last of two', '{"patient_id": 7300000002, "patient_id": 7300000001}', 'ada'),
	('as text', '{"patient_id": "7300000001"}', 'ada'),
	('with an exponent', '{"patient_id": 7300000001e0}', 'ada'),
	('with one less than nought', '{"patient_id": 73000000010e-1}', 'ada'),
	('with one above', '{"patient_id": 73.00000001e8}', 'ada'),
	('subject is an object', '{"sub": {}, "patient_id": 7300000001}', 'refused'),
	('clinics of no form, which are no patient''s', '{"clinic_ids": "all", "patient_id": 7300000001}', 'ada');

CREATE TABLE pg_temp.deeds (deed text);
INSERT INTO deeds VALUES
	('TABLE booking.appointments'), ('TABLE booking.appointment_events'), ('TABLE booking.patients'),
	('TABLE booking.bookings'), ('SELECT * FROM booking.patient_appointments()'),
	('SELECT * FROM booking.patient_appointments(7300000002)'),
	('SELECT * FROM booking.book_slot(7400000011, 7300000002)'),
	('SELECT * FROM booking.check_booking(7400000011, 7300000002)'),
	('SELECT * FROM booking.cancel_appointment(7500000002)'),
	('SELECT * FROM booking.confirm_hold(7500000003)'),
	('SELECT * FROM booking.reschedule_appointment(7500000002, 7400000011)'),
	('UPDATE booking.patients SET name = ''Mallory'''),
	('UPDATE booking.bookings SET status = ''cancelled'' WHERE patient_id <> 7300000001'),
	('DELETE FROM booking.bookings WHERE patient_id <> 7300000001');

SELECT ok(r.sqlstate IN ('00000', '42501') AND NOT pg_temp.tells_of_others(r, deed), format('%s: %s', kind, deed))
FROM claims, deeds, pg_temp.attempt('booking_patient', claims, deed) r;

-- the refusals are the extension's own, in words for whoever sends the token
SELECT is(r.sqlstate || ' ' || r.rule, '42501 claims_are_valid', kind || ' is refused')
FROM claims, pg_temp.attempt('booking_patient', claims, 'TABLE booking.appointments') r WHERE reading = 'refused';
SELECT ok(pg_temp.follows_contract(r) AND octet_length(r.detail) < 100, kind || ': the refusal explains itself and repeats nothing')
FROM claims, pg_temp.attempt('booking_patient', claims, 'TABLE booking.appointments') r WHERE reading = 'refused';
SELECT is((r.sqlstate, r.rows)::text, '(00000,0)', kind || ' sees no row')
FROM claims, pg_temp.attempt('booking_patient', claims, 'TABLE booking.appointments') r WHERE reading = 'nobody';
SELECT is((r.sqlstate, r.rule)::text, '(42501,caller_is_allowed)', kind || ' books for nobody')
FROM claims, pg_temp.attempt('booking_patient', claims, 'SELECT booking.book_slot(7400000011)') r
WHERE reading = 'nobody' AND kind NOT IN ('nobody''s', 'minus', 'nought');
SELECT is((r.sqlstate, r.rule)::text, '(PT404,patient_exists)', 'a patient who does not exist books nothing')
FROM claims, pg_temp.attempt('booking_patient', claims, 'SELECT booking.book_slot(7400000011)') r WHERE kind IN ('nobody''s', 'minus', 'nought');
SELECT is((r.sqlstate, r.rows)::text, '(00000,2)', kind || ' is Ada')
FROM claims, pg_temp.attempt('booking_patient', claims, 'TABLE booking.appointments') r WHERE reading = 'ada';
SELECT is((r.sqlstate, r.rows)::text, '(00000,1)', kind || ' books')
FROM claims, pg_temp.attempt('booking_patient', claims, 'SELECT booking.book_slot(7400000011)') r WHERE reading = 'ada';

-- a claim makes nobody what their role is not
SELECT is((r.sqlstate, r.rows)::text, '(42501,)', format('a guest who claims to be Ada: %s', deed))
FROM deeds, pg_temp.attempt('booking_guest', '{"patient_id": 7300000001, "clinic_ids": [7100000001]}', deed) r;
SELECT ok(r.sqlstate = '42501' OR (r.sqlstate = '00000' AND NOT pg_temp.tells_of_others(r, deed)),
	format('a patient who claims to be staff: %s', deed))
FROM deeds, pg_temp.attempt('booking_patient', '{"patient_id": 7300000001, "clinic_ids": [7100000001, 7100000002], "role": "booking_admin", "is_admin": true}', deed) r;
SELECT is((r.sqlstate, r.rows)::text, '(00000,0)', format('staff who claim to be a patient see of them: %s', deed))
FROM (VALUES ('TABLE booking.appointments'), ('TABLE booking.patients'), ('TABLE booking.appointment_events'),
			 ('TABLE booking.bookings'), ('SELECT * FROM booking.patient_appointments()'),
			 ('SELECT * FROM booking.patient_appointments(7300000002)')) d (deed),
	pg_temp.attempt('booking_staff', '{"patient_id": 7300000002}', deed) r;
SELECT is((r.sqlstate, r.rule)::text, '(42501,caller_is_allowed)', format('staff who claim to be a patient: %s', deed))
FROM (VALUES ('SELECT booking.cancel_appointment(7500000002)'), ('SELECT booking.book_slot(7400000011)'),
			 ('SELECT * FROM booking.check_booking(7400000011)'),
			 ('SELECT booking.confirm_hold(7500000003)')) d (deed),
	pg_temp.attempt('booking_staff', '{"patient_id": 7300000002}', deed) r;

-- Claims of staff.
CREATE TABLE pg_temp.clinic_claims (kind text, claims text, reading text);
INSERT INTO clinic_claims VALUES
	('unset', NULL, 'nobody'), ('empty', '', 'nobody'), ('no claims', '{}', 'nobody'),
	('null clinics', '{"clinic_ids": null}', 'nobody'), ('no clinics', '{"clinic_ids": []}', 'nobody'),
	('unknown clinic', '{"clinic_ids": [7199999999, -1, 0]}', 'nobody'),
	('another name', '{"clinic_id": 7100000001, "clinics": [7100000001]}', 'nobody'),
	('null', 'null', 'refused'), ('no JSON', '{', 'refused'), ('array', '[7100000001]', 'refused'),
	('number', '{"clinic_ids": 7100000001}', 'refused'),
	('text', '{"clinic_ids": "7100000001"}', 'refused'),
	('array in a text', '{"clinic_ids": "{7100000001}"}', 'refused'),
	('object', '{"clinic_ids": {"0": 7100000001}}', 'refused'),
	('empty object', '{"clinic_ids": {}}', 'refused'),
	('true', '{"clinic_ids": true}', 'refused'),
	('null within', '{"clinic_ids": [7100000001, null]}', 'refused'),
	('array within', '{"clinic_ids": [[7100000001]]}', 'refused'),
	('object within', '{"clinic_ids": [{"id": 7100000001}]}', 'refused'),
	('empty text within', '{"clinic_ids": [""]}', 'refused'),
	('star', '{"clinic_ids": ["*"]}', 'refused'),
	('fraction', '{"clinic_ids": [7100000001.5]}', 'refused'),
	('too big', '{"clinic_ids": [9223372036854775808]}', 'refused'),
	('wraps round', '{"clinic_ids": [18446744080809551617]}', 'refused'),
	('deep', '{"clinic_ids": ' || repeat('[', 3000) || repeat(']', 3000) || '}', 'refused'),
	('patient of no form', '{"patient_id": "me", "clinic_ids": [7100000001]}', 'refused'),
	('one', '{"clinic_ids": [7100000001]}', 'alder'),
	('as text', '{"clinic_ids": ["7100000001"]}', 'alder'),
	('one among 100,000', (SELECT format('{"clinic_ids": [%s, 7100000001]}', string_agg(n::text, ', ')) FROM generate_series(1, 100000) n), 'alder'),
	('twice', '{"clinic_ids": [7100000001, 7100000001]}', 'alder'),
	('the last of two', '{"clinic_ids": [7100000002], "clinic_ids": [7100000001]}', 'alder');

CREATE TABLE pg_temp.staff_deeds (deed text);
INSERT INTO staff_deeds VALUES
	('TABLE booking.appointments'), ('TABLE booking.patients'), ('TABLE booking.appointment_events'), ('TABLE booking.bookings'),
	('SELECT * FROM booking.day_sheet WHERE patient_name IS NOT NULL'), ('TABLE booking.schedules'), ('TABLE booking.time_off'),
	('TABLE booking.generated_days'),
	('UPDATE booking.appointments SET status = ''arrived'''),
	('UPDATE booking.time_slots SET ends_at = ends_at - interval ''1 minute'''),
	('DELETE FROM booking.generated_days'), ('DELETE FROM booking.bookings');
SELECT ok(r.sqlstate = '42501' OR (r.sqlstate = '00000' AND r.rows = 0), format('clinics %s: %s', kind, deed))
FROM clinic_claims, staff_deeds, pg_temp.attempt('booking_staff', claims, deed) r WHERE reading <> 'alder';
SELECT is((r.sqlstate, r.rule)::text, '(42501,claims_are_valid)', format('clinics %s are refused', kind))
FROM clinic_claims, pg_temp.attempt('booking_staff', claims, 'TABLE booking.appointments') r WHERE reading = 'refused';
SELECT is(r.sqlstate, '42501', format('clinics %s: %s', kind, deed))
FROM clinic_claims, (VALUES
		('SELECT booking.find_patient(''ada@own.example'')'), ('SELECT booking.add_patient(''Dora'', ''dora@example.org'')'),
		('SELECT booking.book_slot(7400000011, 7300000001)'), ('SELECT * FROM booking.check_booking(7400000011, 7300000001)'),
		('SELECT * FROM booking.check_booking(1, 7300000001)'), ('SELECT booking.cancel_appointment(7500000001)'),
		('SELECT booking.set_appointment_status(7500000001, ''arrived'')'), ('SELECT booking.remove_time_slot(7400000011)'),
		('SELECT booking.generate_slots(''2097-01-01'', ''2097-01-31'')')) d (deed),
	pg_temp.attempt('booking_staff', claims, deed) r WHERE reading <> 'alder' AND kind <> 'unknown clinic';
SELECT is((r.sqlstate, r.rows)::text, '(00000,4)', format('clinics %s: the four appointments there', kind))
FROM clinic_claims, pg_temp.attempt('booking_staff', claims, 'TABLE booking.appointments') r WHERE reading = 'alder';

-- Claims that say nothing at all change nothing for guests, who are nobody in particular, and
-- an administrator's are only asked who it was; but malformed ones are no token of ours.
SELECT is((r.sqlstate, r.rows)::text, '(00000,2)', format('a guest browses with claims %s', left(c, 20)))
FROM (VALUES (NULL), (''), ('null'), ('{'), ('[]'), (repeat('[', 100000))) AS v (c),
	pg_temp.attempt('booking_guest', c, 'SELECT * FROM booking.available_slots(clinic_id => 7100000001)') r;
SELECT is((r.sqlstate, r.rule)::text, '(42501,claims_are_valid)', format('an administrator books nothing with claims %s', left(c, 20)))
FROM (VALUES ('null'), ('{'), ('[]'), (repeat('[', 100000)), ('{"patient_id": "me"}')) AS v (c),
	pg_temp.attempt('booking_admin', c, 'SELECT booking.book_slot(7400000011, 7300000001)') r;

-- The server survived all that, and so did the transaction.
SELECT is((SELECT count(*) FROM booking.appointments WHERE id > 7500000000), 6::bigint, 'nothing changed');

SELECT * FROM finish();
ROLLBACK;
