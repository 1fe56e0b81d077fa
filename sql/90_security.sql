-- Who owns what, who may do what. Comes after everything is made: first the owner, then the
-- grants, so that a dump sees the privileges that the extension was installed with.

DO $$
DECLARE
	member record;
BEGIN
	FOR member IN
		SELECT CASE
				   WHEN classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
					   THEN 'FUNCTION ' || objid::pg_catalog.regprocedure
				   WHEN classid = 'pg_catalog.pg_type'::pg_catalog.regclass
					   THEN 'TYPE ' || objid::pg_catalog.regtype
				   WHEN classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
					   THEN 'SCHEMA ' || objid::pg_catalog.regnamespace
				   ELSE CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || objid::pg_catalog.regclass
			   END AS object
		FROM pg_catalog.pg_depend
			LEFT JOIN pg_catalog.pg_class c
				ON classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = objid
			LEFT JOIN pg_catalog.pg_type t
				ON classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = objid
		WHERE refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
			AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'booking')
			AND deptype = 'e'
			-- identity sequences, and types of rows and arrays, follow their table or type
			AND c.relkind IS DISTINCT FROM 'S'
			AND (t.oid IS NULL OR t.typtype = 'e')
	LOOP
		EXECUTE pg_catalog.format('ALTER %s OWNER TO booking_owner', member.object);
	END LOOP;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA booking FROM PUBLIC;

GRANT USAGE ON SCHEMA booking TO booking_guest, booking_patient, booking_staff, booking_admin;

GRANT SELECT ON ALL TABLES IN SCHEMA booking TO booking_admin;
GRANT UPDATE (name, address, time_zone, is_active, min_notice, booking_horizon, hold_duration,
			  allow_patient_overlap, idempotency_retention) ON booking.clinics TO booking_admin;
GRANT UPDATE (name, specialization, is_active) ON booking.doctors TO booking_admin;
GRANT UPDATE (name, email, is_active) ON booking.patients TO booking_admin;
GRANT UPDATE (status) ON booking.appointments TO booking_admin;
GRANT INSERT, UPDATE, DELETE ON booking.bookings TO booking_admin;
-- to have days generated again
GRANT DELETE ON booking.generated_days TO booking_admin;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA booking TO booking_admin;
-- On a table of anybody's own a trigger function has no business.
REVOKE EXECUTE ON FUNCTION booking.tidy_row(), booking.check_time_zone(), booking.check_overlap(),
	booking.guard_time_slot(), booking.guard_appointment(), booking.follow_appointment(),
	booking.forget_rules(), booking.write_booking() FROM booking_admin;
