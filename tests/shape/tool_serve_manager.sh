#!/bin/sh
# SPDX-License-Identifier: MIT
# V34, V32: sockets of a service manager and news to the manager; and an end with requests that are not answered yet.
# Usage: tool_serve_manager.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"

# A wrong environment.
# wrong LISTEN_PID LISTEN_FDS WORDS
wrong() {
	LISTEN_PID=$1 LISTEN_FDS=$2 timeout 40 "$program" serve </dev/null >"$scratch/out" 2>"$scratch/err" 3<&-
	got=$?
	[ $got = 2 ] || fail "LISTEN_PID='$1' LISTEN_FDS='$2' is answered with $got"
	grep -q -e "$3" "$scratch/err" || { fail "does not say $3"; cat "$scratch/err"; }
}
for value in x '' -1 1x 9999999999; do wrong "$value" 1 'LISTEN_PID is not a number'; done
# own LISTEN_FDS WORDS: with the process's own number
own() {
	# shellcheck disable=SC2016 # the shell below expands the text
	LISTEN_FDS=$1 timeout 40 sh -c 'LISTEN_PID=$$ exec "$1" serve 3</dev/null' sh "$program" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = 2 ] || fail "LISTEN_FDS='$1' is answered with $got"
	grep -q -e "$2" "$scratch/err" || { fail "does not say $2"; cat "$scratch/err"; }
}
for value in x '' -1 9; do own "$value" "LISTEN_FDS takes a whole number from 0 to 8, not '$value'"; done
own 1 'descriptor 3 is not a listening socket'
own 2 'descriptor 3 is not a listening socket'
for value in here @ / "/$(printf '%0108d' 0)"; do NOTIFY_SOCKET=$value refuses 2 'NOTIFY_SOCKET is not a path'; done
"$manager" start 9 own "$program" serve >"$scratch/out" 2>&1
[ $? = 2 ] || fail 'nine sockets are taken'
"$manager" start 8 own "$program" serve --listen 127.0.0.1:0 >"$scratch/out" 2>&1
[ $? = 2 ] && grep -q 'at most 8 addresses' "$scratch/out" || { fail 'eight sockets and an address are taken'; cat "$scratch/out"; }
ADDRESS=any "$manager" start 1 own "$program" serve >"$scratch/out" 2>&1
[ $? = 2 ] && grep -q 'listen_fds: the descriptor 3 has not a loopback address' "$scratch/out" ||
	{ fail 'a socket on any address is taken without tokens'; cat "$scratch/out"; }
ADDRESS=$scratch/path "$manager" start 1 own "$program" serve --insecure >"$scratch/out" 2>&1
[ $? = 2 ] && grep -q 'descriptor 3 is not a socket of TCP' "$scratch/out" || { fail 'a socket with a path is taken'; cat "$scratch/out"; }

need_curl

# Two sockets, a path and an abstract name for the news.
for name in "$scratch/manager" "@reprise-test-$$"; do
	: >"$scratch/news"
	"$manager" hear "$name" "$scratch/news" &
	heard=$!
	await "$scratch/news" bound
	export NOTIFY_SOCKET="$name"
	begin "$manager" start 2 own "$program" serve
	unset NOTIFY_SOCKET
	await "$scratch/news" '^READY=1'
	[ "$(wc -l <"$scratch/url")" = 2 ] || fail 'two sockets are not two addresses'
	while read -r line; do answers 200 "$line/healthz"; done <"$scratch/url"
	kill -HUP "$served"
	await "$scratch/news" '^RELOADING=1'
	await "$scratch/news" '^MONOTONIC_USEC=[0-9]*$'
	finish TERM 0
	await "$scratch/news" '^STOPPING=1'
	# The order of the news, and nothing else.
	[ "$(tr '\n' ' ' <"$scratch/news" | sed 's/USEC=[0-9]*/USEC/')" = \
		'bound READY=1 RELOADING=1 MONOTONIC_USEC READY=1 STOPPING=1 ' ] || { fail 'other news'; cat "$scratch/news"; }
	kill $heard
	wait $heard 2>/dev/null
	heard=
done
# A manager that is gone stops nothing.
NOTIFY_SOCKET=$scratch/gone
export NOTIFY_SOCKET
serve
unset NOTIFY_SOCKET
kill -HUP "$served"
answers 200 "$url/healthz"
finish TERM 0
# The sockets of another process are ignored; sockets and an address are both served; any address with a token file.
begin "$manager" start 1 1 "$program" serve --listen 127.0.0.1:0
[ "$(wc -l <"$scratch/url")" = 1 ] || fail 'the sockets of another process are taken'
finish TERM 0
begin "$manager" start 7 own "$program" serve --listen 127.0.0.1:0
[ "$(wc -l <"$scratch/url")" = 8 ] || fail 'seven sockets and an address are not eight'
while read -r line; do answers 200 "$line/healthz"; done <"$scratch/url"
finish INT 0
(umask 077; echo 'admin-0123456789abcdef default * admin' >"$scratch/tokens")
export ADDRESS=any
begin "$manager" start 1 own "$program" serve --token-file "$scratch/tokens"
unset ADDRESS
answers 200 -H 'Authorization: Bearer admin-0123456789abcdef' "http://127.0.0.1:${url##*:}/v1/sessions"
finish TERM 0

# post: sends a head now, and the body once descriptor 9 gives the body and is closed
post() {
	rm -f "$scratch/body"
	mkfifo "$scratch/body"
	curl -sS --max-time 50 -X POST -H 'Content-Type: application/json' -H 'Expect:' -T - "$url/v1/sessions/late/events" \
		<"$scratch/body" >"$scratch/late" 2>&1 &
	stream=$!
	exec 9>"$scratch/body"
	printf '{"n":' >&9
	asked=0
	until_true has_head || fail 'the late request does not arrive'
}
# Each call is a request, too.
has_head() {
	asked=$((asked + 1))
	ask "$url/metrics"
	grep -q "^reprise_gateway_requests_total $((asked + 1))\$" "$scratch/answer"
}

# V32: a request whose body is still coming is answered within --drain, and no further connection is taken.
serve --drain 40 --log "sqlite:$scratch/late.db"
post
kill -TERM "$served"
await "$scratch/lines" '"event":"stopping"'
until_true is_code 000 "$url/healthz" || fail 'takes connections behind SIGTERM'
printf '1}' >&9
exec 9>&-
wait $stream
stream=
grep -q '"recorded":true' "$scratch/late" || { fail 'a late append is not answered'; cat "$scratch/late"; }
wait "$served"
got=$?
served=
[ $got = 0 ] || fail "answered $got behind a late append"
"$program" log cat --file "$scratch/late.db" late 2>&1 | grep -q '"n":1' || fail 'a late append is not in the log'

# A second signal ends the delay; --drain 0 has none; a delay that is over ends the program.
for signal in TERM INT; do
	serve --drain 3600
	post
	kill -$signal "$served"
	await "$scratch/lines" '"event":"stopping"'
	kill -0 "$served" || fail 'the first signal ends the delay'
	finish TERM 0
	exec 9>&-
	cut
	[ "$(grep -c '"event":"stopping"' "$scratch/lines")" = 1 ] || fail 'stops twice'
	has_lines
done
for drain in 0 1; do
	serve --drain $drain
	post
	finish TERM 0
	exec 9>&-
	cut
done
exit $bad
