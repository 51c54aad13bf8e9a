#!/bin/sh
# SPDX-License-Identifier: MIT
# V87: the session of `reprise run` for clients: live, resumed, at the end, behind the end.
# Usage: tool_run_serve.sh PROGRAM MANAGER UNITS     (as tool_run_common.sh)
. "$(dirname "$0")/tool_run_common.sh"
need_curl

# A client is there from the beginning, drops, comes back, and gets the end with the exit status.
start --session s --listen 127.0.0.1:0 -- sh -c 'echo "{\"n\":1}"; until [ -e two ]; do sleep 0.05; done; echo "{\"n\":2}"; exit 7'
address || exit 1
grep -q "^reprise: session s at $url/#/s/s\$" err || { fail 'the line has another form'; cat err; }
: >stream
curl -sSN --max-time 60 "$url/v1/sessions/s/events?wait=1" >stream 2>&1 &
stream=$!
await stream '^data:.*"n":1'
cursor=$(sed -n 's/^id: //p' stream | tail -n 1)
cut
follow s "$cursor" ''
await stream '^event: *hello'
touch two
await stream '"status":7'
grep -q '"n":2' stream || { fail 'the client has no second event'; cat stream; }
! grep -q '"n":1' stream || fail 'the client has the first event twice'
! grep -q '^event: *bye' stream || fail 'the client gets bye in the place of the end'
# A client was there: the session stays for 2 s, and a client that comes back gets the end again.
ask "$url/v1/sessions/s/events?limit=10"
has '"n":1'
has '"status":7'
ends 7
wait $stream 2>/dev/null
stream=
prints '{"n":1}
{"n":2}'

# --linger: the session stays; SIGINT, SIGTERM, SIGHUP and SIGQUIT end the time, and other signals do not.
for name in INT TERM HUP QUIT; do
	start --session "a/b c" --linger 600 -- sh -c 'echo one; exit 9'
	address || exit 1
	grep -q "at $url/#/s/a%2Fb%20c\$" err || { fail 'the id is not escaped'; cat err; }
	await err '^reprise: the session stays served for 600 s'
	ask "$url/v1/sessions/a%2Fb%20c/events?limit=10"
	has '"text":"one"'
	has '"status":9'
	kill -USR1 "$served"
	kill -WINCH "$served"
	answers 200 "$url/healthz"
	kill "-$name" "$served"
	ends 9
done
# An ignored signal ends nothing.
: >err
env --default-signal=TERM --ignore-signal=HUP "$program" run --linger 600 -- echo one >out 2>err &
served=$!
address || exit 1
await err 'stays served'
kill -HUP "$served"
answers 200 "$url/healthz"
answers 200 "$url/healthz"
kill -TERM "$served"
ends 0
# --linger 0, and a SIGTERM to the program while the command runs: no time.
for options in '--linger 600' ''; do
	# shellcheck disable=SC2086 # words
	start $options -- sh -c 'echo ready; exec sleep 100'
	address || exit 1
	await out ready
	answers 200 "$url/healthz"
	kill -TERM "$served"
	begin=$(date +%s)
	ends 143
	[ $(($(date +%s) - begin)) -lt 20 ] || fail 'SIGTERM does not end the time'
done
# The status of a signal.
start --linger 600 --session s -- sh -c 'kill -SEGV $$'
address || exit 1
await err 'stays served'
ask "$url/v1/sessions/s/events?limit=10"
has '"status":139'
kill -TERM "$served"
ends 139

# Processes that keep the output open are not waited for, though they write on; then they get SIGPIPE.
# shellcheck disable=SC2016 # for the inner shell
start --quiet -- sh -c 'sleep 300 & echo $!
	(until [ -e flow ]; do sleep 0.05; done; exec yes) & echo $!
	until [ -e flowing ]; do sleep 0.05; done; exit 3'
has_both() { [ "$(wc -l <out)" = 2 ]; }
until_true has_both || fail 'the processes do not begin'
heard=$(head -n 1 out)
other=$(head -n 2 out | tail -n 1)
touch flow
flows() { [ "$(wc -c <out)" -gt 1000000 ]; }
until_true flows || fail 'a process of the command cannot write'
touch flowing
ends 3
until_true gone "$other" || { fail 'a process that writes on gets no SIGPIPE'; kill "$other"; }
kill "$heard"
heard=

# A command that closes its output early, and goes on.
# shellcheck disable=SC2094 # the output of the test
start --session s --linger 600 -- sh -c 'printf early; exec >&-; until [ -e closed ]; do sleep 0.05; done; exit 4'
address || exit 1
seen() { ask "$url/v1/sessions/s/events?limit=10" && grep -q '"text":"early"' answer; }
until_true seen || fail 'the last line waits for the end of the command'
grep -q '"ended":false' answer || { fail 'the session ends with the output'; cat answer; }
touch closed
await err 'stays served'
kill -TERM "$served"
ends 4

# Port: 8470; if another program has the port, a free one; --listen insists.
start --linger 600 -- true
address || exit 1
first=$served
await err 'stays served'
start --linger 600 -- true
address || exit 1
await err 'stays served'
case $url in *:8470) fail 'two programs have one port' ;; esac
runs 125 --listen "${url#http://}" -- touch ran
says 'cannot listen on 127.0.0.1'
[ ! -e ran ] || fail 'the command runs though the address is taken'
kill -TERM "$served" "$first"
ends 0
served=$first
wait "$served"
served=

# --quiet: no address; the own log has failures alone; the session takes no other writer.
runs 0 --quiet -- true
silent --quiet
start --session s -- sh -c 'until [ -e posted ]; do sleep 0.05; done'
address || exit 1
append s '{"n":1}'
has session_busy
answers 404 "$url/v1/sessions/none/events"
touch posted
ends 0
[ "$(wc -l <err)" = 1 ] || { fail 'the own log has more than failures'; cat err; }
# The window may be dropped by a client: the lines that follow are another life.
start --session s --linger 600 -- sh -c 'echo one; until [ -e dropped ]; do sleep 0.05; done; echo two'
address || exit 1
await out one
answers 204 -X POST "$url/v1/sessions/s/invalidate"
touch dropped
await err 'stays served'
ask "$url/v1/sessions/s/events?limit=10"
has '"text":"two"'
has '"ended":true'
kill -TERM "$served"
ends 0

# The environment of a service manager is the command's.
NOTIFY_SOCKET=/nowhere LISTEN_FDS=1 LISTEN_PID=1 runs 0 --quiet -- sh -c 'echo "$NOTIFY_SOCKET $LISTEN_FDS $LISTEN_PID"'
prints '/nowhere 1 1'
exit $bad
