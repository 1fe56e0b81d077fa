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
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT id, 1, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 1;
CREATE TEMP VIEW second AS
	SELECT 1::bigint AS slot_id, 2::bigint AS patient_id, 1::bigint AS clinic_id, 1::bigint AS doctor_id,
		'2099-06-01 09:00'::timestamptz AS starts_at, '2099-06-01 10:00'::timestamptz AS ends_at;
SELECT status, raw.*
FROM unnest(enum_range(NULL::booking.appointment_status)) AS status,
	pg_temp.raw(format('INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
						SELECT *, %L, now() FROM second', status)) AS raw;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT *, 'cancelled' FROM second;
SELECT * FROM pg_temp.raw($$UPDATE booking.appointments SET status = 'booked'$$);
-- nor where the triggers do not fire, as in a session that applies another server's changes
SELECT * FROM pg_temp.raw($$SET LOCAL session_replication_role = replica; UPDATE booking.appointments SET status = 'booked'$$);
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
	(1, 1, '2099-06-01 09:00', '2099-06-01 10:00', '2020-01-01'),
	(1, 1, '2099-06-01 09:05', '2099-06-01 09:10', '2020-01-01');
SELECT * FROM pg_temp.raw($$UPDATE booking.time_slots SET deleted_at = NULL WHERE starts_at = '2099-06-01 09:00'$$);
SELECT * FROM pg_temp.raw($$UPDATE booking.time_slots SET deleted_at = NULL WHERE starts_at = '2099-06-01 09:05'$$);
-- a slot is not moved under its appointment, nor into another
SELECT * FROM pg_temp.raw($$UPDATE booking.time_slots SET ends_at = '2099-06-01 10:01' WHERE id = 1$$);
SELECT * FROM pg_temp.raw($$UPDATE booking.time_slots SET starts_at = '2099-06-01 09:59' WHERE id = 2$$);
-- no session_replication_role turns that off, as it turns off no constraint
SELECT * FROM pg_temp.raw($$SET LOCAL session_replication_role = replica; UPDATE booking.time_slots SET starts_at = '2099-06-01 09:59' WHERE id = 2$$);
SELECT * FROM pg_temp.raw($$SET LOCAL session_replication_role = replica; INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, '2099-06-01 09:59', '2099-06-01 10:04')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, '2099-06-01 09:59', '2099-06-01 10:04')$$) \gx
-- nor can it be put off until the end of the transaction
SELECT tgdeferrable, tginitdeferred, tgenabled FROM pg_trigger WHERE tgname = 'doctor_slots_do_not_overlap';
-- among slots of one statement, whatever their order
SELECT n, raw.*
FROM (VALUES (1, '09:00', '10:00', '09:30', '10:30'), (2, '09:30', '10:30', '09:00', '10:00'),
			 (3, '09:00', '17:00', '16:55', '17:00'), (4, '16:55', '17:00', '09:00', '17:00'),
			 (5, '09:00', '17:00', '17:00', '17:05')) AS pairs(n, start1, end1, start2, end2),
	pg_temp.raw(format('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES
						(1, 1, ''2099-06-09 %s'', ''2099-06-09 %s''), (1, 1, ''2099-06-09 %s'', ''2099-06-09 %s'')', start1, end1, start2, end2)) AS raw;

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
	('UPDATE booking.appointments SET slot_id = 77'),
	('UPDATE booking.appointments SET status = ''no such'''),
	('DELETE FROM booking.clinics WHERE id = 1'),
	('DELETE FROM booking.doctors WHERE id = 1'),
	('DELETE FROM booking.patients WHERE id = 1'),
	('DELETE FROM booking.time_slots WHERE id = 1')) AS commands(command),
	pg_temp.raw(command);

-- What an appointment, a schedule and time off can be.
SELECT values, raw.*
FROM (VALUES
	('2, 1, ''10:00'', ''11:00'', ''pending'', NULL'),
	('2, 1, ''10:00'', ''10:00'', ''booked'', NULL'),
	('2, 1, ''10:00'', ''11:00'', ''booked'', '''''),
	('2, 1, ''10:00'', ''11:00'', ''booked'', repeat(''x'', 256)'),
	('2, 1, ''10:00'', ''11:00'', ''booked'', repeat(''x'', 255)'),
	('2, 1, ''10:00'', ''11:00'', ''cancelled'', ''k''), (2, 1, 1, 1, now(), now() + ''1 hour'', ''cancelled'', ''k'''),
	('2, 77, ''10:00'', ''11:00'', ''booked'', NULL'),
	('77, 1, ''10:00'', ''11:00'', ''booked'', NULL')) AS appointments(values),
	pg_temp.raw(format('INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, idempotency_key) VALUES (%s)',
					   regexp_replace(values, '^(\w+, \w+), ''(.....)'', ''(.....)''', '\1, 1, 1, ''2099-06-01 \2'', ''2099-06-01 \3'''))) AS raw;
SELECT values, raw.*
FROM (VALUES
	('1, 1, ''09:00'', ''10:00'', 30, 0, NULL, NULL'),
	('1, 8, ''09:00'', ''10:00'', 30, 0, NULL, NULL'),
	('1, 1, ''09:00'', ''10:00'', 4, 0, NULL, NULL'),
	('1, 1, ''09:00'', ''09:20'', 30, 0, NULL, NULL'),
	('1, 1, ''24:00'', ''09:20'', 30, 0, NULL, NULL'),
	('1, 1, ''09:00'', ''10:00'', 30, 61, NULL, NULL'),
	('1, 1, ''09:00'', ''10:00'', 30, -1, NULL, NULL'),
	('1, 1, ''09:00'', ''10:00'', 30, 0, ''2099-02-01'', ''2099-01-01'''),
	('1, 7, ''22:00'', ''02:00'', 30, 0, NULL, NULL), (1, 1, ''01:00'', ''03:00'', 30, 0, NULL, NULL'),
	('1, 7, ''22:00'', ''02:00'', 30, 0, NULL, NULL), (1, 1, ''02:00'', ''03:00'', 30, 0, NULL, NULL'),
	('1, 1, ''09:00'', ''10:00'', 30, 0, NULL, ''2099-01-05''), (1, 1, ''09:00'', ''10:00'', 30, 0, ''2099-01-05'', NULL'),
	('1, 1, ''09:00'', ''10:00'', 30, 0, NULL, ''2099-01-05''), (1, 1, ''09:00'', ''10:00'', 30, 0, ''2099-01-06'', NULL'),
	('77, 1, ''09:00'', ''10:00'', 30, 0, NULL, NULL')) AS schedules(values),
	pg_temp.raw(format('INSERT INTO booking.schedules (doctor_id, weekday, start_time, end_time, slot_minutes, gap_minutes, valid_from, valid_until) VALUES (%s)', values)) AS raw;
SELECT values, raw.*
FROM (VALUES
	('1, NULL, ''2099-06-01'', ''2099-06-02'', NULL'),
	('1, NULL, ''2099-06-01'', ''2099-06-01'', NULL'),
	('1, NULL, ''2099-06-01'', ''2105-06-01'', NULL'),
	('1, NULL, ''-infinity'', ''2099-06-01'', NULL'),
	('1, NULL, ''2099-06-01'', ''infinity'', NULL'),
	('1, NULL, ''2099-06-01'', ''2099-06-02'', repeat(''x'', 501)'),
	('1, 77, ''2099-06-01'', ''2099-06-02'', NULL'),
	('77, NULL, ''2099-06-01'', ''2099-06-02'', NULL')) AS time_off(values),
	pg_temp.raw(format('INSERT INTO booking.time_off (clinic_id, doctor_id, starts_at, ends_at, reason) VALUES (%s)', values)) AS raw;

-- Whoever changes a slot or an appointment, updated_at is true.
UPDATE booking.time_slots SET updated_at = '2000-01-01' WHERE id = 2 RETURNING updated_at = now() AS updated_now;
UPDATE booking.appointments SET updated_at = '2000-01-01', status = 'cancelled' WHERE patient_id = 1
RETURNING updated_at = now() AS updated_now;

-- A trigger of somebody's own that keeps the slot from being booked is found out: the patient
-- gets no appointment in a slot that is still free.
CREATE FUNCTION pg_temp.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
SELECT * FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)') \gx
SELECT count(*) FROM booking.appointments WHERE slot_id = 2;
DROP TRIGGER skip ON booking.time_slots;
CREATE TRIGGER skip BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)');
SELECT is_available FROM booking.time_slots WHERE id = 2;

-- a free slot is not moved into time off, by whatever way
SELECT id AS moving FROM booking.add_time_slots(1, '2099-09-01', '09:00', '10:00', 60) \gset
SELECT FROM booking.add_days_off('2099-09-02', '2099-09-02', doctor_id => 1);
SELECT sqlstate, rule, follows_contract FROM pg_temp.trial(format(
	$$UPDATE booking.time_slots SET starts_at = '2099-09-02 09:00', ends_at = '2099-09-02 10:00' WHERE id = %s$$, :moving));
SELECT sqlstate FROM pg_temp.trial(format(
	$$UPDATE booking.time_slots SET starts_at = '2099-09-01 11:00', ends_at = '2099-09-01 12:00' WHERE id = %s$$, :moving));
ROLLBACK;
