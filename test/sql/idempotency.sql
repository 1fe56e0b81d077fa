-- The same patient's same key again is the same request: one appointment, one answer.
\i test/lifecycle.psql

SELECT id, idempotency_key FROM booking.book_slot(1, 1, 'ada-1');
SELECT a.* IS NOT DISTINCT FROM booking.book_slot(1, 1, 'ada-1') AS same_answer FROM booking.appointments a;
SELECT count(*) FROM booking.appointments;
TABLE story;
-- another patient's key is another key
SELECT id FROM booking.book_slot(2, 2, 'ada-1');
-- without a key, or with another, it is another request
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1, 1)');
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.book_slot(1, 1, 'ada-2')$$);
-- a key that was refused was not used
SELECT id FROM booking.book_slot(3, 1, 'ada-2');
-- the same key for another slot is a mistake, free or not, known or not
SELECT sqlstate, rule, message, follows_contract
FROM unnest(ARRAY[2, 4, 99]) slot, pg_temp.refusal(format('SELECT booking.book_slot(%s, 1, ''ada-1'')', slot)) ORDER BY slot;
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.hold_slot(4, 1, NULL, 'ada-1')$$);

-- The answer is the appointment as it is now: moved, arrived, cancelled. The key still stands
-- for the slot that was asked for.
SELECT slot_id FROM booking.reschedule_appointment(1, 4);
SELECT id, slot_id FROM booking.book_slot(1, 1, 'ada-1');
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.book_slot(4, 1, 'ada-1')$$);
SELECT status FROM booking.set_appointment_status(1, 'arrived');
SELECT id, status FROM booking.book_slot(1, 1, 'ada-1');
SELECT status FROM booking.cancel_appointment(1);
SELECT id, status FROM booking.book_slot(1, 1, 'ada-1');
SELECT bookable FROM slots WHERE slot = 1;

-- Nothing is judged again: the slot may have passed, the patient, doctor and clinic have left.
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	VALUES (19, 1, 1, now() - interval '2 hours', now() - interval '1 hour');
WITH made AS (
	INSERT INTO booking.appointments
		(id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, booked_at, idempotency_key)
	SELECT 500, id, 3, clinic_id, doctor_id, starts_at, ends_at, now(), 'edsger-1'
	FROM booking.time_slots WHERE id = 19 RETURNING *)
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
	SELECT id, slot_id, status, current_user FROM made;
UPDATE booking.time_slots SET is_available = false WHERE id = 19;
UPDATE booking.patients SET is_active = false WHERE id = 3;
UPDATE booking.doctors SET is_active = false WHERE id = 1;
UPDATE booking.clinics SET is_active = false WHERE id = 1;
SELECT id, status FROM booking.book_slot(19, 3, 'edsger-1');
UPDATE booking.patients SET is_active = true;
UPDATE booking.doctors SET is_active = true;
UPDATE booking.clinics SET is_active = true;

-- Holds: the same key is the same hold, and does not extend it; when it has expired it is gone,
-- for good, whether somebody took the slot since or not.
SELECT id, hold_expires_at FROM booking.hold_slot(5, 2, '30 minutes', 'alan-hold') \gset hold_
SELECT id = :hold_id AS same, hold_expires_at = :'hold_hold_expires_at' AS same_expiry, status
FROM booking.hold_slot(5, 2, '1 hour', 'alan-hold');
SELECT pg_temp.let_expire(:hold_id);
SELECT sqlstate, rule, follows_contract FROM pg_temp.refusal('SELECT booking.hold_slot(5, 2, NULL, ''alan-hold'')');
SELECT sqlstate, rule, follows_contract FROM pg_temp.refusal('SELECT booking.book_slot(5, 2, ''alan-hold'')');
SELECT status FROM booking.book_slot(5, 1);
SELECT sqlstate, rule, follows_contract FROM pg_temp.refusal('SELECT booking.hold_slot(5, 2, NULL, ''alan-hold'')');
-- one key for a hold and its booking: the same appointment, booked once
SELECT id FROM booking.hold_slot(1, 2, NULL, 'alan-both') \gset both_
SELECT id = :both_id AS same, status FROM booking.book_slot(1, 2, 'alan-both');
SELECT id = :both_id AS same, status FROM booking.book_slot(1, 2, 'alan-both');
SELECT id = :both_id AS same, status FROM booking.hold_slot(1, 2, NULL, 'alan-both');
-- the key that confirms a hold is remembered as well
SELECT id FROM booking.hold_slot(6, 2);
SELECT id, status FROM booking.book_slot(6, 2, 'alan-book');
SELECT id, status FROM booking.book_slot(6, 2, 'alan-book');
TABLE broken;

-- 1 to 255 characters, of any script; no other refusal comes first. All else is the key's own
-- business: case, blanks.
SELECT length(key), octet_length(key), r.sqlstate, r.rule, r.follows_contract
FROM unnest(ARRAY['', 'k', repeat('k', 255), repeat('k', 256), repeat('ü', 255), repeat('ü', 256),
				  repeat('𝄞', 255), repeat('k', 1024 * 1024)]) WITH ORDINALITY AS t(key, n),
	pg_temp.trial(format('SELECT booking.book_slot(7, 1, %L)', key)) r ORDER BY n;
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.hold_slot(7, 1, NULL, '')$$);
SELECT id FROM booking.book_slot(7, 1, 'Key');
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.book_slot(7, 1, 'key')$$);
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.book_slot(7, 1, 'Key ')$$);

-- Maintenance forgets a key: the row stays, and nothing else happened to it.
SELECT count(*) AS events FROM booking.appointment_events \gset
UPDATE booking.appointments SET idempotency_key = NULL WHERE idempotency_key = 'Key' RETURNING slot_id, status;
SELECT count(*) = :events AS no_event FROM booking.appointment_events;
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.book_slot(7, 1, 'Key')$$);
SELECT slot_id, idempotency_key FROM booking.book_slot(8, 1, 'Key');
-- but nobody sets or changes one
SELECT sqlstate, rule, message FROM pg_temp.refusal($$UPDATE booking.appointments SET idempotency_key = 'other' WHERE idempotency_key = 'Key'$$);
SELECT sqlstate, rule FROM pg_temp.refusal($$UPDATE booking.appointments SET idempotency_key = 'Key2' WHERE idempotency_key IS NULL$$);
TABLE broken;

-- An answer is given to who might book there: not to staff of another clinic, were the slot removed since, or
-- the appointment moved to where they do not work.
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(41, 1, 1, '2099-07-01 09:00+00', '2099-07-01 10:00+00'), (42, 1, 1, '2099-07-01 10:00+00', '2099-07-01 11:00+00');
SELECT id FROM booking.book_slot(41, 3, 'edsger-41') \gset gone_
SELECT status FROM booking.cancel_appointment(:gone_id);
SELECT deleted_at IS NOT NULL AS removed FROM booking.remove_time_slot(41);
SELECT id FROM booking.book_slot(42, 3, 'edsger-42') \gset moved_
SELECT slot_id FROM booking.reschedule_appointment(:moved_id, 14);
SET LOCAL ROLE booking_staff;
SELECT claims, slot, key, r.sqlstate, r.rule
FROM unnest(ARRAY['[1]', '[2]', '[1, 2]']) WITH ORDINALITY AS c(claims, n),
	(VALUES (41, 'edsger-41'), (42, 'edsger-42')) AS k(slot, key),
	pg_temp.trial(format('SET LOCAL request.jwt.claims = %L; SELECT booking.book_slot(%s, 3, %L)', format('{"role": "booking_staff", "clinic_ids": %s}', claims), slot, key)) r
ORDER BY slot, n;
RESET ROLE;
ROLLBACK;
