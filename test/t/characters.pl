# characters.pl: what is refused, trimmed and shown of every character there is, compared with Perl's
# Unicode; and the same in databases of other encodings.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Unicode::UCD;

my $node = PostgreSQL::Test::Cluster->new('characters');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = UTC");
$node->start;

# A table whose texts are trimmed, as those of the book are.
my $setup = <<'END';
CREATE EXTENSION booking CASCADE;
CREATE TABLE words (n int, word text);
CREATE TRIGGER tidy BEFORE INSERT ON words FOR EACH ROW EXECUTE FUNCTION booking.tidy_row('word');
END
$node->safe_psql('postgres', $setup);

# A digit a character: 1 it is a control character, 2 it is trimmed before a word, 4 behind one, 8 no
# e-mail address has it. Where a database has no such character, none is asked for.
sub digits
{
	my ($database, $codes) = @_;
	return $node->safe_psql($database, <<"END");
WITH codes AS MATERIALIZED (SELECT n, chr(n) AS c FROM ($codes) s (n)),
	in_front AS (INSERT INTO words SELECT n, c || 'a' FROM codes RETURNING n, word),
	behind AS (INSERT INTO words SELECT n, 'a' || c FROM codes RETURNING n, word)
SELECT string_agg(to_hex(CASE WHEN booking.has_no_control_characters(c) THEN 0 ELSE 1 END
	+ CASE WHEN l.word = 'a' THEN 2 ELSE 0 END + CASE WHEN t.word = 'a' THEN 4 ELSE 0 END
	+ CASE WHEN booking.is_plausible_email('a' || c || 'b\@example.org') THEN 0 ELSE 8 END), '' ORDER BY n)
FROM codes JOIN in_front l USING (n) JOIN behind t USING (n)
END
}

my @codes = grep { $_ < 0xD800 || $_ > 0xDFFF } 1 .. 0x10FFFF;
my $digits = digits('postgres', 'SELECT n FROM generate_series(1, 1114111) n WHERE n NOT BETWEEN 55296 AND 57343');
is(length $digits, scalar @codes, 'every character was asked about');
my %digit;
@digit{@codes} = map { hex } split //, $digits;

# Perl may know an older or a newer Unicode: only what both have is compared.
my $version = Unicode::UCD::UnicodeVersion() =~ /^(?:\d|1[0-4])\./ ? '14.0' : '15.0';
my $known = qr/\p{Present_In: $version}/;
my $special = qr/[()<>\[\]:;,\\"@]/;
my (@wrong, $compared);
for my $code (@codes)
{
	no warnings 'utf8';
	my $character = chr $code;
	next if $character !~ $known && $character !~ /\p{Default_Ignorable_Code_Point}/;
	my $control = $character =~ /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/;
	my $hidden = $character =~ /[\p{White_Space}\p{Cf}\p{Default_Ignorable_Code_Point}]/
	  && $character !~ /\p{Prepended_Concatenation_Mark}/;
	my $attached = $character =~ /[\p{Variation_Selector}\x{E0020}-\x{E007F}]/;
	my $expected = ($control ? 1 : 0) + ($hidden ? 2 : 0) + ($hidden && !$attached ? 4 : 0)
	  + ($control || $hidden || $character =~ $special ? 8 : 0);
	push @wrong, sprintf('U+%04X: %x instead of %x', $code, $digit{$code}, $expected) if $expected != $digit{$code};
	$compared++;
}
is(join("\n", @wrong), '', 'all are taken for what Perl takes them for');
cmp_ok($compared, '>', 280_000, 'which is most of them');

# Databases whose characters are bytes: as the characters that they stand for.
for my $encoding (qw(LATIN1 LATIN9 ISO_8859_8 WIN1252 WIN1255 WIN1256 KOI8R WIN866))
{
	my $name = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$encoding' TEMPLATE template0");
	$node->safe_psql($name, $setup);
	my %code = map { split /\|/ } split /\n/, $node->safe_psql('postgres', <<"SQL");
CREATE OR REPLACE FUNCTION pg_temp.code(b int) RETURNS int LANGUAGE plpgsql AS \$\$
BEGIN
	RETURN ascii(convert_from(set_byte(' ', 0, b), '$encoding'));
EXCEPTION WHEN untranslatable_character THEN
	RETURN 0;
END
\$\$;
SELECT b, pg_temp.code(b) FROM generate_series(1, 255) b
SQL
	my $expected = join '', map { sprintf '%x', $code{$_} ? $digit{ $code{$_} } : 0 } 1 .. 255;
	is(digits($name, 'SELECT generate_series(1, 255)'), $expected, "$encoding");
}

# What a zone that is not there is called in the message, in the database's own bytes.
sub message
{
	my ($database, $bytes) = @_;
	return $node->safe_psql($database, <<"SQL") =~ s/\\\\/\\/gr;
CREATE OR REPLACE FUNCTION pg_temp.message(zone text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM booking.session_slots('2099-06-01', '09:00', '10:00', zone, 30);
EXCEPTION WHEN OTHERS THEN
	RETURN encode(convert_to(substring(SQLERRM, '"(.*)"'), getdatabaseencoding()), 'escape');
END
\$\$;
SELECT pg_temp.message(convert_from('\\x$bytes', getdatabaseencoding()))
SQL
}
is(message('postgres', '58c3a9c285e280aee38182'), 'X\303\251\u0085\u202e\343\201\202', 'UTF8: between other characters');
is(message('latin1', '58e98585'), 'X\351\u0085\u0085', 'LATIN1');
is(message('latin1', '580d0a7f'), 'X\u000d\u000a\u007f', 'ASCII in LATIN1');
is(message('win1256', '58fdfe80'), 'X\u200e\u200f\200', 'WIN1256 has marks of direction');

# Characters of several bytes, of which no byte is taken for a character of its own.
for my $encoding (qw(EUC_JP EUC_KR EUC_CN EUC_TW))
{
	$node->safe_psql('postgres', "CREATE DATABASE \L$encoding\E ENCODING '$encoding' TEMPLATE template0");
	$node->safe_psql(lc $encoding, $setup);
}
sub trimmed
{
	my ($database, $bytes) = @_;
	return $node->safe_psql($database, <<"END");
INSERT INTO words SELECT 0, convert_from('\\x$bytes', getdatabaseencoding())
RETURNING encode(convert_to(word, getdatabaseencoding()), 'hex') || ' ' || booking.has_no_control_characters(word)
END
}
is(trimmed('euc_jp', 'a1a18eb1b0a18fb0a1a1a120'), '8eb1b0a18fb0a1 true', 'EUC_JP: wide blanks are trimmed, kana of two bytes stay');
is(trimmed('euc_kr', 'a1a1b0a1a1a9'), 'b0a1 true', 'EUC_KR: and a soft hyphen');
is(trimmed('euc_cn', 'a1a1b0a1a1a1'), 'b0a1 true', 'EUC_CN');
is(trimmed('euc_tw', 'a1a18ea2a1a1a1a1'), '8ea2a1a1 true', 'EUC_TW: characters of four bytes');
is(trimmed('euc_jp', 'b0a10db0a1'), 'b0a10db0a1 false', 'a carriage return in EUC_JP');
is(message('euc_jp', 'b0a10d8eb1'), '\260\241\u000d\216\261', 'and in a message');
is($node->safe_psql('euc_jp', "SELECT (booking.add_patient('Ada', ' ada\@example.org ')).email"), 'ada@example.org', 'addresses');

# Where the database knows nothing of bytes: as UTF-8 where it may be that, else a byte alone.
$node->safe_psql('postgres', "CREATE DATABASE sql_ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
$node->safe_psql('sql_ascii', $setup);
is(trimmed('sql_ascii', 'c2a0c3a9fcffe2b2c2a0'), 'c3a9fcffe2b2 true', 'SQL_ASCII: invalid bytes stay');
is(trimmed('sql_ascii', '5885'), '5885 false', 'a byte that is a control character in most encodings');
is(trimmed('sql_ascii', '58e280a858'), '58e280a858 false', 'a line separator');
is(message('sql_ascii', '5885fce280aec3a9e28020'), 'X\x85\374\u202e\303\251\342\x80 ', 'in messages');

$node->stop;
done_testing();
