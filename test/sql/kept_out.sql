-- Somebody's trigger on one of the tables keeps rows from being written, or deleted: what a function would
-- have written there is an error, never left out in silence.
\i test/lifecycle.psql
SET LOCAL client_min_messages = error;
ALTER SEQUENCE booking.clinics_id_seq RESTART 101;
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (3, 1, 'Dr Ada Yonath'), (4, 2, 'Dr Rita Levi-Montalcini');
CREATE FUNCTION public.regress_passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
SELECT id, status FROM booking.book_slot(1, 1, 'a key');
SELECT id, status FROM booking.hold_slot(2, 2);
SELECT id, status FROM booking.hold_slot(3, 2);
SELECT pg_temp.let_expire(3);
SELECT FROM booking.add_schedule(2, 1, '09:00', '12:00', 60, valid_from => '2099-06-01');
SELECT FROM booking.add_schedule(4, 1, '09:00', '12:00', 60);
SELECT FROM booking.add_days_off('2099-06-02', '2099-06-02', doctor_id => 2);
INSERT INTO withdrawn SELECT generate_series(11, 14);
SELECT name FROM booking.add_rule('passes', 'public.regress_passes(booking.time_slots, booking.patients)');
SELECT FROM booking.remove_time_slot(8);
SELECT count(*) >= 0 AS is_read FROM booking.read_events('mail');
UPDATE booking.event_consumers SET settled_until = 3, read_until = 1;
INSERT INTO booking.generated_doctors (doctor_id, until_date) VALUES (2, '2099-01-01');
SELECT FROM pg_temp.live('fulfilled', now() - interval '2 years');
-- a task of maintain() that fails has no rows; what the others did is undone
CREATE FUNCTION pg_temp.failed_tasks() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '%', (SELECT string_agg(task || CASE WHEN rows > 0 THEN ' done' WHEN rows = 0 THEN ' idle' ELSE ' FAILED' END, ', ' ORDER BY task)
						  FROM booking.maintain(retention => '1 year'));
END
$$;
-- what forget_keys has to forget
SET LOCAL session_replication_role = replica;
UPDATE booking.appointments SET created_at = now() - interval '1 year' WHERE idempotency_key IS NOT NULL;
SET LOCAL session_replication_role = origin;

CREATE FUNCTION pg_temp.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TEMP TABLE calls AS
SELECT * FROM unnest(ARRAY['add_clinic(''Wall Street'')', 'add_doctor(1, ''Dr Who'')', 'add_patient(''Ann'', ''ann@example.org'')',
	'add_time_slots(1, ''2099-06-03'', ''09:00'', ''10:00'', 30)', 'add_schedule(2, 2, ''09:00'', ''12:00'', 30)', 'remove_schedule(1)',
	'generate_slots(''2099-07-01'', ''2099-07-31'')', 'add_time_off(''2099-06-01'', ''2099-06-02'', 1)', 'remove_time_off(1)',
	'reassign_slots(1, 3, ''2099-06-01'', ''2099-06-02'')', 'add_rule(''new'', ''public.regress_passes(booking.time_slots, booking.patients)'')', 'remove_rule(''passes'')',
	'remove_clinic(2)', 'restore_clinic(2)', 'remove_doctor(3)', 'restore_doctor(3)', 'remove_patient(3)', 'restore_patient(3)',
	'remove_time_slot(7)', 'restore_time_slot(8)', 'set_slot_availability(7, false)', 'read_events(''new'')', 'read_events(''mail'')', 'skip_events(''mail'')',
	'note_events_done(''mail'', 1)', 'book_slot(4, 1)', 'hold_slot(4, 1)', 'book_slot(2, 2)', 'hold_slot(2, 2, ''1 hour'')', 'confirm_hold(2)', 'book_slot(3, 1)',
	'cancel_appointment(1)', 'cancel_appointment(2)', 'set_appointment_status(1, ''arrived'')', 'reschedule_appointment(1, 4)', 'reschedule_appointment(1, 3)', 'expire_holds()'])
	WITH ORDINALITY AS c(call, n);
SELECT string_agg(call || ' ' || sqlstate, ', ') AS else_refused FROM calls, pg_temp.trial('SELECT booking.' || call) WHERE sqlstate <> '00000';
\pset format unaligned
SELECT relname, string_agg(call, ', ' ORDER BY n) FILTER (WHERE sqlstate = '55000') AS kept_out,
	string_agg(call || ' ' || sqlstate, ', ' ORDER BY n) FILTER (WHERE sqlstate NOT IN ('00000', '55000')) AS otherwise
FROM pg_class, calls,
	pg_temp.trial(format('CREATE TRIGGER aa_swallow BEFORE INSERT OR UPDATE OR DELETE ON booking.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.swallow(); SELECT booking.%s', relname, call))
WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r'
GROUP BY relname ORDER BY relname COLLATE "C";
SELECT message FROM pg_temp.refusal('SELECT pg_temp.failed_tasks()');
SELECT relname, message
FROM pg_class, pg_temp.refusal(format('CREATE TRIGGER aa_swallow BEFORE INSERT OR UPDATE OR DELETE ON booking.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.swallow(); SELECT pg_temp.failed_tasks()', relname))
WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
\pset format aligned
SELECT DISTINCT message, detail, hint FROM pg_temp.trial('CREATE TRIGGER aa_swallow BEFORE INSERT ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION pg_temp.swallow(); SELECT booking.book_slot(4, 1)');
TABLE broken;
ROLLBACK;
