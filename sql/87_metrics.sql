-- Monitoring: figures of the running server and of the book, none of which tells of a person.

CREATE FUNCTION booking.refusals() RETURNS TABLE (rule text, refusals bigint)
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
	AS 'MODULE_PATHNAME', 'booking_refusals';
COMMENT ON FUNCTION booking.refusals IS
	'How often each rule has refused something.

In this database, since the server started, by the rule''s name; dry runs do not count. "other", of all databases together, is what found no room: 256 rules are counted. No row when booking is not in shared_preload_libraries. Errors: 42501 the caller is no administrator, nor of pg_monitor.';

-- Not security_invoker: the figures are of the whole book, and of nobody in it. The statistics are
-- the server's functions rather than its views, which look at every table of the database.
CREATE VIEW booking.metrics AS
	SELECT 'booking_appointments_made_total' AS name, '{}'::jsonb AS labels,
		pg_stat_get_tuples_inserted('booking.appointments'::regclass)::double precision AS value
	UNION ALL
	SELECT 'booking_events_total', '{}', pg_stat_get_tuples_inserted('booking.appointment_events'::regclass)
	UNION ALL
	SELECT 'booking_refusals_are_counted', '{}', EXISTS (SELECT FROM booking.refusals())::int
	UNION ALL
	SELECT 'booking_refusals_total', jsonb_build_object('rule', rule), sum(refusals)
	FROM booking.refusals() GROUP BY rule
	UNION ALL
	SELECT 'booking_holds', '{"state": "active"}',
		(SELECT count(*) FROM booking.appointments WHERE status = 'pending' AND hold_expires_at > now())
	UNION ALL
	SELECT 'booking_holds', '{"state": "expired"}',
		(SELECT count(*) FROM (SELECT FROM booking.appointments
							   WHERE status = 'pending' AND hold_expires_at <= now() LIMIT 10000) h)
	UNION ALL
	SELECT m.name, jsonb_build_object('clinic_id', c.id::text, 'clinic', c.name) || m.labels, m.value
	FROM booking.clinic_figures f
		JOIN booking.clinics c ON c.id = f.clinic_id AND c.deleted_at IS NULL,
		LATERAL (VALUES
			('booking_free_slots', '{"days": "1"}'::jsonb, f.free_1_day::double precision),
			('booking_free_slots', '{"days": "7"}', f.free_7_days),
			('booking_upcoming_appointments', '{"days": "7"}', f.taken_7_days),
			('booking_utilisation_ratio', '{}', f.taken_28_days::double precision / nullif(f.offered_28_days, 0)),
			('booking_noshow_ratio', '{}', f.noshow_28_days::double precision / nullif(f.noshow_28_days + f.fulfilled_28_days, 0)),
			('booking_figures_age_seconds', '{}', extract(epoch FROM now() - f.updated_at))) m (name, labels, value)
	WHERE m.value IS NOT NULL
	UNION ALL
	SELECT 'booking_maintenance_age_seconds', jsonb_build_object('task', task), extract(epoch FROM now() - updated_at)
	FROM booking.maintenance
	UNION ALL
	SELECT 'booking_maintenance_rows', jsonb_build_object('task', task), rows_done
	FROM booking.maintenance
	UNION ALL
	SELECT 'booking_oldest_unprocessed_event_age_seconds', jsonb_build_object('consumer', name),
		coalesce((SELECT greatest(extract(epoch FROM now() - e.created_at), 0)
				  FROM booking.appointment_events e WHERE e.id > done_until ORDER BY e.id LIMIT 1), 0)
	FROM booking.event_consumers
	UNION ALL
	SELECT 'booking_lock_waits', jsonb_build_object('class', c.name), count(l.pid)
	FROM (VALUES (28001, 'slot'), (28002, 'patient'), (28003, 'calendar'), (0, 'other')) c (id, name)
		LEFT JOIN (SELECT w.pid, CASE WHEN w.locktype = 'advisory' AND w.objsubid BETWEEN 28001 AND 28003
									  THEN w.objsubid ELSE 0 END AS class
				   FROM pg_locks w JOIN pg_stat_activity s ON s.pid = w.pid AND s.datname = current_database()
				   WHERE NOT w.granted) l ON l.class = c.id
	GROUP BY c.name
	UNION ALL
	SELECT m.name, jsonb_build_object('table', t.name), m.value
	FROM (VALUES ('time_slots', 'booking.time_slots'::regclass), ('appointments', 'booking.appointments'),
				 ('appointment_events', 'booking.appointment_events')) t (name, id),
		LATERAL (SELECT sum(pg_stat_get_blocks_fetched(i.id)) AS fetched, sum(pg_stat_get_blocks_hit(i.id)) AS hit
				 FROM (SELECT t.id UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = t.id) i (id)) b,
		LATERAL (VALUES
			('booking_table_updates_total', pg_stat_get_tuples_updated(t.id)::double precision),
			('booking_table_hot_updates_total', pg_stat_get_tuples_hot_updated(t.id)),
			('booking_table_dead_rows', pg_stat_get_dead_tuples(t.id)),
			('booking_table_blocks_hit_total', b.hit),
			('booking_table_blocks_read_total', b.fetched - b.hit)) m (name, value)
	UNION ALL
	SELECT m.name, jsonb_build_object('standby', s.name), m.value
	FROM (SELECT application_name AS name, max(extract(epoch FROM replay_lag)) AS lag,
				 max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
										  ELSE pg_current_wal_lsn() END, replay_lsn)) AS bytes
		  FROM pg_stat_replication WHERE replay_lsn IS NOT NULL GROUP BY 1) s,
		LATERAL (VALUES
			('booking_replication_lag_bytes', greatest(s.bytes, 0)::double precision),
			('booking_replication_lag_seconds', coalesce(s.lag, 0))) m (name, value)
	UNION ALL
	SELECT 'booking_standby_lag_seconds', '{}',
		-- who starts to stream receives again from the start of a segment
		CASE WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
			 ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END
	WHERE pg_is_in_recovery()
		AND (pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() OR pg_last_xact_replay_timestamp() IS NOT NULL);
COMMENT ON VIEW booking.metrics IS 'What to watch in a running book.

For Prometheus and for people: doc/monitoring.md says what each means. Nothing in it is about a person. Reading it counts no slots: the figures of clinics are as old as booking_figures_age_seconds says.';
COMMENT ON COLUMN booking.metrics.name IS 'Name of the metric, as Prometheus has it: _total counts up, _ratio is 0 to 1, _seconds and _bytes are units.';
COMMENT ON COLUMN booking.metrics.labels IS 'Which of them: an object of texts.';
COMMENT ON COLUMN booking.metrics.value IS 'The value.';
