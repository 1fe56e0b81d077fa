# No call leaves anything behind in its session: memory does not grow with their number.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bookings = 200_000;
my $limit = 5 * 1024 * 1024;
my $node = PostgreSQL::Test::Cluster->new('memory');

$node->init;
# a transaction holds its locks to its end, and 1000 bookings in one have up to 3 each
$node->append_conf('postgresql.conf', <<'CONF');
log_statement = none
log_min_messages = fatal
timezone = 'UTC'
shared_buffers = 256MB
synchronous_commit = off
max_wal_size = 4GB
max_locks_per_transaction = 256
CONF
$node->start;

# 800 doctors with 250 slots each; each doctor's slots are booked for one patient.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION booking CASCADE;
SELECT booking.add_clinic('Harley Street', time_zone => 'Europe/London');
SELECT booking.add_doctor(1, 'Doctor ' || n) FROM generate_series(1, 801) n;
SELECT booking.add_patient('Patient ' || n, n || '@example.org') FROM generate_series(1, 801) n;
SELECT count(*) FROM generate_series(1, 800) doctor, generate_series(1, 10) day,
	LATERAL booking.add_time_slots(doctor, date '2098-06-01' + day, '09:00', '15:15', 15);
-- a past slot, a withdrawn one, and one that stays free
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at, is_available)
VALUES (1000001, 1, 801, '2020-01-01 09:00', '2020-01-01 09:30', true),
	   (1000002, 1, 801, '2098-01-01 09:00', '2098-01-01 09:30', false),
	   (1000003, 1, 801, '2098-01-01 10:00', '2098-01-01 10:30', true);
-- not appointments: a table analyzed while empty is read whole, until it is analyzed again
ANALYZE booking.clinics, booking.doctors, booking.patients, booking.time_slots;
SQL
is($node->safe_psql('postgres', 'SELECT count(*) FROM booking.time_slots WHERE id <= 200000'), $bookings, 'slots to book');

my $session = $node->background_psql('postgres');
$session->set_query_timer_restart;
sub memory { return $session->query_safe('SELECT sum(total_bytes) FROM pg_backend_memory_contexts'); }

# Runs $work with calls numbered $first to $last, a transaction each 1000.
sub call
{
	my ($first, $last, $work) = @_;

	$session->query_safe(<<"SQL");
DO \$\$
BEGIN
	FOR batch IN ${first} / 1000 .. ${last} / 1000 - 1
	LOOP
		FOR n IN batch * 1000 + 1 .. batch * 1000 + 1000
		LOOP
			$work
		END LOOP;
		COMMIT;
	END LOOP;
END
\$\$
SQL
}

sub memory_stays
{
	my ($what, $calls, $work) = @_;

	call(0, 1000, $work);
	my $before = memory();
	call(1000, $calls, $work);
	my $after = memory();
	cmp_ok($after - $before, '<=', $limit, "$calls $what stay within 5 MB of where 1000 left the session");
	note "$what: $before bytes after 1000 calls, $after after $calls";
}

memory_stays('bookings', $bookings, 'PERFORM booking.book_slot(id, doctor_id) FROM booking.time_slots WHERE id = n;');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT slot_id) FROM booking.appointments'), "$bookings|$bookings", 'every slot is booked once');

memory_stays('refusals', 20_000, <<'SQL');
			BEGIN
				PERFORM CASE n % 10
					WHEN 0 THEN (booking.book_slot(-n, 1)).id
					WHEN 1 THEN (booking.book_slot(n, 801)).id
					WHEN 2 THEN (booking.book_slot(1000001, 801)).id
					WHEN 3 THEN (booking.book_slot(1000002, 801)).id
					WHEN 4 THEN (booking.book_slot(1000003, -n)).id
					WHEN 5 THEN (booking.book_slot(NULL, NULL)).id
					WHEN 6 THEN (booking.add_patient('Patient', '1@example.org')).id
					WHEN 7 THEN (booking.add_doctor(1, 'D')).id
					WHEN 8 THEN (booking.remove_time_slot(n)).id
					WHEN 9 THEN (SELECT id FROM booking.add_time_slots(1, '2098-06-02', '09:00', '10:00', 15) LIMIT 1) END;
				RAISE EXCEPTION 'call % was not refused', n USING ERRCODE = 'assert_failure';
			EXCEPTION
				WHEN SQLSTATE 'PT400' OR SQLSTATE 'PT404' OR SQLSTATE 'PT409' OR SQLSTATE 'PT422' THEN NULL;
			END;
SQL

memory_stays('looks', 20_000, <<'SQL');
			PERFORM FROM booking.available_slots(801);
			PERFORM FROM booking.available_slots(801, '2098-01-01', max_slots => 5);
			PERFORM FROM booking.check_booking(1 + n, 1);
			PERFORM booking.is_slot_available(1 + n);
			PERFORM FROM booking.patient_appointments(801);
SQL

memory_stays('changes', 3_000, <<'SQL');
			-- finding a zone reads the whole zone database
			IF n % 100 = 0 THEN
				PERFORM booking.add_clinic('Clinic ' || n, time_zone => 'Asia/Kathmandu');
			END IF;
			PERFORM booking.add_doctor(1, 'Doctor');
			PERFORM booking.add_patient('Patient', n || '@example.com');
			PERFORM booking.set_slot_availability(1000003, n % 2 = 0);
			PERFORM booking.remove_time_slot(1000003);
			PERFORM booking.restore_time_slot(1000003);
			PERFORM FROM booking.add_time_slots(801, date '2098-06-01' + n, '09:00', '10:00', 30);
SQL

# Nor with an index whose kind keeps something while a row is written.
$session->query_safe(q{CREATE INDEX ON booking.appointment_events USING gin (to_tsvector('simple', coalesce(reason, '') || actor_role::text))});
$session->query_safe('CREATE INDEX ON booking.time_slots USING brin ((is_available::text)) WHERE is_available IS NOT NULL');
# For many patients: whoever books looks through what the patient had at that time, cancelled or not, and
# would have more to look through each time.
memory_stays('holds', 20_000, q{PERFORM booking.hold_slot(1000003, 1 + n % 800, '1 microsecond');});

# Nor where a statement has to be run, and what is known of the table changes all the time.
$session->query_safe(q{CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'});
$session->query_safe('CREATE TRIGGER keep BEFORE INSERT ON booking.appointments FOR EACH ROW EXECUTE FUNCTION public.keep()');
memory_stays('holds by statement', 3_000, <<'SQL');
			PERFORM booking.hold_slot(1000003, 1 + n % 800, '1 microsecond');
			IF n % 5 = 0 THEN
				CREATE OR REPLACE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			END IF;
SQL

# Nor within one statement.
for my $work ('booking.check_booking(n, 1)', 'booking.available_slots(801)', 'booking.is_slot_available(n)')
{
	my ($before, $after) = split /\|/, $session->query_safe(<<"SQL");
SELECT min(bytes), max(bytes) FROM (
	SELECT (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE n % 19000 = 1000) AS bytes
	FROM generate_series(1, 20000) n, LATERAL (SELECT count(*) FROM $work) calls OFFSET 0) s
SQL
	cmp_ok($after - $before, '<=', $limit, "20000 calls of $work in one statement stay within 5 MB of where 1000 left it");
}

$session->query_safe("SELECT booking.add_schedule(801, weekday, '09:00', '10:00', 30) FROM generate_series(1, 7) weekday");
memory_stays('rounds', 2_000, <<'SQL');
			PERFORM FROM booking.maintain();
			PERFORM FROM booking.read_events('mail', 10);
			PERFORM FROM booking.next_available(doctor_ids => '{801}');
			PERFORM booking.generate_slots(date '2090-01-01' + n, date '2090-01-01' + n, 801);
			PERFORM FROM booking.add_days_off(date '2090-01-01' + n, date '2090-01-01' + n, 801);
			PERFORM booking.remove_time_off(max(id)) FROM booking.time_off;
SQL

$session->quit;
$node->stop;
done_testing();
