#!/bin/sh
# SPDX-License-Identifier: MIT
# V90 and V88: `reprise tail` over a gateway that is killed, connections that are cut anywhere, and faults of the
# stream; tokens, certificates and signals.
# Usage: tool_tail_resume.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_client_common.sh"

place="sqlite:$scratch/sessions.db"
serve --log "$place" --heartbeat 1000
address=${url#http://}

# --- the gateway is killed in the middle: nothing is lost, and nothing comes twice -----------------
fill killed 1 30000
begin_tail "$url/v1/sessions/killed"
last=30000
for round in 1 2 3; do
	[ $round != 1 ] || await "$scratch/tail.out" '^100$'
	kill_gateway
	serve_at "$address" --log "$place" --heartbeat 1000
	fill killed $((last + 1)) $((last + 500))
	last=$((last + 500))
	await "$scratch/tail.out" "^$last\$"
done
# A gateway that is told to end says when to come back.
finish TERM 0
await "$scratch/tail.err" "behind position $last: the gateway goes down; the next attempt is in "
serve_at "$address" --log "$place" --heartbeat 1000
fill killed $((last + 1)) $((last + 1)) --end 9
end_tail 9
has_numbers "$scratch/tail.out" 1 $((last + 1))
[ "$(grep -c 'lost the stream behind position' "$scratch/tail.err")" = 4 ] || { fail 'four lost streams are not told'; cat "$scratch/tail.err"; }
grep -q 'restart behind position 30000: ' "$scratch/tail.err" || { fail 'a restart is not told'; cat "$scratch/tail.err"; }
! grep -q fault "$scratch/tail.err" || { fail 'a fault'; cat "$scratch/tail.err"; }

# Without a log the events of the memory are lost with the gateway. The next life is behind a gap of unknown extent.
finish TERM 0
serve_at "$address"
fill memory 1 3
begin_tail "$url/v1/sessions/memory"
await "$scratch/tail.out" '^3$'
kill_gateway
serve_at "$address"
await "$scratch/tail.err" 'HTTP status 404' # not final: the session was there before
fill memory 4 6 --end 0
end_tail 0
has_numbers "$scratch/tail.out" 1 6
grep -q 'gap: an unknown number of events is lost' "$scratch/tail.err" || { fail 'the gap is not told'; cat "$scratch/tail.err"; }
finish TERM 0

# --- connections that are cut at any byte ----------------------------------------------------------
serve --log "$place" --heartbeat 1000
fill cut 1 300 --end 5
for step in 577 613; do
	proxy cut $step 1700
	run 5 tail "$front/v1/sessions/cut" --wait
	has_numbers "$scratch/out" 1 300
	[ "$(grep -c 'next attempt' "$scratch/err")" -gt 10 ] || { fail 'no connection is cut'; cat "$scratch/err"; }
	says_not fault
done
# A silent connection is given up after three heartbeats, which the gateway tells.
proxy stall 2000
run 5 tail "$front/v1/sessions/cut"
has_numbers "$scratch/out" 1 300
says 'no heartbeat for 3000 ms'

# --- faults of a stream -----------------------------------------------------------------------------
proxy hide 50
run 1 tail "$front/v1/sessions/cut"
says 'fault: the event 50 is missing, and no gap told it'
[ "$(wc -l <"$scratch/out")" = 299 ] || fail 'the other events are not printed'
run 5 tail "$front/v1/sessions/cut" --kinds 0 # a filter leaves events out
proxy forget 2000
run 1 tail "$front/v1/sessions/cut"
says 'fault: the event 1 comes behind the event [0-9]*, and is not printed'
has_numbers "$scratch/out" 1 300

# Control events of a durable stream are left out, and are no hole.
ask -X PUT -H 'Content-Type: application/json' "$url/v1/stream/durable"
for number in 1 2 3; do
	ask -d "[$number]" -H 'Content-Type: application/json' -H 'Producer-Id: p' -H 'Producer-Epoch: 0' \
		-H "Producer-Seq: $((number - 1))" "$url/v1/stream/durable"
done
for form in "$url" "$place"; do
	run 0 tail "$form" --session durable --no-follow
	has_numbers "$scratch/out" 1 3
	says_not fault
	run 0 tail "$form" --session durable --no-follow --kinds 65535 --json
	[ "$(grep -c '"type":"event"' "$scratch/out")" -ge 3 ] || { fail 'no control events'; cat "$scratch/out"; }
done

# --- answers that are no stream ---------------------------------------------------------------------
busy='{"error":{"code":"too_many_requests","status":429,"message":"too many","detail":null}}'
proxy say 2 429 1 "$busy"
run 5 tail "$front/v1/sessions/cut"
says 'no stream behind position 0: the answer has the HTTP status 429; the next attempt is in [1-9]'
has_numbers "$scratch/out" 1 300
proxy say 1 503 0 '<html>busy</html>'
run 5 tail "$front/v1/sessions/cut"
proxy say 1 200 0 '<html>hello</html>'
run 1 tail "$front/v1/sessions/cut"
says 'the answer is no event stream'
proxy say 1 410 0 '<html>gone</html>'
run 1 tail "$front/v1/sessions/cut"
says 'the answer has the HTTP status 410: <html>gone</html>'
proxy say 9 404 0 '<html>none</html>'
run 1 tail "$front/v1/sessions/cut"
says '404'
run 1 tail "$front"
says 'cannot list the sessions: the answer has the HTTP status 404'
proxy say 1 200 0 '{"a":1}'
run 1 tail "$front"
says 'no list of sessions'

# --- signals ----------------------------------------------------------------------------------------
fill open 1 3
for pair in INT:130 TERM:143; do
	# An asynchronous command of a shell ignores SIGINT, so python begins the program.
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$program" tail "$url/v1/sessions/open" --json >"$scratch/tail.out" 2>"$scratch/tail.err" &
	stream=$!
	await "$scratch/tail.out" '"position":3'
	kill "-${pair%:*}" $stream
	end_tail "${pair#*:}"
	cursor=$(sed -n 's/^reprise: resume with --cursor //p' "$scratch/tail.err")
	[ "$(tail -n 1 "$scratch/tail.out")" = "{\"type\":\"cursor\",\"cursor\":\"$cursor\"}" ] || { fail 'no cursor'; cat "$scratch/tail.out"; }
	run 0 tail "$url" --cursor "$cursor" --no-follow
	prints </dev/null
done
end_proxy
finish TERM 0

# --- tokens -----------------------------------------------------------------------------------------
secret=0123456789abcdef0123456789abcdef
printf '# tokens\n\n%s default cut read\n' $secret >"$scratch/tokens"
printf 'ffffffffffffffffffffffffffffffff default * read\n' >"$scratch/other"
chmod 600 "$scratch/tokens" "$scratch/other"
serve --log "$place" --token-file "$scratch/tokens"
run 1 tail "$url/v1/sessions/cut"
says 'token_missing, HTTP status 401'
says 'REPRISE_TOKEN'
run 5 tail "$url" --token-file "$scratch/tokens" # the token sees a single session
has_numbers "$scratch/out" 1 300
run 1 tail "$url/v1/sessions/open" --token-file "$scratch/tokens"
says 'not_permitted, HTTP status 403'
run 1 tail "$url/v1/sessions/cut" --token-file "$scratch/other"
says 'token_unknown, HTTP status 401'
REPRISE_TOKEN=$secret run 5 tail "$url/v1/sessions/cut"
http_proxy=http://127.0.0.1:1 REPRISE_TOKEN=$secret run 5 tail "$url/v1/sessions/cut" # no proxy gets the token
REPRISE_TOKEN=ffffffffffffffffffffffffffffffff run 5 tail "$url/v1/sessions/cut" --token-file "$scratch/tokens"
REPRISE_TOKEN='a b' refused tail 'REPRISE_TOKEN: a token has' "$url"
chmod 644 "$scratch/tokens"
refused tail 'chmod 600' "$url" --token-file "$scratch/tokens"
chmod 600 "$scratch/tokens"
echo '# nothing' >"$scratch/other"
refused tail 'the file has no token' "$url" --token-file "$scratch/other"
refused tail 'No such file' "$url" --token-file "$scratch/nothing"
refused tail 'not a regular file' "$url" --token-file "$scratch"
finish TERM 0

# --- certificates -----------------------------------------------------------------------------------
command -v openssl >/dev/null || { echo 'tool: openssl is not installed: certificates are not tested'; exit $bad; }
for name in good wrong; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -days 2 -keyout "$scratch/$name.key" \
		-out "$scratch/$name.crt" -addext 'subjectAltName=IP:127.0.0.1' >/dev/null 2>&1 || fail 'openssl makes no certificate'
done
serve --log "$place" --token-file "$scratch/tokens" --tls-cert "$scratch/good.crt" --tls-key "$scratch/good.key"
run 5 tail "$url" --token-file "$scratch/tokens" --ca "$scratch/good.crt"
has_numbers "$scratch/out" 1 300
for more in "--ca $scratch/wrong.crt" "--ca $scratch/nothing" ''; do
	# shellcheck disable=SC2086 # a list of words
	run 1 tail "$url/v1/sessions/cut" --token-file "$scratch/tokens" $more
	says 'no answer: .*certificate'
done
exit $bad
