# Clients by the thousand, in a few processes: as much of PostgreSQL's protocol as a simple query
# needs, over a Unix socket, and one select() for all that wait for an answer.
package Crowd;

use strict;
use warnings;

use Exporter 'import';
use IO::Handle;
use IO::Socket::UNIX;
use List::Util qw(max);
use POSIX ();
use Time::HiRes qw(time);

our @EXPORT = qw(gather set_off finish dismiss percentile);

sub send_message
{
	my ($client, $type, $body) = @_;
	my $message = $type . pack('N', 4 + length $body) . $body;

	syswrite($client->{socket}, $message) == length $message or die "client $client->{number}: not sent";
	return;
}

# Takes in what has come. True when the server is ready for a query; then state is the SQLSTATE of
# the last one, and rows has the first column of its last result.
sub take_answer
{
	my ($client) = @_;
	my $is_ready = 0;

	sysread $client->{socket}, $client->{input}, 65536, length $client->{input} or die "client $client->{number}: cut off";
	while (length $client->{input} >= 5)
	{
		my ($type, $length) = unpack 'a N', $client->{input};
		last if length $client->{input} <= $length;
		my $body = substr substr($client->{input}, 0, $length + 1, ''), 5;

		if    ($type eq 'T') { $client->{rows} = []; }
		elsif ($type eq 'D') { push @{ $client->{rows} }, unpack 'x2 N/a', $body; }
		elsif ($type eq 'E') { ($client->{state}) = $body =~ /\0C(\w{5})\0/; }
		elsif ($type eq 'Z') { $is_ready = 1; }
	}
	return $is_ready;
}

sub connect_client
{
	my ($number, $plan) = @_;
	my $client = { number => $number, input => '', rows => [] };

	$client->{socket} = IO::Socket::UNIX->new(Peer => $plan->{socket}) or die "client $number: $!";
	send_message($client, '', pack('N', 196608) . "user\0$plan->{user}\0database\0$plan->{database}\0\0");
	1 until take_answer($client);
	return $client;
}

sub ask
{
	my ($client, $plan, $due) = @_;

	@$client{qw(kind due state)} = ($plan->{next}->($client), $due, '00000');
	send_message($client, 'Q', delete($client->{query}) . "\0");
	return;
}

# Has each client make its requests, in turns. An answer takes as long as it comes after the request
# was due.
sub serve
{
	my ($clients, $plan, $rounds, $every) = @_;
	my %client_of = map { fileno $_->{socket} => $_ } @$clients;
	my $start = time;
	my $step = $every / @$clients;
	my @due = $every ? map { $start + $_ * $step } 0 .. $rounds * @$clients - 1 : ($start) x @$clients;
	my $next = 0;
	my $waiting = '';
	my @answers;
	$_->{left} = $rounds for @$clients;
	my $asks = sub
	{
		my ($client, $due) = @_;

		ask($client, $plan, $due);
		vec($waiting, fileno $client->{socket}, 1) = 1;
	};

	while (@answers < $rounds * @$clients)
	{
		while ($next < @due && $due[$next] <= time)
		{
			my $client = $clients->[ $next % @$clients ];
			if ($client->{due}) { push @{ $client->{late} }, $due[$next] }
			else { $asks->($client, $due[$next]) }
			$next++;
		}
		select my $ready = $waiting, undef, undef, $next < @due ? max(0, $due[$next] - time) : undef;
		my $descriptors = unpack 'b*', $ready;
		while ($descriptors =~ /1/g)
		{
			my $client = $client_of{ $-[0] };
			take_answer($client) or next;
			my $now = time;
			push @answers, "$client->{kind} $client->{state} " . ($now - $client->{due});
			vec($waiting, fileno $client->{socket}, 1) = 0;
			delete $client->{due};
			push @{ $client->{late} }, $now if !$every && --$client->{left};
			$asks->($client, shift @{ $client->{late} }) if @{ $client->{late} // [] };
		}
	}
	return @answers;
}

# A process with its share of the clients: connects them, then does as it is told.
sub work
{
	my ($plan, $orders, $report, @numbers) = @_;
	my @clients = map { connect_client($_, $plan) } @numbers;

	srand $numbers[0];
	print $report "ready\n";
	while (<$orders>)
	{
		print $report map { "$_\n" } serve(\@clients, $plan, split), 'done';
	}
	return;
}

# Connects the clients of a plan: how many "clients" in how many "processes", "socket", "user" and
# "database", and "next", which is given a client, sets its query and returns of what kind it is.
sub gather
{
	my (%plan) = @_;
	my @workers;

	for my $process (0 .. $plan{processes} - 1)
	{
		pipe my $orders, my $to_worker;
		pipe my $from_worker, my $report;
		$_->autoflush for $to_worker, $report;
		my $pid = fork // die "fork: $!";
		if ($pid == 0)
		{
			close $_ for $to_worker, $from_worker, map { $_->{orders} } @workers;
			my $is_done = eval { work(\%plan, $orders, $report, grep { $_ % $plan{processes} == $process } 1 .. $plan{clients}); 1 };
			print STDERR $@ if !$is_done;
			POSIX::_exit($is_done ? 0 : 1);
		}
		push @workers, { pid => $pid, orders => $to_worker, reports => $from_worker };
	}
	readline($_->{reports}) // die 'a process of clients failed' for @workers;
	return \@workers;
}

# Has every client make so many requests: one after the other, or one every so many seconds.
sub set_off
{
	my ($workers, $rounds, $every) = @_;

	print { $_->{orders} } "$rounds $every\n" for @$workers;
	return;
}

# What the answers of all clients were: [ kind, SQLSTATE, seconds ] each.
sub finish
{
	my ($workers) = @_;
	my @answers;

	for my $worker (@$workers)
	{
		while (1)
		{
			my $line = readline($worker->{reports}) // die 'a process of clients failed';
			last if $line eq "done\n";
			push @answers, [ split ' ', $line ];
		}
	}
	return @answers;
}

sub dismiss
{
	my ($workers) = @_;

	close $_->{orders} for @$workers;
	waitpid $_->{pid}, 0 for @$workers;
	return;
}

sub percentile
{
	my ($percent, @values) = @_;

	return (sort { $a <=> $b } @values)[ max(0, POSIX::ceil($percent / 100 * @values) - 1) ];
}

1;
