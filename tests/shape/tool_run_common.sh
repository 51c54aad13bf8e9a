#!/bin/sh
# SPDX-License-Identifier: MIT
# The common part of the tests of `reprise run`. They include this file.
# Usage: . tool_run_common.sh     (arguments: PROGRAM MANAGER UNITS, as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
cd "$scratch" || exit 1

# runs STATUS ARGUMENT ...: to the end, with $path as the path of the command, if there is one; output in $scratch/out, words in $scratch/err
runs() {
	status=$1
	shift
	timeout 60 env PATH="${path:-$PATH}" "$program" run "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || { fail "'run $*' answered $got, not $status"; cat "$scratch/err"; }
}
prints() { [ "$(cat "$scratch/out")" = "$1" ] || { fail "prints $(head -c 200 "$scratch/out"), not $1"; }; }
says() { grep -q -e "$1" "$scratch/err" || { fail "does not say $1"; cat "$scratch/err"; }; }
silent() { [ ! -s "$scratch/err" ] || { fail "'$*' has words"; cat "$scratch/err"; }; }

# start ARGUMENT ...: in the background, with the usual signals; the process is $served
start() {
	: >"$scratch/out"
	: >"$scratch/err"
	env --default-signal=INT,QUIT,TERM,HUP "$program" run "$@" >"$scratch/out" 2>"$scratch/err" &
	served=$!
}
# ends STATUS: the started program, within 40 s
ends() {
	until_true gone "$served" || { fail "the program does not end"; kill -KILL "$served"; }
	wait "$served" 2>/dev/null
	got=$?
	served=
	[ $got = "$1" ] || { fail "answered $got, not $1"; cat "$scratch/err"; }
}
# gone PROCESS: not there, or a zombie
gone() {
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}
# address: of the session's gateway, in $url
address() {
	await "$scratch/err" '^reprise: session .* at http' || return 1
	# shellcheck disable=SC2034 # for the tests
	url=$(sed -n 's|^reprise: session .* at \(https*://[^/]*\)/#/s/.*|\1|p' "$scratch/err")
}
