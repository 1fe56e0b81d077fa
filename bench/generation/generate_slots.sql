SELECT booking.generate_slots((now() + interval '1 day')::date, (now() + interval '90 days')::date);
