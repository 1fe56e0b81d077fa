-- The appointment and the event that a booking inserts, as triggers see them, one of which books in turn.
\i test/begin.psql
SET client_min_messages = notice;
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '14:00', 30);
CREATE TABLE pg_temp.log (n serial, entry text);
-- as whom the functions, and so the triggers, run
GRANT ALL ON pg_temp.log TO booking_owner;
GRANT ALL ON SEQUENCE pg_temp.log_n_seq TO booking_owner;

CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT format('%s %s: %s, %s there', TG_WHEN, TG_LEVEL, NEW.status, count(*)) FROM booking.appointments;
	RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.book_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.log (entry) SELECT format('booked slot %s as well', (booking.book_slot(NEW.slot_id + 1, 1)).slot_id) WHERE NEW.slot_id = 1;
	RETURN NULL;
END
$$;
CREATE TRIGGER zz_note AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE TRIGGER zz_book_next AFTER INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION pg_temp.book_next();
SELECT id, slot_id FROM booking.book_slot(1, 1);
SELECT id, slot_id, status FROM booking.appointments ORDER BY id;
SELECT appointment_id, slot_id, to_status FROM booking.appointment_events ORDER BY id;
SELECT entry FROM pg_temp.log ORDER BY n;

-- each appointment has its event, and nothing else has
SELECT count(*), count(DISTINCT appointment_id), bool_and(actor_role = session_user AND created_at = now()) FROM booking.appointment_events;
SELECT count(*), bool_and(created_at = now() AND updated_at = now()) FROM booking.appointments;
ROLLBACK;
