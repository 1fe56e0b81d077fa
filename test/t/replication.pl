# A book whose rows arrive by logical replication: what follows from a change has been done where it was made,
# and is not done again; but a rule counts at once, in sessions, too, that were there before.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my $node = PostgreSQL::Test::Cluster->new($_[0]);

	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "fsync = off\ntimezone = 'UTC'");
	$node->start;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
CREATE FUNCTION public.refuses(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN 'not today';
SQL
	return $node;
}

my $publisher = new_node('publisher');
my $subscriber = new_node('subscriber');
$publisher->safe_psql('postgres', <<'SQL');
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper');
SELECT booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '12:00', 60);
SELECT FROM booking.book_slot(1, 1);
CREATE PUBLICATION book FOR TABLE booking.clinics, booking.doctors, booking.patients, booking.time_slots,
	booking.appointments, booking.appointment_events, booking.rules;
SQL
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION book CONNECTION '$connection' PUBLICATION book");
$subscriber->poll_query_until('postgres', "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel") or die 'not synchronized';

my $book = <<'SQL';
SELECT a.slot_id, a.status, s.is_available,
	(SELECT string_agg(concat(e.id, ' ', e.to_status, ' ' || e.reason), ', ' ORDER BY e.id) FROM booking.appointment_events e WHERE e.appointment_id = a.id)
FROM booking.appointments a JOIN booking.time_slots s ON s.id = a.slot_id ORDER BY a.id;
SELECT id, is_available FROM booking.time_slots ORDER BY id;
SQL

# A session that has read the rules.
my $session = $subscriber->background_psql('postgres', on_error_stop => 0);
my $try = "SELECT coalesce((SELECT message FROM booking.check_booking(3, 1) WHERE rule = 'closed'), 'none')";
is($session->query($try), 'none', 'nothing refuses a booking');

$publisher->safe_psql('postgres', <<'SQL');
SELECT booking.reschedule_appointment(1, 2);
SELECT booking.cancel_appointment(1, 'a cold');
INSERT INTO booking.rules (name, check_function) VALUES ('closed', 'public.refuses');
SQL
$publisher->wait_for_catchup('book');
is($subscriber->safe_psql('postgres', $book), $publisher->safe_psql('postgres', $book), 'the books are the same');
is($subscriber->safe_psql('postgres', $book), "2|cancelled|t|1 booked, 2 booked, 3 cancelled a cold\n1|t\n2|t\n3|t", 'and nothing was done twice');

is($session->query($try), 'not today', 'the session heeds a rule that came');
$publisher->safe_psql('postgres', 'UPDATE booking.rules SET deleted_at = now()');
$publisher->wait_for_catchup('book');
is($session->query($try), 'none', 'and its end');
$publisher->safe_psql('postgres', 'UPDATE booking.rules SET deleted_at = NULL; TRUNCATE booking.rules');
$publisher->wait_for_catchup('book');
is($session->query($try), 'none', 'and that all are gone');
$session->quit;

$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION book');
$subscriber->stop;
$publisher->stop;
done_testing();
