-- A patient's appointments do not overlap, wherever they are, unless the clinic allows it.
BEGIN;
\ir helpers.psql

SELECT plan(33);

SELECT pg_temp.doctor_in('Europe/London') AS doctor \gset
SELECT pg_temp.doctor_in('America/New_York') AS abroad \gset
SELECT pg_temp.patient() AS patient \gset
SELECT pg_temp.patient() AS other \gset

-- The patient's appointment is from 10:00 to 10:30 UTC.
SELECT pg_temp.slot(:doctor, '2098-06-01 10:00+00') AS held \gset
SELECT is((booking.book_slot(:held, :patient)).status, 'booked', 'the patient has an appointment');

-- Whether a slot elsewhere, from and to, can be booked: check_booking and book_slot agree.
CREATE FUNCTION pg_temp.verdict(doctor bigint, patient bigint, starts timestamptz, ends timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	slot bigint := pg_temp.slot(doctor, starts, ends - starts);
	dry text := coalesce((SELECT string_agg(rule, ' ') FROM booking.check_booking(slot, patient) WHERE NOT passed), 'booked');
	wet text := (pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', slot, patient)))."constraint";
BEGIN
	ASSERT dry = coalesce(wet, 'booked'), format('check_booking says %s, book_slot %s', dry, wet);
	DELETE FROM booking.time_slots WHERE id = slot;
	RETURN dry;
END
$$;

SELECT is(pg_temp.verdict(:abroad, :patient, starts::timestamptz, ends::timestamptz), verdict, starts || ' to ' || ends || ', ' || why)
FROM (VALUES
	('2098-06-01 09:30+00', '2098-06-01 10:00+00', 'booked', 'ends when the other starts'),
	('2098-06-01 10:30+00', '2098-06-01 11:00+00', 'booked', 'starts when the other ends'),
	('2098-06-01 10:00+00', '2098-06-01 10:30+00', 'patient_not_double_booked', 'the same'),
	('2098-06-01 09:45+00', '2098-06-01 10:00:00.000001+00', 'patient_not_double_booked', 'ends a microsecond into it'),
	('2098-06-01 10:29:59.999999+00', '2098-06-01 10:45+00', 'patient_not_double_booked', 'starts a microsecond before its end'),
	('2098-06-01 10:10+00', '2098-06-01 10:15+00', 'patient_not_double_booked', 'within it'),
	('2098-06-01 06:00+00', '2098-06-01 14:00+00', 'patient_not_double_booked', 'around it'),
	('2098-06-01 02:30+00', '2098-06-01 10:30+00', 'patient_not_double_booked', 'the longest that ends with it'),
	('2098-06-01 02:00+00', '2098-06-01 10:00+00', 'booked', 'the longest before it'),
	('2098-06-01 06:15-04', '2098-06-01 06:45-04', 'patient_not_double_booked', 'overlapping, in New York''s time'),
	('2098-06-01 10:00-04', '2098-06-01 10:30-04', 'booked', 'the same wall clock elsewhere'),
	('2098-06-02 10:00+00', '2098-06-02 10:30+00', 'booked', 'the next day')) t (starts, ends, verdict, why);

SELECT is(pg_temp.verdict(:abroad, :other, '2098-06-01 10:00+00', '2098-06-01 10:30+00'), 'booked', 'another patient then');

-- An appointment as long as a slot can be is found from its last minutes.
SELECT pg_temp.patient() AS busy \gset
SELECT pg_temp.slot(:doctor, '2098-06-03 08:00+00', '8 hours') AS longest \gset
SELECT is((booking.book_slot(:longest, :busy)).status, 'booked', 'the longest appointment');
SELECT is(pg_temp.verdict(:abroad, :busy, '2098-06-03 15:55+00', '2098-06-03 16:00+00'), 'patient_not_double_booked', 'its last five minutes');
SELECT is(pg_temp.verdict(:abroad, :busy, '2098-06-03 16:00+00', '2098-06-03 16:05+00'), 'booked', 'the five after it');

-- Which statuses keep the patient.
CREATE FUNCTION pg_temp.verdict_with(doctor bigint, patient bigint, slot bigint, new_status booking.appointment_status, expiry timestamptz DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	-- whatever the transitions: the guard is not what is tested here
	SET LOCAL session_replication_role = replica;
	UPDATE booking.appointments SET status = new_status, hold_expires_at = expiry WHERE slot_id = slot;
	SET LOCAL session_replication_role = origin;
	RETURN pg_temp.verdict(doctor, patient, '2098-06-01 10:15+00', '2098-06-01 10:45+00');
END
$$;
SELECT is(pg_temp.verdict_with(:abroad, :patient, :held, status, expiry), verdict, concat_ws(', expires ', status, expiry))
FROM (VALUES
	('proposed'::booking.appointment_status, NULL::timestamptz, 'booked'),
	('pending', now() + interval '1 hour', 'patient_not_double_booked'),
	('pending', now() - interval '1 microsecond', 'booked'),
	('booked', NULL, 'patient_not_double_booked'),
	('arrived', NULL, 'patient_not_double_booked'),
	('checked-in', NULL, 'patient_not_double_booked'),
	('fulfilled', NULL, 'patient_not_double_booked'),
	('noshow', NULL, 'patient_not_double_booked'),
	('cancelled', NULL, 'booked'),
	('entered-in-error', NULL, 'booked'),
	('waitlist', NULL, 'booked')) t (status, expiry, verdict);
SET LOCAL session_replication_role = replica;
UPDATE booking.appointments SET status = 'booked' WHERE slot_id = :held;
SET LOCAL session_replication_role = origin;

-- The clinic that books decides, not the one that has the other appointment.
UPDATE booking.clinics SET allow_patient_overlap = true WHERE id = (SELECT clinic_id FROM booking.doctors WHERE id = :abroad);
SELECT is(pg_temp.verdict(:abroad, :patient, '2098-06-01 10:00+00', '2098-06-01 10:30+00'), 'booked', 'a clinic that allows overlaps');
SELECT pg_temp.slot(:abroad, '2098-06-02 10:00+00') AS permitted \gset
SELECT is((booking.book_slot(:permitted, :patient)).status, 'booked', 'an appointment there');
SELECT is(pg_temp.verdict(:doctor, :patient, '2098-06-02 10:15+00', '2098-06-02 10:45+00'), 'patient_not_double_booked', 'does not let others overlap with it');
SELECT results_eq(format('SELECT starts_at FROM booking.patient_appointments(%s)', :patient),
	$$VALUES ('2098-06-02 10:00+00'::timestamptz), ('2098-06-01 10:00+00')$$, 'latest first');
SELECT pg_temp.slot(:abroad, '2098-06-01 10:00+00') AS twice \gset
SELECT is((booking.book_slot(:twice, :patient)).starts_at, '2098-06-01 10:00+00', 'two appointments at one time, as that clinic allows');

SELECT * FROM finish();
ROLLBACK;
