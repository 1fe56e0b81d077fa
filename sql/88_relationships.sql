-- What an appointment can be embedded with over HTTP, and joined with in SQL. Rights are those of the
-- caller. Their arguments have no names, or PostgREST would serve them as functions as well. Their bodies are
-- strings, or the columns of the tables could not be altered while they are there.

CREATE FUNCTION booking.doctor(booking.bookings) RETURNS SETOF booking.doctors
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.doctors WHERE id OPERATOR(pg_catalog.=) $1.doctor_id';
COMMENT ON FUNCTION booking.doctor(booking.bookings) IS
	'The doctor of a booking, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.clinic(booking.bookings) RETURNS SETOF booking.clinics
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.clinics WHERE id OPERATOR(pg_catalog.=) $1.clinic_id';
COMMENT ON FUNCTION booking.clinic(booking.bookings) IS
	'The clinic of a booking, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.slot(booking.bookings) RETURNS SETOF booking.time_slots
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.time_slots WHERE id OPERATOR(pg_catalog.=) $1.slot_id';
COMMENT ON FUNCTION booking.slot(booking.bookings) IS
	'The time slot of a booking, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.patient(booking.bookings) RETURNS SETOF booking.patients
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.patients WHERE id OPERATOR(pg_catalog.=) $1.patient_id';
COMMENT ON FUNCTION booking.patient(booking.bookings) IS
	'The patient of a booking, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.doctor(booking.appointments) RETURNS SETOF booking.doctors
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.doctors WHERE id OPERATOR(pg_catalog.=) $1.doctor_id';
COMMENT ON FUNCTION booking.doctor(booking.appointments) IS
	'The doctor of an appointment, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.clinic(booking.appointments) RETURNS SETOF booking.clinics
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.clinics WHERE id OPERATOR(pg_catalog.=) $1.clinic_id';
COMMENT ON FUNCTION booking.clinic(booking.appointments) IS
	'The clinic of an appointment, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.slot(booking.appointments) RETURNS SETOF booking.time_slots
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.time_slots WHERE id OPERATOR(pg_catalog.=) $1.slot_id';
COMMENT ON FUNCTION booking.slot(booking.appointments) IS
	'The time slot of an appointment, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';

CREATE FUNCTION booking.patient(booking.appointments) RETURNS SETOF booking.patients
	LANGUAGE sql STABLE ROWS 1
AS 'SELECT * FROM booking.patients WHERE id OPERATOR(pg_catalog.=) $1.patient_id';
COMMENT ON FUNCTION booking.patient(booking.appointments) IS
	'The patient of an appointment, if the caller may see it.

Over HTTP it is embedded, by PostgREST''s computed relationships. Errors: 42501 the caller is a guest.';
