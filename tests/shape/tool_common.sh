#!/bin/sh
# SPDX-License-Identifier: MIT
# The common part of the tests of the program's commands. They include it.
# Usage: . tool_common.sh     (arguments: PROGRAM FILL file | postgres; FILL is tool_log_fill; postgres: beside postgres.sh)
program=$1
fill=$2
kind=$3
bad=0
fail() { echo "tool: $*"; bad=1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# expect STATUS COMMAND ...: its output is in $scratch/out then, what it says in $scratch/err
expect() {
	status=$1
	shift
	"$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || { fail "'$*' answered $got, not $status"; cat "$scratch/out" "$scratch/err"; }
}
# prints: exactly what stands in the standard input; times of now and lives are what they are
prints() {
	sed -E -e 's/[0-9a-f]{32}/LIFE/g' -e 's/20[2-9][0-9]-[0-9-]+[ T][0-9:.]+Z?/NOW/' "$scratch/out" >"$scratch/got"
	cat >"$scratch/wanted"
	diff "$scratch/wanted" "$scratch/got" || fail "not what it should print"
}
says() { grep -q "$1" "$scratch/err" || { fail "does not say $1"; cat "$scratch/err"; }; }
# A second opinion, where there is one to be had.
is_json() {
	if command -v jq >/dev/null; then
		jq -e . "$scratch/out" >/dev/null || fail "jq does not take it for JSON"
	elif command -v python3 >/dev/null; then
		python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]' \
			"$scratch/out" || fail "python does not take it for JSON"
	fi
}

if [ "$kind" = file ]; then
	option=--file place=$scratch/log
else
	option=--postgres place=$REPRISE_POSTGRES
fi
