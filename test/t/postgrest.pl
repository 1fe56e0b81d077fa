# postgrest.pl: what deploy/postgrest.sql does for PostgREST, by the SQL that PostgREST would send: the
# check before a request, the limits of time, EXPLAIN for counts, and embeddings that lead back.
use strict;
use warnings;

use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('postgrest');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = UTC");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');
my $people = slurp_file("$top/test/pgtap/people.psql");
my %people;
for (split /\n/, $node->safe_psql('postgres', "BEGIN;\n$people\nCOMMIT;\nSELECT concat_ws(E'\\t', person, role, claims) FROM pg_temp.people"))
{
	my ($person, $role, $claims) = split /\t/;
	$people{$person} = { role => $role, claims => $claims } if defined $claims;
}
# as a DBA would, and once more
for my $time ('once', 'again')
{
	my $errors;
	ok(IPC::Run::run([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', "$top/deploy/postgrest.sql" ], '2>' => \$errors), "deploy/postgrest.sql runs $time");
	is($errors, '', 'and says nothing');
}

# A transaction of PostgREST: what it sets, the check, a statement. Returns the SQLSTATE, or what the
# statement gives.
sub request
{
	my ($who, $headers, $statement) = @_;
	my $person = $people{$who};
	my $quoted = sub { "'" . $_[0] =~ s/'/''/gr . "'" };
	my ($status, $output, $errors) = $node->psql('postgres', <<"END", extra_params => [ '-U', 'authenticator' ]);
\\set VERBOSITY verbose
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SELECT set_config('search_path', '"booking", "pg_catalog"', true), set_config('role', '$person->{role}', true),
	set_config('request.jwt.claims', '$person->{claims}', true), set_config('request.method', 'GET', true),
	set_config('request.path', '/appointments', true), set_config('request.headers', @{[ $quoted->($headers) ]}, true) \\g /dev/null
SELECT "booking_rest"."check_request"() \\g /dev/null
$statement;
COMMIT;
END
	return $errors =~ /(?:ERROR|FATAL):\s+(\w{5}): (.*)/ ? ($1, $errors) : ('00000', $output);
}

sub headers { return JSON::PP->new->encode({ accept => 'application/json', prefer => $_[0] }) }

# Counts: the headers that PostgREST takes for an estimate, and those that are nearly so.
for my $prefer ('count=planned', 'count=estimated', 'return=representation, count=planned', 'return=minimal,count=estimated,tx=commit',
	" \tcount=planned \t", 'Count=PLANNED', 'count = planned', 'count="planned"', "count='estimated'", "x\ncount=planned", 'count=exact, count=planned')
{
	my $shown = $prefer =~ s/\s/ /gr;
	for my $who ('guest', 'ada', 'alder')
	{
		my ($state, $errors) = request($who, headers($prefer), 'SELECT 1');
		is($state, 'PT400', "$who: Prefer: $shown is refused");
		like($errors, qr/DETAIL:  rule count_is_exact: .*HINT:  Send/s, 'and the answer says why');
	}
	is((request('admin', headers($prefer), 'SELECT 1'))[0], '00000', "an administrator may: $shown");
}
for my $headers (headers('count=exact'), headers('return=representation, count=exact'), headers('planned'), headers('count=unplanned'),
	headers("it's \"quoted\" \\ ; DROP"), headers("\x{201c}count\x{201d}"), headers(undef), '{}', '', '{"x-prefer": "count=planned"}')
{
	is((request('ada', $headers, 'SELECT 1'))[0], '00000', "nothing is wrong with $headers");
}

# What PostgREST asks for such a count. Of several headers Prefer the check above sees the last one only.
my $count = 'EXPLAIN (FORMAT JSON) SELECT 1 FROM "booking"."appointments" WHERE "booking"."appointments"."patient_id" = 7300000002';
for my $who ('guest', 'ada', 'alder')
{
	my ($state, $errors) = request($who, headers('x'), $count);
	is($state, '42501', "$who: no estimate");
	like($errors, qr/rule plans_are_for_administrators: /, 'which is said by its rule');
}
is((request('admin', headers('x'), $count))[0], '00000', 'for an administrator there is one');
like(($node->psql('postgres', "SET ROLE booking_patient; $count"))[1], qr/Plan Rows/, 'the guard is for the login of PostgREST');
like((request('ada', headers('x'), "SET booking.guard_requests = off; $count"))[0], qr/42501/, 'who cannot turn it off');

# An EXPLAIN that an administrator has prepared in the same session is still refused to others.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.plan() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXPLAIN SELECT FROM booking.appointments WHERE patient_id = 7300000002 LOOP
		RETURN left(line, 0);
	END LOOP;
END
$$;
SQL
like(($node->psql('postgres', "\\set VERBOSITY sqlstate\nSET ROLE booking_admin; SELECT public.plan() = ''; SET ROLE booking_patient; SELECT public.plan()",
	extra_params => [ '-U', 'authenticator' ]))[2], qr/ERROR:  42501/, 'a plan that was prepared for an administrator');

# Embeddings as PostgREST makes them: each level a LATERAL query of rows that go into one JSON value.
sub embedding
{
	my (@way) = @_;
	my %on = ('clinics doctors' => '%2$s.clinic_id = %1$s.id', 'doctors clinics' => '%2$s.id = %1$s.clinic_id',
		'doctors time_slots' => '%2$s.doctor_id = %1$s.id', 'time_slots doctors' => '%2$s.id = %1$s.doctor_id');
	my $embedded = '';
	for my $n (reverse 1 .. $#way)
	{
		my $on = sprintf $on{"$way[$n - 1] $way[$n]"}, $n > 1 ? 't' . ($n - 1) : $way[0], "t$n";
		my $columns = "t$n.id" . ($n < $#way ? ', e' . ($n + 1) . '.*' : '');
		$embedded = " LEFT JOIN LATERAL (SELECT json_agg(x$n) AS x$n FROM (SELECT $columns FROM booking.$way[$n] AS t$n$embedded WHERE $on) AS x$n) AS e$n ON true";
	}
	return "WITH pgrst_source AS (SELECT $way[0].id, e1.* FROM booking.$way[0]$embedded LIMIT 1000) SELECT count(*) > 0 FROM (SELECT * FROM pgrst_source) t";
}
is((request('guest', '', embedding('clinics', 'doctors')))[1], 't', 'clinics with their doctors');
is((request('guest', '', embedding('clinics', 'doctors', 'time_slots')))[1], 't', 'and these with their slots');
is((request('guest', '', embedding('time_slots', 'doctors', 'clinics')))[1], 't', 'slots with their doctors with their clinics');
for my $way ([qw(clinics doctors clinics)], [qw(doctors clinics doctors)], [qw(clinics doctors time_slots doctors)], [ ('clinics', 'doctors') x 10 ])
{
	for my $who ('guest', 'ada', 'alder')
	{
		my ($state, $errors) = request($who, '', embedding(@$way));
		is($state, 'PT422', "$who: " . join(' of ', reverse @$way) . ' are refused');
		like($errors, qr/rule embedding_does_not_lead_back: /, 'by their rule');
	}
}
is((request('ada', '', 'WITH pgrst_source AS (SELECT * FROM booking.patients) SELECT count(*) FROM pgrst_source s LEFT JOIN LATERAL (SELECT a.patient_id FROM booking.appointments a
	LEFT JOIN LATERAL (SELECT p.id FROM booking.patients p WHERE p.id = a.patient_id) p ON true WHERE a.patient_id = s.id) a ON true'))[0], 'PT422', 'nor back to what a request has written');
is((request('admin', '', embedding('clinics', 'doctors', 'clinics')))[1], 't', 'an administrator may embed so');
is((request('ada', '', 'SELECT a.id = b.id FROM booking.appointments a, booking.appointments b WHERE a.id = b.id LIMIT 1'))[1], 't', 'a table may be read twice');
is((request('alder', '', 'SELECT count(*) FROM (SELECT x.* FROM (SELECT * FROM booking.find_patient(\'x\')) p, LATERAL (SELECT * FROM (SELECT p.id) y, LATERAL (SELECT * FROM booking.patients) z) x) t'))[0],
	'00000', 'what stands beside is no way back');
is((request('alder', '', 'SELECT count(*) FROM booking.find_patient(\'x\') p, LATERAL (SELECT * FROM booking.patients) z'))[0], 'PT422', 'rows of a function are of their table');

like((request('alder', '', 'INSERT INTO booking.bookings (slot_id, patient_id) SELECT slot_id, patient_id FROM (SELECT * FROM json_populate_recordset(NULL::booking.bookings, \'[{"slot_id": 1}]\')) x'))[1],
	qr/25006/, 'nor is a body that is made into rows');

# Time: the login's limits count, those of the roles it takes do not.
$node->safe_psql('postgres', "ALTER ROLE booking_guest SET statement_timeout = '1ms'");
is((request('guest', '', "SELECT current_user, current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"))[1],
	'booking_guest|8s|3s|10s', 'limits of time');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe("UPDATE booking.time_slots SET updated_at = now() WHERE id = 7400000011");
is(($node->psql('postgres', "\\set VERBOSITY verbose\nSET ROLE booking_staff; SET request.jwt.claims = '{\"clinic_ids\": [7100000001]}';\nUPDATE booking.time_slots SET ends_at = ends_at WHERE id = 7400000011",
	extra_params => [ '-U', 'authenticator' ]))[2] =~ /ERROR:\s+(\w{5})/ && $1, '55P03', 'an open transaction keeps a request waiting for so long');
$holder->quit;

# Limits of rows: set before the library is loaded, by a superuser, and by one who is not.
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET booking.max_rows_changed_by_patients = 2');
$node->safe_psql('postgres', 'CREATE ROLE phone LOGIN; GRANT booking_patient TO phone');
my $cancel = "SET request.jwt.claims = '{\"patient_id\": 7300000001}'; BEGIN; UPDATE booking.bookings SET status = status WHERE id <= %d; ROLLBACK";
for my $login ('authenticator', 'phone')
{
	my $state = sub { ($node->psql('postgres', sprintf("\\set VERBOSITY verbose\nSET ROLE booking_patient; $cancel", $_[0]), extra_params => [ '-U', $login ]))[2] =~ /ERROR:\s+(\w{5})/ ? $1 : '00000' };
	is($state->(7500000006), '00000', "$login: two rows, as the database has it");
	$node->safe_psql('postgres', 'ALTER DATABASE postgres SET booking.max_rows_changed_by_patients = 1');
	is($state->(7500000006), 'PT422', "$login: but not where that is one");
	local $ENV{PGOPTIONS} = '-c booking.max_rows_changed_by_patients=100';
	is($state->(7500000006), 'PT422', "$login: cannot raise it");
	delete $ENV{PGOPTIONS};
	$node->safe_psql('postgres', 'ALTER DATABASE postgres SET booking.max_rows_changed_by_patients = 2');
	is(($node->psql('postgres', "ALTER ROLE $login SET booking.max_rows_changed_by_patients = 100", extra_params => [ '-U', $login ]))[2] =~ /permission denied/ && 1, 1, "$login: nor for later");
}

$node->stop;
done_testing();
