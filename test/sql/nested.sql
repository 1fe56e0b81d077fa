-- Functions of ours that somebody's triggers call while another of ours is running, and plain SQL of theirs:
-- what the outer one may do neither ends with the inner one, nor goes for what others do meanwhile.
\i test/lifecycle.psql
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (3, 1, 'Dr Ada Yonath');
SELECT count(booking.book_slot(s, s)) FROM generate_series(1, 3) s;
SELECT FROM booking.add_days_off('2099-06-02', '2099-06-02', clinic_id => 2);
INSERT INTO withdrawn SELECT generate_series(11, 14);

-- within the change of a doctor's slots, the end of another's time off
SAVEPOINT nested;
CREATE FUNCTION pg_temp.open_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF NEW.doctor_id <> OLD.doctor_id THEN
		PERFORM booking.remove_time_off(id) FROM booking.time_off WHERE deleted_at IS NULL;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER aa_open_again BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.open_again();
SELECT booking.reassign_slots(1, 3, '2099-06-01', '2099-06-02');
SELECT count(*) FROM booking.appointments WHERE doctor_id = 3;
DELETE FROM withdrawn;
TABLE broken;
ROLLBACK TO nested;
-- an inner one that fails
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF NEW.doctor_id <> OLD.doctor_id THEN
		BEGIN
			PERFORM booking.reassign_slots(2, 2, now(), now());
		EXCEPTION WHEN SQLSTATE 'PT422' THEN
			NULL;
		END;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER aa_fail BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SELECT booking.reassign_slots(1, 3, '2099-06-01', '2099-06-02');
TABLE broken;
ROLLBACK TO nested;

-- plain SQL of a trigger's is judged as plain SQL
CREATE FUNCTION pg_temp.move_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	UPDATE booking.time_slots SET ends_at = ends_at - interval '5 minutes' WHERE id = 3 AND NEW.id = 1 AND NEW.doctor_id <> OLD.doctor_id;
	RETURN NEW;
END
$$;
CREATE TRIGGER aa_move_on BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION pg_temp.move_on();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.reassign_slots(1, 3, ''2099-06-01'', ''2099-06-02'')');
ROLLBACK TO nested;
CREATE FUNCTION pg_temp.postpone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	UPDATE booking.appointments SET starts_at = starts_at + interval '1 minute' WHERE id = NEW.id AND starts_at = NEW.starts_at;
	RETURN NULL;
END
$$;
CREATE TRIGGER postpone AFTER UPDATE ON booking.appointments FOR EACH ROW WHEN (NEW.status = 'cancelled') EXECUTE FUNCTION pg_temp.postpone();
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.cancel_appointment(1)');
ROLLBACK TO nested;
-- and gives no reason that another gave
CREATE FUNCTION pg_temp.give_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	UPDATE booking.appointments SET status = 'entered-in-error' WHERE id = NEW.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER zz_give_up AFTER UPDATE ON booking.appointments FOR EACH ROW WHEN (NEW.status = 'cancelled') EXECUTE FUNCTION pg_temp.give_up();
SELECT status FROM booking.cancel_appointment(1, 'a cold');
SELECT from_status, to_status, reason FROM story WHERE appointment_id = 1;
TABLE broken;
ROLLBACK TO nested;

-- Who cancels what has just been booked comes after it in the log: by a trigger of rows, of statements, with
-- the rows of the statement, and beside a trigger that lets the booking be a statement.
CREATE FUNCTION pg_temp.cancel() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM booking.cancel_appointment(id, 'no') FROM booking.appointments WHERE status IN ('booked', 'pending') AND slot_id > 3;
	RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER cancel AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.cancel();
SELECT id, status FROM booking.book_slot(4, 1);
SELECT id, status FROM booking.hold_slot(4, 2);
CREATE TRIGGER pass BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.pass();
SELECT id, status FROM booking.book_slot(4, 3);
DROP TRIGGER pass ON booking.appointments;
DROP TRIGGER cancel ON booking.appointments;
CREATE TRIGGER cancel AFTER INSERT ON booking.appointments FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.cancel();
SELECT id, status FROM booking.book_slot(4, 1);
DROP TRIGGER cancel ON booking.appointments;
CREATE TRIGGER cancel AFTER INSERT ON booking.appointments REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.cancel();
SELECT id, status FROM booking.hold_slot(4, 1);
-- whoever listens for events finds the appointment of each
CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	RAISE NOTICE 'event % of an appointment that is %', NEW.to_status, (SELECT status FROM booking.appointments WHERE id = NEW.appointment_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER look AFTER INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
SELECT id, status FROM booking.book_slot(5, 1);
SELECT appointment_id, slot, from_status, to_status, reason FROM story WHERE slot > 3;
SELECT bookable FROM slots WHERE slot = 4;
TABLE broken;
ROLLBACK;
