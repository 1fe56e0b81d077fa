# Days of every zone about every change of the clocks from 2026 to 2037, compared with what zdump(8), which
# reads the same files by code of its own, says of the clocks: whole days off, and slots by date.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

use constant QUARTER => 900;
use constant DAY => 86400;

use POSIX qw(floor);

my $node = PostgreSQL::Test::Cluster->new('days');
$node->init;
# a step of the test is one transaction, in which a lock for each clinic is held
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = 'UTC'\nmax_locks_per_transaction = 1000");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');

# The files that the server itself reads.
my ($configured) = qx(pg_config --configure) =~ /--with-system-tzdata=([^' ]+)/;
chomp(my $share = qx(pg_config --sharedir));
my $zoneinfo = $configured // "$share/timezone";
my @zones = split /\n/, $node->safe_psql('postgres',
	"SELECT name FROM pg_timezone_names WHERE name NOT LIKE 'posix/%' AND name NOT IN ('localtime', 'posixrules')
	 AND name NOT IN (SELECT abbrev FROM pg_timezone_abbrevs) ORDER BY 1");

# The changes of each zone: [when, offset before, offset after].
my %month = map { (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$_] => $_ } 0 .. 11;
my (%changes, %last);
for my $line (split /\n/, qx(cd '$zoneinfo' && zdump -v -c 2025,2038 @zones))
{
	my ($zone, $mon, $day, $h, $m, $s, $year, $gmtoff) =
		$line =~ /^(\S+) +\w+ (\w+) +(\d+) (\d+):(\d+):(\d+) (\d+) UTC? = .* gmtoff=(-?\d+)$/ or next;
	my $at = timegm($s, $m, $h, $day, $month{$mon}, $year);
	my ($when, $offset) = @{ $last{$zone} // [] };

	push @{ $changes{$zone} }, [ $at, $offset, $gmtoff ] if defined $when && $at == $when + 1 && $gmtoff != $offset;
	$last{$zone} = [ $at, $gmtoff ];
}
cmp_ok(scalar keys %changes, '>', 100, 'zones whose clocks change');

# The local date, in days since 1970, at an instant about a change.
sub date_at
{
	my ($zone, $instant) = @_;
	my $offset = $changes{$zone}[0][1];

	for my $change (@{ $changes{$zone} })
	{
		last if $change->[0] > $instant;
		$offset = $change->[2];
	}
	return floor(($instant + $offset) / DAY);
}

# The first quarter of an hour since when no earlier date has come back.
sub day_start
{
	my ($zone, $date) = @_;
	my $instant = $date * DAY - $changes{$zone}[0][1] + 4 * 3600;

	$instant -= QUARTER while date_at($zone, $instant - QUARTER) >= $date;
	return $instant;
}

# The dates before and after each change from 2026 on, and, of three years, the changes about midnight.
my (%dates, @at_midnight);
my ($from, $soon) = map { timegm(0, 0, 0, 1, 0, $_) } 2026, 2029;
for my $zone (keys %changes)
{
	for my $change (grep { $_->[0] >= $from } @{ $changes{$zone} })
	{
		my ($before, $after) = (date_at($zone, $change->[0] - 1), date_at($zone, $change->[0]));

		$dates{$zone}{$_} = 1 for $before, $after;
		push @at_midnight, [ $zone, $after ]
			if $change->[0] < $soon && date_at($zone, $change->[0] - 3601) != date_at($zone, $change->[0] + 3600);
	}
}
my $dates = join '', map {
	my $zone = $_;
	map { "$zone\t$_\t" . day_start($zone, $_) . "\t" . day_start($zone, $_ + 1) . "\n" } sort keys %{ $dates{$zone} }
} sort keys %dates;

my ($count, $wrong) = split /\n/, $node->safe_psql('postgres', <<"SQL");
CREATE TABLE expected (zone text, day int, starts_at bigint, ends_at bigint);
COPY expected FROM stdin;
$dates\\.
BEGIN;
INSERT INTO booking.clinics (name, time_zone) SELECT DISTINCT zone, zone FROM expected;
SELECT count(*) FROM expected e JOIN booking.clinics c ON c.name = e.zone,
	LATERAL (SELECT count(*) FROM booking.add_days_off(date '1970-01-01' + day, date '1970-01-01' + day, clinic_id => c.id, reason => day::text)) a;
SELECT string_agg(format('%s %s: %s to %s', zone, date '1970-01-01' + day, o.starts_at, o.ends_at), '; ')
FROM expected e JOIN booking.clinics c ON c.name = e.zone JOIN booking.time_off o ON o.clinic_id = c.id AND o.reason = e.day::text
WHERE (extract(epoch FROM o.starts_at), extract(epoch FROM o.ends_at)) IS DISTINCT FROM (e.starts_at, e.ends_at);
ROLLBACK;
SQL
is($count, $dates =~ tr/\n//, "$count days off");
is($wrong // '', '', 'are the days that zdump has');

# 00:00 and 24:00 are where the day starts and ends, too.
is($node->safe_psql('postgres', <<'SQL'), '', 'and so are sessions of a whole day');
SELECT zone, date '1970-01-01' + day FROM expected,
	LATERAL (SELECT min(s.starts_at) AS starts_at, max(s.ends_at) AS ends_at
			 FROM booking.session_slots(date '1970-01-01' + day, '00:00', '24:00', zone, 30) s) s
WHERE (extract(epoch FROM s.starts_at), extract(epoch FROM s.ends_at)) IS DISTINCT FROM (expected.starts_at, expected.ends_at)
SQL

# Where the clocks change at midnight, half hours over three days: those of the date are found by it, and
# no others are withdrawn by a day off.
my $slots = join '', map {
	my ($zone, $date) = @$_;
	map { join("\t", $zone, $date, $_, date_at($zone, $_)) . "\n" }
		map { ($date - 1) * DAY - 12 * 3600 + $_ * 1800 } 0 .. 143
} @at_midnight;
cmp_ok(scalar @at_midnight, '>', 30, 'changes at midnight');
my ($found, $off) = split /\n/, $node->safe_psql('postgres', <<"SQL");
CREATE TABLE half_hours (zone text, day int, starts_at bigint, local_day int);
COPY half_hours FROM stdin;
$slots\\.
BEGIN;
INSERT INTO booking.clinics (name, time_zone) SELECT DISTINCT zone, zone FROM half_hours;
INSERT INTO booking.doctors (clinic_id, name) SELECT DISTINCT c.id, day::text || ' of the era' FROM half_hours h JOIN booking.clinics c ON c.name = h.zone;
CREATE TEMP TABLE about AS
	SELECT h.*, d.id AS doctor_id FROM half_hours h JOIN booking.clinics c ON c.name = h.zone
		JOIN booking.doctors d ON d.clinic_id = c.id AND d.name = h.day::text || ' of the era';
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
	SELECT d.clinic_id, d.id, to_timestamp(a.starts_at), to_timestamp(a.starts_at + 1800)
	FROM about a JOIN booking.doctors d ON d.id = a.doctor_id;
CREATE TEMP TABLE days AS SELECT DISTINCT doctor_id, local_day FROM about WHERE local_day BETWEEN day - 1 AND day;
ANALYZE;
CREATE TEMP TABLE wanted AS
	SELECT doctor_id, local_day, array_agg(to_timestamp(a.starts_at) ORDER BY a.starts_at) AS starts FROM days JOIN about a USING (doctor_id, local_day) GROUP BY 1, 2;
SELECT count(*) FROM wanted,
	LATERAL (SELECT array_agg(s.starts_at ORDER BY s.starts_at) AS starts FROM booking.available_slots(doctor_id, date '1970-01-01' + local_day) s) found
WHERE found.starts IS DISTINCT FROM wanted.starts AND local_day > current_date - date '1970-01-01' + 1;
CREATE FUNCTION pg_temp.off(of_doctor bigint, day int) RETURNS timestamptz[] LANGUAGE plpgsql AS \$\$
DECLARE
	starts timestamptz[];
BEGIN
	PERFORM FROM booking.add_days_off(date '1970-01-01' + day, date '1970-01-01' + day, doctor_id => of_doctor);
	SELECT array_agg(starts_at ORDER BY starts_at) INTO starts FROM booking.time_slots s WHERE s.doctor_id = of_doctor AND NOT is_available;
	PERFORM booking.remove_time_off(max(id)) FROM booking.time_off;
	RETURN starts;
END
\$\$;
SELECT count(*) FROM wanted WHERE starts IS DISTINCT FROM pg_temp.off(doctor_id, local_day);
ROLLBACK;
SQL
is($found, '0', 'slots by date');
is($off, '0', 'slots withdrawn by a day off');

$node->stop;
done_testing();
