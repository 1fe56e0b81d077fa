# No function reads or writes memory that is not its own, as far as valgrind can see through
# PostgreSQL's allocator. A backend by itself runs one statement a line.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('valgrind');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
CREATE FUNCTION public.passes(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql STABLE AS 'SELECT NULL::text';
SQL
$node->stop;

my $script = <<'SQL';
SELECT booking.add_clinic('Harley Street', 'x', 'europe/london');
SELECT booking.add_clinic('x');
SELECT booking.add_doctor(1, 'Dr Who', 'Time'), booking.add_doctor(1, 'Dr No');
SELECT booking.add_patient('Ada', 'ada@example.org'), booking.add_patient('Alan', 'alan@example.org');
SELECT booking.add_time_slots(1, '2099-06-01', '09:00', '12:00', 15);
SELECT booking.add_time_slots(1, '2099-06-01', '09:00', '12:00', 15);
SELECT booking.available_slots(1, '2099-06-01');
SELECT booking.available_slots(), booking.is_slot_available(1), booking.check_booking(1, 1);
SELECT booking.add_rule('passes', 'public.passes(booking.time_slots, booking.patients)');
SELECT booking.book_slot(1, 1, 'k');
SELECT booking.book_slot(1, 1, 'k');
SELECT booking.book_slot(1, 2);
SELECT booking.hold_slot(2, 2), booking.hold_slot(3, 2, '1 microsecond');
SELECT booking.confirm_hold(2);
SELECT booking.expire_holds();
SELECT booking.maintain();
SELECT booking.maintain(retention => '1 year');
SELECT booking.read_events('mail');
SELECT booking.note_events_done('mail', 0);
SELECT booking.skip_events('mail');
SELECT booking.refusals();
SELECT count(*) FROM booking.metrics;
SELECT booking.reschedule_appointment(1, 5);
SELECT booking.set_appointment_status(1, 'arrived', 'here');
SELECT booking.set_appointment_status(1, 'booked');
SELECT booking.cancel_appointment(1, 'ill');
INSERT INTO booking.bookings (slot_id, patient_id) VALUES (6, 1) RETURNING *;
UPDATE booking.bookings SET slot_id = 7 WHERE status = 'booked' AND patient_id = 1 RETURNING *;
DELETE FROM booking.bookings WHERE patient_id = 1 AND status = 'booked' RETURNING *;
SELECT booking.add_schedule(2, 1, '22:00', '02:00', 30, 5);
SELECT booking.generate_slots('2098-10-01', '2098-12-31');
SELECT booking.add_time_off('2099-06-01 08:00+00', '2099-06-01 10:00+00', doctor_id => 1);
SELECT booking.remove_time_off(1);
SELECT booking.next_available(), booking.next_available(clinic_id => 1);
SELECT booking.reassign_slots(1, 2, '2099-06-01', '2099-06-02');
SELECT booking.patient_appointments(1), booking.find_patient('ADA@example.org'), booking.session_slots('2099-06-01', '09:00', '10:00', 'UTC', 15);
SELECT booking.remove_doctor(1), booking.restore_doctor(1), booking.remove_clinic(1);
SELECT booking.tidy_row();
UPDATE booking.time_slots SET starts_at = starts_at + interval '1 minute' WHERE id = 2;
UPDATE booking.clinics SET time_zone = 'america/new_york';
SET request.jwt.claims = '{"patient_id": "1", "clinic_ids": [1, 2], "sub": "x"}';
SELECT booking.claimed_patient_id(), booking.claimed_clinic_ids();
SELECT booking.book_slot(8);
SELECT booking.remove_rule('passes');
SQL

my ($answers, $told) = ('', '');
my $log = PostgreSQL::Test::Utils::tempdir . '/valgrind';
IPC::Run::run(
	[ 'valgrind', '--leak-check=no', '--error-limit=no', "--log-file=$log", 'postgres', '--single', '-D', $node->data_dir, 'postgres' ],
	'<' => \$script, '>' => \$answers, '2>' => \$told);
is(() = $told =~ /ERROR: /g, 7, 'the statements that are to be refused were, and no other');
like($answers, qr/status = "booked"/, 'the others ran');

# PostgreSQL itself writes out padding that nobody has set; that is not ours to judge.
my $found = slurp_file($log);
like($found, qr/ERROR SUMMARY/, 'valgrind came to its end');
my @ours = grep { /booking\.so|Invalid (read|write)|(depends on|Use of) uninitialised/ } split /\n==\d+== \n/, $found;
is(join("\n", @ours), '', 'and found nothing of ours');

done_testing();
