# Every kind of backup of a used appointment book restores to an equal one, in which booking goes on.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

# Appointments, half of them past, besides the odd ones.
my $many = $ENV{LONG} ? 200_000 : 2_000;
my $node = quiet_cluster('backup', 'max_wal_size = 4GB', allows_streaming => 1, has_archiving => 1);
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'SQL');
SELECT booking.add_clinic('Harley Street', E'1 Harley Street,\\ "London"', 'Europe/London');
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

-- a hold, one that has expired, a move, and times off
UPDATE booking.time_slots SET held_until = '2098-01-01' WHERE id = 4;
UPDATE booking.time_slots SET held_until = '2020-01-01' WHERE id = 8;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, hold_expires_at)
SELECT id, 5, clinic_id, doctor_id, starts_at, ends_at, 'pending', held_until FROM booking.time_slots WHERE id IN (4, 8);
SELECT booking.cancel_appointment(2, E'fell ill;\\ "sorry"');
SELECT booking.reschedule_appointment(3, 9);
SELECT booking.generate_slots('2098-07-01', '2098-07-31');
SELECT FROM booking.add_days_off('2098-07-07', '2098-07-08', clinic_id => 1, reason => 'holiday');
SELECT FROM booking.add_time_off('2098-07-14', '2098-07-16', doctor_id => 1);
SELECT booking.remove_time_off(2);
SQL
my $no_mondays = q{CREATE FUNCTION public.no_mondays(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql STABLE AS $$ SELECT 'no Mondays' WHERE extract(isodow FROM slot.starts_at) = 1 $$};
$node->safe_psql('postgres', $no_mondays);
$node->safe_psql('postgres', <<'SQL');
SELECT booking.add_rule('no_mondays', 'public.no_mondays(booking.time_slots, booking.patients)', 2, 7);
SELECT FROM booking.add_time_slots(3, '2098-10-27', '09:00', '09:30', 30);
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available, created_at, updated_at)
SELECT 1, 1, t, t + interval '30 minutes', false, t - interval '1 month', t - interval '1 week'
FROM generate_series(timestamptz '2020-03-29 00:00', '2020-03-29 04:30', '30 minutes') t;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at, hold_expires_at, idempotency_key, created_at, updated_at)
SELECT s.id, n, clinic_id, doctor_id, starts_at, ends_at, status, s.updated_at, s.starts_at, 'key ' || n, s.created_at, s.updated_at
FROM (SELECT s, row_number() OVER (ORDER BY starts_at) n FROM booking.time_slots s WHERE starts_at < '2021-01-01') p,
	LATERAL (SELECT (s).*) s,
	LATERAL (SELECT (enum_range(NULL::booking.appointment_status))[n] AS status) e;

SQL

# A busy clinic, whose doctors see a patient every 5 minutes.
my $doctors = 5;
my $days = int($many / $doctors / 288) + 1;
$node->safe_psql('postgres', <<"SQL");
SELECT booking.add_clinic('Busy');
SELECT booking.add_doctor(5, 'Dr Busy ' || n), booking.add_patient('Regular ' || n, 'regular' || n || '\@example.org') FROM generate_series(1, $doctors) n;
SELECT booking.add_schedule(d.id, w, '00:00', '00:00', 5) FROM booking.doctors d, generate_series(1, 7) w WHERE clinic_id = 5;
SELECT booking.generate_slots('2097-01-01', date '2097-01-01' + $days, clinic_id => 5);
WITH slot AS (
	INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available)
	SELECT 5, d.id, t, t + interval '5 minutes', false
	FROM booking.doctors d, generate_series(1, $many / 2 / $doctors) n, LATERAL (SELECT timestamptz '2018-01-01' + n * interval '5 minutes') s (t)
	WHERE clinic_id = 5
	RETURNING *)
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at)
SELECT slot.id, p.id, slot.clinic_id, slot.doctor_id, starts_at, ends_at, 'fulfilled', starts_at - interval '1 week'
FROM slot JOIN booking.doctors d ON d.id = doctor_id JOIN booking.patients p ON p.name = replace(d.name, 'Dr Busy', 'Regular');
SQL

sub book_many
{
	my ($count) = @_;

	# a commit now and then, for the locks
	$node->safe_psql('postgres', <<"SQL");
DO \$\$
BEGIN
	FOR batch IN 1..$count / 500 LOOP
		PERFORM booking.book_slot(s.id, p.id)
		FROM (SELECT * FROM booking.time_slots WHERE clinic_id = 5 AND is_available ORDER BY id LIMIT 500) s
			JOIN booking.doctors d ON d.id = doctor_id JOIN booking.patients p ON p.name = replace(d.name, 'Dr Busy', 'Regular');
		COMMIT;
	END LOOP;
END
\$\$;
SQL
}

# A base backup in the middle of it, and of a booking.
book_many($many / 4);
my $booking = $node->background_psql('postgres');
$booking->query_safe("BEGIN; SELECT booking.book_slot((SELECT max(id) FROM booking.time_slots WHERE is_available AND clinic_id = 5), (SELECT max(id) FROM booking.patients))");
$node->backup('base');
$booking->query_safe('COMMIT');
$booking->quit;
book_many($many / 4);

$node->safe_psql('postgres', <<'SQL');
-- sequences whose last values have gone
SELECT nextval('booking.patients_id_seq') FROM generate_series(1, 100);
DELETE FROM booking.appointment_events WHERE id = (SELECT max(id) FROM booking.appointment_events);
INSERT INTO booking.doctors (clinic_id, name) VALUES (1, 'Dr Brief');
DELETE FROM booking.doctors WHERE id = (SELECT max(id) FROM booking.doctors);

-- a table that refers to the book
CREATE TABLE public.notes (patient_id bigint REFERENCES booking.patients (id), note text);
INSERT INTO public.notes VALUES (1, 'prefers mornings');

-- an administrator's own grants, and one taken back
CREATE ROLE front_desk;
CREATE ROLE clerk LOGIN;
GRANT booking_admin TO clerk;
GRANT USAGE ON SCHEMA booking TO front_desk;
GRANT SELECT ON booking.day_sheet, booking.doctors TO front_desk;
GRANT SELECT (id, name), UPDATE (name) ON booking.patients TO front_desk;
GRANT EXECUTE ON FUNCTION booking.available_slots TO front_desk;
REVOKE UPDATE (email) ON booking.patients FROM booking_admin;
SQL

my @tables = split /\n/, $node->safe_psql('postgres', "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r' ORDER BY 1");
my @sequences = split /\n/, $node->safe_psql('postgres', "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S' ORDER BY 1");
is("@tables", 'booking.clinics booking.doctors booking.patients booking.time_slots booking.appointments booking.appointment_events booking.schedules booking.time_off booking.generated_days booking.status_transitions booking.generated_doctors booking.maintenance booking.clinic_figures booking.event_consumers booking.table_definitions booking.rules', 'the tables');
is(@sequences, @tables - 7, 'a sequence each, save those that have a key of their own');

# Everything of a database that a restore has to bring back, by kind.
my %queries = (
	(map { $_ => "SELECT t FROM $_ t ORDER BY t" } @tables),
	# noted anew by CREATE EXTENSION
	'booking.table_definitions' => 'SELECT name, definition FROM booking.table_definitions ORDER BY 1',
	'altered tables' => 'TABLE booking.altered_tables',
	(map { $_ => "SELECT last_value, is_called FROM $_" } @sequences),
	'owners and privileges of tables' => "
		SELECT oid::regclass, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity, reloptions, obj_description(oid)
		FROM pg_class WHERE relnamespace = 'booking'::regnamespace ORDER BY 1",
	'privileges of columns' => "
		SELECT attrelid::regclass, attname, attacl, col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 ORDER BY 1, attnum",
	'owners and privileges of functions' => "
		SELECT oid::regprocedure, proowner::regrole, proacl, prosecdef, proconfig, provolatile FROM pg_proc
		WHERE pronamespace = 'booking'::regnamespace ORDER BY oid::regprocedure::text",
	'owners and privileges of types' => "
		SELECT oid::regtype, typowner::regrole, typacl FROM pg_type
		WHERE typnamespace = 'booking'::regnamespace ORDER BY oid::regtype::text",
	'owner and privileges of the schema' => "SELECT nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'booking'",
	'members of roles' => "
		SELECT roleid::regrole, member::regrole FROM pg_auth_members
		WHERE roleid::regrole::text LIKE 'booking\\_%' ORDER BY roleid::regrole::text, member::regrole::text",
	'policies' => "SELECT * FROM pg_policies WHERE schemaname = 'booking' ORDER BY tablename, policyname",
	'constraints' => "
		SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
		WHERE connamespace = 'booking'::regnamespace ORDER BY conrelid::regclass::text, conname",
	'indexes' => "SELECT indexdef FROM pg_indexes WHERE schemaname = 'booking' ORDER BY 1",
	'triggers' => "
		SELECT pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
		WHERE relnamespace = 'booking'::regnamespace AND NOT tgisinternal ORDER BY 1",
	'members of the extension' => "
		SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
		WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'booking') ORDER BY 1",
	'tables that are not ours' => "
		SELECT query_to_xml(format('SELECT * FROM %s', oid::regclass), true, false, '') FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY oid::regclass::text",
	'day sheet' => 'SELECT * FROM booking.day_sheet ORDER BY slot_id');

sub book
{
	my ($node, $database) = @_;
	my $script = join '', "SET TimeZone = 'UTC';\n", map { "\\echo === $_\n$queries{$_};\n" } sort keys %queries;
	my (undef, %book) = split /^=== (.*)\n/m, $node->safe_psql($database, $script) . "\n";

	for (values %book)
	{
		s/\n\z//;
		# too long to be read by whom a test tells of it
		$_ = y/\n// + 1 . ' rows, ' . md5_hex($_) if length > 20_000;
	}
	return \%book;
}

# What happens to whoever books there, told as it is, whichever database it is.
sub use_book
{
	my ($node, $database) = @_;
	my $script = join '', "SET TimeZone = 'UTC';\n", map { "\\echo -n '$_->[0]: '\nSELECT id FROM booking.$_->[1];\n\\echo :SQLSTATE\n" } (
		[ 'booked', 'book_slot(1, 4)' ],
		[ 'held', 'book_slot(4, 4)' ],
		[ 'withdrawn', 'book_slot(5, 4)' ],
		[ 'removed', 'book_slot(6, 4)' ],
		[ 'for a removed patient', 'book_slot(13, 9)' ],
		[ 'free', 'book_slot(10, 2)' ],
		[ 'booked just now', 'book_slot(10, 3)' ],
		[ 'cancelled', 'book_slot(2, 3)' ],
		[ 'a Monday, against the rule', "book_slot((SELECT min(id) FROM booking.time_slots WHERE doctor_id = 3 AND extract(isodow FROM starts_at) = 1), 4)" ],
		[ 'a known address', "add_patient('Patient 1 again', '1\@EXAMPLE.org')" ],
		[ 'a new patient', "add_patient('Patient 11', '11\@example.org')" ],
		[ 'a new doctor', "add_doctor(1, 'Dr New')" ],
		[ 'a new clinic', "add_clinic('New')" ],
		[ 'restored, in the place of others', 'restore_time_slot(12)' ],
		[ 'restored', 'restore_doctor(5)' ]);

	$node->psql($database, $script, stdout => \my $told, on_error_stop => 0);
	return $told =~ s/\n00000$//mgr;
}

my $original = book($node, 'postgres');
for my $table (@tables)
{
	cmp_ok(scalar(split /\n/, $original->{$table}), '>=', 1, "$table has rows to restore");
}
like($original->{'booking.appointments'}, qr/^@{[16 + $many + 1]} rows, /, 'there are many appointments');
for my $sequence (qw(booking.patients_id_seq booking.doctors_id_seq booking.appointment_events_id_seq))
{
	my $table = $sequence =~ s/_id_seq//r;

	is($node->safe_psql('postgres', "SELECT last_value > (SELECT max(id) FROM $table) FROM $sequence"), 't', "$sequence is ahead of its table");
}

# A database whose book was never opened: its sequences have not been called.
$node->safe_psql('postgres', 'CREATE DATABASE unused');
$node->safe_psql('unused', 'CREATE EXTENSION booking CASCADE');
my $unused = book($node, 'unused');
is($unused->{'booking.clinics_id_seq'}, '1|f', 'an unused sequence');

sub runs_silently
{
	my ($what, @command) = @_;
	my ($out, $err) = run_command(\@command);

	is($? . $out . $err, '0', "$what runs without a word");
}

sub is_restored
{
	my ($what, $node, $database, $expected) = @_;
	my $restored = book($node, $database);

	is($restored->{$_}, $expected->{$_}, "$what: $_") for sort keys %$expected;
}

# The whole cluster, into one that has nothing but the superuser.
my $elsewhere = PostgreSQL::Test::Cluster->new('elsewhere');
$elsewhere->init;
$elsewhere->start;
runs_silently('pg_dumpall', 'pg_dumpall', '-f', "$dir/all", '-d', $node->connstr('postgres'));
my ($out, $err) = run_command([ 'psql', '-Xq', '-o', '/dev/null', '-d', $elsewhere->connstr('postgres'), '-f', "$dir/all" ]);
like($err, qr/^[^\n]*ERROR:  role "[^"]*" already exists$/, 'its restore complains of nothing but the superuser');
is_restored('pg_dumpall', $elsewhere, 'postgres', $original);
is_restored('pg_dumpall, unused', $elsewhere, 'unused', $unused);

$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0") for qw(custom parallel plain unused_custom data replica_data);
runs_silently('pg_dump -Fc', 'pg_dump', '-Fc', '-f', "$dir/custom", $node->connstr('postgres'));
runs_silently('pg_restore', 'pg_restore', '-d', $node->connstr('custom'), "$dir/custom");
is_restored('pg_dump -Fc', $node, 'custom', $original);
runs_silently('pg_dump -Fd -j', 'pg_dump', '-Fd', '-j', 2, '-f', "$dir/parallel", $node->connstr('postgres'));
{
	# for foreign keys: pg_restore loads tables in any order, since pg_dump does not tell it theirs
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	runs_silently('pg_restore -j', 'pg_restore', '-j', 4, '-d', $node->connstr('parallel'), "$dir/parallel");
}
is_restored('in parallel', $node, 'parallel', $original);
runs_silently('pg_dump', 'pg_dump', '-f', "$dir/plain", $node->connstr('postgres'));
runs_silently('psql', 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('plain'), '-f', "$dir/plain");
is_restored('pg_dump', $node, 'plain', $original);
runs_silently('pg_dump of an unused book', 'pg_dump', '-Fc', '-f', "$dir/unused", $node->connstr('unused'));
runs_silently('pg_restore of an unused book', 'pg_restore', '-d', $node->connstr('unused_custom'), "$dir/unused");
is_restored('unused', $node, 'unused_custom', $unused);

# The data alone, into a book that was opened and never used. Privileges are no data.
my %data = map { $_ => $original->{$_} } grep { !/privileges/ } keys %$original;
runs_silently('pg_dump -a', 'pg_dump', '-a', '-f', "$dir/data", $node->connstr('postgres'));
runs_silently('pg_dump -a --disable-triggers', 'pg_dump', '-a', '--disable-triggers', '-f', "$dir/replica_data", $node->connstr('postgres'));
for my $database ('data', 'replica_data')
{
	$node->safe_psql($database, "CREATE EXTENSION booking CASCADE; CREATE TABLE public.notes (patient_id bigint REFERENCES booking.patients (id), note text); $no_mondays");
	runs_silently("psql of the $database", 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', "$dir/$database");
}
is_restored('data', $node, 'data', \%data);
my $enabled = "SELECT tgenabled FROM pg_trigger WHERE tgname = 'doctor_slots_do_not_overlap'";
is($node->safe_psql('replica_data', $enabled), 'O', '--disable-triggers leaves a trigger as it leaves all');
$node->safe_psql('replica_data', 'ALTER TABLE booking.time_slots ENABLE ALWAYS TRIGGER doctor_slots_do_not_overlap;
	ALTER TABLE booking.rules ENABLE ALWAYS TRIGGER forget, ENABLE ALWAYS TRIGGER forget_all');
is_restored('data without triggers', $node, 'replica_data', \%data);

# The dump of a copy is the dump of the original.
runs_silently('pg_dump of the copy', 'pg_dump', '-f', "$dir/again", $node->connstr('custom'));
is(md5_hex(slurp_file("$dir/again") =~ s/^\\(un)?restrict .*$//mgr), md5_hex(slurp_file("$dir/plain") =~ s/^\\(un)?restrict .*$//mgr), 'the dump of the copy is the same');

runs_silently('pg_dump -n', 'pg_dump', '-n', 'booking', '-f', "$dir/schema", $node->connstr('postgres'));
unlike(slurp_file("$dir/schema"), qr/^(COPY|INSERT)/m, 'a dump of the schema has no row');

# The base backup, with all WAL that was written since.
my $wal = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_switch_wal())');
wait_for($node, "last_archived_wal >= '$wal' FROM pg_stat_archiver");
my $physical = PostgreSQL::Test::Cluster->new('physical');
$physical->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
$physical->append_conf('postgresql.conf', 'archive_mode = off');
$physical->start;
wait_for($physical, 'NOT pg_is_in_recovery()');
# WAL has a sequence's next values, up to 32, before they are used.
delete local @$original{@sequences};
is_restored('base backup', $physical, 'postgres', $original);
for my $sequence (@sequences)
{
	my $behind = $node->safe_psql('postgres', "SELECT last_value FROM $sequence");

	cmp_ok($physical->safe_psql('postgres', "SELECT last_value - $behind FROM $sequence"), '>=', 0, "base backup: $sequence is not behind");
}

# The copies and the original go on alike.
my $told = use_book($node, 'custom');
is($told, <<"TOLD" =~ s/\n\z//r, 'the copy goes on where the original was');
booked: PT409
held: PT409
withdrawn: PT409
removed: PT404
for a removed patient: PT404
free: @{[17 + $many + 1]}
booked just now: PT409
cancelled: @{[18 + $many + 1]}
a Monday, against the rule: PT422
a known address: PT409
a new patient: @{[112 + $doctors]}
a new doctor: @{[7 + $doctors]}
a new clinic: 6
restored, in the place of others: PT409
restored: 5
TOLD
my @events = map { $_ + $many / 2 + 1 } 5, 7, 8;
my $events = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM booking.appointment_events WHERE id >= $events[0]";
is($node->safe_psql('custom', $events), "@events", 'and a used id does not come again');
for my $copy ((map { [ $node, $_ ] } qw(parallel plain data replica_data postgres)), [ $elsewhere, 'postgres' ])
{
	my ($where, $database) = @$copy;

	is(use_book($where, $database), $told, $where->name . ", $database: as the copy");
	is($where->safe_psql($database, $events), "@events", $where->name . ", $database: a used id does not come again");
}
is(use_book($physical, 'postgres') =~ s/\d{2,}$/new/mgr, $told =~ s/\d{2,}$/new/mgr, 'base backup: the same, with other ids');

$_->stop for $physical, $elsewhere, $node;
done_testing();
