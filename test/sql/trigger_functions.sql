-- A trigger function that is called otherwise, or put on a table of another shape, says so;
-- reading what is not there would take the server down.
\i test/begin.psql

SELECT p.oid::regprocedure AS function, sqlstate, message
FROM pg_proc p, pg_temp.refusal(format('SELECT %s', p.oid::regprocedure))
WHERE pronamespace = 'booking'::regnamespace AND prorettype = 'trigger'::regtype
ORDER BY proname COLLATE "C";

-- The one that is for any table looks at its columns.
CREATE TABLE pg_temp.t (a int, b text, time_zone int, updated_at date);
INSERT INTO t VALUES (1, ' b ', 1, '2000-01-01');
SELECT timing, function, command, sqlstate, message
FROM (VALUES
	('BEFORE UPDATE ON t FOR EACH ROW', 'tidy_row()', 'UPDATE t SET a = 2'),
	('BEFORE INSERT ON t FOR EACH ROW', 'tidy_row(''a'')', 'INSERT INTO t VALUES (1)'),
	('BEFORE INSERT ON t FOR EACH ROW', 'tidy_row(''nosuch'')', 'INSERT INTO t VALUES (1)'),
	('BEFORE INSERT ON t FOR EACH ROW', 'tidy_row(''ctid'')', 'INSERT INTO t VALUES (1)'),
	('BEFORE INSERT ON t FOR EACH ROW', 'tidy_row(''b'')', 'INSERT INTO t VALUES (1, '' b '')'),
	('BEFORE DELETE ON t FOR EACH ROW', 'tidy_row()', 'DELETE FROM t'),
	('AFTER UPDATE ON t FOR EACH ROW', 'tidy_row()', 'UPDATE t SET a = 2'),
	('BEFORE UPDATE ON t', 'tidy_row()', 'UPDATE t SET a = 2'),
	('BEFORE TRUNCATE ON t', 'tidy_row()', 'TRUNCATE t')) AS cases(timing, function, command),
	pg_temp.trial(format('CREATE TRIGGER odd %s EXECUTE FUNCTION booking.%s; %s', timing, function, command));

-- Every one on every kind of event, of somebody's own table and view: each is refused, but for
-- tidy_row BEFORE INSERT OR UPDATE FOR EACH ROW, which asks for its columns, and count_changed_rows FOR EACH
-- ROW, which is for any table.
CREATE TEMP VIEW v AS SELECT * FROM t;
CREATE TEMP TABLE timings AS
	SELECT format('%s %s ON %s FOR EACH %s', timing, event, CASE timing WHEN 'INSTEAD OF' THEN 'v' ELSE 't' END, level) AS timing,
		format(command, CASE timing WHEN 'INSTEAD OF' THEN 'v' ELSE 't' END) AS command
	FROM unnest('{BEFORE,AFTER,INSTEAD OF}'::text[]) AS timing, unnest('{ROW,STATEMENT}'::text[]) AS level,
		(VALUES ('INSERT', 'INSERT INTO %s VALUES (1)'), ('UPDATE', 'UPDATE %s SET a = 2'),
				('DELETE', 'DELETE FROM %s'), ('TRUNCATE', 'TRUNCATE %s')) AS events(event, command)
	WHERE (event <> 'TRUNCATE' OR level = 'STATEMENT' AND timing <> 'INSTEAD OF')
		AND (timing <> 'INSTEAD OF' OR level = 'ROW');
SELECT proname, array_agg(DISTINCT sqlstate) AS sqlstates, count(*),
	count(*) FILTER (WHERE sqlstate <> '39P01') AS otherwise, min(message) FILTER (WHERE sqlstate <> '39P01') AS message
FROM pg_proc, timings,
	pg_temp.trial(format('CREATE TRIGGER odd %s EXECUTE FUNCTION booking.%s(); %s', timing, proname, command))
WHERE pronamespace = 'booking'::regnamespace AND prorettype = 'trigger'::regtype
GROUP BY proname ORDER BY proname COLLATE "C";

-- Nor is the book's own table enough, if it is another one, or the event is another.
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.rules (name, check_function) VALUES ('nothing', 'nothing');
SELECT proname, timing, sqlstate
FROM (VALUES
	('check_time_zone', 'AFTER UPDATE ON booking.clinics FOR EACH ROW', 'UPDATE booking.clinics SET address = name'),
	('check_time_zone', 'BEFORE INSERT ON booking.clinics FOR EACH ROW', 'INSERT INTO booking.clinics (name) VALUES (''New'')'),
	('check_time_zone', 'BEFORE UPDATE ON booking.rules FOR EACH ROW', 'UPDATE booking.rules SET "position" = 1'),
	('guard_appointment', 'BEFORE UPDATE ON booking.clinics FOR EACH ROW', 'UPDATE booking.clinics SET address = name'),
	('follow_appointment', 'AFTER UPDATE ON booking.clinics FOR EACH ROW', 'UPDATE booking.clinics SET address = name'),
	('guard_time_slot', 'BEFORE UPDATE ON booking.clinics FOR EACH ROW', 'UPDATE booking.clinics SET address = name'),
	('check_overlap', 'AFTER UPDATE ON booking.clinics FOR EACH ROW', 'UPDATE booking.clinics SET address = name'),
	('forget_rules', 'AFTER UPDATE ON booking.clinics FOR EACH STATEMENT', 'UPDATE booking.clinics SET address = name'),
	('forget_rules', 'BEFORE UPDATE ON booking.rules FOR EACH ROW', 'UPDATE booking.rules SET "position" = 1')) AS cases(proname, timing, command),
	pg_temp.trial(format('CREATE TRIGGER odd %s EXECUTE FUNCTION booking.%s(); %s', timing, proname, command));

ROLLBACK;
