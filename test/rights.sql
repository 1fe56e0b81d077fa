-- The table of doc/security.md: every object of the extension by role by right, as the
-- catalogue has it, memberships included. Run with psql -At.
WITH
roles AS (
	SELECT * FROM (VALUES (1, 'booking_guest'::name), (2, 'booking_patient'), (3, 'booking_staff'), (4, 'booking_admin')) r (n, role)
),
relations AS (
	SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
),
-- a right on the table, or on some of its columns, and the policies that say on which rows
table_rights AS (
	SELECT r.n, c.oid, k.k,
		CASE WHEN has_table_privilege(role, c.oid, right_name) THEN right_name
			 ELSE (SELECT right_name || ' of ' || string_agg(format('`%s`', attname), ', ' ORDER BY attnum)
				   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
					   AND k.of_columns AND has_column_privilege(role, c.oid, attnum, right_name)) END
		|| coalesce((SELECT ' (' || string_agg(replace(polname, '_', ' '), ' or ' ORDER BY polname) || ')'
					 FROM pg_policy p WHERE polrelid = c.oid AND polcmd IN ('*', k.command)
						 AND EXISTS (SELECT FROM unnest(polroles) t (id) WHERE pg_has_role(role, t.id, 'USAGE'))), '') AS right_text
	FROM roles r, relations c,
		(VALUES (1, 'SELECT', 'r', true), (2, 'INSERT', 'a', true), (3, 'UPDATE', 'w', true), (4, 'DELETE', 'd', false),
				(5, 'TRUNCATE', '-', false), (6, 'REFERENCES', '-', true), (7, 'TRIGGER', '-', false)) k (k, right_name, command, of_columns)
),
cells AS (
	SELECT 1 AS part, relname::text || CASE relkind WHEN 'v' THEN ' (view)' ELSE '' END AS object, n,
		coalesce(string_agg(right_text, '; ' ORDER BY k), '') AS cell
	FROM relations JOIN table_rights USING (oid) GROUP BY relname, relkind, n
	UNION ALL
	SELECT 2, 'any sequence', n, coalesce((SELECT string_agg(s, ', ') FROM unnest('{USAGE,SELECT,UPDATE}'::text[]) s
		WHERE EXISTS (SELECT FROM pg_class WHERE relnamespace = 'booking'::regnamespace AND relkind = 'S'
					  AND CASE relkind WHEN 'S' THEN has_sequence_privilege(role, oid, s) END)), '')
	FROM roles
	UNION ALL
	SELECT 3, proname || '(' || CASE WHEN pronargs = 1 AND proargnames IS NULL THEN proargtypes[0]::regtype::text ELSE '' END || ')', n, CASE WHEN has_function_privilege(role, p.oid, 'EXECUTE') THEN 'EXECUTE' ELSE '' END
	FROM roles, pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prorettype <> 'trigger'::regtype
	UNION ALL
	SELECT 4, 'any trigger function', n, CASE WHEN bool_or(has_function_privilege(role, p.oid, 'EXECUTE')) THEN 'EXECUTE' ELSE '' END
	FROM roles, pg_proc p WHERE pronamespace = 'booking'::regnamespace AND prorettype = 'trigger'::regtype GROUP BY n
	UNION ALL
	SELECT 5, 'the schema', n, concat_ws(', ', CASE WHEN has_schema_privilege(role, 'booking', 'USAGE') THEN 'USAGE' END,
		CASE WHEN has_schema_privilege(role, 'booking', 'CREATE') THEN 'CREATE' END)
	FROM roles
)
SELECT '| object | `booking_guest` | `booking_patient` | `booking_staff` | `booking_admin` |'
UNION ALL
SELECT '| --- | --- | --- | --- | --- |'
UNION ALL
SELECT * FROM (
	SELECT format('| %s | %s |', CASE WHEN object ~ '^(any|the) ' THEN object ELSE regexp_replace(object, '^\S+', '`\&`') END,
				  string_agg(cell, ' | ' ORDER BY n))
	FROM cells GROUP BY part, object ORDER BY part, object COLLATE "C"
) t;
