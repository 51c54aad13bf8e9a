#!/bin/sh
# SPDX-License-Identifier: MIT
# V37: `reprise demo --serve`, as a stranger uses the demo: with the printed commands alone, in their order.
# Usage: tool_serve_demo.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
need_curl

# command N: the N-th command of the demo, in a line
command_of() { sed -n -e ':again' -e '/\\$/{N;s/\\\n *//;b again' -e '}' -e 's/^  *curl /curl /p' "$scratch/url" | sed -n "$1p"; }
# start_command N [OLD NEW]: in the background, into $scratch/stream, with OLD replaced
start_command() {
	text=$(command_of "$1")
	[ -z "${2:-}" ] || text=$(printf '%s\n' "$text" | sed "s|$2|$3|")
	: >"$scratch/stream"
	sh -c "exec env --default-signal=INT $text" >"$scratch/stream" 2>"$scratch/err" &
	stream=$!
}
# whole_lines FILE: without a last line that Ctrl-C has cut
whole_lines() { if [ -n "$(tail -c 1 "$1")" ]; then sed '$d' "$1"; else cat "$1"; fi; }
# numbers: of the events that came whole, which means with their id
numbers() {
	whole_lines "$1" | awk '/^event: *message/ { is_event = 1 }
		/^data:/ { match($0, /"n":[0-9]+/); number = substr($0, RSTART + 4, RLENGTH - 4) }
		/^id:/ { if (is_event) print number; is_event = 0 }'
}
last_id() { whole_lines "$1" | sed -n 's/^id: *//p' | tail -n 1; }
has_more() { [ "$(numbers "$scratch/stream" | wc -l)" -ge "$1" ]; }
# interrupt: as Ctrl-C. A shell has its children in the background ignore the signal, but for env.
interrupt() { kill -INT $stream; wait $stream 2>/dev/null; stream=; }

begin "$program" demo --serve --rate 100
await "$scratch/url" '^Ctrl-C here ends the demo'
case $url in http://127.0.0.1:[1-9]*) ;; *) fail "the first line is $url" ;; esac
[ "$(grep -c '^  curl' "$scratch/url")" = 6 ] || { fail 'the demo prints other commands'; cat "$scratch/url"; }

# The list of the sessions.
sh -c "$(command_of 1) -s" >"$scratch/answer"
has '"endless"'
# A stream, cut by Ctrl-C five times: each resumed stream begins directly behind the printed id.
start_command 2
until_true has_more 3 || { fail 'the stream has no events'; cat "$scratch/stream" "$scratch/err"; }
interrupt
numbers "$scratch/stream" >"$scratch/all"
for i in 1 2 3 4 5; do
	id=$(last_id "$scratch/stream")
	last=$(tail -n 1 "$scratch/all")
	# The demo appends meanwhile.
	start_command 4 "Last-Event-ID: rp1[^']*" "Last-Event-ID: $id"
	until_true has_more 3 || { fail 'the resumed stream has no events'; cat "$scratch/stream" "$scratch/err"; }
	interrupt
	first=$(numbers "$scratch/stream" | head -n 1)
	[ "$first" = $((last + 1)) ] || fail "the stream resumed behind $last begins at $first"
	numbers "$scratch/stream" >>"$scratch/all"
done
awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 } END { exit NR < 18 }' "$scratch/all" ||
	{ fail 'the streams have not each event once'; cat "$scratch/all"; }
# The printed cursor, as printed: from the begin of the demo on.
start_command 4
until_true has_more 3 || { fail 'the printed cursor has no events'; cat "$scratch/stream" "$scratch/err"; }
interrupt
[ "$(numbers "$scratch/stream" | head -n 1)" = 0 ] || { fail 'the printed cursor is not the begin'; cat "$scratch/stream"; }
# A session that ends: the command ends by itself.
start_command 3
wait $stream || fail 'the stream of a session that ends is not whole'
stream=
tail -n 5 "$scratch/stream" | grep -q '^event: *end' || { fail 'the session of the runs has no end'; cat "$scratch/stream"; }
# A session of the client's own.
sh -c "$(command_of 5) -s" >"$scratch/answer"
has '"first":1'
sh -c "$(command_of 6) -s" >"$scratch/answer"
has '"text":"hello"'
finish INT 0
"$program" demo --serve --seconds 1 >"$scratch/out" 2>&1 || fail "demo --serve --seconds 1 answered $?"
# Two demos beside each other have two addresses.
begin "$program" demo --serve --seconds 3600
first=$url other=$served
begin "$program" demo --serve --seconds 3600
[ "$first" != "$url" ] || fail 'two demos have one address'
finish TERM 0
served=$other
finish TERM 0
exit $bad
