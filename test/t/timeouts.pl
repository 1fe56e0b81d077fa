# A change that is cut short - by a timeout, a cancel, the end of its session, a full disk - leaves
# neither half of it nor a lock behind, wherever it was: another session holds what it needs next.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

# Small segments of WAL, and nobody else who writes them, for the disks that are full.
my $node = quiet_cluster('timeouts', <<'CONF', extra => ['--wal-segsize=1']);
restart_after_crash = on
wal_writer_delay = 10s
bgwriter_lru_maxpages = 0
CONF
$node->safe_psql('postgres', <<"SQL");
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 2) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, 16) n;
SELECT FROM booking.add_time_slots(1, '2098-06-02', '09:00', '12:00', 30);
SELECT booking.book_slot(1, 1);
SELECT booking.hold_slot(2, 1, '1 hour');
-- a rule that waits for a lock once the booking has its own
CREATE FUNCTION public.waits(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	IF EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND objsubid = 28001) THEN
		PERFORM pg_advisory_xact_lock_shared(1);
	END IF;
	RETURN NULL;
END
\$\$;
SELECT booking.add_rule('waits', 'public.waits(booking.time_slots, booking.patients)');
\\i $FindBin::RealBin/../invariants.psql
SQL

my $locks = 'count(*) FROM pg_locks WHERE objsubid BETWEEN 28001 AND 28003';
my $book = join ' || ', map { "(SELECT md5(coalesce(string_agg(t::text, '' ORDER BY id), '')) FROM booking.$_ t)" } qw(time_slots appointments appointment_events);
my $blocker = $node->background_psql('postgres');

# What the statement told, in a transaction that goes on after it, and how many locks it had then.
sub script
{
	my ($settings, $statement) = @_;

	return <<"SQL";
SET application_name = 'victim';
$settings;
BEGIN;
SAVEPOINT before;
SELECT FROM booking.$statement;
TELL
ROLLBACK TO before;
SELECT $locks AND pid = pg_backend_pid();
COMMIT;
SQL
}

# SET or a function that ends it, and what is told then; nothing by a session that is no more.
my @ways = (
	[ "SET statement_timeout = '200ms'", '57014 0' ],
	[ "SET lock_timeout = '200ms'", '55P03 0' ],
	[ 'pg_cancel_backend', '57014 0' ],
	[ 'pg_terminate_backend', '' ]);

sub cut_short
{
	my ($where, $obstacle, $statement) = @_;
	my $before = $node->safe_psql('postgres', "SELECT $book");

	for my $way (@ways)
	{
		my ($how, $told) = @$way;
		my $sets = $how =~ /^SET/;

		$blocker->query_safe("BEGIN; $obstacle");
		my @victim = start_rivals($node, script($sets ? $how : 'SELECT', $statement));
		unless ($sets)
		{
			wait_for($node, "count(*) = 1 FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event_type = 'Lock'");
			$node->safe_psql('postgres', "SELECT $how(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
		}
		is_deeply([ finish_rivals(@victim) ], [$told], "$statement, $where, $how: what is told, and the locks it has then");
		$blocker->query_safe('ROLLBACK; SELECT pg_advisory_unlock_all()');
		wait_for($node, "count(*) = 0 FROM pg_stat_activity WHERE application_name = 'victim'") if $told eq '';
		is($node->safe_psql('postgres', "SELECT $locks;\nSELECT $book;\nBEGIN;\nSELECT count(*) FROM booking.$statement;\nROLLBACK"), "0\n$before\n1",
			"$statement, $where, $how: no lock is left, nothing is changed, and it can be done now");
	}
}

my $no_events = 'LOCK TABLE booking.appointment_events IN SHARE MODE';
cut_short('queueing for the slot', 'SELECT booking.book_slot(3, 3)', 'book_slot(3, 2)');
cut_short('queueing for the patient', 'SELECT booking.book_slot(4, 2)', 'book_slot(3, 2)');
cut_short('queueing for the calendar', "SELECT booking.add_days_off('2098-12-24', '2098-12-26', doctor_id => 1)", 'book_slot(3, 2)');
cut_short('in a rule', 'SELECT pg_advisory_lock(1)', 'book_slot(3, 2)');
cut_short('before it writes', $no_events, 'book_slot(3, 2)');
cut_short('with the slot marked', <<'SQL', 'book_slot(3, 2)');
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at)
SELECT id, 3, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = 3
SQL
cut_short('with everything written', 'SELECT FROM booking.patients WHERE id = 2 FOR UPDATE', 'book_slot(3, 2)');
cut_short('before it writes', $no_events, 'hold_slot(3, 2)');
cut_short('before the event', $no_events, $_) for 'confirm_hold(2)', 'cancel_appointment(1)', 'cancel_appointment(2)',
	'reschedule_appointment(1, 3)', "set_appointment_status(1, 'entered-in-error')";

# A session that booked and then does nothing.
{
	my $before = $node->safe_psql('postgres', "SELECT $book");
	my $victim = $node->background_psql('postgres');

	$victim->query_safe("SET idle_in_transaction_session_timeout = '200ms'; SET application_name = 'victim'");
	is($victim->query_safe('BEGIN; SELECT status FROM booking.book_slot(3, 2)'), 'booked', 'a session books, and does not commit');
	wait_for($node, "count(*) = 0 FROM pg_stat_activity WHERE application_name = 'victim'");
	is($node->safe_psql('postgres', "SELECT $locks"), 0, 'idle_in_transaction_session_timeout: no lock is left');
	is($node->safe_psql('postgres', "SELECT $book"), $before, 'idle_in_transaction_session_timeout: nothing is changed');
	$victim->{run}->finish;
}
$blocker->quit;

# Timeouts at any moment, of sessions that want the same slots. The rule makes them last for a while.
{
	my $requests = $ENV{LONG} ? 2_000 : 50;

	$node->safe_psql('postgres', <<'SQL');
CREATE OR REPLACE FUNCTION public.waits(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql AS $$
	SELECT NULL::text FROM pg_sleep(0.001)
$$;
SELECT booking.add_schedule(2, n, '00:00', '00:00', 5) FROM generate_series(1, 7) n;
SELECT booking.generate_slots('2098-01-01', '2098-03-01', 2);
SQL
	my @slots = split /\n/, $node->safe_psql('postgres', "SELECT id FROM booking.time_slots WHERE doctor_id = 2 ORDER BY id LIMIT 4 * $requests");
	my @scripts = map {
		my $patient = $_;

		join '', map {
			my $setting = ('statement_timeout', 'lock_timeout')[ rand 2 ];
			"SET $setting = " . (1 + int(rand(12))) . ";\nSELECT FROM booking.book_slot($slots[ 4 * ($_ - 1) + rand 4 ], $patient, '$_');\n\\echo $patient/$_ :SQLSTATE\nRESET $setting;\n";
		} 1 .. $requests;
	} 1 .. 16;
	my %told = map { split } join(' ', finish_rivals(start_rivals($node, @scripts))) =~ m{(\d+/\d+ \w{5})}g;

	note explain tally(values %told);
	is(keys %told, 16 * $requests, 'every request is answered');
	is_deeply([ grep { !/^(00000|PT409|57014|55P03)$/ } values %told ], [], 'and clearly');
	is($node->safe_psql('postgres', "SELECT patient_id || '/' || idempotency_key FROM booking.appointments WHERE idempotency_key IS NOT NULL ORDER BY (patient_id || '/' || idempotency_key) COLLATE \"C\""),
		join("\n", sort grep { $told{$_} eq '00000' } keys %told), 'those that were told so are booked, and no others');
	is($node->safe_psql('postgres', "SELECT $locks"), 0, 'no lock is left by any of them');
	is($node->safe_psql('postgres', 'SELECT promise, id FROM broken'), '', 'nothing is half done');
}

# Full disks. The kernel refuses a backend to write beyond a size of file (EFBIG), where a full disk
# would refuse it the room (ENOSPC): at the same calls, and PostgreSQL reports both in the same way,
# save for the SQLSTATE, which is 53100 when the disk is full. So the file that is to be the first
# to fail has to be the largest of those that a booking writes.
sub size_of { return $node->safe_psql('postgres', "SELECT pg_relation_size('booking.$_[0]')"); }

sub limit_files
{
	my ($pid, $bytes) = @_;

	system_or_bail('prlimit', "--pid=$pid", "--fsize=$bytes:", '--core=0');
}

sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	return ($session, $session->query('SELECT pg_backend_pid()'));
}

# Books slot by slot until an error comes; returns the slot and the error.
my $next_slot;
sub fill
{
	my ($session) = @_;

	for (1 .. 1_000)
	{
		$session->{stderr} = '';
		$session->query("SELECT FROM booking.book_slot($next_slot, 16)");
		return $session->{stderr} if $session->{stderr};
		$next_slot++;
	}
	return 'nothing';
}

sub no_room_for
{
	my ($table) = @_;
	my ($session, $pid) = session();
	my $size = size_of($table);

	limit_files($pid, $size);
	like(fill($session), qr/ERROR:  could not extend file "[^"]*": File too large\n.*HINT:  Check free disk space\./s, "no room for $table: a booking fails");
	is(size_of($table), $size, "no room for $table: the table has not grown");
	my $before = $node->safe_psql('postgres', "SELECT $book");
	like(fill($session), qr/could not extend file/, "no room for $table: the next one, too");
	is($node->safe_psql('postgres', "SELECT $book"), $before, "no room for $table: and changes nothing");
	is($node->safe_psql('postgres', "SELECT $locks"), 0, "no room for $table: no lock is left");
	is($node->safe_psql('postgres', 'SELECT promise, id FROM broken'), '', "no room for $table: nothing is half done");
	is($session->query("SELECT booking.is_slot_available($next_slot)"), 't', "no room for $table: the slot is free");
	limit_files($pid, 'unlimited');
	is($session->query("SELECT status FROM booking.book_slot($next_slot, 16)"), 'booked', "room for $table: the same session books it");
	$next_slot++;
	$session->quit;
}

# Both tables larger than a segment of WAL, and first the one, then the other the largest of all.
$node->safe_psql('postgres', <<'SQL');
SELECT booking.remove_rule('waits');
WITH slot AS (
	INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
	SELECT 1, 2, t, t + interval '5 minutes' FROM generate_series(timestamptz '2010-01-01', '2010-01-28', '5 minutes') t
	RETURNING *),
made AS (
	INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, idempotency_key)
	SELECT id, 15, clinic_id, doctor_id, starts_at, ends_at, 'cancelled', lpad(id::text, 255) FROM slot RETURNING *)
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
SELECT id, slot_id, status, 'booking_admin' FROM made;
SQL
$next_slot = $node->safe_psql('postgres', 'SELECT max(id) + 1 FROM booking.time_slots WHERE NOT is_available');
no_room_for('appointments');
$node->safe_psql('postgres', <<'SQL');
INSERT INTO booking.appointment_events (appointment_id, slot_id, from_status, to_status, actor_role, reason)
SELECT id, slot_id, status, status, 'booking_admin', repeat('x', 255) FROM booking.appointments, generate_series(1, 2) WHERE status = 'cancelled';
SQL
no_room_for('appointment_events');

# Without room for WAL, the server cannot go on, and starts again.
{
	my $before = $node->safe_psql('postgres', "SELECT $book");
	my ($victim) = start_rivals($node, <<"SQL");
SELECT pg_backend_pid() AS pid \\gset
\\setenv PID :pid
\\! prlimit --pid=\$PID --fsize=0: --core=0
SELECT FROM booking.book_slot($next_slot, 16);
TELL
SQL
	is_deeply([ finish_rivals($victim) ], [''], 'no room for WAL: a booking is not answered');
	like(slurp_file($victim->{err}), qr/PANIC:  could not write to log file .*: File too large/, 'no room for WAL: the server says why');
	$node->wait_for_log(qr/all server processes terminated; reinitializing/);
	wait_for($node, 'true');
	is($node->safe_psql('postgres', "SELECT $book"), $before, 'no room for WAL: nothing is changed');
	is($node->safe_psql('postgres', "SELECT status FROM booking.book_slot($next_slot, 16)"), 'booked', 'when it is back, the slot can be booked');
	is($node->safe_psql('postgres', 'SELECT promise, id FROM broken'), '', 'and nothing is half done');
}

$node->stop;
done_testing();
