# Two books, one written directly where it can be and one by statements alone: the same 20,000 random calls have
# the same answers, and leave the same rows and the same changes in the WAL.
#
# DIRECT_SEED is for other calls than those of the fixed seed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Crowd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = 20_000;
my $seed = $ENV{DIRECT_SEED} // 16;
srand $seed;
diag("DIRECT_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('direct');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
wal_level = logical
fsync = off
autovacuum = off
timezone = 'UTC'
log_statement = none
log_min_messages = fatal
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = all
CONF
$node->start;

# Clinic 2 is strict about notice, and lets patients overlap; clinic 3 books for the next year alone. Doctors 6
# and 7 are locums without slots. Slots: 1 to 720 in June 2099, 721 to 724 of clinic 3, 801 to 840 have started
# today with an appointment each, 841 starts today. In the clinics' zone midnight is far away.
my ($seconds, $hour) = (time, (gmtime)[2]);
my $zone = $hour == 12 ? 'UTC' : sprintf 'Etc/GMT%+d', $hour - 12;
my $today = sprintf "to_timestamp(%d)", $seconds - $seconds % 3600;
my @books = map { { name => $_, clock => {} } } qw(direct statements);
for my $book (@books)
{
	my $database = $book->{name};

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, <<"SQL");
CREATE EXTENSION booking CASCADE;
CREATE EXTENSION pg_stat_statements;
ALTER DATABASE $database SET booking.direct = @{[ $database eq 'direct' ? 'on' : 'off' ]};
SELECT booking.add_clinic('Clinic ' || n, time_zone => '$zone') FROM generate_series(1, 3) n;
UPDATE booking.clinics SET min_notice = '1 day', allow_patient_overlap = true WHERE id = 2;
UPDATE booking.clinics SET booking_horizon = '1 year' WHERE id = 3;
SELECT booking.add_doctor(clinic, 'Doctor of ' || clinic, 'Cardiology') FROM unnest('{1,1,1,2,2,1,2,3}'::bigint[]) clinic;
SELECT booking.add_patient('Patient ' || n, n || '\@example.org') FROM generate_series(1, 45) n;
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, is_available)
	SELECT row_number() OVER (), clinic_id, id, start, start + '1 hour', true
	FROM booking.doctors, generate_series(0, 17) day, generate_series(8, 15) hour,
		LATERAL (SELECT timestamptz '2099-06-01 00:00+00' + day * interval '1 day' + hour * interval '1 hour' AS start) t
	WHERE id <= 5
	UNION ALL
	SELECT 720 + hour, 3, 8, start, start + '1 hour', true
	FROM generate_series(1, 4) hour, LATERAL (SELECT timestamptz '2099-06-01 00:00+00' + hour * interval '1 hour' AS start) t
	UNION ALL
	SELECT 800 + row_number() OVER (), clinic_id, id, start, start + '1 hour', false
	FROM booking.doctors, generate_series(1, 8) hour, LATERAL (SELECT $today - hour * interval '1 hour' AS start) t WHERE id <= 5
	UNION ALL
	SELECT 841, 2, 4, start, start + '1 hour', true FROM (SELECT $today + interval '4 hours' AS start) t;
INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, booked_at)
	SELECT id, id - 800, clinic_id, doctor_id, starts_at, ends_at, '2026-01-01' FROM booking.time_slots WHERE id BETWEEN 801 AND 840 ORDER BY id;
INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role)
	SELECT id, slot_id, status, current_user FROM booking.appointments ORDER BY id;
ALTER SEQUENCE booking.time_slots_id_seq RESTART 901;
CREATE FUNCTION public.picky(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql RETURN CASE WHEN patient.id % 9 = 0 AND slot.id % 5 = 0 THEN 'not this one' END;
CREATE FUNCTION public.few(slot booking.time_slots, patient booking.patients) RETURNS text
	LANGUAGE sql STABLE RETURN (SELECT 'that is enough' FROM booking.appointments a WHERE a.patient_id = patient.id AND a.status = 'booked' HAVING count(*) > 6);
SELECT booking.add_rule('picky', 'public.picky(booking.time_slots, booking.patients)', 1);
SELECT booking.add_rule('few', 'public.few(booking.time_slots, booking.patients)');
SELECT pg_create_logical_replication_slot('$database', 'test_decoding');
SELECT pg_stat_statements_reset();
SQL
	# one to act, and one that comes between
	for my $session (0, 1)
	{
		push @{ $book->{sessions} },
		  Crowd::connect_client($database, { socket => $node->host . '/.s.PGSQL.' . $node->port, user => 'postgres', database => $database });
	}
}

# The instants of this run, which no slot has, as what they are to each other.
sub without_clock
{
	my ($book, $text) = @_;
	my $clock = $book->{clock};
	my $number = sub { $clock->{ $_[0] } = 1 + keys %$clock if !$clock->{ $_[0] }; return "instant $clock->{ $_[0] }" };

	$text =~ s/\b(20[2-8]\d-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00)/$number->($1)/ge;
	$text =~ s/\b20[2-8]\d-\d\d-\d\d \d\d:\d\d (?=[A-Z+-])/this minute /g;
	return $text;
}

# The next answer, as text: its rows, and of errors and notices all that tells of them but the place in the source.
sub take_answer
{
	my ($client) = @_;
	my @answer;

	while (1)
	{
		while (length $client->{input} < 5 || length $client->{input} <= unpack 'x N', $client->{input})
		{
			sysread $client->{socket}, $client->{input}, 65536, length $client->{input} or die 'the server is gone';
		}
		my ($type, $length) = unpack 'a N', $client->{input};
		my $body = substr substr($client->{input}, 0, $length + 1, ''), 5;

		if ($type eq 'D')
		{
			my ($values, $at) = ([], 2);
			for (1 .. unpack 'n', $body)
			{
				my $size = unpack 'l>', substr $body, $at, 4;
				push @$values, $size < 0 ? '' : substr $body, $at + 4, $size;
				$at += 4 + ($size < 0 ? 0 : $size);
			}
			push @{ $client->{rows} }, $values;
			push @answer, join '|', @$values;
		}
		elsif ($type =~ /[EN]/)
		{
			my %field = $body =~ /(.)([^\0]*)\0/gs;
			push @answer, join '|', map { $field{$_} // '' } qw(S C M D H s t c d n);
			@$client{qw(state rule)} = @field{qw(C n)} if $type eq 'E';
		}
		elsif ($type eq 'C')
		{
			$client->{tag} = unpack 'Z*', $body;
			push @answer, $client->{tag};
		}
		elsif ($type eq 'Z')
		{
			return join "\n", @answer, "transaction $body";
		}
	}
}

my $difference;
my @story;

# Has a session of both books run these statements. True if none was refused; then rows has those of the last.
sub both
{
	my ($session, @statements) = @_;
	my @clients = map { $_->{sessions}[$session] } @books;

	my $message = join '', map { 'Q' . pack('N', 5 + length) . "$_\0" } @statements;
	for my $client (@clients)
	{
		syswrite($client->{socket}, $message) == length $message or die 'not sent';
		@$client{qw(state rule tag)} = ('', '', '');
	}
	for my $statement (@statements)
	{
		my @answers;
		for (0, 1)
		{
			$clients[$_]{rows} = [];
			push @answers, without_clock($books[$_], take_answer($clients[$_]));
		}
		push @story, "$session> $statement";
		$difference //= join "\n", @story[ ($#story > 20 ? -20 : 0) .. -1 ], map { "$books[$_]{name}: $answers[$_]" } 0, 1 if $answers[0] ne $answers[1];
	}
	return !$clients[0]{state};
}

# What to ask.
sub any { return $_[ rand @_ ] }
sub percent { return rand(100) < $_[0] }

my @recent = 1 .. 40;	# appointments
my %life = map { $_ => { slot => 800 + $_, patient => $_, status => 'booked' } } @recent;
my %taken;	# slots
my @new_slots;
my @new_patients = 41 .. 45;
my $self;	# the patient that asks, if one does
my @last;	# the last call, which somebody may repeat
my @last_seen;	# the appointment that something was last done to

sub bad_id { return any('NULL', '-1', '0', '999999', '9223372036854775807') }
sub past_slot { return 801 + int rand 40 }

sub slot
{
	return bad_id() if percent(3);
	return past_slot() if percent(5);
	return 721 + int rand 4 if percent(1);
	return 841 if percent(1);
	return any(@new_slots) if @new_slots && percent(10);
	my @some = map { 1 + int rand 720 } 1 .. 4;
	return ((grep { !$taken{$_} } @some), @some)[0];
}

sub patient
{
	return bad_id() if percent(3);
	return any('NULL', $self, $self, $self) if $self && percent(90);
	return percent(90) ? 1 + int rand 40 : any(@new_patients[-5 .. -1]);
}

# Mostly one of such a status, and of the patient's own.
sub appointment
{
	my @found = @recent;

	return bad_id() if percent(3);
	@found = grep { $life{$_}{patient} eq $self } @found if $self && percent(80);
	for my $status (@_)
	{
		my @such = grep { $life{$_}{status} eq $status } @found;
		return any(@such) if @such && percent(90);
	}
	return @found ? any(@found) : 1;
}

sub key { return percent(5) ? any("''", 'NULL', "repeat('x', 256)") : "'key " . int(rand 30) . "'" }
sub reason { return percent(90) ? any('NULL', "'a cold'") : any("''", "'" . 'x' x 501 . "'", "E'two\\nlines'") }
sub status { return "'" . any('cancelled', qw(proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist)) . "'" }
sub doctor { return percent(3) ? bad_id() : 1 + int rand 8 }
sub date { my ($first, $last) = @_; return sprintf "'2099-06-%02d'", $first + int rand(1 + $last - $first) }
sub time_of_day { my ($first, $last) = @_; return sprintf "'%02d:00'", $first + int rand(1 + $last - $first) }
sub instant { return sprintf "timestamptz '2099-06-%02d %02d:00+00'", 1 + int rand 18, 8 + int rand 8 }
sub of_doctor_or_clinic { return percent(80) ? 'doctor_id => ' . doctor() : 'clinic_id => ' . any(1, 2, 3, bad_id()) }

sub ask { my ($function, @arguments) = @_; return "SELECT * FROM booking.$function(" . join(', ', @arguments) . ')' }
sub change { my ($table, $id, $change) = @_; return "UPDATE booking.$table SET $change WHERE id = $id RETURNING *" }
sub remove { my ($table, $id) = @_; return "DELETE FROM booking.$table WHERE id = $id RETURNING *" }
sub active { return 'is_active = ' . (percent(75) ? 'true' : 'false') }
sub from { my ($table, $what) = @_; return "(SELECT $what FROM booking.$table)" }
sub removed { return percent(80) ? from($_[0], 'min(id) FILTER (WHERE deleted_at IS NOT NULL)') : 1 + int rand 8 }

# Kinds of calls: how often, the statement, and where in its rows the status of an appointment stands.
my %kinds = (
	'book' => [ 150, sub { ask('book_slot', slot(), patient()) }, 7 ],
	'book, key' => [ 60, sub { ask('book_slot', slot(), patient(), key()) }, 7 ],
	'hold' => [ 60, sub { ask('hold_slot', slot(), patient()) }, 7 ],
	'hold, short' => [ 50, sub { ask('hold_slot', slot(), patient(), "'1 microsecond'") }, 7 ],
	'hold, key' => [ 30, sub { ask('hold_slot', slot(), patient(), percent(90) ? any("'1 hour'", 'NULL') : any("'0'", "'2 hours'"), key()) }, 7 ],
	'confirm' => [ 60, sub { ask('confirm_hold', appointment('pending')) }, 7 ],
	'cancel' => [ 90, sub { ask('cancel_appointment', appointment('booked', 'pending'), reason()) }, 7 ],
	'move' => [ 80, sub { ask('reschedule_appointment', appointment('booked'), slot()) }, 7 ],
	'status' => [ 80, sub { ask('set_appointment_status', appointment(), status(), reason()) }, 7 ],
	'expire' => [ 15, sub { ask('expire_holds', percent(80) ? 1 + int rand 5 : any(0, 'NULL')) } ],
	'withdraw' => [ 15, sub { ask('set_slot_availability', slot(), 'false') } ],
	'reopen' => [ 20, sub { ask('set_slot_availability', percent(50) ? from('time_slots', 'min(id) FILTER (WHERE NOT is_available)') : slot(), 'true') } ],
	'add slots' => [ 10, sub { ask('add_time_slots', doctor(), date(19, 29), time_of_day(8, 12), time_of_day(12, 14), 30) } ],
	'remove slot' => [ 15, sub { ask('remove_time_slot', slot()) } ],
	'restore slot' => [ 20, sub { ask('restore_time_slot', removed('time_slots')) } ],
	'add time off' => [ 12, sub { my $start = instant(); ask('add_time_off', $start, "$start + interval '2 hours'", of_doctor_or_clinic(), 'reason => ' . reason()) } ],
	'add days off' => [ 4, sub { my $date = date(1, 18); ask('add_days_off', $date, $date, of_doctor_or_clinic()) } ],
	'remove time off' => [ 20, sub { ask('remove_time_off', percent(90) ? from('time_off', any('min', 'max') . '(id) FILTER (WHERE deleted_at IS NULL)') : bad_id()) } ],
	'reassign' => [ 25, sub {
		my $start = instant();
		my ($from, $to) = percent(90) ? split(/ /, any('1 6', '6 1', '2 6', '6 2', '4 7', '7 4')) : (doctor(), doctor());
		ask('reassign_slots', $from, $to, $start, "$start + interval '3 hours'") } ],
	'remove clinic' => [ 5, sub { ask('remove_clinic', any(1, 2, 3, 3, 3, bad_id())) } ],
	'restore clinic' => [ 8, sub { ask('restore_clinic', removed('clinics')) } ],
	'remove doctor' => [ 5, sub { ask('remove_doctor', percent(50) ? any(6, 7, 8) : doctor()) } ],
	'restore doctor' => [ 8, sub { ask('restore_doctor', removed('doctors')) } ],
	'add patient' => [ 20, sub { ask('add_patient', percent(80) ? "'Another'" : any("'A'", 'NULL'), "'" . int(rand 500) . "\@example.com'") } ],
	'remove patient' => [ 10, sub { ask('remove_patient', percent(50) ? any(@new_patients) : patient()) } ],
	'restore patient' => [ 12, sub { ask('restore_patient', removed('patients')) } ],
	'clinic changes' => [ 4, sub { change('clinics', 2, active()) } ],
	'doctor changes' => [ 4, sub { change('doctors', 5, active()) } ],
	'patient changes' => [ 4, sub { change('patients', patient(), active()) } ],
	'rule goes' => [ 2, sub { ask('remove_rule', "'few'") } ],
	'rule comes' => [ 4, sub { ask('add_rule', "'few'", "'public.few(booking.time_slots, booking.patients)'") } ],
	'view, insert' => [ 40, sub {
		my $row = join ', ', slot(), patient(), percent(90) ? any('NULL', "'booked'", "'pending'") : "'arrived'", percent(60) ? 'NULL' : key();
		"INSERT INTO booking.bookings (slot_id, patient_id, status, idempotency_key) VALUES ($row) RETURNING *" }, 3 ],
	'view, status' => [ 30, sub { change('bookings', appointment('booked', 'pending'), 'status = ' . status()) }, 3 ],
	'view, move' => [ 25, sub { change('bookings', appointment('booked'), 'slot_id = ' . slot()) }, 3 ],
	'view, delete' => [ 20, sub { remove('bookings', appointment('booked')) }, 3 ],
	'raw, status' => [ 50, sub { change('appointments', appointment(), 'status = ' . status()) }, 7 ],
	'raw, statuses' => [ 5, sub { change('appointments', 'ANY (ARRAY[' . join(', ', map { appointment('booked') } 1 .. 3) . ']::bigint[])', 'status = ' . status()) }, 7 ],
	'raw, move' => [ 6, sub { change('appointments', appointment(), any('slot_id = ' . slot(), 'patient_id = ' . patient(), "ends_at = ends_at + interval '1 minute'", 'id = id')) }, 7 ],
	'raw, appointment' => [ 30, sub {
		my ($patient, $slot) = (patient(), past_slot());
		'INSERT INTO booking.appointments (slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at) '
		  . "SELECT id, $patient, clinic_id, doctor_id, starts_at, ends_at FROM booking.time_slots WHERE id = $slot RETURNING *" }, 7 ],
	'raw, patient goes' => [ 10, sub { remove('patients', @last_seen && percent(70) ? $last_seen[2] : patient()) } ],
	'raw, slot' => [ 10, sub {
		my ($doctor, $start) = (doctor(), instant());
		'INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) '
		  . "SELECT clinic_id, id, $start, $start + interval '20 minutes' FROM booking.doctors WHERE id = $doctor RETURNING *" } ],
	'raw, slot changes' => [ 15, sub {
		change('time_slots', slot(), any('is_available = true', 'is_available = false', 'deleted_at = NULL', 'deleted_at = now()',
			"starts_at = starts_at + interval '30 minutes', ends_at = ends_at + interval '30 minutes'")) } ],
	'raw, slot goes' => [ 3, sub { remove('time_slots', slot()) } ],
	'look' => [ 40, sub { any(
			ask('check_booking', slot(), patient()), ask('is_slot_available', slot()), ask('available_slots', doctor(), date(1, 20)),
			ask('next_available', 'per_doctor => 2'), ask('patient_appointments', patient()),
			'SELECT * FROM booking.bookings WHERE id = ' . appointment(), 'SELECT * FROM booking.day_sheet WHERE slot_id = ' . slot()) } ]);
my @lots = map { ($_) x $kinds{$_}[0] } sort keys %kinds;
my (%done, %refused, %rules);

# Who asks, in SQL. What is not theirs to do, patients and staff seldom try.
sub identity
{
	my ($kind) = @_;
	my ($role, $claims) = ('none', '');

	undef $self;
	if    (percent($kind =~ /^(?:raw|rule|expire|(?:remove|restore) (?:clinic|doctor|patient))| changes$/ ? 60 : 15)) { }
	elsif (percent(35)) { $role = 'booking_admin' }
	elsif (percent($kind =~ /^(?:book|hold|confirm|cancel|move|view|look)/ ? 40 : 80)) { ($role, $claims) = ('booking_staff', percent(95) ? '{"clinic_ids": [1, 2], "sub": "desk"}' : any('', '{"clinic_ids": "1"}', '{')) }
	elsif (percent(95))
	{
		$self = percent(90) ? 1 + int rand 40 : any(@new_patients[-5 .. -1]);
		($role, $claims) = ('booking_patient', percent(98) ? qq({"patient_id": $self, "sub": "user $self"}) : any('', '{"patient_id": "x"}'));
	}
	else { $role = 'booking_guest' }
	return "SET ROLE $role; SET request.jwt.claims = '$claims'";
}

my $made = 0;

# Learns what has become of appointments.
sub learn
{
	for (@_)
	{
		my ($id, $slot, $patient, $status) = @last_seen = @$_;
		push @recent, $id if !$life{$id};
		delete $taken{ $life{$id}{slot} } if $life{$id};
		$taken{$slot} = 1 if $status !~ /^(?:cancelled|entered-in-error)$/;
		$life{$id} = { slot => $slot, patient => $patient, status => $status };
	}
	shift @recent while @recent > 300;
	return map { $_->[0] } @_;
}

# They may be as they were, or not be there.
sub forget
{
	my %forgotten = map { $_ => delete $life{$_} } @_;
	delete $taken{ $_->{slot} } for grep { $_ } values %forgotten;
	@recent = grep { !exists $forgotten{$_} } @recent;
	return;
}

# One call of this or any kind. Returns whether it was done, and the appointments that it was done to.
sub call
{
	my ($session, $before, $kind) = @_;
	my $is_repeated = !$kind && @last && percent(40);
	$kind //= any(@lots);
	my @statements = (identity($kind), $kinds{$kind}[1]->());
	($kind, @statements) = @last if $is_repeated;
	@last = ($kind, @statements);
	my $client = $books[0]{sessions}[$session];
	my $status_at = $kinds{$kind}[2];

	$made++;
	if (!both($session, $statements[0], @$before, $statements[1]))
	{
		my $rule = $client->{rule} ? "$client->{state} $client->{rule}" : $client->{state};
		$refused{$kind}{$rule}++;
		$rules{$rule}++;
		return 0;
	}
	my $rows = $client->{rows};
	$done{$kind}++;
	push @new_slots, map { $_->[0] } @$rows if $kind =~ /^(?:add slots|raw, slot)$/;
	push @new_patients, $rows->[0][0] if $kind eq 'add patient';
	return 1, $status_at ? learn(map { [ @$_[ 0 .. 2, $status_at ] ] } @$rows) : ();
}

# The other session, which may want the same.
sub come_between
{
	my $level = percent(30) ? any('REPEATABLE READ', 'SERIALIZABLE') : '';

	both(1, "BEGIN ISOLATION LEVEL $level") if $level;
	call(1, [], percent(20) ? 'raw, patient goes' : undef);
	both(1, 'COMMIT') if $level;
	return;
}

sub transaction
{
	my @touched;

	both(0, 'BEGIN ISOLATION LEVEL ' . any('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'));
	for (1 .. 2 + int rand 5)
	{
		my $has_savepoint = percent(70);
		my ($is_done, @appointments) = call(0, $has_savepoint ? ['SAVEPOINT before'] : []);

		last if $difference || !$is_done && !$has_savepoint && percent(70);
		if ($has_savepoint && percent($is_done ? 20 : 95))
		{
			both(0, 'ROLLBACK TO before');
			forget(@appointments);
		}
		else
		{
			both(0, 'RELEASE before') if $has_savepoint;
			push @touched, @appointments;
		}
		come_between() if percent(30);
	}
	both(0, percent(75) ? 'COMMIT' : 'ROLLBACK');
	forget(@touched) if $books[0]{sessions}[0]{tag} ne 'COMMIT';
	return;
}

# Calls come one after the other: what has to wait for the other session waits in vain.
both($_, "SET lock_timeout = '5ms'") for 0, 1;
while ($made < $calls && !$difference)
{
	undef @last;
	if (percent(80)) { call(0, []) }
	else             { transaction() }
}
ok(!$difference, "$made calls have the same answers");
if ($difference)
{
	diag($difference);
	done_testing();
	exit;
}

# Whether two lists of lines, of a book each, are the same.
sub same_lines
{
	my ($name, @texts) = @_;
	my @lines = map { [ split /\n/, without_clock($books[$_], $texts[$_]) ] } 0, 1;
	my ($first) = grep { ($lines[0][$_] // '') ne ($lines[1][$_] // '') } 0 .. ($#{ $lines[0] } > $#{ $lines[1] } ? $#{ $lines[0] } : $#{ $lines[1] });

	ok(!defined $first, "$name: " . @{ $lines[0] } . ' lines are the same')
	  or diag(map { "$books[$_]{name}, line $first: " . ($lines[$_][$first] // 'none') . "\n" } 0, 1);
	return;
}

for my $relation (split /\n/, $node->safe_psql('direct', "SELECT relname FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1"))
{
	my $columns = $relation =~ /_id_seq$/ ? 'last_value, is_called' : '*';
	same_lines($relation, map { $node->safe_psql($_->{name}, "SELECT $columns FROM booking.$relation ORDER BY 1, 2") } @books);
}
same_lines('changes in the WAL',
	map { $node->safe_psql($_->{name}, "SELECT data FROM pg_logical_slot_get_changes('$_->{name}', NULL, NULL, 'include-xids', 'off', 'skip-empty-xacts', 'on')") } @books);

# Otherwise this would prove little.
my ($all_done, $all_refused) = (0, 0);
$all_done += $_ for values %done;
$all_refused += $_ for values %rules;
sub by_number { my ($count) = @_; return join ', ', map { "$_ $count->{$_}" } sort { $count->{$b} <=> $count->{$a} || $a cmp $b } keys %$count }
diag(sprintf '  %-16s %5d done, refused: %s', $_, $done{$_} // 0, by_number($refused{$_} // {})) for sort keys %kinds;
diag("$all_done done, $all_refused refused: ", by_number(\%rules));
is(join(', ', grep { !$done{$_} || !$refused{$_} } sort keys %kinds), '', 'every kind of call was done and was refused');
cmp_ok($all_done, '>', $calls / 4, 'calls are done');
cmp_ok($all_refused, '>', $calls / 4, 'and refused');
my @statements = map { $node->safe_psql($_->{name}, <<'SQL') } @books;
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
WHERE d.datname = current_database() AND NOT toplevel AND query LIKE 'INSERT INTO booking.appointments %'
SQL
diag("appointments inserted by statements of the extension: @statements");
cmp_ok($statements[1], '>', $calls / 20, 'one book is written by statements');
# at REPEATABLE READ and SERIALIZABLE
cmp_ok(3 * $statements[0], '<', $statements[1], 'and the other is not, but at other isolation levels');
done_testing();
