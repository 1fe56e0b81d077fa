# docs.pl: README.md and doc/ stay true. What they list is compared with the catalogue and
# the source, and what they show is run.
#
# In a document,
#   ```sql     is run and must not fail;
#   ```psql    is a session: after "=> ", and "-> " where it goes on, what is typed, then
#              exactly what psql prints;
#   <!-- sql   is run like ```sql, but not shown.
# "fresh" after the language starts with a new database, "norun" leaves the block out.
use strict;
use warnings;

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my @documents = ("README.md", map { "doc/" . s{.*/}{}r } sort glob "$top/doc/*.md");
my %text = map { $_ => slurp_file("$top/$_") } @documents;
my $all_text = join "\n", @text{@documents};

my $node = PostgreSQL::Test::Cluster->new('docs');
# documents have a superuser of that name; without this it is named like who runs the test
$node->init(extra => [ '--username=postgres' ]);
$ENV{PGUSER} = 'postgres';
$node->append_conf('postgresql.conf', "timezone = UTC\nfsync = off\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');

sub catalogue
{
	return [ split /\n/, $node->safe_psql('postgres', shift) ];
}

# What fits the pattern of the code in first columns of tables.
sub listed
{
	my ($document, $pattern) = @_;
	return [ map { /`($pattern)`/g } $text{$document} =~ /^\| (`[^|]*`) \|/mg ];
}

# What is typed and what is to be printed, a pair for each statement; undef for anything.
sub statements
{
	my ($language, $body) = @_;
	return [ $body, undef ] if $language eq 'sql';

	my @statements;
	for my $line (split /\n/, $body)
	{
		if ($line =~ s/^=> ?//)
		{
			push @statements, [ "$line\n", '' ];
		}
		elsif ($line =~ s/^-> ?//)
		{
			$statements[-1][0] .= "$line\n";
		}
		else
		{
			$statements[-1][1] .= "$line\n";
		}
	}
	return @statements;
}

# The document's statements, those of one database together.
sub sessions
{
	my ($document) = @_;
	my @sessions;
	while ($text{$document} =~
		/^(?:```|<!--\ )(sql|psql)((?:\ \w+)*)\n(.*?)^(?:```|-->)$/gmsx)
	{
		my ($language, $flags, $body) = ($1, $2, $3);
		next if $flags =~ /norun/;
		push @sessions, [] if !@sessions || $flags =~ /fresh/;
		push @{ $sessions[-1] }, statements($language, $body);
	}
	return @sessions;
}

# Blanks at the ends of lines are psql's own, and LOCATION is a line of the source.
sub tidy
{
	my ($output) = @_;
	$output =~ s/ +$//mg;
	$output =~ s/^LOCATION:.*\n?//mg;
	$output =~ s/\A\n+|\n+\z//g;
	return $output;
}

my $databases = 0;

sub run_session
{
	my ($document, @statements) = @_;
	my $database = 'docs' . ++$databases;
	my $script = join '', map { "$_->[0]\\echo \@\@\@\n" } @statements;
	my $output = '';
	my $name = "$document, database $databases";

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	IPC::Run::run([ 'psql', '-X', '-d', $node->connstr($database) ],
		'<', \$script, '>&', \$output);
	my @outputs = split /^\@\@\@$/m, $output;

	for my $statement (@statements)
	{
		my ($typed, $wanted) = @$statement;
		my $printed = tidy(shift @outputs // 'nothing: psql ended');
		my ($first_line) = split /\n/, $typed;

		if (defined $wanted)
		{
			is($printed, tidy($wanted), "$name: $first_line");
		}
		else
		{
			unlike($printed, qr/^(?:ERROR|FATAL|psql:|nothing)/m, "$name: $first_line");
		}
	}
	return;
}

for my $document (@documents)
{
	run_session($document, @$_) for sessions($document);
}

is_deeply(
	[ sort @{ listed('README.md', qr/\w+\([^`]*\)/) } ],
	[
		sort @{
			catalogue(<<'END')
SELECT proname || '(' || coalesce((SELECT string_agg(
	CASE WHEN n > pronargs - pronargdefaults THEN '[' || proargnames[n] || ']' ELSE proargnames[n] END,
	', ' ORDER BY n) FROM generate_series(1, pronargs) n), '') || ')'
FROM pg_proc WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
	AND (pronargs = 0 OR proargnames IS NOT NULL)
UNION ALL
SELECT proname || '(booking)' FROM pg_proc WHERE proargtypes[0] = 'booking.bookings'::regtype
END
		}
	],
	'the README lists every function');

is_deeply(
	[ sort @{ listed('README.md', qr/booking\.\w+/) } ],
	catalogue(<<'END'), 'the README lists every table and view');
SELECT 'booking.' || relname FROM pg_class
WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1
END

my ($plain_sql) = $text{'README.md'} =~ /^## Plain SQL\n(.*?)^## /ms;
my %updatable = $plain_sql =~ /^\| (\w+) \| (`.*)$/mg;
is_deeply(
	[ sort map { my $table = $_; map { "$table.$_" } $updatable{$table} =~ /`(\w+)`/g } keys %updatable ],
	[ sort @{ catalogue(<<'END') } ], 'the README lists every column that an administrator may update');
SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'booking'::regnamespace AND relkind = 'r' AND attnum > 0
	AND has_column_privilege('booking_admin', attrelid, attnum, 'UPDATE')
END

my @transitions =
  $text{'doc/lifecycle.md'} =~ /^\| ([a-z-]+) \| ([a-z-]+) \| (always|after the start|on the day) \|/mg;
is_deeply(
	[ map { join '|', splice @transitions, 0, 3 } 0 .. @transitions / 3 - 1 ],
	catalogue(<<'END'), 'lifecycle.md has the table of transitions');
SELECT from_status, to_status, allowed FROM booking.status_transitions
WHERE to_status <> 'entered-in-error' ORDER BY 1, 2
END

# Every rule that a refusal can name, by the catalogue and the view's own trigger, with its SQLSTATEs.
my %number = (ERRCODE_INSUFFICIENT_PRIVILEGE => '42501', ERRCODE_EXCLUSION_VIOLATION => '23P01');
my $source = join "\n", map { slurp_file($_) } glob("$top/src/base/*.h"), glob("$top/sql/[0-9]*.sql");
$number{$1} = $2 =~ tr/', //dr while $source =~ /^#define (ERRCODE_BOOKING_\w+) MAKE_SQLSTATE\((.*)\)/mg;
my (%sqlstates, %overrulable);
while ($source =~ /^REFUSAL\(\s*\w+, "(\w+)",\s+(ERRCODE_\w+),(.*?)\)\n(?=REFUSAL|\n|\z)/gms)
{
	my ($rule, $errcode, $rest) = ($1, $2, $3);
	$sqlstates{$rule}{ $number{$errcode} } = 1;
	$overrulable{$rule} = 1 if $rest =~ /\.is_overrulable = true/;
}
while ($source =~ /ERRCODE = '(\w{5})',(?:(?!ERRCODE).)*?CONSTRAINT = '(\w+)'/gs)
{
	$sqlstates{$2}{$1} = 1;
}

sub with_sqlstates
{
	my ($rule) = @_;
	return "`$rule` | " . join ', ', map { "`$_`" } sort { $b cmp $a } keys %{ $sqlstates{$rule} };
}

is_deeply([ sort $text{'doc/rules.md'} =~ /^\| (`\w+` \| `[^|]*` \| \w*) ?\| .*\|$/mg ],
	[ sort map { with_sqlstates($_) . ' | ' . ($overrulable{$_} ? 'yes' : '') } keys %sqlstates ],
	'rules.md lists every rule');
is_deeply([ $text{'README.md'} =~ /^\| \d+ \| (`\w+` \| `\w+`) \| .*\|$/mg ],
	[ map { with_sqlstates($_) } @{ catalogue('SELECT rule FROM booking.check_booking(0, 0)') } ],
	'the README has the chain of rules in order');

for my $document (@documents)
{
	my ($directory) = $document =~ m{^(.*/)?};
	for my $link ($text{$document} =~ /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)
	{
		ok(-e "$top/" . ($directory // '') . $link, "$document: link to $link");
	}
}

$node->stop;
done_testing();
