-- What PostgREST needs in the database that has the extension booking. As a superuser:
--
--   psql -d DATABASE -f deploy/postgrest.sql
--   \password authenticator
--
-- It may be run again, after a change or an upgrade. doc/security.md says why it is so. Change what does
-- not suit you; leave booking_admin out if no token shall ever be an administrator's.

\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'booking') THEN
		RAISE EXCEPTION 'the extension booking is not in this database'
			USING HINT = 'CREATE EXTENSION booking CASCADE, or connect to the database that has it.';
	END IF;
END
$$;

-- The one login of PostgREST. It has no right of its own, and takes the role that a token names.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticator') THEN
		CREATE ROLE authenticator;
	END IF;
END
$$;
ALTER ROLE authenticator LOGIN NOINHERIT NOCREATEDB NOCREATEROLE NOSUPERUSER NOREPLICATION NOBYPASSRLS;
GRANT booking_guest, booking_patient, booking_staff, booking_admin TO authenticator;

-- Limits of time. They count when they are the login's: SET LOCAL ROLE does not bring those that the role
-- has, and PostgREST reads these only with db-config = true. lock_timeout is shorter than
-- db-pool-acquisition-timeout, so that who waits for one slot does not keep all others out.
ALTER ROLE authenticator SET statement_timeout = '8s';
ALTER ROLE authenticator SET lock_timeout = '3s';
ALTER ROLE authenticator SET idle_in_transaction_session_timeout = '10s';

-- Estimates of rows that are not the client's, and embeddings that lead back to where they came from, are
-- refused. Only superusers can set these, and none but a new session has them.
ALTER ROLE authenticator SET session_preload_libraries = 'booking';
ALTER ROLE authenticator SET booking.guard_requests = on;

-- A schema that is not served.
CREATE SCHEMA IF NOT EXISTS booking_rest;
COMMENT ON SCHEMA booking_rest IS 'What PostgREST calls before each request to the schema booking.';

-- Says in plain words what the guard would refuse: of several headers Prefer it is shown the last, while
-- PostgREST goes by all. Everything in a header is the client's.
CREATE OR REPLACE FUNCTION booking_rest.check_request() RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
	prefer text := nullif(current_setting('request.headers', true), '')::json ->> 'prefer';
BEGIN
	IF prefer ~* 'count[[:space:]]*=[[:space:]"'']*(planned|estimated)'
		AND NOT pg_has_role(current_user, 'booking_admin', 'USAGE')
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'PT400',
			MESSAGE = 'only an exact count can be had',
			DETAIL = 'rule count_is_exact: an estimate is of all rows, whosever they are.',
			HINT = 'Send Prefer: count=exact, or no count.',
			SCHEMA = 'booking', CONSTRAINT = 'count_is_exact';
	END IF;
END
$$;
COMMENT ON FUNCTION booking_rest.check_request() IS
	'Refuses estimated and planned counts to all but administrators (PT400).';

REVOKE ALL ON SCHEMA booking_rest FROM PUBLIC;
REVOKE ALL ON FUNCTION booking_rest.check_request() FROM PUBLIC;
GRANT USAGE ON SCHEMA booking_rest TO booking_guest, booking_patient, booking_staff, booking_admin;
GRANT EXECUTE ON FUNCTION booking_rest.check_request() TO booking_guest, booking_patient, booking_staff, booking_admin;

COMMIT;
