#!/bin/sh
# SPDX-License-Identifier: MIT
# The program's answers to good and bad arguments.
# Usage: tool_usage.sh PROGRAM
bad=0
expect() {
	status=$1
	shift
	"$@" >/dev/null 2>&1
	got=$?
	[ $got = "$status" ] || { echo "tool: '$*' answered $got, not $status"; bad=1; }
}
empty=$(mktemp) || exit 1
lines=$(mktemp) || exit 1
table=$(mktemp) || exit 1
trap 'rm -f "$empty" "$lines" "$table"' EXIT
printf 'one\n\n{"three": 3}' >"$lines"

expect 0 "$1" --version
expect 0 "$1" --help
for command in demo serve run tail post top log conversation thread doctor; do
	expect 0 "$1" $command --help
	"$1" $command --help | grep -q "^usage: reprise $command " || { echo "tool: $command --help has no usage"; bad=1; }
done
expect 2 "$1"
expect 2 "$1" nothing
expect 2 "$1" --version more
expect 2 "$1" demo --rate
expect 2 "$1" demo --rate 0
expect 2 "$1" demo --rate -5
expect 2 "$1" demo --rate 5x
expect 2 "$1" demo --rate 1000001
expect 2 "$1" demo --rate 99999999999999999999
expect 2 "$1" demo --seconds 0
expect 2 "$1" demo --seconds 3601
expect 2 "$1" demo --rate 10 --seconds 9
for option in sessions hosts; do
	expect 2 "$1" demo --$option
	for value in 0 -5 5x '' 100001 99999999999999999999; do
		expect 2 "$1" demo --$option "$value"
	done
done
expect 2 "$1" demo --hosts 65
expect 2 "$1" demo --hosts 6 --rate 5 --seconds 3
expect 2 "$1" demo --unknown
for wrong in --worker --kill --nats --cluster '--sessions 2' '--hosts 2' --log "$lines" '--rate 0' '--seconds 0'; do
	# shellcheck disable=SC2086 # words
	expect 2 "$1" demo --serve $wrong
done
expect 3 "$1" demo /there/is/no/such/file
expect 3 "$1" demo "$empty"
expect 3 "$1" demo /
expect 3 "$1" demo --sessions 2 "$lines" /there/is/no/such/file
expect 0 "$1" demo --rate 1000 --seconds 1 "$lines" "$lines"
# A demo that went well offers the viewer last, if the program has the gateway.
"$1" demo --rate 1000 --seconds 1 "$lines" >"$table"
if "$1" serve --no-such-option 2>&1 | grep -q 'built without'; then
	! grep -q 'demo --serve' "$table" || { echo "tool: a demo offers a viewer that this program does not have"; bad=1; }
else
	[ "$(tail -n 1 "$table")" = 'See it in a browser: ./dev demo --serve, or reprise demo --serve' ] ||
		{ echo "tool: the demo's last line does not offer the viewer"; bad=1; }
fi

# Many on a few threads, with descriptors for all and for some: what the table says, added up.
balances() {
	"$@" >"$table" 2>&1 || { echo "tool: '$*' answered $?, not 0"; bad=1; }
	awk '
	/^(stays|drops|slow|late|epoll|callback) / {
		ways++; hosts += $2; told += $3 + $4; gaps += $5; reconnects += $6; bad += $7 + $8
	}
	/^all / { all_hosts = $2; all_told = $3 + $4 }
	/^appended / { appended = $2; sessions = $5 }
	END {
		exit !(ways == 6 && sessions == 20 && hosts == 160 && hosts == all_hosts &&
			appended > 0 && told == 8 * appended && told == all_told &&
			gaps > 0 && reconnects > 0 && bad == 0)
	}' "$table" || { echo "tool: the table of '$*' does not balance"; bad=1; }
}
balances "$1" demo --sessions 20 --hosts 8 --seconds 1 "$lines" "$lines"
balances sh -c 'ulimit -n 100 && exec "$@"' sh "$1" demo --sessions 20 --hosts 8 --seconds 1 "$lines"
grep -q '^80 hosts would wait for a descriptor, but only 36 descriptors are available' "$table" ||
	{ echo "tool: does not say that there are too few descriptors"; bad=1; }

# T04: a line of 10 MiB is an event like another, with a log, too.
long=$(mktemp -d) || exit 1
trap 'rm -rf "$empty" "$lines" "$table" "$long"' EXIT
{ head -c 10485760 /dev/zero | tr '\0' x; printf '\nshort\n'; } >"$long/lines"
expect 0 timeout 50 "$1" demo --rate 200 --seconds 1 "$long/lines"

# T04: Ctrl-C ends a run, and prints the table so far.
for options in '--rate 1000' '--sessions 20 --hosts 8'; do
	: >"$table" # the shell in the background may empty it late
	# shellcheck disable=SC2086 # words
	"$1" demo --seconds 100 $options "$lines" >"$table" 2>&1 &
	runs=$!
	tries=150
	until grep -q appended "$table" || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
	kill -INT $runs
	wait $runs
	got=$?
	[ $got = 130 ] || { echo "tool: 'demo $options' answered $got after an interrupt, not 130"; bad=1; }
	grep -q '^Interrupted: ' "$table" || { echo "tool: 'demo $options' does not say that it was interrupted"; bad=1; }
	grep -qE '(stays|all) +[0-9]+ +[1-9]' "$table" || { echo "tool: 'demo $options' has no table after an interrupt"; bad=1; }
done

# The output must arrive.
"$1" demo --rate 1000 --seconds 1 "$lines" >/dev/full 2>&1 && { echo "tool: lost its output in silence"; bad=1; }
exit $bad
