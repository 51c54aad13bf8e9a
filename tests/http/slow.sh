#!/bin/sh
# SPDX-License-Identifier: MIT
# Slow clients by the thousand (slowhttptest: heads, bodies, and responses that are read byte by byte), and beside them a
# client of another address that must be served at once. Prints a line for each kind, and ends with 1 if the healthy
# client's first byte takes more than 10 ms at the 99th percentile, or if the server keeps more than 1 MiB of memory.
# Usage: slow.sh SECONDS CONNECTIONS COMMAND ...   (a server whose first line of output ends with its address)
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

# attack OPTION ...: slowhttptest on the server
attack() {
	slowhttptest "$@" -c "$connections" -r $((connections / 4 + 1)) -l "$seconds" -v 1 \
		-u "http://127.0.0.1:$port/" >"$scratch/attack" 2>&1
}

status=0
$python "$here/slow.py" 127.0.0.1 "$port" "$server" warm 2 "$connections" || status=1
for kind in heads bodies reads; do
	case $kind in
	heads) set -- -H -i 5 -x 24 ;;
	bodies) set -- -B -i 5 -s 8192 -x 10 ;;
	reads) set -- -X -k 10 -w 10 -y 20 -n 5 -z 1 ;;
	esac
	attack "$@" &
	attacker=$!
	$python "$here/slow.py" 127.0.0.1 "$port" "$server" $kind "$seconds" "$connections" || status=1
	wait $attacker
done
exit $status
