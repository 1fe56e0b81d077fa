-- Before a run: what the counters say, for finish.sql. Then holds the clients back until all of them
-- are warm.
CHECKPOINT;
TRUNCATE cost;
BEGIN;
SELECT pg_advisory_xact_lock(0, 1) \g /dev/null
SELECT pg_current_wal_insert_lsn(), blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database();
CALL wait_for_clients();
COMMIT;
