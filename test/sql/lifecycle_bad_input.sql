-- Bad input to each function of an appointment's life: one clean error each, by the contract,
-- and no row of any table changed.
\i test/lifecycle.psql

-- Appointments: 1 is booked, 2 a hold, 3 an expired hold, and one of each final status.
SELECT a.id, a.status FROM booking.book_slot(1, 1) a;
SELECT a.id, a.status FROM booking.hold_slot(2, 2) a;
SELECT a.id, a.status FROM booking.hold_slot(3, 3, '1 microsecond') a;
CREATE TEMP TABLE finals AS
	SELECT pg_temp.live(status, now() - interval '1 day', patient) AS id, status
	FROM (VALUES ('cancelled'::booking.appointment_status, 1), ('entered-in-error', 2), ('fulfilled', 3)) f(status, patient);
SELECT * FROM finals;

SELECT pg_temp.state() AS before \gset
SELECT f.call, r.sqlstate, r.rule, r.message, r.follows_contract
FROM unnest(ARRAY[
	-- what is missing
	'hold_slot(NULL, 1)', 'hold_slot(4, NULL)', 'hold_slot(4)',
	'confirm_hold(NULL)', 'cancel_appointment(NULL)', 'cancel_appointment(NULL, ''x'')',
	'reschedule_appointment(NULL, 4)', 'reschedule_appointment(1, NULL)', 'reschedule_appointment(NULL, NULL)',
	'set_appointment_status(NULL, ''booked'')', 'set_appointment_status(1, NULL)', 'expire_holds(NULL)',
	-- ids of nothing
	'hold_slot(99, 1)', 'hold_slot(4, 99)', 'hold_slot(-9223372036854775808, 1)', 'hold_slot(9223372036854775807, 1)',
	'confirm_hold(99)', 'confirm_hold(-9223372036854775808)', 'confirm_hold(9223372036854775807)', 'confirm_hold(0)',
	'cancel_appointment(99)', 'cancel_appointment(-9223372036854775808)', 'cancel_appointment(9223372036854775807)',
	'reschedule_appointment(99, 4)', 'reschedule_appointment(1, 99)', 'reschedule_appointment(99, 99)',
	'reschedule_appointment(1, -9223372036854775808)', 'reschedule_appointment(9223372036854775807, 4)',
	'set_appointment_status(99, ''booked'')', 'set_appointment_status(-9223372036854775808, ''booked'')',
	-- statuses that are none
	'set_appointment_status(1, ''Booked'')', 'set_appointment_status(1, '''')', 'set_appointment_status(1, ''checked_in'')',
	-- how long a hold lasts
	'hold_slot(4, 1, ''0'')', 'hold_slot(4, 1, ''-1 microsecond'')', 'hold_slot(4, 1, ''1 hour 1 microsecond'')',
	'hold_slot(4, 1, ''1 mon'')', 'hold_slot(4, 1, ''-1 day 24:30'')', 'hold_slot(4, 1, ''1 day -23:30'')',
	'hold_slot(4, 1, ''1 mon -30 days'')', 'hold_slot(4, 1, ''178000000 years'')', 'hold_slot(4, 1, ''-178000000 years'')',
	-- how many are swept
	'expire_holds(0)', 'expire_holds(-1)', 'expire_holds(5001)', 'expire_holds(2147483647)', 'expire_holds(-2147483648)',
	-- not a hold, or no longer
	'confirm_hold(1)', 'confirm_hold(3)', 'reschedule_appointment(2, 4)', 'reschedule_appointment(3, 4)',
	'set_appointment_status(3, ''booked'')', 'set_appointment_status(1, ''booked'')', 'set_appointment_status(1, ''pending'')'])
		WITH ORDINALITY AS f(call, n),
	pg_temp.trial('SELECT booking.' || f.call) r ORDER BY n;
-- what is final
SELECT status, call, r.sqlstate, r.rule, r.follows_contract
FROM finals, unnest(ARRAY['confirm_hold(%s)', 'cancel_appointment(%s)', 'reschedule_appointment(%s, 4)',
						  'set_appointment_status(%s, ''booked'')']) call,
	pg_temp.trial('SELECT booking.' || format(call, id)) r ORDER BY finals.id, call;
-- reasons, by their length in characters without the blanks around
SELECT function, length(reason), r.sqlstate, r.rule, r.message, r.follows_contract
FROM unnest(ARRAY['cancel_appointment(1, %L)', 'set_appointment_status(1, ''arrived'', %L)']) function,
	unnest(ARRAY['', ' ', E' \t\n\r\f ' || chr(11), 'x', repeat('x', 500), repeat('x', 501), '  ' || repeat('x', 500) || '  ',
				 repeat('ü', 500), repeat('ü', 501), repeat('x', 1024 * 1024), repeat(' ', 1024 * 1024)])
		WITH ORDINALITY AS t(reason, n),
	pg_temp.trial(format('SELECT booking.' || function, reason)) r ORDER BY function, n;
SELECT pg_temp.state() = :'before' AS unchanged;

-- rules: what is missing or too long, and functions of another form
CREATE SCHEMA regress_rules;
SET search_path = regress_rules, public;
CREATE FUNCTION good(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION returns_boolean(slot booking.time_slots, patient booking.patients) RETURNS boolean LANGUAGE sql RETURN true;
CREATE FUNCTION returns_varchar(slot booking.time_slots, patient booking.patients) RETURNS varchar LANGUAGE sql RETURN NULL;
CREATE FUNCTION returns_set(slot booking.time_slots, patient booking.patients) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION returns_table(slot booking.time_slots, patient booking.patients) RETURNS TABLE (t text) LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION swapped(patient booking.patients, slot booking.time_slots) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION one(slot booking.time_slots) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION three(slot booking.time_slots, patient booking.patients, more int DEFAULT 1) RETURNS text LANGUAGE sql RETURN NULL;
CREATE FUNCTION "any"(slot anyelement, patient anyelement) RETURNS text LANGUAGE sql AS 'SELECT NULL';
CREATE PROCEDURE procedure(slot booking.time_slots, patient booking.patients) LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION step(state text, slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
CREATE AGGREGATE aggregate(booking.time_slots, booking.patients) (SFUNC = step, STYPE = text);
CREATE FUNCTION called_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT pg_temp.state() AS before \gset
SELECT p.oid::regprocedure AS function, r.sqlstate, r.rule, r.message, r.follows_contract
FROM pg_proc p, pg_temp.trial(format('SELECT booking.add_rule(''r'', %s::oid::regprocedure)', p.oid)) r
WHERE pronamespace = 'regress_rules'::regnamespace ORDER BY p.oid;
SELECT call, r.sqlstate, r.rule, r.message, r.follows_contract
FROM unnest(ARRAY['NULL, %1$L', '''r'', NULL', '''r'', %1$L, NULL, NULL', '''r'', %1$L, 99', '''r'', %1$L, -9223372036854775808',
				  '''r'', 0', '''r'', 4294967295', '''r'', ''nosuch(int)''', '''r'', ''regress_rules.good''',
				  ''''', %1$L', ''' '', %1$L', 'repeat(''r'', 63), %1$L', 'repeat(''ü'', 63), %1$L', 'repeat(''r'', 64), %1$L',
				  'repeat(''r'', 1024 * 1024), %1$L', '''r'', %1$L, NULL, 2147483647', '''r'', %1$L, NULL, -2147483648'])
		WITH ORDINALITY AS c(call, n),
	pg_temp.trial(format('SELECT booking.add_rule(' || call || ')',
						 'regress_rules.good(booking.time_slots,booking.patients)')) r ORDER BY n;
SELECT call, r.sqlstate, r.rule, r.message, r.follows_contract
FROM unnest(ARRAY['NULL', 'NULL, 1', '''nosuch''', '''nosuch'', 1', '''''', 'repeat(''r'', 1024 * 1024)', '''nosuch'', 99'])
		WITH ORDINALITY AS c(call, n),
	pg_temp.trial(format('SELECT booking.remove_rule(%s)', call)) r ORDER BY n;
SELECT pg_temp.state() = :'before' AS unchanged;
TABLE broken;
ROLLBACK;
