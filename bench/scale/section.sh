# Whether a booking costs more in a book a hundred times as large. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

run_scale()
{
	local size
	load_small
	load_large
	# the same 20,000 slots of both: days 31 to 50 of the first hundred doctors
	use_slots large 1500301 300
	setting=''
	while next_round; do
		for size in $(in_turn small large); do
			PGOPTIONS="-c synchronous_commit=off" measure_bookings "$size" "$size" 1 \
				"$((20000 / rounds - warm_up))" -f "$(script bookings/booking)"
		done
	done
}

report_scale()
{
	report >/dev/null <<-'END'
		SELECT judge('scale', 'CPU of a booking at 5,000,000 slots / at 50,000', array_agg(l.cpu / s.cpu), 1.15)
			FROM run l JOIN run s USING (section, round)
			WHERE section = 'scale' AND l.contender = 'large' AND s.contender = 'small';
	END
	table "SELECT CASE contender WHEN 'small' THEN '50,000' ELSE '5,000,000' END AS slots, spread(array_agg(cpu)) AS \"CPU us\",
			short(median(buffers)) AS \"shared buffers touched\", short(median(wal)) AS \"bytes of WAL\",
			short(median(p50)) AS \"p50 ms\", short(median(p99)) AS \"p99 ms\"
		FROM run WHERE section = 'scale' GROUP BY contender ORDER BY contender DESC"
}
