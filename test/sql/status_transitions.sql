-- Every status to every status, by function, by raw UPDATE and through the view: what the table
-- status_transitions allows, and nothing else.
\i test/lifecycle.psql

SELECT * FROM booking.status_transitions ORDER BY from_status, to_status;

-- What one way of asking says to one change of an appointment that starts then: the status it
-- has and the events it wrote, or how it was refused. Undone at once.
CREATE FUNCTION pg_temp.outcome(way text, from_status booking.appointment_status,
								to_status booking.appointment_status, starts timestamptz)
	RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made bigint;
	events bigint;
	rule text;
BEGIN
	made := pg_temp.live(from_status, starts);
	events := (SELECT count(*) FROM booking.appointment_events);
	EXECUTE format(CASE way
		WHEN 'function' THEN 'SELECT booking.set_appointment_status(%s, %L)'
		WHEN 'raw' THEN 'UPDATE booking.appointments SET status = %2$L WHERE id = %1$s'
		WHEN 'view' THEN 'UPDATE booking.bookings SET status = %2$L WHERE id = %1$s' END, made, to_status);
	RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = format('%s, %s events, %s broken',
		(SELECT a.status FROM booking.appointments a WHERE a.id = made),
		(SELECT count(*) FROM booking.appointment_events) - events,
		(SELECT count(*) FROM broken));
EXCEPTION
	WHEN SQLSTATE 'UNDO1' THEN RETURN SQLERRM;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
		RETURN SQLSTATE || ' ' || rule;
END
$$;

-- The clinic is where it is past noon now, so that no midnight comes between these times.
UPDATE booking.clinics SET time_zone =
	'Etc/GMT' || to_char(extract(hour FROM now() AT TIME ZONE 'UTC') - 12, 'FMSG99') WHERE id = 1;
SELECT extract(hour FROM now() AT TIME ZONE time_zone) AS hour FROM booking.clinics WHERE id = 1;
CREATE TEMP TABLE moments (day text, starts timestamptz, has_started boolean, is_today boolean);
INSERT INTO moments VALUES
	('the day before yesterday', now() - interval '2 days', true, false),
	('earlier today', now() - interval '2 hours', true, true),
	('later today', now() + interval '2 hours', false, true),
	('tomorrow', now() + interval '1 day', false, false);

CREATE TEMP TABLE tried AS
	SELECT m.*, way, from_status, to_status, allowed, pg_temp.outcome(way, from_status, to_status, starts)
	FROM moments m, unnest(ARRAY['function', 'raw', 'view']) way,
		unnest(enum_range(NULL::booking.appointment_status)) from_status
		CROSS JOIN unnest(enum_range(NULL::booking.appointment_status)) to_status
		LEFT JOIN booking.status_transitions t USING (from_status, to_status);

-- A status that is set to what it is: the function was asked for a change and refuses, an
-- UPDATE cannot tell that it was. All else has one outcome, whatever the way.
SELECT way, outcome, count(*) FROM tried WHERE from_status = to_status AND way = 'function' GROUP BY 1, 2;
SELECT way, outcome = from_status || ', 0 events, 0 broken' AS is_as_it_was, count(*)
FROM tried WHERE from_status = to_status AND way <> 'function' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT way, day, from_status, to_status, allowed, outcome
FROM tried
WHERE from_status <> to_status AND outcome IS DISTINCT FROM
	CASE WHEN allowed = 'always' OR allowed = 'after the start' AND has_started
			OR allowed = 'on the day' AND is_today
		THEN to_status || ', 1 events, 0 broken'
		ELSE 'PT409 status_transition' END;
SELECT day, count(*) FILTER (WHERE outcome LIKE '%events%') AS allowed, count(*) FILTER (WHERE outcome LIKE 'PT%') AS refused
FROM tried WHERE from_status <> to_status GROUP BY day, starts ORDER BY starts;

-- The refusal names what is allowed.
SELECT pg_temp.live('booked', now() + interval '2 hours') AS id \gset booked_
SELECT pg_temp.live('noshow', now() - interval '2 days') AS id \gset noshow_
SELECT pg_temp.live('entered-in-error', now()) AS id \gset error_
SELECT pg_temp.live('waitlist', now()) AS id \gset waiting_
SELECT r.*
FROM (VALUES (1, :booked_id, 'noshow'), (2, :noshow_id, 'booked'), (3, :error_id, 'booked'), (4, :waiting_id, 'booked'))
		AS t(n, id, status),
	pg_temp.refusal(format('SELECT booking.set_appointment_status(%s, %L)', id, status)) r ORDER BY n \gx

-- A no-show of today who comes after all keeps the slot, which nobody else could book.
SELECT pg_temp.live('noshow', now() - interval '5 minutes', 2) AS id \gset late_
SELECT status FROM booking.set_appointment_status(:late_id, 'arrived', reason => 'stuck in traffic');
SELECT from_status, to_status, reason FROM story WHERE appointment_id = :late_id;
TABLE broken;
ROLLBACK;
