-- What is the same for all tables: a new one gets it by being there. Comes after all of them.

-- updated_at is kept for every writer. Tables with texts to be trimmed have a trigger of that name already.
DO $$
DECLARE
	changing pg_catalog.regclass;
BEGIN
	FOR changing IN
		SELECT c.oid
		FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
		WHERE c.relnamespace = 'booking'::pg_catalog.regnamespace AND c.relkind = 'r'
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'tidy')
		ORDER BY c.oid
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER tidy BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION booking.tidy_row()', changing);
	END LOOP;
END
$$;

-- Comments of columns that have none of their own.
DO $$
DECLARE
	uncommented record;
BEGIN
	FOR uncommented IN
		SELECT c.oid::pg_catalog.regclass AS table_name, a.attname AS column_name, usual.words
		FROM (VALUES
				('created_at', 'When the row was made.'),
				('updated_at', 'When the row was last changed; kept by a trigger.')) usual (name, words)
			JOIN pg_catalog.pg_attribute a ON a.attname = usual.name
			JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'booking'::pg_catalog.regnamespace AND c.relkind = 'r'
			AND pg_catalog.col_description(c.oid, a.attnum) IS NULL
		ORDER BY c.oid, a.attnum
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L', uncommented.table_name, uncommented.column_name, uncommented.words);
	END LOOP;
END
$$;

-- Row-level security, and what pg_dump saves: all rows, and where every sequence is.
DO $$
DECLARE
	-- Their rows come with the extension, and are not to be dumped.
	rows_are_ours CONSTANT pg_catalog.regclass[] := ARRAY['booking.status_transitions', 'booking.table_definitions'];
	member pg_catalog.regclass;
	kind "char";
BEGIN
	FOR member, kind IN
		SELECT oid, relkind
		FROM pg_catalog.pg_class
		WHERE relnamespace = 'booking'::pg_catalog.regnamespace AND relkind IN ('r', 'S') AND oid <> ALL (rows_are_ours)
		ORDER BY oid
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(member, '');
		IF kind = 'r' THEN
			EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', member);
			-- Administrators see and change all; their grants say what.
			EXECUTE pg_catalog.format('CREATE POLICY admins_see_all ON %s TO booking_admin USING (true)', member);
		END IF;
	END LOOP;
END
$$;
