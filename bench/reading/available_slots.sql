\set doctor random(1, :doctors)
SELECT * FROM booking.available_slots(doctor_id => :doctor, until_time => now() + interval '30 days');
