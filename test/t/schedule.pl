# Maintenance by what deploy/ has for schedulers: pg_cron runs the job, for real, when the minute is
# full; and the command of the systemd service does what the job does.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('schedule');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
timezone = 'UTC'
shared_preload_libraries = 'pg_cron'
cron.use_background_workers = on
CONF
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper');
SELECT booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '11:00', 60);
SELECT booking.hold_slot(1, 1, '1 microsecond');
SQL

# Run twice: the second run changes nothing.
for my $run (1, 2)
{
	command_ok([ 'psql', '-Xq', '-o', '/dev/null', '-d', $node->connstr('postgres'), '-f', "$top/deploy/pg_cron.sql" ],
		"deploy/pg_cron.sql, run $run");
	is($node->safe_psql('postgres', 'SELECT jobname, schedule, database, username, active FROM cron.job ORDER BY jobid'),
		"booking maintenance|* * * * *|postgres|booking_scheduler|t\nbooking maintenance log|17 3 * * *|postgres|booking_scheduler|t",
		"run $run: the jobs");
}

# the other job runs too, if it is 17 past 3
ok($node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM cron.job_run_details WHERE command LIKE '%maintain%' AND status IN ('succeeded', 'failed'))"),
	'a run ended');
is($node->safe_psql('postgres', 'SELECT DISTINCT command, database, username, status FROM cron.job_run_details WHERE command LIKE \'%maintain%\' AND end_time IS NOT NULL'),
	'SELECT * FROM booking.maintain()|postgres|booking_scheduler|succeeded', 'and did well');
is($node->safe_psql('postgres', 'SELECT status FROM booking.appointments'), 'cancelled', 'the hold expired');
is($node->safe_psql('postgres', 'SELECT to_status, reason, actor_role FROM booking.appointment_events ORDER BY id DESC LIMIT 1'),
	'cancelled|hold expired|booking_owner', 'by itself, whoever came upon it');
is($node->safe_psql('postgres', "SELECT task, rows_done FROM booking.maintenance WHERE task = 'expire_holds'"), 'expire_holds|1', 'which is noted');
my ($cleaning) = $node->safe_psql('postgres', "SELECT command FROM cron.job WHERE jobname = 'booking maintenance log'");
is($node->safe_psql('postgres', "UPDATE cron.job_run_details SET end_time = now() - interval '8 days' WHERE end_time IS NOT NULL;
		SET ROLE booking_scheduler; $cleaning; RESET ROLE; SELECT count(*) FROM cron.job_run_details WHERE end_time < now() - interval '1 day'"),
	'0', 'the notes of old runs go');
$node->safe_psql('postgres', "SELECT cron.unschedule(jobid) FROM cron.job");

# systemd would start this as the service has it.
my $service = slurp_file("$top/deploy/booking-maintain.service");
my ($command) = $service =~ /^ExecStart=(.+)$/m;
my ($environment) = $service =~ /^Environment=(.+)$/m;
my %environment = $environment =~ /(\w+)=(\S+)/g;
is_deeply(\%environment, { PGDATABASE => 'clinic', PGUSER => 'booking_scheduler', PGHOST => '/var/run/postgresql' }, 'where the service connects');
$node->safe_psql('postgres', 'SELECT booking.hold_slot(2, 1, \'1 microsecond\')');
local @ENV{qw(PGDATABASE PGUSER PGHOST PGPORT)} = ('postgres', 'booking_scheduler', $node->host, $node->port);
is(system($command =~ s{^/usr/bin/}{}r), 0, 'its command runs');
delete $ENV{PGUSER};
is($node->safe_psql('postgres', "SELECT count(*) FROM booking.appointments WHERE status = 'cancelled'"), '2', 'and expires a hold');

$node->stop;
done_testing();
