#!/bin/sh
# SPDX-License-Identifier: MIT
# lttng_ust: lttng_ust_peer under a session daemon of its own, which records its events; see lttng_ust.c. The daemon never
# runs as root, and has its files in a scratch folder.
set -u
NOBODY=65534

skip() {
	echo "skipped $*"
	exit 77
}

peer=$(cd "$(dirname "$0")" && pwd)/lttng_ust_peer
for program in lttng lttng-sessiond setpriv; do
	command -v $program >/dev/null || skip "no $program (lttng-tools, util-linux)"
done

LTTNG_HOME=$(mktemp -d) || skip "no scratch folder"
export LTTNG_HOME
daemon=
user=$(id -u)
# The library leaves words of shared memory behind, on which programs wait for a daemon.
before=$(echo /dev/shm/lttng-ust-wait-*)
end() {
	[ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
	rm -rf "$LTTNG_HOME"
	for word in /dev/shm/lttng-ust-wait-*; do
		case " $before " in
		*" $word "*) ;;
		*) find "$word" -user "$user" -delete 2>/dev/null ;;
		esac
	done
}
trap end EXIT

as=
if [ "$(id -u)" = 0 ]; then
	user=$NOBODY
	as="setpriv --reuid $NOBODY --regid $NOBODY --clear-groups"
	chown $NOBODY:$NOBODY "$LTTNG_HOME" || skip "no folder for user $NOBODY"
	$as test -x "$peer" || skip "user $NOBODY may not run $peer"
fi

# control WORD...: one command to the daemon
control() {
	$as lttng --no-sessiond "$@" >>"$LTTNG_HOME/lttng.log" 2>&1
}

$as setpriv --pdeathsig TERM lttng-sessiond --no-kernel >"$LTTNG_HOME/daemon.log" 2>&1 &
daemon=$!
tries=100
until control list; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || skip "the session daemon does not answer"
	kill -0 "$daemon" 2>/dev/null || skip "the session daemon does not start"
	sleep 0.05
done

# A snapshot's channels keep the newest events in memory, and nothing is written.
{ control create --snapshot peer &&
	control enable-channel --userspace --overwrite --subbuf-size=256K --num-subbuf=4 window &&
	control enable-event --userspace peer:event --channel window &&
	control start; } || skip "no session: $(tail -n 1 "$LTTNG_HOME/lttng.log")"
$as "$peer"
