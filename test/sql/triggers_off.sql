-- With the triggers off that let slot and event follow an appointment, no function leaves the book half
-- changed: it says so. And rules are heeded from when they are there, whoever wrote them, and how.
\i test/lifecycle.psql
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (3, 1, 'Dr Ada Yonath');
SELECT a.id, a.slot_id, a.status FROM booking.book_slot(1, 1) a;
SELECT a.id, a.slot_id, a.status FROM booking.hold_slot(2, 2) a;
SELECT a.id, a.slot_id, a.status FROM booking.hold_slot(3, 2) a;
SELECT pg_temp.let_expire(3);
SELECT pg_temp.live('booked', now() - interval '2 hours', 3) AS past \gset

CREATE TEMP TABLE ways AS
SELECT * FROM (VALUES (1, 'on', 'SELECT'), (2, 'replica', 'SET LOCAL session_replication_role = replica'),
	(3, 'no guard', 'ALTER TABLE booking.appointments DISABLE TRIGGER guard'),
	(4, 'no follow', 'ALTER TABLE booking.appointments DISABLE TRIGGER follow'),
	(5, 'none', 'ALTER TABLE booking.appointments DISABLE TRIGGER USER')) w(n, way, command);
CREATE TEMP TABLE calls AS
SELECT * FROM unnest(ARRAY['cancel_appointment(1)', 'set_appointment_status(1, ''arrived'')', format('set_appointment_status(%s, ''noshow'')', :past),
	'reschedule_appointment(1, 5)', 'reschedule_appointment(1, 3)', 'confirm_hold(2)', 'book_slot(2, 2)', 'hold_slot(2, 2, ''1 hour'')', 'book_slot(3, 1)',
	'cancel_appointment(2)', 'expire_holds()', 'reassign_slots(1, 3, ''2099-06-01'', ''2099-06-02'')']) WITH ORDINALITY AS c(call, n);
SELECT pg_temp.state() AS before \gset
SELECT c.call, string_agg(w.way || ' ' || r.sqlstate, ', ' ORDER BY w.n) AS answers, string_agg(DISTINCT r.message, '; ') AS message
FROM calls c, ways w, pg_temp.trial(w.command || '; SELECT booking.' || c.call) r GROUP BY c.call, c.n ORDER BY c.n;
-- what needs no trigger goes on
SELECT c.call, r.sqlstate
FROM unnest(ARRAY['book_slot(6, 3)', 'hold_slot(6, 3)', 'remove_time_slot(6)', 'set_slot_availability(6, false)',
				  'add_time_slots(1, ''2099-06-03'', ''09:00'', ''10:00'', 30)', 'add_days_off(''2099-06-03'', ''2099-06-03'', 1)']) c(call),
	pg_temp.trial('SET LOCAL session_replication_role = replica; SELECT booking.' || c.call) r;
-- slots still do not overlap, and none is removed under an appointment
SELECT c.call, r.sqlstate, r.rule
FROM unnest(ARRAY['add_time_slots(1, ''2099-06-01'', ''09:00'', ''10:00'', 30)', 'remove_time_slot(1)', 'set_slot_availability(1, true)']) c(call),
	pg_temp.trial('SET LOCAL session_replication_role = replica; SELECT booking.' || c.call) r;
SELECT pg_temp.state() = :'before' AS unchanged;

-- somebody's trigger that returns another row than it was given
CREATE FUNCTION pg_temp.as_it_was() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE TRIGGER zz_as_it_was BEFORE UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.as_it_was();
SELECT sqlstate, message, detail, hint FROM pg_temp.refusal('SELECT booking.cancel_appointment(1)') \gx
DROP TRIGGER zz_as_it_was ON booking.appointments;
SELECT pg_temp.state() = :'before' AS unchanged;

-- a rule that is restored, or replicated, counts at once, and so does its end
CREATE FUNCTION public.regress_refuses(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN 'not today';
SELECT sqlstate FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
SET LOCAL session_replication_role = replica;
INSERT INTO booking.rules (name, check_function) VALUES ('closed', 'public.regress_refuses');
SET LOCAL session_replication_role = origin;
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
SET LOCAL session_replication_role = replica;
UPDATE booking.rules SET deleted_at = now();
SELECT sqlstate FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
UPDATE booking.rules SET deleted_at = NULL;
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
DELETE FROM booking.rules;
SELECT sqlstate FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
INSERT INTO booking.rules (name, check_function) VALUES ('closed', 'public.regress_refuses');
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
TRUNCATE booking.rules;
SELECT sqlstate FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
-- the functions say it by themselves
ALTER TABLE booking.rules DISABLE TRIGGER USER;
SELECT name FROM booking.add_rule('closed', 'public.regress_refuses(booking.time_slots, booking.patients)');
SELECT sqlstate, rule FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');
SELECT name FROM booking.remove_rule('closed');
SELECT sqlstate FROM pg_temp.trial('SELECT booking.book_slot(6, 3)');

-- which trigger fires when: the reasons are in doc/architecture.md
RESET session_replication_role;
ROLLBACK;
SELECT tgrelid::regclass AS "table", tgname, CASE tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'origin' END AS fires
FROM pg_trigger WHERE tgfoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'booking'::regnamespace) AND NOT tgisinternal
ORDER BY tgname, tgrelid::regclass::text COLLATE "C";
