-- Working sessions and free slots in local time, on the days the clocks change. The year is far
-- ahead, and its days follow from today's rules: in Europe the last Sundays of March and
-- October, in North America the second of March and the first of November, on Lord Howe the
-- first of October and April.
BEGIN;
\ir helpers.psql
-- The session's own zone must not matter.
SET LOCAL TimeZone = 'Pacific/Marquesas';

SELECT plan(50);

SELECT results_eq(
	$$SELECT day::date FROM unnest('{2098-03-30, 2098-10-26, 2098-03-09, 2098-11-02, 2098-10-05, 2098-04-06}'::date[]) day
	  WHERE extract(dow FROM day) = 0$$,
	$$SELECT unnest('{2098-03-30, 2098-10-26, 2098-03-09, 2098-11-02, 2098-10-05, 2098-04-06}'::date[])$$,
	'the days of change are Sundays');

-- What a session of a new doctor becomes: instants in UTC, then the wall clock as
-- available_slots has it.
CREATE FUNCTION pg_temp.cut(zone text, on_date date, start_time time, end_time time, minutes int)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	doctor bigint := pg_temp.doctor_in(zone);
	added booking.time_slots[];
	wall_clock text;
BEGIN
	added := ARRAY(SELECT s FROM booking.add_time_slots(doctor, on_date, start_time, end_time, minutes) s);
	ASSERT (SELECT bool_and(s.ends_at - s.starts_at = minutes * interval '1 minute') FROM unnest(added) s);
	ASSERT (SELECT array_agg(s ORDER BY starts_at) FROM unnest(added) s) = added, 'earliest first';
	ASSERT (SELECT bool_and(ends_at = next_start) FROM (
		SELECT s.ends_at, lead(s.starts_at) OVER (ORDER BY s.starts_at) AS next_start FROM unnest(added) s) s
		WHERE next_start IS NOT NULL) IS NOT FALSE, 'no gaps, no overlaps';

	SELECT string_agg(to_char(local_start, 'HH24:MI'), ' ' ORDER BY starts_at) INTO wall_clock
	FROM booking.available_slots(doctor) a WHERE a.time_zone = zone;
	RETURN format('%s slots, %s to %s: %s', cardinality(added),
				  to_char(added[1].starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
				  to_char(added[cardinality(added)].ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
				  wall_clock);
END
$$;

-- London, spring: 01:00 GMT is 02:00 BST.
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '00:00', '03:00', 30),
	'4 slots, 2098-03-30 00:00 to 2098-03-30 02:00: 00:00 00:30 02:00 02:30',
	'London: over the gap');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '01:30', '03:00', 30),
	'1 slots, 2098-03-30 01:30 to 2098-03-30 02:00: 02:30',
	'London: from within the gap, as PostgreSQL resolves it: an hour later');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '00:00', '01:30', 30),
	'3 slots, 2098-03-30 00:00 to 2098-03-30 01:30: 00:00 00:30 02:00',
	'London: into the gap');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '01:15', '01:45', 15),
	'2 slots, 2098-03-30 01:15 to 2098-03-30 01:45: 02:15 02:30',
	'London: within the gap');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '00:00', '01:00', 30),
	'2 slots, 2098-03-30 00:00 to 2098-03-30 01:00: 00:00 00:30',
	'London: up to the gap');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '02:00', '03:00', 30),
	'2 slots, 2098-03-30 01:00 to 2098-03-30 02:00: 02:00 02:30',
	'London: from the gap''s end');

-- A session that the gap swallows is refused, not added as nothing.
SELECT pg_temp.doctor_in('Europe/London') AS london \gset
SELECT is(pg_temp.refusal(format('SELECT booking.add_time_slots(%s, ''2098-03-30'', %L, %L, %s)', :london, s, e, m))::text,
	ROW('PT422', format('no slot of %s minutes fits into the session', m),
		'rule session_fits_a_slot: the clocks change: by them it is from '
		|| CASE s WHEN '01:30' THEN '2098-03-30 02:30 BST (Europe/London)'
				  WHEN '00:00' THEN '2098-03-30 00:00 GMT (Europe/London)'
				  ELSE '2098-03-30 02:00 BST (Europe/London)' END
		|| ' to ' || CASE e WHEN '02:15' THEN '2098-03-30 02:15 BST (Europe/London).'
					   ELSE '2098-03-30 02:00 BST (Europe/London).' END,
		'Choose hours that exist on that date, or shorter slots.',
		'booking.time_slots', 'session_fits_a_slot')::text,
	format('London: %s to %s in slots of %s minutes is refused', s, e, m))
FROM (VALUES ('01:00', '02:00', 30), ('01:30', '02:15', 15), ('00:00', '02:00', 120)) t (s, e, m);
SELECT is_empty(format('SELECT FROM booking.time_slots WHERE doctor_id = %s', :london),
	'London: and nothing is added');

-- London, autumn: 02:00 BST is 01:00 GMT.
SELECT is(pg_temp.cut('Europe/London', '2098-10-26', '00:00', '03:00', 30),
	'8 slots, 2098-10-25 23:00 to 2098-10-26 03:00: 00:00 00:30 01:00 01:30 01:00 01:30 02:00 02:30',
	'London: over the fold');
SELECT is(pg_temp.cut('Europe/London', '2098-10-26', '01:00', '03:00', 30),
	'4 slots, 2098-10-26 01:00 to 2098-10-26 03:00: 01:00 01:30 02:00 02:30',
	'London: from within the fold, as PostgreSQL resolves it: the second pass');
SELECT is(pg_temp.cut('Europe/London', '2098-10-26', '00:00', '01:30', 30),
	'5 slots, 2098-10-25 23:00 to 2098-10-26 01:30: 00:00 00:30 01:00 01:30 01:00',
	'London: into the fold');
SELECT is(pg_temp.cut('Europe/London', '2098-10-26', '01:00', '02:00', 30),
	'2 slots, 2098-10-26 01:00 to 2098-10-26 02:00: 01:00 01:30',
	'London: within the fold');
SELECT is(pg_temp.cut('Europe/London', '2098-10-26', '00:00', '24:00', 480),
	'3 slots, 2098-10-25 23:00 to 2098-10-26 23:00: 00:00 07:00 15:00',
	'London: a day of 25 hours has room for three slots of eight');
SELECT is(pg_temp.cut('Europe/London', '2098-03-30', '00:00', '24:00', 480),
	'2 slots, 2098-03-30 00:00 to 2098-03-30 16:00: 00:00 09:00',
	'London: a day of 23 hours has room for two');

-- New York: 02:00 EST is 03:00 EDT, 02:00 EDT is 01:00 EST.
SELECT is(pg_temp.cut('America/New_York', '2098-03-09', '01:00', '04:00', 60),
	'2 slots, 2098-03-09 06:00 to 2098-03-09 08:00: 01:00 03:00', 'New York: over the gap');
SELECT is(pg_temp.cut('America/New_York', '2098-03-09', '02:30', '04:00', 15),
	'2 slots, 2098-03-09 07:30 to 2098-03-09 08:00: 03:30 03:45', 'New York: from within the gap');
SELECT is(pg_temp.cut('America/New_York', '2098-03-09', '01:00', '02:30', 30),
	'3 slots, 2098-03-09 06:00 to 2098-03-09 07:30: 01:00 01:30 03:00', 'New York: into the gap');
SELECT is(pg_temp.cut('America/New_York', '2098-11-02', '00:00', '03:00', 60),
	'4 slots, 2098-11-02 04:00 to 2098-11-02 08:00: 00:00 01:00 01:00 02:00', 'New York: over the fold');
SELECT is(pg_temp.cut('America/New_York', '2098-11-02', '01:30', '02:30', 30),
	'2 slots, 2098-11-02 06:30 to 2098-11-02 07:30: 01:30 02:00', 'New York: from within the fold');
SELECT is(pg_temp.cut('America/New_York', '2098-11-02', '00:30', '01:30', 30),
	'4 slots, 2098-11-02 04:30 to 2098-11-02 06:30: 00:30 01:00 01:30 01:00', 'New York: into the fold');

-- Lord Howe moves by half an hour: 02:00 at +10:30 is 02:30 at +11; 02:00 at +11 is 01:30.
SELECT is(pg_temp.cut('Australia/Lord_Howe', '2098-10-05', '01:00', '03:00', 30),
	'3 slots, 2098-10-04 14:30 to 2098-10-04 16:00: 01:00 01:30 02:30', 'Lord Howe: over the gap');
SELECT is(pg_temp.cut('Australia/Lord_Howe', '2098-10-05', '01:00', '03:00', 60),
	'1 slots, 2098-10-04 14:30 to 2098-10-04 15:30: 01:00', 'Lord Howe: hours over the gap, the last half is left');
SELECT is(pg_temp.cut('Australia/Lord_Howe', '2098-10-05', '02:15', '03:15', 15),
	'2 slots, 2098-10-04 15:45 to 2098-10-04 16:15: 02:45 03:00', 'Lord Howe: from within the gap');
SELECT is(pg_temp.cut('Australia/Lord_Howe', '2098-04-06', '01:00', '03:00', 30),
	'5 slots, 2098-04-05 14:00 to 2098-04-05 16:30: 01:00 01:30 01:30 02:00 02:30', 'Lord Howe: over the fold');
SELECT is(pg_temp.cut('Australia/Lord_Howe', '2098-04-06', '01:00', '01:45', 15),
	'5 slots, 2098-04-05 14:00 to 2098-04-05 15:15: 01:00 01:15 01:30 01:45 01:30', 'Lord Howe: into the fold');

-- Quarter hours, and half hours that move.
SELECT is(pg_temp.cut('Asia/Kathmandu', '2098-06-01', '09:00', '10:00', 15),
	'4 slots, 2098-06-01 03:15 to 2098-06-01 04:15: 09:00 09:15 09:30 09:45', 'Kathmandu: three quarters of an hour off');
SELECT is(pg_temp.cut('America/St_Johns', '2098-03-09', '01:30', '03:30', 30),
	'2 slots, 2098-03-09 05:00 to 2098-03-09 06:00: 01:30 03:00', 'St John''s: over the gap');
SELECT is(pg_temp.cut('America/St_Johns', '2098-11-02', '00:30', '02:30', 30),
	'6 slots, 2098-11-02 03:00 to 2098-11-02 06:00: 00:30 01:00 01:30 01:00 01:30 02:00', 'St John''s: over the fold');

-- The end of the day.
SELECT is(pg_temp.cut('Pacific/Apia', '2098-06-02', '23:00', '24:00', 30),
	'2 slots, 2098-06-02 10:00 to 2098-06-02 11:00: 23:00 23:30', 'Apia: to 24:00');
SELECT is(pg_temp.cut('Asia/Kathmandu', '2098-12-31', '23:30', '24:00', 30),
	'1 slots, 2098-12-31 17:45 to 2098-12-31 18:15: 23:30', 'Kathmandu: to 24:00 on New Year''s Eve');
SELECT is(pg_temp.cut('Europe/London', '2098-10-25', '23:00', '24:00', 60),
	'1 slots, 2098-10-25 22:00 to 2098-10-25 23:00: 23:00', 'London: to 24:00 on the eve of the change');

-- Sessions that meet at a change are neighbours: they neither overlap nor leave time out.
SELECT results_eq(format($$
	WITH sessions AS MATERIALIZED (
		SELECT day, s.starts_at, s.ends_at
		FROM (VALUES ('2098-03-30'::date, '00:00'::time, '01:00'::time), ('2098-03-30', '02:00', '04:00'),
					 ('2098-10-26', '00:00', '01:00'), ('2098-10-26', '01:00', '02:00'), ('2098-10-26', '02:00', '04:00')) t (day, s, e),
			 booking.add_time_slots(%s, day, t.s, t.e, 60) s)
	SELECT day, count(*), range_agg(tstzrange(starts_at, ends_at)) FROM sessions GROUP BY day ORDER BY day$$, :london),
	$$VALUES ('2098-03-30'::date, 3::bigint, '{[2098-03-30 00:00+00, 2098-03-30 03:00+00)}'::tstzmultirange),
			 ('2098-10-26', 5, '{[2098-10-25 23:00+00, 2098-10-26 04:00+00)}')$$,
	'London: sessions that meet at the change');

-- Clashes are found by instant and told in local time, with the abbreviation that tells the passes apart.
SELECT is(pg_temp.refusal(format('SELECT booking.add_time_slots(%s, ''2098-10-26'', ''00:30'', ''01:30'', 30)', :london))::text,
	ROW('PT409', format('doctor %s has another time slot then', :london),
		'rule doctor_slots_do_not_overlap: the first one is from 2098-10-26 00:00 BST (Europe/London) to 2098-10-26 01:00 BST (Europe/London).',
		'Remove the other slot, or choose another time.', 'booking.time_slots', 'doctor_slots_do_not_overlap')::text,
	'London: a clash with the first pass');
SELECT is(pg_temp.refusal(format('SELECT booking.add_time_slots(%s, ''2098-10-26'', ''01:00'', ''02:00'', 30)', :london))::text,
	ROW('PT409', format('doctor %s has another time slot then', :london),
		'rule doctor_slots_do_not_overlap: the first one is from 2098-10-26 01:00 GMT (Europe/London) to 2098-10-26 02:00 GMT (Europe/London).',
		'Remove the other slot, or choose another time.', 'booking.time_slots', 'doctor_slots_do_not_overlap')::text,
	'London: a clash with the second pass');

-- on_date is the clinic's local date, wherever midnight in UTC is.
CREATE FUNCTION pg_temp.by_date(zone text, VARIADIC dates date[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	doctor bigint := pg_temp.doctor_in(zone);
BEGIN
	PERFORM booking.add_time_slots(doctor, day, start_time, end_time, 60)
	FROM unnest(dates) day,
		 (VALUES ('00:00'::time, '02:00'::time), ('11:00', '13:00'), ('22:00', '24:00')) t (start_time, end_time)
	ORDER BY day, start_time;
	RETURN QUERY
		SELECT format('%s: %s', wanted::date, string_agg(
			concat_ws(' ', nullif(local_date, wanted::date), to_char(local_start, 'HH24'), to_char(local_end, 'HH24')), ', ' ORDER BY starts_at))
		FROM generate_series(dates[1] - 1, dates[cardinality(dates)] + 1, interval '1 day') wanted,
			 booking.available_slots(doctor, on_date => wanted::date)
		GROUP BY wanted ORDER BY wanted;
END
$$;
SELECT results_eq(format('SELECT pg_temp.by_date(%L, ''2098-06-01'', ''2098-06-02'')', zone),
	$$VALUES ('2098-06-01: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-06-02: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00')$$,
	'on_date in ' || zone)
FROM unnest('{Pacific/Apia, Pacific/Honolulu, Asia/Kathmandu, America/St_Johns, Etc/GMT+12, Pacific/Kiritimati, UTC}'::text[]) zone;

SELECT results_eq($$SELECT pg_temp.by_date('Europe/London', '2098-10-25', '2098-10-26', '2098-10-27')$$,
	$$VALUES ('2098-10-25: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-10-26: 00 01, 01 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-10-27: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00')$$,
	'on_date in London, about a day of 25 hours');
SELECT results_eq($$SELECT pg_temp.by_date('Australia/Lord_Howe', '2098-10-04', '2098-10-05', '2098-10-06')$$,
	$$VALUES ('2098-10-04: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-10-05: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-10-06: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00')$$,
	'on_date on Lord Howe, about a day of 23 and a half hours');

-- Havana changes at midnight: 00:00 CST is 01:00 CDT, 01:00 CDT is 00:00 CST.
SELECT results_eq($$SELECT pg_temp.by_date('America/Havana', '2098-03-08', '2098-03-09', '2098-03-10')$$,
	$$VALUES ('2098-03-08: 00 01, 01 02, 11 12, 12 13, 22 23, 23 01'),
			 ('2098-03-09: 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-03-10: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00')$$,
	'on_date in Havana, where there is no midnight');
SELECT results_eq($$SELECT pg_temp.by_date('America/Havana', '2098-11-01', '2098-11-02', '2098-11-03')$$,
	$$VALUES ('2098-11-01: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-11-02: 00 00, 00 01, 01 02, 11 12, 12 13, 22 23, 23 00'),
			 ('2098-11-03: 00 01, 01 02, 11 12, 12 13, 22 23, 23 00')$$,
	'on_date in Havana, where midnight comes twice: both belong to the new day');

-- day_sheet and patient_appointments tell the same wall clock.
SELECT pg_temp.doctor_in('Australia/Lord_Howe') AS howe, pg_temp.patient() AS patient \gset
SELECT booking.book_slot(s.id, :patient) FROM booking.add_time_slots(:howe, '2098-04-06', '01:00', '02:00', 30) s;
SELECT results_eq(format('SELECT local_date, local_start, local_end, starts_at, ends_at, time_zone, state FROM booking.day_sheet WHERE doctor_id = %s ORDER BY starts_at', :howe),
	$$VALUES ('2098-04-06'::date, '01:00'::time, '01:30'::time, '2098-04-05 14:00+00'::timestamptz, '2098-04-05 14:30+00'::timestamptz, 'Australia/Lord_Howe', 'booked'),
			 ('2098-04-06', '01:30', '01:30', '2098-04-05 14:30+00', '2098-04-05 15:00+00', 'Australia/Lord_Howe', 'booked'),
			 ('2098-04-06', '01:30', '02:00', '2098-04-05 15:00+00', '2098-04-05 15:30+00', 'Australia/Lord_Howe', 'booked')$$,
	'day_sheet on Lord Howe');
SELECT results_eq(format('SELECT local_date, local_start, local_end, starts_at, ends_at, time_zone FROM booking.patient_appointments(%s)', :patient),
	$$VALUES ('2098-04-06'::date, '01:30'::time, '02:00'::time, '2098-04-05 15:00+00'::timestamptz, '2098-04-05 15:30+00'::timestamptz, 'Australia/Lord_Howe'),
			 ('2098-04-06', '01:30', '01:30', '2098-04-05 14:30+00', '2098-04-05 15:00+00', 'Australia/Lord_Howe'),
			 ('2098-04-06', '01:00', '01:30', '2098-04-05 14:00+00', '2098-04-05 14:30+00', 'Australia/Lord_Howe')$$,
	'patient_appointments on Lord Howe');

SELECT * FROM finish();
ROLLBACK;
