-- Each rule of a booking: what breaks it, what the refusal says, and which rule comes first.
-- check_booking says the same without booking.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id FROM booking.add_doctor(1, 'Dr Tony Hoare');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT id FROM booking.add_time_slots(2, '2099-06-01', '09:15', '09:45', 30);

-- The refusal of booking slot 1, or another, for patient 1, or another. The first rule that
-- check_booking finds broken has to be the one that book_slot names.
CREATE FUNCTION pg_temp.booking(slot bigint DEFAULT 1, patient bigint DEFAULT 1)
	RETURNS TABLE (sqlstate text, rule text, "table" text, message text, detail text, hint text,
				   follows_contract boolean, first_in_check boolean)
	LANGUAGE sql AS $$
	SELECT r.sqlstate, r.rule, r."table", r.message, r.detail, r.hint, r.follows_contract,
		(SELECT (c.rule, c.sqlstate, c.message) = (r.rule, r.sqlstate, r.message)
		 FROM booking.check_booking(slot, patient) WITH ORDINALITY c
		 WHERE NOT c.passed ORDER BY c.ordinality LIMIT 1)
	FROM pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', slot, patient)) AS r
$$;
-- The rules that check_booking finds broken.
CREATE FUNCTION pg_temp.broken(slot bigint DEFAULT 1, patient bigint DEFAULT 1) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(rule ORDER BY ordinality) FROM booking.check_booking(slot, patient) WITH ORDINALITY WHERE NOT passed
$$;

-- For details that tell times relative to now.
CREATE FUNCTION pg_temp.masked(detail text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(detail, '\d{4}-\d\d-\d\d \d\d:\d\d (GMT|BST)', 'LOCAL TIME', 'g')
$$;

-- The whole chain in its order, and what of it cannot be judged of no slot or no patient. No other test prints it.
SELECT rule, booked.passed, no_slot.passed AS of_no_slot, no_patient.passed AS of_no_patient
FROM booking.check_booking(1, 1) WITH ORDINALITY AS booked
	FULL JOIN booking.check_booking(77, 1) AS no_slot USING (rule) FULL JOIN booking.check_booking(1, 77) AS no_patient USING (rule)
ORDER BY ordinality;

-- One rule at a time.
SAVEPOINT sound;
SELECT * FROM pg_temp.booking(slot => 77) \gx
SELECT id FROM booking.remove_time_slot(1);
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
SELECT id FROM booking.set_slot_availability(1, false);
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
SELECT id FROM booking.book_slot(1, 2);
SELECT * FROM pg_temp.booking() \gx
-- whose it is makes no difference: one's own appointment is not booked twice
SELECT rule FROM pg_temp.booking(patient => 2);
ROLLBACK TO sound;
SELECT id, status FROM booking.hold_slot(1, 2);
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
UPDATE booking.clinics SET is_active = false;
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
SELECT id FROM booking.remove_clinic(1);
SELECT rule, detail FROM pg_temp.booking();
ROLLBACK TO sound;
UPDATE booking.doctors SET is_active = false WHERE id = 1;
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
SELECT id FROM booking.remove_doctor(1);
SELECT rule, detail FROM pg_temp.booking();
ROLLBACK TO sound;
SELECT * FROM pg_temp.booking(patient => 77) \gx
SELECT id FROM booking.remove_patient(1);
SELECT rule, message, detail FROM pg_temp.booking();
ROLLBACK TO sound;
UPDATE booking.patients SET is_active = false WHERE id = 1;
SELECT * FROM pg_temp.booking() \gx
ROLLBACK TO sound;
SELECT id FROM booking.book_slot(3, 1);
SELECT * FROM pg_temp.booking() \gx
-- but an appointment that only touches, or that the clinic allows, is no obstacle
SET session_replication_role = replica;
UPDATE booking.appointments SET ends_at = '2099-06-01 08:30+00', starts_at = '2099-06-01 08:00+00';
SELECT rule FROM pg_temp.booking(slot => 2);
UPDATE booking.appointments SET ends_at = '2099-06-01 08:45+00', starts_at = '2099-06-01 08:15+00';
SET session_replication_role = origin;
UPDATE booking.clinics SET allow_patient_overlap = true;
SELECT sqlstate FROM pg_temp.booking();
ROLLBACK TO sound;
-- nor is one that was cancelled, or somebody else's
SELECT id FROM booking.book_slot(3, 1);
UPDATE booking.appointments SET status = 'cancelled';
SELECT sqlstate FROM pg_temp.booking();
ROLLBACK TO sound;
SELECT id FROM booking.book_slot(3, 2);
SELECT sqlstate FROM pg_temp.booking();
ROLLBACK TO sound;

-- one statement that books twice sees what it booked
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(1, 1), booking.book_slot(3, 1)');
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(1, 1), booking.book_slot(1, 2)');
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(1, 1), booking.book_slot(2, 1)');

-- Two slots relative to now, and one beyond the horizon.
UPDATE booking.time_slots SET starts_at = now(), ends_at = now() + interval '1 hour' WHERE id = 1;
SELECT sqlstate, rule, "table", message, pg_temp.masked(detail) AS detail, hint, first_in_check FROM pg_temp.booking() \gx
ROLLBACK TO sound;
UPDATE booking.clinics SET min_notice = '2 hours';
UPDATE booking.time_slots SET starts_at = now() + interval '1 hour', ends_at = now() + interval '90 minutes' WHERE id = 1;
SELECT sqlstate, rule, "table", message, pg_temp.masked(detail) AS detail, hint, first_in_check FROM pg_temp.booking() \gx
ROLLBACK TO sound;
UPDATE booking.clinics SET booking_horizon = '1 year';
SELECT sqlstate, rule, "table", message, pg_temp.masked(detail) AS detail, hint, first_in_check FROM pg_temp.booking() \gx
ROLLBACK TO sound;

-- Everything broken, then mended rule by rule: the first in the chain is the one that refuses,
-- and check_booking tells all of them.
UPDATE booking.clinics SET is_active = false, min_notice = '1 year', booking_horizon = '1 day';
UPDATE booking.doctors SET is_active = false;
UPDATE booking.patients SET is_active = false;
UPDATE booking.time_slots SET is_available = false, deleted_at = now(), starts_at = now() - interval '1 hour',
	ends_at = now() + interval '1 hour' WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.time_slots SET deleted_at = NULL WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT id, 2, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
DELETE FROM booking.appointments;
UPDATE booking.time_slots SET is_available = true WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.time_slots SET starts_at = now() + interval '2 days', ends_at = now() + interval '49 hours' WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.clinics SET is_active = true;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.doctors SET is_active = true;
SELECT rule, first_in_check, broken FROM pg_temp.booking(patient => 77), pg_temp.broken(patient => 77);
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.patients SET is_active = true;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.clinics SET min_notice = '0';
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
UPDATE booking.clinics SET booking_horizon = NULL;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT 3, 1, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 1;
SELECT rule, first_in_check, broken FROM pg_temp.booking(), pg_temp.broken();
DELETE FROM booking.appointments;
SELECT sqlstate, broken FROM pg_temp.broken(), pg_temp.booking();
ROLLBACK TO sound;

-- is_slot_available asks what does not depend on the patient.
SELECT * FROM pg_temp.refusal('SELECT booking.is_slot_available(77)') \gx
SELECT booking.is_slot_available(1);
UPDATE booking.patients SET is_active = false;
SELECT booking.is_slot_available(1);
UPDATE booking.doctors SET is_active = false;
SELECT booking.is_slot_available(1);
ROLLBACK TO sound;

-- Malformed requests get no further than the arguments.
SELECT * FROM pg_temp.refusal('SELECT booking.book_slot(NULL, 1)') \gx
SELECT call, sqlstate, message
FROM (VALUES ('book_slot(1, NULL)'), ('book_slot(1)'), ('check_booking(NULL, 1)'), ('check_booking(1)'),
			 ('is_slot_available(NULL)')) AS calls(call),
	pg_temp.refusal('SELECT booking.' || call);
ROLLBACK;

-- The patient who is refused is not named, nor the one whose appointment it is.
\i test/begin.psql
SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
INSERT INTO booking.patients (id, name, email)
VALUES (4711, 'Ada Lovelace', 'ada@example.org'), (4712, 'Alan Turing', 'alan@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '09:30', 30);
SELECT id FROM booking.book_slot(1, 4711);
UPDATE booking.patients SET is_active = false WHERE id = 4712;
SELECT rule, concat(message, detail, hint) ~ '4711|4712|4713|Ada|Alan|example' AS tells
FROM unnest('{4711,4712,4713}'::bigint[]) AS patient,
	pg_temp.refusal(format('SELECT booking.book_slot(1, %s)', patient));
SELECT rule, message ~ '4711|4712|4713|Ada|Alan|example' AS tells
FROM unnest('{4712,4713}'::bigint[]) AS patient, booking.check_booking(1, patient)
WHERE NOT passed;
ROLLBACK;

-- Who is refused has written nothing: the transaction has no id, and no WAL comes of it.
\i test/begin.psql
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, is_available) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00', true), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00', false);
SELECT id FROM booking.book_slot(1, 1);
CREATE FUNCTION pg_temp.wal_records(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, WAL, FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'WAL Records';
END
$$;
COMMIT;
BEGIN;
SELECT refusal.rule, wal.records
FROM (VALUES (1, 1), (2, 1), (1, 77), (77, 1)) AS calls(slot, patient),
	format('SELECT booking.book_slot(%s, %s)', slot, patient) AS call,
	pg_temp.refusal(call),
	pg_temp.wal_records(format('SELECT pg_temp.refusal(%L)', call)) AS wal(records);
SELECT txid_current_if_assigned() IS NULL AS wrote_nothing;
COMMIT;
SET client_min_messages = warning;
TRUNCATE booking.clinics, booking.patients, booking.appointment_events RESTART IDENTITY CASCADE;
