-- The tables keep the book right whoever writes to them: constraints by name, and the shapes
-- that bookings depend on for speed.
BEGIN;
\ir helpers.psql
SET LOCAL TimeZone = 'UTC';

SELECT plan(49);

SELECT tables_are('booking', '{clinics,doctors,patients,time_slots,schedules,time_off,generated_days,appointments,appointment_events,status_transitions,rules,generated_doctors,maintenance,clinic_figures,event_consumers,table_definitions}'::name[]);
SELECT views_are('booking', '{altered_tables,day_sheet,bookings,bookings_to_cancel,metrics}'::name[]);
SELECT enum_has_labels('booking', 'appointment_status',
	'{proposed,pending,booked,arrived,checked-in,fulfilled,cancelled,noshow,entered-in-error,waitlist}'::name[]);
SELECT columns_are('booking', 'clinics', '{id,name,address,time_zone,is_active,min_notice,booking_horizon,hold_duration,allow_patient_overlap,idempotency_retention,created_at,updated_at,deleted_at}'::name[]);
SELECT columns_are('booking', 'doctors', '{id,clinic_id,name,specialization,is_active,created_at,updated_at,deleted_at}'::name[]);
SELECT columns_are('booking', 'patients', '{id,name,email,is_active,created_at,updated_at,deleted_at}'::name[]);
SELECT columns_are('booking', 'time_slots', '{id,clinic_id,doctor_id,starts_at,ends_at,is_available,held_until,time_off_id,created_at,updated_at,deleted_at}'::name[]);
SELECT columns_are('booking', 'appointments', '{id,slot_id,patient_id,clinic_id,doctor_id,starts_at,ends_at,status,booked_at,hold_expires_at,idempotency_key,created_at,updated_at}'::name[]);
SELECT columns_are('booking', 'appointment_events', '{id,appointment_id,slot_id,from_status,to_status,actor_role,actor,reason,created_at}'::name[]);

-- What makes a booking's update heap-only.
SELECT is_empty($$
	SELECT i.indexrelid::regclass FROM pg_index i
	WHERE i.indrelid = 'booking.time_slots'::regclass
	  AND pg_get_indexdef(i.indexrelid) ~ '\m(is_available|held_until|updated_at)\M'$$,
	'no index of time_slots names a column that a booking changes');
SELECT ok(EXISTS (SELECT FROM pg_class WHERE oid = 'booking.time_slots'::regclass AND reloptions @> '{fillfactor=85}'),
	'its pages have room for new versions');
-- What keeps bookings from locking rows they share.
SELECT results_eq($$
	SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
	WHERE contype = 'f' AND connamespace = 'booking'::regnamespace ORDER BY 1, 2$$,
	$$VALUES ('booking.appointments', 'booking.patients'), ('booking.appointments', 'booking.time_slots'),
			 ('booking.doctors', 'booking.clinics'), ('booking.generated_days', 'booking.doctors'),
			 ('booking.rules', 'booking.clinics'), ('booking.schedules', 'booking.doctors'),
			 ('booking.time_off', 'booking.clinics'), ('booking.time_off', 'booking.doctors'),
			 ('booking.time_slots', 'booking.doctors')$$,
	'foreign keys: none from appointments to clinics or doctors, none from the audit trail');
-- What a restore depends on.
SELECT is_empty($$
	SELECT tgrelid::regclass, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
	WHERE relnamespace = 'booking'::regnamespace AND NOT tgisinternal AND (tgtype & 4) <> 0
	  AND c.relkind = 'r' AND tgname <> 'tidy'
	  AND (relname, tgname) NOT IN (('rules', 'forget'), ('time_slots', 'doctor_slots_do_not_overlap'))$$,
	'no trigger acts on INSERT, save those that trim texts, forget rules or refuse overlap');

SELECT pg_temp.doctor_in('UTC') AS doctor \gset
SELECT pg_temp.doctor_in('UTC') AS elsewhere \gset
SELECT pg_temp.patient() AS patient \gset
SELECT pg_temp.slot(:doctor, '2098-06-01 09:00+00') AS slot \gset

-- "constraint" with which a statement is refused, or none.
CREATE FUNCTION pg_temp.breaks(statement text) RETURNS text LANGUAGE SQL AS $$
	SELECT CASE WHEN r.sqlstate IS NULL THEN 'nothing'
				ELSE concat_ws(' ', r.sqlstate, coalesce(nullif(r."constraint", ''), r.message)) END
	FROM pg_temp.refusal(statement) r
$$;

SELECT is(pg_temp.breaks(format('SELECT pg_temp.slot(%s, %L, %L)', :doctor, starts, length)), broken, concat_ws(' for ', starts, length))
FROM (VALUES
	('2098-06-01 10:00+00', '5 minutes', 'nothing'),
	('2098-06-01 10:00+00', '4 minutes 59.999999 seconds', '23514 slot_lasts_5_minutes_to_8_hours'),
	('2098-06-01 10:00+00', '8 hours', 'nothing'),
	('2098-06-01 10:00+00', '8 hours 0.000001 seconds', '23514 slot_lasts_5_minutes_to_8_hours'),
	('2098-06-01 10:00+00', '-30 minutes', '23514 slot_lasts_5_minutes_to_8_hours'),
	('infinity', '30 minutes', '23514 slot_lasts_5_minutes_to_8_hours'),
	('-infinity', '30 minutes', '23514 slot_lasts_5_minutes_to_8_hours'),
	('2098-06-01 08:30+00', '30 minutes', 'nothing'),
	('2098-06-01 08:30+00', '30 minutes 0.000001 seconds', '23P01 doctor_slots_do_not_overlap'),
	('2098-06-01 09:29:59.999999+00', '30 minutes', '23P01 doctor_slots_do_not_overlap'),
	('2098-06-01 09:30+00', '30 minutes', 'nothing')) t (starts, length, broken);
SELECT is(pg_temp.breaks(format('SELECT pg_temp.slot(%s, ''2098-06-01 09:00+00'')', :elsewhere)), 'nothing', 'another doctor at the same time');
SELECT is(pg_temp.breaks(format('INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) SELECT d.clinic_id, %s, ''2098-06-02'', ''2098-06-02 01:00'' FROM booking.doctors d WHERE id = %s', :doctor, :elsewhere)),
	'23503 slot_belongs_to_a_doctor_of_its_clinic', 'a slot of one clinic''s doctor at another');
SELECT is(pg_temp.breaks(format('UPDATE booking.doctors SET clinic_id = (SELECT clinic_id FROM booking.doctors WHERE id = %s) WHERE id = %s', :elsewhere, :doctor)),
	'23503 slot_belongs_to_a_doctor_of_its_clinic', 'a doctor with slots moving to another clinic');

-- Removing makes room, restoring needs it.
SELECT is((booking.remove_time_slot(:slot)).id, :slot::bigint, 'a slot is removed');
SELECT pg_temp.slot(:doctor, '2098-06-01 09:15+00') AS newer \gset
SELECT is((SELECT count(*) FROM booking.time_slots WHERE doctor_id = :doctor AND deleted_at IS NULL), 1::bigint, 'another takes its time');
SELECT is(pg_temp.breaks(format('SELECT booking.restore_time_slot(%s)', :slot)), 'PT409 doctor_slots_do_not_overlap', 'the first cannot come back');
SELECT is(pg_temp.breaks(format('UPDATE booking.time_slots SET deleted_at = NULL WHERE id = %s', :slot)), '23P01 doctor_slots_do_not_overlap', 'not by hand, either');
SELECT is((booking.remove_time_slot(:newer)).id, :newer::bigint, 'the second is removed');
SELECT is((booking.restore_time_slot(:slot)).deleted_at, NULL, 'the first comes back');

-- One occupying appointment a slot.
SELECT is(pg_temp.breaks(format($$
	INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
	SELECT %s, %s, clinic_id, doctor_id, starts_at, ends_at, s::booking.appointment_status, now()
	FROM booking.time_slots, unnest('{%s}'::text[]) s WHERE id = %1$s$$, :slot, :patient, statuses)), broken, 'one slot: ' || statuses)
FROM (VALUES
	('booked,booked', '23505 unique_timeslot'),
	('pending,booked', '23505 unique_timeslot'),
	('noshow,fulfilled', '23505 unique_timeslot'),
	('arrived,checked-in', '23505 unique_timeslot'),
	('cancelled,entered-in-error,waitlist,proposed,cancelled,booked', 'nothing')) t (statuses, broken);

SELECT is(pg_temp.breaks(format('UPDATE booking.clinics SET %s', assignment)), broken, 'clinics: ' || assignment)
FROM (VALUES
	('min_notice = ''-1 second''', '23514 min_notice_is_0_to_1_year'),
	('min_notice = ''1 year 1 second''', '23514 min_notice_is_0_to_1_year'),
	('booking_horizon = ''0''', '23514 booking_horizon_is_positive'),
	('booking_horizon = ''100 years 1 day''', '23514 booking_horizon_is_positive'),
	('hold_duration = ''61 minutes''', '23514 hold_duration_is_at_most_1_hour'),
	('hold_duration = ''0''', '23514 hold_duration_is_at_most_1_hour'),
	('time_zone = ''Mars/Phobos''', 'PT422 time_zone_is_known'),
	('min_notice = ''1 year'', booking_horizon = ''100 years'', hold_duration = ''1 hour''', 'nothing')) t (assignment, broken);
UPDATE booking.clinics SET time_zone = 'europe/LONDON', name = E' \t Marylebone\n' WHERE id = (SELECT clinic_id FROM booking.doctors WHERE id = :doctor);
SELECT results_eq(format('SELECT time_zone, name FROM booking.clinics WHERE id = (SELECT clinic_id FROM booking.doctors WHERE id = %s)', :doctor),
	$$VALUES ('Europe/London', 'Marylebone')$$, 'an update is tidied as the functions tidy');

-- updated_at is kept for every writer.
UPDATE booking.time_slots SET updated_at = '2020-01-01', is_available = false WHERE id = :slot;
SELECT is((SELECT updated_at FROM booking.time_slots WHERE id = :slot), now(), 'updated_at is the transaction''s, whatever a writer says');
SELECT is((SELECT count(*) FROM booking.appointment_events), 0::bigint, 'no event without a booking function');

SELECT * FROM finish();
ROLLBACK;
