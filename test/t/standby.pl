# A hot standby answers what reads, and refuses what writes in one clear line.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology');
SELECT booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 15);
SELECT booking.book_slot(1, 1);
SQL
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

my %answers = (
	"SELECT string_agg(slot_id::text, ' ') FROM booking.available_slots(1)" => '2 3 4',
	'SELECT slot_id FROM booking.next_available()' => '2',
	'SELECT booking.is_slot_available(1), booking.is_slot_available(2)' => 'f|t',
	'SELECT rule, sqlstate FROM booking.check_booking(1, 1) WHERE NOT passed' => 'slot_not_booked|PT409',
	'SELECT slot_id, state, patient FROM booking.day_sheet WHERE slot_id = 1' => '1|booked|Ada Lovelace',
	'SELECT appointment_id, status FROM booking.patient_appointments(1)' => '1|booked');
is($standby->safe_psql('postgres', $_), $answers{$_}, $_) for sort keys %answers;

my ($status, $output, $errors) = $standby->psql('postgres', '\\set VERBOSITY verbose
SELECT booking.book_slot(2, 1)');
like($errors, qr/ERROR:  25006: cannot execute book_slot\(\) in a read-only transaction/, 'book_slot is refused');

$standby->stop;
$primary->stop;
done_testing();
