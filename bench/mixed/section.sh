# A working day: 80% reading, 20% booking. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

run_mixed()
{
	local before after
	load_large
	# the last 500,000, which no other section needs
	use_slots large 4500001 0
	setting=''
	while next_round; do
		next_slot[large]=$((round * 64 * (200 + warm_up)))
		before=$(sql -d large -c "SELECT max(id) FROM booking.appointments")
		PGOPTIONS="-c synchronous_commit=off" measure large all 64 200 -f "$(script bookings/booking)@20" \
			-f "$(script mixed/day)@40" -f "$(script mixed/next)@10" -f "$(script mixed/own)@30"
		after=$(sql -d large -c "SELECT max(id) FROM booking.appointments")
		(($(report -c "SELECT count(*) FROM log WHERE script = 0") == after - before)) ||
			{ echo "mixed: not all bookings were made" >&2; return 1; }
	done
}

report_mixed()
{
	report >/dev/null <<-'END'
		SELECT judge('mixed', 'requests/s', array_agg(rate), at_least => 5000, unit => '/s') FROM run WHERE section = 'mixed';
		SELECT judge('mixed', 'p99', array_agg(p99), 100, unit => ' ms') FROM run WHERE section = 'mixed';
		SELECT judge('mixed', 'found in shared buffers / touched', array_agg(hits), at_least => 0.99) FROM run WHERE section = 'mixed';
	END
	table "SELECT spread(array_agg(rate)) AS \"requests/s\", spread(array_agg(p50)) AS \"p50 ms\", spread(array_agg(p99)) AS \"p99 ms\",
			short(median(cpu)) AS \"CPU us\", short(median(buffers)) AS \"shared buffers touched\",
			spread(array_agg(100 * hits)) AS \"% found there\"
		FROM run WHERE section = 'mixed'"
	echo "The kinds of request, in the last round:"
	table "SELECT (ARRAY['book_slot', 'available_slots of a day', 'next_available of a specialization', 'patient_appointments'])[script + 1] AS request,
			count(*), short(percentile_disc(0.5) WITHIN GROUP (ORDER BY latency / 1000)) AS \"p50 ms\",
			short(percentile_disc(0.99) WITHIN GROUP (ORDER BY latency / 1000)) AS \"p99 ms\"
		FROM log WHERE number > $warm_up GROUP BY script ORDER BY script"
}
