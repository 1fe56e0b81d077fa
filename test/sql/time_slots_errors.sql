-- What add_time_slots, set_slot_availability and the slots' removal refuse.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id FROM booking.add_doctor(1, 'Dr On Leave');
SELECT id FROM booking.add_doctor(1, 'Dr Gone');
UPDATE booking.doctors SET is_active = false WHERE id = 2;
SELECT id FROM booking.remove_doctor(3);
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);

SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(7, '2099-06-01', '11:00', '12:00', 30)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(2, '2099-06-01', '11:00', '12:00', 30)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '12:00', '11:00', 30)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '11:00', '12:00', 481)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '11:00', '12:00', 25)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '9999-12-31', '11:00', '12:00', 30)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, 'infinity', '11:00', '12:00', 30)$$) \gx
-- the first clash is named, in local time
SELECT * FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '08:00', '12:00', 60)$$) \gx
-- the detail of this one tells the date of today
SELECT sqlstate, rule, message, hint, "table", follows_contract,
	detail = format('rule date_not_past: today is %s in Europe/London.', (statement_timestamp() AT TIME ZONE 'Europe/London')::date) AS tells_today
FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2000-01-01', '11:00', '12:00', 30)$$) \gx

SELECT doctor, start_time, end_time, minutes, sqlstate, rule, message
FROM (VALUES
	(3, '11:00', '12:00', 30),
	(1, '11:00', '11:00', 30),
	(1, '24:00', '24:00', 30),
	(1, '24:00', '00:00', 30),
	(1, '11:00', '12:00', 0),
	(1, '11:00', '12:00', -30),
	(1, '11:00', '12:00', 4),
	(1, '11:00', '12:00', 2147483647),
	(1, '11:00', '12:00', -2147483648),
	(1, '11:00', '11:05', 10),
	(1, '11:00', '12:00', 480),
	(1, '11:00', '11:59:59.999999', 30),
	(1, '09:30', '09:35', 5),
	(1, '08:55', '09:05', 5),
	(1, '09:00', '10:00', 30)) AS calls(doctor, start_time, end_time, minutes),
	pg_temp.refusal(format('SELECT booking.add_time_slots(%s, %L, %L, %L, %s)',
						   doctor, '2099-06-01', start_time, end_time, minutes));

-- An inactive or a removed clinic has no working doctors.
UPDATE booking.clinics SET is_active = false;
SELECT sqlstate, rule, message FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '11:00', '12:00', 30)$$);
UPDATE booking.clinics SET is_active = true;
SELECT id FROM booking.remove_clinic(1);
SELECT sqlstate, rule, message FROM pg_temp.refusal($$SELECT booking.add_time_slots(1, '2099-06-01', '11:00', '12:00', 30)$$);
SELECT id FROM booking.restore_clinic(1);

-- A booked slot can be neither withdrawn nor reopened; one that is not there neither.
SELECT id FROM booking.book_slot(1, 1);
SELECT * FROM pg_temp.refusal('SELECT booking.set_slot_availability(1, false)') \gx
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.set_slot_availability(1, true)');
SELECT id FROM booking.remove_time_slot(2);
SELECT slot, withdraw.sqlstate, withdraw.rule, withdraw.message, restore.sqlstate AS restore, removed.sqlstate AS remove
FROM (VALUES (2), (77)) AS slots(slot),
	pg_temp.refusal(format('SELECT booking.set_slot_availability(%s, false)', slot)) AS withdraw,
	pg_temp.refusal(format('SELECT booking.remove_time_slot(%s)', slot)) AS removed,
	pg_temp.refusal(format('SELECT booking.restore_time_slot(%s)', slot)) AS restore;

-- All or nothing: there is not one slot more than at first.
SELECT id, starts_at, is_available FROM booking.time_slots ORDER BY id;

ROLLBACK;
