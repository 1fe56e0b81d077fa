-- Who sees which rows: row-level security for the roles of the book. Functions that write
-- decide for themselves; the owner, booking_owner, is not subject to these policies. What is the
-- same for all tables, that it is on and that administrators see all, is in 89_tables.sql.

CREATE FUNCTION booking.claimed_patient_id() RETURNS bigint
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'booking_claimed_patient_id';
COMMENT ON FUNCTION booking.claimed_patient_id IS
	'The patient that the caller is.

By the claim patient_id of request.jwt.claims; null when there is none. Errors: 42501 the claims are malformed.';

CREATE FUNCTION booking.claimed_clinic_ids() RETURNS bigint[]
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'booking_claimed_clinic_ids';
COMMENT ON FUNCTION booking.claimed_clinic_ids IS
	'The clinics that the caller is staff of.

By the claim clinic_ids of request.jwt.claims; empty when there is none or the role is not booking_staff. Errors: 42501 the claims are malformed.';

CREATE FUNCTION booking.visited_clinic_ids() RETURNS bigint[]
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'booking_visited_clinic_ids';
COMMENT ON FUNCTION booking.visited_clinic_ids IS
	'The clinics that the patient who calls has been to.

Those of all their appointments, past ones too; empty for other callers. Errors: 42501 the claims are malformed.';

CREATE FUNCTION booking.visited_doctor_ids() RETURNS bigint[]
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'booking_visited_doctor_ids';
COMMENT ON FUNCTION booking.visited_doctor_ids IS
	'The doctors that the patient who calls has been to.

Those of all their appointments, past ones too; empty for other callers. Errors: 42501 the claims are malformed.';

CREATE FUNCTION booking.find_patient(email text) RETURNS SETOF booking.patients
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1
	AS 'MODULE_PATHNAME', 'booking_find_patient';
COMMENT ON FUNCTION booking.find_patient IS
	'The patient with an e-mail address, for staff.

By exactly this address, without regard to case; else no row. Errors: PT400 email missing; 42501 the caller is not staff of any clinic.';

-- Guests see what is open to everybody. Patients and staff are guests, too.
CREATE POLICY guests_see_active ON booking.clinics FOR SELECT TO booking_guest
	USING (is_active AND deleted_at IS NULL);
CREATE POLICY guests_see_active ON booking.doctors FOR SELECT TO booking_guest
	USING (is_active AND deleted_at IS NULL
		   AND EXISTS (SELECT FROM booking.clinics c
					   WHERE c.id = clinic_id AND c.is_active AND c.deleted_at IS NULL));
CREATE POLICY guests_see_free ON booking.time_slots FOR SELECT TO booking_guest
	USING (deleted_at IS NULL AND booking.is_free(is_available, held_until, statement_timestamp())
		   AND starts_at > statement_timestamp()
		   AND EXISTS (SELECT FROM booking.doctors d
					   WHERE d.id = doctor_id AND d.is_active AND d.deleted_at IS NULL));

-- Patients see their own. The claim is looked up once a query, not once a row.
CREATE POLICY patients_see_themselves ON booking.patients FOR SELECT TO booking_patient
	USING (id = (SELECT booking.claimed_patient_id()) AND deleted_at IS NULL);
CREATE POLICY patients_change_themselves ON booking.patients FOR UPDATE TO booking_patient
	USING (id = (SELECT booking.claimed_patient_id()) AND deleted_at IS NULL);
CREATE POLICY patients_see_their_own ON booking.appointments FOR SELECT TO booking_patient
	USING (patient_id = (SELECT booking.claimed_patient_id()));
-- also where a clinic or doctor they have been to is no longer open to everybody: looked up when
-- the first such row is met, and by a function, since a sub-query is planned anew in each query
CREATE POLICY patients_see_where_they_go ON booking.clinics FOR SELECT TO booking_patient
	USING (id = ANY ((SELECT booking.visited_clinic_ids())::bigint[]));
CREATE POLICY patients_see_where_they_go ON booking.doctors FOR SELECT TO booking_patient
	USING (id = ANY ((SELECT booking.visited_doctor_ids())::bigint[]));

-- their slots, looked up once a query, too
CREATE POLICY patients_see_where_they_go ON booking.time_slots FOR SELECT TO booking_patient
	USING (id IN (SELECT a.slot_id FROM booking.appointments a
				  WHERE a.patient_id = (SELECT booking.claimed_patient_id())));

-- Staff see what concerns their clinics.
CREATE POLICY staff_see_their_clinics ON booking.clinics FOR SELECT TO booking_staff
	USING (id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[]));
CREATE POLICY staff_see_their_clinics ON booking.doctors FOR SELECT TO booking_staff
	USING (clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[]));
CREATE POLICY staff_see_their_clinics ON booking.time_slots TO booking_staff
	USING (clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[]));
CREATE POLICY staff_see_their_clinics ON booking.time_off FOR SELECT TO booking_staff
	USING (clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[]));
CREATE POLICY staff_see_their_clinics ON booking.schedules FOR SELECT TO booking_staff
	USING (EXISTS (SELECT FROM booking.doctors d
				   WHERE d.id = doctor_id AND d.clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[])));
CREATE POLICY staff_see_their_clinics ON booking.generated_days TO booking_staff
	USING (EXISTS (SELECT FROM booking.doctors d
				   WHERE d.id = doctor_id AND d.clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[])));
CREATE POLICY staff_see_their_clinics ON booking.appointments TO booking_staff
	USING (clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[]));
CREATE POLICY staff_see_their_patients ON booking.patients FOR SELECT TO booking_staff
	USING (EXISTS (SELECT FROM booking.appointments a
				   WHERE a.patient_id = patients.id
					   AND a.clinic_id = ANY ((SELECT booking.claimed_clinic_ids())::bigint[])));

-- An event is seen with its appointment.
CREATE POLICY seen_with_the_appointment ON booking.appointment_events FOR SELECT
	TO booking_patient, booking_staff
	USING (EXISTS (SELECT FROM booking.appointments a WHERE a.id = appointment_id));


-- What patients and staff may write by plain SQL, below, they write in small portions: a request that
-- was sent without its filter must not reach all that they may see. Fires before the others, by its name.
CREATE FUNCTION booking.count_changed_rows() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'booking_count_changed_rows';
COMMENT ON FUNCTION booking.count_changed_rows IS
	'Trigger: refuses a statement of a patient that changes more rows than booking.max_rows_changed_by_patients (1), or of staff, booking.max_rows_changed_by_staff (50); PT422. Administrators, and what functions of the extension do, are not limited.';
CREATE TRIGGER count_rows BEFORE UPDATE ON booking.patients
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows();
CREATE TRIGGER count_rows BEFORE UPDATE ON booking.time_slots
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows();
CREATE TRIGGER count_rows BEFORE UPDATE ON booking.appointments
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows();
CREATE TRIGGER count_rows BEFORE DELETE ON booking.generated_days
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows();
