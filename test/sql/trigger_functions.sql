-- A trigger function that is called otherwise, or put on a table of another shape, says so;
-- reading what is not there would take the server down.
\i test/begin.psql

SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.tidy_row()');
SELECT sqlstate, message FROM pg_temp.refusal('SELECT booking.check_time_zone()');

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
	('BEFORE TRUNCATE ON t', 'tidy_row()', 'TRUNCATE t'),
	('BEFORE INSERT ON t FOR EACH ROW', 'check_time_zone()', 'INSERT INTO t VALUES (1)')) AS cases(timing, function, command),
	pg_temp.trial(format('CREATE TRIGGER odd %s EXECUTE FUNCTION booking.%s; %s', timing, function, command));

ROLLBACK;
