-- What calendars refuse: one clean error each, and nothing written.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_clinic('Elsewhere');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT id FROM booking.add_doctor(1, 'Dr Tony Hoare');
SELECT id FROM booking.add_doctor(2, 'Dr Edsger Dijkstra');
SELECT id FROM booking.add_doctor(1, 'Dr Gone');
SELECT id FROM booking.remove_doctor(4);
SELECT id, weekday, start_time, end_time, slot_minutes, gap_minutes FROM booking.add_schedule(1, 1, '09:00', '12:00', 30);
-- a slot by hand, and the count of those that it keeps out
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:15', '10:15', 60);
SELECT booking.generate_slots('2099-06-01', '2099-06-02');
SELECT id FROM booking.remove_time_slot(1);
SELECT booking.generate_slots('2099-06-08', '2099-06-08');
SELECT id FROM booking.add_time_slots(1, '2099-06-15', '09:10', '09:20', 10);
SELECT booking.generate_slots('2099-06-15', '2099-06-15');

-- One of each kind in full.
SELECT * FROM pg_temp.trial($$SELECT booking.add_schedule(1, 8, '09:00', '12:00', 30)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.add_schedule(1, 1, '11:30', '12:30', 30)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.add_schedule(1, 2, '09:00', '09:45', 15, 50)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.remove_schedule(77)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.add_time_off('2099-06-02Z', '2099-06-01Z', 1)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.add_time_off('2099-06-01Z', '2099-06-02Z')$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.add_time_off('2099-06-01Z', '2099-06-02Z', 1, reason => repeat('x', 501))$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.remove_time_off(77)$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.generate_slots('2099-06-02', '2099-06-01')$$) \gx
SELECT * FROM pg_temp.trial($$SELECT booking.reassign_slots(1, 3, '2099-06-01Z', '2099-06-02Z')$$) \gx
SELECT * FROM pg_temp.trial($$SELECT * FROM booking.next_available(per_doctor => 101)$$) \gx

-- Every bad value.
SELECT call, sqlstate, rule, "table", follows_contract
FROM unnest(ARRAY[
	$$add_schedule(NULL, 1, '09:00', '12:00', 30)$$, $$add_schedule(2, NULL, '09:00', '12:00', 30)$$,
	$$add_schedule(2, 1, NULL, '12:00', 30)$$, $$add_schedule(2, 1, '09:00', NULL, 30)$$,
	$$add_schedule(2, 1, '09:00', '12:00', NULL)$$, $$add_schedule(2, 1, '09:00', '12:00', 30, NULL)$$,
	$$add_schedule(77, 1, '09:00', '12:00', 30)$$, $$add_schedule(4, 1, '09:00', '12:00', 30)$$,
	$$add_schedule(-9223372036854775808, 1, '09:00', '12:00', 30)$$,
	$$add_schedule(2, 0, '09:00', '12:00', 30)$$, $$add_schedule(2, 8, '09:00', '12:00', 30)$$,
	$$add_schedule(2, -2147483648, '09:00', '12:00', 30)$$,
	$$add_schedule(2, 1, '24:00', '12:00', 30)$$, $$add_schedule(2, 1, '09:00', '09:25', 30)$$,
	$$add_schedule(2, 1, '23:50', '00:05', 30)$$,
	$$add_schedule(2, 1, '09:00', '12:00', 4)$$, $$add_schedule(2, 1, '09:00', '12:00', 481)$$,
	$$add_schedule(2, 1, '09:00', '12:00', 0)$$, $$add_schedule(2, 1, '09:00', '12:00', -30)$$,
	$$add_schedule(2, 1, '09:00', '12:00', 2147483647)$$, $$add_schedule(2, 1, '09:00', '12:00', -2147483648)$$,
	$$add_schedule(2, 1, '09:00', '12:00', 30, -1)$$, $$add_schedule(2, 1, '09:00', '12:00', 30, 181)$$,
	$$add_schedule(2, 1, '09:00', '08:00', 30, 481)$$, $$add_schedule(2, 1, '09:00', '12:00', 30, 2147483647)$$,
	$$add_schedule(2, 1, '09:00', '12:00', 30, 0, '2099-06-02', '2099-06-01')$$,
	$$add_schedule(2, 1, '09:00', '12:00', 30, 0, '-infinity', '2099-06-01')$$,
	$$add_schedule(2, 1, '09:00', '12:00', 30, 0, NULL, 'infinity')$$,
	$$add_schedule(2, 1, '09:00', '12:00', 30, 0, '5000000-01-01')$$,
	$$add_schedule(1, 1, '09:00', '12:00', 30)$$, $$add_schedule(1, 7, '23:00', '09:30', 30)$$, $$add_schedule(1, 1, '08:00', '08:00', 30)$$,
	$$add_schedule(1, 7, '23:00', '09:00', 30)$$, $$add_schedule(1, 1, '12:00', '00:00', 30)$$,
	$$remove_schedule(NULL)$$, $$remove_schedule(0)$$,
	$$generate_slots(NULL, '2099-06-02')$$, $$generate_slots('2099-06-01', NULL)$$,
	$$generate_slots('2099-06-01', '2099-06-02', 77)$$, $$generate_slots('2099-06-01', '2099-06-02', 4)$$,
	$$generate_slots('2099-06-01', '2099-06-02', clinic_id => 77)$$, $$generate_slots('2099-06-01', '2099-06-02', 3, 1)$$,
	$$generate_slots('-infinity', '2099-06-02')$$, $$generate_slots('2099-06-01', 'infinity')$$,
	$$generate_slots('2099-06-01', '2105-06-01')$$, $$generate_slots('2090-06-01', '2095-07-01')$$,
	$$generate_slots('2090-06-01', '9999-12-31')$$, $$generate_slots('9999-12-31', '9999-12-31')$$,
	$$generate_slots('4713-01-01 BC', '2099-06-02')$$, $$generate_slots('5874897-12-31', '5874897-12-31')$$,
	$$add_time_off(NULL, '2099-06-02Z', 1)$$, $$add_time_off('2099-06-01Z', NULL, 1)$$,
	$$add_time_off('2099-06-01Z', '2099-06-02Z', 1, 1)$$,
	$$add_time_off('2099-06-01Z', '2099-06-02Z', 77)$$, $$add_time_off('2099-06-01Z', '2099-06-02Z', 4)$$,
	$$add_time_off('2099-06-01Z', '2099-06-02Z', clinic_id => 77)$$,
	$$add_time_off('2099-06-01Z', '2099-06-01Z', 1)$$,
	$$add_time_off('-infinity', '2099-06-01Z', 1)$$, $$add_time_off('2099-06-01Z', 'infinity', 1)$$, $$add_time_off('infinity', 'infinity', 1)$$,
	$$add_time_off('2099-06-01Z', '2104-06-01 00:00:01Z', 1)$$, $$add_time_off('2099-06-01Z', '2104-06-03Z', 1)$$,
	$$add_time_off('2099-06-01Z', '2199-06-02Z', 1)$$,
	$$add_time_off('4714-11-24 00:00 BC Z', '294276-12-31 23:59Z', 1)$$, $$add_time_off('4714-11-24 00:00 BC Z', '4714-11-25 00:00 BC Z', 1)$$,
	$$add_days_off(NULL, '2099-06-02', 1)$$, $$add_days_off('2099-06-01', NULL, 1)$$, $$add_days_off('2099-06-01', '2099-06-02')$$,
	$$add_days_off('2099-06-02', '2099-06-01', 1)$$, $$add_days_off('2099-06-02', '2099-05-01', 1)$$, $$add_days_off('2099-06-01', '2105-06-01', 1)$$,
	$$add_days_off('infinity', 'infinity', 1)$$, $$add_days_off('2099-06-01', '5874897-12-31', 1)$$, $$add_days_off('9999-12-31', '9999-12-31', 1)$$,
	$$remove_time_off(NULL)$$, $$remove_time_off(-1)$$,
	$$reassign_slots(NULL, 2, '2099-06-01Z', '2099-06-02Z')$$, $$reassign_slots(1, NULL, '2099-06-01Z', '2099-06-02Z')$$,
	$$reassign_slots(1, 2, NULL, '2099-06-02Z')$$, $$reassign_slots(1, 2, '2099-06-01Z', NULL)$$,
	$$reassign_slots(1, 1, '2099-06-01Z', '2099-06-02Z')$$, $$reassign_slots(1, 77, '2099-06-01Z', '2099-06-02Z')$$,
	$$reassign_slots(77, 2, '2099-06-01Z', '2099-06-02Z')$$, $$reassign_slots(1, 4, '2099-06-01Z', '2099-06-02Z')$$,
	$$reassign_slots(1, 2, '2099-06-02Z', '2099-06-01Z')$$, $$reassign_slots(1, 2, '-infinity', 'infinity')$$,
	$$reassign_slots(1, 2, '4714-11-24 00:00 BC Z', '294276-12-31 23:59Z')$$, $$reassign_slots(1, 2, '2099-06-01Z', '2105-06-01Z')$$,
	$$next_available(clinic_id => 77)$$, $$next_available(per_doctor => NULL)$$, $$next_available(max_slots => NULL)$$,
	$$next_available(per_doctor => 0)$$, $$next_available(max_slots => 0)$$, $$next_available(max_slots => 1001)$$,
	$$next_available(max_slots => -2147483648)$$, $$next_available(per_doctor => 2147483647)$$,
	$$session_slots('infinity', '09:00', '10:00', 'UTC', 30)$$, $$session_slots('2099-06-01', '09:00', '10:00', 'Mars/Olympus', 30)$$,
	$$session_slots('2099-06-01', '09:00', '10:00', repeat('x', 1000000), 30)$$, $$session_slots('2099-06-01', '09:00', '10:00', '', 30)$$,
	$$session_slots('2099-06-01', '09:00', '10:00', NULL, 30)$$, $$session_slots('2099-06-01', '09:00', '10:00', 'UTC', 90)$$,
	$$session_slots('9999-12-31', '23:00', '01:00', 'UTC', 30)$$
]) WITH ORDINALITY AS calls(call, number), pg_temp.trial('SELECT count(*) FROM booking.' || call)
ORDER BY number;

-- A zone that the system no longer knows: what has to know it refuses, the rest goes on.
SET LOCAL session_replication_role = replica;
UPDATE booking.clinics SET time_zone = 'Mars/Olympus' WHERE id = 1;
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.trial($$SELECT booking.generate_slots('2099-06-01', '2099-06-30')$$) \gx
SELECT call, sqlstate, rule, follows_contract
FROM unnest(ARRAY[
	$$generate_slots('2099-06-22', '2099-06-22', 1)$$, $$generate_slots('2099-06-22', '2099-06-22', clinic_id => 1)$$, $$generate_slots('2099-06-22', '2099-06-22', clinic_id => 2)$$,
	$$add_time_slots(1, '2099-06-22', '09:00', '10:00', 30)$$, $$add_schedule(1, 2, '09:00', '12:00', 30)$$,
	$$add_time_off('2099-06-22Z', '2099-06-23Z', 1)$$, $$add_time_off('2099-06-22Z', '2099-06-23Z', clinic_id => 1)$$,
	$$add_days_off('2099-06-22', '2099-06-23', 1)$$, $$reassign_slots(1, 2, '2099-06-01Z', '2099-06-02Z')$$]) WITH ORDINALITY AS calls(call, number),
	pg_temp.trial('SELECT count(*) FROM booking.' || call)
ORDER BY number;
SET LOCAL session_replication_role = replica;
UPDATE booking.clinics SET time_zone = 'Europe/London' WHERE id = 1;
SET LOCAL session_replication_role = origin;

-- Nothing was written.
SELECT (SELECT count(*) FROM booking.schedules) AS schedules, (SELECT count(*) FROM booking.time_off) AS time_off,
	(SELECT count(*) FROM booking.time_slots WHERE deleted_at IS NULL) AS slots,
	(SELECT count(*) FROM booking.time_slots WHERE deleted_at IS NULL AND is_available AND doctor_id = 1) AS free,
	(SELECT count(*) FROM booking.generated_days) AS days, (SELECT count(*) FROM booking.appointment_events) AS events;

-- The edges that are allowed.
SELECT call, sqlstate
FROM unnest(ARRAY[
	$$add_schedule(2, 7, '00:00', '24:00', 480)$$, $$add_schedule(2, 7, '08:00', '08:00', 5, 480)$$,
	$$add_time_off('2099-06-01Z', '2104-06-01Z', 1)$$, $$add_days_off('2099-06-01', '2104-05-31', clinic_id => 1)$$,
	$$generate_slots('2090-06-01', '2095-05-31')$$, $$generate_slots('0001-01-01', '0005-12-31')$$,
	$$reassign_slots(1, 2, '2099-06-01Z', '2099-06-01Z')$$]) WITH ORDINALITY AS calls(call, number),
	pg_temp.trial('SELECT count(*) FROM booking.' || call)
ORDER BY number;

ROLLBACK;
