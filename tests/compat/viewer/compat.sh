#!/bin/sh
# SPDX-License-Identifier: MIT
# Opens the viewer, the page at /, in headless Chromium: makes sessions, drops connections, kills the server, and compares
# what the page shows with what was appended. Prints a row for each scene.
#
# Usage: compat.sh BUILD [--install | --test | --short] [ARGUMENT ...]
#   BUILD    the build folder, with the program `reprise`; the packages are installed below the folder
#   --install  copies the harness and installs the packages, for other harnesses with pages
#   --test   runs the harness's own test: servers with deliberate faults must fail
#   --short  leaves out the scenes that need a quiet machine or more than a few seconds
#   The arguments are those of run.mjs.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
shift

skip() {
	echo "viewer: skipped: $*" >&2
	exit 77
}

node=$(command -v node) || skip 'node is not installed'
"$node" -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || skip "node $("$node" --version) is older than 20"
command -v chromium >/dev/null || skip 'chromium is not installed'
"$build/reprise" serve --help 2>/dev/null | grep -q -- --no-viewer || [ "${1:-}" = --install ] || skip 'this build has no viewer'

# Modules find their packages beside themselves, so a copy of the harness runs. Two tests may copy at once.
place=$build/compat/viewer
mkdir -p "$place"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$place/"
install_packages() {
	cmp -s "$place/package-lock.json" "$place/node_modules/installed-lock.json" && return 0
	command -v npm >/dev/null || skip 'npm is not installed'
	echo 'Installing the npm packages of package-lock.json' >&2
	if ! (cd "$place" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1) >"$place/npm.log" 2>&1; then
		cat "$place/npm.log" >&2
		skip 'npm cannot install the packages'
	fi
	cp "$place/package-lock.json" "$place/node_modules/installed-lock.json"
}
exec 9>"$place/lock"
flock 9 2>/dev/null
install_packages
cp -R "$here/." "$place/"
cp "$here/../frontends/server.mjs" "$here/../frontends/gateway.mjs" "$place/"
exec 9>&-
[ "${1:-}" != --install ] || exit 0

# The recordings lie beside the project, and nowhere on most machines.
folder=$here
while [ -z "${REPRISE_STREAMS:-}" ] && [ "$folder" != / ]; do
	folder=$(dirname "$folder")
	[ ! -d "$folder/shared/data/agent-streams" ] || REPRISE_STREAMS=$folder/shared/data/agent-streams
done
export REPRISE_STREAMS="${REPRISE_STREAMS:-}"
if [ "${1:-}" = --test ]; then
	shift
	exec "$node" "$place/harness_test.mjs" --program "$build/reprise" "$@"
fi
exec "$node" "$place/run.mjs" --program "$build/reprise" "$@"
