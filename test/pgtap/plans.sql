-- Policies cost little: the claim is looked up once a query, as an InitPlan, never for each row.
BEGIN;
\ir people.psql
SELECT no_plan();

-- The plan of a query as somebody has it, and each place where a claim is looked up: the node and
-- what in it.
CREATE FUNCTION pg_temp.plan_of(as_role name, with_claims text, query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	PERFORM set_config('request.jwt.claims', with_claims, true);
	EXECUTE format('SET LOCAL ROLE %I', as_role);
	EXECUTE 'EXPLAIN (VERBOSE, FORMAT json) ' || query INTO plan;
	RESET ROLE;
	RETURN plan;
END
$$;
CREATE FUNCTION pg_temp.lookups(plan jsonb) RETURNS TABLE (parent text, node text, key text, expression text) LANGUAGE sql AS $$
	WITH RECURSIVE nodes (parent, node) AS (
		SELECT NULL::text, plan->0->'Plan'
		UNION ALL
		SELECT child->>'Parent Relationship', child FROM nodes, jsonb_array_elements(coalesce(node->'Plans', '[]')) child
	)
	SELECT parent, node->>'Node Type', e.key, e.value::text FROM nodes, jsonb_each(node) e
	WHERE e.key <> 'Plans' AND e.value::text ~ 'claimed_|visited_'
$$;
CREATE TABLE pg_temp.queries (person text, query text);
INSERT INTO queries VALUES
	('ada', 'TABLE booking.clinics'), ('ada', 'TABLE booking.doctors'), ('ada', 'TABLE booking.patients'), ('ada', 'TABLE booking.time_slots'),
	('ada', 'TABLE booking.appointments'), ('ada', 'TABLE booking.appointment_events'), ('ada', 'TABLE booking.bookings'),
	('ada', 'UPDATE booking.patients SET name = name'), ('ada', 'DELETE FROM booking.bookings'), ('ada', 'UPDATE booking.bookings SET status = ''cancelled'''),
	('ada', 'SELECT * FROM booking.clinics c JOIN booking.doctors d ON d.clinic_id = c.id'),
	('alder', 'TABLE booking.clinics'), ('alder', 'TABLE booking.doctors'), ('alder', 'TABLE booking.patients'), ('alder', 'TABLE booking.time_slots'),
	('alder', 'TABLE booking.appointments'), ('alder', 'TABLE booking.appointment_events'), ('alder', 'TABLE booking.bookings'), ('alder', 'TABLE booking.day_sheet'),
	('alder', 'TABLE booking.schedules'), ('alder', 'TABLE booking.time_off'), ('alder', 'TABLE booking.generated_days'),
	('alder', 'UPDATE booking.appointments SET status = ''arrived'''), ('alder', 'UPDATE booking.time_slots SET ends_at = ends_at'), ('alder', 'DELETE FROM booking.generated_days');
CREATE TABLE pg_temp.plans AS SELECT person, query, pg_temp.plan_of(role, claims, query) AS plan FROM queries JOIN people USING (person);

SELECT is((SELECT string_agg(format('%s of %s: %s', key, node, expression), '; ') FROM pg_temp.lookups(plan)
		   WHERE NOT (parent = 'InitPlan' AND node = 'Result' AND key = 'Output')), NULL,
	format('%s: %s looks claims up in InitPlans only', person, query))
FROM plans;
SELECT ok(EXISTS (SELECT FROM pg_temp.lookups(plan) WHERE parent = 'InitPlan') OR query ~ 'time_slots' AND person = 'ada',
	format('%s: %s does look a claim up', person, query))
FROM plans;
SELECT is((SELECT array_agg(format('%s: %s', person, query)) FROM plans WHERE plan::text ~ 'is_free|occupies'), NULL,
	'what is free and what occupies is an expression in every plan, not a call');
SELECT ok(pg_temp.plan_of('booking_guest', '', 'TABLE booking.time_slots')::text ~ 'held_until', 'of guests, too');
-- the test would see it
CREATE FUNCTION pg_temp.careless() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT key, ', ') FROM pg_temp.lookups(pg_temp.plan_of('booking_patient', '{"patient_id": 1}',
		'SELECT * FROM booking.time_slots WHERE coalesce(booking.claimed_patient_id(), id) = id')) WHERE NOT (parent = 'InitPlan' AND node = 'Result')
$$;
SELECT is(pg_temp.careless(), 'Filter', 'a claim looked up for each row would be seen');

-- Every expression of every policy that names a look-up has it in a scalar sub-select, whatever plan it gets.
SELECT is((SELECT array_agg(polname || ' on ' || polrelid::regclass) FROM pg_policy
		   WHERE polrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'booking'::regnamespace)
			   AND regexp_replace(coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), ''),
					'\( SELECT booking\.(claimed|visited)_\w+\(\) AS \w+\)', '', 'g') ~ 'claimed_|visited_'),
	NULL, 'policies look claims up in scalar sub-selects');

-- A patient's own appointments are found by an index, not by asking of each whose it is.
SET LOCAL enable_seqscan = off;
SELECT ok(EXISTS (SELECT FROM jsonb_path_query(pg_temp.plan_of(role, claims, 'TABLE booking.appointments'), '$.**."Index Name"') n WHERE n #>> '{}' = 'appointments_of_a_patient'),
	'a patient''s own are found by the index of patients')
FROM people WHERE person = 'ada';

SELECT * FROM finish();
ROLLBACK;
