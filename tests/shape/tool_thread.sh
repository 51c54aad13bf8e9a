#!/bin/sh
# SPDX-License-Identifier: MIT
# T07: what `reprise thread` prints of thread documents, and answers.
# Usage: tool_thread.sh PROGRAM FILL file | postgres      (FILL is tool_thread_fill; postgres: beside postgres.sh)
. "$(dirname "$0")/tool_common.sh"

thread() {
	verb=$1
	shift
	"$program" thread "$verb" $option "$place" "$@"
}
# The time of a delta is now.
prints_deltas() {
	sed -E 's/"created_at":[0-9]+/"created_at":NOW/' "$scratch/out" >"$scratch/timeless"
	mv "$scratch/timeless" "$scratch/out"
	prints
}

# --- usage ---
expect 2 "$program" thread
expect 2 "$program" thread nothing $option x
says 'thread has no'
expect 2 "$program" thread ls
expect 2 "$program" thread ls --file x --postgres y
expect 2 "$program" thread ls $option x chat
expect 2 "$program" thread ls $option x --tenant t
expect 2 "$program" thread ls $option x --after 1
expect 2 "$program" thread cat $option x
expect 2 "$program" thread cat $option x chat other
expect 2 "$program" thread deltas $option x chat --after x
expect 0 "$program" --help
grep -q 'reprise thread deltas' "$scratch/out" || fail "--help does not name it"

# --- what is not there is not created ---
for verb in ls 'cat chat' 'deltas chat'; do
	# shellcheck disable=SC2086 # words
	expect 1 thread $verb
	says REPRISE_E_NOT_FOUND
done
[ ! -e "$scratch/log" ] || fail "it has created a store"
if [ "$kind" = file ]; then
	: >"$scratch/log"
	expect 1 thread ls
	says REPRISE_E_NOT_FOUND
	[ ! -s "$scratch/log" ] || fail "it has made a store of an empty file"
	rm "$scratch/log"
fi

# --- what there is ---
"$fill" "$kind" "$place" || exit 1
expect 1 thread cat missing
says REPRISE_E_NOT_FOUND
expect 1 thread cat a/b
says REPRISE_E_INVALID
expect 0 thread ls
[ "$(wc -l <"$scratch/out")" = 303 ] || fail "it lists other documents"
head -2 "$scratch/out" >"$scratch/two" && mv "$scratch/two" "$scratch/out"
prints <<'END'
     version  uid                               thread
           3  LIFE  chat
END
expect 0 thread ls --json
is_json
[ "$(wc -l <"$scratch/out")" = 302 ] || fail "it lists other documents"
grep -q '^{"thread":"other299\\u202e","uid":"[0-9a-f]*","version":0}$' "$scratch/out" ||
	fail "a name turns the direction of writing"
expect 0 thread cat chat
is_json
prints <<'END'
{"big":12345678901234567890123,"id":"chat","messages":[{"id":"m1","text":"plain"},{"id":"m2","text":"right\u202e"},{"id":"m3","text":"plain"}],"patches":[],"state":{},"uid":"LIFE","version":3}
END
expect 0 thread deltas chat --after 1 --limit 1
prints_deltas <<'END'
           2  {"created_at":NOW,"delta_id":"d2","messages":[{"id":"m2","text":"right\u202e"}],"patches":[],"reason":"UserMessage","run_id":"r"}
END
expect 0 thread deltas chat --json --after 2
is_json
prints_deltas <<'END'
{"delta":{"created_at":NOW,"delta_id":"d3","messages":[{"id":"m3","text":"plain"}],"patches":[],"reason":"UserMessage","run_id":"r"},"version":3}
END
expect 0 thread deltas chat
[ "$(wc -l <"$scratch/out")" = 3 ] || fail "not every delta"
expect 0 thread deltas chat --limit 0
[ ! -s "$scratch/out" ] || fail "a limit of 0 prints something"
expect 1 thread deltas chat --after 4
says REPRISE_E_CONFLICT

# --- deltas that are not kept ---
expect 0 thread deltas saved
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "not the one that is kept"
expect 1 thread deltas saved --after 1
says 'up to version 2 are not kept'
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "not the one that is kept"

expect 1 thread deltas saved --after 0
says 'up to version 2 are not kept'

[ ! -c /dev/full ] || {
	thread ls >/dev/full 2>"$scratch/err"
	[ $? = 1 ] || fail "a full disk is no fault"
	says 'standard output'
}
exit $bad
