-- Validators and models, one after the other, as an ORM sends them.
SELECT EXISTS (SELECT FROM booking.time_slots WHERE id = :slot AND deleted_at IS NULL);
SELECT EXISTS (SELECT FROM booking.patients WHERE id = :patient AND deleted_at IS NULL);
SELECT id, clinic_id, doctor_id AS slot_doctor, starts_at, ends_at, is_available
	FROM booking.time_slots WHERE id = :slot \gset
SELECT * FROM booking.doctors WHERE id = :slot_doctor;
SELECT EXISTS (SELECT FROM booking.appointments WHERE slot_id = :slot
	AND status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow'));
BEGIN;
SELECT clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = :slot FOR UPDATE \gset
UPDATE booking.time_slots SET is_available = false, updated_at = now() WHERE id = :slot;
INSERT INTO booking.appointments
		(slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at)
	VALUES (:slot, :patient, :clinic_id, :doctor_id, :starts_at, :ends_at, 'booked', now())
	RETURNING *;
COMMIT;
SELECT * FROM booking.time_slots WHERE id = :slot;
SELECT * FROM booking.doctors WHERE id = :doctor_id;
SELECT * FROM booking.patients WHERE id = :patient;
