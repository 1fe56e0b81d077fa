# Looking for a doctor's free slots on a day costs the same in a book of 50,000 slots and in one
# of 5,000,000.
use strict;
use warnings;

use JSON::PP;
use List::Util qw(max min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('scale');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
log_statement = none
timezone = 'UTC'
shared_buffers = 256MB
max_wal_size = 4GB
autovacuum = off
CONF
$node->start;

# A book of doctors with 1000 slots each: 50 days of 20, entered day by day, as a clinic does, so
# that a doctor's slots are far apart in the table. A third of them is taken.
sub create_book
{
	my ($database, $doctors, $before, $after) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, <<"SQL");
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
INSERT INTO booking.doctors (clinic_id, name) SELECT 1, 'Doctor ' || n FROM generate_series(1, $doctors) n;
-- no look-up of a foreign key per row
SET session_replication_role = replica;
$before
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available)
SELECT 1, doctor, t, t + interval '30 minutes', (doctor + day + n) % 3 <> 0
FROM generate_series(0, 49) day, generate_series(1, $doctors) doctor, generate_series(0, 19) n,
	LATERAL (SELECT timestamptz '2098-06-01 08:00+01' + day * interval '1 day' + n * interval '30 minutes') s (t);
SQL
	$node->safe_psql($database, 'VACUUM ANALYZE');
}

# Buffers that one call of a function touches, in a session that has made its plans. A doctor's
# day may lie on more or fewer pages by chance, so it is the least and the most of several.
sub buffers
{
	my ($database, @calls) = @_;
	my $session = $node->background_psql($database);
	my @buffers;

	$session->query_safe("SELECT count(*) FROM $calls[0]") for 1 .. 10;
	for my $call (@calls)
	{
		my $plan = decode_json($session->query_safe("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM $call"))->[0]->{Plan};

		push @buffers, $plan->{'Shared Hit Blocks'} + $plan->{'Shared Read Blocks'};
	}
	$session->quit;
	note "$database: @buffers buffers";
	return @buffers;
}

sub days_of
{
	my ($doctors) = @_;

	return map { "booking.available_slots(doctor_id => " . int(1 + $doctors * $_ / 10) . ", on_date => date '2098-06-01' + " . 5 * $_ . ')' } 0 .. 9;
}

my $small = 50;
my $large = 5_000;

create_book('small', $small);
is($node->safe_psql('small', 'SELECT count(*) FROM booking.time_slots'), 50_000, '50,000 slots');
my @small = buffers('small', days_of($small));

# Checking 5,000,000 rows takes minutes, and leaves nothing behind that the search could use.
my $drop = 'ALTER TABLE booking.time_slots DISABLE TRIGGER ALL;';

create_book('large', $large, $drop);
is($node->safe_psql('large', 'SELECT count(*) FROM booking.time_slots'), 5_000_000, '5,000,000 slots');
my @large = buffers('large', days_of($large));

is($node->safe_psql('small', 'SELECT count(*) FROM ' . (days_of($small))[3]), 14, 'small: slots are found');
is($node->safe_psql('large', 'SELECT count(*) FROM ' . (days_of($large))[3]), 14, 'large: slots are found');
cmp_ok(min(@small), '>', 0, 'the buffers are counted');
cmp_ok(max(@large), '<=', 1.5 * min(@small), 'at most 1.5 times as many are touched in the large book');

$node->stop;
done_testing();
