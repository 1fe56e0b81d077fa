-- The view bookings: reading, and writing by INSERT, UPDATE and DELETE.
\i test/lifecycle.psql

-- INSERT books and returns the row as people read it.
INSERT INTO booking.bookings (slot_id, patient_id) VALUES (1, 1)
RETURNING id, slot_id, patient_id, status, local_date, local_start, local_end, time_zone, doctor_name,
	clinic_name, patient_name, starts_at, ends_at, doctor_id, clinic_id, booked_at = now() AS booked_now,
	hold_expires_at, idempotency_key \gx
INSERT INTO booking.bookings (slot_id, patient_id, status) VALUES (11, 2, 'pending')
RETURNING id, status, local_date, local_start, local_end, time_zone, clinic_name,
	hold_expires_at > now() AS is_held;
INSERT INTO booking.bookings (slot_id, patient_id, status, idempotency_key) VALUES (2, 2, 'booked', 'k1')
RETURNING id, status, idempotency_key;
-- a key that was used gives the same appointment; the hold's key is one, too
INSERT INTO booking.bookings (slot_id, patient_id, idempotency_key) VALUES (2, 2, 'k1') RETURNING id, status;
INSERT INTO booking.bookings (slot_id, patient_id, status, idempotency_key) VALUES (3, 2, 'pending', 'k2') RETURNING id;
INSERT INTO booking.bookings (slot_id, patient_id, status, idempotency_key) VALUES (3, 2, 'pending', 'k2') RETURNING id;
-- for the patient the caller is
SET request.jwt.claims = '{"patient_id": 3, "sub": "auth|edsger"}';
INSERT INTO booking.bookings (slot_id) VALUES (4) RETURNING id, patient_name;
RESET request.jwt.claims;
-- several at once, all or none
INSERT INTO booking.bookings (slot_id, patient_id) VALUES (5, 1), (6, 1) RETURNING id;
SELECT sqlstate, rule FROM pg_temp.refusal('INSERT INTO booking.bookings (slot_id, patient_id) VALUES (7, 1), (6, 2)');
SELECT bookable FROM slots WHERE slot = 7;

-- UPDATE of status and slot_id
UPDATE booking.bookings SET status = 'booked' WHERE id = 2
RETURNING id, status, booked_at = now() AS booked_now, hold_expires_at;
UPDATE booking.bookings SET slot_id = 7 WHERE id = 1 RETURNING id, slot_id, local_start, starts_at;
UPDATE booking.bookings SET slot_id = 12, status = 'arrived' WHERE id = 1
RETURNING id, slot_id, status, local_date, local_start, time_zone, clinic_name;
UPDATE booking.bookings SET status = status, slot_id = slot_id, patient_name = patient_name WHERE id = 1
RETURNING id, status;
SELECT slot, bookable FROM slots WHERE slot IN (1, 7, 12);

-- DELETE cancels: the row stays
DELETE FROM booking.bookings WHERE id = 1 RETURNING id, patient_name, status;
SELECT id, status FROM booking.bookings WHERE id = 1;
SELECT * FROM story WHERE appointment_id = 1;
DELETE FROM booking.bookings WHERE clinic_name = 'Harley Street' AND patient_id = 2;
SELECT id, status FROM booking.bookings WHERE patient_id = 2 ORDER BY id;
-- an UPDATE of nothing is none
UPDATE booking.bookings SET status = 'arrived' WHERE id = 99;
DELETE FROM booking.bookings WHERE id = 99;
TABLE broken;

-- What is refused is refused as the functions do, and changes nothing.
SELECT pg_temp.state() AS before \gset
SELECT command, r.sqlstate, r.rule, r.message, r.follows_contract
FROM (VALUES
	(1, 'INSERT INTO booking.bookings (slot_id, patient_id) VALUES (4, 1)'),
	(2, 'INSERT INTO booking.bookings (slot_id, patient_id) VALUES (99, 1)'),
	(3, 'INSERT INTO booking.bookings (slot_id, patient_id) VALUES (7, 99)'),
	(4, 'INSERT INTO booking.bookings (slot_id) VALUES (7)'),
	(5, 'INSERT INTO booking.bookings (patient_id) VALUES (1)'),
	(6, 'INSERT INTO booking.bookings (slot_id, patient_id, status) VALUES (7, 1, ''arrived'')'),
	(7, 'INSERT INTO booking.bookings (slot_id, patient_id, status) VALUES (7, 1, ''nonsense'')'),
	(8, 'INSERT INTO booking.bookings (slot_id, patient_id, idempotency_key) VALUES (7, 1, '''')'),
	(9, 'INSERT INTO booking.bookings (slot_id, patient_id, idempotency_key) VALUES (7, 2, ''k1'')'),
	(10, 'UPDATE booking.bookings SET status = ''booked'' WHERE id = 1'),
	(11, 'UPDATE booking.bookings SET status = NULL WHERE id = 2'),
	(12, 'UPDATE booking.bookings SET slot_id = NULL WHERE id = 2'),
	(13, 'UPDATE booking.bookings SET slot_id = 4 WHERE id = 2'),
	(14, 'UPDATE booking.bookings SET patient_id = 2 WHERE id = 2'),
	(15, 'UPDATE booking.bookings SET patient_id = 1 WHERE id = 2'),
	(16, 'UPDATE booking.bookings SET id = 3 WHERE id = 2'),
	(17, 'UPDATE booking.bookings SET doctor_name = ''Dr No'', status = ''arrived'' WHERE id = 2'),
	(18, 'UPDATE booking.bookings SET starts_at = now() WHERE id = 2'),
	(19, 'DELETE FROM booking.bookings WHERE id = 1')) AS c(n, command),
	pg_temp.trial(command) r ORDER BY n;
SELECT pg_temp.state() = :'before' AS unchanged;

-- A role that reads the view sees through it what it may see of the tables, and no more.
CREATE ROLE regress_booking_clerk IN ROLE booking_admin;
CREATE ROLE regress_booking_stranger;
SET ROLE regress_booking_clerk;
INSERT INTO booking.bookings (slot_id, patient_id) VALUES (8, 1) RETURNING patient_name;
SELECT sqlstate FROM pg_temp.refusal('UPDATE booking.appointments SET patient_id = 2 WHERE id = 2');
RESET ROLE;
GRANT USAGE ON SCHEMA booking TO regress_booking_stranger;
GRANT SELECT ON booking.bookings TO regress_booking_stranger;
SET ROLE regress_booking_stranger;
SELECT * FROM booking.bookings;
RESET ROLE;
TABLE broken;
ROLLBACK;
