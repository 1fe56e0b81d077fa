INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) TABLE wanted;
