-- The book that test/rest/cases is about: that of test/pgtap/people.psql, and two rows more.
\ir ../pgtap/people.psql
INSERT INTO booking.patients (id, name, email) VALUES (7300000004, 'Fay Othername', 'fay@other.example');
INSERT INTO booking.appointments (id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT 7500000007, id, 7300000004, clinic_id, doctor_id, starts_at, ends_at, 'cancelled'
FROM booking.time_slots WHERE id = 7400000021;
INSERT INTO booking.event_consumers (name) VALUES ('sms');
INSERT INTO pg_temp.people VALUES ('forged', 'booking_patient', '{"role": "booking_patient", "patient_id": "me"}');
