-- One e-mail address is one patient, however it is written around and within, and names that show
-- nothing are none.
\i test/begin.psql

-- What is not seen around it is not part of it, in every way by which it comes.
CREATE TEMP TABLE around AS SELECT n, chr(n) AS c FROM generate_series(1, x'FFFFF'::int) n
WHERE n IN (9, 10, 11, 12, 13, 32, 133, 160, 173, 5760, 8239, 8287, 12288, 65279)
	OR n BETWEEN x'2000'::int AND x'200F'::int OR n BETWEEN x'2028'::int AND x'202E'::int OR n BETWEEN x'2060'::int AND x'206F'::int
	OR n IN (x'061C'::int, x'180E'::int, x'3164'::int, x'E0001'::int);
SELECT count(*) FROM around;
SELECT id, email FROM booking.add_patient('Bob', 'bob@example.org');
SELECT sqlstate, rule, count(*) FROM around, (VALUES ('%sbob@example.org'), ('bob@example.org%s'), ('%s%1$s BOB@Example.org%1$s')) f(form),
	pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', 'Bob', format(form, c))) GROUP BY 1, 2;
SELECT sqlstate, rule, count(*) FROM around,
	pg_temp.trial(format('INSERT INTO booking.patients (name, email) VALUES (%L, %L)', 'Bob', c || 'bob@example.org' || c)) GROUP BY 1, 2;
SELECT count(*) AS found FROM around, booking.find_patient(c || 'Bob@example.org' || c);
SELECT name, count(*) FROM around, LATERAL (SELECT (booking.add_patient(c || 'Ann' || c, n || '@example.org')).name) p GROUP BY 1;
SELECT name, count(*) FROM around,
	LATERAL (SELECT (booking.add_doctor((booking.add_clinic(c || 'Clinic ' || n || c, c || 'Street' || c)).id, c || 'Dr Ann' || c)).name) d GROUP BY 1;
SELECT count(*) AS clinics, min(address), max(address), bool_and(name = 'Clinic ' || regexp_replace(name, '\D', '', 'g')) AS trimmed FROM booking.clinics;
-- within it there is none, and nothing else that is no part of one
SELECT sqlstate, rule, count(*) FROM around, pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', 'Bob', 'b' || c || 'ob@example.org')) GROUP BY 1, 2;
SELECT sqlstate, rule, count(*) FROM around, pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', 'Bob', 'bob@exa' || c || 'mple.org')) GROUP BY 1, 2;
SELECT email, sqlstate, rule
FROM (VALUES ('bob@example.org;'), ('bob@example.org,'), ('<bob@example.org>'), ('Bob <bob@example.org>'), ('mailto:bob@example.org'),
			 ('bob@example.org, ann@example.org'), ('bob@example.org>'), ('bob(work)@example.org'), ('[bob]@example.org'), ('bob\@example.org'),
			 ('bo"b@example.org'), ('bob@[127.0.0.1]'), ('bob@exa"mple.org'), ('bob@@example.org'), ('bob@home@example.org'), ('bob@example..org'),
			 ('bob@.example.org'), ('bob@example.org.'), ('bob@org'), ('bob@example.org!'), ('bob@example.org/'), ('bob@-example.org'), ('bob@example-.org'), ('bob@exam_ple.org'), ('"bob@example.org'), ('"bob"x@example.org'), ('"bob\"@example.org'),
			 ('bob+tag@example.org'), ('bob.o''hara@example.org'), ('b=o/b!#$%&*?^_`{|}~@example.org'), ('"bob"@example.org'), ('"b;o@b"@example.org'),
			 ('"b\"ob"@example.org'), ('bob@例え.jp'), ('bob@xn--r8jz45g.jp'), ('боб@example.org'), ('bob@a.b.c.example.museum'), ('..bob..@example.org')) AS emails(email),
	pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', 'Bob', email));

-- Two ways to write an accent are one address, which is kept in the shorter one (NFC).
SELECT id, email = U&'ren\00e9@ex\00e4mple.org' AS composed FROM booking.add_patient('René', U&'rene\0301@exa\0308mple.org') \gset
SELECT :'composed' AS composed;
SELECT sqlstate, rule FROM unnest(ARRAY[U&'ren\00e9@ex\00e4mple.org', U&'rene\0301@exa\0308mple.org', U&'REN\00c9@ex\00e4mple.org']) email,
	pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', 'René', email));
SELECT count(*) FROM unnest(ARRAY[U&'ren\00e9@ex\00e4mple.org', U&'rene\0301@exa\0308mple.org', U&'RENE\0301@ex\00e4mple.org']) email, booking.find_patient(email);
-- a singleton of the same length
SELECT sqlstate FROM pg_temp.trial(format('INSERT INTO booking.patients (name, email) VALUES (%L, %L), (%1$L, %L)', 'Bob', U&'\f900@example.org', U&'\8c48@example.org'));
-- but a name is left as it is written: it may tell one family from another
SELECT name = U&'\fa19\6b66' AS kept FROM booking.add_patient(U&'\fa19\6b66', 'kamitake@example.org');

-- One's own address, written otherwise, is not somebody else's.
UPDATE booking.patients SET email = E' BOB@example.org\ufeff' WHERE email = 'bob@example.org' RETURNING email;
UPDATE booking.patients SET email = U&'RENE\0301@ex\00e4mple.org' WHERE id = :id RETURNING email = U&'REN\00c9@ex\00e4mple.org' AS composed;
SELECT sqlstate, rule FROM pg_temp.trial(format('UPDATE booking.patients SET email = %L WHERE id = %s', E'\u200bbob@EXAMPLE.org', :id));

-- Names that show nothing are empty, and what is around them does not count.
SELECT sqlstate, rule, count(*) FROM (VALUES (E'\u200b\u2060'), (E' \u00a0\u3000'), (E'\u3164\u115f'), (E'\ufe0f\ufe0f'), (E'A\u200b\u200b'), (E'\u202eA\u202c'), (E'\u00adA')) AS names(name),
	pg_temp.trial(format('SELECT booking.add_patient(%L, %L)', name, 'nobody@example.org')) GROUP BY 1, 2;
-- Whoever asks for a specialization or a rule may write blanks around it as well.
SELECT id AS clinic_id FROM booking.add_clinic('Wall Street') \gset
SELECT id AS doctor_id FROM booking.add_doctor(:clinic_id, 'Dr Ann Other', E'\u00a0Cardiology\u200b') \gset
SELECT count(*) FROM booking.add_time_slots(:doctor_id, '2099-06-01', '09:00', '10:00', 30);
SELECT count(*) FROM booking.available_slots(specialization => E' cardiology\u00a0');
SELECT count(*) FROM booking.next_available(E'\ufeffCARDIOLOGY', per_doctor => 2);
CREATE SCHEMA regress_house;
CREATE FUNCTION regress_house.passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
SELECT name FROM booking.add_rule(E'\u00a0a rule ', 'regress_house.passes(booking.time_slots, booking.patients)');
SELECT name FROM booking.remove_rule(E'\u00a0a rule ');

ROLLBACK;
