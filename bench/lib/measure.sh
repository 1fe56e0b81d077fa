# measure.sh: sourced by bench/run. Runs pgbench and keeps what it measured; prints tables.
# shellcheck shell=bash disable=SC2034,SC2154

# Until a client has made so many transactions, catalogs are read, plans are made, of each statement
# five before one is kept, and memory is mapped.
warm_up=100

sql() { as_server_user psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

# Reports come from the database that keeps what was measured.
report() { sql -v section="$section" -d results "$@"; }

# load DATABASE DOCTORS SLOTS PAST: makes a book, see load.sql. More sections than one may want it.
# next_slot counts the free slots that were used up, of those that first_slot starts and that have
# a gap after each 200.
declare -A first_slot=() gap=() next_slot=()
load()
{
	[[ -z ${first_slot[$1]:-} ]] || return 0
	echo "loading $(($2 * $3)) slots of $2 doctors"
	as_server_user createdb "$1"
	sql -d "$1" -v doctors="$2" -v slots="$3" -v past="$4" -f bench/lib/load.sql
	sql -d "$1" -f bench/bookings/plpgsql_function.sql -f bench/rush/functions.sql
	use_slots "$1" $(($2 * 500 * $4 + 301)) 300
}
load_small() { load small 100 500 0; }
load_medium() { load medium 1000 500 0; }
load_large() { load large 1000 5000 3; }

# From the 31st day on all slots are free: of each doctor 200 of the first 500 from today on, after
# these all.
use_slots() { first_slot[$1]=$2 gap[$1]=$3 next_slot[$1]=0; }

# next_round: starts one, unless there were enough, or as many as a slow machine has the time for.
# Notes what a fixed piece of work takes just now.
next_round()
{
	local time=${seconds[$section]}
	((round < rounds && (round < fewest_rounds || SECONDS < time))) || return 1
	round=$((round + 1))
	report -c "INSERT INTO noise SELECT '$section', fixed_work()"
}

# The names of the contenders in the order of this round: each is the first in its turn.
in_turn()
{
	local names=("$@") i
	for ((i = 0; i < $#; i++)); do echo "${names[(i + round) % $#]}"; done
}

# Writes the script $1 with what all have before and after it, and prints where that is.
script()
{
	local file=$work/${1//\//-}.sql
	cat bench/lib/before.sql "bench/$1.sql" bench/lib/after.sql >"$file"
	echo "$file"
}

# measure DATABASE CONTENDER CLIENTS TRANSACTIONS pgbench-option...: a run of so many transactions
# a client once it is warm, recorded under $section, $setting and $round.
measure()
{
	local database=$1 contender=$2 clients=$3 transactions=$(($4 + warm_up)) start wal hits reads cpu
	shift 4

	rm -f "$work"/log.*
	exec {start}< <(sql -d "$database" -f bench/lib/start.sql)
	IFS='|' read -r wal_start hits reads <&"$start"
	quietly as_server_user pgbench -n -M prepared -c "$clients" -j "$((clients > 1 ? 2 : 1))" -t "$transactions" \
		-l --log-prefix=log -D n=-1 -D warm_up="$warm_up" -D clients="$clients" -D transactions="$transactions" \
		-D first="${next_slot[$database]}" -D first_slot="${first_slot[$database]}" -D gap="${gap[$database]}" \
		"$@" "$database"
	exec {start}<&-
	IFS='|' read -r cpu wal_end wal hits reads < <(sql -d "$database" -v wal_start="$wal_start" -v hits="$hits" -v reads="$reads" -f bench/lib/finish.sql)
	report -v setting="$setting" -v round="$round" -v contender="$contender" -v clients="$clients" -v warm_up="$warm_up" \
		-v cpu="$cpu" -v wal="$wal" -v hits="$hits" -v reads="$reads" -f bench/lib/record.sql
}

# measure, of bookings: on slots that nobody had before, and all of them have to be booked.
measure_bookings()
{
	local database=$1 slots=$(($3 * ($4 + warm_up))) booked

	measure "$@"
	booked=$(sql -d "$database" -c "
		SELECT count(*) FROM generate_series(${next_slot[$database]}, ${next_slot[$database]} + $slots - 1) i
			JOIN booking.time_slots s ON s.id = ${first_slot[$database]} + i + i / 200 * ${gap[$database]}
			JOIN booking.appointments a ON a.slot_id = s.id AND a.status = 'booked'
		WHERE NOT s.is_available")
	((booked == slots)) || { echo "$2: $booked of $slots slots were booked" >&2; return 1; }
	next_slot[$database]=$((next_slot[$database] + slots))
}

# A Markdown table of a query's rows; $2 may be another way to end it than a semicolon.
table()
{
	echo
	report -P footer=off -P tuples_only=off -F ' | ' <<<"$1 ${2:-;}" |
		sed "s/.*/| & |/; 1 { p; s/[^|]\{1,\}/ --- /g }"
	echo
}

goals()
{
	table "SELECT what AS \"goals of $section\", measured AS \"measured, median (least to greatest)\", goal,
			CASE met WHEN true THEN 'met' WHEN false THEN '**missed**' ELSE 'not judged' END AS \" \"
		FROM goal WHERE section = '$section' ORDER BY number"
}
