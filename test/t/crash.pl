# Servers killed in the middle of their work lose nothing that they have acknowledged, and leave
# nothing half done: 16 clients write down every request and every answer, and the book has to agree
# with what they wrote. SEED=number makes the same requests and kills again, though at other moments.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;
use Time::HiRes qw(usleep);

my $clients = 16;
my $doctors = 15; # enough slots that few clients, if any, are done with their requests before the kill
my $rounds = $ENV{LONG} ? 24 : 4;
my $seed = $ENV{SEED} // int(rand(1_000_000));
note "SEED=$seed";
srand($seed);

# What a killed server has written is in the kernel's hands, so that fsync may be off, as it is in
# such clusters. But an answer has to wait until its commit is written.
my $node = quiet_cluster('crash', <<'CONF');
synchronous_commit = on
restart_after_crash = on
autovacuum = on
max_connections = 40
max_wal_senders = 1
wal_level = replica
CONF
$node->safe_psql('postgres', <<"SQL");
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, $doctors) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, $clients) n;
\\i $FindBin::RealBin/../invariants.psql
SQL

# A request is of a client's own patient, and names its appointment by the idempotency key with
# which it is first asked for.
my %calls = (
	book => 'booking.book_slot(%d, %d, %s)',
	hold => q{booking.hold_slot(%d, %d, '1 hour', %s)},
	confirm => 'booking.confirm_hold(a.id)',
	cancel => 'booking.cancel_appointment(a.id)',
	move => 'booking.reschedule_appointment(a.id, %d)');

sub statement
{
	my ($request) = @_;
	my ($kind, $patient, $key, $slot) = @$request{qw(kind patient key slot)};

	return sprintf "SELECT FROM $calls{$kind};", $slot, $patient, "'$key'" if $kind eq 'book' || $kind eq 'hold';
	return sprintf "SELECT FROM booking.appointments a, $calls{$kind} WHERE a.patient_id = $patient AND a.idempotency_key = '$key';", $slot;
}

# Every slot is wanted once by each client, in an order of its own.
sub requests
{
	my ($round, $patient, @slots) = @_;
	my (@requests, @keys);

	for my $slot (shuffle @slots)
	{
		my $kind = @keys ? (qw(book book book hold confirm cancel move))[ rand 7 ] : 'book';
		my $is_new = $kind eq 'book' || $kind eq 'hold';

		push @keys, "$round/$patient/" . @requests if $is_new;
		push @requests, { kind => $kind, patient => $patient, slot => $slot, key => $is_new ? $keys[-1] : $keys[ rand @keys ] };
	}
	return @requests;
}

# What an appointment, as slot and status, is to become by a request that is granted.
sub granted
{
	my ($request, $appointment) = @_;
	my ($kind, $slot) = @$request{qw(kind slot)};

	return $appointment // "$slot booked" if $kind eq 'book';
	return $appointment // "$slot pending" if $kind eq 'hold';
	return undef if !defined $appointment;
	return $appointment =~ s/ .*/ booked/r if $kind eq 'confirm';
	return $appointment =~ s/ .*/ cancelled/r if $kind eq 'cancel';
	return $appointment =~ s/.* /$slot /r;
}

# By the clients' account: the appointment of each key.
my %expected;

# Has each client send its requests, and tell the answers.
sub start_clients
{
	my @lists = @_;

	return start_rivals($node, map {
		my $requests = $_;
		join '', map { statement($requests->[$_]) . "\n\\echo $_ :SQLSTATE :ROW_COUNT\n" } 0 .. $#$requests;
	} @lists);
}

# Takes down what was answered, and returns the requests of which nothing is known.
sub settle
{
	my ($what, $sessions, @lists) = @_;
	my (@unknown, @tally, @odd);
	my @answers = finish_rivals(@$sessions);
	# psql's exit status where its connection is lost
	my $cut_off = grep { $_->{run}->result == 2 } @$sessions;

	for my $answers (@answers)
	{
		my @requests = @{ shift @lists };

		while ($answers =~ /(\d+) (\w{5}) (\d+)/g)
		{
			my ($number, $sqlstate, $rows) = ($1, $2, $3);
			my $request = shift @requests;
			my $before = $expected{ $request->{key} };

			push @tally, "$request->{kind} $sqlstate";
			push @odd, "$request->{kind} $sqlstate" if $sqlstate ne '00000' && $sqlstate ne 'PT409';
			next if $sqlstate ne '00000';
			$expected{ $request->{key} } = granted($request, $before);
			push @odd, "$request->{kind} $request->{key}: $rows" if $rows != defined $expected{ $request->{key} };
		}
		push @unknown, $requests[0] if @requests;
	}
	note explain tally(@tally);
	is_deeply(\@odd, [], "$what: every answer is a clear one");
	is(@unknown, $cut_off, "$what: who was cut off waited for an answer, and nobody else");
	return @unknown;
}

# The book agrees with the clients, and where they do not know with one of the two.
sub book_agrees
{
	my ($what, @unknown) = @_;
	my %unknown = map { $_->{key} => $_ } @unknown;
	my %found = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
		"SELECT idempotency_key, slot_id || ' ' || status FROM booking.appointments");
	my @wrong;
	my $done = 0;

	for my $key (keys %{ { %expected, %found } })
	{
		my $found = $found{$key} // 'none';
		my $before = $expected{$key} // 'none';
		my $after = $unknown{$key} ? granted($unknown{$key}, $expected{$key}) // 'none' : $before;

		push @wrong, "$key: $found, not $before" . ($after ne $before ? " or $after" : '') if $found ne $before && $found ne $after;
		$done++ if $found ne $before;
		$expected{$key} = $found{$key};
	}
	is_deeply(\@wrong, [], "$what: the book has what was acknowledged, and nothing that was refused");
	is($node->safe_psql('postgres', 'SELECT promise, id FROM broken'), '', "$what: nothing is half done");
	return $done;
}

# Answers are held back until a standby, which there is not, has confirmed the commit.
sub hold_answers
{
	my ($standby) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '$standby';\nSELECT pg_reload_conf()");
}

sub kill_a_process
{
	my $kind = rand() < 0.5 ? "= 'client backend'" : "IN ('checkpointer', 'background writer', 'walwriter')";
	my ($type, $pid) = split /\|/, $node->safe_psql('postgres',
		"SELECT backend_type, pid FROM pg_stat_activity WHERE backend_type $kind AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1");

	note "killing a $type";
	kill 'KILL', $pid or BAIL_OUT("no process $pid");
}

# Sessions that outlive the postmaster have to end before another can start.
sub start_again
{
	my $tries = 0;

	until ($node->start(fail_ok => 1))
	{
		BAIL_OUT('the server does not start again') if $tries++ > 600;
		usleep(100_000);
		$node->stop('fast', fail_ok => 1);
	}
}

for my $round (1 .. $rounds)
{
	my @slots = split /\n/, $node->safe_psql('postgres',
		"SELECT s.id FROM generate_series(1, $doctors) d, booking.add_time_slots(d, date '2098-01-01' + $round, '00:00', '23:55', 5) s");
	my @lists = map { [ requests($round, $_, @slots) ] } 1 .. $clients;
	my $appointments = 'SELECT count(*) FROM booking.appointments';
	my $enough = $node->safe_psql('postgres', $appointments) + 1 + int(rand(500));
	my $kills_postmaster = $round % 2 == 0;
	my $holds_answers = $round % 4 == 3 || $round % 4 == 0;
	my $what = "round $round, " . ($kills_postmaster ? 'postmaster' : 'a process') . ' killed' . ($holds_answers ? ' before it could answer' : '');
	my @sessions = start_clients(@lists);

	usleep(1_000) until $node->safe_psql('postgres', $appointments) >= $enough;
	if ($holds_answers)
	{
		hold_answers('nobody');
		wait_for($node, <<'SQL');
NOT EXISTS (SELECT FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
				AND wait_event IS DISTINCT FROM 'SyncRep' AND wait_event_type IS DISTINCT FROM 'Lock')
SQL
	}
	$kills_postmaster ? $node->kill9 : kill_a_process();
	my @unknown = settle($what, \@sessions, @lists);
	cmp_ok(@unknown, '>', 0, "$what: some were cut off");
	start_again() if $kills_postmaster;
	wait_for($node, 'true');
	hold_answers('');
	wait_for($node, "current_setting('synchronous_standby_names') = ''");
	my $done = book_agrees($what, @unknown);
	note "$done requests without an answer were done";
	cmp_ok($done, '>', 0, "$what: and some are done") if $holds_answers;

	# Sent once more, a request is answered, and sent again, it changes nothing.
	my @again = map { [$_] } @unknown;
	settle("$what, asked again", [ start_clients(@again) ], @again);
	book_agrees("$what, asked again");
	my %before = %expected;
	my @repeated = grep { $_->[0]->{kind} =~ /book|hold/ && defined $before{ $_->[0]->{key} } } @again;
	settle("$what, asked a third time", [ start_clients(@repeated) ], @repeated);
	book_agrees("$what, asked a third time");
	is_deeply(\%expected, \%before, "$what: a key answers for one appointment");
}

$node->stop;
done_testing();
