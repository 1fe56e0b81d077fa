-- Has pg_cron call booking.maintain() every minute. Run as a superuser in the database that has
-- the book, as often as you like:
--
--     psql -d clinic -f deploy/pg_cron.sql
--
-- pg_cron (Debian: postgresql-15-cron) has to be preloaded, and lives in one database of the
-- cluster. In postgresql.conf, before a restart, beside what is preloaded already:
--
--     shared_preload_libraries = 'pg_cron'
--     cron.database_name = 'clinic'
--     cron.use_background_workers = on
--
-- With background workers a job needs no password and no line of pg_hba.conf, and takes one of
-- max_worker_processes while it runs. Without, pg_cron logs in through libpq.
\set ON_ERROR_STOP on

CREATE EXTENSION IF NOT EXISTS pg_cron;

-- pg_cron 1.4 wants the owner of a job to be able to log in; without a password nobody else can
-- as them, unless pg_hba.conf trusts.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'booking_scheduler') THEN
		CREATE ROLE booking_scheduler LOGIN;
	END IF;
END
$$;
GRANT booking_admin TO booking_scheduler;
GRANT USAGE ON SCHEMA cron TO booking_scheduler;

SET ROLE booking_scheduler;
SELECT cron.schedule('booking maintenance', '* * * * *', 'SELECT * FROM booking.maintain()');
-- pg_cron notes every run, and forgets none by itself.
SELECT cron.schedule('booking maintenance log', '17 3 * * *',
	$$DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < now() - interval '7 days'$$);
RESET ROLE;
