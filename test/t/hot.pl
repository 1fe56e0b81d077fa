# A booking's update of its time slot is heap-only: it writes no index.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bookings = 50_000;
my $clients = 8;
my $node = PostgreSQL::Test::Cluster->new('hot');

# a server as people have it: autovacuum runs
$node->init;
$node->append_conf('postgresql.conf', "log_statement = none\ntimezone = 'UTC'\nsynchronous_commit = off");
$node->start;

# 200 doctors with 250 slots each; each doctor's slots are booked for one patient.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 200) n;
SELECT booking.add_patient('Patient ' || n, n || '@example.org') FROM generate_series(1, 200) n;
SELECT count(*) FROM generate_series(1, 200) doctor, generate_series(1, 25) day,
	LATERAL booking.add_time_slots(doctor, date '2098-06-01' + day, '09:00', '14:00', 30);
CREATE SEQUENCE request;
SQL
is($node->safe_psql('postgres', 'SELECT count(*), min(id), max(id) FROM booking.time_slots'), "$bookings|1|$bookings", 'slots to book');

# Half of the slots are asked for before. 7919 and 50000 have no common divisor: every slot's turn comes once, and neighbours' are far apart.
$node->pgbench(
	"--no-vacuum --protocol=prepared --client=$clients --jobs=2 --transactions=" . $bookings / $clients,
	0, [qr{actually processed: $bookings/$bookings}], [qr{^$}], 'every booking succeeds',
	{ 'hot.sql' => <<"SQL" });
SELECT 1 + nextval('request') * 7919 % $bookings AS slot \\gset
\\set asks :slot % 2
\\if :asks
SELECT booking.is_slot_available(:slot);
\\endif
SELECT booking.book_slot(id, doctor_id) FROM booking.time_slots WHERE id = :slot;
SQL

is($node->safe_psql('postgres', "
		SELECT count(*), count(DISTINCT slot_id),
			   (SELECT count(*) FROM booking.time_slots WHERE NOT is_available), (SELECT count(*) FROM booking.appointment_events)
		FROM booking.appointments"),
	"$bookings|$bookings|$bookings|$bookings", 'every slot is booked once');

# the sessions report what they did when they end
ok($node->poll_query_until('postgres', "SELECT n_tup_upd >= $bookings FROM pg_stat_user_tables WHERE relid = 'booking.time_slots'::regclass"),
	'the updates are counted');
my ($updates, $hot) = split /\|/, $node->safe_psql('postgres',
	"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'booking.time_slots'::regclass");
is($updates, $bookings, 'a booking updates its slot once');
cmp_ok($hot, '>=', 0.95 * $updates, 'at least 95% of the updates were heap-only');
note "$hot of $updates";

$node->stop;
done_testing();
