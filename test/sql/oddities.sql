-- Whatever is put on the tables of the book: rows are read and written directly only where a table is as the
-- extension made it, else by statements, and it comes to the same. A line each: what was done | what altered_tables
-- says of it | which tables were read and written by statements | what came of it. See test/oddity.psql.
\i test/begin.psql
INSERT INTO booking.clinics (id, name) VALUES (1, 'Harley Street');
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (1, 1, 'Dr Grace Hopper');
INSERT INTO booking.patients (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org'), (2, 'Alan Turing', 'alan@example.org');
INSERT INTO booking.time_slots (id, clinic_id, doctor_id, starts_at, ends_at)
	SELECT i, 1, 1, start, start + interval '1 hour' FROM generate_series(1, 4) i, LATERAL (SELECT timestamptz '2099-06-01 08:00Z' + i * interval '1 hour' AS start) t;

-- What oddities are made of. What is called says so: not in a table, which functions that claim to be immutable could
-- not write to.
CREATE SCHEMA odd;
CREATE EXTENSION amcheck SCHEMA odd;
CREATE TABLE odd.numbers (id bigint PRIMARY KEY, is_free boolean DEFAULT true);
INSERT INTO odd.numbers VALUES (1), (2);
CREATE FUNCTION odd.heard(what text) RETURNS text LANGUAGE sql AS
	$$SELECT set_config('odd.heard', concat_ws(', ', nullif(current_setting('odd.heard', true), ''), what), false)$$;
CREATE FUNCTION odd.hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM odd.heard(concat_ws(' ', TG_TABLE_NAME, lower(TG_WHEN), lower(TG_LEVEL), lower(TG_OP)));
	RETURN NEW;
END
$$;
CREATE FUNCTION odd.hear_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM odd.heard(format('%s row of %s', (SELECT count(*) FROM new_rows), TG_TABLE_NAME));
	RETURN NULL;
END
$$;
CREATE FUNCTION odd.keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION odd.change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.created_at := '2001-01-01 00:00Z';
	PERFORM odd.heard('changed');
	RETURN NEW;
END
$$;
-- Given the row's id, lest it is called before there is one. How often is the planner's business.
CREATE FUNCTION odd.passes(what text, id bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM odd.heard(what) WHERE what <> ALL (string_to_array(current_setting('odd.heard', true), ', ')) IS NOT FALSE;
	RETURN id IS NOT NULL;
END
$$;
CREATE FUNCTION odd.delete_taken_slot() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM booking.time_slots s WHERE NOT is_available AND NOT EXISTS (SELECT FROM booking.appointments a WHERE a.slot_id = s.id);
	RETURN true;
END
$$;
CREATE FUNCTION odd.same(a bigint, b bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a = b AND odd.passes(''same'', a); END';
CREATE OPERATOR odd.=== (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = odd.same);
CREATE OPERATOR CLASS odd.numbers FOR TYPE bigint USING btree AS OPERATOR 1 <, OPERATOR 3 odd.===, FUNCTION 1 btint8cmp(bigint, bigint);
-- as whom the functions run, and so what they call
GRANT USAGE ON SCHEMA odd TO booking_owner, booking_admin;
GRANT ALL ON ALL TABLES IN SCHEMA odd TO booking_owner, booking_admin;

-- Books, holds, and tries to book what is taken. summary: how that ended, and of both slots whether they are free and
-- held, and whose they are after which events. everything: all that was returned and is stored, but ids and the times
-- at which holds expire; and that the indexes have it.
CREATE FUNCTION odd.book(OUT summary text, OUT everything text) LANGUAGE plpgsql AS $$
DECLARE
	call text;
	result text;
	appointment jsonb;
	results text[];
	appointments jsonb[];
BEGIN
	FOREACH call IN ARRAY '{"book_slot(1, 1)", "hold_slot(2, 2)", "book_slot(1, 2)"}'::text[] LOOP
		BEGIN
			EXECUTE format('SELECT status, to_jsonb(a) - ''id'' - ''hold_expires_at'' - ''number'' FROM booking.%s a', call) INTO result, appointment;
		EXCEPTION WHEN OTHERS THEN
			result := CASE WHEN sqlstate LIKE 'PT%' THEN sqlstate ELSE sqlerrm END;
		END;
		results := results || result;
		appointments := appointments || appointment;
	END LOOP;
	SET CONSTRAINTS ALL IMMEDIATE;
	summary := concat_ws('; ', CASE WHEN result = ALL (results) THEN 'all: ' || result ELSE array_to_string(results, ', ') END,
		(SELECT string_agg(concat_ws(' ', 'slot', n, CASE WHEN s.is_available THEN 'free' WHEN s.id IS NULL THEN 'gone' ELSE 'taken' END,
				CASE WHEN s.held_until IS NOT NULL THEN 'held' END,
				(SELECT string_agg(concat_ws(' ', 'as', a.status, 'by', a.patient_id, 'after',
						(SELECT string_agg(to_status::text, ' ' ORDER BY e.id) FROM booking.appointment_events e WHERE e.appointment_id = a.id)), ', ')
					FROM booking.appointments a WHERE a.slot_id = n)), '; ' ORDER BY n)
			FROM generate_series(1, 2) n LEFT JOIN booking.time_slots s ON s.id = n),
		'heard ' || nullif(current_setting('odd.heard', true), ''),
		(SELECT 'numbers ' || string_agg(concat_ws(' ', id, CASE WHEN NOT is_free THEN 'taken' END), ', ' ORDER BY id) FROM odd.numbers HAVING bool_or(id > 2 OR NOT is_free)));
	everything := json_build_array(appointments,
		(SELECT json_agg(to_jsonb(s) - 'held_until' - 'number' ORDER BY id) FROM booking.time_slots s),
		(SELECT json_agg(to_jsonb(a) - 'id' - 'hold_expires_at' - 'number' ORDER BY slot_id, id) FROM booking.appointments a),
		(SELECT json_agg(to_jsonb(e) - 'id' - 'appointment_id' - 'number' ORDER BY id) FROM booking.appointment_events e),
		(SELECT count(*) FROM booking.appointments a JOIN booking.time_slots s ON s.id = slot_id AND held_until = hold_expires_at),
		(SELECT json_agg(n ORDER BY id) FROM odd.numbers n),
		(SELECT count(odd.bt_index_check(c.oid, true)) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
			WHERE indisvalid AND indrelid IN ('booking.time_slots'::regclass, 'booking.appointments'::regclass, 'booking.appointment_events'::regclass)));
EXCEPTION WHEN OTHERS THEN
	summary := concat_ws('; ', array_to_string(results, ', '), sqlerrm);
	everything := '';
END
$$;
CREATE FUNCTION odd.ways() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name || ' ' || ways, ', ' ORDER BY n), 'none')
	FROM (SELECT n, name, string_agg(DISTINCT way, '' ORDER BY way) AS ways
		FROM unnest('{clinics, doctors, patients, time_slots, appointments, appointment_events}'::text[]) WITH ORDINALITY AS t(name, n),
			(VALUES ('r', 'SELECT tableoid, ctid,%% FROM booking.%s WHERE%%'), ('w', 'SELECT FROM booking.%s WHERE%% FOR KEY SHARE'),
				('w', 'UPDATE booking.%s SET%%'), ('w', 'INSERT INTO booking.%s AS%%')) AS w(way, form)
		WHERE EXISTS (SELECT FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND ident LIKE format(form, t.name))
		GROUP BY n, name) AS used
$$;
CREATE FUNCTION odd.parts(oddly text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN coalesce((SELECT CASE WHEN count(*) > 9 THEN count(*) || ' parts' ELSE string_agg(concat_ws(' ', nullif(tables, oddly), sign, altered.part), '; ' ORDER BY tables COLLATE "C", altered.part COLLATE "C", sign) END
		FROM (SELECT sign, left(words, 80) AS part, string_agg(DISTINCT table_name, ' ' ORDER BY table_name) AS tables
			FROM booking.altered_tables, LATERAL (SELECT CASE WHEN is_added THEN '+' ELSE '-' END AS sign, regexp_replace(replace(part, table_name, '{}'), '_\d+"', '_..."') AS words) s
			GROUP BY 1, 2) AS altered), 'none');
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END
$$;
COMMIT;

\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
\set ON_ERROR_ROLLBACK off
\set ECHO none
BEGIN;
SELECT summary AS pristine FROM odd.book() \gset
ROLLBACK;
\echo as ever: :pristine
\set tables 'appointment_events appointments time_slots'
\echo {}: :tables

\echo
\echo -- directly: nothing, what has to do with storage, readers and replicas alone, and what is as it was
\set oddity 'SELECT'
\i test/oddity.psql
\set oddity 'REINDEX TABLE booking.{}'
\i test/oddity.psql
\set oddity 'CLUSTER booking.{} USING {}_pkey'
\i test/oddity.psql
\set oddity 'ANALYZE booking.{}'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} SET (fillfactor = 50, autovacuum_enabled = off), ALTER id SET STATISTICS 500'
\i test/oddity.psql
\set oddity 'CREATE STATISTICS odd.related_{} ON id, created_at FROM booking.{}'
\i test/oddity.psql
\set oddity 'GRANT ALL ON booking.{} TO booking_guest; REVOKE ALL ON booking.{} FROM booking_admin'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} REPLICA IDENTITY FULL; CREATE PUBLICATION odd_{} FOR TABLE booking.{}'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} REPLICA IDENTITY NOTHING; CREATE PUBLICATION odd_{} FOR TABLE booking.{}'
\i test/oddity.psql
\set oddity 'COMMENT ON TABLE booking.{} IS ''mine''; COMMENT ON COLUMN booking.{}.id IS ''mine'''
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.parent_{} (id bigint); ALTER TABLE booking.{} INHERIT odd.parent_{}'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD COLUMN note text DEFAULT ''x''; ALTER TABLE booking.{} DROP COLUMN note'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear(); DROP TRIGGER hear ON booking.{}'
\i test/oddity.psql
\set oddity 'SAVEPOINT s; CREATE RULE odd AS ON INSERT TO booking.{} DO INSTEAD NOTHING; ALTER TABLE booking.{} ADD CHECK (id < 0) NOT VALID; ROLLBACK TO s'
\i test/oddity.psql
\set oddity 'DROP POLICY admins_see_all ON booking.{}; CREATE POLICY admins_see_all ON booking.{} TO booking_admin USING (true)'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events SET UNLOGGED'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ALTER reason SET STORAGE EXTERNAL, ALTER reason SET COMPRESSION pglz'
\i test/oddity.psql
\set oddity 'DROP INDEX booking.unique_timeslot; CREATE UNIQUE INDEX unique_timeslot ON booking.appointments (slot_id) WHERE status IN (''pending'', ''booked'', ''arrived'', ''checked-in'', ''fulfilled'', ''noshow'')'
\i test/oddity.psql
\set oddity 'DROP TRIGGER guard ON booking.time_slots; CREATE TRIGGER guard BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION booking.guard_time_slot()'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments DROP CONSTRAINT hold_has_an_expiry, ADD CONSTRAINT hold_has_an_expiry CHECK (status <> ''pending'' OR hold_expires_at IS NOT NULL)'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments DROP CONSTRAINT appointment_is_for_a_patient, ADD CONSTRAINT appointment_is_for_a_patient FOREIGN KEY (patient_id) REFERENCES booking.patients (id)'
\i test/oddity.psql
\set oddity 'ALTER EXTENSION booking DROP SEQUENCE booking.appointment_events_id_seq; ALTER TABLE booking.appointment_events ALTER id DROP IDENTITY, ALTER id ADD GENERATED BY DEFAULT AS IDENTITY'
\i test/oddity.psql
\set oddity 'CREATE OR REPLACE FUNCTION booking.tidy_row() RETURNS trigger LANGUAGE C COST 7 AS ''$libdir/booking'', ''booking_tidy_row'''
\i test/oddity.psql
\set oddity 'ALTER TYPE booking.appointment_status ADD VALUE ''abroad'''
\i test/oddity.psql
\set oddity 'SET LOCAL session_replication_role = replica'
\i test/oddity.psql
\set oddity 'SET LOCAL intervalstyle = iso_8601; SET LOCAL datestyle = German; SET LOCAL quote_all_identifiers = on; SET LOCAL row_security = off; SET LOCAL search_path = booking, odd'
\i test/oddity.psql

\echo
\echo -- by statements: where the transaction, or the administrator, wants it so
\set oddity 'SET LOCAL booking.direct = off'
\i test/oddity.psql
\set oddity 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ'
\i test/oddity.psql
\set oddity 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'
\i test/oddity.psql

\echo
\echo -- indexes
\set oddity 'CREATE INDEX ON booking.time_slots (created_at)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.appointments (created_at)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.appointment_events (created_at)'
\i test/oddity.psql
\set oddity 'CREATE UNIQUE INDEX ON booking.{} (id, created_at)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} (id) WHERE odd.passes(''predicate'', id)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} (odd.passes(''entry'', id))'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} USING brin (created_at)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} USING gin ((ARRAY[id]))'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} USING gist (id)'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} USING hash (id)'
\i test/oddity.psql
\set oddity 'ALTER INDEX booking.{}_pkey SET (fillfactor = 50)'
\i test/oddity.psql
\set oddity 'DROP INDEX booking.time_slots_by_start'
\i test/oddity.psql
\set oddity 'DROP INDEX booking.time_slots_by_start; CREATE INDEX time_slots_by_start ON booking.time_slots (starts_at DESC) WHERE deleted_at IS NULL'
\i test/oddity.psql
\set oddity 'ALTER INDEX booking.holds_by_expiry RENAME TO holds'
\i test/oddity.psql
\set oddity 'UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''booking.events_of_an_appointment''::regclass'
\i test/oddity.psql
\set oddity 'CREATE UNIQUE INDEX one_taken ON booking.time_slots (is_available) WHERE NOT is_available; UPDATE booking.time_slots SET is_available = false WHERE id = 3'
\i test/oddity.psql
\set oddity 'CREATE UNIQUE INDEX one_each ON booking.appointments (doctor_id)'
\i test/oddity.psql

\echo
\echo -- triggers
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.appointments FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.appointment_events FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.{} EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT ON booking.{} REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION odd.hear_rows()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER UPDATE ON booking.{} REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION odd.hear_rows()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER INSERT OR UPDATE ON booking.{} FOR EACH ROW WHEN (NEW.id > 0 AND odd.passes(''when'', NEW.id)) EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER UPDATE OF id ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER UPDATE OF is_available ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE CONSTRAINT TRIGGER hear AFTER INSERT OR UPDATE ON booking.{} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear AFTER TRUNCATE ON booking.{} EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER change BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.change()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER keep_out BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.keep_out()'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear(); ALTER TABLE booking.{} DISABLE TRIGGER hear'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear(); ALTER TABLE booking.{} ENABLE REPLICA TRIGGER hear'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear(); ALTER TABLE booking.{} ENABLE REPLICA TRIGGER hear; SET LOCAL session_replication_role = replica'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear(); ALTER TABLE booking.{} ENABLE ALWAYS TRIGGER hear; SET LOCAL session_replication_role = replica'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots DISABLE TRIGGER tidy'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots ENABLE REPLICA TRIGGER doctor_slots_do_not_overlap'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments DISABLE TRIGGER ALL'
\i test/oddity.psql
\set oddity 'DROP TRIGGER guard ON booking.time_slots'
\i test/oddity.psql
\set oddity 'ALTER TRIGGER follow ON booking.appointments RENAME TO followed'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots ADD COLUMN room text DEFAULT ''  2 ''; CREATE TRIGGER trim BEFORE UPDATE ON booking.time_slots FOR EACH ROW EXECUTE FUNCTION booking.tidy_row(''room'')'
\i test/oddity.psql

\echo
\echo -- functions of ours
\set oddity 'CREATE OR REPLACE FUNCTION booking.tidy_row() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN PERFORM odd.heard(TG_TABLE_NAME || '''' tidied''''); RETURN NEW; END'''
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.tidy_row() SECURITY DEFINER'
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.guard_time_slot() SET work_mem = ''1MB'''
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.follow_appointment() RENAME TO follow'
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.tidy_row() SET SCHEMA odd'
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.hold_slot OWNER TO booking_admin'
\i test/oddity.psql
\set oddity 'ALTER FUNCTION booking.hold_slot OWNER TO CURRENT_USER'
\i test/oddity.psql

\echo
\echo -- constraints
\set oddity 'ALTER TABLE booking.time_slots ADD CHECK (odd.passes(''check'', id))'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments ADD CHECK (odd.passes(''check'', id))'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ADD CHECK (odd.passes(''check'', id))'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD CONSTRAINT odd CHECK (created_at < ''2001-01-01'') NOT VALID'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD CONSTRAINT odd_{} UNIQUE (created_at, id) DEFERRABLE INITIALLY DEFERRED'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD CONSTRAINT odd_{} EXCLUDE USING gist (id WITH =)'
\i test/oddity.psql
\set oddity 'CREATE DOMAIN odd.small_{} AS bigint CHECK (odd.passes(''domain'', VALUE)); ALTER TABLE booking.{} ADD CHECK (id::odd.small_{} IS NOT NULL)'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots DROP CONSTRAINT slot_lasts_5_minutes_to_8_hours'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots RENAME CONSTRAINT slot_lasts_5_minutes_to_8_hours TO slot_length'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ALTER created_at DROP NOT NULL'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ALTER reason SET NOT NULL'
\i test/oddity.psql

\echo
\echo -- foreign keys
\set oddity 'ALTER TABLE booking.time_slots ADD CONSTRAINT odd FOREIGN KEY (id) REFERENCES odd.numbers (id) NOT VALID'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments ADD CONSTRAINT odd FOREIGN KEY (slot_id) REFERENCES odd.numbers (id); DELETE FROM odd.numbers WHERE id = 1'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ADD CONSTRAINT odd FOREIGN KEY (slot_id) REFERENCES odd.numbers (id); DELETE FROM odd.numbers WHERE id = 1'
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.refers_{} (id bigint REFERENCES booking.{} ON DELETE CASCADE)'
\i test/oddity.psql
\set oddity 'CREATE UNIQUE INDEX once ON booking.time_slots (id, is_available); ALTER TABLE odd.numbers ADD FOREIGN KEY (id, is_free) REFERENCES booking.time_slots (id, is_available) ON UPDATE CASCADE; CREATE TRIGGER hear AFTER UPDATE ON odd.numbers FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments DROP CONSTRAINT appointment_is_in_a_time_slot'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments ALTER CONSTRAINT appointment_is_for_a_patient DEFERRABLE INITIALLY DEFERRED'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments DROP CONSTRAINT appointment_is_for_a_patient, ADD CONSTRAINT appointment_is_for_a_patient FOREIGN KEY (patient_id) REFERENCES odd.numbers (id)'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.patients RENAME TO people; CREATE TABLE booking.patients AS TABLE booking.people; ALTER INDEX booking.patients_pkey RENAME TO people_pkey; ALTER TABLE booking.patients ADD PRIMARY KEY (id), OWNER TO booking_owner; DELETE FROM booking.people'
\i test/oddity.psql
-- by another index, whose operators are somebody's
\set oddity 'CREATE UNIQUE INDEX odd ON booking.patients (id odd.numbers); ALTER TABLE booking.patients DROP CONSTRAINT patients_pkey CASCADE, ADD CONSTRAINT patients_pkey PRIMARY KEY (id); ALTER TABLE booking.appointments ADD CONSTRAINT appointment_is_for_a_patient FOREIGN KEY (patient_id) REFERENCES booking.patients (id)'
\i test/oddity.psql

\echo
\echo -- columns
\set oddity 'ALTER TABLE booking.{} ADD COLUMN note text'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots ADD COLUMN note text DEFAULT odd.heard(''default'')'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments ADD COLUMN note text DEFAULT odd.heard(''default'')'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ADD COLUMN note text DEFAULT odd.heard(''default'')'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD COLUMN is_odd boolean GENERATED ALWAYS AS (id > 0) STORED'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY'
\i test/oddity.psql
\set oddity 'CREATE DOMAIN odd.given_{} AS text NOT NULL; ALTER TABLE booking.{} ADD COLUMN note odd.given_{} DEFAULT ''x'''
\i test/oddity.psql
\set oddity 'CREATE DOMAIN odd.given AS text NOT NULL; ALTER TABLE booking.appointments ADD COLUMN note odd.given'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ALTER created_at SET DEFAULT ''2001-01-01'''
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ALTER created_at DROP DEFAULT'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ALTER id SET GENERATED ALWAYS'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots ALTER updated_at TYPE timestamptz(0), ALTER time_off_id TYPE numeric'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointments ALTER updated_at TYPE timestamp'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ALTER reason TYPE varchar(500) COLLATE "C"'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.time_slots DROP COLUMN time_off_id; ALTER TABLE booking.appointments DROP COLUMN updated_at'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} RENAME created_at TO made_at'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.appointment_events ALTER reason TYPE text COLLATE "C"'
\i test/oddity.psql

\echo
\echo -- the table itself
\set oddity 'CREATE RULE odd AS ON INSERT TO booking.{} DO ALSO UPDATE odd.numbers SET id = id + 10'
\i test/oddity.psql
\set oddity 'CREATE RULE odd AS ON UPDATE TO booking.{} DO ALSO UPDATE odd.numbers SET id = id + 10'
\i test/oddity.psql
\set oddity 'CREATE RULE odd AS ON INSERT TO booking.{} DO INSTEAD NOTHING'
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.child_{} () INHERITS (booking.{})'
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.child () INHERITS (booking.time_slots); INSERT INTO odd.child SELECT * FROM ONLY booking.time_slots WHERE id = 1; DELETE FROM ONLY booking.time_slots WHERE id = 1'
\i test/oddity.psql
\set oddity 'CREATE ACCESS METHOD odd_{} TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE booking.{} SET ACCESS METHOD odd_{}'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} OWNER TO booking_admin'
\i test/oddity.psql
\set oddity 'REVOKE SELECT ON booking.{} FROM booking_owner'
\i test/oddity.psql
\set oddity 'REVOKE INSERT, UPDATE ON booking.{} FROM booking_owner'
\i test/oddity.psql
\set oddity 'REVOKE USAGE ON SCHEMA booking FROM booking_owner'
\i test/oddity.psql

\echo
\echo -- policies
\set oddity 'CREATE POLICY odd ON booking.{} USING (true)'
\i test/oddity.psql
\set oddity 'ALTER POLICY admins_see_all ON booking.{} TO booking_admin, booking_owner'
\i test/oddity.psql
\set oddity 'DROP POLICY admins_see_all ON booking.{}'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} DISABLE ROW LEVEL SECURITY'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} FORCE ROW LEVEL SECURITY'
\i test/oddity.psql
\set oddity 'CREATE POLICY odd ON booking.{} USING (odd.passes(''policy'', id)); ALTER TABLE booking.{} FORCE ROW LEVEL SECURITY'
\i test/oddity.psql

\echo
\echo -- tables that are read only
\set tables 'clinics doctors patients'
\echo {}: :tables
\set oddity 'REINDEX TABLE booking.{}; ALTER TABLE booking.{} SET (fillfactor = 50); GRANT ALL ON booking.{} TO booking_guest'
\i test/oddity.psql
\set oddity 'CREATE INDEX ON booking.{} (created_at)'
\i test/oddity.psql
\set oddity 'CREATE TRIGGER hear BEFORE UPDATE ON booking.{} FOR EACH ROW EXECUTE FUNCTION odd.hear()'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} DISABLE TRIGGER tidy'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD CHECK (id > 0)'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} ADD COLUMN note text'
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.refers_{} (id bigint REFERENCES booking.{})'
\i test/oddity.psql
\set oddity 'CREATE TABLE odd.child_{} () INHERITS (booking.{})'
\i test/oddity.psql
\set oddity 'CREATE RULE odd AS ON DELETE TO booking.{} DO INSTEAD NOTHING'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} FORCE ROW LEVEL SECURITY'
\i test/oddity.psql
\set oddity 'CREATE POLICY odd ON booking.{} USING (odd.passes(''policy'', id)); ALTER TABLE booking.{} FORCE ROW LEVEL SECURITY'
\i test/oddity.psql
\set oddity 'REVOKE SELECT ON booking.{} FROM booking_owner'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.{} OWNER TO booking_admin'
\i test/oddity.psql
-- what reads the patient deletes the slot that has just been taken: no appointment is without one
\set oddity 'CREATE POLICY odd ON booking.patients USING (odd.delete_taken_slot()); ALTER TABLE booking.patients FORCE ROW LEVEL SECURITY'
\i test/oddity.psql

\echo
\echo -- what the extension keeps of them
\set oddity 'UPDATE booking.table_definitions SET definition = definition || '' and more'' WHERE name = ''time_slots'''
\i test/oddity.psql
\set oddity 'TRUNCATE booking.table_definitions'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.table_definitions DROP CONSTRAINT table_definitions_pkey'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.table_definitions ALTER definition DROP NOT NULL; UPDATE booking.table_definitions SET definition = NULL'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.table_definitions RENAME definition TO words; ALTER TABLE booking.table_definitions ADD definition int'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.table_definitions RENAME TO kept; CREATE VIEW booking.table_definitions AS TABLE booking.kept'
\i test/oddity.psql
\set oddity 'ALTER TABLE booking.table_definitions RENAME TO kept'
\i test/oddity.psql

\c -
SET client_min_messages = error;
DROP SCHEMA odd CASCADE;
TRUNCATE booking.clinics, booking.patients, booking.appointment_events RESTART IDENTITY CASCADE;
