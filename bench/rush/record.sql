-- Adds to the row of a run what became of the losers; log still has what pgbench did.
WITH answer AS (
	SELECT l.latency / 1000 AS ms, number > :warm_up AS counts, w.request IS NULL AS refused
	FROM log l LEFT JOIN winner w
		ON w.request = l.client * (SELECT max(number) FROM log)::bigint + l.number - 1)
UPDATE run SET
	losers_wal = :wal / (SELECT count(*) FROM answer WHERE refused)::float,
	losers_p99 = (SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) FROM answer WHERE counts AND refused),
	-- from the start to the last booking
	sold_out = 1000 * ((SELECT max(booked_at) FROM winner)
		- (SELECT min(second + (microsecond - latency) / 1e6) FROM log WHERE number > :warm_up))
WHERE section = :'section' AND setting = :'setting' AND round = :round AND contender = :'contender';
