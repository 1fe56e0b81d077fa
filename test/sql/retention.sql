-- What the retention of maintain() deletes, and what it leaves.
\i test/lifecycle.psql
CREATE TEMP VIEW rows_left AS
	SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM booking.time_slots WHERE starts_at < now()) AS old_slots,
		(SELECT string_agg(concat(id, ' ', status), ', ' ORDER BY id) FROM booking.appointments) AS appointments,
		(SELECT count(*) FROM booking.appointment_events) AS events,
		(SELECT string_agg(doctor_id || ' ' || (local_date - current_date), ', ' ORDER BY doctor_id, local_date) FROM booking.generated_days) AS days;

-- A slot that ended exactly so long ago stays, one that ended a microsecond earlier goes.
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, deleted_at)
SELECT id, 1, 1, ends - interval '30 minutes', ends, removed
FROM (VALUES
	(201, now() - interval '1 year', NULL), (202, now() - interval '1 year 2 hours 1 microsecond', NULL),
	(203, now() - interval '1 year', now()), (204, now() - interval '1 year 1 microsecond', now()),
	(205, now() - interval '2 years', NULL), (206, now() - interval '3 years', NULL), (207, now() - interval '5 years', now())) AS s(id, ends, removed);
-- an appointment of every status, each in a slot of two years ago, and a cancelled one beside one of them
SELECT count(pg_temp.live(status, now() - interval '2 years 1 month' + n * interval '2 hours'))
FROM unnest(enum_range(NULL::booking.appointment_status)) WITH ORDINALITY AS s(status, n);
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT slot_id, 2, clinic_id, doctor_id, starts_at, ends_at, 'cancelled' FROM booking.appointments WHERE status = 'booked';
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
SELECT id, slot_id, status, current_user FROM booking.appointments WHERE patient_id = 2;
SELECT status FROM booking.book_slot(1, 1);
INSERT INTO booking.generated_days (doctor_id, local_date)
SELECT 1, current_date - n FROM unnest('{0,364,360,370,400,1000}'::int[]) n;
TABLE rows_left;

-- off by default
SELECT task FROM booking.maintain();
TABLE rows_left;
SELECT * FROM booking.maintain(retention => '100 years');
-- the oldest first, so many a call, and first of what is not removed; holds that are as old go with their slots
SELECT rows FROM booking.maintain(max_rows => 1, retention => '1 year') WHERE task = 'delete_old';
TABLE rows_left;
SELECT rows FROM booking.maintain(max_rows => 12, retention => '1 year') WHERE task = 'delete_old';
TABLE rows_left;
SELECT rows FROM booking.maintain(retention => '1 year') WHERE task = 'delete_old';
TABLE rows_left;
SELECT rows FROM booking.maintain(retention => '1 year') WHERE task = 'delete_old';
TABLE broken;

-- A slot that has an appointment of a later time, as one that was moved may, stays with all it has.
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at) VALUES (301, 1, 1, now() - interval '2 years', now() - interval '2 years' + interval '1 hour');
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT 301, 3, 1, 1, t, t + interval '1 hour', 'cancelled' FROM unnest(ARRAY[now() - interval '2 years', now() - interval '1 month']) t;
SELECT rows FROM booking.maintain(retention => '1 year') WHERE task = 'delete_old';
SELECT count(*) FROM booking.appointments WHERE slot_id = 301;
SELECT rows FROM booking.maintain(retention => '30 days') WHERE task = 'delete_old';
SELECT count(*) FROM booking.appointments WHERE slot_id = 301;

-- Somebody's table that refers to what is to go: nothing is deleted, and the rest is done.
CREATE TABLE regress_invoices (slot_id bigint CONSTRAINT invoice_is_for_a_slot REFERENCES booking.time_slots);
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
SELECT 400 + n, 1, 1, now() - interval '3 years' + n * interval '1 hour', now() - interval '3 years' + n * interval '1 hour 1 minute' + interval '30 minutes' FROM generate_series(1, 3) n;
INSERT INTO regress_invoices VALUES (402);
SELECT * FROM booking.maintain(retention => '1 year');
SELECT count(*) FROM booking.time_slots WHERE id > 400;
TRUNCATE regress_invoices;
SELECT rows FROM booking.maintain(retention => '1 year') WHERE task = 'delete_old';

-- Nobody else deletes events.
SELECT role, sqlstate FROM unnest('{booking_admin,booking_staff,booking_patient,booking_guest}'::text[]) AS role,
	pg_temp.trial(format('SET LOCAL ROLE %I; DELETE FROM booking.appointment_events', role));
ROLLBACK;
