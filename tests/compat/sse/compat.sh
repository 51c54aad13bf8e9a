#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the streams of a server at every byte, and has the clients of other projects resume. Kills the server, and starts
# the server again. Prints a row for each client. Without `reprise serve` the clients run against the harness's own mock.
#
# Usage: compat.sh BUILD [--test | --short] [ARGUMENT ...]
#   BUILD    the build folder, with the program `reprise`; the packages are installed below the folder
#   --test   runs the harness's own test, which needs no packages
#   --short  cuts `reprise serve` at each 9th byte, with curl, the clients of src/GUIDE.md, the harness's own client and,
#            where the packages are installed already, eventsource 5
#   The arguments are those of run.mjs. Two of them are commands; each names one program that prints its base URL first:
#   --with-gap COMMAND   keeps {events} events of a session and has no log
#   --with-log COMMAND   has its log in the file {log}
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
shift

skip() {
	echo "sse-clients: skipped: $*" >&2
	exit 77
}

node=$(command -v node) || skip 'node is not installed'
has_node() { "$node" -e "process.exit(parseInt(process.versions.node) >= $1 ? 0 : 1)"; }
if [ "${1:-}" = --test ]; then
	has_node 18 || skip "node $("$node" --version) is older than 18"
	exec "$node" "$here/harness_test.mjs"
fi
with_gap="'$build/reprise' serve --quiet --listen {listen} --events-max {events}"
with_log="'$build/reprise' serve --quiet --listen {listen} --log sqlite:{log}"
has_gateway() { "$build/reprise" serve --help >/dev/null 2>&1; }
place=$build/compat/sse
has_packages() { cmp -s "$here/package-lock.json" "$place/node_modules/installed-lock.json"; }
# copy: modules find their packages beside themselves, so a copy of the harness runs; with the clients of the guide.
copy() {
	mkdir -p "$place"
	cp -R "$here/." "$place/"
	for kind in python:guide.py js:guide.mjs; do
		awk -v kind="${kind%:*}" '$0 == "```" kind { on = 1; next } /^```/ { on = 0 } on' "$here/../../../src/GUIDE.md" \
			>"$place/${kind#*:}"
		[ "$(grep -c . "$place/${kind#*:}")" -le 20 ] || { echo "${kind#*:} has more than 20 lines" >&2; exit 1; }
	done
	cd "$place" || exit 1
}
if [ "${1:-}" = --short ]; then
	shift
	has_node 18 || skip "node $("$node" --version) is older than 18"
	has_gateway || skip 'this build has no gateway'
	copy
	set -- --client plain --client guide-js --step 9 --coarser 4 "$@"
	if command -v python3 >/dev/null; then set -- --client guide-python "$@"; fi
	if command -v curl >/dev/null; then set -- --client curl "$@"; fi
	if has_node 20 && has_packages; then set -- --client eventsource-5 "$@"; fi
	exec "$node" run.mjs --with-gap "$with_gap" --with-log "$with_log" "$@"
fi
has_node 20 || skip "node $("$node" --version) is older than 20"

copy
if ! has_packages; then
	command -v npm >/dev/null || skip 'npm is not installed'
	echo 'Installing the npm packages of package-lock.json' >&2
	if ! npm ci --omit=optional --ignore-scripts --fetch-retries=1 >npm.log 2>&1; then
		cat npm.log >&2
		skip 'npm cannot install the packages'
	fi
	cp package-lock.json node_modules/installed-lock.json
fi

if ! has_gateway; then
	echo 'This build has no gateway: the server is the mock of the harness' >&2
	with_gap="'$node' '$place/mock.mjs' --listen {listen} --events-max {events}"
	with_log="'$node' '$place/mock.mjs' --listen {listen} --log {log}"
fi
exec "$node" run.mjs --with-gap "$with_gap" --with-log "$with_log" "$@"
