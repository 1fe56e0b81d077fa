-- One round of maintenance: what it does, how much of it, and that it does nothing twice.
\i test/lifecycle.psql

-- The doctors of this book have no working hours, the clinics no old keys, and nothing is held.
TABLE booking.maintenance;
SELECT * FROM booking.maintain();
SELECT task, rows_done, updated_at = now() AS noted FROM booking.maintenance ORDER BY task;

-- Holds: the expired ones, at most so many at once; each leaves its event and frees its slot.
SELECT count(booking.hold_slot(s, 1, '1 microsecond')) FROM generate_series(1, 3) s;
SELECT status FROM booking.hold_slot(4, 1);
SELECT rows FROM booking.maintain(max_rows => 2) WHERE task = 'expire_holds';
SELECT rows FROM booking.maintain() WHERE task = 'expire_holds';
SELECT rows FROM booking.maintain() WHERE task = 'expire_holds';
TABLE story;
SELECT slot, is_available, held, bookable FROM slots WHERE slot <= 4;

-- Keys: each clinic forgets its own after its own time, whatever became of the appointment.
SELECT count(booking.book_slot(s, s - 4, 'key ' || s)) FROM generate_series(5, 7) s;
SELECT count(booking.book_slot(s, s - 10, 'key ' || s)) FROM generate_series(11, 13) s;
SET session_replication_role = replica;
UPDATE booking.appointments SET created_at = now() - interval '30 days' - CASE WHEN slot_id IN (5, 11) THEN interval '1 second' ELSE '0' END
WHERE idempotency_key IS NOT NULL;
SET session_replication_role = origin;
UPDATE booking.clinics SET idempotency_retention = '1 hour' WHERE id = 2;
SELECT rows FROM booking.maintain(max_rows => 3) WHERE task = 'forget_keys';
SELECT rows FROM booking.maintain(max_rows => 3) WHERE task = 'forget_keys';
SELECT rows FROM booking.maintain(max_rows => 3) WHERE task = 'forget_keys';
SELECT slot_id, status, idempotency_key FROM booking.appointments WHERE status = 'booked' ORDER BY id;
-- nothing happened to the appointments themselves; a forgotten key may be used again
SELECT count(*) FROM booking.appointment_events WHERE to_status = 'booked';
SELECT slot_id FROM booking.book_slot(8, 1, 'key 5');

-- Slots: from the clinic's today up to its horizon, or to that of the call where it has none.
UPDATE booking.clinics SET booking_horizon = '3 days' WHERE id = 2;
SELECT count(booking.add_schedule(d, w, '10:00', '11:00', 30, valid_from => (now() AT TIME ZONE c.time_zone)::date + 1))
FROM (VALUES (1, 1), (2, 2)) AS doctors(d, clinic_id), booking.clinics c, generate_series(1, 7) w WHERE c.id = clinic_id;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
CREATE VIEW pg_temp.calendars AS
	SELECT g.doctor_id, count(*) AS days, min(local_date) - (now() AT TIME ZONE time_zone)::date AS first,
		max(local_date) - (now() AT TIME ZONE time_zone)::date AS last,
		(SELECT u.until_date - (now() AT TIME ZONE time_zone)::date FROM booking.generated_doctors u WHERE u.doctor_id = g.doctor_id) AS until,
		(SELECT count(*) FROM booking.time_slots s WHERE s.doctor_id = g.doctor_id AND s.starts_at < now() + interval '1 year') AS slots
	FROM booking.generated_days g JOIN booking.doctors d ON d.id = doctor_id JOIN booking.clinics c ON c.id = clinic_id
	GROUP BY g.doctor_id, time_zone ORDER BY g.doctor_id;
-- a month a call
TABLE pg_temp.calendars;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
TABLE pg_temp.calendars;
-- further, when the call or the clinic says so; never twice
SELECT rows FROM booking.maintain(horizon => '95 days') WHERE task = 'generate_slots';
SELECT rows FROM booking.maintain(horizon => '95 days') WHERE task = 'generate_slots';
UPDATE booking.clinics SET booking_horizon = '5 days' WHERE id = 2;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
TABLE pg_temp.calendars;
-- one doctor a call, when that is all that max_rows allows; who is furthest behind first
UPDATE booking.clinics SET booking_horizon = '97 days';
SELECT rows FROM booking.maintain(max_rows => 1) WHERE task = 'generate_slots';
SELECT doctor_id, until FROM pg_temp.calendars;
SELECT rows FROM booking.maintain(max_rows => 1000) WHERE task = 'generate_slots';
SELECT rows FROM booking.maintain(max_rows => 1000) WHERE task = 'generate_slots';
SELECT doctor_id, until FROM pg_temp.calendars;
SELECT rows FROM booking.maintain(max_rows => 1000) WHERE task = 'generate_slots';
TABLE pg_temp.calendars;
-- new hours are generated from today on
SELECT weekday FROM booking.add_schedule(2, 1, '15:00', '16:00', 60, valid_from => (now() + interval '7 days')::date, valid_until => (now() + interval '13 days')::date);
SELECT doctor_id FROM booking.generated_doctors;
DELETE FROM booking.generated_days WHERE doctor_id = 2;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
SELECT count(*) FROM booking.time_slots WHERE doctor_id = 2 AND ends_at - starts_at = '1 hour';
-- not for those who take no bookings
UPDATE booking.clinics SET booking_horizon = '98 days';
UPDATE booking.doctors SET is_active = false WHERE id = 1;
UPDATE booking.clinics SET is_active = false WHERE id = 2;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';
UPDATE booking.doctors SET is_active = true;
UPDATE booking.clinics SET is_active = true;
-- and not in a zone that this server no longer knows, which keeps nobody else back
SET session_replication_role = replica;
UPDATE booking.clinics SET time_zone = 'Mars/Olympus' WHERE id = 2;
SET session_replication_role = origin;
SELECT rows FROM booking.maintain() WHERE task = 'generate_slots';

-- A task that fails is undone and told of; the others are done all the same.
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more events'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
UPDATE booking.maintenance SET rows_done = -1;
SELECT pg_temp.let_expire(4);
SELECT * FROM booking.maintain();
SELECT task, rows_done FROM booking.maintenance ORDER BY task;
DROP TRIGGER fail ON booking.appointment_events;
SELECT * FROM booking.maintain();
-- but what the caller has to try again is told as it is
CREATE OR REPLACE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE serialization_failure; END $$;
CREATE TRIGGER fail BEFORE UPDATE ON booking.maintenance FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.maintain()');
DROP TRIGGER fail ON booking.maintenance;

-- Whoever was granted EXECUTE without being an administrator is refused all the same.
CREATE ROLE regress_booking_clerk;
GRANT USAGE ON SCHEMA booking TO regress_booking_clerk;
GRANT EXECUTE ON FUNCTION booking.maintain TO regress_booking_clerk;
SELECT sqlstate, rule FROM pg_temp.refusal('SET LOCAL ROLE regress_booking_clerk; SELECT booking.maintain()');
ROLLBACK;
