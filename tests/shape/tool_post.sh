#!/bin/sh
# SPDX-License-Identifier: MIT
# V92: `reprise post` appends each line once, in order, or says which lines are appended, unknown, or not appended.
# Usage: tool_post.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_client_common.sh"

# post STATUS TEXT ARGUMENT ...: with printf's TEXT as the lines. A pipe would have `run` in a subshell, which cannot set $bad.
post() {
	status=$1
	# shellcheck disable=SC2059 # the text is a format
	printf "$2" >"$scratch/in"
	shift 2
	run "$status" post "$@" <"$scratch/in"
	[ ! -s "$scratch/out" ] || fail "'post $*' has output"
}
counts() { [ "$(tail -n 1 "$scratch/err")" = "$1" ] || { fail "does not count: $1"; cat "$scratch/err"; }; }
# holds SESSION: exactly what stands in the standard input
holds() {
	cat >"$scratch/held"
	run 0 tail "$url" --session "$1" --no-follow
	prints <"$scratch/held"
}

place="sqlite:$scratch/sessions.db"
serve --log "$place" --body-bytes-max 100000

# --- lines ------------------------------------------------------------------------------------------
post 0 '{"a": 1}\n\nplain text\n[1e999]\n  42  \n\303\251\377\nlast' "$url/v1/sessions/lines"
counts 'posted 6 events, positions 1 to 6'
printf '{"a": 1}\nplain text\n[1e999]\n42\n\303\251\377\nlast\n' | holds lines
post 0 'more\n' "$url" --session lines
counts 'posted 1 events, positions 7 to 7'
post 0 '' "$url" --session lines
counts 'posted 0 events'
post 0 '\n\n' "$url" --session lines
counts 'posted 0 events'
seq 1 50000 >"$scratch/in"
run 0 post "$url" --session many <"$scratch/in"
counts 'posted 50000 events, positions 1 to 50000'
run 0 tail "$url" --session many --no-follow
has_numbers "$scratch/out" 1 50000
# Fast lines are gathered: 50,000 lines in far fewer requests.
[ "$(grep -c '"path":"/v1/sessions/many/events"' "$scratch/lines")" -lt 500 ] || fail 'each line is a request'

# A slow line does not wait for the next one.
mkfifo "$scratch/fifo"
"$program" post "$url" --session slow <"$scratch/fifo" 2>"$scratch/err" &
stream=$!
exec 3>"$scratch/fifo"
feed() { echo "$1" >&3; }
feed 1
is_there() { [ "$("$program" tail "$url" --session slow --no-follow 2>/dev/null | tail -n 1)" = "$1" ]; }
until_true is_there 1 || fail 'the first line waits'
feed 2
until_true is_there 2 || fail 'the second line waits'
exec 3>&-
wait $stream || fail 'the slow lines are refused'
stream=
counts 'posted 2 events, positions 1 to 2'

# --- kind, revision, commit, end --------------------------------------------------------------------
post 0 '{"k":"x"}\n{"k":7}\nno\n{"k":"x"}\n' "$url" --session kinds --kind-field k
run 0 tail "$place" --session kinds --no-follow --kinds x
printf '{"k":"x"}\n{"k":"x"}\n' | prints
run 0 tail "$place" --session kinds --no-follow --kinds 7,0
printf '{"k":7}\nno\n' | prints
post 0 '1\n2\n3\n' "$url" --session tags --kind 9 --revision 4 --commit --end -3 --wait none
counts 'posted 3 events, positions 1 to 3'
run 1 tail "$place" --session tags --json
prints <<'JSON'
{"type":"event","position":1,"revision":4,"kind":9,"commit":false,"data":1}
{"type":"event","position":2,"revision":4,"kind":9,"commit":false,"data":2}
{"type":"event","position":3,"revision":4,"kind":9,"commit":true,"data":3}
{"type":"end","status":-3,"position":3}
JSON
post 1 '4\n' "$url" --session tags
says 'line 1 (1 bytes): not appended: .*session_ended, HTTP status 409'
says 'no line is appended for certain; not appended: from line 1 on'
counts 'posted 0 events'
post 0 'text\n' "$url" --session tagged --commit --end 0 --wait recorded
run 0 tail "$place" --session tagged --json
grep -q '"commit":true,"text":"text"' "$scratch/out" || { fail 'no commit'; cat "$scratch/out"; }
# The end alone, where every line was sent before.
post 0 '1\n' "$url" --session apart
post 0 '' "$url" --session apart --end 6
run 6 tail "$url" --session apart
# With --commit the newest line is held back, and the lines before are not.
"$program" post "$url" --session held --commit <"$scratch/fifo" 2>"$scratch/err" &
stream=$!
exec 3>"$scratch/fifo"
printf '1\n2\n' >&3
is_held() { [ "$("$program" tail "$place" --session held --no-follow 2>/dev/null)" = 1 ]; }
until_true is_held || fail 'the line before the newest one is held back'
exec 3>&-
wait $stream || fail 'the held lines are refused'
stream=
printf '1\n2\n' | holds held

# --- JSON alone -------------------------------------------------------------------------------------
post 0 '{"a":1}\n \t\n[2]\n' "$url" --session json --json
counts 'posted 2 events, positions 1 to 2'
post 1 '{"a":1}\n[2]\nno\n[3]\n' "$url" --session json --json
says 'line 3 (2 bytes): not appended: .*bad_body'
says 'appended: lines 1 to 2; not appended: from line 3 on'
counts 'posted 2 events, positions 3 to 4'

# --- the limits of a body ---------------------------------------------------------------------------
# Batches that are too large for the gateway are sent line by line.
awk 'BEGIN { for (i = 1; i <= 60; i++) printf "{\"n\":%d,\"pad\":\"%05000d\"}\n", i, 0 }' >"$scratch/in"
run 0 post "$url" --session large <"$scratch/in"
counts 'posted 60 events, positions 1 to 60'
run 0 tail "$url" --session large --no-follow
cmp -s "$scratch/in" "$scratch/out" || fail 'large lines are not the same'
{ printf '1\n2\n'; awk 'BEGIN { printf "%0200000d\n4\n", 0 }'; } >"$scratch/in"
run 1 post "$url" --session larger <"$scratch/in"
says 'line 3 (200000 bytes): not appended: .*413'
says 'appended: lines 1 to 2; not appended: from line 3 on'
counts 'posted 2 events, positions 1 to 2'
{ echo 1; head -c 68000000 /dev/zero | tr '\0' x; } >"$scratch/in"
run 1 post "$url" --session longest <"$scratch/in"
says 'line 2 is longer than 64 MiB'
counts 'posted 1 events, positions 1 to 1'
rm "$scratch/in"

# --- answers that are lost --------------------------------------------------------------------------
for mode in lose drop; do
	proxy $mode 2
	post 1 '1\nx\ny\n' "$front" --session $mode
	says 'line 2 (1 bytes): unknown whether appended: no answer: the connection was lost before the answer'
	says 'appended: lines 1 to 1; unknown: lines 2 to 2; not appended: from line 3 on'
	counts 'posted 1 events, positions 1 to 1'
done
# The request whose answer was lost is not sent again: the line is there once.
printf '1\nx\n' | holds lose
printf '1\n' | holds drop
proxy say 1 503 0 '<html>a proxy</html>'
post 1 'x\n' "$front" --session unclear
says 'line 1 (1 bytes): unknown whether appended: the answer has the HTTP status 503: <html>a proxy</html>'
proxy say 1 500 0 '{"error":{"code":"internal","status":500,"message":"a fault","detail":null}}'
post 1 'x\n' "$front" --session unclear
says 'unknown whether appended: a fault (internal, HTTP status 500)'
proxy say 1 200 0 '{"first":1}'
post 1 'x\n' "$front" --session unclear
says 'the answer has no positions'
proxy say 1 503 0 '{"error":{"code":"not_recorded","status":503,"message":"not recorded","detail":"first 7, last 8"}}'
post 1 '1\n2\n' "$front" --session unclear
says 'lines 1 to 2: appended, and not recorded yet'
says 'appended: lines 1 to 2; not appended: from line 3 on'
counts 'posted 2 events, positions 7 to 8'

# --- answers after which a request comes again ------------------------------------------------------
proxy say 2 503 0 '{"error":{"code":"store_full","status":503,"message":"full","detail":null}}'
post 0 '1\n2\n' "$front" --session again
counts 'posted 2 events, positions 1 to 2'
proxy say 1 429 1 '{"error":{"code":"too_many_requests","status":429,"message":"too many","detail":null}}'
post 0 '3\n' "$front" --session again
printf '1\n2\n3\n' | holds again
proxy say 1000 429 0 '{"error":{"code":"too_many_requests","status":429,"message":"too many","detail":null}}'
post 1 'x\n' "$front" --session again --give-up 1
says 'not appended: too many (too_many_requests, HTTP status 429)'
end_proxy

# A gateway that is away for a moment.
address=${url#http://}
finish TERM 0
printf '1\n' >"$scratch/in"
"$program" post "$url" --session away <"$scratch/in" 2>"$scratch/err" &
stream=$!
serve_at "$address" --log "$place"
wait $stream || { fail 'a refused connection is final'; cat "$scratch/err"; }
stream=
counts 'posted 1 events, positions 1 to 1'

# --- signals, tokens --------------------------------------------------------------------------------
python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$program" post "$url" --session signal <"$scratch/fifo" 2>"$scratch/err" &
stream=$!
exec 3>"$scratch/fifo"
echo 1 >&3
is_posted() { [ "$("$program" tail "$url" --session signal --no-follow 2>/dev/null)" = 1 ]; }
until_true is_posted || fail 'the line does not come'
kill -INT $stream
wait $stream
[ $? = 130 ] || { fail 'Ctrl-C is not answered with 130'; cat "$scratch/err"; }
stream=
exec 3>&-
counts 'posted 1 events, positions 1 to 1'
finish TERM 0
post 1 '1\n' "$url" --session one --give-up 1
says 'line 1 (1 bytes): not appended: no answer: Failed to connect'
printf '0123456789abcdef0123456789abcdef default * write\nfedcba9876543210fedcba9876543210 default * read\n' >"$scratch/tokens"
tail -n 1 "$scratch/tokens" >"$scratch/reads"
chmod 600 "$scratch/tokens" "$scratch/reads"
serve --log "$place" --token-file "$scratch/tokens"
post 0 '1\n' "$url" --session token --token-file "$scratch/tokens"
post 1 '1\n' "$url" --session token --token-file "$scratch/reads"
says 'not_permitted, HTTP status 403'
post 1 '1\n' "$url" --session token
says 'token_missing, HTTP status 401'

# --- arguments --------------------------------------------------------------------------------------
refused post 'takes one URL'
refused post 'takes one URL' "$url" "$url"
refused post 'begins with http' sqlite:x
refused post 'which session' "$url"
refused post 'another session' "$url/v1/sessions/a" --session b
refused post '1 to 128 bytes' "$url" --session ''
refused post 'without control characters' "$url" --session "$(printf 'a\tb')"
refused post 'unrecognized option' "$url/v1/sessions/a" --colour
refused post 'is given twice' "$url/v1/sessions/a" --kind 1 --kind 2
refused post 'from 0 to 65534' "$url/v1/sessions/a" --kind 65535
refused post 'from 0 to 18446744073709551614' "$url/v1/sessions/a" --revision -1
refused post 'exclude each other' "$url/v1/sessions/a" --kind 1 --kind-field k
refused post 'name of a member' "$url/v1/sessions/a" --kind-field ''
refused post 'number of 32 bits' "$url/v1/sessions/a" --end 2147483648
refused post 'number of 32 bits' "$url/v1/sessions/a" --end x
refused post 'recorded or none' "$url/v1/sessions/a" --wait maybe
refused post 'from 1 to 1000000' "$url/v1/sessions/a" --give-up 0
exit $bad
