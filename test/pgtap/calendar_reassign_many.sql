-- What it costs to hand slots to a substitute grows as their number does, not as its square, whatever
-- the server knew of the tables when the plans were made, and whatever else is in the book.
BEGIN;
SELECT plan(11);
\ir ../buffers.psql
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;

-- Two doctors a pair: so many slots of the first, a tenth of them booked, between them as many of the
-- second, and leave of the second and of the clinic's other doctors where there is no slot.
CREATE FUNCTION pg_temp.pair(slots int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	clinic bigint := (booking.add_clinic('Of ' || slots)).id;
	doctors bigint[] := ARRAY(SELECT (booking.add_doctor(clinic, 'Dr ' || n)).id FROM generate_series(1, 3) n);
	at timestamptz := '2090-01-01 00:00Z';
BEGIN
	UPDATE booking.clinics SET allow_patient_overlap = true WHERE id = clinic;
	INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
	SELECT clinic, doctors[d], t, t + interval '20 minutes'
	FROM generate_series(1, 2) d, generate_series(1, slots) n, LATERAL (SELECT at + n * interval '1 hour' + d * interval '20 minutes') s (t);
	INSERT INTO booking.time_off (clinic_id, doctor_id, starts_at, ends_at)
	SELECT clinic, doctors[d], t, t + interval '10 minutes'
	FROM generate_series(2, 3) d, generate_series(1, slots) n, LATERAL (SELECT at + n * interval '1 hour') s (t);
	PERFORM booking.book_slot(s.id, patient.id)
	FROM (SELECT min(id) AS id FROM booking.patients) patient, booking.time_slots s
	WHERE s.doctor_id = doctors[1] AND extract(hour FROM s.starts_at) IN (3, 13);
	RETURN doctors[1];
END
$$;
CREATE FUNCTION pg_temp.reassign(doctor bigint) RETURNS bigint LANGUAGE sql AS $$
	SELECT pg_temp.buffers(format('SELECT booking.reassign_slots(%s, %s, ''2090-01-01'', ''2092-01-01'')', doctor, doctor + 1))
$$;

SELECT lives_ok($$SELECT booking.add_patient('Ada Lovelace', 'ada@many.example.org')$$, 'a patient');
-- a session's first call reads the catalogue
SELECT cmp_ok(pg_temp.reassign(pg_temp.pair(10)), '>', 0::bigint, 'pages are counted');
CREATE TEMP TABLE cost AS SELECT 300 AS slots, pg_temp.pair(300) AS doctor;
ALTER TABLE cost ADD buffers bigint;
-- the plans are made while the tables are small
UPDATE cost SET buffers = pg_temp.reassign(doctor);
INSERT INTO cost SELECT 3000, pg_temp.pair(3000);
UPDATE cost SET buffers = pg_temp.reassign(doctor) WHERE slots = 3000;
ANALYZE booking.time_slots, booking.time_off, booking.appointments;
INSERT INTO cost SELECT 3001, pg_temp.pair(3001);
UPDATE cost SET buffers = pg_temp.reassign(doctor) WHERE slots = 3001;

SELECT is((SELECT count(*) FROM booking.time_slots WHERE doctor_id = cost.doctor + 1), 2::bigint * slots, format('%s slots went to the substitute', slots)) FROM cost;
SELECT is((SELECT count(*) FROM booking.appointments WHERE doctor_id = cost.doctor), 0::bigint, format('with every appointment of %s slots', slots)) FROM cost;
-- 32 of each, most of them in writing it and checking it against the constraints; it was 3,098 of 3,000
SELECT cmp_ok(buffers / slots, '<=', 60::bigint, format('%s slots: at most 60 pages are read of each', slots)) FROM cost;

SELECT * FROM finish();
ROLLBACK;
