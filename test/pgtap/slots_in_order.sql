-- Slots that one statement inserts in order are checked many at a time: none may slip through.
BEGIN;
\ir helpers.psql

SELECT plan(13);

SELECT pg_temp.doctor_in('UTC') AS doctor \gset

-- The n-th of 200 slots of ten minutes, side by side.
CREATE FUNCTION pg_temp.start(n int) RETURNS timestamptz LANGUAGE sql AS $$
	SELECT '2098-06-01 00:00+00'::timestamptz + n * interval '10 minutes'
$$;
CREATE FUNCTION pg_temp.add(doctor bigint, n int, starts timestamptz, length interval) RETURNS text LANGUAGE sql AS $$
	SELECT format('(%s, %s, %L::timestamptz, %L::timestamptz)', (SELECT clinic_id FROM booking.doctors WHERE id = doctor), doctor, starts, starts + length)
$$;
-- Tries to insert the 200, and another slot with the n-th.
CREATE FUNCTION pg_temp.insert_run(doctor bigint, n int, starts timestamptz, length interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows text;
BEGIN
	SELECT string_agg(pg_temp.add(doctor, i, pg_temp.start(i), '10 minutes'), ', ' ORDER BY i) ||
		CASE WHEN n IS NULL THEN '' ELSE ', ' || pg_temp.add(doctor, n, starts, length) END
	FROM generate_series(0, 199) i INTO rows;
	RETURN coalesce((pg_temp.refusal('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)'
		' SELECT * FROM (VALUES ' || rows || ') AS v (clinic_id, doctor_id, starts_at, ends_at) ORDER BY starts_at')).sqlstate, 'accepted');
END
$$;
-- The same when the other slot is there before.
CREATE FUNCTION pg_temp.insert_run_around(doctor bigint, n int, starts timestamptz, length interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	sqlstate text;
BEGIN
	EXECUTE 'INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES ' || pg_temp.add(doctor, n, starts, length);
	sqlstate := pg_temp.insert_run(doctor, NULL, NULL, NULL);
	DELETE FROM booking.time_slots WHERE doctor_id = insert_run_around.doctor;
	RETURN sqlstate;
END
$$;

SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run(:doctor, n, pg_temp.start(n) + interval '5 minutes', '5 minutes'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'a slot within any of them is refused');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run(:doctor, n, pg_temp.start(n) - interval '5 minutes', '5 minutes 1 microsecond'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'one that ends a microsecond into any of them');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run(:doctor, n, pg_temp.start(n + 1) - interval '1 microsecond', '5 minutes'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'one that starts a microsecond before the end of any');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run(:doctor, n, pg_temp.start(n) - interval '1 microsecond', '8 hours'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'one that begins before and lasts beyond');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run(:doctor, n, pg_temp.start(n), '10 minutes'), ' ') FROM generate_series(0, 199) n),
	'23505', 'one that starts with any of them');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run_around(:doctor, n, pg_temp.start(n) + interval '5 minutes', '5 minutes'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'one that was there before, within any of them');
SELECT is((SELECT string_agg(DISTINCT pg_temp.insert_run_around(:doctor, n, pg_temp.start(n + 1) - interval '1 microsecond', '8 hours'), ' ') FROM generate_series(0, 199) n),
	'23P01', 'one that was there before, from the end of any');
SELECT is((SELECT count(*) FROM booking.time_slots WHERE doctor_id = :doctor), 0::bigint, 'nothing of it was kept');

SELECT is(pg_temp.insert_run_around(:doctor, 0, pg_temp.start(0) - interval '8 hours', '8 hours'), 'accepted', 'the longest before them is no overlap');
SELECT is(pg_temp.insert_run_around(:doctor, 0, pg_temp.start(200), '8 hours'), 'accepted', 'nor the longest after them');
SELECT is(pg_temp.insert_run(:doctor, NULL, NULL, NULL), 'accepted', 'and they themselves do not overlap');

-- A trigger of somebody else's that moves each slot as it comes, onto the one before.
CREATE FUNCTION pg_temp.move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE booking.time_slots SET starts_at = starts_at - interval '5 minutes', ends_at = ends_at - interval '5 minutes' WHERE id = NEW.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER a_first AFTER INSERT ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.move();
SELECT is(pg_temp.insert_run(:doctor, NULL, NULL, NULL), 'accepted', 'slots that a trigger moves one after the other keep apart');
DROP TRIGGER a_first ON booking.time_slots;
CREATE TRIGGER z_last AFTER INSERT ON booking.time_slots FOR EACH ROW WHEN (extract(minute FROM NEW.starts_at) = 30) EXECUTE FUNCTION pg_temp.move();
SELECT is(pg_temp.insert_run(:doctor, NULL, NULL, NULL), '23P01', 'and one that it moves into another is refused, though it was checked before');

SELECT * FROM finish();
ROLLBACK;
