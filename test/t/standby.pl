# A hot standby answers what reads, and refuses what writes in one clear line. Promoted while clients
# book, it has every booking that was acknowledged, and no slot twice. LONG: more of the latter.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Bookers;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $doctors = 4;
my $days = $ENV{LONG} ? 200 : 30;
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "timezone = UTC\nlog_statement = none\nmax_connections = 100");
$primary->start;
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
	return;
}

sub answers
{
	my ($who, $as, %answers) = @_;

	is($standby->safe_psql('postgres', "$as $_"), $answers{$_}, "$who: $_") for sort keys %answers;
	return;
}

$primary->safe_psql('postgres', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology');
SELECT booking.add_patient('Ada Lovelace', 'ada@example.org'), booking.add_patient('Alan Turing', 'alan@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 15);
SELECT booking.book_slot(1, 1);
SELECT booking.hold_slot(4, 2);
SQL
catch_up();

answers('administrator', '',
	"SELECT string_agg(slot_id::text, ' ') FROM booking.available_slots(1)" => '2 3',
	"SELECT string_agg(slot_id::text, ' ') FROM booking.available_slots(1, '2099-06-01', from_time => '2099-06-01 09:30+00')" => '3',
	'SELECT slot_id FROM booking.next_available()' => '2',
	'SELECT booking.is_slot_available(1), booking.is_slot_available(2)' => 'f|t',
	'SELECT rule, sqlstate FROM booking.check_booking(1, 1) WHERE NOT passed' => 'slot_not_booked|PT409',
	'SELECT bool_and(passed IS TRUE) FROM booking.check_booking(2, 1)' => 't',
	'SELECT slot_id, state, patient_name FROM booking.day_sheet WHERE slot_id = 1' => '1|booked|Ada Lovelace',
	'SELECT id, status, patient_name FROM booking.bookings WHERE slot_id = 4' => '2|pending|Alan Turing',
	"SELECT count(*) FROM booking.session_slots('2099-06-02', '09:00', '10:00', 'UTC', 15)" => '4',
	'SELECT appointment_id, status FROM booking.patient_appointments(1)' => '1|booked');
answers('patient', "SET ROLE booking_patient; SET request.jwt.claims = '{\"patient_id\": 2}';",
	"SELECT string_agg(slot_id::text, ' ') FROM booking.available_slots(1)" => '2 3',
	'SELECT appointment_id, status FROM booking.patient_appointments()' => '2|pending',
	'SELECT id FROM booking.appointments' => '2',
	"SELECT rule FROM booking.check_booking(1) WHERE NOT passed" => 'slot_not_booked');
answers('guest', 'SET ROLE booking_guest;',
	"SELECT string_agg(slot_id::text, ' ') FROM booking.available_slots()" => '2 3',
	'SELECT booking.is_slot_available(4)' => 'f');

# test/sql/read_only.sql has all functions that write.
for my $call ('book_slot(2, 1)', 'book_slot(1, 1)', "book_slot(2, 1, 'key')", 'hold_slot(2, 1)', 'confirm_hold(2)',
	'cancel_appointment(1)', 'reschedule_appointment(1, 2)', "set_appointment_status(1, 'arrived')", 'expire_holds()')
{
	my ($name) = $call =~ /^(\w+)/;
	my ($status, $output, $errors) = $standby->psql('postgres', "SELECT booking.$call;\n\\echo :SQLSTATE", on_error_stop => 0);

	is("$output|$errors", "25006|psql:<stdin>:1: ERROR:  cannot execute $name() in a read-only transaction", "$call is refused in one line");
}

# Sessions of the standby keep the list of rules too, and hear of changes.
my $session = $standby->background_psql('postgres');
my $failing = 'SELECT rule FROM booking.check_booking(2, 1) WHERE NOT passed';
is($session->query_safe($failing), '', 'a session of the standby has read the rules');
$primary->safe_psql('postgres', <<'SQL');
CREATE FUNCTION never(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'never';
SELECT booking.add_rule('never', 'never(booking.time_slots, booking.patients)');
SQL
catch_up();
is($session->query_safe($failing), 'never', 'it goes by a rule that was added on the primary');
$primary->safe_psql('postgres', "SELECT booking.remove_rule('never'); DROP FUNCTION never");
catch_up();
is($session->query_safe($failing), '', 'and forgets it when it is removed');
$session->quit;

# Promotion under load. Whoever is told of a booking is told when the standby has it.
$primary->safe_psql('postgres', 'DROP EXTENSION booking');
my @lists = open_contest($primary, $doctors, $days);
my $slots = $doctors * $days * 96;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nsynchronous_commit = remote_apply");
$primary->reload;
wait_for($primary, "sync_state = 'sync' FROM pg_stat_replication");

# Once the standby stops to replay, nobody is answered: of two clients who want a slot, one waits to
# be told of the booking, the other for the first. The primary dies like that.
my @clients = start_bookers($primary->connstr('postgres'), @lists);
wait_for($standby, "count(*) > $slots / 3 FROM booking.appointments");
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
wait_for($primary, "count(*) FILTER (WHERE wait_event = 'SyncRep') = $doctors AND count(*) FILTER (WHERE wait_event = 'advisory') = $doctors FROM pg_stat_activity");
wait_for($primary, 'flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication');
$primary->stop('immediate');
finish_bookers(@clients);
is(scalar(unanswered(@lists)), 2 * $doctors, 'the clients are left without an answer');

$standby->promote;
acknowledged_are_kept($standby, 'after promotion', @lists);
is($standby->safe_psql('postgres', 'SELECT count(*) FROM booking.appointments') - booked(@lists), $doctors,
	'half of what was not answered is booked, half is not');
finish_bookers(start_bookers($standby->connstr('postgres'), @lists));
all_is_settled($standby, 'after all was sent again', @lists);

$standby->stop;
done_testing();
