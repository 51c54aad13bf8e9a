#!/bin/sh
# SPDX-License-Identifier: MIT
# T06: the worker of `reprise demo --worker`, which is killed again and again.
# Usage: tool_worker.sh PROGRAM FILL file
. "$(dirname "$0")/tool_common.sh"
TMPDIR=$scratch/tmp
export TMPDIR
mkdir "$TMPDIR"

for wrong in --kill '--worker --rate 5' '--worker --seconds 5' '--worker --sessions 2' "--worker $0" '--worker --kill=9'; do
	# shellcheck disable=SC2086 # words
	expect 2 "$program" demo $wrong
done

# column N: of the table's row
column() { awk -v column="$1" 'has { print $column; exit } /^messages/ { has = 1 }' "$scratch/out"; }
# stands N WANTED NAME
stands() { [ "$(column "$1")" = "$2" ] || { fail "$3: $(column "$1"), not $2"; cat "$scratch/out"; }; }

# Nobody is killed: every second delivery is skipped.
expect 0 "$program" demo --worker
stands 1 20 messages
stands 2 40 deliveries
stands 3 20 started
stands 4 0 resumed
stands 5 20 skipped
stands 6 0 killed
stands 8 0 'steps done twice'
[ -z "$(ls -A "$TMPDIR")" ] || fail "it leaves something behind"

# Three times over one log, which has all of it then.
steps=0
for run in 1 2 3; do
	expect 0 "$program" demo --worker --kill --log "$place"
	stands 1 20 messages
	[ "$(column 6)" -ge 3 ] || fail "it was hardly killed: $(column 6)"
	[ "$(column 4)" -ge 1 ] || fail "it has resumed nothing"
	[ "$(($(column 3) + $(column 4) + $(column 5)))" -le "$(column 2)" ] || fail "more decisions than deliveries"
	steps=$((steps + $(column 7)))
	expect 0 "$program" conversation ls --file "$place" --json
	grep -q "\"messages\":$((20 * run)),\"in_progress\":0,\"finished\":$((20 * run)),\"with_error\":0," "$scratch/out" ||
		{ fail "the log has other messages"; cat "$scratch/out"; }
done
[ "$steps" -ge 180 ] || fail "there were but $steps steps"
expect 0 "$program" log verify --file "$place"

# A log that cannot be written to is reported.
expect 1 "$program" demo --worker --log "$TMPDIR"
says REPRISE_E_IO
TMPDIR=/there/is/no/such/folder expect 1 "$program" demo --worker
says /there/is/no/such/folder

# Ctrl-C: the table so far.
"$program" demo --worker --kill --log "$scratch/other" >"$scratch/out" 2>&1 &
runs=$!
sleep 0.2
kill -INT $runs
wait $runs
got=$?
[ $got = 130 ] || [ $got = 0 ] || fail "answered $got after an interrupt, not 130"
[ "$(column 1)" = 20 ] || fail "has no table after an interrupt"
exit $bad
