-- Holding a slot, confirming, extending and losing the hold.
\i test/lifecycle.psql

-- A hold keeps the slot for as long as the clinic says, and writes an event.
SELECT id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at,
	hold_expires_at BETWEEN statement_timestamp() + interval '10 minutes'
		AND clock_timestamp() + interval '10 minutes' AS for_10_minutes, idempotency_key
FROM booking.hold_slot(slot_id => 1, patient_id => 1) \gx
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 1;
SELECT held_until = hold_expires_at AS same_expiry
FROM booking.time_slots s JOIN booking.appointments a ON a.slot_id = s.id;
TABLE story;
SELECT count(*) FROM booking.available_slots(doctor_id => 1);
UPDATE booking.clinics SET hold_duration = '3 minutes' WHERE id = 1;
SELECT hold_expires_at BETWEEN statement_timestamp() + interval '3 minutes'
	AND clock_timestamp() + interval '3 minutes' AS for_3_minutes
FROM booking.hold_slot(2, 2);
SELECT hold_expires_at BETWEEN statement_timestamp() + interval '1 hour'
	AND clock_timestamp() + interval '1 hour' AS for_1_hour
FROM booking.hold_slot(3, 3, hold_for => '1 hour');

-- nobody else gets it, and the message does not say who has it
SELECT sqlstate, rule, message, follows_contract FROM pg_temp.refusal('SELECT booking.book_slot(1, 2)');
SELECT sqlstate, rule, message, follows_contract FROM pg_temp.refusal('SELECT booking.hold_slot(1, 2)');
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.set_slot_availability(1, false)');
SELECT rule, sqlstate, message FROM booking.check_booking(1, 2) WHERE NOT passed;
SELECT rule FROM booking.check_booking(1, 1) WHERE NOT passed;

-- confirmed by its id, it is an appointment and expires no more
SELECT id, status, booked_at = now() AS booked_now, hold_expires_at FROM booking.confirm_hold(1);
SELECT sqlstate, rule, message, follows_contract FROM pg_temp.refusal('SELECT booking.confirm_hold(1)');
-- or by booking the slot: the same appointment
SELECT id, status, booked_at = now() AS booked_now, hold_expires_at FROM booking.book_slot(2, 2);
-- or by setting its status
SELECT id, status, booked_at = now() AS booked_now, hold_expires_at FROM booking.set_appointment_status(3, 'booked');
SELECT slot, is_available, held, bookable FROM slots WHERE slot < 4;
SELECT held_until FROM booking.time_slots WHERE id < 4;

-- Holding again extends the hold; it is the same appointment, and each time an event.
SELECT id, hold_expires_at < clock_timestamp() + interval '1 minute' AS short FROM booking.hold_slot(4, 1, '1 minute');
SELECT id, status, hold_expires_at > statement_timestamp() + interval '29 minutes' AS long FROM booking.hold_slot(4, 1, '30 minutes');
SELECT held_until = hold_expires_at AS same_expiry
FROM booking.time_slots s JOIN booking.appointments a ON a.slot_id = s.id WHERE s.id = 4;
SELECT * FROM story WHERE slot = 4;
-- what is held cannot be held or booked by the same patient elsewhere at that time
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT 15, 2, 2, starts_at + interval '30 minutes', ends_at FROM booking.time_slots WHERE id = 4;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(15, 1)');
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.hold_slot(15, 1)');
TABLE broken;

-- An expired hold is free for everybody at once, though nothing has swept it.
SELECT id FROM booking.hold_slot(5, 1, hold_for => '1 microsecond');
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 5;
SELECT slot_id FROM booking.available_slots(doctor_id => 1, max_slots => 1);
SELECT state, patient_name FROM booking.day_sheet WHERE slot_id = 5;
SELECT sqlstate, rule, message, follows_contract FROM pg_temp.refusal('SELECT booking.confirm_hold(5)');
SELECT sqlstate, rule FROM pg_temp.refusal($$SELECT booking.set_appointment_status(5, 'booked')$$);
SELECT sqlstate, rule FROM pg_temp.refusal($$UPDATE booking.appointments SET status = 'booked' WHERE id = 5$$);
TABLE broken;
-- nor does it count as an appointment of the patient
SELECT pg_temp.let_expire(4);
SELECT id FROM booking.hold_slot(15, 1);
-- whoever comes next cancels it, the same patient too
SELECT id, status FROM booking.book_slot(5, 2);
SELECT * FROM story WHERE slot = 5;
SELECT sqlstate, rule, message FROM pg_temp.refusal('SELECT booking.confirm_hold(5)');
SELECT id FROM booking.hold_slot(6, 3, '1 microsecond');
SELECT id FROM booking.hold_slot(6, 3);
SELECT * FROM story WHERE slot = 6;
SELECT id, status FROM booking.appointments WHERE slot_id = 6 ORDER BY id;
-- so does an appointment that is moved there; onto the patient's own hold, as well
SELECT id FROM booking.hold_slot(7, 1, '1 microsecond');
SELECT id, slot_id FROM booking.reschedule_appointment(2, 7);
SELECT * FROM story WHERE slot = 7;
SELECT id FROM booking.hold_slot(8, 2);
SELECT id, slot_id FROM booking.reschedule_appointment(2, 8);
SELECT * FROM story WHERE slot = 8;
TABLE broken;

-- A slot withdrawn after its hold expired stays withdrawn when the hold is swept.
SELECT id FROM booking.hold_slot(7, 1, '1 microsecond');
SELECT id FROM booking.set_slot_availability(7, false);
INSERT INTO withdrawn VALUES (7);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(7, 1)');
SELECT booking.expire_holds();
SELECT id, status FROM booking.appointments WHERE slot_id = 7;
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 7;
TABLE broken;

-- expire_holds sweeps, at most so many, and only the expired.
SELECT a.id FROM generate_series(11, 13) s, booking.hold_slot(s, s - 10, hold_for => '1 microsecond') a;
SELECT id FROM booking.hold_slot(14, 1);
SELECT booking.expire_holds(max_rows => 2);
SELECT booking.expire_holds();
SELECT booking.expire_holds();
SELECT slot_id, status FROM booking.appointments WHERE clinic_id = 2 AND slot_id < 15 ORDER BY id;
SELECT slot, to_status, reason FROM story WHERE slot BETWEEN 11 AND 14;
TABLE broken;

-- Whoever held in time may confirm when the clinic's notice or horizon no longer lets others
-- book; but not with a doctor who has left.
SELECT id FROM booking.hold_slot(12, 3);
UPDATE booking.clinics SET min_notice = '1 year', booking_horizon = '1 hour' WHERE id = 2;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(11, 3)');
SELECT status FROM booking.confirm_hold((SELECT max(id) FROM booking.appointments));
UPDATE booking.doctors SET is_active = false WHERE id = 2;
SELECT sqlstate, rule
FROM booking.appointments a, pg_temp.refusal(format('SELECT booking.confirm_hold(%s)', a.id))
WHERE a.slot_id = 14;
TABLE broken;

-- A hold that expires while its patient books, once slot and patient are locked, is booked: nobody else can
-- have had the slot. As it does where somebody's trigger takes its time.
CREATE FUNCTION pg_temp.take_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	WHILE clock_timestamp() <= OLD.hold_expires_at LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN NEW;
END
$$;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	VALUES (31, 1, 1, '2099-07-01 09:00+00', '2099-07-01 10:00+00');
CREATE TRIGGER aa_take_time BEFORE UPDATE ON booking.appointments FOR EACH ROW WHEN (OLD.slot_id = 31 AND OLD.status = 'pending')
	EXECUTE FUNCTION pg_temp.take_time();
-- sent at once, so that it cannot expire before
SELECT status FROM booking.hold_slot(31, 1, '4 seconds')\; SELECT status, hold_expires_at FROM booking.book_slot(31, 1);
SELECT slot, is_available, held, bookable FROM slots WHERE slot = 31;
TABLE broken;
ROLLBACK;
