#!/bin/sh
# SPDX-License-Identifier: MIT
# T09: the demo of buffered thread documents, whose servers and writers are killed.
# Usage: tool_nats_demo.sh PROGRAM
program=$1
bad=0
fail() { echo "tool: $*"; bad=1; }
PATH=$PATH:/usr/local/sbin:/usr/sbin
command -v nats-server >/dev/null || { echo 'no nats-server here'; exit 77; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
TMPDIR=$scratch/tmp
export TMPDIR
mkdir "$TMPDIR"

for wrong in --cluster '--nats --worker' '--nats --rate 5' '--nats --log x' "--nats $0" '--nats --sessions 2'; do
	# shellcheck disable=SC2086 # words
	"$program" demo $wrong >/dev/null 2>&1
	[ $? = 2 ] || fail "demo $wrong is taken"
done

# play ARGUMENT ...: the table is in $scratch/out then
play() {
	timeout 60 "$program" demo --nats "$@" >"$scratch/out" 2>&1
	got=$?
	[ $got = 0 ] || { fail "demo --nats $* answered $got"; cat "$scratch/out"; }
	is_clean "demo --nats $*"
}
# is_clean NAME: nothing is left of it
is_clean() {
	[ -z "$(ls -A "$TMPDIR")" ] || { fail "$1 leaves files behind"; rm -rf "$TMPDIR" && mkdir "$TMPDIR"; }
	for process in /proc/[0-9]*; do
		{ tr '\0' ' ' <"$process/cmdline" | grep -q "^[^ ]*nats-server .*$TMPDIR"; } 2>/dev/null &&
			fail "$1 leaves a server behind"
	done
}
# row NAME: its numbers or answers, with a space between them
row() { sed -n "s/^$1   *//p" "$scratch/out" | tr -s ' '; }
# stands NAME WANTED
stands() { [ "$(row "$1")" = "$2" ] || { fail "$1: $(row "$1"), not $2"; cat "$scratch/out"; }; }
# least NAME NUMBER: of the first document
least() {
	first=$(row "$1")
	[ "${first%% *}" -ge "$2" ] || { fail "$1: $first, not $2 or more"; cat "$scratch/out"; }
}

play
stands 'deltas sent' 200
stands acknowledged 200
least 'appends retried' 1
stands applied 200
stands lost 0
stands 'applied twice' 0
stands 'versions without a hole' yes
stands 'equal documents' yes
stands 'server kills' 1
stands 'writer kills' 1
least 'applied by recovery' 1

play --cluster
stands document 'shared first second'
stands 'deltas sent' '200 100 100'
stands acknowledged '200 100 100'
stands applied '200 100 100'
stands lost '0 0 0'
stands 'applied twice' '0 0 0'
stands 'versions without a hole' 'yes yes yes'
stands 'equal documents' 'yes yes yes'
stands 'server kills' 1

# Ctrl-C: the table so far.
for arguments in '' --cluster; do
	# shellcheck disable=SC2086 # a word or none
	"$program" demo --nats $arguments >"$scratch/out" 2>&1 &
	runs=$!
	sleep 1
	kill -INT $runs
	wait $runs
	got=$?
	[ $got = 130 ] || fail "answered $got after an interrupt, not 130"
	grep -q '^not applied yet ' "$scratch/out" || fail "has no table after an interrupt"
	is_clean "an interrupted demo --nats $arguments"
done

# A folder that is missing is named.
TMPDIR=/there/is/no/such/folder "$program" demo --nats >"$scratch/out" 2>&1
[ $? = 1 ] || fail "a missing folder is no failure"
grep -q /there/is/no/such/folder "$scratch/out" || fail "does not name the folder"
exit $bad
