-- Free slots page by page: 25,200 of 120 doctors, whose slots start at the same instants. None is missing,
-- none comes twice, whatever is booked, removed and moved between the pages.
BEGIN;
SELECT plan(17);
\ir helpers.psql
\ir ../buffers.psql
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;

SELECT (booking.add_clinic('Large')).id AS clinic \gset
SELECT pg_temp.patient() AS patient \gset
UPDATE booking.clinics SET allow_patient_overlap = true WHERE id = :clinic;
INSERT INTO booking.doctors (clinic_id, name) SELECT :clinic, 'Dr ' || n FROM generate_series(1, 120) n;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
SELECT clinic_id, id, t, t + interval '20 minutes'
FROM booking.doctors, generate_series(0, 209) n, LATERAL (SELECT timestamptz '2090-01-02 08:00Z' + n * interval '30 minutes') s (t)
WHERE clinic_id = :clinic ORDER BY t, id;
CREATE TEMP TABLE whole AS
SELECT id AS slot_id, row_number() OVER (ORDER BY starts_at, doctor_id) AS number FROM booking.time_slots WHERE clinic_id = :clinic;

-- All pages, as the recipe of doc/rest.md has it; after each page something is done about its last slot.
CREATE FUNCTION pg_temp.walk(clinic bigint, page int, meanwhile text DEFAULT NULL, doctor bigint DEFAULT NULL)
	RETURNS TABLE (page_number int, slot_id bigint) LANGUAGE plpgsql AS $$
DECLARE
	last record;
	place timestamptz;
	last_doctor bigint;
BEGIN
	FOR number IN 1 .. 1000 LOOP
		page_number := number;
		last := NULL;
		FOR last IN SELECT * FROM booking.available_slots(doctor, clinic_id => clinic, from_time => place, after_doctor => last_doctor, max_slots => page) LOOP
			slot_id := last.slot_id;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN last IS NULL;
		place := last.starts_at;
		last_doctor := last.doctor_id;
		IF meanwhile IS NOT NULL THEN
			EXECUTE meanwhile USING last.slot_id;
		END IF;
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.verdict(clinic bigint, page int) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s pages, %s slots, %s different, %s missing, %s out of order', max(page_number), count(*), count(DISTINCT slot_id),
		(SELECT count(*) FROM whole) - count(number), count(*) FILTER (WHERE number <> position))
	FROM (SELECT page_number, slot_id, row_number() OVER () AS position FROM pg_temp.walk(clinic, page)) w LEFT JOIN whole USING (slot_id)
$$;
SELECT is(pg_temp.verdict(:clinic, 10000), '3 pages, 25200 slots, 25200 different, 0 missing, 0 out of order', 'pages of 10000');
SELECT is(pg_temp.verdict(:clinic, 1000), '26 pages, 25200 slots, 25200 different, 0 missing, 0 out of order', 'pages of 1000');
SELECT is(pg_temp.verdict(:clinic, 117), '216 pages, 25200 slots, 25200 different, 0 missing, 0 out of order', 'pages that end within an instant');
SELECT is((SELECT format('%s pages, %s slots', max(page_number), count(DISTINCT slot_id)) FROM pg_temp.walk(:clinic, 7, doctor => (SELECT max(id) FROM booking.doctors))),
	'30 pages, 210 slots', 'of one doctor');

-- A page is read where its slots are in time, not a page's worth of each doctor: that would be 12,000.
SELECT cmp_ok(pg_temp.buffers(format('SELECT * FROM booking.available_slots(clinic_id => %s, max_slots => 100)', :clinic)), '<', 4000::bigint, 'a page of a clinic takes few reads');

-- Without max_slots it is all, or an error.
SELECT is(row(r.*)::text, row('PT422', 'more than 10000 time slots are free', 'rule all_slots_are_at_most_10000: without max_slots it is all of them or none.',
	'Ask for fewer by doctor_id, clinic_id, on_date or until_time; or give max_slots, and go on with starts_at and doctor_id of the last slot as from_time and after_doctor.',
	'booking.time_slots', 'all_slots_are_at_most_10000')::text, 'more than 10000 are too many')
FROM pg_temp.refusal(format('SELECT booking.available_slots(clinic_id => %s)', :clinic)) r;
SELECT is((SELECT count(*) FROM booking.available_slots(clinic_id => :clinic, on_date => '2090-01-03')), 48 * 120::bigint, 'all of a day');
SELECT is((SELECT count(*) FROM booking.available_slots(clinic_id => :clinic, until_time => '2090-01-04 01:30Z')), 83 * 120::bigint, 'all of a range');
UPDATE booking.time_slots SET is_available = false WHERE clinic_id = :clinic AND starts_at >= '2090-01-04 01:30Z' AND id <> ALL (ARRAY(
	SELECT s.id FROM booking.time_slots s WHERE s.clinic_id = :clinic AND s.starts_at >= '2090-01-05' ORDER BY s.id LIMIT 10000 - 83 * 120));
SELECT is((SELECT count(*) FROM booking.available_slots(clinic_id => :clinic)), 10000::bigint, 'just 10000 are not too many');
UPDATE booking.time_slots SET is_available = true WHERE id = (SELECT max(id) FROM booking.time_slots WHERE NOT is_available);
SELECT is((pg_temp.refusal(format('SELECT booking.available_slots(clinic_id => %s)', :clinic)))."constraint", 'all_slots_are_at_most_10000', 'one more is');
UPDATE booking.time_slots SET is_available = true WHERE clinic_id = :clinic;

-- While slots are booked, removed and moved, among them the one after which it goes on.
CREATE FUNCTION pg_temp.under(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	changed bigint[];
	seen bigint[];
BEGIN
	seen := ARRAY(SELECT slot_id FROM pg_temp.walk((SELECT max(id) FROM booking.clinics), 1000, what));
	changed := ARRAY(SELECT s.id FROM booking.time_slots s WHERE s.updated_at <> s.created_at OR NOT s.is_available OR s.deleted_at IS NOT NULL);
	RETURN format('%s twice, %s missing of those that stayed free, some changed: %s',
		(SELECT count(*) FROM (SELECT FROM unnest(seen) s GROUP BY s HAVING count(*) > 1) t),
		(SELECT count(*) FROM whole WHERE slot_id <> ALL (changed) AND slot_id <> ALL (seen)), cardinality(changed) > 50);
END
$$;
SELECT is(pg_temp.under(format('SELECT booking.book_slot(s, %s) FROM (SELECT DISTINCT unnest(ARRAY[$1, (SELECT min(id) FROM booking.time_slots WHERE is_available AND starts_at > ''2090-01-04''),
		(SELECT max(id) FROM booking.time_slots WHERE is_available)]) AS s) slots', :patient)),
	'0 twice, 0 missing of those that stayed free, some changed: t', 'while slots are booked, the last of each page among them');
SELECT is(pg_temp.under('SELECT booking.remove_time_slot(s) FROM (SELECT DISTINCT unnest(ARRAY[$1, (SELECT max(id) FROM booking.time_slots WHERE is_available AND deleted_at IS NULL)]) AS s) slots'),
	'0 twice, 0 missing of those that stayed free, some changed: t', 'while they are removed');
SELECT is(pg_temp.under('UPDATE booking.time_slots SET starts_at = starts_at - interval ''40 days'', ends_at = ends_at - interval ''40 days'', updated_at = now() + interval ''1 second'' WHERE id = $1'),
	'0 twice, 0 missing of those that stayed free, some changed: t', 'while the last of each page is moved to earlier');

-- A place in the order is any, and tells nothing of what is there.
SELECT is((SELECT count(*) FROM booking.available_slots(clinic_id => :clinic, from_time => '2090-01-03 08:00Z', after_doctor => -1, until_time => '2090-01-03 08:01Z')),
	(SELECT count(*) FROM booking.available_slots(clinic_id => :clinic, from_time => '2090-01-03 08:00Z', until_time => '2090-01-03 08:01Z')), 'after a doctor before all');
SELECT is((SELECT count(*) FROM booking.available_slots(clinic_id => :clinic, from_time => '2090-01-03 08:00Z', after_doctor => 9223372036854775807, until_time => '2090-01-03 08:01Z')),
	0::bigint, 'after one after all');
SELECT is((SELECT min(starts_at) FROM booking.available_slots(clinic_id => :clinic, from_time => '-infinity', after_doctor => 1, max_slots => 1)),
	(SELECT min(starts_at) FROM booking.available_slots(clinic_id => :clinic, max_slots => 1)), 'from the beginning of time');
SELECT is(row(r.sqlstate, r."constraint")::text, '(PT422,after_doctor_has_a_from_time)', 'a doctor alone is no place')
FROM pg_temp.refusal('SELECT booking.available_slots(after_doctor => 1)') r;

SELECT * FROM finish();
ROLLBACK;
