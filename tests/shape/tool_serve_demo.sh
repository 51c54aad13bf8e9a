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

[ "$(sed -n 2p "$scratch/url")" = "Open it in a browser: $url/" ] || { fail 'the second line is not the page'; cat "$scratch/url"; }

# The list of the sessions.
sh -c "$(command_of 1) -s" >"$scratch/answer"
has '"endless"'
has '"chat"'
has '"agent"'
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

# --- the sessions with scripts ---

# page SESSION QUERY: a line for each event and each gap
page() { ask "$url/v1/sessions/$1/events?limit=10000&$2"; }
cursor_of() { ask "$url/v1/sessions/$1/cursor?at=$2" && sed -n 's/.*"cursor":"\([^"]*\)".*/\1/p' "$scratch/answer"; }
newest() { ask "$url/v1/sessions" && sed -n 's/.*"id":"'"$1"'".*"newest":\([0-9]*\).*/\1/p' "$scratch/answer"; }
has_grown() { [ "$(newest "$1")" -ge "$2" ]; }
# falls_behind SESSION: the page behind a cursor that is 300 events old, into $scratch/answer
falls_behind() {
	old=$(cursor_of "$1" newest)
	until_true has_grown "$1" $(($(newest "$1") + 300)) || fail "$1 does not go on"
	page "$1" "cursor=$old"
}
# is_json: every payload of a page is JSON
is_json() {
	[ "$(grep -c '"type":"event".*"data":{' "$scratch/answer")" = "$(grep -c '^{"type":"event"' "$scratch/answer")" ] ||
		{ fail 'a payload is not JSON'; cat "$scratch/answer"; }
}
# is_gapless: the positions of a page
is_gapless() {
	sed -n 's/^{"type":"event","position":\([0-9]*\).*/\1/p' "$scratch/answer" |
		awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 } END { exit NR < 300 }' ||
		{ fail 'the page has not each event once'; head -n 20 "$scratch/answer"; }
}
# has_both_ends: runs of the agent end well, and fail
has_both_ends() {
	curl -sN --max-time 40 "$url/v1/sessions/agent/events" | sed -n '/^event: *end/{n;p;}' >>"$scratch/ends"
	grep -q '"status":0' "$scratch/ends" && grep -q '"status":1' "$scratch/ends"
}

begin "$program" demo --serve --rate 1000
until_true has_grown agent 300 || fail 'the agent does not work'
: >"$scratch/ends"
until_true has_both_ends || { fail 'the runs of the agent end in one way'; cat "$scratch/ends"; }
# Each kind of event, in the forms of the vendors; each commit has the revision of its turn.
: >"$scratch/agent"
has_all_kinds() {
	page agent from=oldest && is_json && cat "$scratch/answer" >>"$scratch/agent"
	for form in '"kind":2.*"message_start"' '"kind":3.*"thinking_delta"' '"kind":1.*"text_delta"' '"kind":4.*"input_json_delta"' \
		'"kind":5.*"tool_result"' '"kind":6,"commit":true' '"kind":7.*"message_stop"' '"kind":7.*"overloaded_error"'; do
		grep -q "$form" "$scratch/agent" || return 1
	done
	form='with three revisions'
	[ "$(commits | wc -l)" -ge 3 ]
}
# commits: the revision of each commit, and the revision that its payload says
commits() {
	sed -n 's/.*"revision":\([0-9]*\),.*"commit":true,"data":{"type":"commit","revision":\([0-9]*\)}.*/\1 \2/p' "$scratch/agent" | sort -u
}
until_true has_all_kinds || { fail "the agent has no event $form"; head -n 20 "$scratch/agent"; }
commits | awk '$1 != $2 || $1 < 1 { exit 1 }' || { fail 'a commit has another revision than its turn'; commits; }
# Behind the window of 200 events the gap is exact.
falls_behind chat
is_json
gap=$(sed -n 's/^{"type":"gap".*"code":"capacity".*"lost":\([0-9]*\),"first":\([0-9]*\),"last":\([0-9]*\).*/\2 \3 \1/p' "$scratch/answer")
next=$(sed -n 's/^{"type":"event","position":\([0-9]*\).*/\1/p' "$scratch/answer" | head -n 1)
printf '%s\n' "$gap $next" | awk '{ exit !(NF == 4 && $3 == $2 - $1 + 1 && $3 >= 100 && $4 == $2 + 1) }' ||
	{ fail "the gap of a client that is behind: $gap, then $next"; head -n 20 "$scratch/answer"; }
# An invalidation does not end the demo.
ask -X POST "$url/v1/sessions/chat/invalidate"
until_true has_grown chat 600 || fail 'chat does not go on as a new life'
finish INT 0

# --- with a log ---

"$program" demo --serve --seconds 1 --log "$scratch/events.db" >"$scratch/out" 2>"$scratch/err"
got=$?
if grep -q 'built without' "$scratch/err"; then
	[ $got = 2 ] || fail "without SQLite, --log answered $got"
	exit $bad
fi
[ $got = 0 ] || { fail "demo --serve --log answered $got"; cat "$scratch/err"; }
"$program" demo --serve --seconds 1 --log "$scratch" >"$scratch/out" 2>"$scratch/err"
got=$?
{ [ $got = 1 ] && [ ! -s "$scratch/out" ] && grep -q '^reprise demo --serve: ' "$scratch/err"; } ||
	{ fail "a folder as a log: answered $got"; cat "$scratch/out" "$scratch/err"; }
# A client that is behind gets all from the log, also while the log was away: the runtime waits.
begin "$program" demo --serve --rate 1000 --log "$scratch/events.db"
falls_behind chat
if grep -q '"type":"gap"' "$scratch/answer"; then fail 'with a log the client has a gap'; fi
is_gapless
is_json
if command -v python3 >/dev/null; then
	oldest=$(cursor_of chat newest)
	python3 - "$scratch/events.db" <<'LOCK'
import sqlite3, sys, time
lock = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
lock.execute("BEGIN IMMEDIATE")
time.sleep(1)
lock.execute("ROLLBACK")
LOCK
	until_true has_grown chat $(($(newest chat) + 300)) || fail 'chat does not go on behind the lock'
	page chat "cursor=$oldest"
	if grep -q '"type":"gap"' "$scratch/answer"; then fail 'the runtime did not wait for the log'; fi
	is_gapless
fi
finish TERM 0
"$program" log verify --file "$scratch/events.db" >"$scratch/out" || { fail 'the log has a fault'; cat "$scratch/out"; }
grep -q '^agent: ' "$scratch/out" || { fail 'the log has no agent'; cat "$scratch/out"; }
exit $bad
