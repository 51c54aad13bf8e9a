#!/bin/sh
# SPDX-License-Identifier: MIT
# The peers' half of the protocol of bench/peers/README.md: books that balance with one writer and with several, refusals,
# and lines that are no tasks. Peers that are not built, or cannot run here, are left out.
# Usage: bench_peers.sh PEERS_DIR
set -u
peers=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
count=20000 warm_up=3000

complain() {
	echo "bench_peers: $*"
	bad=1
}

# ask PEER LINE...: its answers after the first line go to $scratch/out; its status to $status
ask() {
	peer=$1
	shift
	printf '%s\n' "$@" | timeout 60 "$peers/$peer" >"$scratch/all" 2>"$scratch/err"
	status=$?
	tail -n +2 "$scratch/all" >"$scratch/out"
}

# balanced PEER HOSTS: one result, and every event of every host is delivered or lost
balanced() {
	awk -v due=$(((count + warm_up) * $2)) '
	{ for (i = 2; i <= NF; i++) { split($i, pair, "="); is[pair[1]] = pair[2] } }
	END {
		exit !(NR == 1 && $1 == "result" && is["ns"] > 0 && is["delivered"] + is["lost"] == due &&
			(is["told"] == "-" || is["told"] == is["lost"]) && is["doubled"] == 0 && is["torn"] == 0)
	}' "$scratch/out" || complain "$1: the books do not balance: $(cat "$scratch/out" "$scratch/err")"
}

one="run payload=64 count=$count hosts=1 mode=polling pace=0 writer=0 host=0"
several="run payload=64 count=$count hosts=2 mode=stalled pace=0 writer=0 host=0"
seen=0
for peer in reprise mutex_deque limit boost_spsc wfcqueue zeromq crossbeam tokio_broadcast tokio_window lttng_ust; do
	[ -x "$peers/$peer" ] || continue
	ask "$peer" "$one"
	if grep -q '^skipped ' "$scratch/all"; then
		[ $status = 77 ] || complain "$peer: skipped, but exit $status"
		continue
	fi
	seen=$((seen + 1))
	grep -q "^ready $peer " "$scratch/all" || complain "$peer: does not say that it is ready"
	[ $status = 0 ] || complain "$peer: exit $status"
	grep -q '^refused .' "$scratch/out" || balanced "$peer" 1

	case $peer in
	reprise | mutex_deque | crossbeam | tokio_broadcast | tokio_window)
		ask "$peer" "$one writers=1"
		balanced "$peer" 1
		ask "$peer" "$one writers=3"
		balanced "$peer" 1
		ask "$peer" "$several writers=16"
		balanced "$peer" 2
		ask "$peer" "run payload=16 count=$count hosts=0 mode=polling pace=0 writer=0 host=0 writers=2"
		grep -q '^result ns=[0-9.]* delivered=0 lost=0 ' "$scratch/out" || complain "$peer: nobody, and a delivery"
		says='a pace is for one writer'
		;;
	lttng_ust) says='a pace is for one writer' ;;
	*)
		ask "$peer" "$several writers=2"
		grep -qx 'refused one thread appends here' "$scratch/out" || complain "$peer: has two writers"
		says='one thread appends here'
		;;
	esac
	ask "$peer" "run payload=64 count=$count hosts=0 mode=polling pace=100 writer=0 host=0 writers=2"
	grep -qx "refused $says" "$scratch/out" || complain "$peer: does not refuse: $says"

	for words in 'writers=0' 'writers=17' 'writers=-1' 'writers=' 'writers=2x' 'writers=2 writers=2' 'hands=2'; do
		ask "$peer" "$one $words" "$one"
		[ $status = 2 ] || complain "$peer: $words: exit $status, not 2"
		grep -qF 'not a task' "$scratch/err" || complain "$peer: $words: does not say that it is no task"
		[ ! -s "$scratch/out" ] || complain "$peer: $words: goes on"
	done
done
[ $seen -ge 4 ] || complain "only $seen peers answered"
exit $bad
