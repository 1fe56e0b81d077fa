# How fast a free slot is booked, by five ways to do it. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

# How many transactions a run has in all: slower contenders and waiting for the disk get fewer,
# so that each run takes about as long.
transactions()
{
	local all=4000
	case $1 in
		web_application) all=1000 ;;
		careful_application) all=2000 ;;
	esac
	if [[ $setting == on ]]; then
		all=$((clients < 16 ? clients * 100 : all / 2))
	fi
	echo "$((all / clients > 40 ? all / clients : 40))"
}

run_bookings()
{
	local clients contender
	load_large
	use_slots large 2000001 0
	for ((round = 1; round <= rounds; round++)); do
		echo "round $round of $rounds"
		for setting in off on; do
			for clients in 1 4 16 64; do
				for contender in $(in_turn web_application careful_application plpgsql bare_writes booking); do
					PGOPTIONS="-c synchronous_commit=$setting" measure_bookings large "$contender" "$clients" \
						"$(transactions "$contender")" -f "$(script "bookings/$contender")"
				done
			done
		done
	done
}

report_bookings()
{
	report >/dev/null <<-'END'
		SELECT judge('bookings', 'booking / ' || contender || ', bookings/s, 16 clients', array_agg(rate), at_least => least)
			FROM ratio JOIN (VALUES ('bare_writes', 0.85), ('careful_application', 2), ('web_application', 5)) AS g (contender, least)
				USING (contender)
			WHERE section = 'bookings' AND setting = 'off' AND clients = 16 GROUP BY contender, least ORDER BY least;
		SELECT judge('bookings', 'booking / ' || contender || ', CPU of a booking, ' || clients || ' clients', array_agg(cpu), most)
			FROM ratio JOIN (VALUES ('bare_writes', 1.25), ('plpgsql', 0.8)) AS g (contender, most) USING (contender)
			WHERE section = 'bookings' AND setting = 'off' AND clients IN (1, 16) GROUP BY contender, clients, most ORDER BY contender, clients;
		SELECT judge('bookings', '64 clients / 16 clients, bookings/s', array_agg(a.rate / b.rate), at_least => 0.9)
			FROM run a JOIN run b USING (section, setting, round, contender)
			WHERE section = 'bookings' AND setting = 'off' AND contender = 'booking' AND a.clients = 64 AND b.clients = 16;
	END
	for setting in off on; do
		for clients in 1 4 16 64; do
			echo "synchronous_commit $setting, $clients clients:"
			table "SELECT r.contender, spread(array_agg(r.rate)) AS \"bookings/s\",
					spread(array_agg(q.rate)) AS \"booking is times as fast\",
					short(median(r.cpu)) AS \"CPU us\", short(median(q.cpu)) AS \"booking's CPU / its\",
					short(median(r.p50)) AS \"p50 ms\", short(median(r.p95)) AS p95, short(median(r.p99)) AS p99
				FROM run r JOIN ratio q USING (section, setting, clients, round, contender)
				WHERE section = 'bookings' AND setting = '$setting' AND clients = $clients
				GROUP BY r.contender ORDER BY median(r.rate)"
		done
	done
	echo "One client, synchronous_commit off, a booking:"
	table "SELECT contender, short(median(wal)) AS \"bytes of WAL\", short(median(buffers)) AS \"shared buffers touched\"
		FROM run WHERE section = 'bookings' AND setting = 'off' AND clients = 1 GROUP BY contender ORDER BY median(buffers) DESC"
	draw
}

draw()
{
	((rounds >= 7)) || return 0
	report -F ' ' -c "SELECT setting || '.' || contender, clients, median(rate), min(rate), max(rate)
		FROM run WHERE section = 'bookings' GROUP BY setting, contender, clients ORDER BY clients" >"$work/bookings"
	gnuplot -e "data='$work/bookings'" bench/bookings/plot.gnuplot >bench/bookings.svg
}
