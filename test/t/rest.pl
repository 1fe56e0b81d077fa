# rest.pl: the contract with PostgREST, without it. Each request of test/rest/cases is made as
# PostgREST makes it: a transaction, READ ONLY for GET and for functions that only read, the role
# and the claims set for it, the arguments by json_to_record, one statement; and answered with the
# status that PostgREST's documentation gives for the outcome. doc/rest.md lists every kind of
# request, and every status that is tested here, and no other.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('rest');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = UTC");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');
my $book = slurp_file("$top/test/pgtap/people.psql") . slurp_file("$top/test/rest/book.sql") =~ s/^\\ir.*//mr;
my %people;
for my $line (split /\n/, $node->safe_psql('postgres', "$book;\nSELECT concat_ws(E'\\t', person, role, claims) FROM pg_temp.people"))
{
	my ($person, $role, $claims) = split /\t/, $line;
	$people{$person} = { role => $role, claims => $claims } if defined $claims;
}
$node->safe_psql('postgres', <<'END');
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT booking_guest, booking_patient, booking_staff, booking_admin TO authenticator;
END

# What PostgREST reads of the schema when it starts: functions with their arguments, tables with
# their columns.
my (%functions, %columns);
for (split /\n/, $node->safe_psql('postgres', <<'END'))
SELECT proname, provolatile, proretset, typtype, coalesce(array_to_string(proargnames, ','), '') AS names,
	(SELECT string_agg(format_type(t, NULL), ',' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY a (t, n)), pronargs - pronargdefaults
FROM pg_proc p JOIN pg_type t ON t.oid = prorettype WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
	AND (pronargs = 0 OR proargnames IS NOT NULL)
END
{
	my ($name, $volatile, $set, $kind, $names, $types, $required) = split /\|/, $_, -1;
	my @types = split /,/, $types // '';
	my @names = (split /,/, $names)[ 0 .. $#types ];
	my %types;
	@types{@names} = @types;
	$functions{$name} = { reads => $volatile ne 'v', set => $set eq 't', types => \%types, required => [ @names[ 0 .. $required - 1 ] ] };
}
for (split /\n/, $node->safe_psql('postgres', <<'END'))
SELECT relname, attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
END
{
	my ($table, $column, $type) = split /\|/;
	$columns{$table}{$column} = $type;
}

sub literal { my $text = shift; return "'" . $text =~ s/'/''/gr . "'" }
sub quoted { return '"' . shift . '"' }

# WHERE, ORDER BY, LIMIT and OFFSET of the parameters that are no arguments, and the columns to show.
sub query_parts
{
	my ($table, @parameters) = @_;
	my %operators = (eq => '=', gte => '>=', gt => '>', lte => '<=', lt => '<', neq => '<>');
	my ($where, $tail, $select) = ('true', '', "$table.*");
	for (@parameters)
	{
		my ($name, $value) = split /=/, $_, 2;
		if ($name eq 'order')
		{
			$tail = ' ORDER BY ' . join(', ', map { my ($c, $d) = split /\./; "$table." . quoted($c) . ($d ? " $d" : '') } split /,/, $value) . $tail;
		}
		elsif ($name eq 'limit' || $name eq 'offset') { $tail .= " $name " . int $value; }
		elsif ($name eq 'select')
		{
			# one level of embedding: the doctors of a clinic, by their foreign key, or what a function has
			my $embedded = '';
			while ($value =~ s/,(\w+)\(([^)]*)\)//)
			{
				my ($name, $columns) = ($1, join ', ', map { "d." . quoted($_) } split /,/, $2);
				$embedded .= $name eq 'doctors'
				  ? ", (SELECT coalesce(json_agg(e), '[]') FROM (SELECT $columns FROM booking.doctors d WHERE d.clinic_id = $table.id) e) AS doctors"
				  : ", (SELECT row_to_json(e) FROM (SELECT $columns FROM booking." . quoted($name) . "($table) d) e) AS $name";
			}
			$select = join(', ', map { "$table." . quoted($_) } split /,/, $value) . $embedded;
		}
		else
		{
			my ($operator, $operand) = $value =~ /^(\w+)\.(.*)$/ or die "no filter: $_";
			$where .= " AND $table." . quoted($name) . " $operators{$operator} " . literal($operand);
		}
	}
	return ($where, $tail, $select);
}

# The body as the rows of a result, or the one row or value of a function.
sub answer
{
	my ($source, $rows, $body) = @_;
	return "WITH pgrst_source AS ($source) SELECT count(t) || E'\\t' || coalesce($body, 'null')::text FROM ($rows) t";
}

# The main query of a request, and whether it may write; undef when PostgREST itself finds nothing.
sub main_query
{
	my ($method, $path, $body) = @_;
	my ($what, $query) = split /\?/, $path, 2;
	my @parameters = split /&/, $query // '';

	if ($what =~ m{^/rpc/(\w+)$})
	{
		my $function = $functions{$1} or return;
		my (%given, @rest);
		if ($method eq 'GET')
		{
			for (@parameters)
			{
				my ($name, $value) = split /=/, $_, 2;
				if ($function->{types}{$name}) { $given{$name} = 1; $body .= ($body ? ', ' : '{') . "\"$name\": \"$value\""; }
				else { push @rest, $_; }
			}
			$body = $body ? "$body}" : '{}';
		}
		else
		{
			%given = map { $_ => 1 } $body =~ /"(\w+)":/g;
			@rest = @parameters;
		}
		return if grep { !$given{$_} } @{ $function->{required} };
		return if grep { !$function->{types}{$_} } keys %given;
		my @names = sort keys %given;
		my $call = "booking." . quoted($1) . "(" . join(', ', map { quoted($_) . " := args." . quoted($_) } @names) . ")";
		my $record = @names ? "json_to_record(" . literal($body) . ") AS args (" . join(', ', map { quoted($_) . " $function->{types}{$_}" } @names) . "), LATERAL " : '';
		my ($where, $tail, $select) = query_parts('called', @rest);
		return (answer("SELECT called.* FROM $record$call AS called",
				"SELECT $select FROM pgrst_source AS called WHERE $where$tail",
				$function->{set} ? 'json_agg(t)' : $function->{scalar} ? "json_agg(t.called)->0" : 'json_agg(t)->0')
			  =~ s/'null'/$function->{set} ? "'[]'" : "'null'"/er,
			$method ne 'GET' && !$function->{reads}, $function->{void} ? 204 : 200);
	}

	my ($table) = $what =~ m{^/(\w+)$} or die "no path: $path";
	return unless $columns{$table};
	my ($where, $tail, $select) = query_parts($table, @parameters);
	my $relation = "booking." . quoted($table);
	my @names = sort { $a cmp $b } $body =~ /"(\w+)":/g;
	my $record = "json_to_recordset(" . literal("[$body]") . ") AS _ (" . join(', ', map { quoted($_) . " $columns{$table}{$_}" } @names) . ")";
	my $list = join ', ', map { quoted($_) } @names;
	my $source =
	    $method eq 'GET' ? "SELECT $select FROM $relation WHERE $where$tail"
	  : $method eq 'POST' ? "INSERT INTO $relation ($list) SELECT $list FROM $record RETURNING $relation.*"
	  : $method eq 'PATCH' ? "UPDATE $relation SET " . join(', ', map { quoted($_) . " = body." . quoted($_) } @names)
		. " FROM (SELECT * FROM $record) body WHERE $where RETURNING $relation.*"
	  : "DELETE FROM $relation WHERE $where RETURNING $relation.*";
	return (answer($source, 'SELECT * FROM pgrst_source', "json_agg(t)") =~ s/'null'/'[]'/r,
		$method ne 'GET', $method eq 'POST' ? 201 : 200);
}

# PostgREST's table of statuses, as far as it goes here.
sub status_of
{
	my ($sqlstate, $role) = @_;
	return $1 if $sqlstate =~ /^PT(\d{3})$/;
	return $role eq 'booking_guest' ? 401 : 403 if $sqlstate eq '42501';
	return 405 if $sqlstate eq '25006';
	return 409 if $sqlstate =~ /^2350[35]$/;
	return 404 if $sqlstate =~ /^(42883|42P01)$/;
	return 503 if $sqlstate =~ /^(08|53)/;
	return 500 if $sqlstate =~ /^(09|25|2D|38|39|3B|40|54|55|57|58|F0|HV|P0|XX)/ && $sqlstate ne 'P0001';
	return 400;
}

# A transaction of the authenticator, undone in the end.
sub request
{
	my ($who, $method, $path, $body) = @_;
	my $person = $people{$who} or die "nobody is $who";
	my ($query, $writes, $status) = main_query($method, $path, $body eq '-' ? '' : $body);
	return (404, 'PGRST202') unless defined $query;
	my $mode = $writes ? 'READ WRITE' : 'READ ONLY';
	my $setup = "SELECT set_config('search_path', '\"booking\"', true), set_config('role', " . literal($person->{role})
	  . ", true), set_config('request.jwt.claims', " . literal($person->{claims})
	  . ", true), set_config('request.method', " . literal($method) . ", true), set_config('request.path', " . literal($path =~ s/\?.*//r) . ", true)";
	my ($result, $output, $errors) = $node->psql('postgres',
		"\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL READ COMMITTED $mode;\n$setup \\g /dev/null\n$query;\nROLLBACK;",
		extra_params => [ '-U', 'authenticator' ]);
	if ($errors =~ /ERROR:\s+(\w{5}): (.*)/)
	{
		my ($code, $message) = ($1, $2);
		my ($details) = $errors =~ /^DETAIL:\s+(.*)/m;
		my ($hint) = $errors =~ /^HINT:\s+(.*)/m;
		return (status_of($code, $person->{role}), sprintf '{"code":"%s","details":"%s","hint":"%s","message":"%s"}', $code, $details // '', $hint // '', $message);
	}
	return (599, $errors) if $result;
	return (204, '') if $status == 204;
	$output =~ s/^(\d+)\t//;
	return ($status, $output, $1);
}

# Which functions return one value that is no row; those whose arguments have no names are not served.
$functions{$_}{scalar} = 1
  for grep { $functions{$_} } split /\n/, $node->safe_psql('postgres', <<'END');
SELECT proname FROM pg_proc JOIN pg_type t ON t.oid = prorettype WHERE pronamespace = 'booking'::regnamespace AND typtype <> 'c' AND NOT proretset
	AND prorettype <> 'trigger'::regtype
END

# And which return none: the body is empty.
$functions{$_}{void} = 1
  for split /\n/, $node->safe_psql('postgres', "SELECT proname FROM pg_proc WHERE pronamespace = 'booking'::regnamespace AND prorettype = 'void'::regtype");

# The rows of doc/rest.md, each with a pattern of its path.
my @rows;
for (slurp_file("$top/doc/rest.md") =~ /^\| (.*) \|$/mg)
{
	my ($what, $method, $path, $body, $role, $statuses) = split / \| ?/;
	next unless $path && $path =~ s/^`(.*)`$/$1/;
	my $pattern = join '[^&=]+', map { quotemeta } split /\{\w+\}/, $path, -1;
	push @rows, { what => $what, method => $method, path => $path, pattern => qr/^$pattern$/, statuses => [ split /, /, $statuses ], seen => {} };
}
cmp_ok(scalar @rows, '>', 50, 'doc/rest.md has rows');

my $number = 0;
for (grep { !/^#/ } split /\n/, slurp_file("$top/test/rest/cases"))
{
	my ($who, $method, $path, $body, $wanted, $pattern) = split /\t/;
	my ($status, $answer) = request($who, $method, $path, $body);
	my $name = ++$number . " $who: $method $path $body";
	is($status, $wanted, $name) or diag($answer);
	like($answer, qr/$pattern/s, "$name answers");
	unlike($answer, qr/Othername|\@other\.example/, "$name tells of nobody else") if $status >= 400 || $who eq 'ada' || $who eq 'guest';
	like($answer, qr/"details":"rule \w+: .*"hint":"./, "$name says why") if $status >= 400 && $answer =~ /"code":"PT/;
	my @matching = grep { $_->{method} eq $method && $path =~ $_->{pattern} } @rows;
	$_->{seen}{$wanted} = 1 for @matching;
	ok(@matching || $wanted == 405, "doc/rest.md has $method $path");
}
for my $row (@rows)
{
	is(join(', ', sort keys %{ $row->{seen} }), join(', ', sort @{ $row->{statuses} }), "statuses of $row->{method} $row->{path}");
}

# All but 405, whichever method: the functions that read take GET, the others do not.
for my $name (sort keys %functions)
{
	next if $name eq 'appointment_being_moved';
	my $function = $functions{$name};
	ok(!(grep { !defined || $_ eq '' } keys %{ $function->{types} }), "all arguments of $name have names");
	my $arguments = join '&', map { "$_=" . ($function->{types}{$_} =~ /^(big)?int/ ? 1 : $function->{types}{$_} =~ /^(date|timestamp)/ ? '2098-06-02' : $function->{types}{$_} =~ /^time/ ? '09:00' : $function->{types}{$_} =~ /bool/ ? 'true' : $function->{types}{$_} =~ /regproc/ ? 'pg_catalog.now()' : $function->{types}{$_} =~ /status/ ? 'arrived' : 'x') } @{ $function->{required} };
	my ($status, $answer) = request('admin', 'GET', "/rpc/$name" . ($arguments ? "?$arguments" : ''), '-');
	if ($function->{reads}) { isnt($status, 405, "GET of $name reads"); }
	elsif ($name =~ /^(book_slot|hold_slot|add_time_off|add_days_off|add_rule)$/) { ok($status == 405 || $status == 400 || $status == 422, "GET of $name is refused: $status"); }
	else { ok($status == 405 || $status == 422, "GET of $name is refused: $status $answer"); }
}

# One request books once, and every column of the appointment comes of the one call.
is($node->safe_psql('postgres', "SELECT count(*) FROM booking.appointments"), 7, 'every request was undone');
my ($status, $answer) = request('ada', 'POST', '/rpc/book_slot', '{"slot_id": 7400000011, "patient_id": null, "idempotency_key": null}');
is($status, 200, 'nulls are as good as leaving out');
is_deeply([ (request('ada', 'PATCH', '/bookings?patient_id=neq.7300000001', '{"status": "cancelled"}'))[0, 1] ], [ 200, '[]' ], 'a PATCH with a filter reaches no other\'s row');
is_deeply([ (request('ada', 'DELETE', '/bookings?id=gt.7500000005', '-'))[0, 2] ], [ 200, 1 ], 'nor does a DELETE of what is left');
for (['ada', 'PATCH', '/bookings?id=gt.0', '{"status": "cancelled"}'], ['ada', 'DELETE', '/bookings?id=gt.0', '-'])
{
	($status, $answer) = request(@$_);
	is($status, 422, "$_->[1] of all that a patient has is too much");
	like($answer, qr/rule max_rows_changed/, 'and the answer says why');
}
is((request('ada', 'PATCH', '/patients?id=gt.0', '{"name": "Ada King"}'))[2], 1, 'nor a PATCH of all');

# The recipe for pages, by requests alone: 25,200 slots of 120 doctors that start at the same instants, of
# which some are booked between the pages.
$node->safe_psql('postgres', <<'END');
INSERT INTO booking.clinics (id, name) VALUES (7100000009, 'Large Clinic');
INSERT INTO booking.doctors (id, clinic_id, name) SELECT 7200000900 + n, 7100000009, 'Dr ' || n FROM generate_series(1, 120) n;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT 7100000009, 7200000900 + d, t, t + interval '20 minutes'
FROM generate_series(1, 120) d, generate_series(0, 209) n, LATERAL (SELECT timestamptz '2097-01-02 08:00Z' + n * interval '30 minutes') s (t);
END
my $all = '/rpc/available_slots?clinic_id=7100000009';
my ($pages, $next, %seen) = (0, '');
while ($pages < 100)
{
	my ($status, $answer, $rows) = request('guest', 'GET', "$all&max_slots=1000$next", '-');
	is($status, 200, 'page ' . ++$pages);
	last unless $rows;
	$seen{$1}++ while $answer =~ /"slot_id":(\d+)/g;
	my ($last) = $answer =~ /.*"slot_id":(\d+)/s;
	my ($doctor, $start) = $answer =~ /.*"doctor_id":(\d+).*"starts_at":"([^"]+)"/s;
	$next = "&from_time=$start&after_doctor=$doctor";
	$node->safe_psql('postgres', "UPDATE booking.time_slots SET is_available = false WHERE id IN ($last, (SELECT max(id) FROM booking.time_slots WHERE is_available))");
}
is($pages, 27, '26 pages and an empty one');
is((scalar grep { $_ > 1 } values %seen), 0, 'no slot comes twice');
my @free = split /\n/, $node->safe_psql('postgres', "SELECT id FROM booking.time_slots WHERE clinic_id = 7100000009 AND is_available");
cmp_ok(scalar @free, '>', 25_000, 'more than 25,000 stayed free');
is((scalar grep { !$seen{$_} } @free), 0, 'none of them is missing');
is((request('guest', 'GET', $all, '-'))[0], 422, 'all of them are too many at once');
is((request('guest', 'GET', "$all&until_time=2097-01-03T08:00:00Z", '-'))[2],
	$node->safe_psql('postgres', "SELECT count(*) FROM booking.time_slots WHERE clinic_id = 7100000009 AND is_available AND starts_at < '2097-01-03 08:00Z'"),
	'all of a day are counted');
is((request('guest', 'GET', "$all&until_time=2097-01-03T08:00:00Z&order=starts_at,doctor_id&limit=10&offset=5700", '-'))[2], 10, 'and paged by number far beyond the first 100');

$node->stop;
done_testing();
