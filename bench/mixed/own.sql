-- A patient's appointments.
\set patient random(1, 100003)
SELECT * FROM booking.patient_appointments(:patient);
