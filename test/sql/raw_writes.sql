-- The constraints are the truth, whoever writes: what INSERT and UPDATE cannot do either.
\i test/begin.psql

INSERT INTO booking.clinics (id, name, time_zone) VALUES (1, 'Harley Street', 'Europe/London'), (2, 'Wall Street', 'America/New_York');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper'), (2, 2, 'Dr Edsger Dijkstra');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org'), (2, 'Alan Turing', 'alan@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES
	(1, 1, 1, '2099-06-01 09:00', '2099-06-01 10:00'), (2, 1, 1, '2099-06-01 10:00', '2099-06-01 11:00');
ALTER SEQUENCE booking.time_slots_id_seq RESTART 3;

CREATE FUNCTION pg_temp.raw(command text, OUT sqlstate text, OUT violated text) LANGUAGE sql AS
	'SELECT sqlstate, coalesce(rule, message) FROM pg_temp.trial(command)';

-- One appointment a slot, of the statuses that occupy it; any number of the others.
INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT id, 1, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 1;
CREATE TEMP VIEW second AS
	SELECT 1::bigint AS time_slot_id, 2::bigint AS patient_id, 1::bigint AS clinic_id, 1::bigint AS doctor_id,
		'2099-06-01 09:00'::timestamptz AS starts_at, '2099-06-01 10:00'::timestamptz AS ends_at;
SELECT status, raw.*
FROM unnest(enum_range(NULL::booking.appointment_status)) AS status,
	pg_temp.raw(format('INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
						SELECT *, %L, now() FROM second', status)) AS raw;
INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT *, 'cancelled' FROM second;
SELECT * FROM pg_temp.raw($$UPDATE booking.appointments SET status = 'booked'$$);
-- book_slot turns neither that nor a slot that merely looks free into a double booking
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1, 2)');
UPDATE booking.time_slots SET is_available = true WHERE id = 1;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(1, 2)');

-- Live slots of a doctor never overlap; removed ones, and other doctors', do not count.
SELECT clinic, doctor, starts_at, ends_at, removed_at, raw.*
FROM (VALUES
	(1, 1, '09:00', '10:00', NULL),
	(1, 1, '10:30', '12:00', NULL),
	(1, 1, '09:30', '09:35', NULL),
	(1, 1, '08:00', '12:00', NULL),
	(1, 1, '08:00', '09:00', NULL),
	(1, 1, '11:00', '12:00', NULL),
	(2, 2, '09:00', '10:00', NULL),
	(1, 1, '09:00', '10:00', '2020-01-01')) AS slots(clinic, doctor, starts_at, ends_at, removed_at),
	pg_temp.raw(format('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, deleted_at)
						VALUES (%s, %s, ''2099-06-01 %s'', ''2099-06-01 %s'', %L)', clinic, doctor, starts_at, ends_at, removed_at)) AS raw;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, deleted_at) VALUES
	(1, 1, '2099-06-01 09:00', '2099-06-01 10:00', '2020-01-01');
SELECT * FROM pg_temp.raw('UPDATE booking.time_slots SET deleted_at = NULL');
SELECT * FROM pg_temp.raw($$UPDATE booking.time_slots SET ends_at = '2099-06-01 10:01' WHERE id = 1$$);

-- 5 minutes to 8 hours, between instants that exist, of a doctor of that clinic.
SELECT clinic, doctor, starts_at, ends_at, raw.*
FROM (VALUES
	(1, 1, '2099-07-01 09:00', '2099-07-01 09:04:59.999999'),
	(1, 1, '2099-07-01 09:00', '2099-07-01 09:05'),
	(1, 1, '2099-07-02 09:00', '2099-07-02 17:00'),
	(1, 1, '2099-07-03 09:00', '2099-07-03 17:00:00.000001'),
	(1, 1, '2099-07-04 09:00', '2099-07-04 09:00'),
	(1, 1, '2099-07-04 09:00', '2099-07-04 08:00'),
	(1, 1, '-infinity', '2099-07-04 08:00'),
	(1, 1, 'infinity', 'infinity'),
	(1, 1, '2099-07-04 09:00', 'infinity'),
	(1, 2, '2099-07-04 09:00', '2099-07-04 10:00'),
	(2, 1, '2099-07-04 09:00', '2099-07-04 10:00'),
	(7, 7, '2099-07-04 09:00', '2099-07-04 10:00')) AS slots(clinic, doctor, starts_at, ends_at),
	pg_temp.raw(format('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (%s, %s, %L, %L)',
					   clinic, doctor, starts_at, ends_at));

-- The settings of a clinic, and the rest.
SELECT command, raw.*
FROM (VALUES
	('UPDATE booking.clinics SET name = ''Wall Street'' WHERE id = 1'),
	('UPDATE booking.clinics SET name = '' x '''),
	('UPDATE booking.clinics SET name = NULL'),
	('UPDATE booking.clinics SET time_zone = NULL'),
	('UPDATE booking.clinics SET time_zone = '''''),
	('INSERT INTO booking.clinics (name, time_zone) VALUES (''No zone'', '''')'),
	('UPDATE booking.clinics SET address = repeat(''x'', 501)'),
	('UPDATE booking.clinics SET min_notice = ''-1 second'''),
	('UPDATE booking.clinics SET min_notice = ''1 year 1 second'''),
	('UPDATE booking.clinics SET min_notice = ''1 year'''),
	('UPDATE booking.clinics SET booking_horizon = ''0'''),
	('UPDATE booking.clinics SET booking_horizon = ''101 years'''),
	('UPDATE booking.clinics SET booking_horizon = ''1 second'''),
	('UPDATE booking.clinics SET hold_duration = ''0'''),
	('UPDATE booking.clinics SET hold_duration = ''61 minutes'''),
	('UPDATE booking.clinics SET idempotency_retention = ''59 minutes'''),
	('UPDATE booking.doctors SET name = '''''),
	('UPDATE booking.doctors SET specialization = repeat(''x'', 256)'),
	('UPDATE booking.doctors SET clinic_id = 7'),
	('UPDATE booking.doctors SET clinic_id = 2 WHERE id = 1'),
	('UPDATE booking.patients SET email = ''ADA@example.org'' WHERE id = 2'),
	('UPDATE booking.patients SET email = ''ada'''),
	('UPDATE booking.appointments SET status = ''pending'', hold_expires_at = NULL'),
	('UPDATE booking.appointments SET ends_at = starts_at'),
	('UPDATE booking.appointments SET idempotency_key = '''''),
	('UPDATE booking.appointments SET idempotency_key = repeat(''x'', 256)'),
	('UPDATE booking.appointments SET idempotency_key = ''k'', patient_id = 1'),
	('UPDATE booking.appointments SET patient_id = 77'),
	('UPDATE booking.appointments SET time_slot_id = 77'),
	('UPDATE booking.appointments SET status = ''no such'''),
	('DELETE FROM booking.clinics WHERE id = 1'),
	('DELETE FROM booking.doctors WHERE id = 1'),
	('DELETE FROM booking.patients WHERE id = 1'),
	('DELETE FROM booking.time_slots WHERE id = 1')) AS commands(command),
	pg_temp.raw(command);

-- Whoever changes a slot or an appointment, updated_at is true.
UPDATE booking.time_slots SET updated_at = '2000-01-01' WHERE id = 2 RETURNING updated_at = now() AS updated_now;
UPDATE booking.appointments SET updated_at = '2000-01-01', status = 'cancelled' WHERE patient_id = 1
RETURNING updated_at = now() AS updated_now;

-- A trigger of somebody's own that keeps the slot from being booked is found out: the patient
-- gets no appointment in a slot that is still free.
CREATE FUNCTION pg_temp.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
SELECT * FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)') \gx
SELECT count(*) FROM booking.appointments WHERE time_slot_id = 2;
DROP TRIGGER skip ON booking.time_slots;
CREATE TRIGGER skip BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)');
SELECT is_available FROM booking.time_slots WHERE id = 2;

ROLLBACK;
