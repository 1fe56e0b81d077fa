-- What an appointment can be embedded with over HTTP, and joined with in SQL. Rights are those of the
-- caller. Their arguments have no names, or PostgREST would serve them as functions as well. Their bodies are
-- strings, or the columns of the tables could not be altered while they are there.

DO $$
DECLARE
	embedded record;
BEGIN
	FOR embedded IN
		SELECT *
		FROM (VALUES
				('doctor', 'doctors', 'doctor_id', 'doctor'),
				('clinic', 'clinics', 'clinic_id', 'clinic'),
				('slot', 'time_slots', 'slot_id', 'time slot'),
				('patient', 'patients', 'patient_id', 'patient')) AS part (name, source, key, noun),
			(VALUES
				('bookings', 'a booking'),
				('appointments', 'an appointment')) AS whole (of, words)
	LOOP
		EXECUTE pg_catalog.format(
			'CREATE FUNCTION booking.%I(booking.%I) RETURNS SETOF booking.%I LANGUAGE sql STABLE ROWS 1 AS %L',
			embedded.name, embedded.of, embedded.source,
			pg_catalog.format('SELECT * FROM booking.%I WHERE id OPERATOR(pg_catalog.=) $1.%I', embedded.source, embedded.key));
		EXECUTE pg_catalog.format('COMMENT ON FUNCTION booking.%I(booking.%I) IS %L', embedded.name, embedded.of,
			pg_catalog.format(E'The %s of %s, if the caller may see it.\n\nOver HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.',
				embedded.noun, embedded.words));
	END LOOP;
END
$$;
