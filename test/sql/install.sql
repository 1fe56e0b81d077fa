-- What CREATE EXTENSION leaves behind. The lists are of offenders: they stay empty
-- as tables and functions are added.
SET search_path = pg_catalog;

CREATE TEMP VIEW members AS
	SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object,
		c.relkind, c.relowner, p.proowner, p.proacl, t.typtype, t.typowner, n.nspowner
	FROM pg_depend
		LEFT JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
		LEFT JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
		LEFT JOIN pg_type t ON classid = 'pg_type'::regclass AND t.oid = objid
		LEFT JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'booking');

SELECT object FROM members WHERE relkind IN ('r', 'v') OR typtype = 'e' OR nspowner IS NOT NULL
ORDER BY object COLLATE "C";

-- and no row type, which is its table's: dropping the extension from a table that it was to
-- leave behind would drop the table with it. From 17 on, it is one if and only if the table is.
SELECT oid::regclass FROM pg_class c
WHERE relnamespace = 'booking'::regnamespace AND relkind IN ('r', 'v')
	AND (reltype IN (SELECT objid FROM members WHERE typtype = 'c'))
		<> (current_setting('server_version_num')::int >= 170000
			AND oid IN (SELECT objid FROM members m WHERE m.relkind = c.relkind));

-- and nothing else stands in the schema
SELECT pg_describe_object('pg_class'::regclass, oid, 0) FROM pg_class
WHERE relnamespace = 'booking'::regnamespace AND relkind NOT IN ('i', 'c')
	AND oid NOT IN (SELECT objid FROM members);

-- Owners. Sequences, indexes and row types follow their table.
SELECT object FROM members
WHERE coalesce(relowner, proowner, typowner, nspowner) IS DISTINCT FROM 'booking_owner'::regrole;

-- Roles are groups, and own nothing outside; booking_owner has no member but a superuser.
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication
FROM pg_roles WHERE rolname LIKE 'booking\_%' ORDER BY rolname COLLATE "C";
SELECT member::regrole FROM pg_auth_members
WHERE roleid = 'booking_owner'::regrole OR member = 'booking_owner'::regrole;
SELECT count(*) AS comments FROM pg_shdescription
WHERE classoid = 'pg_authid'::regclass AND objoid IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'booking\_%');

-- Nobody gets EXECUTE for being there: neither by PUBLIC in an ACL nor by a null one.
SELECT object FROM members
WHERE proowner IS NOT NULL
	AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0));
SELECT object FROM members JOIN pg_class c ON c.oid = objid, aclexplode(relacl)
WHERE grantee = 0;

-- None is SECURITY DEFINER, in which nobody can tell who called; those in C take rights and path on by
-- themselves, and the others pin their path, pg_temp last, but for the computed relationships and those whose
-- body was parsed when they were made.
SELECT object FROM members JOIN pg_proc p ON p.oid = objid WHERE prosecdef;
SELECT object, lanname, proconfig FROM members JOIN pg_proc p ON p.oid = objid JOIN pg_language l ON l.oid = prolang
WHERE (lanname <> 'c' AND prosqlbody IS NULL AND proargtypes[0] IS DISTINCT FROM 'booking.bookings'::regtype
	AND proargtypes[0] IS DISTINCT FROM 'booking.appointments'::regtype) OR proconfig IS NOT NULL ORDER BY 1;
-- All arguments have names, for PostgREST, but the row of a computed relationship and what only SQL is to call.
SELECT object FROM members JOIN pg_proc p ON p.oid = objid
WHERE pronargs > coalesce(cardinality(array_remove(proargnames, '')), 0)
	AND NOT (pronargs = 1 AND proargtypes[0] IN ('booking.bookings'::regtype, 'booking.appointments'::regtype))
	AND proname NOT IN ('is_free', 'occupies');

-- A dump saves every table's rows and every sequence's position, but for the one table whose
-- rows are the extension's own.
SELECT object FROM members
WHERE relkind IN ('r', 'S') AND objid <> ALL ('{booking.status_transitions,booking.table_definitions}'::regclass[])
	AND objid <> ALL ((SELECT extconfig FROM pg_extension WHERE extname = 'booking')::oid[]);
SELECT count(*) FILTER (WHERE relkind = 'r') AS tables, count(*) FILTER (WHERE relkind = 'S') AS sequences,
	array_agg(DISTINCT condition) AS conditions
FROM pg_extension, unnest(extconfig, extcondition) AS config(oid, condition) JOIN pg_class USING (oid)
WHERE extname = 'booking';

-- Everything that people read has a comment.
SELECT object FROM members
WHERE relkind IS DISTINCT FROM 'S' AND (typtype IS NULL OR typtype = 'e')
	AND obj_description(objid, classid::regclass::name) IS NULL;
SELECT object || '.' || attname FROM members JOIN pg_attribute ON attrelid = objid
WHERE relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
	AND col_description(attrelid, attnum) IS NULL;

-- An identity column id and created_at on every table of users' rows, updated_at where rows
-- change. What was generated is noted by doctor and day, and only ever made or deleted; what
-- maintenance notes has keys of its own.
CREATE TEMP VIEW tables AS
	SELECT objid, object FROM members WHERE relkind = 'r' AND objid <> 'booking.status_transitions'::regclass;
SELECT object FROM tables
WHERE NOT EXISTS (
	SELECT FROM pg_attribute WHERE attrelid = objid AND attname = 'id' AND attidentity = 'd'
		AND atttypid = 'bigint'::regtype)
	AND objid <> ALL ('{booking.generated_days,booking.generated_doctors,booking.maintenance,booking.clinic_figures,booking.event_consumers,booking.table_definitions}'::regclass[]);
SELECT object FROM tables
WHERE NOT EXISTS (
	SELECT FROM pg_attribute WHERE attrelid = objid AND attname = 'created_at' AND attnotnull);
SELECT object FROM tables
WHERE NOT EXISTS (
	SELECT FROM pg_attribute WHERE attrelid = objid AND attname = 'updated_at' AND attnotnull)
	AND objid <> ALL ('{booking.generated_days,booking.appointment_events,booking.table_definitions}'::regclass[]);
SELECT conrelid::regclass FROM pg_constraint JOIN tables ON conrelid = objid GROUP BY conrelid
HAVING NOT bool_or(contype = 'p');

-- A constraint's name is a sentence that a user can read, not one that PostgreSQL made up.
SELECT conrelid::regclass, conname FROM pg_constraint JOIN tables ON conrelid = objid
WHERE contype IN ('c', 'x', 'u') AND conname ~ '_(check|excl|key)\d*$';

-- No INSERT trigger of a table has a side effect that a restored dump would repeat: these trim,
-- refuse, and make sessions read a table again.
SELECT tgrelid::regclass, tgname FROM pg_trigger JOIN members ON objid = tgrelid
WHERE NOT tgisinternal AND tgtype & 4 = 4 AND relkind = 'r'
	AND tgfoid <> ALL ('{booking.tidy_row,booking.check_overlap,booking.forget_rules}'::regproc[]);
-- No other is on ALWAYS than the one that is a constraint.
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger JOIN members ON objid = tgrelid
WHERE NOT tgisinternal AND tgenabled <> 'O';
-- updated_at is kept by a trigger wherever there is one.
SELECT object FROM tables JOIN pg_attribute ON attrelid = objid AND attname = 'updated_at'
WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = objid AND tgfoid = 'booking.tidy_row'::regproc AND tgtype & 16 = 16);

-- A booking's update of its slot is heap-only: no index names what it changes, not even
-- in a predicate.
SELECT indexrelid::regclass FROM pg_index
WHERE indrelid = 'booking.time_slots'::regclass
	AND pg_get_indexdef(indexrelid) ~ '\m(is_available|held_until|updated_at)\M';
SELECT reloptions FROM pg_class WHERE oid = 'booking.time_slots'::regclass;

-- No foreign key from appointments to rows that many bookings share.
SELECT conname, confrelid::regclass FROM pg_constraint
WHERE conrelid = 'booking.appointments'::regclass AND contype = 'f' ORDER BY conname COLLATE "C";

-- FHIR's codes, in its order.
SELECT enum_range(NULL::booking.appointment_status);

-- The extension stays where it is.
ALTER EXTENSION booking SET SCHEMA public;
