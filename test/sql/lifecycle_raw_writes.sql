-- Raw SQL obeys the same rules as the functions: what may be written, what follows, and that no
-- trigger function can be misused. The statuses themselves are in status_transitions.
\i test/lifecycle.psql

SELECT a.id FROM booking.book_slot(1, 1, 'key') a;
SELECT a.id FROM booking.hold_slot(2, 2) a;

-- A status that frees the slot frees it, and the event says who did it.
SET request.jwt.claims = '{"sub": "auth|clerk"}';
UPDATE booking.appointments SET status = 'cancelled' WHERE id IN (1, 2);
RESET request.jwt.claims;
SELECT slot, is_available, held, bookable FROM slots WHERE slot < 3;
TABLE story;
-- confirming by raw SQL is as by function: booked now, expires no more
SELECT a.id FROM booking.hold_slot(2, 2) a;
UPDATE booking.appointments SET status = 'booked' WHERE id = 3
RETURNING status, booked_at = now() AS booked_now, hold_expires_at;
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 2;
SELECT held_until FROM booking.time_slots WHERE id = 2;
-- several in one statement, all or none
SELECT a.id FROM booking.book_slot(3, 3) a;
SELECT sqlstate, rule, message FROM pg_temp.refusal($$UPDATE booking.appointments SET status = 'arrived'$$);
UPDATE booking.appointments SET status = 'arrived' WHERE status = 'booked';
SELECT appointment_id, from_status, to_status FROM story WHERE to_status = 'arrived' ORDER BY appointment_id;
TABLE broken;

-- Identity, copies and the functions' own notes cannot be changed, whatever else is.
SELECT pg_temp.state() AS before \gset
SELECT assignment, r.sqlstate, r.rule, r.message, r.follows_contract
FROM unnest(ARRAY['id = 77', 'slot_id = 4', 'patient_id = 2', 'clinic_id = 2', 'doctor_id = 2',
				  'starts_at = starts_at + interval ''1 hour''', 'ends_at = ends_at + interval ''1 hour''',
				  'booked_at = NULL', 'booked_at = now() - interval ''1 day''', 'hold_expires_at = now()',
				  'idempotency_key = ''stolen''', 'created_at = ''-infinity''', 'status = ''checked-in'', patient_id = 2'])
		WITH ORDINALITY AS t(assignment, n),
	pg_temp.trial(format('UPDATE booking.appointments SET %s WHERE id = 4', assignment)) r ORDER BY n;
SELECT pg_temp.state() = :'before' AS unchanged;
-- what stays the same is no change
UPDATE booking.appointments SET id = id, slot_id = slot_id, patient_id = patient_id, status = status;
SELECT count(*) AS events FROM booking.appointment_events;

-- A slot under an appointment or hold that is not over stays as it is: it cannot be reopened,
-- moved, given to others or removed. What is over or expired keeps nobody.
SELECT a.id FROM booking.hold_slot(4, 2) a;
SELECT pg_temp.live('fulfilled', now() - interval '2 hours') AS past \gset
SELECT assignment, slot, r.sqlstate, r.rule, r.message, r.follows_contract
FROM (VALUES (2), (4)) s(slot),
	unnest(ARRAY['is_available = true', 'id = 77', 'deleted_at = now()', 'starts_at = starts_at - interval ''5 minutes''',
				 'ends_at = ends_at - interval ''5 minutes''', 'clinic_id = 2, doctor_id = 2']) WITH ORDINALITY AS t(assignment, n),
	pg_temp.trial(format('UPDATE booking.time_slots SET %s WHERE id = %s', assignment, slot)) r ORDER BY slot, n;
SELECT pg_temp.let_expire(5);
SELECT sqlstate FROM pg_temp.trial('UPDATE booking.time_slots SET deleted_at = now() WHERE id = 4');
SELECT sqlstate FROM booking.appointments a,
	pg_temp.trial(format('UPDATE booking.time_slots SET deleted_at = now() WHERE id = %s', a.slot_id)) WHERE a.id = :past;

-- An INSERT has no side effect, since a restore replays it: no event, and the slot is not touched.
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT id, 1, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 5 RETURNING id, status;
SELECT is_available FROM booking.time_slots WHERE id = 5;
SELECT count(*) FROM story WHERE slot = 5;
-- but one that would be the slot's second is the constraint's to refuse
SELECT sqlstate, rule FROM pg_temp.refusal($$
	INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT id, 2, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 5$$);

-- The copy of the clinic's id has no key; where it names none, there is no day that is today's.
INSERT INTO booking.appointments (id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
	SELECT 88, id, 1, 999, doctor_id, starts_at, ends_at, 'noshow' FROM booking.time_slots WHERE id = 6;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.set_appointment_status(88, ''arrived'')');
SELECT status FROM booking.set_appointment_status(88, 'entered-in-error');

-- No trigger function can be called, or put where it does not belong; each would read what is
-- not there.
SELECT function, r.sqlstate, r.message
FROM unnest(ARRAY['guard_appointment', 'follow_appointment', 'guard_time_slot', 'forget_rules', 'write_booking']) function,
	pg_temp.refusal(format('SELECT booking.%s()', function)) r;
CREATE TEMP TABLE appointments (id int);
INSERT INTO appointments VALUES (1);
SELECT function, events, r.sqlstate, r.message
FROM unnest(ARRAY['guard_appointment', 'follow_appointment', 'guard_time_slot']) function,
	unnest(ARRAY['BEFORE UPDATE ON pg_temp.appointments FOR EACH ROW', 'AFTER DELETE ON booking.appointments FOR EACH ROW',
				 'BEFORE UPDATE ON booking.appointments']) WITH ORDINALITY AS e(events, n),
	pg_temp.trial(format('CREATE TRIGGER stray %s EXECUTE FUNCTION booking.%s();
		UPDATE pg_temp.appointments SET id = 2; UPDATE booking.appointments SET status = status;
		DELETE FROM booking.appointments WHERE id = 88', events, function)) r ORDER BY function, n;
SELECT function, has_function_privilege('booking_admin', function, 'EXECUTE') AS admin_may
FROM unnest(ARRAY['booking.guard_appointment()', 'booking.follow_appointment()', 'booking.guard_time_slot()',
				  'booking.forget_rules()', 'booking.write_booking()']) function;
ROLLBACK;
