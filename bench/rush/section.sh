# Many clients at once on few slots. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

# A slot is opened every 50 ms, and each time everybody asks for the newest, again and again.
rush_for_newest()
{
	local contender=$1 transactions=$2 opening
	sql -d small -c "SELECT open_slot()" >/dev/null
	echo 'SELECT open_slot() \watch 0.05' | as_server_user env PGAPPNAME=opening psql -X -q -d small &>/dev/null &
	opening=$!
	rush 64 "$transactions" "rush/newest_$contender"
	sql -d small -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'opening'" >/dev/null
	wait "$opening" || true
}

# The hundred slots of a morning are opened, and everybody asks for one after the other of them,
# at random. Clients warm up on a slot that was taken long ago.
rush_for_morning()
{
	local contender=$1 first
	first=$(sql -d small -c "SELECT open_morning()")
	rush 200 20 "rush/morning_$contender" -D morning="$first" -D taken="$taken"
	(($(sql -d small -c "SELECT count(*) FROM booking.time_slots WHERE id BETWEEN $first AND $first + 99 AND is_available") == 0)) ||
		{ echo "$contender: not all of the morning's slots were booked" >&2; return 1; }
}

# rush CLIENTS TRANSACTIONS SCRIPT pgbench-option...: measures, and what became of the losers.
rush()
{
	local clients=$1 transactions=$2 file last
	file=$(script "$3")
	shift 3
	last=$(sql -d small -c "SELECT max(id) FROM booking.appointments")
	PGOPTIONS="-c synchronous_commit=off" measure small "$contender" "$clients" "$transactions" -f "$file" "$@"
	sql -d small -c "COPY (SELECT patient_id - 1, extract(epoch FROM booked_at) FROM booking.appointments WHERE id > $last) TO STDOUT" |
		report -c "TRUNCATE winner; COPY winner FROM STDIN"
	report -v setting="$setting" -v round="$round" -v contender="$contender" -v warm_up="$warm_up" \
		-v wal="$(sql -d small -c "SELECT losers_wal('$wal_start', '$wal_end')")" -f bench/rush/record.sql
}

run_rush()
{
	local contender
	load_small
	taken=$(sql -d small -c "SELECT min(slot_id) FROM booking.appointments")
	while next_round; do
		for contender in $(in_turn booking careful_application); do
			setting=newest
			rush_for_newest "$contender" "$([[ $contender == booking ]] && echo 1400 || echo 400)"
			setting=morning
			rush_for_morning "$contender"
		done
	done
}

report_rush()
{
	report >/dev/null <<-'END'
		SELECT judge('rush', 'answers/s for the newest slot / careful application', array_agg(rate), at_least => 5)
			FROM ratio WHERE section = 'rush' AND setting = 'newest' AND contender = 'careful_application';
		SELECT judge('rush', CASE setting WHEN 'newest' THEN 'WAL of a refusal for the newest slot / careful application'
				ELSE 'the same when a morning is sold out' END, array_agg(ours.losers_wal / theirs.losers_wal), 0.05)
			FROM run ours JOIN run theirs USING (section, setting, round)
			WHERE section = 'rush' AND ours.contender = 'booking' AND theirs.contender = 'careful_application'
			GROUP BY setting ORDER BY setting DESC;
	END
	echo "64 clients, a slot opened every 50 ms, all ask for the newest:"
	table "SELECT contender, spread(array_agg(rate)) AS \"answers/s\", short(median(p50)) AS \"p50 ms\", short(median(p99)) AS p99,
			short(median(cpu)) AS \"CPU us an answer\", short(median(losers_wal)) AS \"bytes of WAL a refusal\"
		FROM run WHERE section = 'rush' AND setting = 'newest' GROUP BY contender ORDER BY 1"
	echo "200 clients, the 100 slots of a morning:"
	table "SELECT contender, spread(array_agg(sold_out)) AS \"ms until sold out\", short(median(rate)) AS \"answers/s\",
			spread(array_agg(losers_p99)) AS \"p99 ms of the refused\", short(median(losers_wal)) AS \"bytes of WAL a refusal\"
		FROM run WHERE section = 'rush' AND setting = 'morning' GROUP BY contender ORDER BY 1"
}
