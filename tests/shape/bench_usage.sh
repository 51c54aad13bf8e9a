#!/bin/sh
# SPDX-License-Identifier: MIT
# The answers of the harness: exit statuses, bad input, its lines, peers that are missing, that lie, that die.
# Usage: bench_usage.sh BENCH
set -u
bench=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

complain() {
	echo "bench_usage: $*"
	bad=1
}

# expect STATUS WHAT-IT-SAYS ARGUMENT...: on standard output or error
expect() {
	status=$1 says=$2
	shift 2
	"$bench" "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || complain "$*: exit $got, not $status"
	cat "$scratch/out" "$scratch/err" | grep -qF -- "$says" || complain "$*: does not say '$says'"
}

expect 2 'no such measurement: nonsense' nonsense
expect 2 'usage: bench' append nonsense
expect 2 'usage: bench' --nonsense
expect 2 'usage: bench' --json
mkdir "$scratch/streams"
expect 2 'no .jsonl file' --streams "$scratch/none"
expect 2 'no .jsonl file' --streams "$scratch/streams"
: >"$scratch/streams/empty.jsonl"
expect 2 'no .jsonl file' --streams "$scratch/streams"
printf '{"a":1}\n\n{"b":22}' >"$scratch/streams/two.jsonl"
expect 0 'sessions=1 mean_payload=7 from=files' streams --quick --streams "$scratch/streams"
expect 2 'none/out.json' --json "$scratch/none/out.json" limit
expect 2 'the folder cannot be made' --plot "$scratch/none/plots" limit
expect 0 'append-cost-over-time' --help

# Real ones, shortly. Every line has every field.
expect 0 'side=limit' limit --quick --json "$scratch/lines"
expect 0 '"name":"limit"' limit --quick --json -
grep -v '"name":"peer"' "$scratch/lines" >"$scratch/results"
[ "$(wc -l <"$scratch/results")" = 3 ] || complain "limit: not three results"
for field in name parameters unit median min max runs ns delivered lost goal met quick commit machine; do
	grep -v "\"$field\":" "$scratch/results" && complain "no $field"
done

# Histograms, and plots where gnuplot is.
expect 0 'lap=later quantile=p50' append-cost-over-time --quick --plot "$scratch/plots"
for curve in reprise.first reprise.later limit.first limit.later; do
	grep -q '^ *Value .*TotalCount' "$scratch/plots/over-time.$curve.hgrm" ||
		complain "no histogram of $curve"
	tail -n 1 "$scratch/plots/over-time.$curve.hgrm" | grep -q '^#\[Buckets = ' ||
		complain "the histogram of $curve does not end as it should"
done

# Files of the durable ones are where they are to be, and gone afterwards.
mkdir "$scratch/files"
TMPDIR=$scratch/files
export TMPDIR
expect 0 '"name":"heal"' heal --quick --json -
cp "$scratch/out" "$scratch/lines"
grep -q '"from log":500000,"from ring":0' "$scratch/lines" || grep -q skipped "$scratch/lines" ||
	complain "heal does not say where events are from"
[ -z "$(ls "$scratch/files")" ] || complain "heal leaves files behind"
TMPDIR=$scratch/none
grep -q skipped "$scratch/lines" || expect 1 'no scratch folder' recovery --quick
unset TMPDIR

# Peers that are not what they should be, beside a harness of their own.
mkdir -p "$scratch/fake harness/peers"
# It finds its shared libraries from where it is.
ln -s "$(cd "$(dirname "$bench")/../src" && pwd)" "$scratch/src"
cp "$bench" "$scratch/fake harness/bench"
bench="$scratch/fake harness/bench"
# fake NAME COMMAND: a peer that answers tasks with hosts by COMMAND, which knows $count and $hosts
fake() {
	{
		echo '#!/bin/sh'
		echo "echo ready $1 fake"
		echo 'while read -r line; do'
		echo 'hosts=${line#*hosts=}; hosts=${hosts%% *}; count=${line#*count=}; count=${count%% *}'
		echo 'case $hosts in'
		echo '0) echo "result ns=1e9 delivered=0 lost=0 told=- taken=0 doubled=0 torn=0" ;;'
		echo "*) $2 ;;"
		echo 'esac; done'
	} >"$scratch/fake harness/peers/$1"
	chmod +x "$scratch/fake harness/peers/$1"
}

# books DELIVERED-TOO-MUCH TOLD-TOO-MUCH DOUBLED TORN: each host has lost 3,000, as many as come before the measured ones
books() {
	printf 'echo "result ns=1e9 delivered=$((count * hosts + %s)) lost=$((3000 * hosts))' "$1"
	printf ' told=$((3000 * hosts + %s)) taken=9 doubled=%s torn=%s"' "$2" "$3" "$4"
}

fake limit :
fake reprise "$(books 0 0 0 0)"
echo 'the reason why' >"$scratch/fake harness/peers/zeromq.absent"
expect 0 'skipped: the reason why' fanout --quick
grep -qF 'wfcqueue             skipped: not built' "$scratch/out" || complain "a missing peer is not said"
for lie in '-1 0 0 0' '1 0 0 0' '0 -1 0 0' '0 0 1 0' '0 0 0 1'; do
	# shellcheck disable=SC2086 # words
	fake reprise "$(books $lie)"
	expect 1 'BROKEN accounting' fanout --quick
done
fake reprise 'echo refused the moon is wrong'
expect 0 'the moon is wrong' fanout --quick
fake reprise 'exit 0'
expect 1 'it has died' fanout --quick
fake reprise "$(books 0 0 0 0)"
fake zeromq 'exit 0'
expect 0 'it has died' fanout --quick

# Interrupted: what there is stands.
bench=$1
"$bench" live --quick --json "$scratch/lines" >"$scratch/out" 2>&1 &
sleep 0.5
kill -INT $!
wait $!
got=$?
[ $got = 130 ] || complain "interrupted: exit $got, not 130"
grep -q 'interrupted' "$scratch/out" || complain "does not say that it was interrupted"

exit $bad
