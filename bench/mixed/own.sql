-- A patient's appointments.
\set patient random(1, 100100)
SELECT * FROM booking.patient_appointments(:patient);
