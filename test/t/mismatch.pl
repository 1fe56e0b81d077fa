# A library that is older or newer than what is installed in the database says so, and does nothing
# else, in sessions that were there before as well. The two versions are built from the same sources
# under two numbers, and their files put where a package manager would, into a copy of the server.
use strict;
use warnings;

use File::Path;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The server finds its files from where it is itself, so that a copy has a place for its own.
sub copy_of_server
{
	my %dir = map { $_ => `pg_config --$_` =~ s/\n//r } qw(bindir pkglibdir sharedir);
	my $root = PostgreSQL::Test::Utils::tempdir;
	my $prefix = $dir{bindir};

	$prefix =~ s{/[^/]*$}{} until !grep { index($_, "$prefix/") != 0 } values %dir;
	for my $dir (values %dir)
	{
		my $copy = $root . substr($dir, length $prefix);

		mkpath($copy);
		system_or_bail('cp', '-a', "$dir/.", $copy);
		$dir = $copy;
	}
	return %dir;
}

# The files of a version, by what they replace.
sub build
{
	my ($version) = @_;
	my $tree = PostgreSQL::Test::Utils::tempdir;
	my $control = slurp_file('booking.control') =~ s/^default_version = '\K[^']*/$version/mr;

	delete local @ENV{qw(MAKEFLAGS MAKELEVEL)};
	system_or_bail('cp', '-a', 'Makefile', 'src', 'sql', $tree);
	unlink glob "$tree/sql/booking--*.sql";
	append_to_file("$tree/booking.control", $control);
	system_or_bail('make', '-s', '-C', $tree, 'with_llvm=no', 'COPT=-O0', 'all');
	return { 'pkglibdir/booking.so' => "$tree/booking.so", 'extension/booking.control' => "$tree/booking.control",
		"extension/booking--$version.sql" => "$tree/sql/booking--$version.sql" };
}

my ($old) = slurp_file('booking.control') =~ /^default_version = '(.*)'$/m;
my $new = 9 . substr($old, 1);
my %files = ($old => build($old), $new => build($new));
my %dir = copy_of_server();
$dir{extension} = "$dir{sharedir}/extension";

# Other than by writing into the file that sessions have loaded.
sub install_package
{
	my ($version) = @_;

	while (my ($place, $file) = each %{ $files{$version} })
	{
		my $path = $place =~ s{^(\w+)}{$dir{$1}}r;

		system_or_bail('cp', $file, "$path.new");
		rename "$path.new", $path or die "$path: $!";
	}
}

# An update that fires triggers of ours, and after which a function has other arguments.
append_to_file("$dir{extension}/booking--$old--$new.sql", <<'SQL');
UPDATE booking.clinics SET address = '  1 Harley Street ';
DROP FUNCTION booking.session_slots(date, time, time, text, int, int);
CREATE FUNCTION booking.session_slots(minutes int) RETURNS TABLE (starts_at timestamptz, ends_at timestamptz)
	LANGUAGE C AS 'MODULE_PATHNAME', 'booking_session_slots';
SQL

my $node = PostgreSQL::Test::Cluster->new('mismatch', install_path => $dir{bindir} =~ s{/bin$}{}r);
install_package($old);
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper');
SELECT booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '10:00', 15);
SQL
$node->safe_psql('postgres', "CREATE DATABASE $_") for 'fresh', 'late';

sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY verbose');
	return $session;
}

# What a statement answers, or with which error, all of it, it ends.
sub answer
{
	my ($session, $statement) = @_;

	$session->{stderr} = '';
	my $answer = $session->query($statement);
	return $session->{stderr} ? join "\n", $session->{stderr} =~ /^(?:psql:\S+ )?((?:ERROR|HINT|DETAIL): .*)$/mg : $answer;
}

my $update = <<"ERROR" =~ s/\n$//r;
ERROR:  55000: the library of extension booking is version $new, but version $old is installed in this database
HINT:  Run ALTER EXTENSION booking UPDATE in this database, as a superuser.
ERROR
my $reconnect = <<"ERROR" =~ s/\n$//r;
ERROR:  55000: the library of extension booking is version $old, but version $new is installed in this database
HINT:  Connect again: a session keeps the library that it has loaded, and a server that preloads it has to be restarted. If that does not help, install version $new of the package on this server first.
ERROR
my $book = 'SELECT status FROM booking.book_slot(%d, 1)';

my $before = session();
is(answer($before, sprintf $book, 1), 'booked', 'one version: a booking');
install_package($new);
is(answer($before, sprintf $book, 2), 'booked', 'a session that was there before the package of the next version still books');

my $after = session();
is(answer($after, sprintf $book, 3), $update, 'one that came after it is told to update');
is(answer($after, "UPDATE booking.clinics SET name = 'Harley'"), $update, 'by a trigger, too');
is(answer($after, 'SELECT count(*) FROM booking.time_slots'), 4, 'while plain queries are answered');

# As functions of no arguments that no trigger calls: whoever looks further is lost.
is(answer($after, <<'SQL'), '', 'no function of the library does anything');
CREATE FUNCTION pg_temp.told(symbol text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION pg_temp.probe() RETURNS bigint LANGUAGE C AS ''$libdir/booking'', %L', symbol);
	PERFORM pg_temp.probe();
	RETURN 'nothing';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN 'a mismatch';
END
$$;
SELECT DISTINCT prosrc, pg_temp.told(prosrc) FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace AND probin = '$libdir/booking' AND pg_temp.told(prosrc) <> 'a mismatch';
SQL
cmp_ok(answer($after, "SELECT count(DISTINCT prosrc) FROM pg_proc WHERE probin = '\$libdir/booking'"), '>', 40, 'and these are many');

my $dump = PostgreSQL::Test::Utils::tempdir . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump can be made');
like(slurp_file($dump), qr/^1\t1\t1\t1\t1\t2099-06-01 .*\tbooked\t/m, 'and has the appointments');

is($node->safe_psql('fresh', "CREATE EXTENSION booking CASCADE; SELECT name FROM booking.add_clinic('New')"), 'New', 'another database may have the new version');
my (undef, undef, $errors) = $node->psql('late', "CREATE EXTENSION booking VERSION '$old' CASCADE; SELECT booking.add_clinic('Late')");
like($errors, qr/ERROR:  the library of extension booking is version \Q$new\E, but version \Q$old\E is installed/, 'a third may get the old one, which is of no use there');

is(answer($after, 'BEGIN; ALTER EXTENSION booking UPDATE; SELECT booking.is_slot_available(3)'), 't', 'the update works in its transaction');
is(answer($after, 'ROLLBACK; SELECT booking.is_slot_available(3)'), $update, 'and not when it was rolled back');

is(answer($before, 'BEGIN; SELECT booking.claimed_patient_id()'), '', 'a transaction has begun when the extension is updated');
is($node->safe_psql('postgres', 'ALTER EXTENSION booking UPDATE; SELECT address FROM booking.clinics'), '1 Harley Street', 'the update may use what is in the library');
is(answer($before, 'SELECT booking.claimed_patient_id()'), $reconnect, 'the transaction learns of it');
$before->query('ROLLBACK');
is(answer($before, 'SELECT * FROM booking.session_slots(30)'), $reconnect, 'its session reads no arguments that it does not know');
is(answer($before, sprintf $book, 3), $reconnect, 'nor does it book');
is(answer($after, sprintf $book, 3), 'booked', 'the session that asked for the update goes on');
$before->quit;
$before = session();
is(answer($before, sprintf $book, 4), 'booked', 'and so does who connects again');
is(answer($before, 'SELECT count(*) FROM booking.appointments'), 4, 'each slot was booked once');
$_->quit for $before, $after;

install_package($old);
my $behind = session();
is(answer($behind, 'SELECT booking.is_slot_available(4)'), $reconnect, 'a package that is too old is told of');
install_package($new);
is(answer($behind, 'SELECT booking.is_slot_available(4)'), $reconnect, 'for as long as the session lasts');
$behind->quit;
is($node->safe_psql('postgres', 'SELECT booking.is_slot_available(4)'), 'f', 'with the right one all is well');

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'nothing crashed');
$node->stop;
done_testing();
