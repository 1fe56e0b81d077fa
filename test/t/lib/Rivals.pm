# Sessions that run at the same time, and clusters for them.
package Rivals;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(quiet_cluster start_rivals finish_rivals wait_for eventually tally);

# A cluster on which nothing but the sessions under test writes WAL or takes time.
sub quiet_cluster
{
	my ($name, $conf, %init) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%init);
	$node->append_conf('postgresql.conf', <<"CONF");
autovacuum = off
checkpoint_timeout = 1h
log_statement = none
log_min_error_statement = panic
timezone = 'UTC'
CONF
	$node->append_conf('postgresql.conf', $conf // '');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');
	return $node;
}

# Starts a session for each script. Errors do not end it; TELL prints the SQLSTATE of the
# statement before it.
sub start_rivals
{
	my ($node, @scripts) = @_;

	return map {
		my $dir = PostgreSQL::Test::Utils::tempdir;
		my $session = { out => "$dir/out", err => "$dir/err" };
		append_to_file("$dir/script", s/^TELL$/\\echo :SQLSTATE/mgr);
		$session->{run} = IPC::Run::start(
			[ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', "$dir/script" ],
			'<' => '/dev/null', '>' => $session->{out}, '2>' => $session->{err});
		$session;
	} @scripts;
}

# What each session printed, in one line.
sub finish_rivals
{
	my @sessions = @_;

	$_->{run}->finish for @sessions;
	return map { join ' ', split /\n+/, slurp_file($_->{out}) } @sessions;
}

# Asks until the answer comes that is wanted, for some minutes at most; returns the last one.
sub ask_until
{
	my ($wanted, $ask) = @_;
	my $found;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$found = $ask->() // '';
		last if $found eq $wanted;
		usleep(100_000);
	}
	return $found;
}

# The server may be starting. So the question is not written to psql, which may be refused and gone
# before it reads, and that ends who writes.
sub wait_for
{
	my ($node, $condition) = @_;
	my $errors;
	my $found = ask_until('t', sub {
		IPC::Run::run([ 'psql', '-XAt', '-d', $node->connstr('postgres'), '-c', "SELECT $condition" ],
			'<' => '/dev/null', '>' => \my $answer, '2>' => \$errors);
		return $answer =~ s/\n\z//r;
	});

	BAIL_OUT("waited in vain for $condition: $found $errors") if $found ne 't';
}

# The same for what only a function can tell; a test.
sub eventually
{
	my ($ask, $wanted, $name) = @_;

	is(ask_until($wanted, $ask), $wanted, $name);
	return;
}

# How often each value comes.
sub tally
{
	my %count;

	$count{$_}++ for @_;
	return \%count;
}

1;
