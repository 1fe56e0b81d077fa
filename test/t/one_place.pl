# A patient is in one place at a time: 32 sessions of mixed isolation levels book, hold, move, confirm and
# cancel for the same few patients, in transactions that go back to savepoints, fail in cursors or are
# prepared. By the times of the commits, none of the patients was in two places at any moment.
#
# LONG=1 goes on for 20 times as long. ONE_PLACE_SEED repeats what each session tries, if not how they
# interleave.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my ($sessions, $transactions) = (32, $ENV{LONG} ? 1000 : 50);
my ($patients, $slots) = (8, 96);
my @levels = ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
my $seed = $ENV{ONE_PLACE_SEED} // int(rand(1_000_000));
diag("ONE_PLACE_SEED=$seed");
srand($seed);

my $node = quiet_cluster('one_place', <<'CONF');
autovacuum = on
deadlock_timeout = 100ms
max_connections = 60
max_prepared_transactions = 40
track_commit_timestamp = on
CONF

# Eight doctors with the same twelve hours, each a little later than the one before.
$node->safe_psql('postgres', <<"SQL");
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) SELECT i, 1, 'Doctor ' || i FROM generate_series(1, 8) i;
INSERT INTO booking.patients (id, name, email)
	SELECT i, 'Patient ' || i, i || '\@example.org' FROM generate_series(1, $patients) i;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT hour * 8 + doctor, 1, doctor, start, start + interval '1 hour'
	FROM generate_series(0, 11) hour, generate_series(1, 8) doctor,
		LATERAL (SELECT timestamptz '2099-06-01 00:00+00' + hour * interval '1 hour' + doctor * interval '7 minutes' AS start) t;
SQL

sub any_slot { return 1 + int rand $slots; }
sub any_patient { return 1 + int rand $patients; }

# An appointment of some patient, as something to select from; perhaps there is none.
sub some
{
	my ($status) = @_;

	return "(SELECT id FROM booking.appointments WHERE patient_id = @{[any_patient()]} AND status = '$status'
		ORDER BY random() LIMIT 1) a";
}

my @operations = (
	(sub { "SELECT FROM booking.book_slot(@{[any_slot()]}, @{[any_patient()]})" }) x 6,
	sub { "SELECT FROM booking.hold_slot(@{[any_slot()]}, @{[any_patient()]}, '@{[1 + int rand 50]} ms')" },
	sub { "SELECT FROM booking.hold_slot(@{[any_slot()]}, @{[any_patient()]}, '1 minute')" },
	(sub { "SELECT booking.confirm_hold(id) FROM @{[some('pending')]}" }) x 2,
	sub { "SELECT booking.set_appointment_status(id, 'booked') FROM @{[some('pending')]}" },
	sub { "UPDATE booking.appointments b SET status = 'booked' FROM @{[some('pending')]} WHERE b.id = a.id" },
	(sub { "SELECT booking.cancel_appointment(id) FROM @{[some('booked')]}" }) x 4,
	(sub { "SELECT booking.reschedule_appointment(id, @{[any_slot()]}) FROM @{[some('booked')]}" }) x 2,
	sub { "SELECT booking.expire_holds(5)" },
	# two at once, and in whatever order
	sub { "SELECT booking.book_slot(s, @{[any_patient()]}) FROM (VALUES (@{[any_slot()]}), (@{[any_slot()]})) v(s)" });

# What becomes of it decides whether it is taken back; now and then it is in any case.
sub operation
{
	my $go_back = rand() < 0.1 ? 'true' : ':ERROR';

	return <<"SQL";
SAVEPOINT before;
@{[$operations[ rand @operations ]->()]};
TELL
\\if $go_back
ROLLBACK TO before;
\\endif
SQL
}

# A cursor that books, and then fails in a savepoint that is taken back. What it booked waits for its commit
# for a moment, so that others come upon it more often; no answer is wrong if none does.
sub failing_cursor
{
	return <<"SQL";
DECLARE wishes CURSOR FOR SELECT (booking.book_slot(s, @{[any_patient()]})).id FROM (VALUES (@{[any_slot()]}), (-1)) v(s);
SAVEPOINT first;
FETCH wishes;
TELL
\\if :ERROR
ROLLBACK TO first;
\\else
SAVEPOINT second;
FETCH wishes;
TELL
ROLLBACK TO second;
SELECT pg_sleep(0.005);
\\endif
SQL
}

sub transaction
{
	my ($name) = @_;
	my $script = "BEGIN ISOLATION LEVEL $levels[rand @levels];\n";

	$script .= "SELECT count(*) FROM booking.rules;\n" if rand() < 0.5;
	$script .= failing_cursor() if rand() < 0.1;
	$script .= operation() for 0 .. rand 4;
	return $script . "COMMIT;\nTELL\n" if rand() < 0.95;
	return $script . "PREPARE TRANSACTION '$name';\nTELL\n\\if :ERROR\n\\else\n@{[rand() < 0.8 ? 'COMMIT' : 'ROLLBACK']} PREPARED '$name';\nTELL\n\\endif\n";
}

my @scripts = map {
	my $session = $_;
	"\\o /dev/null\n" . join '', map { transaction("$session $_") } 1 .. $transactions;
} 1 .. $sessions;
my $answers = tally(map { split / / } finish_rivals(start_rivals($node, @scripts)));

diag(join ', ', map { "$_ $answers->{$_}" } sort keys %$answers);
is_deeply([ grep { !/^(00000|PT409|PT410|PT404|40001|40P01)$/ } keys %$answers ], [], 'no answer but those of the contract');
# how often 40001 comes depends on what else the machine does
cmp_ok($answers->{$_} // 0, '>', $sessions, "often $_") for qw(00000 PT409);

# A life is what an appointment was, in one slot, from one commit to the next.
$node->safe_psql('postgres', <<'SQL');
CREATE VIEW life AS
	SELECT e.appointment_id, a.patient_id, e.to_status, s.starts_at, s.ends_at,
		pg_xact_commit_timestamp(e.xmin) AS since,
		lead(pg_xact_commit_timestamp(e.xmin), 1, 'infinity') OVER (PARTITION BY e.appointment_id ORDER BY e.id) AS until
	FROM booking.appointment_events e
		JOIN booking.appointments a ON a.id = e.appointment_id
		JOIN booking.time_slots s ON s.id = e.slot_id;
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'no patient was in two places at any time');
SET jit = off;
WITH visit AS (SELECT * FROM life WHERE to_status = 'booked' AND since < until)
SELECT a.patient_id, a, b FROM visit a JOIN visit b ON a.patient_id = b.patient_id AND a.appointment_id < b.appointment_id
WHERE a.starts_at < b.ends_at AND b.starts_at < a.ends_at AND a.since < b.until AND b.since < a.until
SQL
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM life WHERE to_status = 'booked'"), '>', 10 * $sessions, 'and they were in many');
$node->stop;
done_testing();
