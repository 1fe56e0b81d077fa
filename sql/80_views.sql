-- What people read: the day sheet of a doctor, the appointments of a patient.

CREATE VIEW booking.day_sheet WITH (security_invoker = true) AS
	SELECT c.id AS clinic_id, c.name AS clinic_name, d.id AS doctor_id, d.name AS doctor_name,
		   (s.starts_at AT TIME ZONE c.time_zone)::date AS local_date,
		   (s.starts_at AT TIME ZONE c.time_zone)::time AS local_start,
		   (s.ends_at AT TIME ZONE c.time_zone)::time AS local_end,
		   CASE WHEN a.status = 'pending' THEN 'held'
				WHEN a.status IS NOT NULL THEN a.status::text
				WHEN booking.is_free(s.is_available, s.held_until, statement_timestamp()) THEN 'free'
				WHEN s.is_available THEN 'held'
				ELSE 'withdrawn' END AS state,
		   p.id AS patient_id, p.name AS patient_name,
		   s.id AS slot_id, a.id AS appointment_id, s.starts_at, s.ends_at, c.time_zone
	FROM booking.time_slots s
		JOIN booking.doctors d ON d.id = s.doctor_id
		JOIN booking.clinics c ON c.id = s.clinic_id
		LEFT JOIN booking.appointments a ON a.slot_id = s.id
			AND booking.occupies(a.status)
			AND (a.status <> 'pending' OR a.hold_expires_at > statement_timestamp())
		LEFT JOIN booking.patients p ON p.id = a.patient_id
	WHERE s.deleted_at IS NULL AND d.deleted_at IS NULL AND c.deleted_at IS NULL;
COMMENT ON VIEW booking.day_sheet IS 'Every time slot with its state and patient, in the clinic''s local time.

Those that are not removed, nor their doctor or clinic. Ask for one doctor_id and local_date, ORDER BY starts_at.';
COMMENT ON COLUMN booking.day_sheet.clinic_id IS 'The clinic.';
COMMENT ON COLUMN booking.day_sheet.clinic_name IS 'Name of the clinic.';
COMMENT ON COLUMN booking.day_sheet.doctor_id IS 'The doctor.';
COMMENT ON COLUMN booking.day_sheet.doctor_name IS 'Name of the doctor.';
COMMENT ON COLUMN booking.day_sheet.local_date IS 'Date on which the slot starts, in time_zone.';
COMMENT ON COLUMN booking.day_sheet.local_start IS 'Wall-clock time at which the slot starts, in time_zone.';
COMMENT ON COLUMN booking.day_sheet.local_end IS 'Wall-clock time at which the slot ends, in time_zone.';
COMMENT ON COLUMN booking.day_sheet.state IS 'free, held, withdrawn, or the status of the appointment that occupies the slot.';
COMMENT ON COLUMN booking.day_sheet.patient_id IS 'The patient who has the slot, if any.';
COMMENT ON COLUMN booking.day_sheet.patient_name IS 'Name of the patient.';
COMMENT ON COLUMN booking.day_sheet.slot_id IS 'The time slot.';
COMMENT ON COLUMN booking.day_sheet.appointment_id IS 'The appointment that occupies the slot, if any.';
COMMENT ON COLUMN booking.day_sheet.starts_at IS 'The instant the slot starts.';
COMMENT ON COLUMN booking.day_sheet.ends_at IS 'The instant the slot ends.';
COMMENT ON COLUMN booking.day_sheet.time_zone IS 'The clinic''s time zone.';

CREATE FUNCTION booking.patient_appointments(patient_id bigint DEFAULT NULL)
	RETURNS TABLE (appointment_id bigint, status booking.appointment_status,
				   local_date date, local_start time, local_end time, time_zone text,
				   doctor_name text, specialization text, clinic_name text,
				   starts_at timestamptz, ends_at timestamptz, slot_id bigint,
				   doctor_id bigint, clinic_id bigint, booked_at timestamptz,
				   hold_expires_at timestamptz)
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 20
	AS 'MODULE_PATHNAME', 'booking_patient_appointments';
COMMENT ON FUNCTION booking.patient_appointments IS
	'A patient''s appointments, the latest first.

Of any status, of the patient the caller is when none is given, with slot, doctor and clinic. local_date, local_start and local_end are in time_zone, the clinic''s; the other times are instants. Patients see their own, staff those at their clinics, administrators all; of others there is no row. Errors: 42501 the claims are malformed.';

