# Monitoring a real cluster: refusals are counted in shared memory, exactly; a real exporter shows
# what the view metrics has, exactly; reading it costs the same in a book a hundred times as large; and
# promtool has nothing against the alerts. LONG: a book of 3,000,000 slots, in which it takes 50 ms at most.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rivals;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('monitoring');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'booking'
autovacuum = off
timezone = 'UTC'
log_statement = none
log_min_error_statement = panic
max_locks_per_transaction = 256
CONF
$node->start;
my $clinic = q(Çà "et" là \ 診療所);
my $clinic_sql = $clinic =~ s/'/''/gr;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('$clinic_sql');
SELECT booking.add_doctor(1, 'Dr Grace Hopper');
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, 4) n;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT 1, 1, t, t + interval '30 minutes' FROM generate_series(now() - interval '20 days', now() + interval '20 days', '1 hour') t;
CREATE ROLE prometheus LOGIN IN ROLE pg_monitor;
CREATE TABLE slots AS SELECT row_number() OVER (ORDER BY starts_at) AS n, id FROM booking.time_slots WHERE starts_at > now() + interval '1 hour';
SQL

sub refusals { return $node->safe_psql($_[0] // 'postgres', 'SELECT rule, refusals FROM booking.refusals() ORDER BY 1') }

# Statements that are refused, or are not: each by itself, whatever becomes of it.
sub try_all
{
	my @statements = @_;
	my ($status, $output, $errors) = $node->psql('postgres', join("\n", map { "$_;" } @statements), on_error_stop => 0);
	return scalar(() = $errors =~ /ERROR:/g);
}

is(refusals(), 'other|0', 'nothing is refused yet');
is(try_all(
		'SELECT booking.book_slot(0, 1)', 'SELECT booking.book_slot(0, 2)', 'BEGIN', 'SELECT booking.book_slot(0, 3)', 'ROLLBACK',
		'SELECT booking.book_slot((SELECT id FROM slots WHERE n = 1), 1)',
		'SELECT booking.book_slot((SELECT id FROM slots WHERE n = 1), 2)',
		'SELECT booking.book_slot(NULL, 1)',
		"SELECT booking.add_patient('Another', '1\@EXAMPLE.org')",	# a constraint, told as a rule
		"SELECT booking.set_appointment_status(1, 'fulfilled')",	# a trigger under a statement of ours
		"UPDATE booking.appointments SET status = 'fulfilled'",	# a trigger under plain SQL
		'SET ROLE booking_guest', 'SELECT booking.claimed_patient_id()', 'RESET ROLE',	# the server's own refusal
		"SET request.jwt.claims = '{'", 'SELECT booking.claimed_patient_id()', 'RESET request.jwt.claims',
		# dry runs and answers refuse nothing
		'SELECT count(*) FROM booking.check_booking(0, 1)', 'SELECT booking.is_slot_available((SELECT id FROM slots WHERE n = 1))',
		# nor does what goes through in the end, though another way
		"DO \$\$ BEGIN PERFORM booking.book_slot(0, 1); EXCEPTION WHEN SQLSTATE 'PT404' THEN NULL; END \$\$"),
	10, 'of these, ten ended in an error');
is(refusals(), join("\n", 'claims_are_valid|1', 'other|0', 'patient_email_is_unique|1', 'required_argument|1', 'slot_exists|4', 'slot_not_booked|1', 'status_transition|2'),
	'each refusal is counted once, by its rule');

# Rules of the clinic's own; with names of any length.
my $rule = '規' x 63;
$node->safe_psql('postgres', "CREATE FUNCTION no(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN 'no';
	SELECT booking.add_rule('$rule', 'no(booking.time_slots, booking.patients)');");
is(try_all('SELECT booking.book_slot((SELECT id FROM slots WHERE n = 5), 2)'), 1, 'the clinic\'s rule refuses');
is($node->safe_psql('postgres', "SELECT rule, refusals FROM booking.refusals() WHERE rule LIKE '規%'"), '規' x 21 . '|1', 'its name is cut to 63 bytes');
$node->safe_psql('postgres', "SELECT booking.remove_rule('$rule')");

# Rivals that are refused at once are all counted, also by a rule that none has counted yet.
my $times = 500;
finish_rivals(start_rivals($node, ("DO \$\$ BEGIN FOR i IN 1 .. $times LOOP BEGIN PERFORM booking.cancel_appointment(0); EXCEPTION WHEN SQLSTATE 'PT404' THEN NULL; END; END LOOP; END \$\$;\n") x 6));
is($node->safe_psql('postgres', "SELECT refusals FROM booking.refusals() WHERE rule = 'appointment_exists'"), 6 * $times, 'refusals at the same time');

# Each database has its own.
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION booking CASCADE');
is(refusals('second'), 'other|0', 'another database has refused nothing');
$node->psql('second', 'SELECT booking.book_slot(0, 0)');
is($node->safe_psql('second', 'SELECT sum(refusals) FROM booking.refusals()'), '1', 'and counts for itself');

# A standby, for its lag; it counts for itself as well.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', "cluster_name = 'standby'");
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
$standby->psql('postgres', 'SELECT booking.is_slot_available(0)');
is($standby->safe_psql('postgres', 'SELECT rule, refusals FROM booking.refusals()'), "slot_exists|1\nother|0", 'a standby counts its own');
# What reading writes, by pruning, is flushed up to the end of a page, and half of a record received; a
# commit flushes the other half.
eventually(
	sub {
		$node->safe_psql('postgres', "SELECT pg_logical_emit_message(true, '', '')");
		$standby->safe_psql('postgres', "SELECT value FROM booking.metrics WHERE name = 'booking_standby_lag_seconds'");
	},
	'0', 'a standby that is up to date');
ok($standby->safe_psql('postgres', 'SELECT count(*) FROM booking.metrics') > 20, 'and has the other metrics');

# A book with something in every metric: holds, figures, a consumer, a session that waits.
$node->safe_psql('postgres', <<'SQL');
SELECT booking.book_slot(id, 1) FROM slots WHERE n IN (3, 7, 30);
SELECT booking.hold_slot(id, 2) FROM slots WHERE n = 12;
SELECT booking.hold_slot(id, 2, '1 microsecond') FROM slots WHERE n IN (13, 14);
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status)
SELECT id, 3, 1, 1, starts_at, ends_at, CASE WHEN n > 3 THEN 'fulfilled' ELSE 'noshow' END::booking.appointment_status
FROM (SELECT *, row_number() OVER (ORDER BY starts_at) AS n FROM booking.time_slots) s WHERE n <= 10;
SELECT rows FROM booking.maintain(max_rows => 1);
SELECT count(*) FROM booking.read_events('mail');
SQL
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT status FROM booking.book_slot((SELECT id FROM slots WHERE n = 20), 1)');
my ($waiter) = start_rivals($node, 'SELECT status FROM booking.book_slot((SELECT id FROM slots WHERE n = 20), 2);');
wait_for($node, "count(*) = 1 FROM pg_locks WHERE NOT granted AND objsubid = 28001");

sub figures
{
	my %figures;

	for (split /\n/, $node->safe_psql('postgres', "SET ROLE prometheus; SELECT name || labels::text || ' ' || value FROM booking.metrics WHERE value IS NOT NULL"))
	{
		my ($series, $value) = /^(.*\}) (\S+)$/ or die $_;
		$figures{$series} = $value;
	}
	return \%figures;
}

# What an exporter says, series by series as figures() has them.
sub scraped
{
	my ($text) = @_;
	my (%figures, $json);

	$json = JSON::PP->new->canonical;
	for ($text =~ /^(booking_.*)$/mg)
	{
		my ($name, $labels, $value) = /^(\w+)(?:\{(.*)\})? (\S+)$/ or die $_;
		my %labels;
		while ($labels =~ /(\w+)="((?:[^"\\]|\\.)*)"/g)
		{
			my ($label, $content) = ($1, $2);
			$labels{$label} = $content =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ger if $label ne 'server';
		}
		$figures{ $name . key(\%labels) } = $value;
	}
	return \%figures;
}
# An object as jsonb shows it: shorter keys first.
sub key
{
	my ($labels) = @_;

	return '{' . join(', ', map { my $v = $labels->{$_}; $v =~ s/(["\\])/\\$1/g; qq("$_": "$v") }
		sort { length $a <=> length $b || $a cmp $b } keys %$labels) . '}';
}

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $log = "$PostgreSQL::Test::Utils::log_path/exporter.log";
local $ENV{DATA_SOURCE_NAME} = 'user=prometheus dbname=postgres sslmode=disable host=' . $node->host . ' port=' . $node->port;
my $exporter = IPC::Run::start(
	[ 'prometheus-postgres-exporter', "--web.listen-address=127.0.0.1:$port", "--extend.query-path=$top/deploy/prometheus/queries.yaml" ],
	'<' => '/dev/null', '>' => $log, '2>&1');
my $http = HTTP::Tiny->new(timeout => 20);
my $answer;
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	$answer = $http->get("http://127.0.0.1:$port/metrics");
	last if $answer->{success};
	select undef, undef, undef, 0.1;
}
is($answer->{status}, 200, 'the exporter answers') or diag(slurp_file($log));

# What counts up or ages is between what the view had before and after; all else is the same.
my $before = figures();
my $text = $http->get("http://127.0.0.1:$port/metrics")->{content};
my $after = figures();
my $scraped = scraped($text);
is_deeply([ sort keys %$scraped ], [ sort keys %$before ], 'the exporter has every series of the view, and no other');
my @moving = grep { $before->{$_} != $after->{$_} } sort keys %$before;
is_deeply([ grep { !/^booking_(\w+_age_seconds|table_blocks_(hit|read)_total|replication_lag_\w+)\{/ } @moving ], [], 'nothing else moves');
my $same = grep { !/^booking_replication/ && $before->{$_} == $after->{$_} } keys %$before;
is_deeply([ grep { !/^booking_replication/ && $before->{$_} == $after->{$_} && $scraped->{$_} != $before->{$_} } sort keys %$before ], [], 'what stays is exactly the same');
cmp_ok($same, '>', 30, "$same series");
is_deeply([ grep { !/^booking_replication/ && !($before->{$_} <= $scraped->{$_} && $scraped->{$_} <= $after->{$_}) } @moving ], [], 'what moves is in between');

my %expected = (
	'booking_appointments_made_total{}' => 17,
	'booking_refusals_total{"rule": "slot_exists"}' => 4,
	'booking_refusals_total{"rule": "appointment_exists"}' => 3000,
	'booking_holds{"state": "active"}' => 1,
	'booking_holds{"state": "expired"}' => 1,
	qq(booking_free_slots{"days": "1", "clinic": "Çà \\"et\\" là \\\\ 診療所", "clinic_id": "1"}) => 20,
	qq(booking_noshow_ratio{"clinic": "Çà \\"et\\" là \\\\ 診療所", "clinic_id": "1"}) => 0.3,
	'booking_lock_waits{"class": "slot"}' => 1,
	'booking_lock_waits{"class": "patient"}' => 0,
	'booking_maintenance_rows{"task": "expire_holds"}' => 1,
	'booking_table_updates_total{"table": "time_slots"}' => $before->{'booking_table_updates_total{"table": "time_slots"}'});
is($scraped->{$_}, $expected{$_}, $_) for sort keys %expected;
ok(exists $scraped->{'booking_replication_lag_bytes{"standby": "standby"}'}, 'the standby shows');
unlike($text, qr/example\.org|Patient \d/, 'nobody is in it');
$exporter->kill_kill;
$holder->query_safe('ROLLBACK');
$holder->quit;
finish_rivals($waiter);

# What finds no room among 256 rules is counted together.
my $counted = $node->safe_psql('postgres', 'SELECT count(*) - 1 FROM booking.refusals()') + 1;	# and one of the other database
$node->safe_psql('postgres', <<'SQL');
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM booking.add_rule('rule ' || i, 'no(booking.time_slots, booking.patients)');
		BEGIN
			PERFORM booking.book_slot((SELECT id FROM slots WHERE n = 50), 4);
		EXCEPTION WHEN SQLSTATE 'PT422' THEN NULL;
		END;
		PERFORM booking.remove_rule('rule ' || i);
	END LOOP;
END
$$;
SQL
is($node->safe_psql('postgres', "SELECT count(*), sum(refusals) FILTER (WHERE rule LIKE 'rule %'), sum(refusals) FILTER (WHERE rule = 'other') FROM booking.refusals()"),
	join('|', 256, 256 - $counted, 300 - (256 - $counted)), 'the 257th rule is other');

# Reading the metrics, and maintenance that has nothing to do, cost what they cost in a small book.
sub buffers
{
	my ($query) = @_;
	my $plan = decode_json($node->safe_psql('postgres', "\\o /dev/null\n" . "SELECT count(*) FROM $query;\n" x 7
		. "\\o\nEXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM $query"))->[0]->{Plan};

	return $plan->{'Shared Hit Blocks'} + $plan->{'Shared Read Blocks'};
}
my $doctors = $ENV{LONG} ? 22 : 1;
$node->safe_psql('postgres', "SELECT booking.add_doctor(1, 'Dr ' || n) FROM generate_series(2, $doctors) n");
$node->safe_psql('postgres', 'VACUUM ANALYZE');
my %small = map { $_ => buffers($_) } 'booking.metrics', "booking.maintain(retention => '1 year')";
$node->safe_psql('postgres', <<'SQL');
SET session_replication_role = replica;
ALTER TABLE booking.time_slots DISABLE TRIGGER ALL;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at, is_available)
SELECT 1, d.id, t, t + interval '5 minutes', false
FROM booking.doctors d, generate_series(now() + interval '30 days', now() + interval '1000 days', '10 minutes') t;
ALTER TABLE booking.time_slots ENABLE TRIGGER ALL;
ALTER TABLE booking.time_slots ENABLE ALWAYS TRIGGER doctor_slots_do_not_overlap;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, idempotency_key)
SELECT id, 1, 1, doctor_id, starts_at, ends_at, 'key ' || id FROM booking.time_slots WHERE starts_at > now() + interval '30 days';
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role) SELECT id, slot_id, status, current_user FROM booking.appointments;
SQL
$node->safe_psql('postgres', 'VACUUM ANALYZE');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM booking.time_slots'), '>', $doctors * 139_000, 'a larger book');
for (sort keys %small)
{
	my $large = buffers($_);

	cmp_ok($small{$_}, '>', 0, "$_: $small{$_} buffers in the small book");
	cmp_ok($large, '<=', $small{$_} + 25, "$_: $large in the large one");
}
if ($ENV{LONG})
{
	my $took = $node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION pg_temp.read_metrics() RETURNS float LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE $read$SELECT string_agg(m::text, '') FROM booking.metrics m$read$;
	RETURN 1000 * extract(epoch FROM clock_timestamp() - started);
END
$$;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pg_temp.read_metrics()) FROM generate_series(1, 7);
SQL
	diag("reading the metrics, planned anew each time: median of seven $took ms");
	cmp_ok($took, '<', 50, 'they are read in less than 50 ms');
}

# No plan is compiled, which takes longer than to run it, also where it looks dear.
my ($status, undef, $plans) = $node->psql('postgres', "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;
	SET auto_explain.log_nested_statements = on; SET client_min_messages = log; SELECT count(*) FROM booking.maintain(retention => '1 year')");
like($plans, qr/idempotency_keys_by_age/, 'the plans of maintain() show');
unlike($plans, qr/^JIT:/m, 'and are not compiled');

# After a restart counting begins anew; without preloading nothing is counted.
$node->restart;
is(refusals(), 'other|0', 'a restart forgets');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(try_all('SELECT booking.book_slot(0, 1)'), 1, 'a refusal without preloading');
is(refusals(), '', 'is not counted');
is($node->safe_psql('postgres', "SELECT name, value FROM booking.metrics WHERE name LIKE 'booking_refusals%'"), 'booking_refusals_are_counted|0', 'which the metrics say');

command_like([ 'promtool', 'check', 'rules', "$top/deploy/prometheus/rules.yml" ], qr/SUCCESS: \d+ rules found/, 'promtool reads the rules');
command_like([ 'promtool', 'test', 'rules', "$top/test/prometheus/rules_test.yml" ], qr/SUCCESS/, 'and sees the alerts fire');
# every metric that the rules use is one of the view's, and each alert is tested
my $rules = slurp_file("$top/deploy/prometheus/rules.yml");
my %names = map { /^(\w+)/ => 1 } keys %$scraped;
is_deeply([ grep { !$names{$_} && $_ ne 'booking_standby_lag_seconds' } $rules =~ /\b(booking_\w+)/g ], [], 'the rules use metrics that there are');
my $tests = slurp_file("$top/test/prometheus/rules_test.yml");
is_deeply([ grep { $tests !~ /- alertname: $_\n/ } $rules =~ /- alert: (\w+)/g ], [], 'each alert is seen to fire');
# and the document has each of both
my $document = slurp_file("$top/doc/monitoring.md");
is_deeply([ sort keys %names ], [ sort grep { $_ ne 'booking_standby_lag_seconds' } $document =~ /^\| `(booking_\w+)` \|/mg ], 'doc/monitoring.md has every metric');
is_deeply([ $rules =~ /- alert: (\w+)/g ], [ $document =~ /^\| `(Booking\w+)` \|/mg ], 'and every alert, in order');

$standby->stop;
$node->stop;
done_testing();
