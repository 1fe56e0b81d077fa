-- What was measured: a row a run, kept in a database apart from the books.
CREATE TABLE run (
	section text,
	setting text,
	clients int,
	round int,
	contender text,
	rate float,			-- transactions a second
	p50 float,			-- milliseconds, as the client sees it
	p95 float,
	p99 float,
	cpu float,			-- microseconds of the backends, a transaction
	wal float,			-- bytes a transaction, without images of pages
	buffers float,		-- touched, a transaction
	hits float,			-- of these in shared buffers
	losers_wal float,	-- bytes a refusal, in a rush
	losers_p99 float,	-- milliseconds
	sold_out float		-- milliseconds until the last slot was taken
);
CREATE TABLE goal (section text, number serial, what text, measured text, goal text, met boolean);
CREATE TABLE noise (section text, ms float);	-- what the same piece of work took, now and then
CREATE UNLOGGED TABLE log (client int, number int, latency float, script int, second bigint, microsecond int);

CREATE FUNCTION median_of(float[]) RETURNS float LANGUAGE sql IMMUTABLE AS
	$$SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest($1) AS v$$;
CREATE AGGREGATE median(float) (SFUNC = array_append, STYPE = float[], FINALFUNC = median_of);

-- Three significant digits.
CREATE FUNCTION short(value float) RETURNS text LANGUAGE sql IMMUTABLE AS
$$
	SELECT CASE WHEN value = 0 THEN '0'
		WHEN abs(value) >= 1000 THEN to_char(round(value::numeric, 2 - floor(log(abs(value)::numeric))::int), 'FM999,999,999')
		ELSE trim_scale(round(value::numeric, greatest(0, 2 - floor(log(abs(value)::numeric))::int)))::text END
$$;
-- A median with the least and the greatest of the rounds.
CREATE FUNCTION spread(float[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT short(median(v)) || ' (' || short(min(v)) || ' to ' || short(max(v)) || ')' FROM unnest($1) AS v$$;

-- Compares a median with a goal, which is met by what is at most, or at least, that much. Figures that
-- have a unit depend on the machine, and are only shown beside theirs.
CREATE FUNCTION judge(section text, what text, measured float[], at_most float DEFAULT NULL, at_least float DEFAULT NULL, unit text DEFAULT '')
	RETURNS void LANGUAGE sql AS
$$
	INSERT INTO goal (section, what, measured, goal, met)
	SELECT section, what, spread(measured) || unit,
		CASE WHEN at_most IS NULL THEN 'at least ' ELSE 'at most ' END || short(coalesce(at_most, at_least)) || unit,
		CASE WHEN unit = '' THEN coalesce(median_of(measured) <= at_most, median_of(measured) >= at_least) END
$$;

-- What it takes now, in milliseconds.
CREATE FUNCTION fixed_work() RETURNS float LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	PERFORM sum(i % 7) FROM generate_series(1, 1000000) AS i;
	RETURN 1000 * extract(epoch FROM clock_timestamp() - start);
END
$$;

-- Each contender's figures beside those of the extension in the same round.
CREATE VIEW ratio AS
	SELECT r.section, r.setting, r.clients, r.round, r.contender,
		ours.rate / r.rate AS rate, ours.cpu / nullif(r.cpu, 0) AS cpu, ours.p50 / r.p50 AS p50
	FROM run r JOIN run ours USING (section, setting, clients, round)
	WHERE ours.contender = 'booking';
-- Requests that won a slot in a rush, by the number of the request, and when.
CREATE UNLOGGED TABLE winner (request bigint, booked_at float);
