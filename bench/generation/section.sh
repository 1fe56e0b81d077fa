# How fast calendars become slots. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

# Records the slots a second, and the CPU microseconds of one, of INSERTing with the statement $1.
measure_generation()
{
	local contender=$1 table=$1 rows=$slots figures
	case $contender in
		gist) rows=$((slots / 10)) ;;
		generate_slots | with_trigger) table=booking.time_slots ;;
	esac
	figures=$(sql -d generation <<-SQL
		TRUNCATE booking.time_slots, booking.appointments, booking.generated_days, plain, gist;
		CHECKPOINT;
		SELECT cpu() AS cpu, clock_timestamp() AS start \\gset
		\\o /dev/null
		\\i bench/generation/$contender.sql
		\\o
		SELECT $rows / extract(epoch FROM clock_timestamp() - :'start') || ', ' || (cpu() - :cpu) / 1000.0 / $rows;
		SELECT count(*) = $rows FROM $table;
	SQL
	)
	[[ $figures == *$'\nt' ]] || { echo "$contender: $figures" >&2; return 1; }
	report -c "INSERT INTO run (section, setting, clients, round, contender, rate, cpu)
		SELECT '$section', '', 1, $round, '$contender', ${figures%$'\n'*}"
}

# The most private memory, in kB, of a backend that generates the slots up to $1 days from now.
peak_memory()
{
	local pid peak=0 now
	sql -d generation -c "TRUNCATE booking.time_slots, booking.appointments, booking.generated_days"
	: >"$work/pid"
	echo "SELECT pg_backend_pid(); SELECT booking.generate_slots(current_date + 1, current_date + $1);" |
		sql -d generation >"$work/pid" &
	while kill -0 $! 2>/dev/null; do
		read -r pid <"$work/pid" || true
		now=$(awk '/^RssAnon/ { print $2 }' "/proc/${pid:-0}/status" 2>/dev/null || true)
		((${now:-0} <= peak)) || peak=$now
		sleep 0.05
	done
	wait $!
	echo "$peak"
}

run_generation()
{
	local contender doctors=60
	[[ -z ${FULL:-} ]] || { doctors=1000 seconds[generation]=3600; }
	slots=$((doctors * 90 * 32))
	setting=''
	as_server_user createdb generation
	sql -d generation -v doctors="$doctors" -f bench/generation/setup.sql
	while next_round; do
		for contender in $(in_turn generate_slots plain with_trigger gist); do
			measure_generation "$contender"
		done
	done
	memory_of_tenth=$(peak_memory 9)
	memory_of_all=$(peak_memory 90)
}

report_generation()
{
	report -v tenth="$memory_of_tenth" -v all="$memory_of_all" >/dev/null <<-'END'
		SELECT judge('generation', 'slots/s / INSERT ... SELECT of them', array_agg(g.rate / p.rate), at_least => 0.8)
			FROM run g JOIN run p USING (section, round)
			WHERE section = 'generation' AND g.contender = 'generate_slots' AND p.contender = 'plain';
		SELECT judge('generation', 'slots/s', array_agg(rate), at_least => 100000, unit => '/s')
			FROM run WHERE section = 'generation' AND contender = 'generate_slots';
		SELECT judge('generation', 'private memory of the backend', ARRAY[:all / 1024.0], 64, unit => ' MB');
		SELECT judge('generation', 'the same / for 9 days', ARRAY[:all / :tenth::float], 1.5);
	END
	echo "$slots slots, 90 days:"
	table "SELECT CASE r.contender WHEN 'generate_slots' THEN 'generate_slots' WHEN 'plain' THEN 'INSERT ... SELECT, btrees and foreign key'
				WHEN 'with_trigger' THEN 'the same into time_slots, with its trigger'
				ELSE 'the same, GiST exclusion constraint (a tenth)' END AS how,
			spread(array_agg(r.rate)) AS \"slots/s\", spread(array_agg(r.rate / p.rate)) AS \"ratio\",
			short(median(r.cpu)) AS \"CPU us\", short(median(r.cpu / p.cpu)) AS \"ratio of CPU\"
		FROM run r JOIN run p USING (section, round)
		WHERE section = 'generation' AND p.contender = 'plain' GROUP BY r.contender ORDER BY median(r.rate) DESC"
}
