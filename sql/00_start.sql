\echo Use "CREATE EXTENSION booking CASCADE" to load this file. \quit

-- What all else needs: roles, the schema, the statuses of appointments, and the trigger that tidies rows.

-- Nothing in this script may resolve to an object that somebody put in the way.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Roles belong to the cluster: another database of it may have made them already.
DO $$
DECLARE
	wanted name;
	role pg_catalog.pg_roles;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['booking_owner', 'booking_guest', 'booking_patient',
								  'booking_staff', 'booking_admin']::name[]
	LOOP
		SELECT * INTO role FROM pg_catalog.pg_roles WHERE rolname = wanted;
		IF NOT FOUND THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
		ELSIF role.rolcanlogin OR role.rolsuper THEN
			RAISE EXCEPTION 'role "%" exists already and may log in or is a superuser', wanted
				USING ERRCODE = 'duplicate_object',
					HINT = pg_catalog.format('booking needs the name for a group role: ALTER ROLE %I NOLOGIN NOSUPERUSER, or rename it.', wanted);
		ELSIF role.rolcreaterole OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls THEN
			RAISE EXCEPTION 'role "%" exists already and has powers of its own', wanted
				USING ERRCODE = 'duplicate_object',
					HINT = pg_catalog.format('booking grants it to patients and staff: ALTER ROLE %I NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS, or rename it.', wanted);
		END IF;
	END LOOP;
END
$$;

-- Nor may somebody have put themselves into the owner, or more into the roles that people get.
DO $$
DECLARE
	stray record;
BEGIN
	FOR stray IN
		SELECT g.rolname AS granted, m.rolname AS member
		FROM pg_catalog.pg_auth_members a
			JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
			JOIN pg_catalog.pg_roles m ON m.oid = a.member
		WHERE g.rolname = 'booking_owner'
			OR (m.rolname IN ('booking_owner', 'booking_guest', 'booking_patient', 'booking_staff', 'booking_admin')
				AND NOT (g.rolname = 'booking_guest' AND m.rolname IN ('booking_patient', 'booking_staff')))
	LOOP
		RAISE EXCEPTION 'role "%" is a member of role "%"', stray.member, stray.granted
			USING ERRCODE = 'duplicate_object',
				DETAIL = 'booking_owner owns the appointment book and has no members, and the roles of booking are in no other.',
				HINT = pg_catalog.format('REVOKE %I FROM %I.', stray.granted, stray.member);
	END LOOP;
END
$$;

COMMENT ON ROLE booking_owner IS
	'Owns every object of the extension booking. Nobody''s login: its rights are what the functions take on, and no more.';
COMMENT ON ROLE booking_guest IS
	'May browse clinics, doctors and free slots of the extension booking.';
COMMENT ON ROLE booking_patient IS
	'A guest who may also book, cancel and see their own appointments.';
COMMENT ON ROLE booking_staff IS
	'May run the calendars and appointments of their own clinics.';
COMMENT ON ROLE booking_admin IS
	'May do everything in the appointment book, and nothing outside it.';

CREATE SCHEMA booking;
COMMENT ON SCHEMA booking IS
	'The appointment book: clinics, doctors, patients, time slots and appointments, and the functions that book exclusively.';

CREATE TYPE booking.appointment_status AS ENUM
	('proposed', 'pending', 'booked', 'arrived', 'checked-in', 'fulfilled',
	 'cancelled', 'noshow', 'entered-in-error', 'waitlist');
COMMENT ON TYPE booking.appointment_status IS
	'The ten codes of AppointmentStatus in FHIR R4 (hl7.org/fhir/R4/valueset-appointmentstatus.html). pending is a hold; pending, booked, arrived, checked-in, fulfilled and noshow occupy the time slot, the others leave it free.';

-- The one list of them in SQL; src/status.c has C's. The planner puts the expression in the place of a call.
-- The argument has no name, or PostgREST would serve the function.
CREATE FUNCTION booking.occupies(booking.appointment_status) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN $1 IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow');
COMMENT ON FUNCTION booking.occupies IS
	'Whether an appointment of this status occupies its time slot.

A hold (pending) does until it expires, which the status does not tell.';

-- Keeps updated_at true and trims the columns it is given, for every writer of a row.
CREATE FUNCTION booking.tidy_row() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'booking_tidy_row';
COMMENT ON FUNCTION booking.tidy_row IS
	'Trigger: trims what is not seen, blanks (Unicode''s White_Space) and the like (Default_Ignorable_Code_Point, Cf), from both ends of the text columns named in its arguments, composes those named email (NFC) and, on UPDATE, sets updated_at to the time of the transaction.';

