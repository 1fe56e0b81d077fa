SELECT s.id, c.id, c.name, d.id, d.name, d.specialization, s.starts_at, s.ends_at, c.time_zone,
	(s.starts_at AT TIME ZONE c.time_zone)::date, (s.starts_at AT TIME ZONE c.time_zone)::time,
	(s.ends_at AT TIME ZONE c.time_zone)::time
FROM booking.doctors d JOIN booking.clinics c ON c.id = d.clinic_id,
	LATERAL (SELECT s.id, s.starts_at, s.ends_at FROM booking.time_slots s
			 WHERE s.doctor_id = d.id AND s.starts_at > now()
				AND s.is_available AND s.deleted_at IS NULL AND (s.held_until IS NULL OR s.held_until <= now())
			 ORDER BY s.starts_at LIMIT 1) s
WHERE d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL
ORDER BY s.starts_at, d.id LIMIT 20;
