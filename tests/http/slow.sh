#!/bin/sh
# SPDX-License-Identifier: MIT
# Slow clients by the thousand (slowhttptest: heads, bodies, and responses that are read byte by byte), and beside them a
# client of another address that must be served at once. Prints a line for each kind, and ends with 1 if the healthy
# client's first byte takes more than 10 ms at the 99th percentile, or if the server keeps more than 1 MiB of memory.
# With --serve the server is a gateway: the healthy client's first event is measured, the slow bodies are appends, and the
# slow readers read a stream of 800 events.
# Usage: slow.sh [--serve] SECONDS CONNECTIONS COMMAND ...   (a server whose first line of output ends with its address)
kind='echo'
[ "$1" != --serve ] || { kind=serve; shift; }
here=$(cd "$(dirname "$0")" && pwd)
seconds=$1 connections=$2
shift 2
command -v slowhttptest >/dev/null || { echo 'slowhttptest is not installed' >&2; exit 77; }
python=/usr/bin/python3
scratch=$(mktemp -d) || exit 1
server=
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# A descriptor for each connection, on both sides.
ulimit -n "$(ulimit -Hn)"
"$@" >"$scratch/address" &
server=$!
port=
for _ in $(seq 100); do
	port=$(sed -n '1s/.*://p' "$scratch/address")
	[ -z "$port" ] || break
	sleep 0.05
done
[ -n "$port" ] || { echo "no address from: $*" >&2; exit 1; }

# append SESSION: each line of the standard input is an event
append() {
	curl -sS --max-time 30 -H 'Content-Type: application/x-ndjson' --data-binary @- \
		"http://127.0.0.1:$port/v1/sessions/$1/events" | grep -q '"count":' || { echo "no append to $1" >&2; return 1; }
}
# An event stays in memory for 120 s, so each wave has events of its own.
append_both() {
	[ "$kind" = serve ] || return 0
	echo '{"n":1}' | append healthy || exit 1
	awk 'BEGIN { text = sprintf("%300s", ""); for (i = 0; i < 800; i++) print "{\"n\":" i ",\"text\":\"" text "\"}" }' |
		append large || exit 1
}
# attack SECONDS PATH OPTION ...: slowhttptest on the server
attack() {
	length=$1 target=$2
	shift 2
	slowhttptest "$@" -c "$connections" -r $((connections / 4 + 1)) -l "$length" -v 1 \
		-u "http://127.0.0.1:$port$target" >"$scratch/attack" 2>&1
}
# healthy KIND SECONDS: the client beside
healthy() {
	$python "$here/slow.py" 127.0.0.1 "$port" "$server" "$1" "$2" "$connections" "$path" "$mark" || status=1
}

status=0
path=/ mark='HTTP/1.1 200' appends=/ reads=/ pipelined=10
if [ $kind = serve ]; then
	path='/v1/sessions/healthy/events?from=oldest' mark='event: message'
	appends=/v1/sessions/slow/events reads='/v1/sessions/large/events?from=oldest' pipelined=1
fi
append_both
healthy warm 2
for way in heads bodies reads; do
	case $way in
	heads) set -- "$reads" -H -i 5 -x 24 ;;
	bodies) set -- "$appends" -B -i 5 -s 8192 -x 10 -f application/json ;;
	reads) set -- "$reads" -X -k $pipelined -w 10 -y 20 -n 5 -z 1 ;;
	esac
	# The first wave of a kind is not judged, as slow.py says: appends leave 3.3 MiB then, and 0.1 afterwards.
	append_both
	attack 10 "$@"
	healthy settle 0
	append_both
	attack "$seconds" "$@" &
	attacker=$!
	healthy $way "$seconds"
	wait $attacker
done
exit $status
