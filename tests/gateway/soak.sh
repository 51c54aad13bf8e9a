#!/bin/sh
# SPDX-License-Identifier: MIT
# Clients by the thousand that come to `reprise serve` with a log, and drop in each way that soak.py knows. The counters of
# /metrics must agree with the clients' own books, resumed streams must lose and double nothing, and memory must stay flat.
# Usage: soak.sh MINUTES CLIENTS_A_MINUTE PROGRAM
here=$(cd "$(dirname "$0")" && pwd)
minutes=$1 rate=$2 program=$3
python=/usr/bin/python3
[ -x $python ] || { echo 'python3 is not installed' >&2; exit 77; }
scratch=$(mktemp -d) || exit 1
server=''
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	[ -z "$server" ] || kill -KILL "$server" 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# Small windows are full after seconds, and the streams read the log behind them.
"$program" serve --quiet --listen 127.0.0.1:0 --log "sqlite:$scratch/sessions.db" --events-max 32 \
	>"$scratch/address" 2>"$scratch/lines" &
server=$!
port=
for _ in $(seq 200); do
	port=$(sed -n '1s/.*://p' "$scratch/address")
	[ -z "$port" ] || break
	sleep 0.05
done
[ -n "$port" ] || { cat "$scratch/lines" >&2; exit 1; }
$python "$here/soak.py" "$port" "$server" "$minutes" "$rate"
status=$?
kill -TERM "$server"
wait "$server" || { echo 'soak: the gateway has not ended well'; status=1; }
server=''
"$program" log verify --file "$scratch/sessions.db" >"$scratch/verify" || { cat "$scratch/verify"; status=1; }
[ ! -s "$scratch/lines" ] || { echo 'soak: the gateway has failures:'; head -n 20 "$scratch/lines"; status=1; }
exit $status
