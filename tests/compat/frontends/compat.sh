#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs front ends of other projects against `reprise serve`: cuts their streams behind each event, and kills the server.
#
# Usage: compat.sh BUILD [--test | --short] [ARGUMENT ...]
#   BUILD    the build folder, with the program `reprise`; the packages are installed below the folder
#   --test   runs the harness's own test, which needs no packages
#   --short  cuts behind each fifth event, without the slowest front ends and without siblings
#   The arguments are those of run.mjs.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
shift

skip() {
	echo "frontends: skipped: $*" >&2
	exit 77
}

node=$(command -v node) || skip 'node is not installed'
"$node" -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || skip "node $("$node" --version) is older than 20"
"$build/reprise" serve --help 2>/dev/null | grep -q -- --routes || skip 'this build has no gateway'
if [ "${1:-}" = --test ]; then
	"$node" "$here/harness_test.mjs" "$build/reprise" || exit 1
	exec "$node" "$here/durable/harness_test.mjs" "$build/reprise"
fi
if [ "${1:-}" = --short ]; then
	shift
	set -- --step 5 "$@"
	for row in "$here"/rows/*.mjs; do
		name=$(basename "$row" .mjs)
		case $name in
		eventsource | openai-6 | durable-bytes | durable-catch-up | durable-producer) ;;
		*) set -- "$@" "$name" ;;
		esac
	done
fi

# Modules find their packages beside themselves, so a copy of the harness runs.
place=$build/compat/frontends
mkdir -p "$place"
rm -rf "$place/rows" "$place/glue"
cp -R "$here/." "$place/"
cp "$here/../sse/chromium.mjs" "$here/../sse/processes.mjs" "$place/"
cd "$place" || exit 1
if ! cmp -s package-lock.json node_modules/installed-lock.json; then
	command -v npm >/dev/null || skip 'npm is not installed'
	echo 'Installing the npm packages of package-lock.json' >&2
	if ! npm ci --omit=optional --ignore-scripts --no-audit --no-fund --fetch-retries=1 >npm.log 2>&1; then
		cat npm.log >&2
		skip 'npm cannot install the packages'
	fi
	cp package-lock.json node_modules/installed-lock.json
fi
exec "$node" run.mjs --program "$build/reprise" "$@"
