# common.sh: sourced by the other tools. Moves to the top of the checkout and
# provides a throwaway PostgreSQL cluster.
#
# PostgreSQL refuses to run as root, so there the OS user "postgres" runs it. As
# that user may be unable to read the checkout, all that a server or its clients
# touch is in $work, which is theirs.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pg_config=$(tools/pg-config)
bindir=$("$pg_config" --bindir)

# The caller's PGHOST, PGSERVICE and so on must not lead to a real server, by way of
# make's command line either.
unset MAKEFLAGS
for name in "${!PG@}" "${!LC_@}"; do
	[[ $name == PG_CONFIG ]] || unset "$name"
done
export LANG=C.UTF-8

work=$(mktemp -d /tmp/booking.XXXXXX)
((EUID)) || chown postgres: "$work"
export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres

as_server_user()
(
	cd "$work"
	export HOME=$work PATH=$bindir:$PATH
	if ((EUID)); then exec "$@"; else exec runuser -u postgres -- "$@"; fi
)

# TAP tests that were interrupted leave clusters, too. Of a server that was killed, the number may be
# somebody else's by now.
clean_up()
{
	find "$work" -name postmaster.pid | while read -r pid_file; do
		data=$(dirname "$pid_file")
		[[ $(readlink "/proc/$(head -n 1 "$pid_file")/cwd") == "$data" ]] || continue
		as_server_user pg_ctl -D "$data" -m fast -t 20 stop ||
			as_server_user pg_ctl -D "$data" -m immediate stop || true
	done &>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

quietly()
{
	"$@" &>"$work/output" || { cat "$work/output" >&2; return 1; }
}

# Copies the checkout without what was built or left behind in it.
copy_tree()
{
	mkdir -p "$1"
	tar -c --exclude=./{.git,log,results,tmp_check,regression.diffs} --exclude=*.{o,bc,so} . |
		tar -x -C "$1"
	((EUID)) || chown -R postgres: "$1"
}

install_extension()
{
	local library_dir as_root=()
	library_dir=$("$pg_config" --pkglibdir)
	if [[ ! -w $library_dir || ! -w $("$pg_config" --sharedir)/extension ]]; then
		if ! command -v sudo >/dev/null; then
			echo "cannot install into $library_dir: not root, and there is no sudo" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	quietly make -s all && quietly "${as_root[@]}" make -s install PG_CONFIG="$pg_config"
}

start_cluster()
{
	local options="-c listen_addresses='' -c unix_socket_directories=$work -c fsync=off -c timezone=UTC"

	quietly as_server_user initdb -D "$work/data" -U postgres -A trust --no-sync \
		--encoding=UTF8 --locale=C.UTF-8 &&
		quietly as_server_user pg_ctl -D "$work/data" -l "$work/server.log" -o "$options" start
}
