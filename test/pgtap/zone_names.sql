-- Which names of zones a clinic can have, and how they are spelled then: what pg_timezone_names and
-- pg_timezone_abbrevs say, which are too slow to be asked each time.
BEGIN;
SELECT plan(21);
\ir helpers.psql
SET LOCAL client_min_messages = warning;

SELECT (booking.add_clinic('Somewhere')).id AS clinic \gset
CREATE FUNCTION pg_temp.spelled(zone text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (booking.add_clinic(format('Of %s', clock_timestamp()), time_zone => zone)).time_zone;
EXCEPTION WHEN SQLSTATE 'PT422' THEN
	RETURN NULL;
END
$$;

CREATE TEMP TABLE names AS SELECT name FROM pg_timezone_names;
CREATE FUNCTION pg_temp.differences(zones text[]) RETURNS text LANGUAGE sql AS $$
	WITH abbreviations AS MATERIALIZED (SELECT DISTINCT abbrev FROM pg_timezone_abbrevs),
	wanted AS (
		SELECT zone, CASE WHEN name IN ('UTC', 'GMT', 'UCT', 'Zulu') OR abbrev IS NULL THEN name END AS spelling
		FROM unnest(zones) zone LEFT JOIN abbreviations ON abbrev = upper(zone)
			LEFT JOIN names ON lower(name) = lower(zone) AND name NOT LIKE 'posix/%' AND name NOT IN ('localtime', 'posixrules')),
	given AS MATERIALIZED (SELECT zone, spelling, pg_temp.spelled(zone) AS spelled FROM wanted)
	SELECT string_agg(format('%s: %s for %s', zone, spelled, spelling), ', ') FROM given WHERE spelled IS DISTINCT FROM spelling
$$;

SELECT cmp_ok((SELECT count(*) FROM names WHERE name ~ '/'), '>', 300::bigint, 'there are zones');
SELECT is(pg_temp.differences((SELECT array_agg(name) FROM names)), NULL, 'names as they are');
SELECT is(pg_temp.differences((SELECT array_agg(lower(name)) FROM names)), NULL, 'in lower case');
SELECT is(pg_temp.differences((SELECT array_agg(upper(name)) FROM names)), NULL, 'in upper case');
SELECT is(pg_temp.differences((SELECT array_agg(translate(name, 'abcdefghijABCDEFGHIJ', 'ABCDEFGHIJabcdefghij')) FROM names)), NULL, 'in mixed case');
SELECT is(pg_temp.differences((SELECT array_agg(abbrev) FROM pg_timezone_abbrevs)), NULL, 'abbreviations');
SET LOCAL timezone_abbreviations = 'Australia';
SELECT is(pg_temp.differences((SELECT array_agg(name) FROM names WHERE name !~ '/') || (SELECT array_agg(lower(abbrev)) FROM pg_timezone_abbrevs)), NULL,
	'abbreviations that the session has instead');
RESET timezone_abbreviations;

-- What is no name: rules as POSIX has them, ways to other files, parts of names, texts of any kind.
CREATE TEMP TABLE hostile AS SELECT zone FROM (VALUES
	(''), (' '), (':'), ('::'), (':UTC'), (':Europe/London'), ('::UTC'), ('EST5EDT'), ('EST5'), ('EST5EDT4,M3.2.0,M11.1.0'), ('FOO+3'), ('FOO3'), ('foo'), ('UTC+3'), ('UTC0'), ('GMT+1'),
	('<x>-3'), ('<+03>-3'), ('+03'), ('-3'), ('3'), ('Z'), ('z'), ('zulu'), ('utc'), ('Gmt'), ('posix/Europe/London'), ('POSIX/UTC'), ('posix/'), ('posix'), ('right/UTC'), ('right/Europe/London'),
	('localtime'), ('LocalTime'), ('posixrules'), ('PosixRules'), ('Factory'), ('CET'), ('cet'), ('EET'), ('MET'), ('WET'), ('EST'), ('MST'), ('HST'), ('PST8PDT'), ('W-SU'),
	('Europe'), ('Europe/'), ('/Europe/London'), ('Europe//London'), ('Europe/London/'), ('Europe/London/x'), ('Europe\London'), ('./Europe/London'), ('Europe/./London'), ('Europe/../Europe/London'),
	('../../etc/passwd'), ('../zoneinfo/UTC'), ('/etc/localtime'), ('/usr/share/zoneinfo/UTC'), ('zone.tab'), ('tzdata.zi'), ('leapseconds'), ('.'), ('..'), ('.hidden'),
	('Europe/Londo'), ('Europe/Londonn'), ('Europe/Londo_'), ('Europe%'), ('Europe London'), ('London'), ('Europe/London'';--'), ('default'), ('%s'), ('%n%n%n'),
	(E'UTC\x01'), (E'Europe/\x1bLondon'), (E'Europe/London\r\nSet-Cookie: sid=1'), (E'Europe/London\x7f'), (U&'Europe/\200BLondon'), (U&'Europe/Lon\FEFFdon'), (U&'Europe/\202ELondon'), (U&'\FEFFUTC\0001\FEFF'), (U&'\200B'), (U&'Europe\2044London'), (U&'Europe/L\043Endon'),
	(U&'A\017Fia/Tokyo'), (U&'\FF35\FF34\FF23'), (repeat('x', 64)), (repeat('x', 65)), (repeat('x', 255)), (repeat('x', 256)), (repeat('Europe/', 100)), (repeat('x', 1000000)), ('Europe/London' || repeat('/', 60)),
	(repeat('../', 30))) v (zone);
SELECT is(pg_temp.differences((SELECT array_agg(zone) FROM hostile)), NULL, 'hostile ones');
-- Debian 13 keeps old names in a package of their own
SELECT is((SELECT string_agg(pg_temp.spelled(zone), ' ' ORDER BY lower(zone)) FROM hostile),
	(SELECT string_agg(zone, ' ' ORDER BY lower(zone)) FROM unnest('{EST5EDT,Factory,GMT,PST8PDT,UTC,W-SU,Zulu}'::text[]) zone
	 WHERE zone IN (SELECT name FROM pg_timezone_names)), 'of these a few are names');
SELECT is((SELECT array_agg(DISTINCT concat_ws(' ', r.sqlstate, r."constraint")) FROM hostile, pg_temp.refusal(format('SELECT booking.add_clinic(''Of hostile'', time_zone => %L)', zone)) r
		   WHERE r.sqlstate IS NOT NULL), '{PT422 time_zone_is_known}', 'the others are refused by one rule');
SELECT is((SELECT count(*) FROM hostile, pg_temp.refusal(format('SELECT booking.add_clinic(''Of hostile'', time_zone => %L)', zone)) r
		   WHERE concat(r.message, r.detail, r.hint) ~ '[\x01-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]'), 0::bigint, 'which shows no control character of theirs');

-- What is not seen around a name does not count, and is not stored, whoever writes it.
CREATE TEMP TABLE padded AS SELECT zone FROM (VALUES
	(E' \t Europe/london\n'), (U&'\200BEurope/London'), (U&'Europe/London\FEFF'), (U&'\00A0\3000Europe/London\2028'),
	(U&'\202EEurope/London\2069'), (U&'\00AD\0085europe/london\3164')) v (zone);
SELECT is((SELECT array_agg(DISTINCT pg_temp.spelled(zone)) FROM padded), '{Europe/London}', 'what is not seen around a name does not count');
INSERT INTO booking.clinics (name, time_zone) SELECT 'Padded ' || row_number() OVER (), zone FROM padded;
SELECT is((SELECT array_agg(DISTINCT lower(time_zone)) FROM booking.clinics WHERE name LIKE 'Padded %'), '{europe/london}', 'nor is it stored by an INSERT');
UPDATE booking.clinics SET time_zone = 'UTC' WHERE name LIKE 'Padded %';
UPDATE booking.clinics SET time_zone = zone FROM (SELECT 'Padded ' || row_number() OVER () AS of, zone FROM padded) p WHERE name = of;
SELECT is((SELECT array_agg(DISTINCT time_zone) FROM booking.clinics WHERE name LIKE 'Padded %'), '{Europe/London}', 'or an UPDATE, which spells it');
SELECT is(r."constraint", 'text_has_no_control_characters', 'a control character within one is not stored by an INSERT')
FROM pg_temp.refusal($$INSERT INTO booking.clinics (name, time_zone) VALUES ('Padded', E'Europe/\x1bLondon')$$) r;
SELECT is(format('%s: %s', r."constraint", r.message), 'time_zone_is_known: no clinic can have the time zone "Europe/\u001bLondon"', 'nor by an UPDATE')
FROM pg_temp.refusal(format($$UPDATE booking.clinics SET time_zone = E'Europe/\x1bLondon' WHERE id = %s$$, :clinic)) r;
SELECT is((SELECT count(DISTINCT pg_temp.spelled(name)) FROM names, generate_series(1, 2) WHERE name ~ '^Europe/'),
	(SELECT count(*) FROM names WHERE name ~ '^Europe/'), 'what was refused before or asked before makes no difference');

-- A change of a clinic is judged and spelled in the same way.
UPDATE booking.clinics SET time_zone = 'asia/KATHMANDU' WHERE id = :clinic;
SELECT is((SELECT time_zone FROM booking.clinics WHERE id = :clinic), 'Asia/Kathmandu', 'an update spells it, too');
SELECT throws_ok(format('UPDATE booking.clinics SET time_zone = %L WHERE id = %s', zone, :clinic), 'PT422', format('no clinic can have the time zone "%s"', zone), 'and refuses ' || zone)
FROM unnest('{FOO+3, posix/UTC}'::text[]) zone;

-- To add 20 clinics takes a fiftieth of what it takes to list the names 5 times.
CREATE FUNCTION pg_temp.duration(query text) RETURNS interval LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE query;
	RETURN clock_timestamp() - started;
END
$$;
SELECT cmp_ok(pg_temp.duration('SELECT pg_temp.spelled(''Asia/Tokyo'') FROM generate_series(1, 20)'), '<',
	pg_temp.duration('SELECT count(name) FROM generate_series(1, 5) n, LATERAL (SELECT name FROM pg_timezone_names WHERE n > 0) t'), 'names are not listed to find one');

SELECT * FROM finish();
ROLLBACK;
