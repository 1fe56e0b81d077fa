-- The view metrics: figures of clinics as maintain() counts them, what the server counts, who may
-- look, and that nobody is in it.
\i test/lifecycle.psql
CREATE VIEW pg_temp.figures AS
	SELECT replace(name, 'booking_', '') || coalesce(' ' || (labels->>'days'), '') AS figure, labels->>'clinic' AS clinic, round(value::numeric, 4) AS value
	FROM booking.metrics WHERE labels ? 'clinic_id' AND name <> 'booking_figures_age_seconds' ORDER BY 2, 1;

-- A book around now, a slot every 6 hours: from 30 days ago to 8 days ahead.
CREATE TEMP TABLE past AS
	SELECT row_number() OVER (ORDER BY t) AS n, t FROM generate_series(now() - interval '30 days 1 hour', now() - interval '1 hour', '6 hours') t;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
SELECT 1000 + n, 1, 1, t, t + interval '30 minutes' FROM past;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
SELECT 2000 + n, 1, 1, now() + n * interval '6 hours' - interval '1 hour', now() + n * interval '6 hours' FROM generate_series(1, 32) n;
SELECT count(*) FILTER (WHERE starts_at >= now() - interval '28 days' AND starts_at < now()) AS past,
	count(*) FILTER (WHERE starts_at BETWEEN now() AND now() + interval '1 day') AS day, count(*) FILTER (WHERE starts_at BETWEEN now() AND now() + interval '7 days') AS week
FROM booking.time_slots;
-- of the past, 10 were withdrawn, 20 fulfilled, 5 not come to, 3 never closed, 2 cancelled, and 1 was held in vain
UPDATE booking.time_slots SET is_available = false WHERE id BETWEEN 1051 AND 1060;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
SELECT id, 1, 1, 1, starts_at, ends_at, CASE WHEN id <= 1090 THEN 'fulfilled' WHEN id <= 1095 THEN 'noshow' WHEN id <= 1098 THEN 'booked' WHEN id <= 1100 THEN 'cancelled' ELSE 'pending' END::booking.appointment_status,
	CASE WHEN id = 1101 THEN starts_at END
FROM booking.time_slots WHERE id BETWEEN 1071 AND 1101;
UPDATE booking.time_slots SET is_available = false WHERE id BETWEEN 1071 AND 1098;
-- of what is to come, one is booked and one held tomorrow, one withdrawn and one removed later
SELECT status FROM booking.book_slot(2001, 2);
SELECT status FROM booking.hold_slot(2002, 3);
SELECT id FROM booking.set_slot_availability(2010, false);
SELECT id FROM booking.remove_time_slot(2011);

SELECT count(*) FROM pg_temp.figures;
SELECT task, rows FROM booking.maintain() WHERE task = 'measure_clinics';
TABLE pg_temp.figures;
-- again when they are 5 minutes old, the oldest first, and as many as max_rows allows
SELECT status FROM booking.book_slot(2003, 2);
SELECT rows FROM booking.maintain() WHERE task = 'measure_clinics';
SELECT value FROM pg_temp.figures WHERE figure = 'free_slots 1' AND clinic = 'Harley Street';
SET session_replication_role = replica;
UPDATE booking.clinic_figures SET updated_at = now() - interval '5 minutes' - clinic_id * interval '-1 second' - interval '2 seconds';
SET session_replication_role = origin;
SELECT labels->>'clinic' AS clinic, value FROM booking.metrics WHERE name = 'booking_figures_age_seconds' ORDER BY 1;
SELECT rows FROM booking.maintain(max_rows => 1) WHERE task = 'measure_clinics';
SELECT labels->>'clinic' AS clinic, value FROM booking.metrics WHERE name = 'booking_figures_age_seconds' ORDER BY 1;
SELECT rows FROM booking.maintain() WHERE task = 'measure_clinics';
SELECT value FROM pg_temp.figures WHERE figure = 'free_slots 1' AND clinic = 'Harley Street';
-- a doctor who takes no bookings has no free slots; a clinic that does not has no figures
UPDATE booking.doctors SET is_active = false WHERE id = 1;
UPDATE booking.clinics SET is_active = false WHERE id = 2;
DELETE FROM booking.clinic_figures WHERE clinic_id = 1;
SELECT rows FROM booking.maintain() WHERE task = 'measure_clinics';
TABLE pg_temp.figures;

-- Holds, maintenance and consumers.
SELECT count(booking.hold_slot(s, 3, '1 microsecond')) FROM generate_series(11, 12) s;
UPDATE booking.clinics SET is_active = true;
SELECT count(booking.hold_slot(s, 3, '1 microsecond')) FROM generate_series(11, 12) s;
SELECT labels, value FROM booking.metrics WHERE name = 'booking_holds' ORDER BY labels;
SELECT rows FROM booking.maintain() WHERE task = 'expire_holds';
SELECT labels, value FROM booking.metrics WHERE name IN ('booking_holds', 'booking_maintenance_rows', 'booking_maintenance_age_seconds') ORDER BY name, labels;
INSERT INTO booking.event_consumers (name, done_until) VALUES ('mail', 0), ('sms', 9223372036854775807);
UPDATE booking.appointment_events SET created_at = now() - interval '90 seconds' WHERE id = 1;
SELECT labels, value FROM booking.metrics WHERE name = 'booking_oldest_unprocessed_event_age_seconds' ORDER BY labels;

-- Every kind of metric, and what it says of which.
SELECT name, array_agg(DISTINCT (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(labels) k)) AS labels, bool_and(value IS NOT NULL) AS has_value
FROM booking.metrics GROUP BY name ORDER BY name COLLATE "C";
-- a label has a value once
SELECT name, labels FROM booking.metrics GROUP BY name, labels HAVING count(*) > 1;
-- nobody is in it
SELECT count(*) FROM booking.metrics m, booking.patients p WHERE position(p.name IN m::text) > 0 OR position(p.email IN m::text) > 0;

-- Who monitors sees all of it, whichever rows of the tables they may see.
CREATE ROLE regress_booking_monitor IN ROLE pg_monitor;
CREATE ROLE regress_booking_admin IN ROLE booking_admin;
CREATE TEMP TABLE all_figures AS TABLE pg_temp.figures;
GRANT SELECT ON all_figures TO PUBLIC;
GRANT SELECT ON pg_temp.figures TO PUBLIC;
SET ROLE regress_booking_monitor;
SELECT count(*), count(*) FILTER (WHERE f IS NOT DISTINCT FROM a) AS same FROM pg_temp.figures f JOIN all_figures a USING (figure, clinic);
SELECT name, value FROM booking.metrics WHERE name = 'booking_refusals_are_counted';
SELECT sqlstate FROM pg_temp.refusal('SELECT FROM booking.clinic_figures');
SELECT sqlstate FROM pg_temp.refusal('SELECT FROM booking.appointments');
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.maintain()');
SET ROLE regress_booking_admin;
SELECT count(*) > 20 AS sees FROM booking.metrics;
RESET ROLE;
ROLLBACK;
