-- A doctor's free slots of one day.
\set doctor random(1, 1000)
\set day random(1, 50)
SELECT * FROM booking.available_slots(doctor_id => :doctor, on_date => current_date + :day::int);
