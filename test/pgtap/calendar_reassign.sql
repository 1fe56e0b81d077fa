-- A substitute takes over slots and appointments: all or nothing, with events.
BEGIN;
SELECT plan(44);
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;

CREATE TEMP TABLE people AS
SELECT c.id AS clinic, grace.id AS grace, tony.id AS tony, stranger.id AS stranger, p.id AS ada, q.id AS alan
FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London') AS c, booking.add_clinic('Elsewhere') AS other,
	booking.add_doctor(c.id, 'Dr Grace Hopper') AS grace, booking.add_doctor(c.id, 'Dr Tony Hoare') AS tony,
	booking.add_doctor(other.id, 'Dr Edsger Dijkstra') AS stranger,
	booking.add_patient('Ada Lovelace', 'ada@calendar.example.org') AS p, booking.add_patient('Alan Turing', 'alan@calendar.example.org') AS q;

CREATE FUNCTION pg_temp.slot(at timestamptz) RETURNS bigint LANGUAGE sql AS
	'SELECT id FROM booking.time_slots JOIN people ON doctor_id IN (grace, tony) WHERE starts_at = at AND deleted_at IS NULL';
CREATE FUNCTION pg_temp.reassign(from_time timestamptz, until_time timestamptz) RETURNS bigint LANGUAGE sql AS
	'SELECT booking.reassign_slots(grace, tony, from_time, until_time) FROM people';
-- Whose each slot and its appointments are, by the hour: g or t, * where appointments disagree with the slot.
CREATE FUNCTION pg_temp.day(day date) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(CASE WHEN s.doctor_id = grace THEN 'g' ELSE 't' END || CASE WHEN s.is_available THEN 'F' ELSE '' END
		|| coalesce((SELECT CASE WHEN a.doctor_id = s.doctor_id THEN left(a.status::text, 1) ELSE '*' END
					 FROM booking.appointments a WHERE a.slot_id = s.id
						AND a.status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')), ''), ' ' ORDER BY s.starts_at, s.doctor_id)
	FROM people JOIN booking.time_slots s ON s.doctor_id IN (grace, tony)
	WHERE s.deleted_at IS NULL AND (s.starts_at AT TIME ZONE 'Europe/London')::date = day
$$;

-- Free, booked, held, cancelled, withdrawn, outside the range.
SELECT is((SELECT count(*) FROM people, booking.add_time_slots(grace, '2090-06-01', '09:00', '15:00', 60)), 6::bigint, 'six slots');
CREATE TEMP TABLE cancelled AS SELECT c.* FROM people, booking.book_slot(pg_temp.slot('2090-06-01 08:00Z'), alan) AS a, booking.cancel_appointment(a.id) AS c;
CREATE TEMP TABLE booked AS SELECT a.* FROM people, booking.book_slot(pg_temp.slot('2090-06-01 08:00Z'), ada) AS a;
CREATE TEMP TABLE held AS SELECT a.* FROM people, booking.hold_slot(pg_temp.slot('2090-06-01 09:00Z'), ada) AS a;
SELECT lives_ok($$SELECT booking.set_slot_availability(pg_temp.slot('2090-06-01 11:00Z'), false)$$, 'one withdrawn');
SELECT lives_ok($$SELECT booking.remove_time_slot(pg_temp.slot('2090-06-01 12:00Z'))$$, 'one removed');
SELECT is(pg_temp.day('2090-06-01'), 'gb gFp gF g gF', 'before');
CREATE TEMP TABLE events AS TABLE booking.appointment_events;
SELECT is(pg_temp.reassign('2090-06-01 08:00Z', '2090-06-01 13:00Z'), 3::bigint, 'the substitute takes over three');
SELECT is(pg_temp.day('2090-06-01'), 'tb tFp tF g gF', 'free, booked and held ones; not those withdrawn, removed, or from until_time on');
SELECT results_eq($$SELECT appointment_id, slot_id, from_status, to_status, actor_role, reason
		FROM booking.appointment_events WHERE id NOT IN (SELECT id FROM events) ORDER BY appointment_id$$,
	$$SELECT id, slot_id, status, status, session_user::name, 'reassigned to another doctor' FROM booked
		UNION ALL SELECT id, slot_id, status, status, session_user::name, 'reassigned to another doctor' FROM held$$,
	'an event each');
SELECT is((SELECT doctor_id FROM booking.appointments WHERE id = (SELECT id FROM cancelled)), (SELECT grace FROM people), 'what was cancelled is as it was');
SELECT is((SELECT row(a.status, a.starts_at, a.ends_at, a.patient_id, a.booked_at, a.slot_id)::text FROM booking.appointments a JOIN booked b USING (id)),
	(SELECT row(status, starts_at, ends_at, patient_id, booked_at, slot_id)::text FROM booked), 'but for the doctor the appointment is the same');
SELECT is((SELECT row(s.held_until = h.hold_expires_at, a.hold_expires_at = h.hold_expires_at)::text
	FROM held h JOIN booking.time_slots s ON s.id = h.slot_id JOIN booking.appointments a ON a.id = h.id), '(t,t)', 'and so is the hold');
SELECT is(pg_temp.reassign('2090-06-01 08:00Z', '2090-06-01 13:00Z'), 0::bigint, 'a second time moves nothing');

-- Life goes on with the substitute.
SELECT is((SELECT a.doctor_id FROM people, booking.book_slot(pg_temp.slot('2090-06-01 10:00Z'), alan) AS a), (SELECT tony FROM people), 'bookings go on');
SELECT is((SELECT a.doctor_id || a.status::text FROM held h, booking.confirm_hold(h.id) AS a), (SELECT tony || 'booked' FROM people), 'holds are confirmed');
SELECT is((SELECT a.status FROM booked b, booking.cancel_appointment(b.id) AS a), 'cancelled', 'appointments cancelled');
SELECT is((SELECT string_agg(s.doctor_name || ' ' || s.local_start, ', ') FROM people, booking.available_slots(tony, '2090-06-01') AS s), 'Dr Tony Hoare 09:00:00', 'what is freed is the substitute''s');
SELECT is((SELECT count(*) FROM people, booking.add_time_slots(grace, '2090-06-01', '10:00', '12:00', 30)), 4::bigint, 'the doctor''s own time is free again');
SELECT throws_ok($$SELECT booking.add_time_slots(tony, '2090-06-01', '10:30', '11:30', 30) FROM people$$, 'PT409', NULL, 'the substitute''s is not');

-- Refusals, each with nothing moved.
SELECT is((SELECT count(*) FROM people, booking.add_time_slots(grace, '2090-06-02', '09:00', '13:00', 60)), 4::bigint, 'another day');
SELECT is((SELECT count(*) FROM people, booking.book_slot(pg_temp.slot('2090-06-02 08:00Z'), ada)), 1::bigint, 'booked first thing');
CREATE TEMP TABLE before AS SELECT pg_temp.day('2090-06-02') AS day, count(*) AS events FROM booking.appointment_events;
PREPARE that_day AS SELECT pg_temp.reassign('2090-06-02 00:00Z', '2090-06-03 00:00Z');
SELECT is((SELECT count(*) FROM people, booking.add_time_slots(tony, '2090-06-02', '12:30', '13:30', 30)), 2::bigint, 'the substitute''s own slot, half an hour in the way');
SELECT throws_ok('EXECUTE that_day', 'PT409', (SELECT format('doctor %s has time slots of their own then', tony) FROM people), 'is a clash');
SELECT lives_ok($$SELECT booking.set_slot_availability(pg_temp.slot('2090-06-02 11:30Z'), false)$$, 'withdrawn');
SELECT throws_ok('EXECUTE that_day', 'PT409', NULL, 'it is one still');
SELECT lives_ok($$SELECT booking.remove_time_slot(pg_temp.slot('2090-06-02 11:30Z'))$$, 'removed it is not');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-02 11:59Z', '2090-06-02 12:30Z', tony)), 0::bigint, 'the substitute is off for a minute of it');
SELECT throws_ok('EXECUTE that_day', 'PT409', (SELECT format('doctor %s is off then', tony) FROM people), 'on leave');
SELECT lives_ok('SELECT booking.remove_time_off(max(id)) FROM booking.time_off', 'back');
UPDATE booking.doctors SET is_active = false FROM people WHERE id = tony;
SELECT throws_ok('EXECUTE that_day', 'PT409', (SELECT format('doctor %s takes no bookings', tony) FROM people), 'inactive');
UPDATE booking.doctors SET is_active = true FROM people WHERE id = tony;
SELECT throws_ok($$SELECT booking.reassign_slots(grace, stranger, '2090-06-02Z', '2090-06-03Z') FROM people$$, 'PT422',
	(SELECT format('doctor %s works at another clinic', stranger) FROM people), 'of another clinic');
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-02', '2090-06-02', clinic_id => clinic)), 1::bigint, 'the clinic is closed');
SELECT throws_ok('EXECUTE that_day', 'PT409', NULL, 'for the substitute as well');
SELECT lives_ok('SELECT booking.remove_time_off(max(id)) FROM booking.time_off', 'open again');
SELECT is((SELECT count(*) FROM before WHERE day || ' tF' = pg_temp.day('2090-06-02') AND events = (SELECT count(*) FROM booking.appointment_events)), 1::bigint, 'nothing was moved or written');
SELECT is(pg_temp.reassign('2090-06-02 00:00Z', '2090-06-03 00:00Z'), 4::bigint, 'with nothing in the way all four move');

-- The doctor fell ill: what was booked or held moves, and what is freed then is free.
SELECT is((SELECT count(*) FROM people, booking.add_time_slots(grace, '2090-06-05', '09:00', '12:00', 60)), 3::bigint, 'three slots');
CREATE TEMP TABLE ill AS SELECT a.* FROM people, booking.book_slot(pg_temp.slot('2090-06-05 08:00Z'), ada) AS a;
CREATE TEMP TABLE ill_hold AS SELECT a.* FROM people, booking.hold_slot(pg_temp.slot('2090-06-05 09:00Z'), alan) AS a;
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-05', '2090-06-09', grace)), 2::bigint, 'a week in bed');
SELECT is(pg_temp.reassign('2090-06-05 00:00Z', '2090-06-10 00:00Z'), 2::bigint, 'a substitute');
SELECT is(pg_temp.day('2090-06-05'), 'tb tFp g', 'has the booked and the held one, whose slot is no longer withdrawn');
SELECT is((SELECT count(*) FROM ill, booking.cancel_appointment(ill.id)), 1::bigint, 'one is cancelled');
SELECT is((SELECT count(*) FROM ill_hold, booking.cancel_appointment(ill_hold.id)), 1::bigint, 'the other given up');
SELECT is(pg_temp.day('2090-06-05'), 'tF tF g', 'and both are free');
SELECT lives_ok('SELECT booking.remove_time_off(max(id)) FROM booking.time_off', 'well again');
SELECT is(pg_temp.day('2090-06-05'), 'tF tF gF', 'the doctor has what was withdrawn');

SELECT is((SELECT count(*) FROM booking.appointments a JOIN booking.time_slots s ON s.id = a.slot_id
	WHERE a.status IN ('pending', 'booked') AND (a.doctor_id, a.clinic_id, a.starts_at) IS DISTINCT FROM (s.doctor_id, s.clinic_id, s.starts_at)),
	0::bigint, 'every appointment agrees with its slot');

SELECT * FROM finish();
ROLLBACK;
