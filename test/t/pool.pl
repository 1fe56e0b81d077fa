# deploy/pgbouncer.ini, as it is shipped but for its addresses: many clients share few sessions. Nothing
# of one client is left to the next one, and a crowd books and searches with no error but the rules'.
# LONG: a crowd of 10,000, which needs as many descriptors.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Crowd;
use IPC::Run;
use Pooler;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;
use Time::HiRes qw(time);

my $clients = $ENV{LONG} ? 10_000 : 400;
my $servers = 40;
my ($doctors, $days) = $ENV{LONG} ? (200, 20) : (20, 20);
$ENV{PGPASSWORD} = 'secret';

my $node = quiet_cluster('pool', "max_connections = 100\nmax_wal_size = 4GB");
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'secret';
GRANT booking_guest, booking_patient, booking_staff, booking_admin TO authenticator;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, $doctors) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, $clients) n;
SELECT count(*) FROM generate_series(1, $days) day, generate_series(1, $doctors) doctor,
	LATERAL booking.add_time_slots(doctor, date '2098-06-01' + day, '09:00', '17:00', 10);
VACUUM ANALYZE;
SQL

# Who comes by TCP gives a password, with which pgbouncer logs in to the server as well; the crowd,
# which knows no SCRAM, comes by the socket.
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all authenticator scram-sha-256\n$hba");
$node->reload;
my $server = "host=@{[$node->host]} port=@{[$node->port]} dbname=postgres";
my $pooler = start_pooler(
	databases => { clinic => $server, one => "$server pool_size=1" },
	users => { postgres => '', authenticator => $node->safe_psql('postgres', "SELECT rolpassword FROM pg_authid WHERE rolname = 'authenticator'") });
my ($dir, $port) = @$pooler{qw(dir port)};
END
{
	my $status = $?;
	$pooler->{run}->kill_kill if $pooler;
	$? = $status;
}

# What psql prints, errors too. The database "one" has a single session for everybody. The script is a
# file, as who is refused may be gone before it could be written to (see wait_for).
sub through_pool
{
	my ($script) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir . '/script';
	my $output;

	append_to_file($file, $script);
	IPC::Run::run([ 'psql', '-XAtq', '-d', "host=127.0.0.1 port=$port dbname=one user=authenticator" ], '<' => $file, '>&' => \$output);
	return $output =~ s/\n\z//r;
}

# A request as PostgREST makes it.
sub request
{
	my ($role, $claims, $statement) = @_;

	return through_pool(<<"SQL");
BEGIN;
SELECT set_config('role', '$role', true), set_config('request.jwt.claims', '$claims', true) \\g /dev/null
$statement;
COMMIT;
SQL
}

sub patient { my ($patient, $statement) = @_; return request('booking_patient', qq({"patient_id": $patient}), $statement); }

eventually(sub { through_pool('SELECT 1') }, '1', 'pgbouncer answers');
my $book = "SELECT id, patient_id, status FROM booking.book_slot(1, idempotency_key => 'a key')";
my $session = through_pool('SELECT pg_backend_pid()');
is(patient(1, $book), '1|1|booked', 'a patient books');
is(patient(1, 'SELECT appointment_id FROM booking.patient_appointments()'), '1', 'and sees it');
is(patient(2, 'SELECT appointment_id FROM booking.patient_appointments()'), '', 'the next one does not');
like(patient(2, $book), qr/ERROR:  time slot 1 is already booked\nDETAIL:  rule slot_not_booked: /, 'and is refused');
is(patient(1, $book), '1|1|booked', 'the first one is answered again by the key');
like(through_pool('SELECT booking.book_slot(2)'), qr/^ERROR:  permission denied for schema booking/, 'no role is left over');
like(request('booking_patient', '', 'SELECT booking.book_slot(2, 1)'), qr/^ERROR:  .*\nDETAIL:  rule caller_is_allowed: /, 'nor are claims');
is(through_pool("SELECT current_user, coalesce(current_setting('request.jwt.claims', true), '')"), 'authenticator|', 'nor is a setting');
is(through_pool(<<'SQL'), '2|2|booked', 'who hangs up in a transaction has booked');
BEGIN;
SET LOCAL ROLE booking_admin;
SELECT id, patient_id, status FROM booking.book_slot(2, 2);
SQL
is(request('booking_guest', '', 'SELECT booking.is_slot_available(2)'), 't', 'nothing');
isnt($session, my $another = through_pool('SELECT pg_backend_pid()'), 'their session is closed');
is(through_pool('DISCARD ALL; SELECT pg_backend_pid()'), $another, 'a session that has forgotten everything');
like(patient(2, 'SELECT patient_id, status FROM booking.book_slot(2)'), qr/^2\|booked$/, 'books all the same');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_locks WHERE objsubid BETWEEN 28001 AND 28003'), 0, 'no lock is left');
append_to_file("$dir/script", <<"SQL");
\\set doctor random(1, $doctors)
BEGIN;
SET LOCAL ROLE booking_guest;
SELECT count(*) FROM booking.available_slots(:doctor, '2098-06-02');
COMMIT;
SQL
command_like([ 'pgbench', '-n', '-M', 'extended', '-c', 5, '-t', 20, '-f', "$dir/script", "host=$dir port=$port dbname=clinic user=authenticator" ],
	qr{actually processed: 100/100\n.*failed transactions: 0 }, 'statements with parameters that are prepared without a name');
$node->safe_psql('postgres', 'TRUNCATE booking.appointments, booking.appointment_events; UPDATE booking.time_slots SET is_available = true WHERE NOT is_available');

# The crowd. Each client looks for free slots of some doctor on some day, and books one of them, which
# may be gone by then, or be while they are elsewhere.
sub next_request
{
	my ($client) = @_;
	my $who = "SELECT set_config('role', 'booking_patient', true), set_config('request.jwt.claims', '{\"patient_id\": $client->{number}}', true);";
	my @found = ($client->{kind} // '') eq 'search' ? @{ $client->{rows} } : ();

	if (!$client->{kind})
	{
		$client->{query} = 'SELECT pg_advisory_xact_lock_shared(1)';
		return 'wait';
	}
	if (@found)
	{
		$client->{query} = "$who SELECT id FROM booking.book_slot($found[rand @found], idempotency_key => 'request " . ++$client->{bookings} . "')";
		return 'book';
	}
	$client->{query} = "$who SELECT slot_id FROM booking.available_slots(" . int(1 + rand $doctors) . ", date '2098-06-01' + " . int(1 + rand $days) . ', max_slots => 20)';
	return 'search';
}

my $crowd = gather(socket => "$dir/.s.PGSQL.$port", user => 'authenticator', database => 'clinic',
	clients => $clients, processes => $ENV{LONG} ? 16 : 4, next => \&next_request);
is(pooler_shows($pooler, 'LISTS', 'used_clients\|(\d+)'), $clients + 1, "$clients clients are connected at once, besides the one who asks");

# They all start to wait for us.
my $barrier = $node->background_psql('postgres');
$barrier->query_safe('SELECT pg_advisory_lock(1)');
set_off($crowd, 1, 0);
wait_for($node, "count(*) = $servers FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted");
# database, user, active clients, waiting clients
eventually(sub { pooler_shows($pooler, 'POOLS', '(clinic\|authenticator\|\d+\|\d+)') }, join('|', 'clinic', 'authenticator', $servers, $clients - $servers),
	"$servers are served, the others wait for them");
$barrier->quit;
is_deeply(tally(map { "$_->[0] $_->[1]" } finish($crowd)), { 'wait 00000' => $clients }, 'all are served in the end');

# Each makes its requests one after the other; then, LONG, one every 20 seconds.
my $booked = 0;
for my $phase ([ 4, 0, 'at once' ], $ENV{LONG} ? [ 3, 20, 'every 20 s' ] : ())
{
	my ($rounds, $every, $name) = @$phase;
	my $start = time;
	set_off($crowd, $rounds, $every);
	my @answers = finish($crowd);
	my $seconds = time - $start;
	my $states = tally(map { $_->[1] } @answers);

	is(scalar @answers, $rounds * $clients, "$name: every request is answered");
	is_deeply([ grep { !/^(00000|PT409)$/ } keys %$states ], [], "$name: with no error but the rules'");
	for my $kind (qw(search book))
	{
		my @of_kind = grep { $_->[0] eq $kind } @answers;
		my @seconds = map { $_->[2] } @of_kind;
		my $succeeded = grep { $_->[1] eq '00000' } @of_kind;

		cmp_ok($succeeded, '>', 0, "$name: requests to $kind succeed");
		$booked += $succeeded if $kind eq 'book';
		diag(sprintf '%s clients, %s: %d requests to %s, %d refused; p50 %.1f ms, p95 %.1f ms, p99 %.1f ms',
			$clients, $name, scalar @of_kind, $kind, @of_kind - $succeeded, map { 1000 * percentile($_, @seconds) } 50, 95, 99);
	}
	diag(sprintf '%s clients, %s: %.0f requests/s through %d sessions', $clients, $name, @answers / $seconds, $servers);
}
dismiss($crowd);

is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT slot_id) FROM booking.appointments'), "$booked|$booked",
	'what they were told is booked, and nothing else');
is($node->safe_psql('postgres', 'SELECT count(*) FROM booking.time_slots WHERE NOT is_available'), $booked, 'and these slots are taken');
$node->safe_psql('postgres', "\\i $FindBin::RealBin/../invariants.psql");
is($node->safe_psql('postgres', 'SELECT promise, count(*) FROM broken GROUP BY promise'), '', 'the book is sound');

$pooler->{run}->kill_kill;
$node->stop;
done_testing();
