# deploy/haproxy.cfg, as it is shipped, in front of a primary and its standby: who answers which port,
# while all is well, when the primary hangs, after the standby is promoted, when the old primary wakes
# up and takes itself for the primary still, and when it has become a standby. Clients book all along.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Bookers;
use IPC::Run;
use Pooler;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $doctors = 4;
my $days = $ENV{LONG} ? 100 : 30;
my $slots = $doctors * $days * 96;
my $localhost = '127.0.0.1';
my ($write_port, $read_port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
$ENV{PATH} .= ':/usr/sbin';

my $one = PostgreSQL::Test::Cluster->new('one');
$one->init(allows_streaming => 1);
$one->append_conf('postgresql.conf', <<"CONF");
listen_addresses = '$localhost'
log_statement = none
max_connections = 100
wal_log_hints = on
wal_keep_size = 1GB
CONF
$one->start;
$one->safe_psql('postgres', 'CREATE ROLE haproxy LOGIN');
my @lists = open_contest($one, $doctors, $days);
$one->backup('copy');
my $two = PostgreSQL::Test::Cluster->new('two');
$two->init_from_backup($one, 'copy', has_streaming => 1);
$two->append_conf('postgresql.conf', "cluster_name = two");
$two->start;
$one->append_conf('postgresql.conf', "cluster_name = one\nsynchronous_standby_names = 'two'");
$one->restart;
wait_for($one, "count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'");

my $log = "$PostgreSQL::Test::Utils::log_path/haproxy.log";
my $haproxy;
{
	local $ENV{BOOKING_NODE1} = "$localhost:" . $one->port;
	local $ENV{BOOKING_NODE2} = "$localhost:" . $two->port;
	local $ENV{BOOKING_WRITE} = "$localhost:$write_port";
	local $ENV{BOOKING_READ} = "$localhost:$read_port";
	$haproxy = IPC::Run::start([ 'haproxy', '-db', '-f', "$FindBin::RealBin/../../deploy/haproxy.cfg" ],
		'<' => '/dev/null', '>&' => $log);
}

my $pooler = start_pooler(
	databases => { clinic => "host=$localhost port=$write_port dbname=postgres", clinic_read => "host=$localhost port=$read_port dbname=postgres" },
	users => { postgres => '', $one->safe_psql('postgres', 'SELECT current_user') => '' });

# What is frozen must thaw before it can be stopped, also when this test fails.
my @frozen;
sub thaw { kill 'CONT', splice @frozen; return; }
END
{
	my $status = $?;
	thaw();
	$_->kill_kill for grep { $_ } $haproxy, $pooler && $pooler->{run};
	$? = $status;
}

sub connstr { my $port = shift; return "host=$localhost port=$port dbname=postgres connect_timeout=5"; }

# Who answers 20 connections to a port: a roll of dice for the read port. Of 20, all fall on one side
# in one of 500,000 runs.
sub who_answers
{
	my ($port) = @_;
	my %names;

	for (1 .. 20)
	{
		my ($name, $errors);
		IPC::Run::run([ 'psql', '-XAtq', '-d', connstr($port), '-c', 'SHOW cluster_name' ], '>' => \$name, '2>' => \$errors);
		$names{ $name =~ s/\n//r || 'nobody' } = 1;
		last if $names{nobody};
	}
	return join ' ', sort keys %names;
}

# haproxy takes some seconds to notice.
sub comes_to_answer
{
	my ($port, $who, $name) = @_;

	return eventually(sub { who_answers($port) }, $who, $name);
}

# What haproxy said last of a server.
sub state_of
{
	my ($server) = @_;
	my @states = slurp_file($log) =~ /Server \Q$server\E is (\w+)/g;

	return $states[-1] // '';
}

comes_to_answer($write_port, 'one', 'the primary answers the port for writes');
comes_to_answer($read_port, 'one two', 'primary and standby answer the port for reads');

# Through deploy/pgbouncer.ini: a client that stays connected.
my $clinic = "host=$pooler->{dir} port=$pooler->{port} dbname=clinic";
my $steady = $one->background_psql('postgres', extra_params => [ '-d', $clinic ]);
is($steady->query_safe('SHOW cluster_name'), 'one', 'the primary answers a client of pgbouncer');

# The primary hangs, as a machine that swaps or is cut off does, with bookings half done.
my @clients = start_bookers(connstr($write_port), @lists);
wait_for($two, "count(*) > $slots / 3 FROM booking.appointments");
my $session = $one->background_psql('postgres');
my $postmaster = (split /\n/, slurp_file($one->data_dir . '/postmaster.pid'))[0];
push @frozen, $postmaster;
kill 'STOP', $postmaster;
push @frozen, split /\n/, $session->query_safe('SELECT pid FROM pg_stat_activity ORDER BY pid = pg_backend_pid()');
kill 'STOP', @frozen;

finish_bookers(@clients);
cmp_ok(scalar(unanswered(@lists)), '>', 0, 'the clients of a primary that hangs are cut off');
comes_to_answer($write_port, 'nobody', 'the port for writes is answered by nobody');
is(who_answers($read_port), 'two', 'the port for reads by the standby');

# pgbouncer keeps the first who asks waiting, and tells the others.
my @ask = ('psql', '-XAtq', '-d', $clinic, '-c', 'SHOW cluster_name');
my $answer;
my $patient = IPC::Run::start(\@ask, '>&' => \$answer);
eventually(sub { pooler_shows($pooler, 'POOLS', 'clinic\|\w+\|\d+\|(\d+)') }, 1, 'who comes to pgbouncer now waits');
eventually(
	sub {
		my $told;
		eval { IPC::Run::run(\@ask, '>&' => \$told, IPC::Run::timeout(3)) };
		# from 1.24 on, pgbouncer says why
		return $told =~ /FATAL:  (server login has been failing), / ? $1 : '';
	},
	'server login has been failing', 'who comes after is told so');

# Nobody is left to wait for.
$two->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = ''");
$two->promote;
comes_to_answer($write_port, 'two', 'promoted, it answers the port for writes');
comes_to_answer($read_port, 'two', 'and alone the port for reads');
$patient->finish;
is($answer, "two\n", 'who waited is answered by it');
is($steady->query_safe('SHOW cluster_name'), 'two', 'and who stayed connected');
$steady->quit;
acknowledged_are_kept($two, 'after promotion', @lists);

# The old one still believes to be the primary, and is the one that comes first in haproxy's list.
thaw();
$session->quit;
is($one->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 'f', 'the old primary wakes up as a primary');
eventually(sub { state_of('booking_primary/node1') }, 'UP', 'haproxy sees it so');
is(who_answers($write_port), 'two', 'and gets nothing to write');
is(who_answers($read_port), 'two', 'nor to read');

finish_bookers(start_bookers(connstr($write_port), @lists));
all_is_settled($two, 'after all was sent again', @lists);

# It comes back as a standby. Before its first checkpoint after promotion, pg_rewind does not see
# that the new primary is on another timeline.
$two->safe_psql('postgres', 'CHECKPOINT');
$one->stop;
delete $ENV{PGAPPNAME};	# it would be written into primary_conninfo, where cluster_name is to count
command_ok([ 'pg_rewind', '-R', '-D', $one->data_dir, '--source-server', $two->connstr('postgres') ], 'pg_rewind');
$one->append_conf('postgresql.conf', 'port = ' . $one->port . "\ncluster_name = one\nsynchronous_standby_names = ''");
$one->start;
comes_to_answer($read_port, 'one two', 'as a standby it answers the port for reads again');
is(who_answers($write_port), 'two', 'and not the one for writes');
$two->wait_for_catchup($one, 'replay', $two->lsn('flush'));
is($one->safe_psql('postgres', 'SELECT count(*) FROM booking.appointments'), $slots, 'and has the bookings');

$_->kill_kill for $haproxy, $pooler->{run};
$one->stop;
$two->stop;
done_testing();
