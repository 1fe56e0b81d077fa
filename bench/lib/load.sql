-- A book of :doctors doctors, each with :slots slots: ten of 45 minutes a day, made 50 days at a
-- time, doctor by doctor, the first :past of such blocks in the past. What is past, and the next 30
-- days, is booked to 90%; what lies beyond is free.
-- The triggers and foreign keys are off, which the rows, being computed, cannot violate.
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
SET session_replication_role = replica;
SET synchronous_commit = off;
ALTER TABLE booking.time_slots DISABLE TRIGGER doctor_slots_do_not_overlap;

INSERT INTO booking.clinics (id, name, time_zone)
	SELECT n, 'Clinic ' || n, 'Europe/London' FROM generate_series(1, 20) AS n;
INSERT INTO booking.doctors (id, clinic_id, name, specialization)
	SELECT n, 1 + n % 20, 'Doctor ' || n, 'Specialization ' || n % 25 FROM generate_series(1, :doctors) AS n;
-- Slots go to 100,100 patients in turn. A day's ten slots are 500 apart from doctor to doctor, and among the
-- 500,000 of 1,000 doctors no multiple of 100,100 is within ten of one of 500: nobody comes twice a day.
INSERT INTO booking.patients (id, name, email)
	SELECT n, 'Patient ' || n, n || '@example.org' FROM generate_series(1, 100100) AS n;

INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, is_available)
	SELECT n + 1, 1 + doctor % 20, doctor, starts_at, starts_at + interval '45 minutes',
		day >= 30 OR hashint8(n) & 1023 < 102
	FROM generate_series(0::bigint, :doctors::bigint * :slots - 1) AS n,
		LATERAL (SELECT 1 + n / 500 % :doctors AS doctor, (n / 500 / :doctors - :past) * 50 + n % 500 / 10 AS day) AS d,
		LATERAL (SELECT date_trunc('day', now(), 'UTC') + interval '1 day 8 hours'
					+ day * interval '1 day' + n % 10 * interval '45 minutes' AS starts_at) AS t;
INSERT INTO booking.appointments
		(id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at)
	SELECT row_number() OVER (), id, 1 + id % 100100, clinic_id, doctor_id, starts_at, ends_at, 'booked', now()
	FROM booking.time_slots WHERE NOT is_available;
INSERT INTO booking.appointment_events (id, appointment_id, slot_id, to_status, actor_role)
	SELECT id, id, slot_id, status, 'booking_patient' FROM booking.appointments;
SELECT setval('booking.' || name || '_id_seq', highest) FROM (VALUES
	('clinics', 20), ('doctors', :doctors), ('patients', 100100), ('time_slots', (SELECT max(id) FROM booking.time_slots)),
	('appointments', (SELECT max(id) FROM booking.appointments)),
	('appointment_events', (SELECT max(id) FROM booking.appointment_events))) AS s (name, highest) \g /dev/null
ALTER TABLE booking.time_slots ENABLE ALWAYS TRIGGER doctor_slots_do_not_overlap;

-- What the measured sessions leave behind: their CPU time, in nanoseconds.
CREATE EXTENSION pg_walinspect;
CREATE UNLOGGED TABLE cost (cpu bigint);
CREATE FUNCTION cpu() RETURNS bigint LANGUAGE sql VOLATILE AS
	$$SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint$$;
-- Waits until all clients wait to start; one that has failed is no longer there.
CREATE PROCEDURE wait_for_clients() LANGUAGE plpgsql AS
$$
DECLARE
	waiting bigint := 0;
BEGIN
	WHILE waiting = 0 OR waiting < (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench') LOOP
		PERFORM pg_sleep(0.005), pg_stat_clear_snapshot();
		SELECT count(*) INTO waiting FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND NOT granted;
	END LOOP;
END
$$;
VACUUM ANALYZE;
