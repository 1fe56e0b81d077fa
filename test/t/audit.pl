# pgAudit, set up as doc/security.md says, sees what bookings write as it sees what is written by statements.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($doc) = slurp_file("$FindBin::RealBin/../../doc/security.md") =~ /^## Audit\n(.*?)^## /ms;
my ($conf) = $doc =~ /^```conf\n(.*?)^```$/ms;
my ($grants) = $doc =~ /^```sql\n(.*?)^```$/ms;
my ($example) = $doc =~ /^```\n(AUDIT: .*?)\n```$/ms;
my @calls = $doc =~ /^\| `(\w+\([^`]*\))` \| (.*) \|$/mg;

my $node = PostgreSQL::Test::Cluster->new('audit');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = 'UTC'\nlog_statement = none\n$conf");
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street');
SELECT booking.add_doctor(1, 'Dr Grace Hopper');
SELECT booking.add_patient('Ada Lovelace', 'ada\@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 30);
$grants
SQL

# The lines that a patient's request leaves, in a session with these settings.
sub audited
{
	my ($request, $settings) = @_;
	my $start = -s $node->logfile;

	local $ENV{PGOPTIONS} = $settings // '';
	$node->psql('postgres', <<"SQL");
SET ROLE booking_patient;
SET request.jwt.claims = '{"patient_id": 1, "sub": "user-1"}';
$request;
SQL
	return slurp_file($node->logfile, $start) =~ /(AUDIT: .*)/g;
}

# What was written, such as "INSERT appointments".
sub written { return join ', ', map { /,WRITE,(\w+),TABLE,booking\.(\w+),/ ? "$1 $2" : () } @_ }

cmp_ok(scalar @calls, '>=', 10, 'the document has calls');
my @first;
while (my ($call, $lines) = splice @calls, 0, 2)
{
	my @lines = audited("SELECT booking.$call");
	@first = @lines if !@first;
	is(written(@lines), $lines, "$call leaves the lines of the document");
	is(scalar(grep { !/^AUDIT: OBJECT,1,/ } @lines), 0, 'which are of objects, and of one statement');
}
is($first[2], $example, 'with who it was, as the document shows');
is(written(audited('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT booking.book_slot(4); COMMIT')),
	'UPDATE time_slots, INSERT appointments, INSERT appointment_events', 'so it is at other isolation levels');
is(join("\n", audited('SELECT booking.book_slot(4)')), '', 'who is refused has written nothing');

# Sessions.
is(join(', ', map { /^AUDIT: SESSION,1,\d,(.*?),,/ } audited('SELECT booking.book_slot(5)', '-c pgaudit.log=write -c pgaudit.role=')),
	'WRITE,UPDATE, WRITE,INSERT, WRITE,INSERT', 'a log of the session has the same statements');
like(join("\n", audited('SELECT booking.book_slot(5)', '-c pgaudit.log=function')),
	qr/^AUDIT: SESSION,1,1,FUNCTION,EXECUTE,FUNCTION,booking\.book_slot,SELECT booking\.book_slot\(5\);?,<none>$/, 'and one of functions the call that was refused');

# Reading.
$node->safe_psql('postgres', <<'SQL');
GRANT SELECT ON booking.appointments, booking.time_slots TO auditor;
CREATE FUNCTION public.few(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql
	AS 'SELECT ''enough'' FROM booking.appointments a WHERE a.patient_id = patient.id HAVING count(*) > 99';
SELECT booking.add_rule('few', 'public.few(booking.time_slots, booking.patients)');
SQL
like(join("\n", audited('SELECT booking.book_slot(6)')), qr/,READ,SELECT,TABLE,booking\.appointments,SELECT 'enough' FROM/, 'a rule of a clinic is seen reading');
my @lines = audited("RESET ROLE; INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, '2099-06-02 09:00', '2099-06-02 09:30')");
is(written(@lines), 'INSERT time_slots', 'plain SQL is seen writing');
is(scalar(grep { /,READ,/ } @lines), 0, 'the constraint trigger is not seen reading');

$node->stop;
done_testing();
