#!/bin/sh
# SPDX-License-Identifier: MIT
# T08: the output and the exit statuses of `reprise thread recover` and `reprise thread dead`.
# Usage: tool_jetstream.sh PROGRAM FILL file     (FILL is tool_jetstream_fill; beside nats.sh)
. "$(dirname "$0")/tool_common.sh"
nats=$REPRISE_TEST_NATS

thread() {
	verb=$1
	shift
	"$program" thread "$verb" $option "$place" --nats "$nats" "$@"
}

# --- usage ---
for verb in recover dead; do
	expect 2 "$program" thread $verb $option x
	says 'needs --nats'
	expect 2 "$program" thread $verb --nats "$nats"
	for wrong in chat '--limit 1' '--user u' '--password-file f' '--user u --password-file f --token-file g' \
		'--tls-cert c' '--tls-key k' '--deadline x' '--replicas -1' '--tenant t' '--max-age 99999999999999999'; do
		# shellcheck disable=SC2086 # words
		expect 2 "$program" thread $verb $option x --nats "$nats" $wrong
	done
done
expect 2 "$program" thread recover $option x --nats "$nats" --drop 1
expect 2 "$program" thread dead $option x --nats "$nats" --drop 1 --after 1
expect 2 "$program" thread ls $option x --nats "$nats"
expect 0 "$program" --help
grep -q 'reprise thread recover' "$scratch/out" || fail "--help does not name it"

# --- places that are missing or wrong ---
expect 1 thread recover
says REPRISE_E_NOT_FOUND
[ ! -e "$place" ] || fail "it has created a store"
"$fill" "$place" "$nats" || { echo "tool: the buffer cannot be filled"; exit 1; }
expect 1 "$program" thread recover $option "$place" --nats nats://127.0.0.1:1 --deadline 500
says REPRISE_E_IO
expect 1 thread recover --user u --password-file "$scratch/none"
says 'No such file'
: >"$scratch/empty"
expect 1 thread recover --token-file "$scratch/empty"
says 'is empty'
expect 1 thread recover --tls-ca "$scratch/none"
expect 1 thread recover --max-bytes 70000
says REPRISE_E_EXISTS
expect 1 thread recover --deadline 1
says REPRISE_E_INVALID

# --- recovery: three deltas, and three dead letters, which are no good news ---
expect 1 thread recover --json
is_json
prints <<'END'
{"type":"recovered","documents":2,"applied":3,"dead":3,"discarded":0,"failed":0}
END
expect 0 thread recover
prints <<'END'
0 documents, 0 deltas applied, 0 dead letters, 0 deltas lost, 0 documents failed
END
echo secret >"$scratch/secret"
expect 0 thread recover --user u --password-file "$scratch/secret" --horizon 3600000
expect 0 "$program" thread cat $option "$place" chat
grep -q '"messages":\[{"text":"one"},{"text":"\\u202e"},{"text":"three"}\]' "$scratch/out" ||
	{ fail "the document has other messages"; cat "$scratch/out"; }

# --- dead letters ---
expect 0 thread dead
[ "$(wc -l <"$scratch/out")" = 4 ] || { fail "not a heading and three letters"; cat "$scratch/out"; }
LC_ALL=C grep -q "$(printf '[\033\342\377]')" "$scratch/out" && fail "a letter commands the terminal"
grep -q 'thread\.\\u001b\[31mred\.deltas' "$scratch/out" || { fail "a subject is not escaped"; cat "$scratch/out"; }
expect 0 thread dead --json
is_json
[ "$(grep -c '"type":"dead","sequence":[0-9]*,"time_ms":[0-9]*,' "$scratch/out")" = 3 ] ||
	{ fail "not three letters"; cat "$scratch/out"; }
[ "$(grep -c '"payload_base64":"bm8gVVRGLTg6IP/+"' "$scratch/out")" = 1 ] || fail "bytes that are no UTF-8 are not base64"
LC_ALL=C grep -q "$(printf '[\033\342\377]')" "$scratch/out" && fail "a letter commands the terminal"
sequence=$(sed -n '2s/.*"sequence":\([0-9]*\).*/\1/p' "$scratch/out")
expect 0 thread dead --json --after "$sequence"
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "--after prints other letters"
expect 0 thread dead --drop "$sequence" --json
is_json
prints <<END
{"type":"dropped","sequence":$sequence}
END
expect 1 thread dead --drop "$sequence"
says REPRISE_E_NOT_FOUND
expect 0 thread dead --json
[ "$(wc -l <"$scratch/out")" = 2 ] || fail "a letter is not dropped"

# --- a server that wants a password, and one that wants a token ---
# serve NAME AUTHORIZATION: its URL is in $nats then, its process in $server
serve() {
	mkdir "$scratch/$1"
	cat >"$scratch/$1/conf" <<END
listen: 127.0.0.1:-1
ports_file_dir: "$scratch/$1"
log_file: "$scratch/$1/log"
jetstream { store_dir: "$scratch/$1/store", max_file: 4GB }
authorization { $2 }
END
	PATH=$PATH:/usr/local/sbin:/usr/sbin nats-server -c "$scratch/$1/conf" >/dev/null 2>&1 &
	server=$!
	for try in 1 2 3 4 5 6 7 8 9 10; do
		nats=$(sed -n 's/.*"\(nats:[^"]*\)".*/\1/p' "$scratch/$1"/*.ports 2>/dev/null)
		[ -z "$nats" ] || return 0
		sleep "0.$try"
	done
	fail "no server with $1"
}
server=
trap '[ -z "$server" ] || kill -s KILL $server; rm -rf "$scratch"' EXIT
echo wrong >"$scratch/wrong"

serve password 'user: alice, password: secret'
expect 0 thread recover --user alice --password-file "$scratch/secret"
expect 1 thread recover --user alice --password-file "$scratch/wrong"
says REPRISE_E_IO
grep -q wrong "$scratch/err" && fail "a password is printed"
expect 1 thread recover
kill -s KILL $server
serve token 'token: secret'
expect 0 thread recover --token-file "$scratch/secret"
expect 1 thread recover --token-file "$scratch/wrong"
kill -s KILL $server
server=
nats=$REPRISE_TEST_NATS

[ ! -c /dev/full ] || {
	thread dead >/dev/full 2>"$scratch/err"
	[ $? = 1 ] || fail "a full disk is no fault"
	says 'standard output'
}
exit $bad
