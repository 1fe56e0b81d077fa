# security.pl: the table of rights in doc/security.md is the catalogue's.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('security');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION booking CASCADE');

my ($shown) = slurp_file("$top/doc/security.md") =~ m{^<!-- rights -->\n(.*?)^<!-- /rights -->$}ms;
my $has = $node->safe_psql('postgres', slurp_file("$top/test/rights.sql"));
is($shown, "$has\n", 'doc/security.md has the table of test/rights.sql');

# The table has every kind of object that there is to have rights on.
is($node->safe_psql('postgres', <<'END'), '', 'nothing else is in the schema');
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'booking'::regnamespace AND relkind NOT IN ('r', 'v', 'S', 'i')
UNION ALL
SELECT p.oid::regclass FROM pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prokind <> 'f'
END
is($node->safe_psql('postgres', <<'END'), '', 'and nobody else has a right on any of it');
SELECT objid::text, grantee FROM (
	SELECT oid AS objid, relacl AS acl, relowner AS owner FROM pg_class WHERE relnamespace = 'booking'::regnamespace
	UNION ALL SELECT oid, coalesce(proacl, acldefault('f', proowner)), proowner FROM pg_proc WHERE pronamespace = 'booking'::regnamespace
	UNION ALL SELECT oid, nspacl, nspowner FROM pg_namespace WHERE nspname = 'booking'
	UNION ALL SELECT attrelid, attacl, relowner FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'booking'::regnamespace
) o, aclexplode(acl) WHERE grantee <> owner
	AND grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('booking_guest', 'booking_patient', 'booking_staff', 'booking_admin'))
	AND NOT (grantee = 'pg_monitor'::regrole AND (objid IN ('booking.metrics'::regclass, 'booking.refusals()'::regprocedure) OR objid = 'booking'::regnamespace))
END

$node->stop;
done_testing();
