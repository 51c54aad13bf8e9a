#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command beside a NATS server of its own with JetStream, in a scratch folder, on a free port of the loopback
# device, and answers as the command does.
# Usage: nats.sh COMMAND [ARGUMENT ...]
#                             77: there is no server to be had
#
# The command finds in its environment:
#   REPRISE_TEST_NATS         how to connect, such as nats://127.0.0.1:12345
#   REPRISE_TEST_NATS_SERVER  the server's process
set -u

say() { printf 'nats.sh: %s\n' "$*" >&2; }

PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v nats-server >/dev/null || { say "no nats-server here"; exit 77; }
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2; }

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

# The port -1 stands for any that is free; the server writes down which.
cat >"$folder/server.conf" <<END
listen: 127.0.0.1:-1
ports_file_dir: "$folder"
log_file: "$folder/log"
jetstream { store_dir: "$folder/store", max_mem: 64MB, max_file: 64GB }
END
nats-server -c "$folder/server.conf" >/dev/null 2>&1 </dev/null &
server=$!

# Who is killed cleans nothing: somebody who is not its child does.
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
		cat "$folder/log" >&2
		exit 1
	fi
	[ -n "$url" ] || sleep 0.1
done

REPRISE_TEST_NATS=$url
REPRISE_TEST_NATS_SERVER=$server
export REPRISE_TEST_NATS REPRISE_TEST_NATS_SERVER
"$@"
