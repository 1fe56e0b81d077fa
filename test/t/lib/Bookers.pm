# Clients that book, each noting every request that it sends and every answer that it gets: so it
# can be told afterwards what was acknowledged, what was refused, and what nobody knows.
package Bookers;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(open_contest start_bookers finish_bookers booked unanswered acknowledged_are_kept all_is_settled);

# A book in which each slot is wanted by two clients: the two of its doctor, who go through that
# doctor's slots in the same order. Returns a list of requests for each client.
sub open_contest
{
	my ($node, $doctors, $days) = @_;

	$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, $doctors) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, 2 * $doctors) n;
SELECT FROM generate_series(1, $days) day, generate_series(1, $doctors) doctor,
	LATERAL booking.add_time_slots(doctor, date '2098-01-01' + day, '09:00', '17:00', 5);
SQL
	my %slots;
	for (split /\n/, $node->safe_psql('postgres', 'SELECT doctor_id, id FROM booking.time_slots ORDER BY starts_at'))
	{
		my ($doctor, $slot) = split /\|/;
		push @{ $slots{$doctor} }, $slot;
	}
	return map { my $patient = $_; [ map { { slot => $_, patient => $patient } } @{ $slots{ int(($patient + 1) / 2) } } ] } 1 .. 2 * $doctors;
}

# Starts a client for each list, which sends what was not answered yet, with the same key if it was
# sent before. It ends when it has sent all, or its connection is lost.
sub start_bookers
{
	my ($connstr, @lists) = @_;

	return map {
		my $dir = PostgreSQL::Test::Utils::tempdir;
		my $client = { requests => $_, out => "$dir/out" };
		my $script = '';
		for my $n (grep { !$client->{requests}[$_]{answer} } 0 .. $#$_)
		{
			my ($slot, $patient) = @{ $client->{requests}[$n] }{qw(slot patient)};
			$script .= "\\echo request $n\nSELECT 'appointment', id FROM booking.book_slot($slot, $patient, 'slot $slot');\n\\echo answer :SQLSTATE\n";
		}
		append_to_file("$dir/script", $script);
		$client->{run} = IPC::Run::start(
			[ 'psql', '-XqAt', '-F', ' ', '-d', $connstr, '-f', "$dir/script" ],
			'<' => '/dev/null', '>' => $client->{out}, '2>' => "$dir/err");
		$client;
	} @lists;
}

# Waits for the clients to end, and enters in their lists what was sent, and the answers.
sub finish_bookers
{
	for my $client (@_)
	{
		my $request;
		$client->{run}->finish;
		for (split /\n/, slurp_file($client->{out}))
		{
			my ($what, $value) = split / /;
			$request = $client->{requests}[$value] if $what eq 'request';
			$request->{$what} = $value;
		}
	}
	return;
}

# The requests that were sent and have no answer.
sub unanswered
{
	return grep { defined $_->{request} && !$_->{answer} } map { @$_ } @_;
}

# Those that were told they had booked.
sub booked
{
	return grep { ($_->{answer} // '') eq '00000' } map { @$_ } @_;
}

# What was acknowledged is in the book, as it was.
sub acknowledged_are_kept
{
	my ($node, $name, @lists) = @_;
	my @booked = booked(@lists);
	my %book = map { $_ => 1 } split /\n/,
	  $node->safe_psql('postgres', "SELECT concat_ws(' ', id, slot_id, patient_id) FROM booking.appointments WHERE status = 'booked'");

	cmp_ok(scalar @booked, '>', 0, "$name: bookings were acknowledged");
	is(scalar(grep { !$book{"$_->{appointment} $_->{slot} $_->{patient}"} } @booked), 0, "$name: none of them is lost");
	note scalar @booked, ' acknowledged, ', scalar(unanswered(@lists)), ' unanswered, ', scalar(keys %book), ' in the book';
	return;
}

# Every request has an answer, each slot one patient, who was told so, and the book is sound.
sub all_is_settled
{
	my ($node, $name, @lists) = @_;
	my %answers;
	my $slots = $node->safe_psql('postgres', 'SELECT count(*) FROM booking.time_slots');

	$answers{ $_->{answer} // 'none' }++ for map { @$_ } @lists;
	is_deeply(\%answers, { '00000' => $slots, 'PT409' => $slots }, "$name: of two who want a slot, one is told to have it and one is refused");
	acknowledged_are_kept($node, $name, @lists);
	is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT slot_id) FROM booking.appointments'), "$slots|$slots",
		"$name: there is no other appointment");
	$node->safe_psql('postgres', '\i ' . "$FindBin::RealBin/../invariants.psql");
	is($node->safe_psql('postgres', 'SELECT promise, count(*) FROM broken GROUP BY promise'), '', "$name: the book is sound");
	return;
}

1;
