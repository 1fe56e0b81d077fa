-- generate_slots: years far ahead with every zone, what it skips, and what it does about now.
BEGIN;
SELECT plan(51);
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;

-- Slots that overlap another one, last too short or too long, or are gone from their doctor.
CREATE FUNCTION pg_temp.wrong() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (
		SELECT starts_at < lag(ends_at) OVER (PARTITION BY doctor_id ORDER BY starts_at) AS is_late, ends_at <= starts_at AS is_empty
		FROM booking.time_slots WHERE deleted_at IS NULL) AS s
	WHERE is_late OR is_empty
$$;
CREATE FUNCTION pg_temp.doctor(zone text) RETURNS bigint LANGUAGE sql AS $$
	SELECT (booking.add_doctor((booking.add_clinic('Clinic ' || zone || ' ' || (SELECT count(*) FROM booking.clinics),
												   time_zone => zone)).id, 'Dr ' || zone)).id
$$;
-- What a doctor's slots are on the dates of a range, in the clinic's local time.
CREATE FUNCTION pg_temp.slots(of_doctor bigint, from_date date, until_date date) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(to_char(s.starts_at AT TIME ZONE c.time_zone, 'DD"T"HH24:MI') || '-'
					  || to_char(s.ends_at AT TIME ZONE c.time_zone, 'HH24:MI'), ' ' ORDER BY s.starts_at)
	FROM booking.time_slots s JOIN booking.clinics c ON c.id = s.clinic_id
	WHERE s.doctor_id = of_doctor AND s.deleted_at IS NULL
		AND (s.starts_at AT TIME ZONE c.time_zone)::date BETWEEN from_date AND until_date
$$;
-- Two years a century ahead: day shifts with lunch, and the nights between them, so that some
-- session spans, starts in or ends in every change of the clocks.
CREATE TEMP TABLE zones AS
SELECT zone, pg_temp.doctor(zone) AS doctor
FROM unnest(ARRAY['Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns',
				  'Pacific/Apia', 'UTC']) AS zone;
SELECT is(count(booking.add_schedule(doctor, weekday, start_time, end_time, minutes)), 7 * 7 * 6::bigint, 'schedules')
FROM zones, generate_series(1, 7) AS weekday,
	(VALUES (time '00:30', time '01:30', 15), ('01:30', '02:15', 15), ('02:15', '03:00', 15),
			('08:00', '12:00', 20), ('12:30', '16:30', 30), ('22:00', '00:30', 30)) AS hours(start_time, end_time, minutes);

SELECT cmp_ok(booking.generate_slots('2098-01-01', '2099-12-31'), '>', 150000::bigint, 'two years of seven doctors');
SELECT is(pg_temp.wrong(), 0::bigint, 'no slot overlaps another or is empty');
SELECT is(booking.generate_slots('2098-01-01', '2099-12-31'), 0::bigint, 'again adds nothing');
SELECT is((SELECT array_agg(DISTINCT local_days) FROM (SELECT count(*) AS local_days FROM booking.generated_days GROUP BY doctor_id) AS d),
	ARRAY[730::bigint], 'every day is noted once');
-- 4 + 3 + 3 + 12 + 8 + 5 slots a day, whatever the clocks do, but for the nights of the changes
SELECT results_eq($$
	SELECT zone, (s.starts_at AT TIME ZONE zone)::date, count(*)
	FROM zones JOIN booking.time_slots s ON s.doctor_id = doctor
	WHERE (s.starts_at AT TIME ZONE zone)::date BETWEEN '2098-01-02' AND '2099-12-31'
	GROUP BY 1, 2 HAVING count(*) <> 35
	ORDER BY 1, 2$$, $$
	VALUES ('America/New_York', date '2098-03-09', 32::bigint), ('America/New_York', '2098-11-02', 39),
		('America/New_York', '2099-03-08', 32), ('America/New_York', '2099-11-01', 39),
		('America/St_Johns', '2098-03-09', 32), ('America/St_Johns', '2098-11-02', 39),
		('America/St_Johns', '2099-03-08', 32), ('America/St_Johns', '2099-11-01', 39),
		('Australia/Lord_Howe', '2098-04-06', 37), ('Australia/Lord_Howe', '2098-10-05', 33),
		('Australia/Lord_Howe', '2099-04-05', 37), ('Australia/Lord_Howe', '2099-10-04', 33),
		('Europe/London', '2098-03-30', 31), ('Europe/London', '2098-10-26', 39),
		('Europe/London', '2099-03-29', 31), ('Europe/London', '2099-10-25', 39)$$,
	'but for the nights of the changes every day has as many');
-- 01:15 is a slot of the session from 00:30 to a time that is skipped, and one from 02:15 BST
SELECT is((SELECT string_agg(to_char(starts_at, 'HH24:MI'), ' ' ORDER BY starts_at) FROM booking.time_slots JOIN zones ON doctor_id = doctor
	WHERE zone = 'Europe/London' AND starts_at >= '2098-03-30' AND starts_at < '2098-03-30 03:00'),
	'00:00 00:30 00:45 01:00 01:15 01:30 01:45', 'sessions that the gap pushes into each other share no time');
SELECT is((SELECT string_agg(to_char(starts_at, 'HH24:MI'), ' ' ORDER BY starts_at) FROM booking.time_slots JOIN zones ON doctor_id = doctor
	WHERE zone = 'Europe/London' AND starts_at >= '2098-10-26' AND starts_at < '2098-10-26 03:00'),
	'00:00 00:15 00:30 00:45 01:00 01:15 01:30 01:45 02:00 02:15 02:30 02:45', 'none is lost or doubled in the fold');
SELECT is((SELECT count(*) FROM booking.time_slots JOIN zones ON doctor_id = doctor WHERE zone = 'Asia/Kathmandu'), 730 * 35::bigint,
	'Kathmandu has the same slots every day');
SELECT is((SELECT count(*) FROM booking.time_slots JOIN zones ON doctor_id = doctor WHERE zone = 'UTC'), 730 * 35::bigint, 'UTC too');

-- Schedules: days generated are left alone, validity, gaps, several a day.
CREATE TEMP TABLE who AS SELECT pg_temp.doctor('Europe/London') AS doctor;
CREATE TEMP TABLE schedule AS
SELECT s.* FROM who, booking.add_schedule(doctor, 1, '09:00', '10:00', 30) AS s;
SELECT is((SELECT booking.generate_slots('2090-06-05', '2090-06-11', doctor) FROM who), 2::bigint, 'one Monday');
SELECT is((SELECT pg_temp.slots(doctor, '2090-06-01', '2090-06-30') FROM who), '05T09:00-09:30 05T09:30-10:00', 'its slots');
SELECT lives_ok('SELECT booking.remove_schedule(id) FROM schedule', 'the schedule is removed');
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 1, '14:00', '15:30', 25, 10) FROM who$$, 'and another added');
SELECT is((SELECT booking.generate_slots('2090-06-05', '2090-06-19', doctor) FROM who), 4::bigint, 'it is for the days not generated yet');
SELECT is((SELECT pg_temp.slots(doctor, '2090-06-01', '2090-06-30') FROM who),
	'05T09:00-09:30 05T09:30-10:00 12T14:00-14:25 12T14:35-15:00 19T14:00-14:25 19T14:35-15:00',
	'the day generated keeps its slots; gaps stand between slots');
SELECT is((SELECT array_agg(local_date ORDER BY local_date) FROM booking.generated_days JOIN who ON doctor_id = doctor),
	ARRAY['2090-06-05', '2090-06-12', '2090-06-19']::date[], 'days without a session are not noted');
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 2, '09:00', '10:00', 60, 0, '2090-06-14', '2090-06-27') FROM who$$, 'a schedule for two weeks');
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 2, '09:00', '10:00', 30, 0, '2090-06-28', NULL) FROM who$$, 'and one that follows it');
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 2, '13:00', '14:00', 60, 0, NULL, '2090-06-20') FROM who$$, 'and an afternoon that ends');
SELECT is((SELECT booking.generate_slots('2090-06-12', '2090-07-04', doctor) FROM who), 10::bigint, 'several sessions a day');
SELECT is((SELECT pg_temp.slots(doctor, '2090-06-13', '2090-07-04') FROM who),
	'13T13:00-14:00 19T14:00-14:25 19T14:35-15:00 20T09:00-10:00 20T13:00-14:00 26T14:00-14:25 26T14:35-15:00 '
	'27T09:00-10:00 03T14:00-14:25 03T14:35-15:00 04T09:00-09:30 04T09:30-10:00',
	'each in the time for which it is valid');

-- Days generated again: the free slots are removed first.
DELETE FROM booking.generated_days USING who WHERE doctor_id = doctor AND local_date = '2090-06-05';
SELECT is((SELECT booking.generate_slots('2090-06-05', '2090-06-05', doctor) FROM who), 2::bigint, 'a day forgotten is generated again');
DELETE FROM booking.generated_days USING who WHERE doctor_id = doctor AND local_date = '2090-06-05';
SELECT is((SELECT booking.generate_slots('2090-06-05', '2090-06-05', doctor) FROM who), 0::bigint, 'and slots that exist are left as they are');

-- Time off, and slots made by hand.
CREATE TEMP TABLE off AS SELECT pg_temp.doctor('America/New_York') AS doctor;
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 3, '09:00', '12:00', 30) FROM off$$, 'Wednesday mornings');
SELECT is_empty($$SELECT * FROM off, booking.add_time_off('2090-06-07 10:15-04', '2090-06-07 11:00-04', doctor_id => doctor)$$, 'time off that begins in a slot');
SELECT is((SELECT booking.generate_slots('2090-06-07', '2090-06-07', doctor) FROM off), 4::bigint, 'slots that overlap it are not generated');
SELECT is((SELECT pg_temp.slots(doctor, '2090-06-07', '2090-06-07') FROM off), '07T09:00-09:30 07T09:30-10:00 07T11:00-11:30 07T11:30-12:00', 'those that touch it are');
SELECT is_empty($$SELECT * FROM off, booking.doctors d, booking.add_days_off('2090-06-14', '2090-06-14', clinic_id => d.clinic_id) WHERE d.id = doctor$$, 'the clinic is closed');
SELECT is((SELECT booking.generate_slots('2090-06-08', '2090-06-21', doctor) FROM off), 6::bigint, 'a day closed has none');
SELECT is((SELECT array_agg(DISTINCT starts_at::date) FROM booking.time_slots JOIN off ON doctor_id = doctor WHERE starts_at > '2090-06-08'), ARRAY['2090-06-21']::date[], 'but the next week has');

SELECT is((SELECT count(*) FROM off, booking.add_time_slots(doctor, '2090-06-28', '09:15', '10:45', 45)), 2::bigint, 'two slots by hand');
SELECT is((SELECT booking.generate_slots('2090-06-28', '2090-06-28', doctor) FROM off), 2::bigint, 'slots that clash are left out, the others are made');
SELECT is((SELECT pg_temp.slots(doctor, '2090-06-28', '2090-06-28') FROM off), '28T09:15-10:00 28T10:00-10:45 28T11:00-11:30 28T11:30-12:00', 'around the ones made by hand');

-- A slot removed is no longer in the way; a slot of the same time is not made twice.
SELECT is((SELECT count(*) FROM off, booking.add_time_slots(doctor, '2090-07-05', '09:00', '10:00', 30)), 2::bigint, 'two slots that the schedule has as well');
SELECT lives_ok($$SELECT booking.remove_time_slot(id) FROM booking.time_slots JOIN off ON doctor_id = doctor WHERE starts_at = '2090-07-05 09:00-04'$$, 'one is removed');
SELECT is((SELECT booking.generate_slots('2090-07-05', '2090-07-05', doctor) FROM off), 5::bigint, 'the removed one is made anew, the other is not');

-- A clinic that changes its zone: days generated keep their instants, the others get the new ones.
CREATE TEMP TABLE moved AS SELECT pg_temp.doctor('Europe/London') AS doctor;
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 4, '09:00', '10:00', 30) FROM moved$$, 'Thursdays');
SELECT lives_ok($$SELECT booking.add_schedule(doctor, 5, '00:00', '01:00', 30) FROM moved$$, 'and the night to Friday');
SELECT is((SELECT booking.generate_slots('2090-06-08', '2090-06-09', doctor) FROM moved), 4::bigint, 'in London');
UPDATE booking.clinics c SET time_zone = 'Asia/Kathmandu' FROM moved JOIN booking.doctors d ON d.id = doctor WHERE c.id = d.clinic_id;
SELECT is((SELECT booking.generate_slots('2090-06-08', '2090-06-16', doctor) FROM moved), 4::bigint, 'in Kathmandu');
SELECT is((SELECT string_agg(to_char(starts_at, 'DD"T"HH24:MI'), ' ' ORDER BY starts_at) FROM booking.time_slots JOIN moved ON doctor_id = doctor),
	'08T08:00 08T08:30 08T23:00 08T23:30 15T03:15 15T03:45 15T18:15 15T18:45', 'each in the zone of its generation');
SELECT is((SELECT string_agg(local_date || ' ' || local_start, ', ' ORDER BY starts_at) FROM moved, booking.available_slots(doctor, '2090-06-15')),
	'2090-06-15 09:00:00, 2090-06-15 09:30:00', 'available_slots(on_date) is about the local date');
SELECT is((SELECT string_agg(local_date || ' ' || local_start, ', ' ORDER BY starts_at) FROM moved, booking.available_slots(doctor, '2090-06-16')),
	'2090-06-16 00:00:00, 2090-06-16 00:30:00', 'whatever the date is in Greenwich');

-- Around now, in the zones where today is latest and earliest: the session is all of every day.
CREATE TEMP TABLE today AS
SELECT zone, pg_temp.doctor(zone) AS doctor, (now() AT TIME ZONE zone)::date AS today FROM (VALUES ('Pacific/Kiritimati'), ('Pacific/Pago_Pago'), ('Asia/Kathmandu')) AS z(zone);
SELECT is(count(booking.add_schedule(doctor, weekday, '00:00', '00:00', 5)), 21::bigint, 'sessions of a day and a night') FROM today, generate_series(1, 7) AS weekday;
SELECT cmp_ok(sum(booking.generate_slots(today - 8, today + 1, doctor)), '>', 3 * 288::numeric, 'for today and tomorrow') FROM today;
SELECT is_empty($$SELECT * FROM today JOIN booking.time_slots ON doctor_id = doctor WHERE starts_at <= now()$$, 'no slot has started');
SELECT is_empty($$
	SELECT zone, starts_at FROM today, generate_series(today::timestamp AT TIME ZONE zone, (today + 2)::timestamp AT TIME ZONE zone - interval '1 minute', '5 minutes') AS starts_at
	WHERE starts_at > clock_timestamp() EXCEPT SELECT zone, starts_at FROM today JOIN booking.time_slots ON doctor_id = doctor$$,
	'every slot from now on is there');
SELECT is(pg_temp.wrong(), 0::bigint, 'and still none overlaps another');
SELECT is((SELECT sum(booking.generate_slots(today - 8, today + 1, doctor)) FROM today), 0::numeric, 'again adds nothing');
SELECT is_empty($$SELECT * FROM today JOIN booking.generated_days ON doctor_id = doctor WHERE local_date < today - 1$$, 'the past is not noted');

SELECT * FROM finish();
ROLLBACK;
