-- What "make demo" shows: an appointment book at work, in one read.
\set QUIET on
\pset footer off
\pset null ''
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;

\echo
\echo '  Two clinics open, each in its own time zone, with their doctors; and patients come.'
\echo
SELECT id AS london FROM booking.add_clinic('Harley Street Clinic', '10 Harley Street, London', 'Europe/London') \gset
SELECT id AS new_york FROM booking.add_clinic('Madison Avenue Clinic', '500 Madison Avenue, New York', 'America/New_York') \gset
SELECT id AS garrett FROM booking.add_doctor(:london, 'Dr Elizabeth Garrett', 'Cardiology') \gset
SELECT id AS lister FROM booking.add_doctor(:london, 'Dr Joseph Lister', 'Surgery') \gset
SELECT id AS apgar FROM booking.add_doctor(:new_york, 'Dr Virginia Apgar', 'Paediatrics') \gset
SELECT id AS ada FROM booking.add_patient('Ada Lovelace', 'ada@example.org') \gset
SELECT id AS mary FROM booking.add_patient('Mary Seacole', 'mary@example.org') \gset
SELECT id AS alan FROM booking.add_patient('Alan Turing', 'alan@example.org') \gset

SELECT c.name AS clinic, c.time_zone, d.name AS doctor, d.specialization
FROM booking.clinics c JOIN booking.doctors d ON d.clinic_id = c.id
ORDER BY d.id;

SELECT name AS patient, email FROM booking.patients ORDER BY id;

\echo '  A week of half hours, nine to noon by each clinic''s own clock.'
\echo
SELECT d.name AS doctor, min(s.starts_at AT TIME ZONE c.time_zone) AS first_local_start, count(*) AS slots
FROM booking.doctors d
	JOIN booking.clinics c ON c.id = d.clinic_id
	CROSS JOIN generate_series(1, 7) AS day
	CROSS JOIN LATERAL booking.add_time_slots(
		d.id, (now() AT TIME ZONE c.time_zone)::date + day, '09:00', '12:00', 30) s
GROUP BY d.id, d.name
ORDER BY d.id;

\echo '  Ada books the first free half hour of a cardiologist.'
\echo
SELECT slot_id AS wanted FROM booking.available_slots(specialization => 'cardiology', max_slots => 1) \gset
SELECT id AS appointment, status, slot_id, starts_at AT TIME ZONE 'Europe/London' AS local_start
FROM booking.book_slot(slot_id => :wanted, patient_id => :ada);
SELECT id AS appointment FROM booking.appointments WHERE slot_id = :wanted \gset

\echo '  Alan is a moment too late for the same one.'
\echo
\set ON_ERROR_STOP off
SELECT * FROM booking.book_slot(slot_id => :wanted, patient_id => :alan);
\set ON_ERROR_STOP on

\echo
\echo '  So he looks at what there is, and takes the next.'
\echo
SELECT slot_id, doctor_name, local_date, local_start, local_end, time_zone
FROM booking.available_slots(doctor_id => :garrett, max_slots => 3);

SELECT slot_id AS next FROM booking.available_slots(doctor_id => :garrett, max_slots => 1) \gset
SELECT id AS appointment, status, slot_id FROM booking.book_slot(:next, :alan);

\echo '  Mary keeps a slot in New York while she thinks, Ada moves hers to 11 o''clock,'
\echo '  and Dr Lister is not in at nine.'
\echo
SELECT slot_id AS held FROM booking.available_slots(doctor_id => :apgar, max_slots => 1) \gset
SELECT slot_id AS later FROM booking.available_slots(doctor_id => :garrett) WHERE local_start = '11:00' LIMIT 1 \gset
SELECT slot_id AS closed FROM booking.available_slots(doctor_id => :lister, max_slots => 1) \gset
SELECT h.status, date_trunc('second', h.hold_expires_at - h.created_at) AS for FROM booking.hold_slot(:held, :mary) h;
SELECT status, starts_at AT TIME ZONE 'Europe/London' AS local_start FROM booking.reschedule_appointment(:appointment, :later);
SELECT is_available FROM booking.set_slot_availability(:closed, false);

\echo '  The first day, doctor by doctor.'
\echo
\pset title 'Dr Elizabeth Garrett, Harley Street Clinic'
PREPARE day_sheet AS
SELECT local_date AS date, to_char(local_start, 'HH24:MI') AS "from", to_char(local_end, 'HH24:MI') AS "to",
	   state, patient_name AS patient
FROM booking.day_sheet d
WHERE doctor_id = $1
	AND local_date = (SELECT min(local_date) FROM booking.day_sheet WHERE doctor_id = $1)
ORDER BY starts_at;
EXECUTE day_sheet (:garrett);
\pset title 'Dr Joseph Lister, Harley Street Clinic'
EXECUTE day_sheet (:lister);
\pset title 'Dr Virginia Apgar, Madison Avenue Clinic'
EXECUTE day_sheet (:apgar);
\pset title

\echo '  What is still free this week.'
\echo
SELECT doctor_name AS doctor, specialization, clinic_name AS clinic, count(*) AS free,
	   min(local_date + local_start) AS first_local_start
FROM booking.available_slots(max_slots => 1000)
GROUP BY doctor_id, 1, 2, 3
ORDER BY doctor_id;
