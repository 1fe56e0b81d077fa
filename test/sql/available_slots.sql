-- Which slots show as free, to whom they show, and in what order.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_clinic('Wall Street', time_zone => 'America/New_York');
SELECT id FROM booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology');
SELECT id FROM booking.add_doctor(1, 'Dr Tony Hoare', 'Dermatology');
SELECT id FROM booking.add_doctor(2, 'Dr Edsger Dijkstra', 'CARDIOLOGY');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT id FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 30);
SELECT id FROM booking.add_time_slots(2, '2099-06-01', '09:00', '10:00', 60);
SELECT id FROM booking.add_time_slots(1, '2099-06-02', '23:30', '24:00', 30);
SELECT id FROM booking.add_time_slots(3, '2099-06-02', '20:00', '21:00', 30);

SELECT * FROM booking.available_slots(max_slots => 1) \gx
-- earliest first; ties by doctor
CREATE TEMP VIEW free AS
	SELECT slot_id, doctor_id, starts_at, local_date, local_start, local_end, time_zone FROM booking.available_slots();
SELECT * FROM free;
SELECT array_agg(slot_id) FROM booking.available_slots(max_slots => 3);
-- a page, and what comes after it, by the place of its last slot
SELECT array_agg(slot_id) AS page FROM booking.available_slots(max_slots => 2);
SELECT array_agg(slot_id) AS next FROM booking.available_slots(from_time => '2099-06-01 08:00+00', after_doctor => 2, max_slots => 2);
SELECT array_agg(slot_id) AS same_instant FROM booking.available_slots(from_time => '2099-06-01 08:00+00', after_doctor => 1);
SELECT array_agg(slot_id) AS all_of_them FROM booking.available_slots(max_slots => NULL, after_doctor => NULL);

-- Each filter, and filters together.
SELECT array_agg(slot_id) AS of_doctor_1 FROM booking.available_slots(1);
SELECT array_agg(slot_id) AS of_clinic_1 FROM booking.available_slots(clinic_id => 1);
SELECT array_agg(slot_id) AS cardiology FROM booking.available_slots(specialization => 'cardiology');
SELECT array_agg(slot_id) AS both FROM booking.available_slots(specialization => 'Cardiology', clinic_id => 2);
SELECT array_agg(slot_id) AS doctor_of_another_clinic FROM booking.available_slots(doctor_id => 1, clinic_id => 2);
SELECT array_agg(slot_id) AS nobodys FROM booking.available_slots(specialization => 'Card');
-- The date is each clinic's own: slots 4 and 5 are half an hour apart from being of 3 June.
SELECT array_agg(slot_id) AS june_2 FROM booking.available_slots(on_date => '2099-06-02');
SELECT array_agg(slot_id) AS june_3 FROM booking.available_slots(on_date => '2099-06-03');
-- from belongs to the range, until does not
SELECT array_agg(slot_id) AS range FROM booking.available_slots(
	from_time => '2099-06-01 08:30+00', until_time => '2099-06-02 22:30+00');
SELECT array_agg(slot_id) AS range FROM booking.available_slots(
	from_time => '2099-06-01 08:30+00', until_time => '2099-06-02 22:30:00.000001+00');
SELECT array_agg(slot_id) AS empty_range FROM booking.available_slots(
	from_time => '2099-06-01 08:30+00', until_time => '2099-06-01 08:30+00');
SELECT array_agg(slot_id) AS endless FROM booking.available_slots(from_time => '-infinity', until_time => 'infinity');
SELECT array_agg(slot_id) AS date_and_range FROM booking.available_slots(
	on_date => '2099-06-01', from_time => '2099-06-01 08:30+00');
-- The caller's zone makes no difference to what is local.
SET timezone = 'Asia/Tokyo';
SELECT slot_id, local_date, local_start FROM booking.available_slots(on_date => '2099-06-02');
SET timezone = 'UTC';

-- What is not free does not show: booked, withdrawn, removed, held, begun.
CREATE TEMP VIEW seen AS
	SELECT array_agg(slot_id) AS slots FROM booking.available_slots();
SELECT id FROM booking.book_slot(1, 1);
TABLE seen;
SELECT id FROM booking.set_slot_availability(2, false);
TABLE seen;
SELECT id FROM booking.remove_time_slot(3);
TABLE seen;
UPDATE booking.time_slots SET held_until = now() + interval '1 hour' WHERE id = 4;
TABLE seen;
-- An expired hold is none.
UPDATE booking.time_slots SET held_until = now() - interval '1 second' WHERE id = 4;
TABLE seen;
UPDATE booking.time_slots SET starts_at = now() - interval '1 hour', ends_at = now() + interval '1 hour' WHERE id = 4;
TABLE seen;
SELECT array_agg(slot_id) AS past FROM booking.available_slots(from_time => '-infinity', until_time => now());
SELECT id FROM booking.set_slot_availability(2, true);
SELECT id FROM booking.restore_time_slot(3);
TABLE seen;

-- Neither do slots of doctors and clinics that are inactive or removed, even if asked for.
UPDATE booking.doctors SET is_active = false WHERE id = 1;
TABLE seen;
SELECT array_agg(slot_id) FROM booking.available_slots(doctor_id => 1);
UPDATE booking.clinics SET is_active = false WHERE id = 2;
TABLE seen;
SELECT id FROM booking.remove_doctor(2);
TABLE seen;
SELECT * FROM pg_temp.refusal('SELECT booking.available_slots(doctor_id => 2)') \gx
SELECT id FROM booking.remove_clinic(2);
SELECT * FROM pg_temp.refusal('SELECT booking.available_slots(clinic_id => 2)') \gx
UPDATE booking.doctors SET is_active = true;
UPDATE booking.clinics SET is_active = true;
SELECT id FROM booking.restore_doctor(2);
TABLE seen;
SELECT id FROM booking.restore_clinic(2);
TABLE seen;

-- A clinic's notice and horizon.
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT 2, 3, now() + h, now() + h + interval '30 minutes'
FROM unnest('{30 minutes,90 minutes,10 days,40 days}'::interval[]) AS h;
UPDATE booking.clinics SET min_notice = '1 hour', booking_horizon = '30 days' WHERE id = 2;
SELECT starts_at - now() AS ahead FROM booking.available_slots(clinic_id => 2);
UPDATE booking.clinics SET min_notice = '0', booking_horizon = NULL WHERE id = 2;
SELECT count(*) FROM booking.available_slots(clinic_id => 2);

-- What is refused.
SELECT * FROM pg_temp.refusal('SELECT booking.available_slots(after_doctor => 1)') \gx
SELECT * FROM pg_temp.refusal('SELECT booking.available_slots(max_slots => 10001)') \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.available_slots(on_date => 'infinity')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.available_slots(from_time => '2099-06-02', until_time => '2099-06-01')$$) \gx
SELECT arguments, sqlstate, rule, message
FROM (VALUES ('max_slots => 0'), ('max_slots => 1'), ('max_slots => 10000'), ('max_slots => -2147483648'),
			 ('on_date => ''0001-01-01'''), ('on_date => ''9999-12-31'''), ('on_date => ''0001-12-31 BC'''),
			 ('on_date => ''10000-01-01'''), ('on_date => ''-infinity'''),
			 ('from_time => ''infinity'', until_time => ''-infinity'''),
			 ('doctor_id => 0'), ('doctor_id => 9223372036854775807'), ('clinic_id => -9223372036854775808')) AS calls(arguments),
	pg_temp.refusal(format('SELECT booking.available_slots(%s)', arguments));

-- Of one doctor and day it reads what it returns, not the calendar: the index is asked for
-- a range.
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT 1, 2, t, t + interval '5 minutes'
FROM generate_series('2100-01-01'::timestamptz, '2100-02-15', '5 minutes') AS t;
ANALYZE booking.time_slots;
SELECT count(*) FROM booking.available_slots(2, '2100-01-20', max_slots => 10000);
\i test/buffers.psql
SELECT pg_temp.buffers($$SELECT * FROM booking.available_slots(2, '2100-01-20')$$) < 50 AS few,
	pg_relation_size('booking.time_slots') / 8192 > 100 AS of_many;

ROLLBACK;
