#!/bin/sh
# SPDX-License-Identifier: MIT
# What the program answers to good and bad arguments.
# Usage: tool_usage.sh PROGRAM
bad=0
expect() {
	status=$1
	shift
	"$@" >/dev/null 2>&1
	got=$?
	[ $got = "$status" ] || { echo "tool: '$*' answered $got, not $status"; bad=1; }
}
empty=$(mktemp) || exit 1
lines=$(mktemp) || exit 1
trap 'rm -f "$empty" "$lines"' EXIT
printf 'one\n\n{"three": 3}' >"$lines"

expect 0 "$1" --version
expect 0 "$1" --help
expect 2 "$1"
expect 2 "$1" nothing
expect 2 "$1" --version more
expect 2 "$1" demo --rate
expect 2 "$1" demo --rate 0
expect 2 "$1" demo --rate -5
expect 2 "$1" demo --rate 5x
expect 2 "$1" demo --rate 1000001
expect 2 "$1" demo --rate 99999999999999999999
expect 2 "$1" demo --seconds 0
expect 2 "$1" demo --seconds 3601
expect 2 "$1" demo --rate 10 --seconds 9
expect 2 "$1" demo --unknown
expect 3 "$1" demo /there/is/no/such/file
expect 3 "$1" demo "$empty"
expect 3 "$1" demo /
expect 0 "$1" demo --rate 1000 --seconds 1 "$lines" "$lines"

# What it prints must arrive.
"$1" demo --rate 1000 --seconds 1 "$lines" >/dev/full 2>&1 && { echo "tool: lost its output in silence"; bad=1; }
exit $bad
