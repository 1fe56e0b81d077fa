# How fast a free slot is booked, by five ways to do it. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

# How many transactions a client has in a run: slower contenders and waiting for the disk get fewer,
# but at least a hundred, so that none takes much longer than others; many clients more in all, as they get
# into each other's way more or less by chance.
transactions()
{
	local all=$((clients < 16 ? 3000 + 100 * clients : 10000 + 100 * clients)) least=100
	case $1 in
		web_application) all=$((all / 4)) ;;
		careful_application | plpgsql) all=$((all / 2)) ;;
	esac
	if [[ $setting == on ]]; then
		all=$((clients < 16 ? clients * 400 : all / 4))
	fi
	echo "$((all / clients > least ? all / clients : least))"
}

run_bookings()
{
	local clients contender
	load_large
	# all are free after the 50th day
	use_slots large 2000001 0
	while next_round; do
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

# Prints the expression $1 of the rows of $2, of each contender by number of clients.
by_clients()
{
	table "SELECT contender, clients, $1 FROM $2 WHERE section = 'bookings' AND setting = '$setting'
		GROUP BY contender, clients ORDER BY $listed, clients" '\crosstabview contender clients'
}

report_bookings()
{
	# as bench/README.md lists them
	local listed="array_position('{web_application,careful_application,plpgsql,bare_writes,booking}', contender)"
	report >/dev/null <<-'END'
		CREATE VIEW rivals AS SELECT * FROM ratio WHERE contender <> 'booking';
		SELECT judge('bookings', 'booking / ' || contender || ', bookings/s with ' || clients || CASE clients WHEN 1 THEN ' client' ELSE ' clients' END, array_agg(rate), at_least => least)
			FROM ratio JOIN (VALUES ('bare_writes', 0.85), ('careful_application', 2), ('web_application', 5)) AS g (contender, least)
				USING (contender)
			WHERE section = 'bookings' AND setting = 'off' AND clients IN (1, 16, 64) GROUP BY contender, clients, least ORDER BY least, clients;
		SELECT judge('bookings', 'booking / ' || contender || ', CPU of a booking with ' || clients || CASE clients WHEN 1 THEN ' client' ELSE ' clients' END, array_agg(cpu), most)
			FROM ratio JOIN (VALUES ('bare_writes', 0.75), ('plpgsql', 0.8)) AS g (contender, most) USING (contender)
			WHERE section = 'bookings' AND setting = 'off' AND clients IN (1, 16, 64) GROUP BY contender, clients, most ORDER BY contender, clients;
		SELECT judge('bookings', '64 clients / 16 clients, bookings/s, synchronous_commit ' || setting, array_agg(a.rate / b.rate), at_least => 0.9)
			FROM run a JOIN run b USING (section, setting, round, contender)
			WHERE section = 'bookings' AND contender = 'booking' AND a.clients = 64 AND b.clients = 16 GROUP BY setting ORDER BY setting;
	END
	for setting in off on; do
		echo "Bookings a second by number of clients, synchronous_commit $setting:"
		by_clients "spread(array_agg(rate))" run
		echo "booking makes so many times as many:"
		by_clients "spread(array_agg(rate))" rivals
	done
	setting=off
	echo "CPU of a booking by number of clients, in microseconds, synchronous_commit off:"
	by_clients "spread(array_agg(cpu))" run
	echo "booking's / theirs:"
	by_clients "spread(array_agg(cpu))" rivals
	echo "What else a booking costs, with one client:"
	table "SELECT contender, short(median(wal)) AS \"bytes of WAL\", short(median(buffers)) AS \"shared buffers touched\"
		FROM run WHERE section = 'bookings' AND setting = 'off' AND clients = 1 GROUP BY contender ORDER BY $listed"
	echo "How long a client waits for a booking, by clients and synchronous_commit: ms, p50 / p95 / p99:"
	table "SELECT contender, clients || ', ' || setting, short(median(p50)) || ' / ' || short(median(p95)) || ' / ' || short(median(p99))
		FROM run WHERE section = 'bookings' AND clients IN (1, 16, 64) GROUP BY contender, clients, setting
		ORDER BY $listed, setting, clients" '\crosstabview'
	draw
}

draw()
{
	((round >= 7)) || return 0
	report -F ' ' -c "SELECT setting || '.' || contender, clients, median(rate), min(rate), max(rate)
		FROM run WHERE section = 'bookings' GROUP BY setting, contender, clients ORDER BY clients" >"$work/bookings"
	gnuplot -e "data='$work/bookings'" bench/bookings/plot.gnuplot >bench/bookings.svg
}
