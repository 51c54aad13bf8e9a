#!/bin/sh
# SPDX-License-Identifier: MIT
# V86: the log of `reprise run` while it is slow, locked, full, and after a kill.
# Usage: tool_run_log.sh PROGRAM MANAGER UNITS     (as tool_run_common.sh)
. "$(dirname "$0")/tool_run_common.sh"
python3 -c 'import sqlite3' 2>/dev/null || { echo 'tool: python3 has no sqlite3'; exit 77; }

# lock.py FILE: holds the log until the file `unlock` is there.
cat >lock.py <<'PYTHON'
import os, sqlite3, sys, time
log = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
log.execute("BEGIN EXCLUSIVE")
open("locked", "w").close()
while not os.path.exists("unlock"):
    time.sleep(0.02)
log.execute("ROLLBACK")
PYTHON
# lock FILE
lock() {
	python3 lock.py "$1" &
	heard=$!
	until_true test -e locked || fail "$1 cannot be locked"
}
unlock() {
	touch unlock
	wait "$heard"
	heard=
	rm -f locked unlock
}
# counts FILE: of the session s; events in $events, events in gap entries in $lost, the positions are without a hole
cat >counts.py <<'PYTHON'
import json, sys
events = lost = at = 0
for line in sys.stdin:
    entry = json.loads(line)
    first = entry["ordinal"] if entry["type"] == "event" else entry["first"]
    assert first == at + 1, entry
    at = entry["ordinal"] if entry["type"] == "event" else entry["last"]
    events, lost = (events + 1, lost) if entry["type"] == "event" else (events, lost + at - first + 1)
print(events, lost)
PYTHON
counts() {
	"$program" log cat --json --file "$1" s | python3 counts.py >counted || fail "the positions of $1 have a hole"
	read -r events lost <counted
	"$program" log verify --file "$1" >verified 2>&1 || { fail "$1 is damaged"; cat verified; }
}

# A kill: the log has the beginning, whole lines in order; the next run goes on in the same session.
start --session s --log "sqlite:$scratch/killed.db" -- sh -c 'i=0; while :; do i=$((i + 1)); echo $i; done'
recorded() { [ "$("$program" log cat --json --file killed.db s 2>/dev/null | wc -l)" -gt 1000 ]; }
until_true recorded || fail 'nothing is recorded'
kill -KILL "$served"
ends 137
counts killed.db
[ "$lost" = 0 ] || fail 'a kill has left a gap'
"$program" log cat --json --file killed.db s | python3 -c '
import json, sys
payloads = [json.loads(line)["payload"] for line in sys.stdin]
sys.exit(payloads != [str(i + 1) for i in range(len(payloads))])' || fail 'the log has other lines than the command'
before=$events
runs 3 --quiet --session s --log "sqlite:$scratch/killed.db" -- sh -c 'echo again; exit 3'
counts killed.db
[ "$events" = $((before + 1)) ] || fail "after a kill and a second run there are $events events, not $before and one"
"$program" log ls --json --file killed.db | grep -q '"status":3' || fail 'the end of the second run is not recorded'

# Locked before the start: the command does not run.
runs 0 --quiet --session s --log "sqlite:$scratch/locked.db" -- true
lock locked.db
runs 125 --quiet --session s --log "sqlite:$scratch/locked.db" -- touch ran
[ ! -e ran ] || fail 'the command runs though the log is locked'
grep -q '^reprise run: ' err || { fail 'has no words for a locked log'; cat err; }
# A signal while the program waits for the log ends the command before its start.
start --quiet --session s --log "sqlite:$scratch/locked.db" -- touch ran
catches() { grep -q '^SigBlk:.*[1-9a-f]' "/proc/$served/status"; }
until_true catches || fail 'the program does not take signals'
kill -TERM "$served"
ends 143
[ ! -e ran ] || fail 'the command runs in spite of a signal'
unlock

# Locked while the command runs: the command waits, and nothing is lost.
start --quiet --session s --log "sqlite:$scratch/slow.db" --events-max 100 --recorded-wait 600000 -- \
	sh -c 'echo first; until [ -e locked ]; do sleep 0.02; done; seq 2 200000; touch written; exit 5'
await out first
counted() { [ "$("$program" log cat --json --file slow.db s 2>/dev/null | wc -l)" = 1 ]; }
until_true counted || fail 'the first line is not recorded'
lock slow.db
await out '^2$'
sleep 1 # longer than any pace of the recorder
[ ! -e written ] || fail 'the command does not wait for the log'
unlock
ends 5
silent 'a log that was locked for a second'
counts slow.db
[ "$events $lost" = '200000 0' ] || fail "a log that was locked for a second has $events events, and $lost lost"

# Locked for longer than the bound: the command goes on, the loss is exact, and the log has it as a gap.
start --quiet --session s --log "sqlite:$scratch/late.db" --events-max 100 --recorded-wait 300 -- \
	sh -c 'echo first; until [ -e locked ]; do sleep 0.02; done; seq 2 200000; touch unlock; exit 6'
await out first
lock late.db
ends 6
unlock
grep -q 'the log has taken nothing for 300 ms' err || { fail 'says nothing of the log'; cat err; }
counts late.db
[ $((events + lost)) = 200000 ] && [ "$lost" -gt 100000 ] || fail "a log that came late has $events events, and $lost lost"
grep -q "^reprise run: $lost events are not in the log" err || { fail "does not say $lost"; cat err; }
cmp -s out - <<LINES || fail 'the output is not whole'
first
$(seq 2 200000)
LINES

# Locked to the end.
start --quiet --session s --log "sqlite:$scratch/never.db" --recorded-wait 300 -- \
	sh -c 'echo first; until [ -e locked ]; do sleep 0.02; done; seq 2 1000; exit 7'
await out first
counted() { [ "$("$program" log cat --json --file never.db s 2>/dev/null | wc -l)" = 1 ]; }
until_true counted || fail 'the first line is not recorded'
lock never.db
ends 7
says '^reprise run: 999 events are not in the log'
unlock
counts never.db
[ "$events" = 1 ] || fail "a log that was locked to the end has $events events"

# A full disk under the log, here a limit of the file's size: the output is whole, the loss is said.
runs 0 --quiet --session s --log "sqlite:$scratch/full.db" -- true
(
	ulimit -f 4000
	timeout 60 env --ignore-signal=XFSZ "$program" run --quiet --session s --log "sqlite:$scratch/full.db" --recorded-wait 300 --events-max 1000 \
		-- seq 1 200000 2>err | tail -n 1 >out
)
prints 200000
counts full.db
[ "$events" -gt 1000 ] || fail "a full disk leaves $events events"
says "^reprise run: $((200000 - events)) events are not in the log"

# Another program takes the session over in the log: the events of the first program that are missing there are counted.
start --quiet --session s --log "sqlite:$scratch/two.db" -- sh -c 'echo a; until [ -e over ]; do sleep 0.02; done; echo b; sleep 0.5; echo c; exit 6'
taken_up() { [ "$("$program" log cat --json --file two.db s 2>/dev/null | wc -l)" = 1 ]; }
until_true taken_up || fail 'the line before the other program is not recorded'
timeout 40 "$program" run --quiet --session s --log "sqlite:$scratch/two.db" -- sh -c 'echo d; exit 5' >other 2>&1
[ $? = 5 ] && [ "$(cat other)" = d ] || fail "the other program printed $(cat other)"
touch over
ends 6
counts two.db
missing=$((4 - events))
if [ $missing -gt 0 ]; then
	says "^reprise run: $missing events are not in the log: another program has written to the session"
else
	fail 'the other program has not displaced an event'
fi
exit $bad
