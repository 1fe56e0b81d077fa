# A random walk through the book: 8 sessions do 20,800 things to 200 slots at once, legal and
# not. Every answer is accounted for, and afterwards the book keeps every promise. Then 32
# sessions send the same request at once.
#
# WALK_SEED repeats what each session tries, if not how they interleave.

use strict;
use warnings;

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = 8;
my $operations = 2600;
my $seed = $ENV{WALK_SEED} // int(rand(1_000_000));
diag("WALK_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('walk');
$node->init;
# a deadlock is to be seen, not to be waited for
$node->append_conf('postgresql.conf', "max_connections = 60\ndeadlock_timeout = 100ms");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');
$node->safe_psql('postgres', "\\i $FindBin::RealBin/../invariants.psql");

# Four doctors with the same 50 hours, so that a patient may be wanted in two places. Those of
# the first five hours have started, with appointments that may be kept or missed.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) SELECT i, 1, 'Doctor ' || i FROM generate_series(1, 4) i;
INSERT INTO booking.patients (id, name, email)
	SELECT i, 'Patient ' || i, i || '@example.org' FROM generate_series(1, 40) i;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, is_available)
	SELECT hour * 4 + doctor, 1, doctor, start, start + interval '1 hour', hour > 4
	FROM generate_series(0, 49) hour, generate_series(1, 4) doctor,
		LATERAL (SELECT CASE WHEN hour > 4 THEN timestamptz '2099-06-01 00:00+00' ELSE now() - interval '9 hours' END
					+ hour * interval '1 hour' AS start) t;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, booked_at)
	SELECT id, id, clinic_id, doctor_id, starts_at, ends_at, now() FROM booking.time_slots WHERE id <= 20;
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
	SELECT id, slot_id, status, current_user FROM booking.appointments;

CREATE TABLE walk (
	session int, n int, op text, slot bigint, patient bigint, key text,
	target bigint,	-- the appointment that it was to be done to; -1: one that there is not
	status booking.appointment_status,
	sqlstate text, rule text, answer booking.appointments,
	PRIMARY KEY (session, n));

CREATE PROCEDURE walk(session int, seed float8, operations int) LANGUAGE plpgsql AS $$
DECLARE
	ops CONSTANT text[] := ARRAY[
		'book', 'book', 'book', 'book', 'book', 'book', 'hold', 'hold', 'short hold', 'short hold',
		'key', 'key', 'hold key', 'wrong key', 'confirm', 'confirm', 'confirm', 'cancel', 'cancel', 'cancel',
		'move', 'move', 'move', 'move', 'status', 'status', 'status', 'status', 'expire', 'withdraw', 'reopen', 'reopen'];
	statuses CONSTANT booking.appointment_status[] := enum_range(NULL::booking.appointment_status);
	w walk;
	at_slot bigint;
	at_status booking.appointment_status;
	any_status boolean;
BEGIN
	PERFORM setseed(seed);
	FOR n IN 1 .. operations LOOP
		w := ROW(session, n, ops[1 + floor(random() * cardinality(ops))], 1 + floor(random() * 200),
				 1 + floor(random() * 40), NULL, NULL, NULL, '00000', NULL, NULL);
		IF w.op IN ('confirm', 'cancel', 'move', 'status') THEN
			-- mostly one that it can be done to, but another session may be quicker
			at_slot := 1 + floor(random() * 200);
			at_status := CASE w.op WHEN 'confirm' THEN 'pending' WHEN 'status' THEN statuses[2 + floor(random() * 8)] ELSE 'booked' END;
			any_status := random() < 0.1;
			w.target := coalesce((SELECT id FROM booking.appointments
								  WHERE status = at_status OR any_status
								  ORDER BY slot_id < at_slot, slot_id, id DESC LIMIT 1), -1);
			w.status := statuses[1 + floor(random() * cardinality(statuses))];
		ELSIF w.op LIKE '%key' THEN
			-- holds with keys have patients of their own: a hold has the key that came last
			w.patient := CASE w.op WHEN 'hold key' THEN 31 ELSE 1 END + w.slot % 5;
			w.key := CASE w.op WHEN 'hold key' THEN 'hold ' || w.slot
				ELSE format('%s/%s', CASE w.op WHEN 'wrong key' THEN 1 + w.slot % 200 ELSE w.slot END, floor(random() * 2)) END;
		END IF;
		BEGIN
			CASE w.op
				WHEN 'book' THEN w.answer := booking.book_slot(w.slot, w.patient);
				WHEN 'hold' THEN w.answer := booking.hold_slot(w.slot, w.patient);
				WHEN 'short hold' THEN w.answer := booking.hold_slot(w.slot, w.patient, '1 microsecond');
				WHEN 'key', 'wrong key' THEN w.answer := booking.book_slot(w.slot, w.patient, w.key);
				WHEN 'hold key' THEN w.answer := booking.hold_slot(w.slot, w.patient, '1 hour', w.key);
				WHEN 'confirm' THEN w.answer := booking.confirm_hold(w.target);
				WHEN 'cancel' THEN w.answer := booking.cancel_appointment(w.target, format('%s/%s', session, n));
				WHEN 'move' THEN w.answer := booking.reschedule_appointment(w.target, w.slot);
				WHEN 'status' THEN w.answer := booking.set_appointment_status(w.target, w.status, format('%s/%s', session, n));
				WHEN 'expire' THEN PERFORM booking.expire_holds(1 + floor(random() * 5)::int);
				-- the slot's lock, held to the end of the transaction, keeps the list true
				WHEN 'withdraw' THEN
					PERFORM booking.set_slot_availability(w.slot, false);
					INSERT INTO withdrawn VALUES (w.slot) ON CONFLICT DO NOTHING;
				WHEN 'reopen' THEN
					PERFORM booking.set_slot_availability(w.slot, true);
					DELETE FROM withdrawn WHERE slot_id = w.slot;
			END CASE;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS w.sqlstate = RETURNED_SQLSTATE, w.rule = CONSTRAINT_NAME;
		END;
		INSERT INTO walk SELECT w.*;
		COMMIT;
	END LOOP;
END
$$;
SQL

# Starts sessions that run a statement each, all at the same moment: they wait for a lock that
# this one holds until the last of them does. Returns what they printed.
sub race
{
	my @statements = @_;
	my $timeout = IPC::Run::timeout(300);
	my @psql = ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'));
	my ($go, $ready, $trouble) = ("SELECT pg_advisory_lock(1);\n\\echo ready\n", '', '');
	my $starter = IPC::Run::start(\@psql, '<', \$go, '>', \$ready, '2>', \$trouble, $timeout);
	$starter->pump until $ready =~ /ready/;

	my @runs;
	for my $statement (@statements)
	{
		my $run = { out => '', err => '' };
		$run->{psql} = IPC::Run::start([ @psql, '-c', 'SELECT pg_advisory_lock_shared(1)', '-c', $statement ],
			'<', \undef, '>', \$run->{out}, '2>', \$run->{err}, $timeout);
		push @runs, $run;
	}
	$node->poll_query_until('postgres',
		"SELECT count(*) = @{[scalar @statements]} FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
		or die 'the sessions did not come to the start';
	$go .= "SELECT pg_advisory_unlock(1);\n";
	$starter->finish;
	for my $run (@runs)
	{
		$run->{psql}->finish or diag($run->{err});
		is($run->{err}, '', 'a session ran to its end');
	}
	return map { $_->{out} =~ s/^\n//r } @runs;
}

sub query_is
{
	my ($query, $expected, $what) = @_;
	is($node->safe_psql('postgres', $query), $expected, $what);
}

race(map { "CALL walk($_, " . (($seed * $sessions + $_) % 1000003) / 1000003 . ", $operations)" } 1 .. $sessions);

diag($node->safe_psql('postgres', <<'SQL') =~ s/^/  /mgr);
SELECT format('%-10s %s', op, string_agg(format('%s %s', sqlstate, count), ', ' ORDER BY sqlstate))
FROM (SELECT op, sqlstate, count(*) FROM walk GROUP BY op, sqlstate) c GROUP BY op ORDER BY op
SQL

query_is('SELECT count(*) FROM walk', $sessions * $operations, 'every operation had its answer');
query_is(<<'SQL', '', 'no answer but those of the contract');
SELECT DISTINCT op, sqlstate, rule FROM walk
WHERE sqlstate <> '00000' AND (rule IS NULL OR sqlstate <> ALL (CASE
	WHEN target = -1 THEN ARRAY['PT404']
	WHEN op IN ('book', 'hold', 'short hold', 'key', 'hold key', 'wrong key', 'move') THEN ARRAY['PT409', 'PT422']
	WHEN op IN ('confirm', 'status') THEN ARRAY['PT409', 'PT410']
	WHEN op IN ('cancel', 'withdraw', 'reopen') THEN ARRAY['PT409']
	ELSE ARRAY['none'] END))
SQL
query_is(<<'SQL', '', 'no rule but those that apply');
SELECT DISTINCT op, rule FROM walk
WHERE sqlstate = 'PT422' AND rule <> CASE WHEN slot > 20 THEN 'idempotency_key_matches' ELSE 'slot_not_past' END
	AND NOT (rule = 'idempotency_key_matches' AND op = 'wrong key')
	OR rule = 'idempotency_key_matches' AND key IS NULL
	OR rule = 'slot_not_past' AND slot > 20
SQL
query_is(<<'SQL', '', 'an answer is what was asked for');
SELECT session, n, op, target, status, answer FROM walk
WHERE sqlstate = '00000' AND op NOT IN ('expire', 'withdraw', 'reopen') AND NOT coalesce(CASE
	WHEN target = -1 THEN false
	WHEN op IN ('key', 'hold key', 'wrong key') THEN
		(answer).patient_id = patient AND (answer).idempotency_key IS NOT NULL
	WHEN op = 'book' THEN ((answer).slot_id, (answer).patient_id, (answer).status) = (slot, patient, 'booked')
	WHEN op LIKE '%hold' THEN ((answer).slot_id, (answer).patient_id, (answer).status) = (slot, patient, 'pending')
	WHEN op = 'confirm' THEN ((answer).id, (answer).status) = (target, 'booked') AND (answer).booked_at IS NOT NULL
	WHEN op = 'move' THEN ((answer).id, (answer).slot_id, (answer).status) = (target, slot, 'booked')
	WHEN op = 'cancel' THEN ((answer).id, (answer).status) = (target, 'cancelled')
	WHEN op = 'status' THEN ((answer).id, (answer).status) = (target, walk.status)
END, false)
SQL
query_is(<<'SQL', '', 'a change of status is allowed and has one event, with its reason');
SELECT w.session, w.n, w.op, e.id, e.from_status, e.to_status
FROM (SELECT *, CASE op WHEN 'cancel' THEN 'cancelled' ELSE status END AS wanted
	  FROM walk WHERE op IN ('cancel', 'status') AND sqlstate = '00000') w
	FULL JOIN (SELECT * FROM booking.appointment_events WHERE reason LIKE '%/%') e
		ON e.reason = format('%s/%s', w.session, w.n)
	LEFT JOIN booking.status_transitions t USING (from_status, to_status)
WHERE (e.appointment_id, e.to_status) IS DISTINCT FROM (w.target, w.wanted) OR t.from_status IS NULL
SQL
query_is(<<'SQL', '', 'every appointment was an answer, and no answer was lost');
SELECT a.id, w.id
FROM (SELECT id FROM booking.appointments WHERE id > 20) a
	FULL JOIN (SELECT DISTINCT (answer).id FROM walk WHERE target IS NULL AND (answer).id > 20) w USING (id)
WHERE a.id IS NULL OR w.id IS NULL
SQL
query_is(<<'SQL', '', 'a key has one slot and one appointment');
SELECT patient, key FROM walk WHERE key IS NOT NULL AND sqlstate = '00000'
GROUP BY patient, key HAVING count(DISTINCT (answer).id) > 1 OR count(DISTINCT slot) > 1
SQL
query_is('TABLE broken', '', 'the book keeps its promises');
# Otherwise all this would prove little.
query_is(<<'SQL', '', 'everything was done often, and refused often');
SELECT op, count(*) FILTER (WHERE sqlstate = '00000') AS done, count(*) FILTER (WHERE sqlstate <> '00000') AS refused
FROM walk GROUP BY op
HAVING count(*) FILTER (WHERE sqlstate = '00000') < 20
	OR count(*) FILTER (WHERE sqlstate <> '00000') < 20 AND op <> 'expire'
SQL
query_is(<<'SQL', 't|t|t|t|t', 'holds expired, were swept, confirmed too late, keys repeated, patients wanted twice');
SELECT count(*) FILTER (WHERE rule = 'hold_not_expired') > 20,
	(SELECT count(*) FROM booking.appointment_events WHERE reason = 'hold expired') > 20,
	count(*) FILTER (WHERE op = 'confirm' AND sqlstate = '00000') > 20,
	count(*) FILTER (WHERE key IS NOT NULL AND sqlstate = '00000')
		> count(DISTINCT (patient, key)) FILTER (WHERE key IS NOT NULL AND sqlstate = '00000'),
	count(*) FILTER (WHERE rule = 'patient_not_double_booked') > 20
FROM walk
SQL

# The same request 32 times at once.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (5, 1, 'Doctor 5');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	VALUES (1000, 1, 5, '2099-07-01 09:00+00', '2099-07-01 10:00+00'), (1001, 1, 5, '2099-07-01 10:00+00', '2099-07-01 11:00+00');
SQL
for my $request ([ 1000, "book_slot(1000, 7, 'the key')" ], [ 1001, "hold_slot(1001, 7, '1 hour', 'another')" ])
{
	my ($slot, $call) = @$request;
	my %answers = map { $_ => 1 } race(("SELECT booking.$call") x 32);
	is(scalar(keys %answers), 1, "$call: 32 sessions got one answer");
	query_is("SELECT a::text FROM booking.appointments a WHERE slot_id = $slot", (keys %answers)[0] =~ s/\n$//r,
		"$call: it is the only appointment");
	query_is("SELECT count(*) FROM booking.appointment_events WHERE slot_id = $slot", 1, "$call: and has one event");
}
query_is('TABLE broken', '', 'the book still keeps its promises');

$node->stop;
done_testing();
