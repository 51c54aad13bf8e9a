#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the conformance suite of Durable Streams against `reprise serve`, kills the server between two halves of the suite,
# in the middle of appends, forks and deletions, and archives events under live clients.
#
# Usage: compat.sh BUILD durable-streams [--log sqlite:|postgres:] [--reference] [--restart] [--rounds N]
#        compat.sh BUILD retention [--log sqlite:|postgres:]
#        compat.sh BUILD --test | --short | --install
#   BUILD        the build folder, with the program `reprise`; the packages are installed below the folder
#   --log        a new file, or a PostgreSQL server of the script's own; without the option both, one after the other
#   --reference  the reference server beside ours; the reference does not decide the exit status
#   --restart    kills and restarts, in place of the whole suite; N rounds of the crash loop (default: 20)
#   --test       runs the harness's own test, which needs no packages
#   --short      the whole suite over a file, where the packages are installed already
#   --install    installs the packages alone
# Exit status: 0 everything is right, 1 something is wrong, 2 wrong arguments, 77 something is missing here.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
place=$build/compat/durable
what=${2:-}
shift 2

skip() {
	echo "durable-streams: skipped: $*" >&2
	exit 77
}
misuse() {
	echo "compat.sh: $*" >&2
	exit 2
}

node=$(command -v node) || skip 'node is not installed'
has_node() { "$node" -e "process.exit(parseInt(process.versions.node) >= $1 ? 0 : 1)"; }
has_packages() { cmp -s "$here/package-lock.json" "$place/node_modules/installed-lock.json"; }

# install: modules find their packages beside themselves, so copies of the modules that need packages run.
install() {
	mkdir -p "$place" || exit 1
	cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$here/suite.test.mjs" "$here/record.mjs" \
		"$here/reference.mjs" "$place/" || exit 1
	has_packages && return
	command -v npm >/dev/null || skip 'npm is not installed'
	echo 'Installing the npm packages of package-lock.json' >&2
	if ! (cd "$place" && npm ci --ignore-scripts --fetch-retries=1) >"$place/npm.log" 2>&1; then
		cat "$place/npm.log" >&2
		skip 'npm cannot install the packages'
	fi
	cp "$here/package-lock.json" "$place/node_modules/installed-lock.json"
}

# has_gateway: the option is that of the durable streams.
has_gateway() { "$build/reprise" serve --help 2>/dev/null | grep -q -e --long-poll; }
has_postgres() { sh "$here/../../support/postgres.sh" true >/dev/null 2>&1; }

case $what in
--test)
	[ $# = 0 ] || misuse "--test takes no argument, such as '$1'"
	has_node 18 || skip "node $("$node" --version) is older than 18"
	exec "$node" "$here/harness_test.mjs"
	;;
--install | --short | durable-streams | retention) ;;
*) misuse "what to run is durable-streams or retention, not '$what'" ;;
esac

has_node 20 || skip "node $("$node" --version) is older than 20"
logs='' reference='' restart='' rounds=20
while [ $# -gt 0 ]; do
	case $what:$1 in
	durable-streams:--log | retention:--log)
		case ${2:-} in
		sqlite: | postgres:) logs="$logs --log $2" ;;
		*) misuse "--log takes sqlite: or postgres:, not '${2:-}'" ;;
		esac
		shift
		;;
	durable-streams:--reference) reference=--reference ;;
	durable-streams:--restart) restart=--restart ;;
	durable-streams:--rounds)
		case ${2:-} in
		'' | *[!0-9]*) misuse '--rounds takes a whole number' ;;
		esac
		rounds=$2
		shift
		;;
	*) misuse "$what takes no argument '$1'" ;;
	esac
	shift
done

case $what in
--install)
	install
	exit
	;;
--short)
	has_packages || skip 'the npm packages are not installed; compat.sh --install installs them'
	what=durable-streams logs='--log sqlite:'
	;;
esac
has_gateway || skip 'this build serves no durable streams'
[ "$what" = retention ] || install

case "${logs:=--log sqlite: --log postgres:}" in
*postgres:*)
	if has_postgres; then
		set -- sh "$here/../../support/postgres.sh"
	elif [ "$logs" = '--log sqlite: --log postgres:' ]; then
		echo 'durable-streams: PostgreSQL cannot be run here: SQLite alone' >&2
		logs='--log sqlite:'
	else
		skip 'PostgreSQL cannot be run here'
	fi
	;;
esac
# shellcheck disable=SC2086 # lists of words
exec "$@" "$node" "$here/run.mjs" "$what" --build "$build" --place "$place" --rounds $rounds $logs $reference $restart
