# tally.sh: sourced by what runs tools/test several times. Adds the tests up, in passed and failed.
# shellcheck shell=bash
passed=0
failed=0

# Adds what the log $2 of $1 closes with, and prints it. One that does not close so has crashed: has failed.
add_up()
{
	local counted

	# whatever was written before a crash, it is no binary file
	counted=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$2" | tail -n 1) || counted="0 passed, 1 failed"
	echo "$1: $counted"
	passed=$((passed + ${counted%% *}))
	counted=${counted#*, }
	failed=$((failed + ${counted%% *}))
}

# Prints the last line; fails if a test did.
close_tally()
{
	echo "$passed passed, $failed failed"
	((failed == 0))
}
