-- Appointments to read and write as one thing, with the names and local times people know.

CREATE VIEW booking.bookings WITH (security_invoker = true) AS
	SELECT a.id, a.slot_id, a.patient_id, a.status,
		   (a.starts_at AT TIME ZONE c.time_zone)::date AS local_date,
		   (a.starts_at AT TIME ZONE c.time_zone)::time AS local_start,
		   (a.ends_at AT TIME ZONE c.time_zone)::time AS local_end,
		   c.time_zone,
		   d.name AS doctor_name, c.name AS clinic_name, p.name AS patient_name,
		   a.starts_at, a.ends_at, a.doctor_id, a.clinic_id,
		   a.booked_at, a.hold_expires_at, a.idempotency_key
	FROM booking.appointments a
		JOIN booking.clinics c ON c.id = a.clinic_id
		JOIN booking.doctors d ON d.id = a.doctor_id
		JOIN booking.patients p ON p.id = a.patient_id;
COMMENT ON VIEW booking.bookings IS 'Appointments with names and local times, to be written as well.

INSERT (slot_id, patient_id) books, with status pending holds; UPDATE of status or slot_id changes the status or moves; DELETE cancels. Each is the function that does that, with its rules and errors. RETURNING gives the row as it is then; after a DELETE it stays, as cancelled. Other columns cannot be written (PT422).';
COMMENT ON COLUMN booking.bookings.id IS 'The appointment.';
COMMENT ON COLUMN booking.bookings.slot_id IS 'The time slot; updating it moves the appointment.';
COMMENT ON COLUMN booking.bookings.patient_id IS 'The patient; left out of an INSERT, the one the caller is.';
COMMENT ON COLUMN booking.bookings.status IS 'The status; updating it changes it as status_transitions allows.';
COMMENT ON COLUMN booking.bookings.local_date IS 'Date on which it starts, in time_zone.';
COMMENT ON COLUMN booking.bookings.local_start IS 'Wall-clock time at which it starts, in time_zone.';
COMMENT ON COLUMN booking.bookings.local_end IS 'Wall-clock time at which it ends, in time_zone.';
COMMENT ON COLUMN booking.bookings.time_zone IS 'The clinic''s time zone.';
COMMENT ON COLUMN booking.bookings.doctor_name IS 'Name of the doctor.';
COMMENT ON COLUMN booking.bookings.clinic_name IS 'Name of the clinic.';
COMMENT ON COLUMN booking.bookings.patient_name IS 'Name of the patient.';
COMMENT ON COLUMN booking.bookings.starts_at IS 'The instant it starts.';
COMMENT ON COLUMN booking.bookings.ends_at IS 'The instant it ends.';
COMMENT ON COLUMN booking.bookings.doctor_id IS 'The doctor.';
COMMENT ON COLUMN booking.bookings.clinic_id IS 'The clinic.';
COMMENT ON COLUMN booking.bookings.booked_at IS 'When it was booked; null for a hold.';
COMMENT ON COLUMN booking.bookings.hold_expires_at IS 'Until when a hold keeps the slot.';
COMMENT ON COLUMN booking.bookings.idempotency_key IS 'The key of the request: the patient''s same key again is the same appointment.';

-- Control flow only: the functions it calls do the work and decide on the caller.
CREATE FUNCTION booking.write_booking() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
	appointment_id bigint;
	allowed booking.bookings;
BEGIN
	-- on a table of another shape there is nothing to be had of the row
	IF TG_RELID <> 'booking.bookings'::regclass OR TG_WHEN <> 'INSTEAD OF' THEN
		RAISE EXCEPTION 'booking.write_booking() can only be the trigger it is'
			USING ERRCODE = 'trigger_protocol_violated';
	END IF;
	allowed := OLD;
	appointment_id := allowed.id;
	allowed.slot_id := NEW.slot_id;
	allowed.status := NEW.status;
	IF TG_OP = 'INSERT' THEN
		allowed.patient_id := NEW.patient_id;
		allowed.idempotency_key := NEW.idempotency_key;
	END IF;
	IF NEW IS DISTINCT FROM allowed THEN
		RAISE EXCEPTION USING
			ERRCODE = 'PT422',
			MESSAGE = 'only some columns of a booking can be written',
			DETAIL = 'rule booking_columns: INSERT takes slot_id, patient_id, status and idempotency_key, UPDATE slot_id and status; the rest follows from them.',
			HINT = 'Leave the other columns out.',
			SCHEMA = 'booking', TABLE = 'bookings', CONSTRAINT = 'booking_columns';
	END IF;

	IF TG_OP = 'INSERT' AND coalesce(NEW.status, 'booked') = 'booked' THEN
		appointment_id := (booking.book_slot(NEW.slot_id, NEW.patient_id, NEW.idempotency_key)).id;
	ELSIF TG_OP = 'INSERT' AND NEW.status = 'pending' THEN
		appointment_id := (booking.hold_slot(NEW.slot_id, NEW.patient_id, NULL, NEW.idempotency_key)).id;
	ELSIF TG_OP = 'INSERT' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'PT422',
			MESSAGE = format('an appointment cannot be made as %s', NEW.status),
			DETAIL = 'rule booking_starts_booked_or_held: it starts as booked, or as pending, which is a hold.',
			HINT = 'Leave status out to book.',
			SCHEMA = 'booking', TABLE = 'bookings', CONSTRAINT = 'booking_starts_booked_or_held';
	ELSE
		IF NEW.slot_id IS DISTINCT FROM OLD.slot_id THEN
			PERFORM booking.reschedule_appointment(OLD.id, NEW.slot_id);
		END IF;
		-- this one patients may do, all else is the clinic's
		IF NEW.status = 'cancelled' AND OLD.status <> 'cancelled' THEN
			PERFORM booking.cancel_appointment(OLD.id);
		ELSIF NEW.status IS DISTINCT FROM OLD.status THEN
			IF NOT has_function_privilege('booking.set_appointment_status'::regproc, 'EXECUTE') THEN
				RAISE EXCEPTION USING
					ERRCODE = '42501',
					MESSAGE = format('you are not allowed to set the status of an appointment to %s', NEW.status),
					DETAIL = 'rule caller_is_allowed: patients set it to cancelled; what else becomes of an appointment is its clinic''s to say.',
					HINT = 'Set it to cancelled, book what is held by booking.confirm_hold(), or move the appointment by its slot_id.',
					SCHEMA = 'booking', TABLE = 'bookings', CONSTRAINT = 'caller_is_allowed';
			END IF;
			PERFORM booking.set_appointment_status(OLD.id, NEW.status);
		END IF;
	END IF;

	SELECT b.* INTO STRICT NEW FROM booking.bookings b WHERE b.id = appointment_id;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION booking.write_booking IS
	'Trigger: carries out INSERT and UPDATE on the view bookings by book_slot, hold_slot, reschedule_appointment, set_appointment_status and cancel_appointment.';
-- Comes before write, by its name.
CREATE TRIGGER count_rows INSTEAD OF INSERT OR UPDATE ON booking.bookings
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows();
CREATE TRIGGER write INSTEAD OF INSERT OR UPDATE ON booking.bookings
	FOR EACH ROW EXECUTE FUNCTION booking.write_booking();

-- A trigger has no say in what DELETE ... RETURNING gives: the row as it was. So the row that is deleted
-- is another view's, and what is returned is written here.
CREATE VIEW booking.bookings_to_cancel WITH (security_invoker = true) AS SELECT id FROM booking.appointments;
COMMENT ON VIEW booking.bookings_to_cancel IS 'What DELETE on the view bookings goes through; it is for nothing else.';
COMMENT ON COLUMN booking.bookings_to_cancel.id IS 'The appointment.';

CREATE FUNCTION booking.cancel_booking() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
	IF TG_RELID <> 'booking.bookings_to_cancel'::regclass OR TG_WHEN <> 'INSTEAD OF' THEN
		RAISE EXCEPTION 'booking.cancel_booking() can only be the trigger it is'
			USING ERRCODE = 'trigger_protocol_violated';
	END IF;
	PERFORM booking.cancel_appointment(OLD.id);
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION booking.cancel_booking IS
	'Trigger: carries out DELETE on the view bookings by cancel_appointment.';
CREATE TRIGGER count_rows INSTEAD OF DELETE ON booking.bookings_to_cancel
	FOR EACH ROW EXECUTE FUNCTION booking.count_changed_rows('bookings');
CREATE TRIGGER write INSTEAD OF DELETE ON booking.bookings_to_cancel
	FOR EACH ROW EXECUTE FUNCTION booking.cancel_booking();

CREATE RULE cancel AS ON DELETE TO booking.bookings DO INSTEAD
	DELETE FROM booking.bookings_to_cancel c WHERE c.id = OLD.id
	RETURNING OLD.id, OLD.slot_id, OLD.patient_id, 'cancelled'::booking.appointment_status,
		OLD.local_date, OLD.local_start, OLD.local_end, OLD.time_zone,
		OLD.doctor_name, OLD.clinic_name, OLD.patient_name, OLD.starts_at, OLD.ends_at,
		OLD.doctor_id, OLD.clinic_id, OLD.booked_at, OLD.hold_expires_at, OLD.idempotency_key;
