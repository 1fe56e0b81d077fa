# attacks.pl: what has to be there before CREATE EXTENSION, and what needs a login: objects and
# roles put in the way of the installation, logins that set their own claims, what is logged.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('attacks');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = info");
$node->start;

# What a session prints, and how it is refused, as SQLSTATE and message.
sub run_as
{
	my ($user, $sql, $database) = @_;
	my ($status, $output, $errors) = $node->psql($database // 'book',
		"\\set VERBOSITY verbose\n$sql",
		extra_params => [ '-U', $user, '-v', 'ON_ERROR_STOP=0' ]);
	my ($error) = $errors =~ /ERROR:\s+(.*)/;
	return defined $error ? $error : $output;
}

sub fresh
{
	my ($name, $before) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, $before) if $before;
	return run_as('postgres', "SET client_min_messages = warning; CREATE EXTENSION booking CASCADE", $name);
}
$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER LOGIN')
  if $node->safe_psql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname = 'postgres'") eq '0';

# Roles that were there first.
for my $case (
	[ 'CREATE ROLE booking_owner LOGIN', 'DROP ROLE booking_owner',
		'role "booking_owner" exists already and may log in or is a superuser' ],
	[ 'CREATE ROLE booking_guest SUPERUSER', 'DROP ROLE booking_guest',
		'role "booking_guest" exists already and may log in or is a superuser' ],
	[ 'CREATE ROLE booking_patient BYPASSRLS', 'DROP ROLE booking_patient',
		'role "booking_patient" exists already and has powers of its own' ],
	[ 'CREATE ROLE booking_staff CREATEROLE', 'DROP ROLE booking_staff',
		'role "booking_staff" exists already and has powers of its own' ],
	[ 'CREATE ROLE booking_owner; CREATE ROLE mallory LOGIN IN ROLE booking_owner',
		'DROP ROLE mallory, booking_owner',
		'role "mallory" is a member of role "booking_owner"' ],
	[ 'CREATE ROLE booking_guest IN ROLE pg_read_server_files', 'DROP ROLE booking_guest',
		'role "booking_guest" is a member of role "pg_read_server_files"' ],
	[ 'CREATE ROLE booking_admin; CREATE ROLE booking_guest IN ROLE booking_admin',
		'DROP ROLE booking_guest, booking_admin',
		'role "booking_guest" is a member of role "booking_admin"' ])
{
	my ($before, $after, $message) = @$case;
	my $database = 'hijack' . ++our $hijacks;
	is(fresh($database, $before), "42710: $message", "refused: $message");
	$node->safe_psql($database, $after);
}

# Objects that were there first.
is(fresh('taken', 'CREATE SCHEMA booking'), '42P06: schema "booking" already exists', 'a schema booking is in the way');
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE reader LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE book');
$node->safe_psql('book', <<'END');
CREATE SCHEMA trap AUTHORIZATION mallory;
GRANT CREATE ON SCHEMA public TO PUBLIC;
ALTER DATABASE book SET search_path = trap, public, pg_catalog;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO reader, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO reader;
END
is(run_as('mallory', <<'END'), '', 'somebody sets traps');
CREATE FUNCTION trap.spring(what text) RETURNS boolean LANGUAGE plpgsql AS
	$$ BEGIN IF current_user <> 'mallory' THEN RAISE EXCEPTION 'trap % sprung as %', what, current_user; END IF; RETURN true; END $$;
CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('=') $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
CREATE FUNCTION trap.eq(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('= of names') $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.eq);
CREATE FUNCTION trap.cat(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' FROM trap.spring('||') $$;
CREATE OPERATOR trap.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.cat);
CREATE FUNCTION trap.format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT 'x' FROM trap.spring('format') $$;
CREATE FUNCTION trap.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' FROM trap.spring('format') $$;
CREATE FUNCTION trap.lower(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'x' FROM trap.spring('lower') $$;
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz FROM trap.spring('now') $$;
CREATE FUNCTION trap.pg_extension_config_dump(regclass, text) RETURNS void LANGUAGE sql AS $$ SELECT trap.spring('config_dump') $$;
CREATE TABLE trap.pg_roles (rolname name, rolcanlogin boolean);
CREATE TABLE trap.pg_extension (oid oid, extname name);
CREATE DOMAIN trap.bigint AS int CHECK (trap.spring('bigint'));
CREATE DOMAIN trap.timestamptz AS text;
CREATE TABLE public.clinics (id int);
END
is(run_as('postgres', 'SET client_min_messages = warning; CREATE EXTENSION booking CASCADE'), '', 'the extension installs past the traps');
is(run_as('postgres', <<'END'), '', 'and is the one of any other database');
SELECT attrelid::regclass, attname, atttypid::regtype FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) attrelid
WHERE relnamespace OPERATOR(pg_catalog.=) 'booking'::regnamespace AND relkind IN ('r', 'v') AND attnum OPERATOR(pg_catalog.>) 0
	AND (SELECT typnamespace FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) atttypid) OPERATOR(pg_catalog.=) 'trap'::regnamespace
UNION ALL
SELECT classid::regclass, refobjid::regclass::text::name, NULL FROM pg_catalog.pg_depend
WHERE refclassid OPERATOR(pg_catalog.=) 'pg_namespace'::regclass AND refobjid OPERATOR(pg_catalog.=) 'trap'::regnamespace
	AND EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid OPERATOR(pg_catalog.=) pg_depend.objid AND e.deptype OPERATOR(pg_catalog.=) 'e'
				AND e.refobjid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_extension x WHERE x.extname OPERATOR(pg_catalog.=) 'booking'))
END
is(run_as('postgres', <<'END'), '', 'what default privileges gave away is taken back');
SET search_path = pg_catalog;
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
	AND (has_table_privilege('reader', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege('reader', c.oid, 'SELECT, INSERT, UPDATE'));
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND CASE relkind WHEN 'S' THEN has_sequence_privilege('reader', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace AND has_function_privilege('reader', p.oid, 'EXECUTE');
SELECT 'schema' WHERE has_schema_privilege('reader', 'booking', 'USAGE, CREATE');
END
like(run_as('reader', 'TABLE booking.patients'), qr/^42501: permission denied for schema booking/, 'so a reader of all else reads nothing here');

$node->safe_psql('book', <<'END');
SET search_path = pg_catalog;
SET request.jwt.claims = '';
SELECT booking.add_clinic('Alder');
SELECT booking.add_doctor(1, 'Dr Alder');
SELECT booking.add_patient('Ada Ownname', 'ada@own.example');
SELECT booking.add_patient('Bert Othername', 'bert@other.example');
SELECT booking.add_time_slots(1, '2098-06-02', '09:00', '12:00', 30);
SELECT booking.book_slot(1, 1);
SELECT booking.book_slot(2, 2);
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT booking_guest, booking_patient, booking_staff, booking_admin TO authenticator;
CREATE ROLE ada LOGIN IN ROLE booking_patient;
END

# A rule whose author leaves something behind that would run later, as whoever books: a
# superuser, here.
$node->safe_psql('book', <<'END');
SET search_path = pg_catalog;
CREATE ROLE author LOGIN;
GRANT booking_admin TO author;
GRANT USAGE, CREATE ON SCHEMA trap TO author;
END
is(run_as('author', <<'END'), '', 'an author lays a rule');
SET search_path = pg_catalog;
CREATE TABLE trap.bait (n int);
CREATE FUNCTION trap.strike() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN IF current_user <> 'author' THEN ALTER ROLE author SUPERUSER; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON trap.bait DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION trap.strike();
CREATE FUNCTION trap.lay(booking.time_slots, booking.patients) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO trap.bait VALUES (1); RETURN NULL; END $$;
SELECT booking.add_rule('bait', 'trap.lay(booking.time_slots, booking.patients)') IS NULL \g /dev/null
END
is(run_as('postgres', 'SELECT booking.book_slot(3, 2)'), '42501: cannot fire deferred trigger within security-restricted operation',
	'what it defers is refused at once');
is(run_as('author', <<'END'), '', 'the author makes it strike at once');
SET search_path = pg_catalog;
DROP TRIGGER later ON trap.bait;
CREATE TRIGGER now AFTER INSERT ON trap.bait FOR EACH ROW EXECUTE FUNCTION trap.strike();
END
is(run_as('postgres', q{SET search_path = pg_catalog; SELECT (booking.book_slot(3, 2)).status}), 'booked', 'then it runs as its author');
is($node->safe_psql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'author'}), 'f', 'who has gained nothing');
# Only who has the rights of a function's owner may make it a rule.
$node->safe_psql('book', 'CREATE FUNCTION public.of_root(booking.time_slots, booking.patients) RETURNS text LANGUAGE sql AS $$ SELECT NULL $$');
like(run_as('author', q{SELECT booking.add_rule('root', 'public.of_root(booking.time_slots, booking.patients)')}),
	qr/^42501: must be owner of function/, 'nobody makes a rule of a superuser\'s function');
run_as('author', q{SET search_path = pg_catalog; SELECT booking.remove_rule('bait') IS NULL \g /dev/null});

# PostgREST's login has no rights until it takes a role.
like(run_as('authenticator', 'TABLE booking.clinics'), qr/^42501: permission denied for schema booking/, 'the authenticator itself sees nothing');
like(run_as('authenticator', 'SELECT booking.book_slot(3, 1)'), qr/^42501: permission denied for schema booking/, 'and does nothing');
like(run_as('authenticator', 'SET ROLE booking_owner'), qr/^42501: permission denied to set role "booking_owner"/, 'it is not the owner');
is(run_as('authenticator', <<'END'), 1, 'it is whom it says, for one transaction');
BEGIN;
SET LOCAL ROLE booking_patient;
SET LOCAL request.jwt.claims = '{"patient_id": 1}';
SELECT pg_catalog.count(*) FROM booking.appointments;
COMMIT;
END
# After the transaction the setting is the empty string, not null: nobody.
is(run_as('authenticator', <<'END'), "1\n-0", 'and nobody after it, where a pooler goes on with the session');
BEGIN;
SET LOCAL ROLE booking_patient;
SET LOCAL request.jwt.claims = '{"patient_id": 1}';
SELECT pg_catalog.count(*) FROM booking.appointments;
COMMIT;
SET ROLE booking_patient;
SELECT pg_catalog.concat(pg_catalog.current_setting('request.jwt.claims'), '-', pg_catalog.count(*)) FROM booking.appointments;
END

# What doc/security.md warns of: a login in booking_patient is any patient it likes.
is(run_as('ada', q{SET request.jwt.claims = '{"patient_id": 2}'; SELECT name FROM booking.patients}), 'Bert Othername',
	'a login that is a patient is any patient: never grant it');
is(run_as('ada', 'TABLE booking.patients'), '', 'without claims it is none');

# Nothing of patients in the log, whatever is refused.
my $logged = -s $node->logfile;
# the statements themselves are the client's words, not ours
$node->safe_psql('book', 'ALTER ROLE ada SET log_min_error_statement = panic');
for my $refused (
	'SELECT booking.book_slot(2)', 'SELECT booking.book_slot(3, 2)', 'SELECT booking.cancel_appointment(2)',
	'SELECT booking.reschedule_appointment(2, 3)', 'SELECT * FROM booking.check_booking(3, 2)',
	q{UPDATE booking.patients SET email = (SELECT email FROM booking.patients WHERE id = 2)},
	q{SELECT booking.hold_slot(1)})
{
	like(run_as('ada', qq{SET request.jwt.claims = '{"patient_id": 1}'; $refused}), qr/^(42501|PT4\d\d|23\d\d\d): /, "refused: $refused");
}
my $log = substr(slurp_file($node->logfile), $logged);
is(() = $log =~ /ERROR:  /g, 7, 'each refusal is in the log');
unlike($log, qr/Othername|Ownname|\@(?:other|own)\.example/, 'the log names no patient');

$node->stop;
done_testing();
