-- Holds, as rows: one that has expired counts as free wherever slots are read.
BEGIN;
\ir helpers.psql

SELECT plan(22);

SELECT pg_temp.doctor_in('Europe/London') AS doctor \gset
SELECT pg_temp.patient() AS patient \gset
SELECT pg_temp.patient() AS holder \gset

CREATE FUNCTION pg_temp.hold(slot bigint, patient bigint, until timestamptz) RETURNS void LANGUAGE SQL AS $$
	UPDATE booking.time_slots SET held_until = until WHERE id = slot;
	INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
	SELECT id, patient, clinic_id, doctor_id, starts_at, ends_at, 'pending', until FROM booking.time_slots WHERE id = slot
$$;
-- What each way of reading makes of a slot.
CREATE FUNCTION pg_temp.readings(slot bigint, patient bigint) RETURNS text LANGUAGE SQL AS $$
	SELECT concat_ws(', ',
		CASE WHEN EXISTS (SELECT FROM booking.available_slots((SELECT doctor_id FROM booking.time_slots WHERE id = slot)) WHERE slot_id = slot)
			 THEN 'shown' ELSE 'not shown' END,
		CASE WHEN booking.is_slot_available(slot) THEN 'available' ELSE 'not available' END,
		(SELECT concat_ws(' ', state, 'appointment' || CASE WHEN appointment_id IS NULL THEN NULL ELSE '' END, patient_name) FROM booking.day_sheet WHERE slot_id = slot),
		coalesce((SELECT string_agg(format('%s %s', rule, message), ', ') FROM booking.check_booking(slot, patient) WHERE NOT passed), 'passes'))
$$;

SELECT pg_temp.slot(:doctor, '2098-06-01 09:00 Europe/London') AS free \gset
SELECT pg_temp.slot(:doctor, '2098-06-01 10:00 Europe/London') AS held \gset
SELECT pg_temp.slot(:doctor, '2098-06-01 11:00 Europe/London') AS expired \gset
SELECT FROM pg_temp.hold(:held, :holder, statement_timestamp() + interval '10 minutes') \g /dev/null
SELECT FROM pg_temp.hold(:expired, :holder, statement_timestamp() - interval '1 microsecond') \g /dev/null
UPDATE booking.patients SET name = 'Holder' WHERE id = :holder;

SELECT is(pg_temp.readings(:free, :patient), 'shown, available, free, passes', 'a free slot');
SELECT is(pg_temp.readings(:held, :patient),
	format('not shown, not available, held appointment Holder, slot_not_booked time slot %s is being held for somebody', :held), 'a held slot');
SELECT is(pg_temp.readings(:expired, :patient), 'shown, available, free, passes', 'an expired hold');
SELECT results_eq(format('SELECT slot_id FROM booking.available_slots(%s)', :doctor),
	format('VALUES (%s::bigint), (%s)', :free, :expired), 'the free ones, in order');
SELECT is((pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', :held, :patient)))."constraint", 'slot_not_booked', 'a held slot is not booked');

-- The moment of expiry: a hold lasts until it, and no longer.
CREATE FUNCTION pg_temp.shown_when_held_until(slot bigint, from_now interval) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE booking.time_slots SET held_until = statement_timestamp() + from_now WHERE id = slot;
	-- which only the functions may change, or somebody who switches the triggers off
	SET LOCAL session_replication_role = replica;
	UPDATE booking.appointments SET hold_expires_at = statement_timestamp() + from_now WHERE slot_id = slot;
	SET LOCAL session_replication_role = origin;
	RETURN concat_ws(', ', (SELECT 'shown' FROM booking.available_slots() WHERE slot_id = slot),
		(SELECT state FROM booking.day_sheet WHERE slot_id = slot));
END
$$;
SELECT is(pg_temp.shown_when_held_until(:held, '1 microsecond'), 'held', 'a microsecond before it expires');
SELECT is(pg_temp.shown_when_held_until(:held, '0'), 'shown, free', 'the moment it expires');

-- A clinic's people see a hold that ran out as nobody's: withdrawing and removing do not wait for it.
SELECT is((booking.set_slot_availability(:expired, false)).held_until, NULL, 'a slot whose hold expired can be withdrawn');
SELECT is(pg_temp.readings(:expired, :patient),
	format('not shown, not available, withdrawn, slot_available time slot %s was withdrawn by the clinic', :expired), 'and then is');
SELECT is((booking.set_slot_availability(:expired, true)).is_available, true, 'and reopened');
SELECT is(pg_temp.readings(:expired, :patient), 'shown, available, free, passes', 'and is free again');
SELECT ok((booking.remove_time_slot(:expired)).deleted_at IS NOT NULL, 'and removed');

SELECT is(pg_temp.shown_when_held_until(:held, '1 hour'), 'held', 'a hold that lasts');
SELECT is(pg_temp.refusal(format('SELECT booking.set_slot_availability(%s, false)', :held)),
	ROW('PT409', format('time slot %s is occupied', :held), 'rule slot_not_booked: an appointment, or a hold that has not expired, occupies it.',
		'Cancel or move the appointment first; one that took place keeps its slot.', 'booking.appointments', 'slot_not_booked')::pg_temp.refusal, 'cannot be withdrawn from');
SELECT is(pg_temp.refusal(format('SELECT booking.remove_time_slot(%s)', :held)),
	ROW('PT409', format('time slot %s has upcoming appointments', :held), 'rule no_upcoming_appointments: 1 upcoming appointment.',
		'Cancel or move the appointments first.', 'booking.time_slots', 'no_upcoming_appointments')::pg_temp.refusal, 'nor removed from under its patient');
SELECT is((pg_temp.refusal(format('SELECT booking.remove_patient(%s)', :holder))).message, 'the patient has upcoming appointments', 'the patient is not removed either');

-- A hold needs an expiry; one occupying appointment a slot, whoever writes.
-- With the guard switched off, as for a replica, the constraints still stand.
SET LOCAL session_replication_role = replica;
SELECT throws_ok(format('UPDATE booking.appointments SET hold_expires_at = NULL WHERE slot_id = %s', :held),
	'23514', 'new row for relation "appointments" violates check constraint "hold_has_an_expiry"', 'a hold needs an expiry');
SELECT throws_ok(format('SELECT pg_temp.hold(%s, %s, now())', :held, :patient),
	'23505', 'duplicate key value violates unique constraint "unique_timeslot"', 'two holds of one slot');
UPDATE booking.appointments SET status = 'cancelled' WHERE slot_id = :held;
SELECT lives_ok(format('SELECT pg_temp.hold(%s, %s, now() + interval ''1 hour'')', :held, :patient), 'a cancelled one makes room');
SELECT throws_ok(format('UPDATE booking.appointments SET status = ''noshow'' WHERE slot_id = %s AND status = ''cancelled''', :held),
	'23505', 'duplicate key value violates unique constraint "unique_timeslot"', 'until it is taken back');
SET LOCAL session_replication_role = origin;
SELECT is((SELECT count(*) FROM booking.day_sheet WHERE slot_id = :held), 1::bigint, 'a slot is one line of the day sheet, whatever happened to it');
DELETE FROM booking.appointments WHERE slot_id = :held;
SELECT is(pg_temp.readings(:held, :patient),
	'not shown, available, held, passes', 'a hold whose appointment was deleted: lists believe the slot, a booking the appointments');

SELECT * FROM finish();
ROLLBACK;
