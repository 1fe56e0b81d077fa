-- Consumers of events: each reads in order, at its own pace, and nothing twice once it is done.
-- What other transactions have to do with it is for the isolation test.
\i test/lifecycle.psql
CREATE FUNCTION pg_temp.next(consumer text, max_rows int DEFAULT 10) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(concat(e.id, ' ', e.to_status), ', ' ORDER BY n) FROM booking.read_events($1, $2) WITH ORDINALITY
	   AS e(id, appointment_id, slot_id, from_status, to_status, actor_role, actor, reason, created_at, n) $$;

SELECT pg_temp.next('mail');
SELECT count(booking.book_slot(s, s)) FROM generate_series(1, 3) s;
-- settled at once where nobody else writes, as the transactions of other databases may do here: as if
UPDATE booking.event_consumers SET settled_until = 3;
SELECT pg_temp.next('mail', 2);
SELECT pg_temp.next('mail', 2);
SELECT booking.note_events_done('mail', 1);
SELECT pg_temp.next('mail', 2);
SELECT booking.note_events_done('mail', 3);
SELECT pg_temp.next('mail', 2);
-- never back, and never further than it has read
SELECT booking.note_events_done('mail', 2);
SELECT done_until FROM booking.event_consumers;
SELECT sqlstate, rule, message, follows_contract FROM pg_temp.refusal('SELECT booking.note_events_done(''mail'', 9223372036854775807)');
SELECT sqlstate, rule, follows_contract FROM pg_temp.refusal('SELECT booking.note_events_done(''nobody'', 0)');
SELECT name, done_until FROM booking.event_consumers;

-- What was never shown is not done: neither what came since, nor what was left out for max_rows.
SELECT count(booking.book_slot(s, s - 3)) FROM generate_series(4, 6) s;
UPDATE booking.event_consumers SET settled_until = 6;
SELECT r.sqlstate, r.rule, r.hint FROM generate_series(3, 7) id, pg_temp.trial(format('SELECT booking.note_events_done(''mail'', %s)', id)) r ORDER BY id;
SELECT pg_temp.next('mail', 2);
SELECT id, r.sqlstate FROM generate_series(3, 7) id, pg_temp.trial(format('SELECT booking.note_events_done(''mail'', %s)', id)) r ORDER BY id;
-- what was shown once stays so, however little is read again
SELECT pg_temp.next('mail', 1);
SELECT booking.note_events_done('mail', 5);
SELECT done_until, read_until FROM booking.event_consumers;

-- A consumer that begins now is shown nothing of before; one that was behind is so no longer, and none goes back.
SELECT booking.skip_events('sms');
SELECT pg_temp.next('sms'), booking.skip_events('sms');
SELECT booking.skip_events('mail');
SELECT name, done_until, read_until, settled_until FROM booking.event_consumers ORDER BY name;
UPDATE booking.event_consumers SET done_until = 9, read_until = 9, settled_until = 9 WHERE name = 'sms';
SELECT booking.skip_events('sms');
SELECT booking.cancel_appointment(1) IS NOT NULL AS cancelled;
UPDATE booking.event_consumers SET settled_until = 7;
SELECT pg_temp.next('mail'), pg_temp.next('sms');
SELECT sqlstate, rule, follows_contract FROM pg_temp.refusal('SELECT booking.skip_events(repeat(''x'', 64))');
DELETE FROM booking.event_consumers WHERE name = 'sms';

-- a table that has lost a column, and got one of somebody else's
SAVEPOINT columns;
UPDATE booking.event_consumers SET done_until = 5;
ALTER TABLE booking.appointment_events DROP COLUMN actor CASCADE;
ALTER TABLE booking.appointment_events ADD COLUMN regress_note text DEFAULT 'none';
SELECT id, to_status, reason, regress_note FROM booking.read_events('mail');
ROLLBACK TO columns;

-- a position that was restored into a cluster whose transactions are younger is taken up again
UPDATE booking.event_consumers SET next_xid = '9223372036854775807', next_until = 3;
SELECT count(*) FROM booking.read_events('mail');
SELECT name, next_xid < '9223372036854775807' AS again, next_until, settled_until FROM booking.event_consumers;
ROLLBACK;
