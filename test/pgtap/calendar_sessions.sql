-- How working sessions are cut into slots on the days when clocks are changed, and on others.
-- session_slots depends on its arguments and the zone library alone.
BEGIN;
SELECT plan(31);
SET LOCAL timezone = 'UTC';

-- The slots' starts, in UTC; all are as long as asked for.
CREATE FUNCTION pg_temp.starts(on_date date, start_time time, end_time time, zone text, minutes int,
							   gap int DEFAULT 0)
	RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(to_char(starts_at, CASE WHEN starts_at::date = on_date THEN 'HH24:MI' ELSE 'DD"T"HH24:MI' END), ' '
					  ORDER BY starts_at)
	FROM booking.session_slots(on_date, start_time, end_time, zone, minutes, gap)
	WHERE ends_at = starts_at + minutes * interval '1 minute'
$$;

-- Europe/London: 01:00 GMT is 02:00 BST in March, 02:00 BST is 01:00 GMT in October.
SELECT is(pg_temp.starts('2027-03-28', '00:00', '03:00', 'Europe/London', 30), '00:00 00:30 01:00 01:30',
	'London 2027: a session that spans the gap is an hour shorter');
SELECT is(pg_temp.starts('2027-03-28', '01:30', '03:30', 'Europe/London', 30), '01:30 02:00',
	'London 2027: a session that starts in the gap starts an hour later by the clock');
SELECT is(pg_temp.starts('2027-03-28', '00:00', '01:30', 'Europe/London', 30), '00:00 00:30 01:00',
	'London 2027: a session that ends in the gap keeps its length');
SELECT is(pg_temp.starts('2027-03-28', '01:30', '02:15', 'Europe/London', 15), NULL,
	'London 2027: nothing is left of a session that starts in the gap and ends before its start');
SELECT is(pg_temp.starts('2027-10-31', '00:00', '03:00', 'Europe/London', 60), '30T23:00 00:00 01:00 02:00',
	'London 2027: a session that spans the fold is an hour longer');
SELECT is(pg_temp.starts('2027-10-31', '01:30', '03:00', 'Europe/London', 30), '01:30 02:00 02:30',
	'London 2027: a session that starts in the fold starts at the second of its two times');
SELECT is(pg_temp.starts('2027-10-31', '00:00', '01:30', 'Europe/London', 30), '30T23:00 30T23:30 00:00 00:30 01:00',
	'London 2027: a session that ends in the fold ends at the second of its two times');
SELECT is(pg_temp.starts('2028-03-26', '00:00', '03:00', 'Europe/London', 45), '00:00 00:45',
	'London 2028: what does not fill a slot is left over in the gap''s session');
SELECT is(pg_temp.starts('2028-03-26', '09:00', '10:00', 'Europe/London', 30), '08:00 08:30',
	'London 2028: the day goes on in summer time');
SELECT is(pg_temp.starts('2028-10-29', '00:30', '02:30', 'Europe/London', 60), '28T23:30 00:30 01:30',
	'London 2028: the fold again');

-- America/New_York: 02:00 EST is 03:00 EDT in March, 02:00 EDT is 01:00 EST in November.
SELECT is(pg_temp.starts('2027-03-14', '01:00', '04:00', 'America/New_York', 30), '06:00 06:30 07:00 07:30',
	'New York 2027: spanning the gap');
SELECT is(pg_temp.starts('2027-03-14', '02:30', '04:00', 'America/New_York', 30), '07:30',
	'New York 2027: starting in the gap');
SELECT is(pg_temp.starts('2027-03-14', '01:00', '02:30', 'America/New_York', 30), '06:00 06:30 07:00',
	'New York 2027: ending in the gap');
SELECT is(pg_temp.starts('2027-11-07', '00:00', '03:00', 'America/New_York', 60), '04:00 05:00 06:00 07:00',
	'New York 2027: spanning the fold');
SELECT is(pg_temp.starts('2027-11-07', '01:30', '02:30', 'America/New_York', 30), '06:30 07:00',
	'New York 2027: starting in the fold');
SELECT is(pg_temp.starts('2027-11-07', '00:30', '01:30', 'America/New_York', 30), '04:30 05:00 05:30 06:00',
	'New York 2027: ending in the fold');
SELECT is(pg_temp.starts('2028-03-12', '22:00', '06:00', 'America/New_York', 240), '13T02:00 13T06:00',
	'New York 2028: the night after the change is a plain one');
SELECT is(pg_temp.starts('2028-03-11', '22:00', '06:00', 'America/New_York', 60),
	'12T03:00 12T04:00 12T05:00 12T06:00 12T07:00 12T08:00 12T09:00',
	'New York 2028: a night shift over the gap has seven hours');
SELECT is(pg_temp.starts('2028-11-04', '22:00', '06:00', 'America/New_York', 60),
	'05T02:00 05T03:00 05T04:00 05T05:00 05T06:00 05T07:00 05T08:00 05T09:00 05T10:00',
	'New York 2028: a night shift over the fold has nine');

-- Australia/Lord_Howe: half an hour, +10:30 and +11:00, at 02:00.
SELECT is(pg_temp.starts('2027-10-03', '01:00', '03:00', 'Australia/Lord_Howe', 30), '02T14:30 02T15:00 02T15:30',
	'Lord Howe: half an hour less in October');
SELECT is(pg_temp.starts('2027-04-04', '01:00', '03:00', 'Australia/Lord_Howe', 30),
	'03T14:00 03T14:30 03T15:00 03T15:30 03T16:00',
	'Lord Howe: half an hour more in April');

SELECT is(pg_temp.starts('2027-06-01', '09:00', '10:00', 'Asia/Kathmandu', 20), '03:15 03:35 03:55', 'Kathmandu, +05:45');
SELECT is(pg_temp.starts('2027-07-01', '09:00', '10:00', 'America/St_Johns', 30), '11:30 12:00', 'St. John''s in summer, -02:30');
SELECT is(pg_temp.starts('2027-03-14', '01:00', '04:00', 'America/St_Johns', 60), '04:30 05:30', 'St. John''s: the gap');
SELECT is(pg_temp.starts('2011-12-29', '23:00', '01:00', 'Pacific/Apia', 60), '30T09:00 30T10:00',
	'Apia: the night of the 29th goes on on the 31st, as there was no 30th');
SELECT results_eq($$SELECT * FROM booking.session_slots('2011-12-30', '09:00', '10:00', 'Pacific/Apia', 60)$$,
	$$SELECT * FROM booking.session_slots('2011-12-31', '09:00', '10:00', 'Pacific/Apia', 60)$$,
	'Apia: the hours of the day that was skipped are the next day''s, as PostgreSQL has it');

-- Dates and ends.
SELECT is(pg_temp.starts('2028-02-29', '22:00', '02:00', 'Europe/London', 60), '22:00 23:00 01T00:00 01T01:00',
	'29 February 2028 ends on 1 March');
SELECT is(pg_temp.starts('2027-06-01', '22:00', '24:00', 'UTC', 60), '22:00 23:00', '24:00 is the end of the day');
SELECT is(pg_temp.starts('2027-06-01', '08:00', '08:00', 'UTC', 480), '08:00 16:00 02T00:00', 'a day and a night');
SELECT is(pg_temp.starts('2027-06-01', '09:00', '10:00', 'UTC', 20, 5), '09:00 09:25', 'gaps stand between slots only');

-- The half hours around midnight and the change as start and as end, on the days around it: each slot is of
-- its length, none overlaps the next, and the first starts where PostgreSQL says.
WITH days AS (
	SELECT zone, change::date + shift AS day
	FROM (VALUES ('Europe/London', '2027-03-28'), ('Europe/London', '2027-10-31'), ('Europe/London', '2028-03-26'),
				 ('Europe/London', '2028-10-29'), ('America/New_York', '2027-03-14'), ('America/New_York', '2027-11-07'),
				 ('America/New_York', '2028-03-12'), ('America/New_York', '2028-11-05'), ('Australia/Lord_Howe', '2027-04-04'),
				 ('Australia/Lord_Howe', '2027-10-03'), ('Asia/Kathmandu', '2027-06-01'), ('America/St_Johns', '2027-03-14'),
				 ('America/St_Johns', '2027-11-07'), ('Pacific/Apia', '2011-12-30'), ('America/Havana', '2027-03-14'),
				 ('Africa/Casablanca', '2027-02-07'), ('UTC', '2028-02-29')) AS changes(zone, change),
		generate_series(-1, 1) AS shift),
sessions AS (
	SELECT zone, day, start_time, end_time, minutes,
		(day + start_time) AT TIME ZONE zone AS first,
		(day + end_time + CASE WHEN end_time <= start_time THEN interval '1 day' ELSE '0' END) AT TIME ZONE zone AS last
	FROM days, (VALUES (25), (30)) AS lengths(minutes),
		(SELECT (n * interval '30 minutes')::time FROM generate_series(-6, 8) AS n) AS starts(start_time),
		(SELECT (n * interval '30 minutes')::time FROM generate_series(-6, 8) AS n
		 UNION ALL SELECT '24:00') AS ends(end_time)),
found AS (
	SELECT s.*, t.*, lag(t.ends_at) OVER w AS before,
		t.ends_at = t.starts_at + minutes * interval '1 minute' AS is_long,
		count(*) OVER (PARTITION BY zone, day, start_time, end_time, minutes) AS slots
	FROM sessions s, booking.session_slots(day, start_time, end_time, zone, minutes) AS t
	WINDOW w AS (PARTITION BY zone, day, start_time, end_time, minutes ORDER BY t.starts_at))
SELECT is(row(count(*) > 100000, count(*) FILTER (WHERE NOT is_long),
			  count(*) FILTER (WHERE starts_at <> coalesce(before, first)), count(*) FILTER (WHERE ends_at > last),
			  count(*) FILTER (WHERE slots <> floor(extract(epoch FROM last - first) / 60 / minutes)))::text,
	'(t,0,0,0,0)', 'all sessions of the days around: slots stand side by side from the first instant to the last')
FROM found;

SELECT * FROM finish();
ROLLBACK;
