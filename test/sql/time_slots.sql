-- Cutting working sessions into slots, withdrawing, removing and restoring them.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_clinic('Lord Howe', time_zone => 'Australia/Lord_Howe');
SELECT id FROM booking.add_clinic('Everest', time_zone => 'Asia/Kathmandu');
SELECT id, clinic_id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id, clinic_id FROM booking.add_doctor(2, 'Dr Barbara Liskov');
SELECT id, clinic_id FROM booking.add_doctor(3, 'Dr Alan Kay');

-- Local times of the clinic, in instants: summer time is an hour ahead.
SELECT id, clinic_id, doctor_id, starts_at, ends_at, is_available, held_until,
	created_at = now() AS created_now, updated_at = now() AS updated_now, deleted_at
FROM booking.add_time_slots(doctor_id => 1, on_date => '2099-06-01', start_time => '09:00',
							end_time => '10:00', slot_minutes => 20);
SELECT starts_at FROM booking.add_time_slots(1, '2099-12-01', '09:00', '10:00', 60);
SELECT starts_at FROM booking.add_time_slots(3, '2099-06-01', '09:00', '10:00', 60);
-- The caller's own zone makes no difference.
SET timezone = 'Pacific/Auckland';
SELECT starts_at AT TIME ZONE 'UTC' AS utc FROM booking.add_time_slots(1, '2099-06-02', '09:00', '10:00', 60);
SET timezone = 'UTC';

-- 24:00 ends the day; the shortest and the longest slot; what touches does not overlap.
SELECT starts_at, ends_at FROM booking.add_time_slots(1, '2099-06-01', '23:00', '24:00', 60);
SELECT starts_at, ends_at FROM booking.add_time_slots(1, '2099-06-02', '00:00', '00:05', 5);
SELECT starts_at, ends_at FROM booking.add_time_slots(1, '2099-06-02', '10:00', '18:00', 480);
SELECT count(*), min(starts_at), max(ends_at) FROM booking.add_time_slots(1, '2099-06-03', '00:00', '24:00', 5);
-- Two doctors have a slot each at the same time.
SELECT id IS NOT NULL AS added FROM booking.add_doctor(1, 'Dr Tony Hoare');
SELECT starts_at FROM booking.add_time_slots(4, '2099-06-01', '09:00', '09:20', 20);

-- The clocks change: slots keep their length, and there are more or fewer of them.
-- London, 29 March 2099: 01:00 to 02:00 does not exist.
SELECT starts_at, starts_at AT TIME ZONE 'Europe/London' AS local, ends_at - starts_at AS length
FROM booking.add_time_slots(1, '2099-03-29', '00:00', '03:00', 60);
-- London, 25 October 2099: 01:00 to 02:00 comes twice.
SELECT starts_at, starts_at AT TIME ZONE 'Europe/London' AS local, ends_at - starts_at AS length
FROM booking.add_time_slots(1, '2099-10-25', '00:00', '03:00', 60);
-- Lord Howe's clocks change by half an hour: forward on 4 October, back on 5 April.
SELECT starts_at, starts_at AT TIME ZONE 'Australia/Lord_Howe' AS local, ends_at - starts_at AS length
FROM booking.add_time_slots(2, '2099-10-04', '01:00', '04:00', 30);
SELECT starts_at, starts_at AT TIME ZONE 'Australia/Lord_Howe' AS local, ends_at - starts_at AS length
FROM booking.add_time_slots(2, '2099-04-05', '01:00', '03:00', 30);

-- Today is the clinic's, which may be the UTC's tomorrow or yesterday: today is accepted,
-- the day before it is not.
SELECT zone, today.sqlstate AS today, yesterday.sqlstate AS yesterday, yesterday.rule
FROM (VALUES ('Pacific/Kiritimati'), ('Pacific/Pago_Pago')) AS zones(zone),
	booking.add_clinic('Clinic of ' || zone, time_zone => zone) AS clinic,
	booking.add_doctor(clinic.id, 'Dr Day') AS doctor,
	pg_temp.refusal(format('SELECT booking.add_time_slots(%s, %L, ''12:00'', ''13:00'', 60)',
						   doctor.id, (statement_timestamp() AT TIME ZONE zone)::date)) AS today,
	pg_temp.refusal(format('SELECT booking.add_time_slots(%s, %L, ''12:00'', ''13:00'', 60)',
						   doctor.id, (statement_timestamp() AT TIME ZONE zone)::date - 1)) AS yesterday;

-- Withdrawing and reopening, again and again.
SELECT id, is_available FROM booking.set_slot_availability(slot_id => 1, is_available => false);
SELECT id, is_available FROM booking.set_slot_availability(1, false);
SELECT booking.is_slot_available(1);
SELECT id, is_available, updated_at = now() AS updated_now FROM booking.set_slot_availability(1, true);
SELECT booking.is_slot_available(slot_id => 1);

-- Removing makes room; what took the room keeps the removed one from coming back.
SELECT id, deleted_at = now() AS deleted_now FROM booking.remove_time_slot(id => 2);
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.remove_time_slot(2)');
SELECT id, deleted_at FROM booking.restore_time_slot(id => 2);
SELECT id, deleted_at FROM booking.restore_time_slot(2);
SELECT id FROM booking.remove_time_slot(2);
SELECT starts_at FROM booking.add_time_slots(1, '2099-06-01', '09:25', '09:35', 10);
SELECT * FROM pg_temp.refusal('SELECT booking.restore_time_slot(2)') \gx
SELECT starts_at, deleted_at IS NOT NULL AS removed FROM booking.time_slots
WHERE doctor_id = 1 AND starts_at < '2099-06-01 09:00' ORDER BY starts_at;

-- Inside time off no slot is free: it cannot be reopened, and what is brought back there stays
-- withdrawn until the time off is over. What the clinic withdrew by itself stays so.
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
SELECT 9000 + n, 1, 4, '2099-06-02 08:00+00'::timestamptz + n * interval '20 minutes', '2099-06-02 08:20+00'::timestamptz + n * interval '20 minutes'
FROM generate_series(1, 5) AS n;
SELECT id FROM booking.remove_time_slot(9002);
SELECT id FROM booking.set_slot_availability(9003, false);
ALTER SEQUENCE booking.time_off_id_seq RESTART 1;
SELECT id FROM booking.add_time_off('2099-06-02 08:00+00', '2099-06-02 09:45+00', doctor_id => 4);
SELECT id, is_available, time_off_id, deleted_at IS NOT NULL AS removed FROM booking.time_slots WHERE id > 9000 ORDER BY id;
SELECT * FROM pg_temp.refusal('SELECT booking.set_slot_availability(9001, true)') \gx
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.set_slot_availability(9003, true)');
SELECT id, is_available, time_off_id FROM booking.restore_time_slot(9002);
-- withdrawn by the clinic as well, and so not only for the time off
SELECT id, is_available, time_off_id FROM booking.set_slot_availability(9004, false);
-- removed while off, and brought back when that is over
SELECT id FROM booking.remove_time_slot(9001);
SELECT id IS NOT NULL AS removed FROM booking.remove_time_off(1);
SELECT id, is_available, time_off_id FROM booking.restore_time_slot(9001);
SELECT id, is_available, time_off_id, deleted_at IS NOT NULL AS removed FROM booking.time_slots WHERE id > 9000 ORDER BY id;
SELECT id, is_available FROM booking.set_slot_availability(9003, true);
-- what is booked is brought back by nobody, and stays booked
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT status FROM booking.book_slot(9003, 1);
SELECT id, is_available, time_off_id FROM booking.restore_time_slot(9003);

ROLLBACK;
