#!/bin/sh
# SPDX-License-Identifier: MIT
# T05: what `reprise conversation` prints of the conversations in a log, and answers.
# Usage: tool_conversation.sh PROGRAM FILL file | postgres      (FILL is tool_log_fill; postgres: beside postgres.sh)
. "$(dirname "$0")/tool_common.sh"

conversation() {
	verb=$1
	shift
	"$program" conversation "$verb" $option "$place" "$@"
}

# --- usage ---
expect 2 "$program" conversation
expect 2 "$program" conversation nothing $option x
says 'conversation has no command'
expect 2 "$program" conversation ls
expect 2 "$program" conversation ls $option x chat
expect 2 "$program" conversation ls $option x --after 1
expect 2 "$program" conversation show $option x
expect 2 "$program" conversation show $option x chat other
expect 2 "$program" conversation cat $option x chat
expect 2 "$program" log show $option x chat

# --- what is not there is not created ---
for verb in ls 'show chat'; do
	# shellcheck disable=SC2086 # words
	expect 1 conversation $verb
	says REPRISE_E_NOT_FOUND
done
[ ! -e "$scratch/log" ] || fail "it has created a log"

# --- streams that are no conversations are left out ---
"$fill" "$kind" "$place" || exit 1
expect 0 conversation ls
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "it lists what is no conversation"
expect 1 conversation show notes
says REPRISE_E_CORRUPT
expect 1 conversation show session
says REPRISE_E_CONFLICT
expect 1 conversation show chat
says REPRISE_E_NOT_FOUND

# --- what there is ---
"$fill" "$kind" "$place" conversations || exit 1
expect 0 conversation ls
prints <<'END'
      events      messages   in progress      finished    with error  conversation
          12             5             1             1             1  chat
END
expect 0 conversation ls --json
is_json
prints <<'END'
{"conversation":"chat","expected_sequence":12,"messages":5,"in_progress":1,"finished":1,"with_error":1,"newest_snapshot":11,"older_snapshot":5}
END
expect 0 conversation show chat
prints <<'END'
chat: 12 events; 5 messages: 1 in progress, 1 finished, 1 with an error
the newest snapshot covers 11 events
the older snapshot covers 5 events

received                 state         last step  message
2001-09-09 01:46:40.001  finished              1  m1
2001-09-09 01:46:40.002  in progress  4294967295  m2
18446744073709551615 ms  failed                -  "m3": no\u001b[31m\u202e
1970-01-01 00:00:00.000  received              -  m4
-                        unknown               3  m5
END
expect 0 conversation show chat --json
is_json
prints <<'END'
{"conversation":"chat","expected_sequence":12,"messages":5,"in_progress":1,"finished":1,"with_error":1,"newest_snapshot":11,"older_snapshot":5}
{"message":"m1","state":"finished","received_at_ms":1000000000001,"last_step":1,"error":null}
{"message":"m2","state":"in progress","received_at_ms":1000000000002,"last_step":4294967295,"error":null}
{"message":"\"m3\"","state":"failed","received_at_ms":"18446744073709551615","last_step":null,"error":"no\u001b[31m\u202e"}
{"message":"m4","state":"received","received_at_ms":0,"last_step":null,"error":null}
{"message":"m5","state":"unknown","received_at_ms":null,"last_step":3,"error":null}
END
expect 0 conversation ls --tenant other
grep -q 'chat\\u202e$' "$scratch/out" || fail "a name turns the direction of writing"
"$program" conversation show $option "$place" chat >/dev/full 2>&1 && fail "it lost its output in silence"

# --- a damaged conversation is told, and the others are listed ---
if [ "$kind" = file ] && command -v sqlite3 >/dev/null; then
	sqlite3 "$scratch/log" "UPDATE rows SET flags = flags + 1 WHERE last = 12
		AND key = (SELECT id FROM heads WHERE thread = 'chat' AND tenant = 'default')" || exit 1
	expect 1 conversation ls
	says 'chat.*REPRISE_E_CORRUPT'
	expect 1 conversation show chat
	says 'chat.*REPRISE_E_CORRUPT'
	expect 0 conversation ls --tenant other
fi
exit $bad
