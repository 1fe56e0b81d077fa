-- What book_slot writes, and nothing else.
WITH slot AS (
	UPDATE booking.time_slots SET is_available = false, held_until = NULL, updated_at = now()
	WHERE id = :slot AND is_available
	RETURNING id, clinic_id, doctor_id, starts_at, ends_at),
made AS (
	INSERT INTO booking.appointments
		(slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at)
	SELECT id, :patient, clinic_id, doctor_id, starts_at, ends_at, 'booked', now() FROM slot
	RETURNING *),
event AS (
	INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
	SELECT id, slot_id, status, 'postgres' FROM made)
SELECT * FROM made;
