# A dump of a used appointment book restores with no option to an equal one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $node = quiet_cluster('dump');
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'SQL');
SELECT booking.add_clinic('Harley Street', E'1 Harley Street\nLondon', 'Europe/London');
SELECT booking.add_clinic('Çà et là — 診療所', NULL, 'America/New_York');
SELECT booking.add_clinic('Closed for good', NULL, 'Asia/Kathmandu');
SELECT booking.add_clinic('Moved', NULL, 'UTC');
UPDATE booking.clinics SET is_active = false, min_notice = '1 day', booking_horizon = '1 mon 3 days', hold_duration = '5 minutes',
	allow_patient_overlap = true, idempotency_retention = '90 days' WHERE id = 4;
SELECT booking.add_doctor(1, 'Dr Grace Hopper', 'Cardiology'), booking.add_doctor(1, 'Dr Alan Turing'),
	   booking.add_doctor(2, 'Dr Ada Lovelace', 'Dermatology'), booking.add_doctor(3, 'Dr Gone'), booking.add_doctor(1, 'Dr Away');
SELECT booking.remove_clinic(3), booking.remove_doctor(5);
UPDATE booking.doctors SET is_active = false WHERE id = 2;
SELECT booking.add_patient('Patient ' || n, n || '@Example.org') FROM generate_series(1, 9) n;
SELECT booking.remove_patient(9);
SELECT booking.add_patient('Patient 9 again', '9@example.org');
UPDATE booking.patients SET is_active = false WHERE id = 8;
SELECT FROM booking.add_time_slots(1, '2098-06-02', '09:00', '12:00', 30);
SELECT FROM booking.add_time_slots(3, '2098-10-26', '09:00', '12:00', 30);

-- booked, withdrawn and removed slots, one of them with another in its place
SELECT booking.book_slot(n, n) FROM generate_series(1, 3) n;
SELECT booking.book_slot(7, 4);
SELECT booking.set_slot_availability(5, false), booking.remove_time_slot(6), booking.remove_time_slot(12);
SELECT FROM booking.add_time_slots(3, '2098-10-26', '11:30', '12:00', 15);

SELECT booking.add_schedule(1, 1, '22:00', '02:00', 30, 5, '2098-01-01', '2098-12-31');
SELECT booking.maintain();
SELECT count(*) FROM booking.read_events('mail');
SELECT booking.note_events_done('mail', 2);

-- what functions of later versions leave: holds, past appointments in every status, moves
UPDATE booking.time_slots SET held_until = '2098-01-01' WHERE id = 4;
UPDATE booking.time_slots SET held_until = '2020-01-01' WHERE id = 8;
INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
SELECT id, 5, clinic_id, doctor_id, starts_at, ends_at, 'pending', held_until FROM booking.time_slots WHERE id IN (4, 8);
SELECT booking.cancel_appointment(2, E'fell ill;\n"sorry"');
SELECT booking.reschedule_appointment(3, 9);
SELECT booking.generate_slots('2098-07-01', '2098-07-31');
SELECT FROM booking.add_days_off('2098-07-07', '2098-07-08', clinic_id => 1, reason => 'holiday');
SELECT FROM booking.add_time_off('2098-07-14', '2098-07-16', doctor_id => 1);
SELECT booking.remove_time_off(2);
CREATE FUNCTION public.no_mondays(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql STABLE AS $$ SELECT 'no Mondays' WHERE extract(isodow FROM slot.starts_at) = 1 $$;
SELECT booking.add_rule('no_mondays', 'public.no_mondays(booking.time_slots, booking.patients)', 2, 7);
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available, created_at, updated_at)
SELECT 1, 1, t, t + interval '30 minutes', false, t - interval '1 month', t - interval '1 week'
FROM generate_series(timestamptz '2020-03-29 00:00', '2020-03-29 04:30', '30 minutes') t;
INSERT INTO booking.appointments (time_slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at, hold_expires_at, idempotency_key, created_at, updated_at)
SELECT s.id, n, clinic_id, doctor_id, starts_at, ends_at, status, s.updated_at, s.starts_at, 'key ' || n, s.created_at, s.updated_at
FROM (SELECT s, row_number() OVER (ORDER BY starts_at) n FROM booking.time_slots s WHERE starts_at < '2021-01-01') p,
	LATERAL (SELECT (s).*) s,
	LATERAL (SELECT (enum_range(NULL::booking.appointment_status))[n] AS status) e;

-- sequences whose last values have gone
SELECT nextval('booking.patients_id_seq') FROM generate_series(1, 100);
DELETE FROM booking.appointment_events WHERE id = (SELECT max(id) FROM booking.appointment_events);
INSERT INTO booking.doctors (clinic_id, name) VALUES (1, 'Dr Brief');
DELETE FROM booking.doctors WHERE id = (SELECT max(id) FROM booking.doctors);

-- an administrator's own grants, and one taken back
CREATE ROLE front_desk;
GRANT USAGE ON SCHEMA booking TO front_desk;
GRANT SELECT ON booking.day_sheet, booking.doctors TO front_desk;
GRANT SELECT (id, name), UPDATE (name) ON booking.patients TO front_desk;
GRANT EXECUTE ON FUNCTION booking.available_slots TO front_desk;
REVOKE UPDATE (email) ON booking.patients FROM booking_admin;
SQL

my @tables = split /\n/, $node->safe_psql('postgres', "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r' ORDER BY 1");
my @sequences = split /\n/, $node->safe_psql('postgres', "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S' ORDER BY 1");
is("@tables", 'booking.clinics booking.doctors booking.patients booking.time_slots booking.appointments booking.appointment_events booking.schedules booking.time_off booking.generated_days booking.status_transitions booking.generated_doctors booking.maintenance booking.clinic_figures booking.event_consumers booking.rules', 'the tables');
is(@sequences, @tables - 6, 'a sequence each, save those that have a key of their own');

# Everything of a database that a restore has to bring back, by kind.
sub book
{
	my ($database) = @_;
	my %book;

	$book{$_} = $node->safe_psql($database, "SET TimeZone = 'UTC'; SELECT t FROM $_ t ORDER BY t") for @tables;
	$book{$_} = $node->safe_psql($database, "SELECT last_value, is_called FROM $_") for @sequences;
	$book{'owners and privileges of tables'} = $node->safe_psql($database, "
		SELECT oid::regclass, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity, reloptions, obj_description(oid)
		FROM pg_class WHERE relnamespace = 'booking'::regnamespace ORDER BY 1");
	$book{'privileges of columns'} = $node->safe_psql($database, "
		SELECT attrelid::regclass, attname, attacl, col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 ORDER BY 1, attnum");
	$book{'owners and privileges of functions'} = $node->safe_psql($database, "
		SELECT oid::regprocedure, proowner::regrole, proacl, prosecdef, proconfig, provolatile FROM pg_proc
		WHERE pronamespace = 'booking'::regnamespace ORDER BY oid::regprocedure::text");
	$book{'owners and privileges of types'} = $node->safe_psql($database, "
		SELECT oid::regtype, typowner::regrole, typacl FROM pg_type
		WHERE typnamespace = 'booking'::regnamespace ORDER BY oid::regtype::text");
	$book{'owner and privileges of the schema'} = $node->safe_psql($database,
		"SELECT nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'booking'");
	$book{'constraints'} = $node->safe_psql($database, "
		SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
		WHERE connamespace = 'booking'::regnamespace ORDER BY conrelid::regclass::text, conname");
	$book{'indexes'} = $node->safe_psql($database, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'booking' ORDER BY 1");
	$book{'triggers'} = $node->safe_psql($database, "
		SELECT pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
		WHERE relnamespace = 'booking'::regnamespace AND NOT tgisinternal ORDER BY 1");
	$book{'members of the extension'} = $node->safe_psql($database, "
		SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
		WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'booking') ORDER BY 1");
	$book{'day sheet'} = $node->safe_psql($database, "SET TimeZone = 'UTC'; SELECT * FROM booking.day_sheet ORDER BY slot_id");
	return \%book;
}

# What happens to whoever books there, told as it is, whichever database it is.
sub use_book
{
	my ($database) = @_;
	my @told;

	for my $statement (
		'book_slot(1, 4)',	# booked
		'book_slot(4, 4)',	# held
		'book_slot(5, 4)',	# withdrawn
		'book_slot(6, 4)',	# removed
		'book_slot(13, 9)',	# removed patient
		'book_slot(10, 2)',	# free
		'book_slot(10, 3)',	# booked just now
		'book_slot(2, 3)',	# its appointment was cancelled
		"add_patient('Patient 1 again', '1\@EXAMPLE.org')",
		"add_patient('Patient 11', '11\@example.org')",
		"add_doctor(1, 'Dr New')",
		"add_clinic('New')",
		'restore_time_slot(12)',
		'restore_doctor(5)')
	{
		my ($status, $out, $err) = $node->psql('postgres',
			"SET TimeZone = 'UTC'; \\set VERBOSITY sqlstate\nSELECT id FROM booking.$statement", connstr => $node->connstr($database));
		push @told, "$statement: " . ($status == 0 ? "id $out" : $err =~ s/.*ERROR: *//sr);
	}
	return \@told;
}

my $original = book('postgres');
for my $table (@tables)
{
	cmp_ok(scalar(split /\n/, $original->{$table}), '>=', 1, "$table has rows to restore");
}
for my $sequence (qw(booking.patients_id_seq booking.doctors_id_seq booking.appointment_events_id_seq))
{
	my $table = $sequence =~ s/_id_seq//r;

	is($node->safe_psql('postgres', "SELECT last_value > (SELECT max(id) FROM $table) FROM $sequence"), 't', "$sequence is ahead of its table");
}

# A database whose book was never opened: its sequences have not been called.
$node->safe_psql('postgres', 'CREATE DATABASE unused');
$node->safe_psql('unused', 'CREATE EXTENSION booking CASCADE');
my $unused = book('unused');
is($unused->{'booking.clinics_id_seq'}, '1|f', 'an unused sequence');

$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0") for qw(restored replayed restored_unused);
sub runs_silently
{
	my ($what, @command) = @_;
	my ($out, $err) = run_command(\@command);

	is($? . $out . $err, '0', "$what runs without a word");
}
runs_silently('pg_dump -Fc', 'pg_dump', '-Fc', '-f', "$dir/custom", $node->connstr('postgres'));
runs_silently('pg_restore', 'pg_restore', '-d', $node->connstr('restored'), "$dir/custom");
runs_silently('pg_dump', 'pg_dump', '-f', "$dir/plain", $node->connstr('postgres'));
runs_silently('psql', 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('replayed'), '-f', "$dir/plain");
runs_silently('pg_dump of an unused book', 'pg_dump', '-Fc', '-f', "$dir/unused", $node->connstr('unused'));
runs_silently('pg_restore of an unused book', 'pg_restore', '-d', $node->connstr('restored_unused'), "$dir/unused");

for my $copy ([ 'restored', $original ], [ 'replayed', $original ], [ 'restored_unused', $unused ])
{
	my ($database, $expected) = @$copy;
	my $restored = book($database);

	is($restored->{$_}, $expected->{$_}, "$database: $_") for sort keys %$expected;
}

# The dump of a copy is the dump of the original.
runs_silently('pg_dump of the copy', 'pg_dump', '-f', "$dir/again", $node->connstr('restored'));
is(slurp_file("$dir/again") =~ s/^\\(un)?restrict .*$//mgr, slurp_file("$dir/plain") =~ s/^\\(un)?restrict .*$//mgr, 'the dump of the copy is the same');

# The copies and the original go on alike, each in its own database of the one cluster.
my $told = use_book('restored');
is_deeply($told, [
	'book_slot(1, 4): PT409', 'book_slot(4, 4): PT409', 'book_slot(5, 4): PT409', 'book_slot(6, 4): PT404', 'book_slot(13, 9): PT404',
	'book_slot(10, 2): id 17', 'book_slot(10, 3): PT409', 'book_slot(2, 3): id 18',
	"add_patient('Patient 1 again', '1\@EXAMPLE.org'): PT409", "add_patient('Patient 11', '11\@example.org'): id 112",
	"add_doctor(1, 'Dr New'): id 7", "add_clinic('New'): id 5", 'restore_time_slot(12): PT409', 'restore_doctor(5): id 5'],
	'the copy goes on where the original was');
is_deeply(use_book($_), $told, "$_: as the copy") for qw(replayed postgres);
is($node->safe_psql($_, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM booking.appointment_events"), '1 2 3 4 5 7 8', "$_: a used id does not come again") for qw(restored replayed postgres);

$node->stop;
done_testing();
