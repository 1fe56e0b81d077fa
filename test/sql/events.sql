-- Consumers of events: each reads in order, at its own pace, and nothing twice once it is done.
-- What other transactions have to do with it is for the isolation test.
\i test/lifecycle.psql
CREATE FUNCTION pg_temp.next(consumer text, max_rows int DEFAULT 10) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(concat(e.id, ' ', e.to_status), ', ' ORDER BY n) FROM booking.read_events($1, $2) WITH ORDINALITY
	   AS e(id, appointment_id, time_slot_id, from_status, to_status, actor_role, actor, reason, created_at, n) $$;

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

-- a table that has lost a column, and got one of somebody else's
SAVEPOINT columns;
UPDATE booking.event_consumers SET done_until = 2;
ALTER TABLE booking.appointment_events DROP COLUMN actor CASCADE;
ALTER TABLE booking.appointment_events ADD COLUMN regress_note text DEFAULT 'none';
SELECT id, to_status, reason, regress_note FROM booking.read_events('mail');
ROLLBACK TO columns;

-- a position that was restored into a cluster whose transactions are younger is taken up again
UPDATE booking.event_consumers SET next_xid = '9223372036854775807', next_until = 3;
SELECT count(*) FROM booking.read_events('mail');
SELECT name, next_xid < '9223372036854775807' AS again, next_until, settled_until FROM booking.event_consumers;
ROLLBACK;
