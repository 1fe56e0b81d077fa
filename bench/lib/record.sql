-- Turns the log of a run of pgbench into a row of run. The clock runs from when all clients are
-- warm until 90% of the rest is done, so that no straggler counts for all.
BEGIN;
TRUNCATE log;
\copy log FROM PROGRAM 'cat log.*' (DELIMITER ' ')
WITH finished AS (
	SELECT latency / 1000 AS ms, second + microsecond / 1e6 AS at FROM log WHERE number > :warm_up),
stretch AS (
	SELECT min(at - ms / 1000) AS first, percentile_disc(0.9) WITHIN GROUP (ORDER BY at) AS last FROM finished)
INSERT INTO run
SELECT :'section', :'setting', :clients, :round, :'contender',
	count(*) FILTER (WHERE at <= last) / max(last - first),
	percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), percentile_disc(0.95) WITHIN GROUP (ORDER BY ms),
	percentile_disc(0.99) WITHIN GROUP (ORDER BY ms),
	:cpu / 1000.0 / count(*), :wal / (SELECT count(*) FROM log)::float,
	(:hits + :reads) / (SELECT count(*) FROM log)::float, :hits / nullif(:hits + :reads, 0)::float
FROM finished, stretch;
COMMIT;
