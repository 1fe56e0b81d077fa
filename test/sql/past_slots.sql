-- What took place keeps its slot: plain SQL and the functions neither move, hand over, remove nor reopen a slot
-- that somebody had, however long ago, unless the appointment was cancelled or entered in error.
\i test/lifecycle.psql
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (3, 1, 'Dr Ada Yonath');
CREATE TEMP TABLE lived AS
SELECT status, n, pg_temp.live(status, date_trunc('hour', now()) - n * interval '40 days') AS appointment_id
FROM unnest(enum_range(NULL::booking.appointment_status)) WITH ORDINALITY AS s(status, n);
-- and a hold that has expired
INSERT INTO lived VALUES ('pending', 99, pg_temp.live('pending', now() - interval '1 year'));
SELECT pg_temp.let_expire(appointment_id) FROM lived WHERE n = 99;

CREATE TEMP TABLE changes AS
SELECT * FROM (VALUES
	(1, 'starts', 'UPDATE booking.time_slots SET starts_at = starts_at - interval ''5 minutes'' WHERE id = %s'),
	(2, 'ends', 'UPDATE booking.time_slots SET ends_at = ends_at - interval ''5 minutes'' WHERE id = %s'),
	(3, 'doctor', 'UPDATE booking.time_slots SET doctor_id = 3 WHERE id = %s'),
	(4, 'clinic', 'UPDATE booking.time_slots SET clinic_id = 2, doctor_id = 2 WHERE id = %s'),
	(5, 'deleted', 'UPDATE booking.time_slots SET deleted_at = now() WHERE id = %s'),
	(6, 'reopened', 'UPDATE booking.time_slots SET is_available = true WHERE id = %s'),
	(7, 'remove()', 'SELECT booking.remove_time_slot(%s)'),
	(8, 'set_availability()', 'SELECT booking.set_slot_availability(%s, true)'),
	(9, 'noted', 'UPDATE booking.time_slots SET updated_at = now(), created_at = created_at, time_off_id = NULL WHERE id = %s')) c(n, change, command);
SELECT l.status, l.n = 99 AS expired, string_agg(c.change, ', ' ORDER BY c.n) FILTER (WHERE r.sqlstate = '00000') AS may_be,
	array_agg(DISTINCT concat_ws(' ', r.sqlstate, r.rule, r.follows_contract)) FILTER (WHERE r.sqlstate <> '00000') AS refusals
FROM lived l JOIN booking.appointments a ON a.id = l.appointment_id CROSS JOIN changes c,
	pg_temp.trial(format(c.command, a.slot_id)) r
GROUP BY l.status, l.n ORDER BY l.n;
-- deleted for good it cannot be, whatever became of the appointment
SELECT DISTINCT r.sqlstate, r.rule FROM booking.appointments a, pg_temp.trial(format('DELETE FROM booking.time_slots WHERE id = %s', a.slot_id)) r;
-- a substitute takes over what is still to come, not what was
SELECT booking.reassign_slots(doctor_id, 3, now() - interval '2 years', now() + interval '1 day') FROM booking.appointments WHERE id IN (SELECT appointment_id FROM lived WHERE status = 'fulfilled');
ROLLBACK;
