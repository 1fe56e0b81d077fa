-- The lock first, then the decision, which is the application's.
BEGIN;
SELECT clinic_id, doctor_id, starts_at, ends_at, is_available
	FROM booking.time_slots WHERE id = :slot FOR UPDATE \gset
\if :is_available
INSERT INTO booking.appointments
		(slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at)
	VALUES (:slot, :patient, :clinic_id, :doctor_id, :starts_at, :ends_at, 'booked', now())
	RETURNING *;
UPDATE booking.time_slots SET is_available = false, updated_at = now() WHERE id = :slot;
COMMIT;
\else
ROLLBACK;
\endif
