-- What add_clinic, add_doctor and add_patient refuse, and that refusing leaves no row.
\i test/begin.psql

SELECT id FROM booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT id FROM booking.add_patient('Ada Lovelace', 'ada@example.org');

-- Each in full once.
SELECT * FROM pg_temp.refusal($$SELECT booking.add_clinic(NULL)$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_clinic('H')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_clinic('Harley Street ')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_clinic('Long Way', repeat('字', 501))$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_clinic('On Mars', time_zone => 'Mars/Olympus')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_doctor(7, 'Dr Who')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_doctor(1, '')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_doctor(1, 'Dr Who', repeat('字', 256))$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_patient('', 'x@example.org')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_patient('Alan Turing', 'alan')$$) \gx
SELECT * FROM pg_temp.refusal($$SELECT booking.add_patient('Ada Again', ' ADA@example.ORG ')$$) \gx

-- 2 to 255 characters once the blanks are gone; blanks alone are no name.
SELECT length, sqlstate, rule
FROM (VALUES (0), (1), (2), (255), (256)) AS lengths(length),
	pg_temp.refusal(format('SELECT booking.add_clinic(%L)', repeat('é', length)));
SELECT name::bytea, sqlstate, rule
FROM (VALUES (''), (' '), ('   '), (E'\t\n\x0b\f\r '), (' x ')) AS names(name),
	pg_temp.refusal(format('SELECT booking.add_patient(%L, %L)', name, 'x@example.org'));

-- A zone is a name of pg_timezone_names: no abbreviation, no offset, no POSIX rule, all of
-- which SET timezone takes.
SELECT quote_literal(zone) AS zone, sqlstate, rule, message
FROM (VALUES (''), (' '), ('BST'), ('+05'), ('UTC+3'), ('<X>-4'), ('EST5EDT4,M3.2.0,M11.1.0'),
			 ('Europe'), ('../../etc/passwd'), ('/Europe/London'), ('Europe/London'';--'),
			 ('default'), ('Europe%London'), ('Europe/Londo_'), ('EST'), ('cet'), ('posix/CET')) AS zones(zone),
	pg_temp.refusal(format('SELECT booking.add_clinic(%L, time_zone => %L)', 'Somewhere', zone));
-- There is none left that AT TIME ZONE takes for an abbreviation, and SET timezone for a zone, as CET is.
CREATE FUNCTION pg_temp.local_time(zone text, instant timestamptz) RETURNS timestamp
	LANGUAGE plpgsql SET timezone FROM CURRENT AS $$
BEGIN
	PERFORM set_config('timezone', zone, true);
	RETURN instant::timestamp;
END
$$;
SELECT name
FROM pg_timezone_names AS zones
WHERE EXISTS (SELECT FROM (VALUES ('2027-01-01 12:00+00'::timestamptz), ('2027-07-01 12:00+00')) AS instants(instant)
			  WHERE instant AT TIME ZONE name <> pg_temp.local_time(name, instant))
	AND (pg_temp.trial(format('SELECT booking.add_clinic(%L, time_zone => %L)', 'Somewhere', name))).rule
		IS DISTINCT FROM 'time_zone_is_known'
ORDER BY name;
-- What is not a zone is not repeated at any length.
SELECT sqlstate, char_length(message), message LIKE '%"字字%字"' AS cut_off_between_characters
FROM pg_temp.refusal($$SELECT booking.add_clinic('Far', time_zone => repeat('字', 1000000))$$);

-- Of a plausible form: something, one @, a domain with a dot, no blanks, at most 254 characters.
SELECT quote_literal(email) AS email, sqlstate, rule
FROM (VALUES ('@'), ('@example.org'), ('ada@'), ('ada@example'), ('ada@example.'), ('ada@.'),
			 ('ada@b@example.org'), ('ada lovelace@example.org'), (E'ada\n@example.org'),
			 (E'ada@example.org\nBcc:x@example.org'), ('ada@exam ple.org'), (''), (' '),
			 ('ada@例え.jp'), ('"ada"@example.org'),
			 ('o''hara@example.org')) AS emails(email),
	pg_temp.refusal(format('SELECT booking.add_patient(%L, %L)', 'Ada Two', email));
SELECT length, sqlstate, rule
FROM (VALUES (254), (255)) AS lengths(length),
	pg_temp.refusal(format('SELECT booking.add_patient(%L, %L)', 'Long', lpad('@example.org', length, 'x')));

-- Messages name no patient and repeat no address.
SELECT bool_or(concat(message, detail, hint) ~* 'ada|example') AS tells
FROM (VALUES ('ada@example.org'), ('ada@example')) AS emails(email),
	pg_temp.refusal(format('SELECT booking.add_patient(%L, %L)', 'Ada', email));

-- Nothing was written but what was accepted.
SELECT (SELECT count(*) FROM booking.clinics) AS clinics, (SELECT count(*) FROM booking.doctors) AS doctors,
	(SELECT count(*) FROM booking.patients) AS patients;

ROLLBACK;
