#!/bin/sh
# SPDX-License-Identifier: MIT
# The common part of the tests of `reprise serve`. They include this file.
# Usage: . tool_serve_common.sh     (arguments: PROGRAM MANAGER UNITS; MANAGER is tool_serve_manager, UNITS the folder of the
#        unit files)
program=$1
# shellcheck disable=SC2034 # for the tests
manager=$2 units=$3
bad=0
served= heard= stream=
fail() { echo "tool: $*"; bad=1; }
scratch=$(mktemp -d) || exit 1
# shellcheck disable=SC2317 # the trap calls it
end_all() {
	for process in $served $heard $stream; do kill -KILL "$process" 2>/dev/null; done
	rm -rf "$scratch"
}
trap end_all EXIT
trap 'exit 1' INT TERM

# refuses STATUS WORDS OPTION ...
refuses() {
	status=$1 words=$2
	shift 2
	timeout 40 "$program" serve "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || { fail "'serve $*' answered $got, not $status"; cat "$scratch/err"; }
	grep -q -e "$words" "$scratch/err" || { fail "'serve $*' does not say $words"; cat "$scratch/err"; }
	[ ! -s "$scratch/out" ] || fail "'serve $*' has output"
}

need_curl() { command -v curl >/dev/null || { echo "tool: curl is not installed"; [ $bad != 0 ] || exit 77; exit 1; }; }

# until_true COMMAND ...: within 40 s
until_true() {
	tries=400
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}
# await FILE PATTERN
await() {
	until_true grep -q -e "$2" "$1" 2>/dev/null || { fail "$2 does not come"; cat "$1"; return 1; }
}
# begin COMMAND ...: in the background; its first line is in $url
begin() {
	: >"$scratch/url"
	: >"$scratch/lines"
	"$@" >"$scratch/url" 2>"$scratch/lines" &
	served=$!
	if ! until_true has_begun || ! grep -q '^https*://' "$scratch/url"; then
		fail "'$*' does not begin"
		cat "$scratch/lines"
		exit 1
	fi
	url=$(head -n 1 "$scratch/url")
}
has_begun() { grep -q '^https*://' "$scratch/url" || ! kill -0 "$served" 2>/dev/null; }
# serve OPTION ...: on a free port
serve() { begin "$program" serve --listen 127.0.0.1:0 "$@"; }
# finish SIGNAL STATUS
finish() {
	kill "-$1" "$served"
	wait "$served"
	got=$?
	served=
	[ $got = "$2" ] || { fail "answered $got after SIG$1, not $2"; cat "$scratch/lines"; }
}

ask() { curl -sS --max-time 40 "$@" >"$scratch/answer" 2>&1; }
has() { grep -q -e "$1" "$scratch/answer" || { fail "the answer has no $1"; cat "$scratch/answer"; }; }
# append SESSION JSON [CURL OPTION ...]
append() {
	session=$1 body=$2
	shift 2
	ask -H 'Content-Type: application/json' -d "$body" "$@" "$url/v1/sessions/$session/events"
}
# code CURL ARGUMENT ...: the status, 000 without an answer
code() { curl -s -o /dev/null -w '%{http_code}' --max-time 40 "$@"; }
# is_code STATUS CURL ARGUMENT ...
is_code() {
	wanted=$1
	shift
	got=$(code "$@")
	[ "$got" = "$wanted" ]
}
# answers STATUS CURL ARGUMENT ...
answers() { is_code "$@" || { shift; fail "'$*' is answered with $got, not $wanted"; }; }
# follow SESSION CURSOR QUERY [CURL OPTION ...]: into $scratch/stream
follow() {
	session=$1 id=$2 query=$3
	shift 3
	: >"$scratch/stream"
	curl -sSN --max-time 60 -H "Last-Event-ID: $id" "$@" "$url/v1/sessions/$session/events?$query" >"$scratch/stream" 2>&1 &
	stream=$!
}
cut() {
	kill "-${1:-TERM}" $stream 2>/dev/null
	wait $stream 2>/dev/null
	stream=
}
# has_lines: the own log is JSON, a line each
has_lines() {
	command -v python3 >/dev/null || return 0
	python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]' \
		"$scratch/lines" || { fail 'the own log is not JSON'; cat "$scratch/lines"; }
}
