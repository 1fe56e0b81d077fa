# A session remembers at which TIDs it saw rows. Whatever vacuum and others do there meanwhile, it
# finds the right row, or none.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('tid_hints');

$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\ntimezone = 'UTC'\nlog_statement = none");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 3) n;
SELECT booking.add_patient('Patient ' || n, n || '@example.org') FROM generate_series(1, 2000) n;
SELECT count(*) FROM generate_series(1, 3) doctor, booking.add_time_slots(doctor, '2099-06-01', '09:00', '17:00', 30);
SQL

# the session that remembers
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $n = 0;

# How booking for the patient ends, in a slot that the session has not seen unless it is named.
sub book
{
	my ($patient, $slot) = @_;

	$slot //= ++$n;
	my $answer = $session->query("SELECT slot_id || ' for ' || patient_id FROM booking.book_slot($slot, $patient)");
	my $error = $session->{stderr};
	$session->{stderr} = '';
	return $error =~ /ERROR:  (.*)/ ? $1 : $answer;
}

sub place { return $node->safe_psql('postgres', "SELECT ctid FROM booking.$_[0] WHERE id = $_[1]"); }

is(book(1), '1 for 1', 'a booking');
is(book(1), '2 for 1', 'a booking whose rows were seen before');

note 'rows change where they are, and move';
$node->safe_psql('postgres', "UPDATE booking.clinics SET name = 'Wimpole Street'; UPDATE booking.doctors SET name = 'Dr Who' WHERE id = 1");
is(book(2, 1), 'time slot 1 is already booked', 'a slot that was seen before it was taken');
like($session->query("SELECT message FROM booking.check_booking(1, 2) WHERE NOT passed"), qr/^time slot 1 is already booked$/, 'and in a dry run');
$node->safe_psql('postgres', "UPDATE booking.clinics SET is_active = false");
is(book(1, 3), 'clinic 1 takes no bookings', 'a clinic that has closed since');
$node->safe_psql('postgres', "UPDATE booking.clinics SET is_active = true; UPDATE booking.doctors SET is_active = false WHERE id = 1");
is(book(1, 3), 'doctor 1 takes no bookings', 'a doctor who has left since');
$node->safe_psql('postgres', "UPDATE booking.doctors SET is_active = true");
is(book(1, 3), '3 for 1', 'both again');
$node->safe_psql('postgres', 'VACUUM FULL');
$n = 3;
is(book(1), '4 for 1', 'after all tables were written anew');

note 'another row comes to be where one was';
is(book(2000), '5 for 2000', 'the last patient');
my $seen = place('patients', 1999);
is(book(1999), '6 for 1999', 'the last but one');
$node->safe_psql('postgres', 'BEGIN; DELETE FROM booking.appointments WHERE patient_id = 1999; UPDATE booking.time_slots SET is_available = true WHERE id = 6; DELETE FROM booking.patients WHERE id = 1999; COMMIT; VACUUM booking.patients');
$node->safe_psql('postgres', "SELECT booking.add_patient('Newcomer', 'new\@example.org')");
is(place('patients', 2001), $seen, 'a newcomer has their place');
is(book(1999, 6), 'there is no such patient', 'the patient who is gone');
is(book(2001, 6), '6 for 2001', 'the newcomer');
# they share a place in the list of places, whose length is a power of 2
is(book(2001 - 1024), '7 for 977', 'one who is remembered under the same number');
is(book(2001), '8 for 2001', 'and the newcomer again');

note 'the page is no more';
my @last = split /\n/, $node->safe_psql('postgres', "SELECT id FROM booking.patients ORDER BY ctid DESC LIMIT 1");
my $pages = "SELECT pg_relation_size('booking.patients') / 8192";
my $before = $node->safe_psql('postgres', $pages);
is(book($last[0]), "9 for $last[0]", 'the one on the last page');
$node->safe_psql('postgres', "DELETE FROM booking.appointments WHERE patient_id > 1000; DELETE FROM booking.patients WHERE id > 1000; VACUUM booking.patients");
cmp_ok($node->safe_psql('postgres', $pages), '<', $before, 'is cut off');
is(book($last[0]), 'there is no such patient', 'the patient is gone with it');

note 'the slot is taken, freed, and taken by others';
$n = 16;
is(book(11), '17 for 11', 'a booking');
my $appointment = $node->safe_psql('postgres', 'SELECT id FROM booking.appointments WHERE slot_id = 17');
is(book(12, 17), 'time slot 17 is already booked', 'its occupant is seen');
$node->safe_psql('postgres', "SELECT booking.cancel_appointment($appointment)");
is(book(12, 17), '17 for 12', 'an occupant that is over is none');
$node->safe_psql('postgres', "SELECT booking.cancel_appointment(id) FROM booking.appointments WHERE slot_id = 17 AND status = 'booked'");
$node->safe_psql('postgres', "SELECT booking.hold_slot(17, 13)");
is(book(12, 17), 'time slot 17 is being held for somebody', 'the next occupant');
is(book(13, 17), '17 for 13', 'whose hold it is');

note 'what was seen in a transaction that is rolled back';
$session->query_safe('BEGIN');
$session->query_safe("SELECT booking.add_patient('Nobody', 'nobody\@example.org')");
my $nobody = $session->query_safe('SELECT max(id) FROM booking.patients');
is(book($nobody), "18 for $nobody", 'a patient of the same transaction');
$session->query_safe('ROLLBACK');
is(book($nobody, 18), 'there is no such patient', 'is unknown after it');
is(book(14, 18), '18 for 14', 'and the slot is free');

is($node->safe_psql('postgres', "
	SELECT count(*) FROM booking.appointments a
		LEFT JOIN booking.time_slots s ON s.id = a.slot_id AND s.doctor_id = a.doctor_id AND s.starts_at = a.starts_at
		LEFT JOIN booking.patients p ON p.id = a.patient_id
	WHERE s.id IS NULL OR p.id IS NULL OR (a.status = 'booked' AND s.is_available)"), 0, 'every appointment has its slot and its patient');
unlike(slurp_file($node->logfile), qr/leak|PANIC|terminated by signal|could not read/, 'nothing is left behind');

$session->quit;
$node->stop;
done_testing();
