#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a NATS server with JetStream, runs a command, and stops the server. The server has a temporary folder and
# a free port of the loopback interface. The exit status is the status of the command.
# Usage: nats.sh COMMAND [ARGUMENT ...]
#        Exit status 77: nats-server is not installed.
#
# The command gets these variables:
#   REPRISE_TEST_NATS         the URL of the server, such as nats://127.0.0.1:12345
#   REPRISE_TEST_NATS_SERVER  the process id of the server
set -u

say() { printf 'nats.sh: %s\n' "$*" >&2; }

PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v nats-server >/dev/null || { say "nats-server is not installed"; exit 77; }
[ $# -gt 0 ] || { sed -n '3,/^set/s/^# //p' "$0" >&2; exit 2; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/reprise-nats.XXXXXX") || exit 1
server=
clean() {
	[ -z "$server" ] || kill -s KILL "$server" 2>/dev/null
	[ -z "$server" ] || wait "$server" 2>/dev/null
	rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The port -1 selects a free port. The server writes the number to a file.
cat >"$folder/server.conf" <<END
listen: 127.0.0.1:-1
ports_file_dir: "$folder"
log_file: "$folder/log"
jetstream { store_dir: "$folder/store", max_mem: 64MB, max_file: 64GB }
END
nats-server -c "$folder/server.conf" >/dev/null 2>&1 </dev/null &
server=$!

# If this script is killed, a process outside of its session stops the server and removes the folder.
# shellcheck disable=SC2016 # what is in it is for that shell
(setsid sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done
	[ ! -d "$3" ] || kill -s KILL "$2" 2>/dev/null; sleep 1; rm -rf "$3"' \
	sh $$ "$server" "$folder" </dev/null >/dev/null 2>&1 &)

tries=300
url=
while [ -z "$url" ]; do
	url=$(sed -n 's/.*"\(nats:\/\/127\.0\.0\.1:[0-9]*\)".*/\1/p' "$folder"/nats-server_*.ports 2>/dev/null)
	tries=$((tries - 1))
	if [ $tries = 0 ] || ! kill -0 "$server" 2>/dev/null; then
		say "nats-server does not start; its log:"
		cat "$folder/log" >&2
		exit 1
	fi
	[ -n "$url" ] || sleep 0.1
done

REPRISE_TEST_NATS=$url
REPRISE_TEST_NATS_SERVER=$server
export REPRISE_TEST_NATS REPRISE_TEST_NATS_SERVER
"$@"
