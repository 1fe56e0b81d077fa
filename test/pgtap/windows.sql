-- A clinic's notice and horizon: available_slots, is_slot_available, check_booking and book_slot
-- agree on which slots can be booked now, to the microsecond.
BEGIN;
\ir helpers.psql
SET LOCAL TimeZone = 'UTC';

SELECT plan(21);

-- One statement, one statement_timestamp(): slots about a boundary that is this far from it.
-- Each line: offset from the boundary, whether available_slots shows it, is_slot_available,
-- and which of the two rules fails. The clock goes on during the statement, so the rules judge
-- a moment later than available_slots does: only the boundary itself may look different, and
-- it is left to available_slots.
CREATE FUNCTION pg_temp.about(boundary interval, notice interval, horizon interval) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	doctor bigint := pg_temp.doctor_in('Asia/Kathmandu');
	patient bigint := pg_temp.patient();
	nearby interval;
	slot bigint;
BEGIN
	UPDATE booking.clinics SET min_notice = notice, booking_horizon = horizon
	WHERE id = (SELECT clinic_id FROM booking.doctors WHERE id = doctor);
	FOREACH nearby IN ARRAY '{-1 day, -1 minute, -1 microsecond, 0, 1 microsecond, 1 minute, 1 day}'::interval[]
	LOOP
		slot := pg_temp.slot(doctor, statement_timestamp() + boundary + nearby, '5 minutes');
		RETURN NEXT format('%s: %s%s', nearby,
			CASE WHEN EXISTS (SELECT FROM booking.available_slots(doctor) WHERE slot_id = slot)
				 THEN 'shown' ELSE 'not shown' END,
			CASE WHEN abs(extract(epoch FROM nearby)) >= 60 THEN
				format(', %s, %s',
					CASE WHEN booking.is_slot_available(slot) THEN 'available' ELSE 'not available' END,
					coalesce((SELECT string_agg(rule, ', ') FROM booking.check_booking(slot, patient) WHERE NOT passed), 'passes'))
			END);
		DELETE FROM booking.time_slots WHERE id = slot;
	END LOOP;
END
$$;

SELECT results_eq($$SELECT pg_temp.about('2 hours', '2 hours', NULL)$$,
	$$VALUES ('-1 days: not shown, not available, slot_not_past, within_notice'),
			 ('-00:01:00: not shown, not available, within_notice'), ('-00:00:00.000001: not shown'), ('00:00:00: shown'),
			 ('00:00:00.000001: shown'), ('00:01:00: shown, available, passes'), ('1 day: shown, available, passes')$$,
	'about a notice of 2 hours');
SELECT results_eq($$SELECT pg_temp.about('30 hours', '30 hours', '90 hours')$$,
	$$VALUES ('-1 days: not shown, not available, within_notice'),
			 ('-00:01:00: not shown, not available, within_notice'), ('-00:00:00.000001: not shown'), ('00:00:00: shown'),
			 ('00:00:00.000001: shown'), ('00:01:00: shown, available, passes'), ('1 day: shown, available, passes')$$,
	'about a notice of 30 hours');
SELECT results_eq($$SELECT pg_temp.about('48 hours', '0', '48 hours')$$,
	$$VALUES ('-1 days: shown, available, passes'), ('-00:01:00: shown, available, passes'), ('-00:00:00.000001: shown'),
			 ('00:00:00: shown'), ('00:00:00.000001: not shown'), ('00:01:00: not shown, not available, within_horizon'),
			 ('1 day: not shown, not available, within_horizon')$$,
	'about a horizon of 48 hours');
-- A slot that starts now has started.
SELECT results_eq($$SELECT pg_temp.about('0', '0', NULL)$$,
	$$VALUES ('-1 days: not shown, not available, slot_not_past, within_notice'),
			 ('-00:01:00: not shown, not available, slot_not_past, within_notice'), ('-00:00:00.000001: not shown'),
			 ('00:00:00: not shown'), ('00:00:00.000001: shown'), ('00:01:00: shown, available, passes'),
			 ('1 day: shown, available, passes')$$,
	'about now');
SELECT results_eq($$SELECT pg_temp.about('100 hours', '200 hours', '50 hours')$$,
	$$VALUES ('-1 days: not shown, not available, within_notice, within_horizon'),
			 ('-00:01:00: not shown, not available, within_notice, within_horizon'), ('-00:00:00.000001: not shown'),
			 ('00:00:00: not shown'), ('00:00:00.000001: not shown'),
			 ('00:01:00: not shown, not available, within_notice, within_horizon'),
			 ('1 day: not shown, not available, within_notice, within_horizon')$$,
	'a notice longer than the horizon leaves nothing');

-- The refusals say from when, and until when, in local time; book_slot says the same.
SELECT pg_temp.doctor_in('Asia/Kathmandu') AS doctor \gset
SELECT pg_temp.patient() AS patient \gset
SELECT clinic_id FROM booking.doctors WHERE id = :doctor \gset
UPDATE booking.clinics SET name = 'Thamel', booking_horizon = '20 years' WHERE id = :clinic_id;
SELECT pg_temp.slot(:doctor, '2098-06-01 09:00 Asia/Kathmandu') AS late \gset
SELECT pg_temp.slot(:doctor, now() + interval '1 hour') AS soon \gset

SELECT matches(concat_ws(' | ', r.sqlstate, r.message, r.detail, r.hint, r."table", r."constraint"),
	format('^PT422 \| it is too early to book time slot %s \| rule within_horizon: Dr Who at Thamel, 2098-06-01 09:00 \+0545 \(Asia/Kathmandu\)\. '
		   'The clinic books only slots up to \d{4}-\d\d-\d\d \d\d:\d\d \+0545 \(Asia/Kathmandu\)\. \| '
		   'Choose an earlier slot, or try again later\. \| booking\.clinics \| within_horizon$', :late),
	'book_slot: beyond the horizon')
FROM pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', :late, :patient)) r;
UPDATE booking.clinics SET booking_horizon = NULL, min_notice = '61 minutes' WHERE id = :clinic_id;
SELECT matches(concat_ws(' | ', r.sqlstate, r.message, r.detail, r.hint, r."table", r."constraint"),
	format('^PT422 \| it is too late to book time slot %s \| rule within_notice: Dr Who at Thamel, \d{4}-\d\d-\d\d \d\d:\d\d \+0545 \(Asia/Kathmandu\)\. '
		   'The clinic books only slots from \d{4}-\d\d-\d\d \d\d:\d\d \+0545 \(Asia/Kathmandu\) on\. \| '
		   'Choose a later slot, or call the clinic\. \| booking\.clinics \| within_notice$', :soon),
	'book_slot: within the notice')
FROM pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', :soon, :patient)) r;
UPDATE booking.clinics SET min_notice = '59 minutes' WHERE id = :clinic_id;
SELECT is((booking.book_slot(:soon, :patient)).status, 'booked', 'a notice of 59 minutes lets a slot in an hour be booked');
SELECT is((booking.book_slot(:late, :patient)).status, 'booked', 'no horizon lets one in many years be booked');

-- from_time belongs to the range, until_time does not.
SELECT pg_temp.doctor_in('UTC') AS doctor \gset
SELECT FROM booking.add_time_slots(:doctor, '2098-06-01', '09:00', '12:00', 30) \g /dev/null
CREATE FUNCTION pg_temp.between(text, text, max_slots int DEFAULT 100) RETURNS text LANGUAGE SQL AS $$
	SELECT string_agg(to_char(local_start, 'HH24:MI'), ' ' ORDER BY starts_at)
	FROM booking.available_slots(from_time => $1::timestamptz, until_time => $2::timestamptz, max_slots => $3,
		doctor_id => (SELECT max(id) FROM booking.doctors))
$$;
SELECT is(pg_temp.between('2098-06-01 10:00+00', '2098-06-01 11:00+00'), '10:00 10:30', 'from included, until excluded');
SELECT is(pg_temp.between('2098-06-01 10:00:00.000001+00', '2098-06-01 11:00:00.000001+00'), '10:30 11:00', 'a microsecond later');
SELECT is(pg_temp.between('2098-06-01 10:00+00', '2098-06-01 10:00+00'), NULL, 'an empty range');
SELECT is(pg_temp.between(NULL, '2098-06-01 10:00+00'), '09:00 09:30', 'until alone');
SELECT is(pg_temp.between('2098-06-01 11:00+00', NULL), '11:00 11:30', 'from alone');
SELECT is(pg_temp.between('-infinity', 'infinity'), '09:00 09:30 10:00 10:30 11:00 11:30', 'all time');
SELECT is(pg_temp.between('infinity', NULL), NULL, 'after all time');
SELECT is(pg_temp.between(NULL, NULL, 2), '09:00 09:30', 'the earliest max_slots');
SELECT is(pg_temp.between(NULL, NULL, 10000), '09:00 09:30 10:00 10:30 11:00 11:30', 'the greatest max_slots');
SELECT is((pg_temp.refusal($$SELECT pg_temp.between('2098-06-02 00:00+00', '2098-06-01 00:00+00')$$)).sqlstate, 'PT422', 'a reversed range');
SELECT is((pg_temp.refusal($$SELECT pg_temp.between(NULL, NULL, 0)$$)).sqlstate, 'PT422', 'max_slots 0');
SELECT is((pg_temp.refusal($$SELECT pg_temp.between(NULL, NULL, 10001)$$)).sqlstate, 'PT422', 'max_slots 10001');

SELECT * FROM finish();
ROLLBACK;
