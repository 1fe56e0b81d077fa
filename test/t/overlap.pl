# overlap.pl: sessions write slots of few doctors by raw SQL, all at once and at random, with
# commits, rollbacks and savepoints. No two live slots of a doctor overlap afterwards, nor would
# an exclusion constraint find any that do.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($sessions, $transactions) = (8, 400);

my $node = PostgreSQL::Test::Cluster->new('overlap');
$node->init;
# those who wait for each other are many here
$node->append_conf('postgresql.conf', "timezone = UTC\nfsync = off\ndeadlock_timeout = 20ms");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION booking CASCADE;
	INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
	INSERT INTO booking.doctors (id, clinic_id, name) SELECT n, 1, 'Dr ' || n FROM generate_series(1, 3) AS n;
});

sub at { return sprintf "'2099-06-01 00:00+00'::timestamptz + interval '%d minutes'", 5 * shift }

# One slot, or a run of slots side by side, somewhere in a day of five-minute places.
sub insert
{
	my $doctor = 1 + int rand 3;
	my $first = int rand 280;
	my $length = 1 + int rand 6;
	my $count = rand() < 0.4 ? 2 + int rand 12 : 1;
	my @rows = map { sprintf "(1, %d, %s, %s)", $doctor, at($first + $_ * $length), at($first + ($_ + 1) * $length) } 0 .. $count - 1;
	@rows = reverse @rows if rand() < 0.2;
	my $do = rand() < 0.1 ? " ON CONFLICT (doctor_id, starts_at) WHERE deleted_at IS NULL DO NOTHING" : "";
	return "INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES " . join(", ", @rows) . "$do;";
}

sub any_slot
{
	my $live = shift;
	return "id = (SELECT id FROM booking.time_slots WHERE deleted_at IS $live ORDER BY id LIMIT 1 OFFSET " . int(rand 40) . ")";
}

sub change
{
	my $kind = rand;
	return insert() if $kind < 0.55;
	return "UPDATE booking.time_slots SET deleted_at = now() WHERE " . any_slot("NULL") . ";" if $kind < 0.75;
	return "UPDATE booking.time_slots SET deleted_at = NULL WHERE " . any_slot("NOT NULL") . ";" if $kind < 0.82;
	return "DELETE FROM booking.time_slots WHERE " . any_slot("NULL") . ";" if $kind < 0.9;
	my $place = int rand 280;
	return sprintf "UPDATE booking.time_slots SET doctor_id = %d, starts_at = %s, ends_at = %s WHERE %s;",
		1 + int rand 3, at($place), at($place + 3), any_slot("NULL");
}

sub transaction
{
	my @levels = ("READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE");
	my @steps = ("BEGIN ISOLATION LEVEL $levels[rand @levels];");
	for (1 .. 1 + int rand 3)
	{
		push @steps, rand() < 0.3 ? ("SAVEPOINT a;", change(), rand() < 0.5 ? "ROLLBACK TO a;" : "RELEASE a;") : change();
	}
	# uncommitted for a moment, so that others meet it; what must hold does not depend on it
	push @steps, "SELECT FROM pg_sleep(0.003);" if rand() < 0.5;
	return join "\n", @steps, rand() < 0.75 ? "COMMIT;" : "ROLLBACK;";
}

my @running;
for my $session (1 .. $sessions)
{
	srand $session;
	my $script = join "\n", "\\set VERBOSITY sqlstate", map { transaction() } 1 .. $transactions;
	my $file = $node->basedir . "/session$session";
	append_to_file("$file.sql", "$script\n\\echo done\n");
	# files, as a session that waits for its output to be read would keep its locks
	my $harness = IPC::Run::start(
		[ 'psql', '-X', '-q', '-At', '-f', "$file.sql", '-d', $node->connstr('postgres') ],
		'>', "$file.out", '2>', "$file.err");
	push @running, { file => $file, harness => $harness };
}

# Refused for the overlap, for the same start, for a deadlock or by the isolation level, and what
# follows in the transaction: nothing else may happen.
my %errors;
for my $run (@running)
{
	IPC::Run::finish($run->{harness});
	like(slurp_file("$run->{file}.out"), qr/^done$/m, 'a session came to its end');
	$errors{$_}++ for slurp_file("$run->{file}.err") =~ /ERROR:\s+(\w+)/g;
}
note join ", ", map { "$_: $errors{$_}" } sort keys %errors;
cmp_ok($errors{'23P01'} // 0, '>', 50, 'many overlaps were refused');
delete @errors{qw(23P01 23505 25P02 3B001 40P01 40001)};
is_deeply(\%errors, {}, 'and nothing was refused for another reason');

cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM booking.time_slots WHERE deleted_at IS NULL'), '>', 20, 'slots were written');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM booking.time_slots a JOIN booking.time_slots b
		ON a.doctor_id = b.doctor_id AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
	WHERE a.deleted_at IS NULL AND b.deleted_at IS NULL}), '0', 'no two of a doctor overlap');
is($node->psql('postgres', q{
	ALTER TABLE booking.time_slots ADD EXCLUDE USING gist
		(doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (deleted_at IS NULL)}), 0,
	'an exclusion constraint finds none either');

$node->stop;
done_testing();
