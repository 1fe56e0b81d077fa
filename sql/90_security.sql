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

-- What ALTER DEFAULT PRIVILEGES of whoever installs this has given away is taken back: to
-- PUBLIC, to anybody.
DO $$
DECLARE
	stray record;
BEGIN
	FOR stray IN
		SELECT 'SCHEMA ' || n.oid::pg_catalog.regnamespace AS object, a.grantee
		FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
		WHERE n.nspname = 'booking' AND a.grantee <> n.nspowner
		UNION
		SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::pg_catalog.regclass, a.grantee
		FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
		WHERE c.relnamespace = 'booking'::pg_catalog.regnamespace AND a.grantee <> c.relowner
		UNION
		SELECT 'FUNCTION ' || p.oid::pg_catalog.regprocedure, a.grantee
		FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
		WHERE p.pronamespace = 'booking'::pg_catalog.regnamespace AND a.grantee <> p.proowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', stray.object,
			CASE stray.grantee WHEN 0 THEN 'PUBLIC' ELSE stray.grantee::pg_catalog.regrole::text END);
	END LOOP;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA booking FROM PUBLIC;

GRANT booking_guest TO booking_patient, booking_staff;
GRANT USAGE ON SCHEMA booking TO booking_guest, booking_patient, booking_staff, booking_admin;

-- Who may read and write which tables and views. Which rows, the policies say.
GRANT SELECT ON booking.clinics, booking.doctors, booking.time_slots TO booking_guest;

GRANT SELECT ON booking.patients, booking.appointments, booking.appointment_events,
	booking.bookings, booking.status_transitions TO booking_patient, booking_staff;
GRANT UPDATE (name, email) ON booking.patients TO booking_patient;
GRANT INSERT, UPDATE, DELETE ON booking.bookings TO booking_patient, booking_staff, booking_admin;

GRANT SELECT ON booking.schedules, booking.time_off, booking.generated_days, booking.day_sheet
	TO booking_staff;
GRANT UPDATE (status) ON booking.appointments TO booking_staff, booking_admin;
GRANT UPDATE (starts_at, ends_at) ON booking.time_slots TO booking_staff, booking_admin;
GRANT DELETE ON booking.generated_days TO booking_staff, booking_admin;

GRANT SELECT ON ALL TABLES IN SCHEMA booking TO booking_admin;
GRANT UPDATE (name, address, time_zone, is_active, min_notice, booking_horizon, hold_duration,
			  allow_patient_overlap, idempotency_retention) ON booking.clinics TO booking_admin;
GRANT UPDATE (name, specialization, is_active) ON booking.doctors TO booking_admin;
GRANT UPDATE (name, email, is_active) ON booking.patients TO booking_admin;

-- Who may call which functions: each function is in one of these lists, or nobody may call it.
GRANT EXECUTE ON FUNCTION
	booking.available_slots,
	booking.next_available,
	booking.is_slot_available,
	booking.session_slots
	TO booking_guest, booking_admin;

-- the server asks this right of who reads a view, or rows that a policy judges
GRANT EXECUTE ON FUNCTION
	booking.occupies,
	booking.is_free
	TO booking_guest, booking_admin;

-- and this one of who writes a row
GRANT EXECUTE ON FUNCTION
	booking.has_no_control_characters,
	booking.is_plausible_email
	TO booking_patient, booking_admin;

GRANT EXECUTE ON FUNCTION
	booking.claimed_patient_id,
	booking.claimed_clinic_ids,
	booking.visited_clinic_ids,
	booking.visited_doctor_ids,
	booking.book_slot,
	booking.hold_slot,
	booking.confirm_hold,
	booking.cancel_appointment,
	booking.reschedule_appointment,
	booking.check_booking,
	booking.patient_appointments,
	-- their names are not unique
	booking.doctor(booking.bookings), booking.doctor(booking.appointments),
	booking.clinic(booking.bookings), booking.clinic(booking.appointments),
	booking.slot(booking.bookings), booking.slot(booking.appointments),
	booking.patient(booking.bookings), booking.patient(booking.appointments)
	TO booking_patient, booking_staff, booking_admin;

GRANT EXECUTE ON FUNCTION
	booking.set_appointment_status,
	booking.find_patient,
	booking.add_patient,
	booking.add_time_slots,
	booking.set_slot_availability,
	booking.remove_time_slot,
	booking.restore_time_slot,
	booking.add_schedule,
	booking.remove_schedule,
	booking.generate_slots,
	booking.add_time_off,
	booking.add_days_off,
	booking.remove_time_off,
	booking.reassign_slots
	TO booking_staff, booking_admin;

GRANT EXECUTE ON FUNCTION
	booking.add_clinic,
	booking.add_doctor,
	booking.remove_clinic,
	booking.restore_clinic,
	booking.remove_doctor,
	booking.restore_doctor,
	booking.remove_patient,
	booking.restore_patient,
	booking.expire_holds,
	booking.maintain,
	booking.read_events,
	booking.note_events_done,
	booking.skip_events,
	booking.define_tables,
	booking.add_rule,
	booking.remove_rule,
	booking.appointment_being_moved
	TO booking_admin;

-- What a monitoring login, a member of pg_monitor, has to have; the functions of a view are called
-- with the rights of who reads it.
GRANT USAGE ON SCHEMA booking TO pg_monitor;
GRANT SELECT ON booking.metrics TO pg_monitor;
GRANT EXECUTE ON FUNCTION booking.refusals TO booking_admin, pg_monitor;
