-- Doctors of twenty clinics, and how things are measured.
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
INSERT INTO booking.clinics (id, name, time_zone) SELECT n, 'Clinic ' || n, 'Europe/London' FROM generate_series(1, 20) AS n;
INSERT INTO booking.doctors (id, clinic_id, name, specialization)
	SELECT n, 1 + n % 20, 'Dr ' || n, 'Specialization ' || n % 25 FROM generate_series(1, :doctors) AS n;
INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes)
	SELECT n, weekday, '08:00', '16:00', 15 FROM generate_series(1, :doctors) AS n, generate_series(1, 7) AS weekday;

-- The same table with what the extension has on it, less the trigger against overlaps.
CREATE TABLE plain (LIKE booking.time_slots INCLUDING ALL);
ALTER TABLE plain ADD FOREIGN KEY (clinic_id, doctor_id) REFERENCES booking.doctors (clinic_id, id);
CREATE TABLE no_key (LIKE booking.time_slots INCLUDING ALL);
CREATE TABLE gist (LIKE booking.time_slots INCLUDING ALL);
ALTER TABLE gist ADD FOREIGN KEY (clinic_id, doctor_id) REFERENCES booking.doctors (clinic_id, id),
	ADD EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (deleted_at IS NULL);
CREATE TABLE wanted AS
	SELECT d.clinic_id, d.id AS doctor_id, at AS starts_at, at + interval '15 minutes' AS ends_at
	FROM booking.doctors d, generate_series((now() + interval '1 day')::date, (now() + :days * interval '1 day')::date, '1 day') AS day,
		LATERAL generate_series((day::date + time '08:00') AT TIME ZONE 'Europe/London', (day::date + time '15:45') AT TIME ZONE 'Europe/London', '15 minutes') AS at
	ORDER BY d.id, at;
VACUUM ANALYZE;

CREATE TABLE measured (what text, size text, round int, rows bigint, seconds float, cpu_seconds float);
-- Of this backend: user and system time.
CREATE FUNCTION cpu() RETURNS float LANGUAGE sql VOLATILE AS $$
	SELECT (split_part(stat, ' ', 14)::float + split_part(stat, ' ', 15)::float) / 100
	FROM pg_read_file('/proc/self/stat', 0, 1000) AS stat
$$;
CREATE PROCEDURE measure(what text, size text, round int, command text, times int DEFAULT 1) LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
	start_cpu float := cpu();
	amount bigint := 0;
BEGIN
	FOR i IN 1..times LOOP
		EXECUTE command;
		GET DIAGNOSTICS amount = ROW_COUNT;
	END LOOP;
	INSERT INTO measured VALUES (what, size, round, amount, extract(epoch FROM clock_timestamp() - start) / times, (cpu() - start_cpu) / times);
END
$$;
