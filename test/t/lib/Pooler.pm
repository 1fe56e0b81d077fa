# deploy/pgbouncer.ini as it is shipped, with addresses of a test's.
package Pooler;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

our @EXPORT = qw(start_pooler pooler_shows);

# Starts pgbouncer, with more descriptors than it may need. "databases" has the connection strings
# of its databases, "users" those of auth_file with their secrets. Who comes by the Unix socket is
# trusted; who comes by TCP gives a password, as is shipped.
sub start_pooler
{
	my (%given) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $ini = slurp_file("$FindBin::RealBin/../../deploy/pgbouncer.ini");
	my %here = (
		listen_port => $port,
		unix_socket_dir => $dir,
		logfile => "$PostgreSQL::Test::Utils::log_path/pgbouncer.log",
		pidfile => "$dir/pid",
		auth_type => "hba\nauth_hba_file = $dir/hba",
		auth_file => "$dir/users");

	$ini =~ s/^$_ = \K.*$/$here{$_}/m or die "deploy/pgbouncer.ini does not set $_" for keys %here;
	$ini =~ s/^clinic = .*\nclinic_read = .*$/join "\n", map { "$_ = $given{databases}{$_}" } sort keys %{ $given{databases} }/me
	  or die 'deploy/pgbouncer.ini has other databases';
	append_to_file("$dir/ini", $ini);
	append_to_file("$dir/users", join '', map { qq("$_" "$given{users}{$_}"\n) } keys %{ $given{users} });
	append_to_file("$dir/hba", "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
	my $run = IPC::Run::start([ 'sh', '-c', 'ulimit -n $(ulimit -H -n) && PATH=$PATH:/usr/sbin exec pgbouncer -q "$0"', "$dir/ini" ],
		'<' => '/dev/null', '>&' => "$dir/output");
	# a client that comes too early is turned away
	for (1 .. 1800)
	{
		return { run => $run, dir => $dir, port => $port } if IPC::Run::run([ 'pg_isready', '-q', '-h', $dir, '-p', $port ]);
		usleep(100_000);
	}
	die "pgbouncer does not listen:\n", slurp_file("$dir/output");
}

# What the pattern finds, at the start of a row of SHOW.
sub pooler_shows
{
	my ($pooler, $table, $row) = @_;
	my ($rows, $errors);

	IPC::Run::run([ 'psql', '-XAtq', '-d', "host=$pooler->{dir} port=$pooler->{port} dbname=pgbouncer user=postgres", '-c', "SHOW $table" ],
		'>' => \$rows, '2>' => \$errors);
	return $rows =~ /^$row/m ? $1 : '';
}

1;
