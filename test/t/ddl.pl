# Bookings go on while an administrator is at their tables: what sessions know of these is never older
# than what is so, and never used after it was thrown away.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 5;
my $each = $ENV{LONG} ? 20_000 : 2_000;
my $slots = 2 * $clients * $each;
my $node = PostgreSQL::Test::Cluster->new('ddl');

$node->init;
$node->append_conf('postgresql.conf', "log_statement = none\ntimezone = 'UTC'\nsynchronous_commit = off");
$node->start;

my $fill = <<"SQL";
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 40) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, 40) n;
SELECT count(*) FROM generate_series(1, 40) doctor, generate_series(1, $slots / 400) day,
	LATERAL booking.add_time_slots(doctor, date '2090-06-01' + day, '09:00', '14:00', 30);
SQL
$node->safe_psql('postgres', $fill);
$node->safe_psql('postgres', 'CREATE EXTENSION amcheck; CREATE SEQUENCE request');

# The administrator works until the bookings are done.
my $work = <<'SQL';
ANALYZE booking.time_slots, booking.appointments, booking.appointment_events;
CREATE INDEX CONCURRENTLY free ON booking.time_slots (starts_at) WHERE is_available;
ANALYZE booking.time_slots;
CREATE INDEX CONCURRENTLY of_status ON booking.appointments (status, (slot_id % 2));
VACUUM booking.time_slots, booking.appointments, booking.patients, booking.clinics;
REINDEX INDEX CONCURRENTLY booking.unique_timeslot;
REINDEX TABLE CONCURRENTLY booking.time_slots;
ALTER TABLE booking.appointments ADD CONSTRAINT has_a_slot CHECK (slot_id > 0) NOT VALID;
CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER note AFTER INSERT OR UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION note();
ANALYZE booking.appointments;
DROP TRIGGER note ON booking.appointments;
DROP TRIGGER note ON booking.time_slots;
ALTER TABLE booking.appointments DROP CONSTRAINT has_a_slot;
DROP INDEX CONCURRENTLY booking.free;
DROP INDEX CONCURRENTLY booking.of_status;
SQL
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/book.sql", <<"SQL");
SELECT 1 + nextval('request') * 7919 % $slots AS slot \\gset
SELECT booking.book_slot(id, doctor_id) FROM booking.time_slots WHERE id = :slot;
SQL
append_to_file("$dir/analyze.sql", "ANALYZE booking.time_slots, booking.appointments, booking.appointment_events;\n");
sub start_pgbench
{
	my ($output, @options) = @_;

	return IPC::Run::start(
		[ 'pgbench', '--no-vacuum', '--protocol=prepared', @options, '--host=' . $node->host, '--port=' . $node->port, 'postgres' ],
		'>', $output, '2>', $output);
}
sub start_bookers { return start_pgbench($_[0], "--client=$clients", '--jobs=2', "--transactions=$each", "--file=$dir/book.sql"); }

note 'autovacuum analyzes what they write to';
my $out = '';
my $analyzes = '';
my $analyzer = start_pgbench(\$analyzes, '--time=3600', "--file=$dir/analyze.sql");
my $bookers = start_bookers(\$out);
ok($bookers->finish, 'all bookings are made') or diag $out;
$analyzer->signal('INT');
$analyzer->finish;
# a session reports when it ends what it did
ok($node->poll_query_until('postgres', "SELECT analyze_count >= 3 FROM pg_stat_user_tables WHERE relid = 'booking.appointments'::regclass"),
	'while it was analyzed');
note $node->safe_psql('postgres', "SELECT analyze_count || ' times' FROM pg_stat_user_tables WHERE relid = 'booking.appointments'::regclass");

note 'an administrator works';
$out = '';
$bookers = start_bookers(\$out);
my $rounds = 0;
while ($bookers->pumpable)
{
	for my $step (split /\n/, $work)
	{
		my $error;
		# who waits for all bookings can be the victim of a deadlock with one, and tries again
		do
		{
			$node->psql('postgres', $step, stderr => \$error);
			$node->psql('postgres', "DROP INDEX CONCURRENTLY IF EXISTS booking.$1") if $error && $step =~ /^CREATE INDEX CONCURRENTLY (\w+)/;
		} while ($error =~ /deadlock detected/);
		is($error, '', $step) if $error;
	}
	$rounds++;
	$bookers->pump_nb;
}
ok($bookers->finish, 'all bookings are made') or diag $out;
my $bookings = 2 * $clients * $each;
cmp_ok($rounds, '>=', 1, "a round of the administrator's work");
note "$rounds rounds";

is($node->safe_psql('postgres', "
		SELECT count(*), count(DISTINCT slot_id), (SELECT count(*) FROM booking.appointment_events),
			   (SELECT count(*) FROM booking.time_slots WHERE NOT is_available) FROM booking.appointments"),
	"$bookings|$bookings|$bookings|$bookings", 'every slot is booked once');
# what the victim of a deadlock left behind is not valid
my $btrees = "FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam AND amname = 'btree'
	WHERE relnamespace = 'booking'::regnamespace AND indisvalid";
is($node->safe_psql('postgres', "SELECT count(bt_index_check(indexrelid, true)) $btrees"),
	$node->safe_psql('postgres', "SELECT count(*) $btrees"), 'all indexes have all rows');
unlike(slurp_file($node->logfile), qr/leak|PANIC|TRAP|terminated by signal/, 'the server was not harmed');

note 'the extension made anew in a session that has booked';
my $trigger = <<'SQL';
CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER keep BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION keep();
SQL
$fill =~ s{generate_series\(1, \d+ / 400\)}{generate_series(1, 1)};
$node->safe_psql('postgres', 'CREATE DATABASE anew');
is($node->safe_psql('anew', "$fill $trigger
		SELECT 'first', status FROM booking.book_slot(1, 1);
		SELECT 'second', status FROM booking.hold_slot(2, 1);
		DROP EXTENSION booking CASCADE; DROP FUNCTION public.keep; $fill
		SELECT 'third', status FROM booking.book_slot(1, 1); $trigger
		SELECT 'fourth', status FROM booking.book_slot(2, 1);") =~ s/^(?!first|second|third|fourth).*\n//gmr,
	"first|booked\nsecond|pending\nthird|booked\nfourth|booked", 'it books on');

$node->stop;
done_testing();
