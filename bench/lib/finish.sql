-- After a run: CPU time, end and bytes of WAL, buffers hit and read. Sessions report their buffers as they end.
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgbench') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END
$$;
SELECT pg_current_wal_insert_lsn() AS wal_end \gset
-- a commit that has all before it written to disk, where it can be read
SET synchronous_commit = on;
SELECT pg_logical_emit_message(true, 'bench', '') \g /dev/null
SELECT (SELECT sum(cpu) FROM cost), :'wal_end',
	(SELECT coalesce(sum(record_size), 0)::bigint FROM pg_get_wal_stats(:'wal_start', :'wal_end') WHERE :'wal_start' < :'wal_end'),
	blks_hit - :hits, blks_read - :reads
FROM pg_stat_database WHERE datname = current_database();
