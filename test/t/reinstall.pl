# What a session has kept of the extension - plans, row types - follows what becomes of it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $node = quiet_cluster('reinstall');
my $session = $node->background_psql('postgres');
$session->query_safe("SET TimeZone = 'UTC'; SET client_min_messages = warning");

sub fill_book
{
	$session->query_safe(<<'SQL');
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology');
SELECT booking.add_patient('Patient', 'patient@example.org');
SELECT FROM booking.add_time_slots(1, '2098-06-02', '08:00', '20:00', 15);
SQL
}

# Every kind of call, each with what it has to return; slot by slot, so that it can be done again.
my $slot = 0;
sub everything_works
{
	my ($when) = @_;
	my $query = sub { $session->query_safe("SELECT $_[0]") };

	$slot++;
	is($query->("slot_id FROM booking.available_slots(1, '2098-06-02', max_slots => 1)"), $slot, "$when: the first free slot");
	is($query->("bool_and(passed IS TRUE) FROM booking.check_booking($slot, 1)"), 't', "$when: it can be booked");
	is($query->("id, slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at - starts_at, status, booked_at = now(), hold_expires_at, idempotency_key, created_at = now(), updated_at = now() FROM booking.book_slot($slot, 1)"),
		join('|', $slot, $slot, 1, 1, 1, sprintf('2098-06-02 %02d:%02d:00+00', 8 + int(($slot - 1) / 4), ($slot - 1) % 4 * 15),
			'00:15:00', 'booked', 't', '', '', 't', 't'),
		"$when: and is, with every column of the appointment in its place");
	is($query->("booking.is_slot_available($slot)"), 'f', "$when: it is taken");
	is($query->("state, patient_name FROM booking.day_sheet WHERE slot_id = $slot"), 'booked|Patient', "$when: the day sheet has it");
	is($query->("count(*), min(appointment_id) FROM booking.patient_appointments(1)"), "$slot|1", "$when: the patient has it");
	is($query->("is_available FROM booking.set_slot_availability(48, false)"), 'f', "$when: a slot is withdrawn");
	is($query->("deleted_at IS NOT NULL FROM booking.remove_time_slot(47)"), 't', "$when: a slot is removed");
	is($query->("deleted_at IS NULL, starts_at FROM booking.restore_time_slot(47)"), 't|2098-06-02 19:30:00+00', "$when: and restored");
	is($query->("name, specialization FROM booking.add_doctor(1, 'Dr No $slot', 'Poisons')"), "Dr No $slot|Poisons", "$when: a doctor is added");
	is($query->("count(*), min(ends_at - starts_at) FROM booking.add_time_slots((SELECT max(id) FROM booking.doctors), '2098-06-02', '09:00', '10:00', 30)"), '2|00:30:00', "$when: with slots");
}

fill_book();
everything_works("at first, $_") for 1 .. 7;	# beyond the fifth, a plan may be a generic one

$session->query_safe('ALTER TABLE booking.appointments ADD COLUMN note text');
everything_works('with a column more');
is($session->query_safe('SELECT note IS NULL, status FROM booking.book_slot(40, 1)'), 't|booked', 'whose value is null');
$session->query_safe("ALTER TABLE booking.appointments ALTER COLUMN note SET DEFAULT 'by phone'");
is($session->query_safe('SELECT note, status FROM booking.book_slot(41, 1)'), 'by phone|booked', 'or its default');
$session->query_safe('DELETE FROM booking.appointments WHERE slot_id IN (40, 41); SELECT setval(\'booking.appointments_id_seq\', 8)');
$session->query_safe('ALTER TABLE booking.appointments DROP COLUMN note');
everything_works('with that column gone');

$session->query_safe("ALTER TABLE booking.$_ ADD COLUMN note text, ADD COLUMN more int NOT NULL DEFAULT 7") for qw(clinics doctors patients time_slots appointment_events);
everything_works('with columns more everywhere');
$session->query_safe("ALTER TABLE booking.$_ DROP COLUMN note, DROP COLUMN more") for qw(clinics doctors patients time_slots appointment_events);
everything_works('with those gone');

for my $command ('ANALYZE', 'VACUUM FULL', 'REINDEX DATABASE postgres', 'CLUSTER booking.time_slots USING time_slots_pkey', 'DISCARD PLANS', 'DISCARD ALL',
	'ALTER TABLE booking.appointments ALTER COLUMN idempotency_key SET STATISTICS 200')
{
	$session->query_safe($command);
	$session->query_safe("SET TimeZone = 'UTC'; SET client_min_messages = warning");
	everything_works("after $command");
}

for my $time (1 .. 3)
{
	$session->query_safe('DROP EXTENSION booking CASCADE; CREATE EXTENSION booking CASCADE');
	$slot = 0;
	fill_book();
	everything_works("installed again, $time") for 1 .. 2;
}

# The same within one transaction, and when that is rolled back.
$session->query_safe('BEGIN; DROP EXTENSION booking; CREATE EXTENSION booking');
my $before = $slot;
$slot = 0;
fill_book();
everything_works('installed again in a transaction');
$session->query_safe('ROLLBACK');
$slot = $before;
everything_works('which was rolled back');

# While it is gone nothing is left to call.
$session->query_safe('DROP EXTENSION booking');
is($node->safe_psql('postgres', "SELECT to_regnamespace('booking'), (SELECT count(*) FROM pg_proc WHERE probin LIKE '%booking%')"), '|0', 'dropped, it leaves nothing');

$session->quit;
$node->stop;
done_testing();
