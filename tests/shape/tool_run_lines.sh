#!/bin/sh
# SPDX-License-Identifier: MIT
# V85: the lines of a command as events of a log: none is lost, long ones are cut, and kinds have names.
# Usage: tool_run_lines.sh PROGRAM MANAGER UNITS     (as tool_run_common.sh)
# REPRISE_AGENT_STREAMS is a folder of streams of agents; without the folder these are left out.
. "$(dirname "$0")/tool_run_common.sh"
command -v python3 >/dev/null || { echo 'tool: python3 is not installed'; exit 77; }

# events.py SESSION: the events of a session, one JSON array each: kind, bytes, hash; and the whole output as built of them.
cat >events.py <<'PYTHON'
import base64, hashlib, json, sys
whole = open("rebuilt", "wb")
for line in sys.stdin:
    event = json.loads(line)
    if event["type"] != "event":
        print(json.dumps([event["type"], event["first"], event["last"]]))
        continue
    data = base64.b64decode(event["payload_base64"]) if "payload_base64" in event else event["payload"].encode()
    assert len(data) == event["bytes"]
    whole.write(data if event["kind"] == 65534 else data + b"\n")
    print(json.dumps([event["kind"], len(data), hashlib.md5(data).hexdigest()]))
PYTHON
count=0
# records ARGUMENT ...: runs into a new log; the events are in $scratch/events, the output of a command in $scratch/rebuilt
records() {
	count=$((count + 1))
	timeout 100 "$program" run --quiet --session s --log "sqlite:$scratch/$count.db" "$@" >out 2>err || fail "'$*' answers $?"
	silent "$*"
	"$program" log cat --json --file "$count.db" s | python3 events.py >events || fail "the events of '$*' are damaged"
}
kinds() { sed -E 's/^\[([^,]*),.*/\1/' events | tr '\n' ' '; }
sizes() { sed -E 's/^\[[^,]*, ([^,]*),.*/\1/' events | tr '\n' ' '; }
is_whole() { { cat out; [ -z "$1" ] || echo; } | cmp - rebuilt || fail "the events of '$*' are not the output"; }

# Lines, an empty line, and a last line without a line's end.
records -- printf 'one\n\ntwo\r\n\377\000\nlast'
[ "$(sizes)" = '3 0 4 2 4 ' ] || fail "other lines: $(sizes)"
[ "$(kinds)" = '0 0 0 0 0 ' ] || fail "other kinds: $(kinds)"
is_whole unended
records -- printf 'one\n\n'
[ "$(sizes)" = '3 0 ' ] || fail "other lines: $(sizes)"
records true
[ ! -s events ] || fail 'a command without output has events'

# Lines of the greatest length are whole, and one byte more is cut.
for bytes in 1048575 1048576; do
	records -- sh -c "head -c $bytes /dev/zero | tr '\\0' x; echo; echo end"
	[ "$(sizes)" = "$bytes 3 " ] || fail "a line of $bytes bytes is cut: $(sizes)"
	records -- sh -c "head -c $bytes /dev/zero | tr '\\0' x"
	[ "$(sizes)" = "$bytes " ] || fail "a last line of $bytes bytes is cut: $(sizes)"
done
records -- sh -c "head -c 2097153 /dev/zero | tr '\\0' x; echo; echo end"
[ "$(sizes)" = '1048576 1048576 1 3 ' ] || fail "a line of 2 MiB and a byte has pieces of $(sizes)"
[ "$(kinds)" = '65534 65534 0 0 ' ] || fail "the pieces have the kinds $(kinds)"
is_whole ''

# A smaller window: a piece fills the window.
records --bytes-max 256 -- printf '%0216d\n%0217d\n%0433d\nend' 1 2 3
[ "$(sizes)" = '216 216 1 216 216 1 3 ' ] || fail "the pieces of a window of 256 bytes are $(sizes)"
[ "$(kinds)" = '0 65534 0 65534 65534 0 0 ' ] || fail "the pieces have the kinds $(kinds)"
is_whole unended

# 100 MB without a line's end: all of them, in bounded memory.
peak() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$served/status"; }
for megabytes in 10 100; do
	start --session s --linger 600 --log "sqlite:$scratch/long$megabytes.db" -- sh -c "head -c ${megabytes}000000 /dev/zero | tr '\\0' x"
	await err 'stays served' || exit 1
	eval "peak$megabytes=$(peak)"
	kill -TERM "$served"
	ends 0
	"$program" log cat --json --file long$megabytes.db s | python3 events.py >events
	is_whole unended
	[ "$(sort -u events | wc -l)" -le 2 ] || fail 'the pieces differ'
done
[ "$(wc -l <events)" = 96 ] || fail "100 MB are $(wc -l <events) events"
# shellcheck disable=SC2154 # eval
if ! grep -qa __asan_init "$program" && [ $((peak100 - peak10)) -gt 40000 ]; then
	fail "the memory grows with the output: $peak10 KiB with 10 MB, $peak100 KiB with 100 MB"
fi
rm -f long*.db

# Many short lines at once, beyond the window: the log has each.
records -- seq 1 300000
[ "$(wc -l <events)" = 300000 ] || fail "300000 lines are $(wc -l <events) events"
is_whole ''

# --kind-field
records --kind-field type -- printf '%s\n' '{"type":"tool_call"}' '{"type":7}' '{"type":"7"}' '{"type":0}' '{"type":65533}' '{"type":65534}' \
	'{"type":-1}' '{"type":1.5}' '{"type":null}' '{"type":["a"]}' '{"other":3}' '["type"]' 'type' '{"type":"tool_call"' '{"type":""}' \
	'{"type":"65534"}' '{"type":"07"}' ' {"a":{"type":1}, "type" : 9} '
[ "$(kinds)" = '41441 7 7 0 65533 0 0 0 0 0 0 0 0 0 11262 30469 16089 9 ' ] || fail "other kinds: $(kinds)"
cat >fnv.py <<'PYTHON'
import sys
for name in sys.argv[1:]:
    hash = 2166136261
    for byte in name.encode():
        hash = (hash ^ byte) * 16777619 % 2**32
    print(hash % 65000 + 1, end=" ")
PYTHON
[ "$(python3 fnv.py tool_call '' 65534 07)" = '41441 11262 30469 16089 ' ] || fail "the hash is another one: $(python3 fnv.py tool_call '' 65534 07)"
records -- printf '{"type":"tool_call"}\n'
[ "$(kinds)" = '0 ' ] || fail 'without --kind-field a line has a kind'
# A line that is cut has no kind of a member.
records --kind-field type -- sh -c "printf '{\"type\":5,\"a\":\"'; head -c 1100000 /dev/zero | tr '\\0' x; printf '\"}\n{\"type\":5}\n'"
[ "$(kinds)" = '65534 0 5 ' ] || fail "a cut line has the kinds $(kinds)"

# Recorded streams of agents, with a pace.
streams=${REPRISE_AGENT_STREAMS:-$units/../../../shared/data/agent-streams}
for file in "$streams"/*.jsonl; do
	[ -e "$file" ] || break
	records --kind-field type -- sh -c 'head -n 200 "$1" | awk 1 | while IFS= read -r line; do printf "%s\n" "$line"; sleep 0.002; done' sh "$file"
	is_whole ''
	head -n 200 "$file" | awk 1 >wanted
	cmp wanted out || fail "$file is not passed on"
	[ "$(wc -l <wanted)" = "$(wc -l <events)" ] || fail "$file has other events than lines"
done
exit $bad
