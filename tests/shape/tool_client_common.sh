#!/bin/sh
# SPDX-License-Identifier: MIT
# The common part of the tests of `reprise tail` and `reprise post`. They include this file.
# Usage: . tool_client_common.sh     (arguments: as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
here=$(dirname "$0")
unset REPRISE_TOKEN
command -v python3 >/dev/null || { echo 'tool: python3 is not installed'; exit 77; }

# proxy MODE [ARGUMENT ...]: tool_proxy.py before the gateway at $url; the proxy's address is in $front
proxy() {
	end_proxy
	: >"$scratch/port"
	python3 "$here/tool_proxy.py" "${url##*:}" "$@" >"$scratch/port" 2>"$scratch/proxy" &
	heard=$!
	until_true test -s "$scratch/port" || { fail 'the proxy does not begin'; cat "$scratch/proxy"; exit 1; }
	# shellcheck disable=SC2034 # for the tests
	front=http://127.0.0.1:$(cat "$scratch/port")
}
end_proxy() {
	[ -z "$heard" ] || { kill -KILL "$heard"; wait "$heard" 2>/dev/null; }
	heard=
}
# run STATUS COMMAND ...: its standard input is the caller's
run() {
	wanted=$1
	shift
	timeout 60 "$program" "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$wanted" ] || { fail "'$*' answered $got, not $wanted"; tail -n 20 "$scratch/out" "$scratch/err"; }
}
says() { grep -q -e "$1" "$scratch/err" || { fail "does not say $1"; cat "$scratch/err"; }; }
says_not() { ! grep -q -e "$1" "$scratch/err" || { fail "says $1"; cat "$scratch/err"; }; }
# prints: exactly what stands in the standard input
prints() {
	cat >"$scratch/wanted"
	diff "$scratch/wanted" "$scratch/out" || fail 'not what it should print'
}
# refused COMMAND WORDS ARGUMENT ...: exit status 2, words, and no output
refused() {
	command=$1 words=$2
	shift 2
	run 2 "$command" "$@" </dev/null
	says "$words"
	[ ! -s "$scratch/out" ] || fail "'$command $*' has output"
}
# fill SESSION FIRST LAST [OPTION ...]: the numbers from FIRST to LAST are events
fill() {
	filled=$1
	seq "$2" "$3" >"$scratch/numbers"
	shift 3
	"$program" post "$url" --session "$filled" "$@" <"$scratch/numbers" 2>"$scratch/fill" ||
		{ fail "cannot fill $filled"; cat "$scratch/fill"; }
}
# serve_at ADDRESS OPTION ...
serve_at() {
	address=$1
	shift
	begin "$program" serve --listen "$address" "$@"
}
# kill_gateway: as a crash does
kill_gateway() {
	kill -KILL "$served"
	wait "$served" 2>/dev/null
}
# begin_tail ARGUMENT ...: in the background, into $scratch/tail.out and $scratch/tail.err
begin_tail() {
	"$program" tail "$@" >"$scratch/tail.out" 2>"$scratch/tail.err" &
	stream=$!
}
# end_tail STATUS
is_tail_over() { ! [ -d "/proc/$stream" ] || grep -q ') Z ' "/proc/$stream/stat" 2>/dev/null; }
end_tail() {
	until_true is_tail_over || { fail 'tail does not end'; kill -KILL "$stream"; }
	wait "$stream"
	got=$?
	stream=
	[ $got = "$1" ] || { fail "tail answered $got, not $1"; tail -n 20 "$scratch/tail.out" "$scratch/tail.err"; }
}
# has_numbers FILE FIRST LAST: each number once, in order
has_numbers() { seq "$2" "$3" | diff - "$1" >"$scratch/diff" || { fail "$1 has not the numbers $2 to $3"; head -n 10 "$scratch/diff"; }; }
