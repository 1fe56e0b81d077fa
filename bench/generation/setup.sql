-- Doctors who work eight hours a day, and where their slots go.
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
INSERT INTO booking.clinics (id, name, time_zone) SELECT n, 'Clinic ' || n, 'Europe/London' FROM generate_series(1, 20) AS n;
INSERT INTO booking.doctors (id, clinic_id, name) SELECT n, 1 + n % 20, 'Doctor ' || n FROM generate_series(1, :doctors) AS n;
INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes)
	SELECT n, weekday, '08:00', '16:00', 15 FROM generate_series(1, :doctors) AS n, generate_series(1, 7) AS weekday;

-- What the extension has on its table, without the trigger against overlaps; and with the exclusion
-- constraint that the trigger stands for.
CREATE TABLE plain (LIKE booking.time_slots INCLUDING ALL,
	FOREIGN KEY (clinic_id, doctor_id) REFERENCES booking.doctors (clinic_id, id)) WITH (fillfactor = 85);
CREATE TABLE gist (LIKE booking.time_slots INCLUDING ALL,
	FOREIGN KEY (clinic_id, doctor_id) REFERENCES booking.doctors (clinic_id, id),
	EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (deleted_at IS NULL))
	WITH (fillfactor = 85);

-- The slots that generate_slots makes, in its order.
CREATE TABLE wanted AS
	SELECT d.clinic_id, d.id AS doctor_id, at AS starts_at, at + interval '15 minutes' AS ends_at
	FROM booking.doctors d, generate_series((now() + interval '1 day')::date, (now() + interval '90 days')::date, '1 day') AS day,
		LATERAL generate_series((day::date + time '08:00') AT TIME ZONE 'Europe/London',
								(day::date + time '15:45') AT TIME ZONE 'Europe/London', '15 minutes') AS at
	ORDER BY d.id, at;
VACUUM ANALYZE;

CREATE FUNCTION cpu() RETURNS bigint LANGUAGE sql VOLATILE AS
	$$SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint$$;
