# A transaction that looked at the book long ago cannot act on what is no longer true, in any
# isolation level. Its rivals are done before it starts, so nothing here depends on timing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $node = quiet_cluster('snapshot');

# What the book is like each time: two doctors with the slots 1 and 2, 3 and 4, at the same times.
sub open_book
{
	$node->safe_psql('postgres', <<'SQL');
DROP EXTENSION booking;
CREATE EXTENSION booking;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 2) n;
SELECT booking.add_patient('Patient ' || n, n || '@example.org') FROM generate_series(1, 2) n;
SELECT FROM booking.add_time_slots(1, '2098-06-02', '09:00', '10:00', 30);
SELECT FROM booking.add_time_slots(2, '2098-06-02', '09:00', '10:00', 30);
SQL
}

my $old = $node->background_psql('postgres', on_error_stop => 0);

# How the old transaction's statement ends after a rival's, whose isolation level may differ.
sub outcome
{
	my ($isolation, $rival, $statement) = @_;
	my ($told, $errors);

	open_book();
	$old->query("BEGIN ISOLATION LEVEL $isolation; SELECT count(*) FROM booking.appointments");
	$node->safe_psql('postgres', "SELECT booking.$rival");
	$old->query("SELECT booking.$statement");
	$told = $old->query('\echo :SQLSTATE');
	$old->query('COMMIT');
	$old->{stderr} = '';
	return $told;
}

for my $isolation ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	my $refused = $isolation eq 'READ COMMITTED' ? qr/^PT409$/ : qr/^(PT409|40001)$/;
	my $not_found = $isolation eq 'READ COMMITTED' ? qr/^PT404$/ : qr/^(PT404|40001)$/;

	for my $case (
		[ 'book_slot(1, 2)', 'book_slot(1, 1)', $refused, 'a slot that was booked' ],
		[ 'book_slot(3, 1)', 'book_slot(1, 1)', $refused, 'a patient who has an appointment then' ],
		[ 'book_slot(4, 1)', 'book_slot(1, 1)', qr/^00000$/, 'a patient who has an appointment next' ],
		[ 'set_slot_availability(1, false)', 'book_slot(1, 1)', $refused, 'a slot that was withdrawn' ],
		[ 'remove_time_slot(1)', 'book_slot(1, 1)', $not_found, 'a slot that was removed' ],
		[ 'remove_doctor(1)', 'book_slot(1, 1)', $refused, 'a doctor who was removed' ],
		[ 'remove_clinic(1)', 'book_slot(1, 1)', $refused, 'a clinic that was removed' ],
		[ 'remove_patient(1)', 'book_slot(1, 1)', $not_found, 'a patient who was removed' ],
		[ 'book_slot(1, 1)', 'remove_time_slot(1)', $refused, 'removing a slot that was booked' ],
		[ 'book_slot(1, 1)', 'remove_doctor(1)', $refused, 'removing a doctor who was booked' ],
		[ 'book_slot(1, 1)', 'remove_clinic(1)', $refused, 'removing a clinic that was booked' ],
		[ 'book_slot(1, 1)', 'remove_patient(1)', $refused, 'removing a patient who has an appointment' ],
		[ 'book_slot(1, 1)', 'set_slot_availability(1, false)', $refused, 'withdrawing a slot that was booked' ],
		[ 'add_time_slots(1, \'2098-06-03\', \'09:00\', \'10:00\', 30)',
			'add_time_slots(1, \'2098-06-03\', \'09:30\', \'10:30\', 30)', $refused, 'adding slots where there are some' ],
		[ 'remove_doctor(1)', 'add_time_slots(1, \'2098-06-03\', \'09:30\', \'10:30\', 30)', $not_found, 'adding slots for a doctor who was removed' ],
		[ 'remove_clinic(1)', 'add_doctor(1, \'Dr New\')', $not_found, 'adding a doctor to a clinic that was removed' ])
	{
		my ($rival, $statement, $expected, $what) = @$case;

		like(outcome($isolation, $rival, $statement), $expected, "$isolation: $what");
	}
}

$old->quit;
$node->stop;
done_testing();
