-- check_booking: each rule that fails, with its SQLSTATE and message; and that book_slot refuses with the
-- first one. The whole chain is in test/sql/booking_rules.sql.
BEGIN;
\ir helpers.psql

SELECT plan(45);

SELECT has_function('booking', 'check_booking', '{bigint,bigint}'::name[]);
SELECT has_function('booking', 'is_slot_available', '{bigint}'::name[]);
SELECT volatility_is('booking', 'check_booking', '{bigint,bigint}'::name[], 'stable');
SELECT volatility_is('booking', 'is_slot_available', '{bigint}'::name[], 'stable');

-- What check_booking says of one rule about the slot, one about the patient and one about both: passed.
CREATE FUNCTION pg_temp.dry_run(slot bigint, patient bigint) RETURNS SETOF text LANGUAGE SQL AS $$
	SELECT concat_ws(': ', rule, coalesce(passed::text, 'not judged')) FROM booking.check_booking(slot, patient)
	WHERE rule IN ('slot_available', 'patient_active', 'patient_not_double_booked')
$$;
-- The rules that fail, in order.
CREATE FUNCTION pg_temp.failures(slot bigint, patient bigint) RETURNS text LANGUAGE SQL AS $$
	SELECT coalesce(string_agg(format('%s %s: %s', sqlstate, rule, message), '; '), 'none')
	FROM booking.check_booking(slot, patient) WHERE NOT passed
$$;
-- What book_slot says, in the same words.
CREATE FUNCTION pg_temp.refusal_to_book(slot bigint, patient bigint) RETURNS text LANGUAGE SQL AS $$
	SELECT CASE WHEN r.sqlstate IS NULL THEN 'none' ELSE format('%s %s: %s', r.sqlstate, r."constraint", r.message) END
	FROM (SELECT (pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', slot, patient))).*) r
	WHERE r.sqlstate IS NULL OR r.detail LIKE 'rule ' || r."constraint" || ': %'
$$;

SELECT pg_temp.doctor_in('Europe/London') AS doctor_id \gset
SELECT clinic_id, (booking.add_doctor(clinic_id, 'Dr Second')).id AS second
FROM booking.doctors WHERE id = :doctor_id \gset
SELECT pg_temp.patient() AS patient \gset
INSERT INTO booking.patients (id, name, email) VALUES (987654321, 'Rival Jones', 'rival@example.org')
RETURNING id AS rival \gset
UPDATE booking.clinics SET name = 'Harley Street' WHERE id = :clinic_id;
SELECT pg_temp.slot(:doctor_id, '2098-06-01 09:00 Europe/London') AS slot,
	   pg_temp.slot(:doctor_id, '2098-06-01 10:00 Europe/London') AS booked,
	   pg_temp.slot(:doctor_id, '2098-06-01 11:00 Europe/London') AS withdrawn,
	   pg_temp.slot(:doctor_id, now() - interval '1 hour') AS past,
	   pg_temp.slot(:second, '2098-06-01 09:15 Europe/London') AS overlapping \gset

SELECT results_eq(format('SELECT pg_temp.dry_run(%s, %s)', :slot, :patient),
	$$VALUES ('slot_available: true'), ('patient_active: true'), ('patient_not_double_booked: true')$$, 'rules pass');
SELECT is(pg_temp.failures(:slot, :patient), 'none', 'and none fails');
SELECT ok(booking.is_slot_available(:slot), 'such a slot is available');
SELECT is(pg_temp.refusal_to_book(:slot, :patient), 'none', 'and can be booked');

-- One rule after the other.
SELECT is(pg_temp.failures(-1, :patient), 'PT404 slot_exists: there is no time slot -1', 'no such slot');
SELECT results_eq(format('SELECT pg_temp.dry_run(-1, %s)', :patient),
	$$VALUES ('slot_available: not judged'), ('patient_active: true'), ('patient_not_double_booked: not judged')$$,
	'what is about the slot cannot be judged');
SELECT is(pg_temp.refusal_to_book(-1, :patient), pg_temp.failures(-1, :patient), 'book_slot: no such slot');

SELECT is(pg_temp.failures(:slot, -1), 'PT404 patient_exists: there is no such patient', 'no such patient');
SELECT results_eq(format('SELECT pg_temp.dry_run(%s, -1)', :slot),
	$$VALUES ('slot_available: true'), ('patient_active: not judged'), ('patient_not_double_booked: not judged')$$,
	'what is about the patient cannot be judged');
SELECT is(pg_temp.refusal_to_book(:slot, -1), pg_temp.failures(:slot, -1), 'book_slot: no such patient');

SELECT (booking.remove_time_slot(:withdrawn)).deleted_at IS NOT NULL AS removed \gset
SELECT is(pg_temp.failures(:withdrawn, :patient), format('PT404 slot_exists: there is no time slot %s', :withdrawn), 'a removed slot');
SELECT is((booking.restore_time_slot(:withdrawn)).deleted_at, NULL, 'is brought back');
SELECT is((booking.set_slot_availability(:withdrawn, false)).is_available, false, 'a slot is withdrawn');
SELECT is(pg_temp.failures(:withdrawn, :patient), format('PT409 slot_available: time slot %s was withdrawn by the clinic', :withdrawn), 'a withdrawn slot');
SELECT is(pg_temp.refusal_to_book(:withdrawn, :patient), pg_temp.failures(:withdrawn, :patient), 'book_slot: a withdrawn slot');
SELECT ok(NOT booking.is_slot_available(:withdrawn), 'a withdrawn slot is not available');

SELECT is((booking.book_slot(:booked, :rival)).status, 'booked', 'a rival books');
SELECT is(pg_temp.failures(:booked, :patient), format('PT409 slot_not_booked: time slot %s is already booked', :booked), 'a booked slot: it was not withdrawn');
SELECT is(pg_temp.refusal_to_book(:booked, :patient), pg_temp.failures(:booked, :patient), 'book_slot: a booked slot');
SELECT is(pg_temp.failures(:booked, :rival), format('PT409 slot_not_booked: time slot %s is already booked', :booked), 'the patient''s own appointment is no second reason');
SELECT ok(NOT booking.is_slot_available(:booked), 'a booked slot is not available');

SELECT is(pg_temp.failures(:past, :patient), format('PT422 slot_not_past: time slot %s has already started; PT422 within_notice: it is too late to book time slot %1$s', :past), 'a slot that has started');
SELECT is(pg_temp.refusal_to_book(:past, :patient), format('PT422 slot_not_past: time slot %s has already started', :past), 'book_slot: a slot that has started');
SELECT ok(NOT booking.is_slot_available(:past), 'a slot that has started is not available');

UPDATE booking.clinics SET is_active = false WHERE id = :clinic_id;
SELECT is(pg_temp.failures(:slot, :patient), format('PT409 clinic_active: clinic %s takes no bookings', :clinic_id), 'an inactive clinic');
UPDATE booking.clinics SET is_active = true WHERE id = :clinic_id;
UPDATE booking.doctors SET is_active = false WHERE id = :doctor_id;
SELECT is(pg_temp.failures(:slot, :patient), format('PT409 doctor_active: doctor %s takes no bookings', :doctor_id), 'an inactive doctor');
SELECT ok(NOT booking.is_slot_available(:slot), 'whose slots are not available');
UPDATE booking.doctors SET is_active = true WHERE id = :doctor_id;
UPDATE booking.patients SET is_active = false WHERE id = :patient;
SELECT is(pg_temp.failures(:slot, :patient), 'PT409 patient_active: the patient is inactive', 'an inactive patient');
SELECT ok(booking.is_slot_available(:slot), 'the patient does not make a slot unavailable');
UPDATE booking.patients SET is_active = true WHERE id = :patient;
SELECT (booking.remove_patient(:patient)).deleted_at IS NOT NULL AS removed \gset
SELECT is(pg_temp.failures(:slot, :patient), 'PT404 patient_exists: there is no such patient', 'a removed patient');
SELECT (booking.restore_patient(:patient)).deleted_at IS NULL AS restored \gset

SELECT is((booking.book_slot(:overlapping, :patient)).status, 'booked', 'the patient has an appointment');
SELECT is(pg_temp.failures(:slot, :patient), format('PT409 patient_not_double_booked: the patient has another appointment during time slot %s', :slot), 'an overlapping appointment');
SELECT ok(booking.is_slot_available(:slot), 'somebody else could book the slot');

-- Everything wrong at once: all of it is told, and book_slot refuses with the first.
UPDATE booking.clinics SET is_active = false, min_notice = '1 hour' WHERE id = :clinic_id;
UPDATE booking.doctors SET is_active = false WHERE id = :doctor_id;
UPDATE booking.patients SET is_active = false WHERE id = :patient;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT :past, :rival, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = :past;
SELECT pg_temp.slot(:second, now() - interval '50 minutes') AS past_elsewhere \gset
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT id, :patient, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = :past_elsewhere;
SELECT is(pg_temp.failures(:past, :patient), format(
		'PT409 slot_not_booked: time slot %1$s is already booked; PT422 slot_not_past: time slot %1$s has already started; '
		'PT409 clinic_active: clinic %2$s takes no bookings; PT409 doctor_active: doctor %3$s takes no bookings; '
		'PT409 patient_active: the patient is inactive; PT422 within_notice: it is too late to book time slot %1$s; '
		'PT409 patient_not_double_booked: the patient has another appointment during time slot %1$s', :past, :clinic_id, :doctor_id),
	'all rules that fail are told');
SELECT is(pg_temp.refusal_to_book(:past, :patient), format('PT409 slot_not_booked: time slot %s is already booked', :past), 'book_slot stops at the first');

-- The whole of a refusal.
UPDATE booking.clinics SET is_active = true WHERE id = :clinic_id;
UPDATE booking.doctors SET is_active = true WHERE id = :doctor_id;
SELECT is(pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', :booked, :patient)),
	ROW('PT409', format('time slot %s is already booked', :booked),
		'rule slot_not_booked: Dr Who at Harley Street, 2098-06-01 10:00 BST (Europe/London).',
		format('Choose a free slot: booking.available_slots(doctor_id => %s).', :doctor_id),
		'booking.appointments', 'slot_not_booked')::pg_temp.refusal,
	'message, detail, hint, table and constraint');
SELECT ok(NOT (r.message || r.detail || r.hint) ~* '987654321|rival|Jones',
	'nothing of it tells who has the slot')
FROM pg_temp.refusal(format('SELECT booking.book_slot(%s, %s)', :booked, :patient)) r;

-- Nobody to judge for.
SELECT is((pg_temp.refusal('SELECT * FROM booking.check_booking(NULL, 1)')).sqlstate, 'PT400', 'check_booking without a slot');
SELECT is((pg_temp.refusal('SELECT * FROM booking.check_booking(1)')).sqlstate, 'PT400', 'check_booking without a patient');
SELECT is((pg_temp.refusal('SELECT booking.is_slot_available(NULL)')).sqlstate, 'PT400', 'is_slot_available without a slot');
SELECT is(pg_temp.refusal('SELECT booking.is_slot_available(-9223372036854775808)'),
	ROW('PT404', 'there is no time slot -9223372036854775808',
		'rule slot_exists: no time slot has this id, or it was removed.',
		'booking.available_slots() lists the slots that are free.', 'booking.time_slots', 'slot_exists')::pg_temp.refusal,
	'is_slot_available of no slot');

SELECT * FROM finish();
ROLLBACK;
