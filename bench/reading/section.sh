# How fast free slots are found, in books of three sizes. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

run_reading()
{
	local contender doctors transactions
	load_small
	load_medium
	load_large
	while next_round; do
		for setting in $(in_turn small medium large); do
			doctors=$([[ $setting == small ]] && echo 100 || echo 1000)
			for contender in $(in_turn available_slots plain_query next_available lateral_query); do
				transactions=$([[ $contender == lateral_query ]] && echo 20 || echo 300)
				measure "$setting" "$contender" 1 "$transactions" -D doctors="$doctors" -f "$(script "reading/$contender")"
			done
		done
	done
}

report_reading()
{
	report >/dev/null <<-'END'
		SELECT judge('reading', 'available_slots / plain_query, 5,000,000 slots, CPU', array_agg(a.cpu / b.cpu), 1.3)
			FROM run a JOIN run b USING (section, setting, round)
			WHERE section = 'reading' AND setting = 'large' AND a.contender = 'available_slots' AND b.contender = 'plain_query';
		SELECT judge('reading', 'next_available / lateral_query, 5,000,000 slots, CPU', array_agg(a.cpu / b.cpu), 0.25)
			FROM run a JOIN run b USING (section, setting, round)
			WHERE section = 'reading' AND setting = 'large' AND a.contender = 'next_available' AND b.contender = 'lateral_query';
		SELECT judge('reading', 'available_slots of a doctor, 30 days, 5,000,000 slots, p50', array_agg(p50), 0.3, unit => ' ms')
			FROM run WHERE section = 'reading' AND setting = 'large' AND contender = 'available_slots';
		SELECT judge('reading', 'next_available among 1,000 doctors, 5,000,000 slots, p50', array_agg(p50), 2, unit => ' ms')
			FROM run WHERE section = 'reading' AND setting = 'large' AND contender = 'next_available';
		SELECT judge('reading', 'next_available, p50 at 5,000,000 slots / at 500,000', array_agg(l.p50 / m.p50), 1.5)
			FROM run l JOIN run m USING (section, round, contender)
			WHERE section = 'reading' AND contender = 'next_available' AND l.setting = 'large' AND m.setting = 'medium';
	END
	table "SELECT CASE setting WHEN 'small' THEN '50,000 (100 doctors)' WHEN 'medium' THEN '500,000 (1,000 doctors)' ELSE '5,000,000 (1,000 doctors)' END AS slots,
			contender, spread(array_agg(p50)) AS \"p50 ms\", short(median(p99)) AS \"p99 ms\", spread(array_agg(cpu)) AS \"CPU us\",
			short(median(buffers)) AS \"shared buffers touched\"
		FROM run WHERE section = 'reading'
		GROUP BY setting, contender
		ORDER BY array_position('{small,medium,large}', setting), array_position('{available_slots,plain_query,next_available,lateral_query}', contender)"
}
