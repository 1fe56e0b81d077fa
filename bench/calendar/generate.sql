-- generate_slots, and INSERT ... SELECT of the same rows into tables with less or more on them.
\o /dev/null
SELECT count(*) AS rows FROM wanted \gset
\o
-- with overlaps excluded by GiST a tenth has to do
SELECT format($$
	TRUNCATE booking.time_slots, booking.appointments, booking.generated_days, plain, no_key, gist;
	CHECKPOINT;
	CALL measure('generate_slots', NULL, %1$s, 'SELECT booking.generate_slots((now() + interval ''1 day'')::date, (now() + interval ''%2$s days'')::date)');
	CHECKPOINT;
	CALL measure('INSERT ... SELECT', NULL, %1$s, 'INSERT INTO plain (clinic_id, doctor_id, starts_at, ends_at) TABLE wanted');
	CHECKPOINT;
	CALL measure('the same, no foreign key', NULL, %1$s, 'INSERT INTO no_key (clinic_id, doctor_id, starts_at, ends_at) TABLE wanted');
	CHECKPOINT;
	TRUNCATE booking.time_slots, booking.appointments;
	CALL measure('the same into time_slots', NULL, %1$s, 'INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) TABLE wanted');
	CHECKPOINT;
	CALL measure('the same, GiST', NULL, %1$s, 'INSERT INTO gist (clinic_id, doctor_id, starts_at, ends_at) SELECT * FROM wanted WHERE doctor_id %% 10 = 0');$$,
	round, :days) FROM generate_series(1, :rounds) AS round \gexec
UPDATE measured SET rows = CASE what WHEN 'the same, GiST' THEN :rows / 10 ELSE :rows END;

SELECT count(*) AS slots, count(*) = (SELECT count(*) FROM wanted) AS as_wanted FROM booking.time_slots;
SELECT what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY m.rows / m.seconds))::numeric, -2) AS "rows/s",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY m.rows / nullif(m.cpu_seconds, 0)))::numeric, -2) AS "rows/s of CPU",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY m.rows / m.seconds / (plain.rows / plain.seconds)))::numeric, 2) AS ratio,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY m.rows / m.cpu_seconds / (plain.rows / plain.cpu_seconds)))::numeric, 2) AS "ratio of CPU"
FROM measured m JOIN LATERAL (SELECT p.rows, p.seconds, p.cpu_seconds FROM measured p WHERE p.what = 'INSERT ... SELECT' AND p.round = m.round) AS plain ON true
GROUP BY what ORDER BY 2 DESC;
TRUNCATE measured;
