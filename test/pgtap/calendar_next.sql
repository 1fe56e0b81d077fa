-- next_available and available_slots find what a plain query finds, over random books and all their filters.
BEGIN;
SELECT plan(26);
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;
SELECT lives_ok('SELECT setseed(0.4)', 'seeded');

-- Clinics of every setting; the fifth is inactive, the sixth removed.
CREATE TEMP TABLE made AS
SELECT n, (booking.add_clinic('Clinic ' || n, time_zone => (ARRAY['UTC', 'Europe/London', 'Asia/Kathmandu'])[1 + n % 3])).id AS clinic
FROM generate_series(1, 6) AS n;
UPDATE booking.clinics SET min_notice = CASE n % 3 WHEN 0 THEN '5 days' ELSE '0' END::interval,
	booking_horizon = CASE n % 2 WHEN 0 THEN interval '20 days' END, is_active = n <> 5
FROM made WHERE clinic = id;
CREATE TEMP TABLE doctor AS
SELECT n, (booking.add_doctor(clinic, 'Dr ' || n || '.' || d, (ARRAY['Cardiology', 'CARDIOLOGY', 'Dermatology', NULL, 'Rare'])[1 + (d * 7 + n) % 5])).*
FROM made, generate_series(1, 20) AS d;
UPDATE booking.doctors SET is_active = random() < 0.9 WHERE id IN (SELECT id FROM doctor);
UPDATE booking.doctors SET specialization = 'Oncology' WHERE id = (SELECT max(id) FROM doctor WHERE n = 1);
SELECT is((SELECT count(booking.remove_doctor(id)) FROM doctor WHERE id % 11 = 0) > 0, true, 'some doctors are removed');

-- Most slots are taken; some are held, some were, some are removed.
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available, held_until, deleted_at)
SELECT clinic_id, id, at, at + interval '30 minutes', random() < 0.15,
	CASE WHEN random() < 0.1 THEN now() + (random() - 0.5) * interval '2 days' END, CASE WHEN random() < 0.05 THEN now() END
FROM doctor, generate_series(-20, 30 * 24) AS hour, LATERAL (SELECT date_trunc('hour', now()) + hour * interval '1 hour' + id % 4 * interval '15 minutes' AS at) AS t
WHERE random() < 0.7;
SELECT is((SELECT count(booking.remove_clinic(clinic)) FROM made WHERE n = 6), 1::bigint, 'and a clinic');
ANALYZE booking.time_slots;

CREATE FUNCTION pg_temp.naive(wanted text, of_clinic bigint, of_doctors bigint[], from_time timestamptz, per_doctor int, max_slots int)
	RETURNS TABLE (slot_id bigint, starts_at timestamptz, local_start time) LANGUAGE sql STABLE AS $$
	SELECT s.id, s.starts_at, (s.starts_at AT TIME ZONE c.time_zone)::time
	FROM booking.clinics c JOIN booking.doctors d ON d.clinic_id = c.id,
		LATERAL (SELECT * FROM booking.time_slots s
				 WHERE s.doctor_id = d.id AND s.deleted_at IS NULL AND s.is_available
					AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
					AND s.starts_at > statement_timestamp() AND (from_time IS NULL OR s.starts_at >= from_time)
					AND s.starts_at >= statement_timestamp() + c.min_notice
					AND (c.booking_horizon IS NULL OR s.starts_at <= statement_timestamp() + c.booking_horizon)
				 ORDER BY s.starts_at LIMIT per_doctor) s
	WHERE (of_clinic IS NULL OR c.id = of_clinic) AND (of_doctors IS NULL OR d.id = ANY (of_doctors))
		AND (wanted IS NULL OR lower(d.specialization) = lower(wanted))
		AND d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL
	ORDER BY s.starts_at, d.id LIMIT max_slots
$$;

CREATE TEMP TABLE request AS
SELECT number, (ARRAY[NULL, NULL, 'cardiology', 'dermatology', 'RARE', 'Oncology', 'nobody'])[1 + floor(random() * 7)::int] AS wanted,
	CASE WHEN random() < 0.3 THEN (SELECT clinic FROM made WHERE n <> 6 OFFSET number % 5 LIMIT 1) END AS of_clinic,
	CASE WHEN random() < 0.3 THEN (SELECT array_agg(id) FROM doctor WHERE (id * 7919 + number) % 13 < 3) END AS of_doctors,
	CASE WHEN random() < 0.5 THEN now() + (random() * 34 - 2) * interval '1 day' END AS from_time,
	(ARRAY[1, 1, 2, 5, 100])[1 + floor(random() * 5)::int] AS per_doctor,
	(ARRAY[1, 5, 20, 20, 200, 1000])[1 + floor(random() * 6)::int] AS max_slots
FROM generate_series(1, 250) AS number;

CREATE TEMP TABLE found AS
SELECT number, (SELECT array_agg(row(slot_id, starts_at, local_start)::text)
				FROM booking.next_available(wanted, of_clinic, of_doctors, from_time, per_doctor, max_slots)) AS ours,
	(SELECT array_agg(row(slot_id, starts_at, local_start)::text)
	 FROM pg_temp.naive(wanted, of_clinic, of_doctors, from_time, per_doctor, max_slots)) AS naive
FROM request;
SELECT is_empty('SELECT * FROM found JOIN request USING (number) WHERE ours IS DISTINCT FROM naive', 'the same rows in the same order, 250 times');
SELECT cmp_ok((SELECT count(*) FROM found WHERE cardinality(ours) = 20), '>', 10::bigint, 'many of them full');
SELECT cmp_ok((SELECT count(*) FROM found WHERE cardinality(ours) > 100), '>', 5::bigint, 'some large');
-- or the search in the order of time would always have come to its end
SELECT cmp_ok((SELECT count(*) FROM booking.time_slots WHERE is_available AND deleted_at IS NULL AND starts_at > now() + interval '5 days' AND held_until IS NULL),
	'>', 2000::bigint, 'there are more free slots than are read in the order of time');
SELECT cmp_ok((SELECT count(*) FROM found WHERE ours IS NULL), '>', 10::bigint, 'some empty');

-- The same again with plans that stay the same whatever the arguments.
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is_empty($$SELECT number FROM request JOIN found USING (number)
	WHERE ours IS DISTINCT FROM (SELECT array_agg(row(slot_id, starts_at, local_start)::text)
		FROM booking.next_available(wanted, of_clinic, of_doctors, from_time, per_doctor, max_slots))$$, 'with generic plans too');
RESET plan_cache_mode;

SELECT is((SELECT max(slots) FROM (SELECT count(*) AS slots FROM booking.next_available(per_doctor => 3, max_slots => 1000) GROUP BY doctor_id) AS d), 3::bigint, 'per_doctor');
SELECT is((SELECT count(*) FROM booking.next_available(max_slots => 7)), 7::bigint, 'max_slots');
SELECT is((SELECT count(*) FROM booking.next_available()), 20::bigint, 'twenty of as many doctors unless told otherwise');
SELECT is((SELECT count(DISTINCT doctor_id) FROM booking.next_available()), 20::bigint, 'one each');
SELECT is((SELECT count(*) FROM booking.next_available(doctor_ids => '{}')), 0::bigint, 'no doctors, no slots');
SELECT is((SELECT count(*) FROM booking.next_available(doctor_ids => ARRAY[NULL, -1]::bigint[])), 0::bigint, 'unknown ones neither');
SELECT is((SELECT count(*) FROM booking.next_available(from_time => 'infinity')), 0::bigint, 'never is too late');
SELECT results_eq($$SELECT * FROM booking.next_available(from_time => '-infinity')$$, 'SELECT * FROM booking.next_available()', 'the past is from now on');

-- available_slots, by every way that it has: of one doctor, of few and of many, pages and all, of a date, and
-- from any place in the order on.
CREATE FUNCTION pg_temp.naive(of_doctor bigint, day date, of_clinic bigint, wanted text, from_time timestamptz, until_time timestamptz, after_doctor bigint)
	RETURNS TABLE (slot_id bigint, doctor_id bigint, starts_at timestamptz, local_date date) LANGUAGE sql STABLE AS $$
	SELECT s.id, d.id, s.starts_at, (s.starts_at AT TIME ZONE c.time_zone)::date
	FROM booking.clinics c JOIN booking.doctors d ON d.clinic_id = c.id JOIN booking.time_slots s ON s.doctor_id = d.id
	WHERE s.deleted_at IS NULL AND s.is_available AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
		AND s.starts_at > statement_timestamp() AND s.starts_at >= statement_timestamp() + c.min_notice
		AND (c.booking_horizon IS NULL OR s.starts_at <= statement_timestamp() + c.booking_horizon)
		AND (from_time IS NULL OR s.starts_at >= from_time) AND (until_time IS NULL OR s.starts_at < until_time)
		AND (after_doctor IS NULL OR (s.starts_at, d.id) > (from_time, after_doctor))
		AND (day IS NULL OR (s.starts_at AT TIME ZONE c.time_zone)::date = day)
		AND (of_clinic IS NULL OR c.id = of_clinic) AND (of_doctor IS NULL OR d.id = of_doctor) AND (wanted IS NULL OR lower(d.specialization) = lower(wanted))
		AND d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL
	ORDER BY s.starts_at, d.id
$$;
CREATE TEMP TABLE list_request AS
SELECT number, CASE WHEN random() < 0.3 THEN (SELECT d.id FROM doctor d JOIN booking.doctors b USING (id) WHERE b.deleted_at IS NULL AND d.n < 6 ORDER BY d.id % 17, d.id OFFSET number % 70 LIMIT 1) END AS of_doctor,
	CASE WHEN random() < 0.25 THEN (now() + (random() * 24 - 2) * interval '1 day')::date END AS day,
	CASE WHEN random() < 0.3 THEN (SELECT clinic FROM made WHERE n <> 6 OFFSET number % 5 LIMIT 1) END AS of_clinic,
	(ARRAY[NULL, NULL, NULL, NULL, 'cardiology', 'dermatology', 'RARE', 'nobody'])[1 + floor(random() * 8)::int] AS wanted,
	CASE WHEN random() < 0.5 THEN date_trunc('hour', now()) + (random() * 30 * 24 - 48)::int * interval '1 hour' + (number % 4) * interval '15 minutes' END AS from_time,
	CASE WHEN random() < 0.3 THEN now() + (random() * 20 + 10) * interval '1 day' END AS until_time,
	CASE WHEN random() < 0.5 THEN (SELECT id FROM doctor ORDER BY id OFFSET number % 110 LIMIT 1) END AS after_doctor,
	(ARRAY[NULL, 1, 5, 20, 100, 100, 1000, 10000])[1 + floor(random() * 8)::int] AS max_slots
FROM generate_series(1, 250) AS number;
UPDATE list_request SET after_doctor = NULL WHERE from_time IS NULL;
UPDATE list_request SET until_time = NULL WHERE until_time < from_time;
CREATE FUNCTION pg_temp.list(r list_request) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(row(slot_id, doctor_id, starts_at, local_date)::text)
	FROM booking.available_slots(r.of_doctor, r.day, r.of_clinic, r.wanted, r.from_time, r.until_time, r.max_slots, r.after_doctor)
$$;
CREATE TEMP TABLE listed AS
SELECT number, pg_temp.list(r) AS ours,
	(SELECT array_agg(row(n.*)::text) FROM (SELECT * FROM pg_temp.naive(r.of_doctor, r.day, r.of_clinic, r.wanted, r.from_time, r.until_time, r.after_doctor) LIMIT r.max_slots) n) AS naive
FROM list_request r;
SELECT is_empty('SELECT * FROM listed JOIN list_request USING (number) WHERE ours IS DISTINCT FROM naive', 'available_slots: the same rows in the same order, 250 times more');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE cardinality(ours) = max_slots), '>', 30::bigint, 'many pages are full');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE cardinality(ours) > 1000), '>', 5::bigint, 'some are large');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE max_slots IS NULL AND ours IS NOT NULL), '>', 5::bigint, 'some are all that there is');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE of_doctor IS NOT NULL AND ours IS NOT NULL), '>', 5::bigint, 'some of one doctor');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE day IS NOT NULL AND of_doctor IS NULL AND ours IS NOT NULL), '>', 5::bigint, 'some of a date');
SELECT cmp_ok((SELECT count(*) FROM listed JOIN list_request USING (number) WHERE after_doctor IS NOT NULL AND ours IS NOT NULL), '>', 10::bigint, 'some from the middle on');
SELECT cmp_ok((SELECT count(*) FROM listed WHERE ours IS NULL), '>', 10::bigint, 'some empty');
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT is_empty('SELECT number FROM listed JOIN list_request r USING (number) WHERE ours IS DISTINCT FROM pg_temp.list(r)', 'with plans of their own too');
RESET plan_cache_mode;

SELECT * FROM finish();
ROLLBACK;
