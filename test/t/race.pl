# Many sessions want the same thing at once: exactly one gets it, everybody else is refused,
# nobody waits for somebody who lost, and losing writes nothing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $rivals = 64;
my $node = quiet_cluster('race', 'max_connections = 100');
$node->safe_psql('postgres', <<"SQL");
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, $rivals) n;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, $rivals) n;
SQL

# A day of 16 slots of a doctor, each day but once.
my $day = 0;
sub add_slots
{
	my ($doctor) = @_;

	$day++;
	return split /\n/, $node->safe_psql('postgres',
		"SELECT id FROM booking.add_time_slots($doctor, date '2098-01-01' + $day, '09:00', '17:00', 30)");
}

# Barriers are advisory locks that a session of ours holds until all rivals wait for them.
my $barrier = $node->background_psql('postgres');
# its time is of one answer, and not of the whole test
$barrier->set_query_timer_restart;
sub barrier { return "SELECT FROM pg_advisory_xact_lock_shared($_[0]);"; }
sub close_barrier { $barrier->query_safe("SELECT pg_advisory_lock($_[0])"); }
sub open_barrier { $barrier->query_safe("SELECT pg_advisory_unlock($_[0])"); }

sub wait_until_all_are_at
{
	my ($count, $lock) = @_;

	wait_for($node, "count(*) = $count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND $lock");
}

sub race
{
	my @scripts = @_;

	close_barrier(1);
	my @sessions = start_rivals($node, @scripts);
	wait_until_all_are_at(scalar @scripts, 'objsubid = 1 AND objid = 1');
	open_barrier(1);
	return finish_rivals(@sessions);
}

# The first statement takes the snapshot, where a transaction has only one, before anybody books.
sub booking_script
{
	my ($isolation, $slot, $patient) = @_;

	return <<"SQL";
BEGIN ISOLATION LEVEL $isolation;
@{[barrier(1)]}
SELECT FROM booking.book_slot($slot, $patient);
TELL
COMMIT;
TELL
SQL
}

# Each outcome is the SQLSTATE of booking, then of committing.
my $refused = qr/^PT409 00000$/;
my $refused_or_failed = qr/^(PT409 00000|40001 00000|00000 40001)$/;

sub one_winner_is_told
{
	my ($may_lose, $isolation, $what, @outcomes) = @_;
	my @lost = grep { $_ ne '00000 00000' } @outcomes;

	note explain tally(@outcomes);
	is(@outcomes - @lost, 1, "$isolation, $what: one session is told that it booked");
	is((grep { /$may_lose/ } @lost), $rivals - 1, "$isolation, $what: the others that they did not");
}

sub is_row { is($node->safe_psql('postgres', "SELECT $_[0]"), $_[1], $_[2]); }

my @levels = ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
for my $isolation (@levels)
{
	my @slots = (add_slots(1))[ 0 .. 2 ];

	for my $slot (@slots)
	{
		one_winner_is_told($isolation eq 'READ COMMITTED' ? $refused : $refused_or_failed,
			$isolation, "slot $slot", race(map { booking_script($isolation, $slot, $_) } 1 .. $rivals));
		is_row("count(a), count(e), bool_or(s.is_available)
				FROM booking.time_slots s LEFT JOIN booking.appointments a ON a.slot_id = s.id
					LEFT JOIN booking.appointment_events e ON e.appointment_id = a.id WHERE s.id = $slot",
			'1|1|f', "$isolation, slot $slot: one appointment, one event, the slot is taken");
	}
}

# Overlapping slots of as many doctors, all for one patient.
for my $isolation (@levels, 'mixed')
{
	$day++;
	my @slots = split /\n/, $node->safe_psql('postgres', "
		SELECT (booking.add_time_slots(n, date '2098-01-01' + $day, '09:00'::time + n * interval '1 minute',
									   '11:00'::time + n * interval '1 minute', 120)).id
		FROM generate_series(1, $rivals) n");
	my $patient = $day;

	is(@slots, $rivals, "$isolation: overlapping slots");
	my $may_lose = $isolation eq 'READ COMMITTED' || $isolation eq 'REPEATABLE READ' ? $refused : $refused_or_failed;

	one_winner_is_told($may_lose, $isolation, 'one patient', race(map {
		booking_script($isolation eq 'mixed' ? $levels[ $_ % 3 ] : $isolation, $_, $patient) } @slots));
	is_row("count(DISTINCT a.id), count(*) FILTER (WHERE NOT s.is_available)
			FROM booking.time_slots s LEFT JOIN booking.appointments a ON a.slot_id = s.id WHERE s.id IN (@{[join ',', @slots]})",
		'1|1', "$isolation, one patient: one appointment, one slot is taken");
}

# The winner has booked and not committed; everybody else queues for the slot. Those who lose
# stay in their transactions, at a second barrier: only if nobody waits for a loser do all come
# to it.
for my $isolation (@levels)
{
	my ($slot) = add_slots(2);
	my $winner = $node->background_psql('postgres');
	my $insert_lsn = 'SELECT pg_current_wal_insert_lsn()';

	close_barrier(2);
	$winner->query_safe("BEGIN ISOLATION LEVEL $isolation");
	$winner->query_safe("SELECT booking.book_slot($slot, 1)");
	my @losers = start_rivals($node, map { <<"SQL" } 2 .. $rivals);
BEGIN ISOLATION LEVEL $isolation;
SAVEPOINT before;
SELECT FROM booking.book_slot($slot, $_);
TELL
ROLLBACK TO before;
@{[barrier(2)]}
COMMIT;
TELL
SQL
	wait_until_all_are_at($rivals - 1, 'objsubid = 28001');
	my $before = $node->safe_psql('postgres', $insert_lsn);
	$winner->query_safe('COMMIT');
	wait_until_all_are_at($rivals - 1, 'objsubid = 1 AND objid = 2');
	my $after = $node->safe_psql('postgres', $insert_lsn);
	is_row("count(*) FROM pg_locks WHERE objsubid BETWEEN 28001 AND 28003", 0,
		"$isolation: all who queued have lost, are still in their transactions, and hold no lock");

	open_barrier(2);
	is_deeply(tally(finish_rivals(@losers)), { 'PT409 00000' => $rivals - 1 }, "$isolation: all who queued are refused");
	$winner->quit;

	# the server's own notes of what is running come at any time, and are not flushed
	$node->safe_psql('postgres', 'CHECKPOINT');
	my ($records, $complaint) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $before, '-e', $after ]);
	is($complaint, '', "$isolation: the WAL can be read");
	$records =~ s/^rmgr: Standby .*\n?//mg;
	# who reads a page that is full clears it, as any query does; the others find it cleared
	like($records, qr/^rmgr: Transaction [^\n]* desc: COMMIT [^\n]*(\nrmgr: Heap2 [^\n]* desc: PRUNE(_ON_ACCESS)? [^\n]*)?$/,
		"$isolation: the winner's commit is all that was written meanwhile");

	# Who comes later is refused by the first look.
	$before = $node->safe_psql('postgres', $insert_lsn);
	is_deeply(tally(race(map { booking_script($isolation, $slot, $_) } 1 .. $rivals)), { 'PT409 00000' => $rivals },
		"$isolation: a booked slot");
	is($node->safe_psql('postgres', $insert_lsn), $before, "$isolation: nothing at all is written for those who come too late");
}

# Many slots, many clients, each request accounted for.
{
	my ($clients, $requests) = (16, 250);
	my @slots = map { add_slots(3) } 1 .. 20;
	my (%wanted, @scripts);

	srand(42);
	for my $client (1 .. $clients)
	{
		my @wants = map { $slots[ rand @slots ] } 1 .. $requests;

		@wanted{@wants} = ();
		push @scripts, barrier(1) . "\n" . join '', map { "SELECT FROM booking.book_slot($_, $client);\nTELL\n" } @wants;
	}
	my $outcomes = tally(map { split / / } race(@scripts));
	my $booked = keys %wanted;

	is_deeply($outcomes, { '00000' => $booked, 'PT409' => $clients * $requests - $booked },
		"each of $booked slots was booked once, and all other requests were refused");
	is_row("count(*), count(DISTINCT slot_id) FROM booking.appointments WHERE slot_id >= $slots[0]", "$booked|$booked",
		'there is an appointment for each');
	is_row("count(*) FROM booking.time_slots WHERE id >= $slots[0] AND NOT is_available", $booked, 'and these slots are taken');
	is_row("count(*) FROM booking.appointment_events JOIN booking.appointments a ON a.id = appointment_id WHERE a.slot_id >= $slots[0]",
		$booked, 'and each has its event');
}

is_row("count(*) FROM pg_locks WHERE objsubid BETWEEN 28001 AND 28003", 0, 'no lock is left');
$barrier->quit;
$node->stop;
done_testing();
