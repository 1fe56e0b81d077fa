-- Whether a table is as the extension made it. Where it is, the functions read and write its rows directly.

CREATE TABLE booking.table_definitions (
	name text PRIMARY KEY,
	definition text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE booking.table_definitions IS 'What the extension made its tables of, as define_tables() had it when they were made.

For the tables that the functions read and write without statements. Part of the extension: not dumped.';
COMMENT ON COLUMN booking.table_definitions.name IS 'The table, without its schema.';
COMMENT ON COLUMN booking.table_definitions.definition IS 'Its parts, a line each, in the order of their text.';
COMMENT ON COLUMN booking.table_definitions.created_at IS 'When it was noted: when the extension was installed or updated.';

CREATE FUNCTION booking.define_tables() RETURNS TABLE (name text, definition text)
	LANGUAGE C STABLE ROWS 6
	AS 'MODULE_PATHNAME', 'booking_define_tables';
COMMENT ON FUNCTION booking.define_tables IS
	'What the tables of the book are made of, in words.

A row a table that the functions read and write without statements. definition has a line for each column, constraint, index, trigger and policy, and for each function of a user that one of these calls. Privileges of others than the owner, and what concerns storage alone, are left out. Errors: 55000 a table is missing; 42501 the caller is no administrator.';

CREATE VIEW booking.altered_tables WITH (security_invoker = true) AS
	SELECT found.name AS table_name, change.part, change.is_added
	FROM booking.define_tables() found
		LEFT JOIN booking.table_definitions d ON d.name = found.name
		CROSS JOIN LATERAL (
			(SELECT line, true FROM string_to_table(found.definition, E'\n') line
			 EXCEPT ALL SELECT line, true FROM string_to_table(d.definition, E'\n') line)
			UNION ALL
			(SELECT line, false FROM string_to_table(d.definition, E'\n') line
			 EXCEPT ALL SELECT line, false FROM string_to_table(found.definition, E'\n') line)
		) AS change (part, is_added);
COMMENT ON VIEW booking.altered_tables IS 'Where tables of the book are no longer as the extension made them.

The functions read and write a table that is in it by statements, which takes longer and heeds whatever was added. A part that was changed is there twice, as it was and as it is.';
COMMENT ON COLUMN booking.altered_tables.table_name IS 'The table.';
COMMENT ON COLUMN booking.altered_tables.part IS 'What was added or is missing, as in table_definitions.';
COMMENT ON COLUMN booking.altered_tables.is_added IS 'Whether it was added, rather than taken away.';
