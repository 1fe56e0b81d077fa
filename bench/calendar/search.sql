-- next_available and available_slots against plain queries, on 300,000 slots and on ten times as
-- many: the next 30 days are the same, the others are the past and what lies beyond.
SET client_min_messages = warning;
SELECT setseed(0.5) \g /dev/null
CREATE FUNCTION lateral_query(wanted text, of_clinic bigint) RETURNS SETOF record LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY
	SELECT s.id, c.id, c.name, d.id, d.name, d.specialization, s.starts_at, s.ends_at, c.time_zone
	FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id,
		LATERAL (SELECT * FROM booking.time_slots s
				 WHERE s.doctor_id = d.id AND s.deleted_at IS NULL AND s.is_available AND s.starts_at > now()
					AND (s.held_until IS NULL OR s.held_until <= now())
				 ORDER BY s.starts_at LIMIT 1) s
	WHERE d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL
		AND (wanted IS NULL OR lower(d.specialization) = lower(wanted)) AND (of_clinic IS NULL OR c.id = of_clinic)
	ORDER BY s.starts_at LIMIT 20;
END
$$;
-- Ten slots a day of 45 minutes each, 90% of them booked or 30%, all alike at random.
CREATE PROCEDURE fill(first int, last int, booked float) LANGUAGE sql AS $$
	INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available)
	SELECT clinic_id, d.id, at, at + interval '45 minutes', random() >= booked
	FROM booking.doctors d, generate_series(first, last) AS day, generate_series(0, 9) AS n,
		LATERAL (SELECT date_trunc('day', now()) + day * interval '1 day' + interval '8 hours' + (n * 45 + d.id % 3 * 15) * interval '1 minute' AS at) AS t
	ORDER BY day, random()
$$;
-- One round of everything, on the table as it is.
CREATE PROCEDURE measure_round(size text, round int) LANGUAGE plpgsql AS $$
DECLARE
	columns text := ' AS (a bigint, b bigint, c text, d bigint, e text, f text, g timestamptz, h timestamptz, i text)';
BEGIN
	CALL measure('next_available()', size, round, 'SELECT * FROM booking.next_available()', 100);
	CALL measure('LATERAL', size, round, 'SELECT * FROM lateral_query(NULL, NULL)' || columns, 20);
	CALL measure('next_available(specialization)', size, round, 'SELECT * FROM booking.next_available(specialization => ''specialization 7'')', 100);
	CALL measure('LATERAL with specialization', size, round, 'SELECT * FROM lateral_query(''specialization 7'', NULL)' || columns, 20);
	CALL measure('next_available(clinic_id)', size, round, 'SELECT * FROM booking.next_available(clinic_id => 7)', 100);
	CALL measure('LATERAL with clinic', size, round, 'SELECT * FROM lateral_query(NULL, 7)' || columns, 20);
	CALL measure('available_slots(doctor_id), 30 days', size, round, 'SELECT * FROM booking.available_slots(doctor_id => 77, until_time => now() + interval ''30 days'')', 100);
END
$$;
TRUNCATE booking.time_slots, booking.appointments, booking.generated_days;
CALL fill(0, 29, 0.9);
VACUUM ANALYZE booking.time_slots;
SELECT count(*) AS slots, pg_size_pretty(pg_total_relation_size('booking.time_slots')) AS size FROM booking.time_slots;
SELECT format('CALL measure_round(%L, %s)', '1x', round) FROM generate_series(1, :rounds) AS round \gexec
CALL fill(-180, -1, 0.9);
CALL fill(30, 119, 0.3);
VACUUM ANALYZE booking.time_slots;
SELECT count(*) AS slots, pg_size_pretty(pg_total_relation_size('booking.time_slots')) AS size FROM booking.time_slots;
SELECT format('CALL measure_round(%L, %s)', '10x', round) FROM generate_series(1, :rounds) AS round \gexec

SELECT what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE size = '1x') * 1000)::numeric, 3) AS "ms",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE size = '10x') * 1000)::numeric, 3) AS "ms with 10x",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_seconds) FILTER (WHERE size = '10x') * 1000)::numeric, 3) AS "ms of CPU with 10x",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE size = '10x')
		   / percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE size = '1x'))::numeric, 2) AS ratio
FROM measured GROUP BY what ORDER BY what;
