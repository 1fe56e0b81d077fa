-- Leave and closures: what they withdraw, what they leave, and what removing them reopens.
BEGIN;
SELECT plan(71);
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;

CREATE TEMP TABLE people AS
SELECT c.id AS clinic, other.id AS other_clinic, d.id AS doctor, colleague.id AS colleague, stranger.id AS stranger,
	p.id AS ada, q.id AS alan
FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London') AS c, booking.add_clinic('Elsewhere') AS other,
	booking.add_doctor(c.id, 'Dr Grace Hopper') AS d, booking.add_doctor(c.id, 'Dr Tony Hoare') AS colleague,
	booking.add_doctor(other.id, 'Dr Edsger Dijkstra') AS stranger,
	booking.add_patient('Ada Lovelace', 'ada@calendar.example.org') AS p, booking.add_patient('Alan Turing', 'alan@calendar.example.org') AS q;

-- Each part has a day of its own: slots by the hour from 9 to 13 in London, that is 8 to 12 UTC.
CREATE FUNCTION pg_temp.open_day(day date) RETURNS bigint LANGUAGE sql AS
	'SELECT count(*) FROM people, booking.add_time_slots(doctor, day, ''09:00'', ''13:00'', 60)';
CREATE FUNCTION pg_temp.slot(at timestamptz) RETURNS bigint LANGUAGE sql AS
	'SELECT id FROM booking.time_slots JOIN people ON doctor_id IN (doctor, colleague) WHERE starts_at = at AND deleted_at IS NULL';
-- F free, b booked, h held, w withdrawn, o withdrawn by time off; by the hour.
CREATE FUNCTION pg_temp.day(day date) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(
		CASE WHEN a.status = 'booked' THEN 'b' WHEN a.status = 'pending' AND a.hold_expires_at > clock_timestamp() THEN 'h' ELSE '' END
		|| CASE WHEN s.is_available THEN 'F' WHEN s.time_off_id IS NOT NULL THEN 'o' WHEN a.status = 'booked' THEN '' ELSE 'w' END,
		' ' ORDER BY s.starts_at)
	FROM people, booking.time_slots s LEFT JOIN booking.appointments a ON a.slot_id = s.id
		AND a.status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')
	WHERE s.doctor_id = doctor AND s.deleted_at IS NULL AND (s.starts_at AT TIME ZONE 'Europe/London')::date = day
$$;
-- What is free there, as patients find it.
CREATE FUNCTION pg_temp.free(day date) RETURNS text LANGUAGE sql AS
	'SELECT string_agg(left(local_start::text, 2), '' '' ORDER BY starts_at) FROM people, booking.available_slots(doctor, day)';
CREATE FUNCTION pg_temp.latest_off() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM booking.time_off';
CREATE FUNCTION pg_temp.hour(day date, hour int) RETURNS timestamptz LANGUAGE sql AS
	'SELECT (day + make_time(hour, 0, 0)) AT TIME ZONE ''Europe/London''';

-- Withdrawing and reopening.
SELECT is(pg_temp.open_day('2090-06-01'), 4::bigint, 'four slots');
CREATE TEMP TABLE booked AS SELECT a.* FROM people, booking.book_slot(pg_temp.slot('2090-06-01 09:00Z'), ada) AS a;
SELECT lives_ok($$SELECT booking.set_slot_availability(pg_temp.slot('2090-06-01 10:00Z'), false)$$, 'one is withdrawn by hand');
SELECT is(pg_temp.day('2090-06-01'), 'F b w F', 'before the leave');
SELECT results_eq($$SELECT a.id, status FROM people, booking.add_time_off('2090-06-01 08:30Z', '2090-06-01 11:00Z', doctor_id => doctor) AS a$$,
	$$SELECT id, 'booked'::booking.appointment_status FROM booked$$, 'leave returns what must move');
SELECT is(pg_temp.day('2090-06-01'), 'o b w F', 'leave withdraws free slots at once, those it cuts into too; touching is not inside');
SELECT is(pg_temp.free('2090-06-01'), '12', 'nobody finds them');
SELECT throws_ok($$SELECT booking.book_slot(pg_temp.slot('2090-06-01 08:00Z'), alan) FROM people$$, 'PT409', NULL, 'nor books them');
SELECT throws_ok($$SELECT booking.set_slot_availability(pg_temp.slot('2090-06-01 08:00Z'), true)$$, 'PT409', NULL, 'nor reopens them');
SELECT throws_ok($$SELECT booking.add_time_slots(doctor, '2090-06-01', '08:00', '09:45', 35) FROM people$$, 'PT409', NULL, 'nor adds new ones');
SELECT is((SELECT a.status FROM booked b, booking.cancel_appointment(b.id) AS a), 'cancelled', 'the appointment is cancelled');
SELECT is(pg_temp.day('2090-06-01'), 'o o w F', 'its slot stays withdrawn');
SELECT lives_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'the leave is removed');
SELECT is(pg_temp.day('2090-06-01'), 'F F w F', 'what it withdrew is free, what was withdrawn by hand is not');
SELECT throws_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'PT404', NULL, 'it is removed once');

-- Raw SQL that cancels finds the leave as well; and a slot withdrawn by hand during it stays so.
SELECT is(pg_temp.open_day('2090-06-02'), 4::bigint, 'another day');
CREATE TEMP TABLE raw AS SELECT a.* FROM people, booking.book_slot(pg_temp.slot('2090-06-02 09:00Z'), ada) AS a;
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-02', '2090-06-02', doctor)), 1::bigint, 'a day off');
UPDATE booking.appointments SET status = 'cancelled' WHERE id = (SELECT id FROM raw);
SELECT is(pg_temp.day('2090-06-02'), 'o o o o', 'a slot freed by raw SQL stays withdrawn');
SELECT lives_ok($$SELECT booking.set_slot_availability(pg_temp.slot('2090-06-02 08:00Z'), false)$$, 'one is withdrawn by hand as well');
SELECT lives_ok($$SELECT booking.remove_time_slot(pg_temp.slot('2090-06-02 10:00Z'))$$, 'one is removed');
SELECT lives_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'back from the day off');
SELECT is(pg_temp.day('2090-06-02'), 'w F F', 'the one withdrawn by hand stays withdrawn');
SELECT lives_ok($$SELECT booking.restore_time_slot(id) FROM booking.time_slots JOIN people ON doctor_id = doctor WHERE starts_at = '2090-06-02 10:00Z'$$, 'the removed one is restored');
SELECT is(pg_temp.day('2090-06-02'), 'w F F F', 'and is free, as there is no leave any more');
SELECT lives_ok($$SELECT booking.remove_time_slot(pg_temp.slot('2090-06-02 10:00Z'))$$, 'removed again');
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-02', '2090-06-02', doctor)), 0::bigint, 'leave while it is removed');
SELECT lives_ok($$SELECT booking.restore_time_slot(id) FROM booking.time_slots JOIN people ON doctor_id = doctor WHERE starts_at = '2090-06-02 10:00Z'$$, 'restored inside the leave');
SELECT is(pg_temp.day('2090-06-02'), 'w o o o', 'and withdrawn by it');
SELECT lives_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'the leave is removed');
SELECT is(pg_temp.day('2090-06-02'), 'w F F F', 'and the slot reopens');

-- Holds: the holder may confirm, nobody else gets the slot, and it is not free afterwards.
SELECT is(pg_temp.open_day('2090-06-05'), 4::bigint, 'a day with holds');
CREATE TEMP TABLE holds AS SELECT a.* FROM people, generate_series(8, 10) AS hour,
	booking.hold_slot(pg_temp.slot('2090-06-05 00:00Z'::timestamptz + hour * interval '1 hour'), ada) AS a;
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-05', '2090-06-05', doctor)), 3::bigint, 'holds are told of');
SELECT is(pg_temp.day('2090-06-05'), 'ho ho ho o', 'and their slots are withdrawn');
SELECT throws_ok($$SELECT booking.book_slot(pg_temp.slot('2090-06-05 08:00Z'), alan) FROM people$$, 'PT409', NULL, 'nobody else gets one');
SELECT is((SELECT status FROM booking.confirm_hold((SELECT min(id) FROM holds))), 'booked', 'the holder confirms');
SELECT is((SELECT status FROM people, booking.book_slot(pg_temp.slot('2090-06-05 09:00Z'), ada)), 'booked', 'or books');
UPDATE booking.time_slots SET held_until = now() - interval '1 hour' WHERE id = pg_temp.slot('2090-06-05 10:00Z');
SET LOCAL session_replication_role = replica;
UPDATE booking.appointments SET hold_expires_at = now() - interval '1 hour' WHERE id = (SELECT max(id) FROM holds);
SET LOCAL session_replication_role = origin;
SELECT throws_ok($$SELECT booking.book_slot(pg_temp.slot('2090-06-05 10:00Z'), alan) FROM people$$, 'PT409', NULL, 'an expired hold leaves the slot withdrawn');
SELECT is(booking.expire_holds(), 1, 'it is cleared away');
SELECT is(pg_temp.day('2090-06-05'), 'b b o o', 'and its slot is still withdrawn');
SELECT is(pg_temp.free('2090-06-05'), NULL, 'nothing is free');
SELECT is((SELECT count(*) FROM booking.cancel_appointment((SELECT min(id) FROM holds))), 1::bigint, 'a confirmed one is cancelled');
SELECT is(pg_temp.day('2090-06-05'), 'o b o o', 'and its slot stays withdrawn');
SELECT lives_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'the day off is removed');
SELECT is(pg_temp.day('2090-06-05'), 'F b F F', 'all but the booked one are free');

-- A hold outlives a leave that comes and goes.
CREATE TEMP TABLE kept AS SELECT a.* FROM people, booking.hold_slot(pg_temp.slot('2090-06-05 10:00Z'), ada) AS a;
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-05', '2090-06-05', doctor)), 2::bigint, 'leave over a hold and an appointment');
SELECT lives_ok($$SELECT booking.remove_time_off(pg_temp.latest_off())$$, 'is removed while the hold lasts');
SELECT is(pg_temp.day('2090-06-05'), 'F b hF F', 'and the hold goes on');
SELECT throws_ok($$SELECT booking.book_slot(pg_temp.slot('2090-06-05 10:00Z'), alan) FROM people$$, 'PT409', NULL, 'for its holder alone');

-- Times off that overlap: a slot is free when the last of them is gone.
SELECT is(pg_temp.open_day('2090-06-06'), 4::bigint, 'a day of two times off');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-06 08:00Z', '2090-06-06 10:00Z', doctor, reason => ' a course ')), 0::bigint, 'leave');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-06 09:00Z', '2090-06-06 11:00Z', clinic_id => clinic)), 0::bigint, 'and the clinic closed');
SELECT is(pg_temp.day('2090-06-06'), 'o o o F', 'both');
CREATE TEMP TABLE two AS SELECT max(id) FILTER (WHERE doctor_id IS NOT NULL) AS leave, max(id) FILTER (WHERE doctor_id IS NULL) AS closure FROM booking.time_off;
SELECT is((SELECT reason FROM two, booking.remove_time_off(leave)), 'a course', 'without the leave');
SELECT is(pg_temp.day('2090-06-06'), 'F o o F', 'the clinic is still closed');
SELECT lives_ok('SELECT booking.remove_time_off(closure) FROM two', 'without the closure, too');
SELECT is(pg_temp.day('2090-06-06'), 'F F F F', 'all are free');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-06 08:00Z', '2090-06-06 10:00Z', doctor)), 0::bigint, 'leave');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-06 09:00Z', '2090-06-06 11:00Z', clinic_id => clinic)), 0::bigint, 'and closed');
SELECT lives_ok('SELECT booking.remove_time_off(pg_temp.latest_off())', 'the other way round');
SELECT is(pg_temp.day('2090-06-06'), 'o o F F', 'the leave keeps what both had');

-- Whole days are the clinic's, 23 and 25 hours long when its clocks change.
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-03-26', '2090-03-26', clinic_id => clinic, reason => 'the clocks go forward')), 0::bigint, 'a short day');
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-10-29', '2090-10-30', clinic_id => clinic)), 0::bigint, 'a long one and another');
SELECT results_eq('SELECT starts_at, ends_at - starts_at FROM booking.time_off ORDER BY id DESC LIMIT 2',
	$$VALUES ('2090-10-28 23:00Z'::timestamptz, '49:00'::interval), ('2090-03-26 00:00Z', '23:00')$$, 'from midnight to midnight');

-- A slot moved into leave by its appointment.
SELECT is(pg_temp.open_day('2090-06-07') + pg_temp.open_day('2090-06-08'), 8::bigint, 'two days');
CREATE TEMP TABLE away AS SELECT a.* FROM people, booking.book_slot(pg_temp.slot('2090-06-07 08:00Z'), ada) AS a;
SELECT is((SELECT count(*) FROM people, booking.add_days_off('2090-06-07', '2090-06-07', doctor)), 1::bigint, 'leave on the first');
SELECT is((SELECT a.starts_at FROM away w, booking.reschedule_appointment(w.id, pg_temp.slot('2090-06-08 08:00Z')) AS a), '2090-06-08 08:00Z', 'the appointment moves to the second');
SELECT is(pg_temp.day('2090-06-07') || ', ' || pg_temp.day('2090-06-08'), 'o o o o, b F F F', 'and leaves nothing free in the leave');

-- Slots moved by plain SQL: not into leave, and out of it they are free.
SELECT is(pg_temp.open_day('2090-06-09'), 4::bigint, 'another day');
SELECT is((SELECT count(*) FROM people, booking.add_time_off('2090-06-09 08:00Z', '2090-06-09 10:00Z', doctor)), 0::bigint, 'leave');
SELECT throws_ok($$UPDATE booking.time_slots SET starts_at = '2090-06-09 09:30Z', ends_at = '2090-06-09 10:30Z' WHERE id = pg_temp.slot('2090-06-09 10:00Z')$$,
	'PT409', NULL, 'no slot is moved into it');
UPDATE booking.time_slots SET starts_at = '2090-06-09 14:00Z', ends_at = '2090-06-09 15:00Z' WHERE id = pg_temp.slot('2090-06-09 08:00Z');
SELECT is(pg_temp.day('2090-06-09'), 'o F F F', 'one that is moved out is free');
SELECT lives_ok('SELECT booking.remove_time_off(pg_temp.latest_off())', 'without the leave all are');

SELECT * FROM finish();
ROLLBACK;
