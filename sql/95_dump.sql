-- What pg_dump saves: all rows, and where every sequence is.
SELECT pg_extension_config_dump('booking.clinics', '');
SELECT pg_extension_config_dump('booking.clinics_id_seq', '');
SELECT pg_extension_config_dump('booking.doctors', '');
SELECT pg_extension_config_dump('booking.doctors_id_seq', '');
SELECT pg_extension_config_dump('booking.patients', '');
SELECT pg_extension_config_dump('booking.patients_id_seq', '');
SELECT pg_extension_config_dump('booking.time_slots', '');
SELECT pg_extension_config_dump('booking.time_slots_id_seq', '');
SELECT pg_extension_config_dump('booking.appointments', '');
SELECT pg_extension_config_dump('booking.appointments_id_seq', '');
SELECT pg_extension_config_dump('booking.appointment_events', '');
SELECT pg_extension_config_dump('booking.appointment_events_id_seq', '');
SELECT pg_extension_config_dump('booking.rules', '');
SELECT pg_extension_config_dump('booking.rules_id_seq', '');
