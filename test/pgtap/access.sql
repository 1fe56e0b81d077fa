-- Who sees and does what, by role and claims: guest, patient, staff and administrator.
BEGIN;
\ir people.psql
SELECT no_plan();

-- Everything exposed, as calls that succeed for who may; else the SQLSTATE that each of the
-- five gets: the guest, Ada, staff of Alder, staff of Birch, the administrator.
CREATE TABLE pg_temp.deeds (deed text, guest text, ada text, alder text, birch text, admin text);
INSERT INTO deeds VALUES
	('booking.available_slots()',                                       '00000', '00000', '00000', '00000', '00000'),
	('booking.next_available()',                                        '00000', '00000', '00000', '00000', '00000'),
	('booking.is_slot_available(7400000011)',                           '00000', '00000', '00000', '00000', '00000'),
	('booking.session_slots(''2098-06-02'', ''09:00'', ''10:00'', ''UTC'', 30)', '00000', '00000', '00000', '00000', '00000'),
	('booking.claimed_patient_id()',                                    '42501', '00000', '00000', '00000', '00000'),
	('booking.claimed_clinic_ids()',                                    '42501', '00000', '00000', '00000', '00000'),
	('booking.visited_clinic_ids()',                                    '42501', '00000', '00000', '00000', '00000'),
	('booking.visited_doctor_ids()',                                    '42501', '00000', '00000', '00000', '00000'),
	('booking.appointment_being_moved()',                               '42501', '42501', '42501', '42501', '00000'),
	('booking.patient_appointments(7300000001)',                        '42501', '00000', '00000', '00000', '00000'),
	-- for Ada, at Alder
	('booking.check_booking(7400000011, 7300000001)',                   '42501', '00000', '00000', '42501', '00000'),
	('booking.book_slot(7400000011, 7300000001)',                       '42501', '00000', '00000', '42501', '00000'),
	('booking.hold_slot(7400000011, 7300000001)',                       '42501', '00000', '00000', '42501', '00000'),
	('booking.cancel_appointment(7500000001)',                          '42501', '00000', '00000', '42501', '00000'),
	('booking.reschedule_appointment(7500000001, 7400000011)',          '42501', '00000', '00000', '42501', '00000'),
	-- to the other clinic, and from there
	('booking.reschedule_appointment(7500000001, 7400000021)',          '42501', '00000', '42501', '42501', '00000'),
	('booking.reschedule_appointment(7500000006, 7400000011)',          '42501', '00000', '42501', '42501', '00000'),
	-- for the patient the caller is
	('booking.check_booking(7400000011)',                               '42501', '00000', 'PT400', 'PT400', 'PT400'),
	('booking.book_slot(7400000011)',                                   '42501', '00000', 'PT400', 'PT400', 'PT400'),
	('booking.hold_slot(7400000011)',                                   '42501', '00000', 'PT400', 'PT400', 'PT400'),
	('booking.patient_appointments()',                                  '42501', '00000', '00000', '00000', '00000'),
	-- for Bert
	('booking.check_booking(7400000011, 7300000002)',                   '42501', '42501', '00000', '42501', '00000'),
	('booking.book_slot(7400000011, 7300000002)',                       '42501', '42501', '00000', '42501', '00000'),
	('booking.hold_slot(7400000011, 7300000002)',                       '42501', '42501', '00000', '42501', '00000'),
	('booking.book_slot(7400000013, 7300000002, ''key of Othername'')', '42501', '42501', '00000', '42501', '00000'),
	('booking.confirm_hold(7500000003)',                                '42501', '42501', '00000', '42501', '00000'),
	('booking.confirm_hold(7500000004)',                                '42501', '42501', 'PT410', '42501', 'PT410'),
	('booking.cancel_appointment(7500000002)',                          '42501', '42501', '00000', '42501', '00000'),
	('booking.reschedule_appointment(7500000002, 7400000011)',          '42501', '42501', '00000', '42501', '00000'),
	('booking.set_appointment_status(7500000002, ''arrived'')',         '42501', '42501', '00000', '42501', '00000'),
	('booking.set_appointment_status(7500000001, ''arrived'')',         '42501', '42501', '00000', '42501', '00000'),
	-- what is not there is as somebody else's
	('booking.confirm_hold(7599999999)',                                '42501', '42501', '42501', '42501', 'PT404'),
	('booking.cancel_appointment(7599999999)',                          '42501', '42501', '42501', '42501', 'PT404'),
	('booking.reschedule_appointment(7599999999, 7400000011)',          '42501', '42501', '42501', '42501', 'PT404'),
	('booking.set_appointment_status(7599999999, ''arrived'')',         '42501', '42501', '42501', '42501', 'PT404'),
	-- patients
	('booking.find_patient(''ADA@own.example'')',                       '42501', '42501', '00000', '00000', '00000'),
	('booking.find_patient(''nobody@own.example'')',                    '42501', '42501', '00000', '00000', '00000'),
	('booking.add_patient(''Dora'', ''dora@new.example'')',             '42501', '42501', '00000', '00000', '00000'),
	('booking.remove_patient(7300000001)',                              '42501', '42501', '42501', '42501', 'PT409'),
	('booking.restore_patient(7300000001)',                             '42501', '42501', '42501', '42501', '00000'),
	-- the calendar of Alder
	('booking.add_time_slots(7200000001, ''2098-06-03'', ''09:00'', ''10:00'', 30)', '42501', '42501', '00000', '42501', '00000'),
	('booking.set_slot_availability(7400000011, false)',                '42501', '42501', '00000', '42501', '00000'),
	('booking.remove_time_slot(7400000011)',                            '42501', '42501', '00000', '42501', '00000'),
	('booking.restore_time_slot(7400000015)',                           '42501', '42501', '00000', '42501', '00000'),
	('booking.add_schedule(7200000001, 2, ''09:00'', ''10:00'', 30)',   '42501', '42501', '00000', '42501', '00000'),
	('booking.remove_schedule(7600000001)',                             '42501', '42501', '00000', '42501', '00000'),
	('booking.generate_slots(current_date, current_date + 7, doctor_id => 7200000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.generate_slots(current_date, current_date + 7, clinic_id => 7100000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.generate_slots(current_date, current_date + 7)',          '42501', '42501', '42501', '42501', '00000'),
	('booking.add_time_off(''2097-02-01'', ''2097-02-02'', doctor_id => 7200000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.add_time_off(''2097-02-01'', ''2097-02-02'', clinic_id => 7100000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.add_days_off(''2097-02-01'', ''2097-02-02'', doctor_id => 7200000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.add_days_off(''2097-02-01'', ''2097-02-02'', clinic_id => 7100000001)', '42501', '42501', '00000', '42501', '00000'),
	('booking.remove_time_off(7700000001)',                             '42501', '42501', '00000', '42501', '00000'),
	('booking.reassign_slots(7200000001, 7200000005, ''2098-06-02'', ''2098-06-03'')', '42501', '42501', '00000', '42501', '00000'),
	('booking.reassign_slots(7200000001, 7200000002, ''2098-06-02'', ''2098-06-03'')', '42501', '42501', '42501', '42501', 'PT422'),
	-- what is the administrators'
	-- rows that come with a booking
	('booking.doctor(NULL::booking.bookings)', '42501', '00000', '00000', '00000', '00000'),
	('booking.clinic(NULL::booking.appointments)', '42501', '00000', '00000', '00000', '00000'),
	('booking.slot(NULL::booking.bookings)', '42501', '00000', '00000', '00000', '00000'),
	('booking.patient(NULL::booking.bookings)', '42501', '00000', '00000', '00000', '00000'),
	('booking.add_clinic(''New Clinic'')',                              '42501', '42501', '42501', '42501', '00000'),
	('booking.add_doctor(7100000001, ''Dr New'')',                      '42501', '42501', '42501', '42501', '00000'),
	('booking.remove_clinic(7100000003)',                               '42501', '42501', '42501', '42501', '00000'),
	('booking.restore_clinic(7100000003)',                              '42501', '42501', '42501', '42501', '00000'),
	('booking.remove_doctor(7200000004)',                               '42501', '42501', '42501', '42501', '00000'),
	('booking.restore_doctor(7200000004)',                              '42501', '42501', '42501', '42501', '00000'),
	('booking.expire_holds()',                                          '42501', '42501', '42501', '42501', '00000'),
	('booking.maintain()',                                              '42501', '42501', '42501', '42501', '00000'),
	('booking.read_events(''mail'')',                                   '42501', '42501', '42501', '42501', '00000'),
	('booking.note_events_done(''mail'', 1)',                           '42501', '42501', '42501', '42501', 'PT422'),
	('booking.skip_events(''fax'')',                                    '42501', '42501', '42501', '42501', '00000'),
	('booking.refusals()',                                              '42501', '42501', '42501', '42501', '00000'),
	('booking.define_tables()',                                         '42501', '42501', '42501', '42501', '00000'),
	('booking.remove_rule(''no such rule'')',                           '42501', '42501', '42501', '42501', 'PT404'),
	('booking.add_rule(''mine'', ''pg_catalog.now()'')',                '42501', '42501', '42501', '42501', 'PT422'),
	('booking.has_no_control_characters(''x'')',                        '42501', '00000', '42501', '42501', '00000'),
	('booking.is_plausible_email(''x'')',                               '42501', '00000', '42501', '42501', '00000'),
	('booking.occupies(''booked'')',                                    '00000', '00000', '00000', '00000', '00000'),
	('booking.is_free(true, NULL, now())',                              '00000', '00000', '00000', '00000', '00000');

SELECT is((SELECT array_agg(p.oid::regprocedure::text) FROM pg_proc p
		   WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
			   AND NOT EXISTS (SELECT FROM deeds WHERE starts_with(deed, 'booking.' || proname || '('))),
	NULL, 'no function is left out');
SELECT is((SELECT array_agg(format('%s %s', rolname, p.oid::regprocedure)) FROM pg_proc p, pg_roles
		   WHERE pronamespace = 'booking'::regnamespace AND prorettype = 'trigger'::regtype
			   AND rolname IN ('booking_guest', 'booking_patient', 'booking_staff', 'booking_admin')
			   AND has_function_privilege(rolname, p.oid, 'EXECUTE')), NULL, 'trigger functions are for nobody to call');

CREATE TABLE pg_temp.outcomes AS
	SELECT person, deed, 'SELECT * FROM ' || deed AS command, wanted, r
	FROM deeds, LATERAL (VALUES ('guest', guest), ('ada', ada), ('alder', alder), ('birch', birch), ('admin', admin)) w (person, wanted),
		pg_temp.attempt(person, 'SELECT * FROM ' || deed) r;
SELECT is((r).sqlstate || coalesce(' ' || CASE WHEN wanted = '00000' THEN (r).message END, ''), wanted, format('%s: %s', person, deed))
FROM outcomes;
SELECT ok(NOT pg_temp.message_tells_of_patients(r), format('no patient in what %s is told: %s', person, deed))
FROM outcomes WHERE (r).sqlstate <> '00000';
SELECT ok(pg_temp.follows_contract(r) OR ((r).sqlstate = '42501' AND (r).message ~ '^permission denied for function '),
	format('%s is told what, why and what to do: %s', person, deed))
FROM outcomes WHERE (r).sqlstate <> '00000';
SELECT is(count(DISTINCT (r).message), 1::bigint, 'an appointment that is not there and another''s are one to ' || person)
FROM (SELECT person, regexp_replace((r).message, '\d+', 'N') AS message FROM outcomes
	  WHERE person IN ('ada', 'birch') AND deed ~ '^booking.(cancel|confirm).*\((7599999999|750000000[23])') AS o (person, message),
	LATERAL (SELECT NULL::text, NULL::text, o.message, NULL::text, NULL::text, NULL::bigint, NULL::text) AS r (sqlstate, rule, message, detail, hint, rows, result)
GROUP BY person;

-- What each sees of each table and view, by the ids.
CREATE FUNCTION pg_temp.sees(who text, relation text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(nullif(r.result, ''), CASE r.sqlstate WHEN '00000' THEN 'no row' ELSE r.sqlstate END)
	FROM pg_temp.attempt(who, format('SELECT string_agg(right(%1$s::text, 2), '' '' ORDER BY %1$s) AS ids FROM booking.%2$s WHERE %1$s > 7000000000', id, relation)) a,
		LATERAL (SELECT a.sqlstate, nullif(trim(a.result, '()"'), '') AS result) r
$$;
CREATE TABLE pg_temp.sights (relation text, id text, guest text, ada text, alder text, birch text, admin text);
INSERT INTO sights VALUES
	('clinics',            'id',             '01 02',       '01 02',       '01 02',                '01 02',       '01 02 03'),
	('doctors',            'id',             '01 02 05',    '01 02 05',    '01 02 04 05',          '01 02 05',    '01 02 03 04 05'),
	('patients',           'id',             '42501',       '01',          '01 02',                '01 03',       '01 02 03'),
	('time_slots',         'id',             '11 17 21',    '11 12 17 21 23', '11 12 13 14 15 16 17 21 41', '11 17 21 22 23', '11 12 13 14 15 16 17 21 22 23 31 41'),
	('appointments',       'id',             '42501',       '01 06',       '01 02 03 04',          '05 06',       '01 02 03 04 05 06'),
	('appointment_events', 'appointment_id', '42501',       '01 06',       '01 02 03 04',          '05 06',       '01 02 03 04 05 06'),
	('bookings',           'id',             '42501',       '01 06',       '01 02 03 04',          '05 06',       '01 02 03 04 05 06'),
	('day_sheet',          'slot_id',        '42501',       '42501',       '11 12 13 14 16 17 21 41', '11 17 21 22 23', '11 12 13 14 16 17 21 22 23 31 41'),
	('schedules',          'id',             '42501',       '42501',       '01',                   '02',          '01 02'),
	('time_off',           'id',             '42501',       '42501',       '01',                   '02',          '01 02'),
	('generated_days',     'doctor_id',      '42501',       '42501',       '01',                   '02',          '01 02'),
	('rules',              'id',             '42501',       '42501',       '42501',                '42501',       '01');
SELECT is(pg_temp.sees(person, relation, id), wanted, format('%s sees of %s', person, relation))
FROM sights, LATERAL (VALUES ('guest', guest), ('ada', ada), ('alder', alder), ('birch', birch), ('admin', admin)) w (person, wanted);
SELECT is(r.sqlstate, CASE person WHEN 'admin' THEN '00000' ELSE '42501' END, format('%s and %s', person, relation))
FROM unnest('{guest,ada,alder,admin}'::text[]) person, unnest('{altered_tables,bookings_to_cancel,clinic_figures,event_consumers,generated_doctors,maintenance,metrics,table_definitions}'::text[]) relation,
	pg_temp.attempt(person, 'TABLE booking.' || relation) r;
SELECT is(r.sqlstate || ' ' || coalesce(r.rows::text, '-'), wanted, person || ' sees of status_transitions')
FROM (VALUES ('guest', '42501 -'), ('ada', '00000 23'), ('alder', '00000 23'), ('admin', '00000 23')) w (person, wanted),
	pg_temp.attempt(person, 'TABLE booking.status_transitions') r;
SELECT is((SELECT array_agg(relname ORDER BY relname) FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
		   AND relname NOT IN (SELECT relation FROM sights)), '{altered_tables,bookings_to_cancel,clinic_figures,event_consumers,generated_doctors,maintenance,metrics,status_transitions,table_definitions}', 'no table or view is left out');
SELECT is((SELECT string_agg(person || ' ' || right(slot_id::text, 2) || ' ' || state || ' ' || coalesce(patient_name, '-'), ', ' ORDER BY slot_id)
		   FROM (VALUES ('alder')) p (person), booking.day_sheet WHERE slot_id IN (7400000013, 7400000022)),
	'alder 13 booked Bert Othername, alder 22 booked Cleo Othername', 'the day sheet names patients');
SELECT ok(NOT r.result ~ '7300000003|7500000005|Cleo', 'and to staff no patient of another clinic')
FROM pg_temp.attempt('alder', 'SELECT * FROM booking.day_sheet') r;

-- Nobody who occupies a slot shows to a guest or a patient, nor that anybody does.
SELECT ok(NOT pg_temp.tells_of_others(r, relation) AND coalesce(r.result, '') !~ 'ada@own', format('%s learns nothing of others from %s', person, relation))
FROM (VALUES ('guest'), ('ada')) p (person),
	(VALUES ('TABLE booking.clinics'), ('TABLE booking.doctors'), ('TABLE booking.time_slots'), ('SELECT * FROM booking.available_slots(max_slots => 10000)'),
			('SELECT * FROM booking.next_available(max_slots => 1000, per_doctor => 100)'), ('TABLE booking.appointments'), ('TABLE booking.bookings'), ('TABLE booking.appointment_events')) q (relation),
	pg_temp.attempt(person, relation) r;
SELECT is(r.rows, 0::bigint, 'another''s list is empty to ' || person) FROM (VALUES ('ada', 7300000002), ('birch', 7300000002), ('alder', 7300000003)) p (person, patient),
	pg_temp.attempt(person, format('SELECT * FROM booking.patient_appointments(%s)', patient)) r;
SELECT is(r.rows, 2::bigint, 'one''s own list is not') FROM pg_temp.attempt('ada', 'SELECT * FROM booking.patient_appointments()') r;
SELECT is(r.rows, 1::bigint, 'staff see of a patient''s list what is at their clinic') FROM pg_temp.attempt('alder', 'SELECT * FROM booking.patient_appointments(7300000001)') r;

-- An appointment keeps its place and its names when clinic, doctor and slot no longer show.
UPDATE booking.clinics SET is_active = false WHERE id = 7100000002;
UPDATE booking.doctors SET is_active = false WHERE id = 7200000002;
SELECT is(pg_temp.sees('ada', 'bookings'), '01 06', 'a patient still sees where they go when it takes no more bookings');
SELECT is(pg_temp.sees('ada', 'clinics'), '01 02', 'with the clinic');
SELECT is(pg_temp.sees('ada', 'doctors'), '01 02 05', 'and the doctor');
SELECT is(pg_temp.sees('guest', 'clinics') || ', ' || pg_temp.sees('guest', 'doctors') || ', ' || pg_temp.sees('guest', 'time_slots'), '01, 01 05, 11 17', 'while a guest does not');
UPDATE booking.clinics SET is_active = true WHERE id = 7100000002;
UPDATE booking.doctors SET is_active = true WHERE id = 7200000002;

-- Direct writes: how many rows each command reaches.
CREATE TABLE pg_temp.writes (command text, guest text, ada text, alder text, birch text, admin text);
INSERT INTO writes VALUES
	('UPDATE booking.patients SET name = name || '' II'' WHERE id > 7300000000',             '42501', '1',     '42501', '42501', '3'),
	('UPDATE booking.patients SET email = ''x'' || email WHERE id > 7300000000',             '42501', '1',     '42501', '42501', '3'),
	('UPDATE booking.patients SET name = ''Mallory'' WHERE id = 7300000002',                 '42501', '0',     '42501', '42501', '1'),
	('UPDATE booking.patients SET is_active = false',                                        '42501', '42501', '42501', '42501', 'many'),
	('UPDATE booking.patients SET id = 7300000009 WHERE id = 7300000001',                    '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.patients SET deleted_at = now()',                                       '42501', '42501', '42501', '42501', '42501'),
	('DELETE FROM booking.patients',                                                         '42501', '42501', '42501', '42501', '42501'),
	('INSERT INTO booking.patients (name, email) VALUES (''Eve'', ''eve@new.example'')',     '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.clinics SET name = ''Alder & Co'' WHERE id = 7100000001',               '42501', '42501', '42501', '42501', '1'),
	('UPDATE booking.doctors SET name = ''Dr Eve'' WHERE id = 7200000001',                   '42501', '42501', '42501', '42501', '1'),
	('UPDATE booking.doctors SET clinic_id = 7100000002 WHERE id = 7200000001',              '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.time_slots SET ends_at = ends_at - interval ''1 minute'' WHERE id IN (7400000011, 7400000021)', '42501', '42501', '1', '1', '2'),
	('UPDATE booking.time_slots SET ends_at = ends_at - interval ''1 minute'' WHERE id = 7400000013', '42501', '42501', 'PT409', '0', 'PT409'),
	('UPDATE booking.time_slots SET starts_at = starts_at - interval ''10 minutes'' WHERE id = 7400000041', '42501', '42501', '1', '0', '1'),
	('UPDATE booking.time_slots SET is_available = true',                                    '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.time_slots SET clinic_id = 7100000002, doctor_id = 7200000002 WHERE id = 7400000011', '42501', '42501', '42501', '42501', '42501'),
	('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (7100000001, 7200000001, ''2098-07-01 09:00'', ''2098-07-01 10:00'')', '42501', '42501', '42501', '42501', '42501'),
	('DELETE FROM booking.time_slots',                                                       '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.appointments SET status = ''arrived'' WHERE status = ''booked'' AND id > 7500000000', '42501', '42501', '2', '2', '4'),
	('UPDATE booking.appointments SET patient_id = 7300000001',                              '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.appointments SET clinic_id = 7100000002 WHERE id = 7500000001',         '42501', '42501', '42501', '42501', '42501'),
	('DELETE FROM booking.appointments',                                                     '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.bookings SET status = ''cancelled'' WHERE id > 7500000000',             '42501', 'PT422', '4',     '2',     '6'),
	('UPDATE booking.bookings SET status = ''cancelled'' WHERE patient_id = 7300000002',     '42501', '0',     '3',     '0',     '3'),
	('UPDATE booking.bookings SET status = ''arrived'' WHERE id = 7500000001',               '42501', '42501', '1',     '0',     '1'),
	('UPDATE booking.bookings SET slot_id = 7400000021 WHERE id = 7500000001',          '42501', '1',     '42501', '0',     '1'),
	('UPDATE booking.bookings SET patient_id = 7300000002 WHERE id = 7500000001',            '42501', 'PT422', 'PT422', '0',     'PT422'),
	('DELETE FROM booking.bookings WHERE id > 7500000000',                                   '42501', 'PT422', '4',     '2',     '6'),
	('DELETE FROM booking.bookings WHERE patient_name LIKE ''Bert%''',                       '42501', '0',     '3',     '0',     '3'),
	('INSERT INTO booking.bookings (slot_id) VALUES (7400000011)',                      '42501', '1',     'PT400', 'PT400', 'PT400'),
	('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (7400000011, 7300000001)', '42501', '1',  '1',     '42501', '1'),
	('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (7400000011, 7300000002)', '42501', '42501', '1',  '42501', '1'),
	('INSERT INTO booking.bookings (slot_id, patient_id, status) VALUES (7400000011, 7300000001, ''fulfilled'')', '42501', 'PT422', 'PT422', 'PT422', 'PT422'),
	('DELETE FROM booking.generated_days WHERE local_date = ''2097-05-01''',                 '42501', '42501', '1',     '1',     '2'),
	('UPDATE booking.schedules SET end_time = ''11:00''',                                    '42501', '42501', '42501', '42501', '42501'),
	('DELETE FROM booking.time_off',                                                         '42501', '42501', '42501', '42501', '42501'),
	('INSERT INTO booking.rules (name, check_function) VALUES (''r'', ''pg_catalog.now'')',  '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.rules SET deleted_at = now()',                                          '42501', '42501', '42501', '42501', '42501'),
	('UPDATE booking.status_transitions SET allowed = ''always''',                           '42501', '42501', '42501', '42501', '42501'),
	('INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role) VALUES (1, 1, ''booked'', ''root'')', '42501', '42501', '42501', '42501', '42501'),
	('DELETE FROM booking.appointment_events',                                               '42501', '42501', '42501', '42501', '42501'),
	('TRUNCATE booking.appointments, booking.appointment_events',                            '42501', '42501', '42501', '42501', '42501'),
	('LOCK TABLE booking.time_slots IN ACCESS EXCLUSIVE MODE',                               '42501', '42501', '42501', '42501', '42501'),
	('CREATE TABLE booking.mine ()',                                                         '42501', '42501', '42501', '42501', '42501'),
	('CREATE TRIGGER mine BEFORE UPDATE ON booking.patients FOR EACH ROW EXECUTE FUNCTION booking.tidy_row()', '42501', '42501', '42501', '42501', '42501'),
	('CREATE POLICY mine ON booking.patients USING (true)',                                  '42501', '42501', '42501', '42501', '42501'),
	('ALTER TABLE booking.patients DISABLE ROW LEVEL SECURITY',                              '42501', '42501', '42501', '42501', '42501'),
	('ALTER FUNCTION booking.book_slot(bigint, bigint, text) SECURITY INVOKER',              '42501', '42501', '42501', '42501', '42501'),
	('SET ROLE booking_owner',                                                               '-', '-', '-', '-', '-');
SELECT ok(CASE wanted WHEN '-' THEN true WHEN 'many' THEN r.sqlstate = '00000' AND r.rows >= 3
		  ELSE wanted = CASE r.sqlstate WHEN '00000' THEN r.rows::text ELSE r.sqlstate END END,
	format('%s: %s gives %s (%s rows): %s', person, left(command, 70), r.sqlstate, r.rows, r.message))
FROM writes, LATERAL (VALUES ('guest', guest), ('ada', ada), ('alder', alder), ('birch', birch), ('admin', admin)) w (person, wanted),
	pg_temp.attempt(person, command) r WHERE command NOT LIKE 'SET ROLE%';
SELECT ok(NOT pg_temp.message_tells_of_patients(r), format('no patient in what %s is told: %s', person, left(command, 70)))
FROM writes, (VALUES ('guest'), ('ada'), ('alder'), ('birch')) p (person), pg_temp.attempt(person, command) r
WHERE command NOT LIKE 'SET ROLE%' AND r.sqlstate <> '00000';

-- An e-mail address that another patient has: refused in words that tell nothing of them.
SELECT is((r.sqlstate, r.rule, r.message)::text, '(PT409,patient_email_is_unique,"this e-mail address cannot be used")', format('%s cannot take %s', person, email))
FROM (VALUES ('ada', 'bert@other.example'), ('ada', ' BERT@Other.Example '), ('admin', 'bert@other.example')) p (person, email),
	pg_temp.attempt(person, format('UPDATE booking.patients SET email = %L WHERE id = 7300000001', email)) r;
SELECT ok(NOT pg_temp.message_tells_of_patients(r), 'and is told nothing of them')
FROM pg_temp.attempt('ada', 'UPDATE booking.patients SET email = ''bert@other.example''') r;
SELECT is(r.sqlstate, '00000', 'one''s own in another case is free') FROM pg_temp.attempt('ada', 'UPDATE booking.patients SET email = ''ADA@Own.Example''') r;
SELECT is(r.sqlstate, '23514', 'what breaks a constraint is refused') FROM pg_temp.attempt('ada', 'UPDATE booking.patients SET name = ''A''') r;
SELECT ok(coalesce(r.detail, '') = '' AND NOT pg_temp.message_tells_of_patients(r), 'without the row') FROM pg_temp.attempt('ada', 'UPDATE booking.patients SET name = ''A''') r;
-- even where only the index is left to refuse it
ALTER TABLE booking.patients DISABLE TRIGGER email_is_free;
SELECT is((r.sqlstate, coalesce(r.detail, ''))::text, '(23505,"")', 'a race for an address tells nothing of who won')
FROM pg_temp.attempt('ada', 'UPDATE booking.patients SET email = ''bert@other.example''') r;
ALTER TABLE booking.patients ENABLE TRIGGER email_is_free;

-- A rival's hold that expired is ended by whoever books: its patient does not learn by whom.
SELECT is(r.result, '(booked)', 'Ada books what Bert held')
FROM (SELECT set_config('request.jwt.claims', claims, true) FROM people WHERE person = 'ada') s, LATERAL (SELECT 1) one,
	pg_temp.attempt('ada', 'SELECT (booking.book_slot(7400000017)).status') r;
SELECT set_config('request.jwt.claims', claims, true) IS NULL AS set FROM people WHERE person = 'ada' \gset
SET LOCAL ROLE booking_patient;
SELECT (booking.book_slot(7400000017)).status AS booked \gset
RESET ROLE;
SELECT results_eq('SELECT to_status::text, actor_role, actor, reason FROM booking.appointment_events WHERE appointment_id = 7500000004 AND from_status IS NOT NULL',
	$$VALUES ('cancelled', 'booking_owner'::name, NULL::text, 'hold expired')$$, 'the event of the hold names no rival, by role neither');
SELECT ok(NOT r.result ~ '7300000001|user-ada|Ada', 'so Bert sees nothing of Ada in his events')
FROM pg_temp.attempt('booking_patient', '{"patient_id": 7300000002}', 'TABLE booking.appointment_events') r;
SELECT results_eq('SELECT actor FROM booking.appointment_events e JOIN booking.appointments a ON a.id = appointment_id WHERE a.slot_id = 7400000017 AND a.patient_id = 7300000001',
	$$VALUES ('user-ada')$$, 'the event of the booking names who booked');

-- Doctors and clinics that take no bookings are not named to who guesses slots, whatever state these are in.
UPDATE booking.doctors SET is_active = false WHERE id IN (7200000001, 7200000005);
UPDATE booking.clinics SET deleted_at = now() WHERE id = 7100000002;
SELECT unnest(ARRAY[
	is(string_agg(DISTINCT r.sqlstate, ', ' ORDER BY r.sqlstate), 'PT404, PT409', 'of theirs no slot can be booked'),
	ok(NOT bool_or(concat(r.message, r.detail, r.hint) ~ 'Dr |Birch|Closed'), 'and none tells whose it is'),
	ok(bool_or(r.detail ~ ': doctor \d+ at Alder Clinic, 2098-06-02'), 'but when'),
	ok(bool_or(r.detail ~ ': doctor \d+ at clinic \d+, 2098-06-02'), 'and nothing more')])
FROM booking.time_slots s, pg_temp.attempt('ada', format('SELECT booking.book_slot(%s)', s.id)) r;
UPDATE booking.doctors SET is_active = true WHERE id IN (7200000001, 7200000005);
UPDATE booking.clinics SET deleted_at = NULL WHERE id = 7100000002;

-- Who may not log in, and who is in whom.
SELECT is((SELECT array_agg(rolname::text ORDER BY 1) FROM pg_roles WHERE rolname ~ '^booking_'
		   AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)), NULL, 'the roles cannot log in and have no powers');
SELECT is((SELECT array_agg(format('%s in %s', m.member::regrole, m.roleid::regrole) ORDER BY 1) FROM pg_auth_members m
		   WHERE m.member::regrole::text ~ '^booking_'), '{"booking_patient in booking_guest","booking_staff in booking_guest"}', 'patients and staff are guests, else none is in another');
SELECT is((SELECT array_agg(c.oid::regclass::text ORDER BY c.oid::regclass::text) FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r' AND NOT relrowsecurity),
	'{booking.status_transitions,booking.table_definitions}', 'row-level security is on for every table that holds data');

-- A function made before the table whose rows it returns would make the row's type a member of the
-- extension by itself: whoever detaches the table to keep it would lose it with the type. From 17 on it
-- is a member if and only if the table is, and leaves with it.
CREATE TEMP VIEW wrong_types AS
	WITH member AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e')
	SELECT c.reltype::regtype AS type FROM pg_class c
	WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
		AND EXISTS (SELECT FROM member WHERE classid = 'pg_type'::regclass AND objid = c.reltype)
			<> (current_setting('server_version_num')::int >= 170000
				AND EXISTS (SELECT FROM member WHERE classid = 'pg_class'::regclass AND objid = c.oid));
SELECT is((SELECT array_agg(type) FROM wrong_types), NULL, 'types of rows are members of the extension from 17 on, with their tables');
ALTER EXTENSION booking DROP TABLE booking.maintenance;
SELECT is((SELECT array_agg(type) FROM wrong_types), NULL, 'and leave it with them');

-- What is exposed is documented: it is PostgREST's OpenAPI page.
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace
		   AND coalesce(obj_description(oid, 'pg_proc'), '') !~ '^[A-Za-z].{40,}[.]$'), NULL, 'every function has a comment');
SELECT is((SELECT array_agg(object) FROM (
			   SELECT p.oid::regprocedure::text AS object, obj_description(oid, 'pg_proc') AS comment FROM pg_proc p
			   WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
			   UNION ALL SELECT oid::regclass::text, obj_description(oid, 'pg_class') FROM pg_class
			   WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')) o
		   WHERE comment !~ '^[^\n]{12,100}[.](\n\n[^\n]+)?$'), NULL, 'whose first line is a title, and the rest what is under it');
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
		   AND NOT has_function_privilege('booking_guest', oid, 'EXECUTE') AND proname NOT IN ('appointment_being_moved', 'add_days_off', 'hold_slot', 'has_no_control_characters', 'is_plausible_email')
		   AND obj_description(oid, 'pg_proc') !~ 'Errors: .*42501'), NULL, 'that tells who is refused');
SELECT is((SELECT array_agg(p.oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
		   AND EXISTS (SELECT FROM unnest(proargnames[1:pronargs]) n WHERE n = '') OR (pronargs > 0 AND pronamespace = 'booking'::regnamespace AND proargnames IS NULL AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql'))),
	NULL, 'and all its arguments have names, but for what embeds');
SELECT is((SELECT array_agg(format('%s.%s', relname, attname)) FROM pg_class c LEFT JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
		   WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
			   AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, attnum) IS NULL)), NULL, 'every table, view and column has a comment');

SELECT * FROM finish();
ROLLBACK;
