\set doctor random(1, :doctors)
SELECT s.id, c.id, c.name, d.id, d.name, d.specialization, s.starts_at, s.ends_at, c.time_zone,
	(s.starts_at AT TIME ZONE c.time_zone)::date, (s.starts_at AT TIME ZONE c.time_zone)::time,
	(s.ends_at AT TIME ZONE c.time_zone)::time
FROM booking.time_slots s
	JOIN booking.doctors d ON d.id = s.doctor_id
	JOIN booking.clinics c ON c.id = s.clinic_id
WHERE s.doctor_id = :doctor AND s.starts_at > now() AND s.starts_at < now() + interval '30 days'
	AND s.is_available AND s.deleted_at IS NULL AND (s.held_until IS NULL OR s.held_until <= now())
	AND d.is_active AND d.deleted_at IS NULL AND c.is_active AND c.deleted_at IS NULL
ORDER BY s.starts_at LIMIT 100;
