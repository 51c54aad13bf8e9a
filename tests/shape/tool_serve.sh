#!/bin/sh
# SPDX-License-Identifier: MIT
# V30 to V37: `reprise serve`, its signals, sockets of a service manager, the unit files, and `reprise demo --serve`.
# Usage: tool_serve.sh PROGRAM MANAGER UNITS     (MANAGER: tool_serve_manager; UNITS: the folder of the unit files)
program=$1
manager=$2
units=$3
bad=0
served= heard= stream=
fail() { echo "tool: $*"; bad=1; }
scratch=$(mktemp -d) || exit 1
end_all() {
	for process in $served $heard $stream; do kill -KILL "$process" 2>/dev/null; done
	rm -rf "$scratch"
}
trap end_all EXIT

# refuses STATUS WORDS OPTION ...: and leaves no file
refuses() {
	status=$1 words=$2
	shift 2
	timeout 20 "$program" serve "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || { fail "'serve $*' answered $got, not $status"; cat "$scratch/err"; }
	grep -q -- "$words" "$scratch/err" || { fail "'serve $*' does not say $words"; cat "$scratch/err"; }
	[ ! -s "$scratch/out" ] || fail "'serve $*' has output"
}

# V30: bad options.
for option in events-max bytes-max sessions-max body-bytes-max connections-max connections-per-peer-max \
	requests-per-second workers heartbeat; do
	for value in 0 -5 5x '' 99999999999999999999; do refuses 2 "--$option takes" "--$option" "$value"; done
	refuses 2 "requires an argument" "--$option"
done
refuses 2 '--drain takes' --drain 3601
refuses 2 '--drain takes' --drain x
refuses 2 '--bytes-max takes' --bytes-max 255
refuses 2 '--heartbeat takes' --heartbeat 999
refuses 2 '--workers takes' --workers 65
refuses 2 unrecognized --unknown
refuses 2 'options alone' somewhere
refuses 2 '--log takes' --log file.db
refuses 2 'needs a FILE' --log sqlite:
refuses 2 '--schema needs' --log "sqlite:$scratch/none.db" --schema s
refuses 2 'needs --log' --reads-only
refuses 2 'needs --log' --linger 5
refuses 2 'needs --log' --recorded-wait 5
refuses 2 'needs --log' --schema s
refuses 2 'need each other' --tls-cert "$scratch/c"
refuses 2 'need each other' --tls-key "$scratch/c"
refuses 2 '--tenant takes' --tenant ''
refuses 2 '8 times' $(for i in 1 2 3 4 5 6 7 8 9; do echo --listen 127.0.0.1:0; done)
# Those that the library judges leave no log behind.
none="--log sqlite:$scratch/none.db"
# shellcheck disable=SC2086 # words
{
	refuses 2 REPRISE_E_INVALID $none --listen nowhere
	refuses 2 REPRISE_E_INVALID $none --listen 127.0.0.1:65536
	refuses 2 REPRISE_E_INVALID $none --listen localhost:80
	refuses 2 REPRISE_E_INVALID $none --listen 0.0.0.0:0
	refuses 2 REPRISE_E_INVALID $none --token-file /there/is/no/such/file
	refuses 2 REPRISE_E_INVALID $none --tls-cert /there/is/none --tls-key /there/is/none
}
[ ! -e "$scratch/none.db" ] || fail 'a refused start has left a log behind'
refuses 1 REPRISE_E_NOT_FOUND --listen 127.0.0.1:0 --reads-only --log "sqlite:$scratch/none.db"
export LISTEN_PID=x LISTEN_FDS=1
refuses 2 LISTEN_PID
unset LISTEN_PID LISTEN_FDS
export NOTIFY_SOCKET=here
refuses 2 NOTIFY_SOCKET
unset NOTIFY_SOCKET

command -v curl >/dev/null || { echo "tool: curl is not installed"; [ $bad != 0 ] || exit 77; exit 1; }

# await FILE PATTERN: in FILE within 10 s
await() {
	tries=100
	until grep -q -- "$2" "$1" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { fail "$2 does not come"; cat "$1"; return 1; }
		sleep 0.1
	done
}
# begin COMMAND ...: in the background; its first line is in $url
begin() {
	: >"$scratch/url"
	: >"$scratch/lines"
	"$@" >"$scratch/url" 2>"$scratch/lines" &
	served=$!
	await "$scratch/url" '^https*://' || { cat "$scratch/lines"; exit 1; }
	url=$(head -n 1 "$scratch/url")
}
# finish SIGNAL STATUS
finish() {
	kill "-$1" "$served"
	wait "$served"
	got=$?
	served=
	[ $got = "$2" ] || { fail "answered $got after SIG$1, not $2"; cat "$scratch/lines"; }
}
ask() { curl -sS --max-time 20 "$@" >"$scratch/answer" 2>&1; }
has() { grep -q -- "$1" "$scratch/answer" || { fail "the answer has no $1"; cat "$scratch/answer"; }; }
append() { ask -H 'Content-Type: application/json' -d "$2" "$url/v1/sessions/$1/events"; }
# follow SESSION CURSOR: into $scratch/stream
follow() {
	: >"$scratch/stream"
	curl -sSN --max-time 60 -H "Last-Event-ID: $2" "$url/v1/sessions/$1/events?$3" >"$scratch/stream" 2>&1 &
	stream=$!
}
cut() {
	kill $stream 2>/dev/null
	wait $stream 2>/dev/null
	stream=
}

# V31, V35: the first line; a POST; a resume with the printed id; kill -9; the same again.
place="sqlite:$scratch/sessions.db"
begin "$program" serve --listen 127.0.0.1:0 --log "$place"
case $url in http://127.0.0.1:[1-9]*) ;; *) fail "the first line is $url" ;; esac
refuses 1 'cannot listen on 127.0.0.1' --listen "${url#http://}"
append one '{"n":1}'
has '"recorded":true'
cursor=$(sed -E 's/.*"cursor":"([^"]*)".*/\1/' "$scratch/answer")
append one '{"n":2}'
follow one "$cursor"
await "$scratch/stream" '^data:.*"n":2'
! grep -q '"n":1' "$scratch/stream" || fail 'the resumed stream begins too early'
cut
kill -KILL "$served"
wait "$served" 2>/dev/null
begin "$program" serve --listen 127.0.0.1:0 --log "$place"
follow one "$cursor"
await "$scratch/stream" '^data:.*"n":2'

# V32: an open stream gets bye.
finish TERM 0
wait $stream 2>/dev/null
stream=
grep -q '^event: *bye' "$scratch/stream" || { fail 'an open stream gets no bye'; cat "$scratch/stream"; }
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]' \
		"$scratch/lines" || { fail 'the own log is not JSON'; cat "$scratch/lines"; }
fi
"$program" log verify --file "$scratch/sessions.db" >/dev/null || fail 'the log is not good'
"$program" log ls --json --file "$scratch/sessions.db" | grep -q '"state":"clean"' || fail 'the life has not ended clean'

# The same log, read only.
begin "$program" serve --quiet --listen 127.0.0.1:0 --log "$place" --reads-only
follow one "$cursor"
await "$scratch/stream" '^data:.*"n":2'
cut
append one '{"n":3}'
has method_not_allowed
finish INT 0
[ ! -s "$scratch/lines" ] || fail '--quiet has lines'

# V33: tokens, before and after SIGHUP.
umask 077
echo "first-token-0123456789abcdef default * admin" >"$scratch/tokens"
if begin "$program" serve --listen 127.0.0.1:0 --token-file "$scratch/tokens"; then
	code() { curl -s -o /dev/null -w '%{http_code}' --max-time 20 -H "Authorization: Bearer $1" "$url/v1/sessions"; }
	[ "$(code first-token-0123456789abcdef)" = 200 ] || fail 'the first token is not taken'
	[ "$(code other-token-0123456789abcdef)" = 401 ] || fail 'an unknown token is taken'
	echo "other-token-0123456789abcdef default * admin" >"$scratch/tokens"
	kill -HUP "$served"
	tries=100
	until [ "$(code other-token-0123456789abcdef)" = 200 ] || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
	[ $tries -gt 0 ] || fail 'SIGHUP has read no tokens'
	[ "$(code first-token-0123456789abcdef)" = 401 ] || fail 'the old token is taken'
	# A bad file changes nothing, and the own log says so.
	before=$(wc -c <"$scratch/lines")
	echo "other-token-0123456789abcdef default * nonsense" >"$scratch/tokens"
	kill -HUP "$served"
	tries=100
	until [ "$(wc -c <"$scratch/lines")" -gt "$before" ] || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
	[ $tries -gt 0 ] || fail 'the own log says nothing of a bad token file'
	[ "$(code other-token-0123456789abcdef)" = 200 ] || fail 'a bad token file is in force'
	finish TERM 0
fi

# V33: a certificate, before and after SIGHUP.
if command -v openssl >/dev/null; then
	certificate() {
		openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$1" -days 2 -keyout "$scratch/key" \
			-out "$scratch/certificate" -addext 'subjectAltName=IP:127.0.0.1' >/dev/null 2>&1
	}
	subject() { curl -skv --max-time 20 "$url/healthz" 2>&1 | grep 'subject:'; }
	certificate first
	begin "$program" serve --listen 127.0.0.1:0 --tls-cert "$scratch/certificate" --tls-key "$scratch/key"
	case $url in https://*) ;; *) fail "the first line is $url" ;; esac
	subject | grep -q first || fail 'the certificate is not served'
	certificate second
	kill -HUP "$served"
	tries=100
	until subject | grep -q second || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
	[ $tries -gt 0 ] || fail 'SIGHUP has read no certificate'
	finish TERM 0
fi

# V34: sockets of a manager, for this process and for another one; news by a path and by an abstract name.
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
	ask "$(sed -n 2p "$scratch/url")/healthz"
	has '"status":"ok"'
	kill -HUP "$served"
	await "$scratch/news" '^RELOADING=1'
	await "$scratch/news" '^MONOTONIC_USEC=[0-9]*$'
	finish TERM 0
	await "$scratch/news" '^STOPPING=1'
	kill $heard
	wait $heard 2>/dev/null
	heard=
done
begin "$manager" start 1 1 "$program" serve --listen 127.0.0.1:0
[ "$(wc -l <"$scratch/url")" = 1 ] || fail 'the sockets of another process are taken'
finish TERM 0
"$manager" start 9 own "$program" serve >"$scratch/out" 2>&1
[ $? = 2 ] || fail 'nine sockets are taken'
sh -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$1" serve 3</dev/null' sh "$program" >"$scratch/out" 2>&1
[ $? = 2 ] || fail 'a descriptor that is no socket is taken'
grep -q 'not a listening socket' "$scratch/out" || { fail 'says nothing of the descriptor'; cat "$scratch/out"; }

# V32: events that the log does not take are said.
begin "$program" serve --listen 127.0.0.1:0 --log "sqlite:$scratch/lost.db" --recorded-wait 100
append one '{"n":1}'
mv "$scratch/lost.db" "$scratch/away.db"
ask -H 'Content-Type: application/json' -d '{"n":2}' "$url/v1/sessions/one/events?wait=none"
finish TERM 1
grep -q not_recorded "$scratch/lines" || { fail 'says nothing of the lost event'; cat "$scratch/lines"; }

# V37: the demo.
begin "$program" demo --serve --rate 50
follow endless '' from=oldest
await "$scratch/stream" '"type":"token"'
cut
cursor=$(sed -n 's/^id: *//p' "$scratch/stream" | tail -n 1)
follow endless "$cursor"
await "$scratch/stream" '"type":"token"'
cut
follow runs '' from=oldest
await "$scratch/stream" '^event: *end'
cut
await "$scratch/url" "Last-Event-ID: rp1"
finish INT 0
"$program" demo --serve --seconds 1 >"$scratch/out" 2>&1 || fail "demo --serve --seconds 1 answered $?"

# The unit files, as systemd sees them.
if command -v systemd-analyze >/dev/null; then
	sed "s|^ExecStart=reprise|ExecStart=$program|" "$units/reprise-serve.service" >"$scratch/reprise-serve.service"
	cp "$units/reprise-serve.socket" "$scratch"
	systemd-analyze verify --man=no "$scratch/reprise-serve.service" "$scratch/reprise-serve.socket" >"$scratch/out" 2>&1
	[ $? = 0 ] && ! grep -q reprise-serve "$scratch/out" || { fail 'systemd-analyze finds faults'; cat "$scratch/out"; }
else
	echo 'tool: systemd-analyze is not installed: the unit files are not verified'
fi
exit $bad
