#!/bin/sh
# SPDX-License-Identifier: MIT
# The output and the status of `reprise log`. In a file: of one that `reprise demo --log` has written, too.
# Usage: tool_log.sh PROGRAM FILL file | postgres      (FILL is tool_log_fill; postgres: beside postgres.sh)
. "$(dirname "$0")/tool_common.sh"
printf 'one\n\n{"three": 3}\n' >"$scratch/lines.jsonl"

# tiles FIRST LAST: the ordinals of the JSON lines
tiles() {
	awk -v next_one="$1" -v last="$2" '
	function number(name) { match($0, "\"" name "\":[0-9]+"); return substr($0, RSTART, RLENGTH) }
	{
		first = number(/"type":"event"/ ? "ordinal" : "first"); sub(/.*:/, "", first)
		end = /"type":"event"/ ? first : number("last"); sub(/.*:/, "", end)
		if (first + 0 != next_one) exit bad = 1
		next_one = end + 1
	}
	END { exit bad || next_one != last + 1 }' "$scratch/out" || fail "its ordinals are not $1 to $2"
}

log() {
	verb=$1
	shift
	"$program" log "$verb" $option "$place" "$@"
}

# --- usage ---
expect 2 "$program" log
expect 2 "$program" log nothing $option x
expect 2 "$program" log ls
expect 2 "$program" log ls --file x --postgres x
expect 2 "$program" log ls --file
expect 2 "$program" log ls --file x --schema x
expect 2 "$program" log ls $option x THREAD
expect 2 "$program" log ls $option x --after 1
expect 2 "$program" log cat $option x
expect 2 "$program" log cat $option x a b
expect 2 "$program" log cat $option x a --follow
expect 2 "$program" log cat $option x a --after -1
expect 2 "$program" log cat $option x a --limit 1x
expect 2 "$program" log cat $option x a --limit ''
expect 2 "$program" log cat $option x a --limit 99999999999999999999
expect 2 "$program" log tail $option x a -n
expect 2 "$program" log tail $option x a --before 3
expect 2 "$program" log archive $option x a
expect 2 "$program" log verify $option x --unknown
expect 2 "$program" log fork $option x a
expect 2 "$program" log fork $option x a b c
expect 2 "$program" log fork $option x a b --through x
expect 2 "$program" log drop $option x
expect 2 "$program" log drop $option x a b
expect 2 "$program" log drop $option x a --through 1
expect 2 "$program" log ls $option x --open
expect 2 "$program" log prune $option x
expect 2 "$program" log prune $option x --all
expect 2 "$program" log prune $option x a --max-entries 1
expect 2 "$program" log prune $option x --max-entries -1
expect 2 "$program" log prune $option x --tenant-entries
expect 2 "$program" log prune $option x --tenant-bytes 1k
expect 2 "$program" log ls $option x --tenant-bytes 1
expect 2 "$program" log ls $option x --max-entries 1
expect 2 "$program" log erase $option x
expect 2 "$program" log erase $option x a --all
expect 2 "$program" log erase $option x a b
expect 2 "$program" log tenants $option x a
expect 2 "$program" log tenants $option x --tenant t

# --- what is not there is not created ---
for verb in ls verify; do
	expect 1 log $verb
	says REPRISE_E_NOT_FOUND
done
expect 1 log archive notes --before 1
says REPRISE_E_NOT_FOUND
[ ! -e "$scratch/log" ] || fail "it has created a log"

# --- errors name the file; what is no file is not waited for ---
if [ "$kind" = file ]; then
	says "$scratch/log"
	mkfifo "$scratch/fifo"
	for verb in ls verify; do
		expect 1 timeout 10 "$program" log $verb --file "$scratch/fifo"
		says 'not a regular file'
		says "$scratch/fifo"
	done
	expect 1 timeout 10 "$program" log ls --file /dev/zero
	says /dev/zero
fi

# --- what there is ---
"$fill" "$kind" "$place" || exit 1
expect 0 log ls
prints <<'END'
kind    last ordinal   archived to  lives  last life    end status  thread
direct             4             0      0  -                     -  notes
ring          100000             0      1  clean                -3  session
END
# Also of a copy in a folder that nobody can write to, which stays as it is.
if [ "$kind" = file ]; then
	mkdir "$scratch/copy" && cp "$scratch/log" "$scratch/copy/log" && chmod 555 "$scratch/copy"
	mv "$scratch/out" "$scratch/listed"
	expect 0 "$program" log ls --file "$scratch/copy/log"
	cmp "$scratch/listed" "$scratch/out" || fail "a copy is not listed as the log is"
	[ "$(ls "$scratch/copy")" = log ] || fail "something was created beside a copy"
	expect 0 "$program" log verify --file "$scratch/copy/log"
	chmod 755 "$scratch/copy"
	ln "$scratch/copy/log" "$scratch/copy/second"
	expect 1 "$program" log cat --file "$scratch/copy/log" notes
	says 'hard link'
	says "$scratch/copy/log"
fi
expect 0 log ls --json
is_json
prints <<'END'
{"thread":"notes","kind":"direct","head":4,"watermark":0,"lives":0,"life":null,"ended":null}
{"thread":"session","kind":"ring","head":100000,"watermark":0,"lives":1,"life":{"incarnation":"LIFE","first":1,"end":100000,"state":"clean"},"ended":{"status":-3,"ordinal":100000}}
END
expect 0 log ls --tenant other --json
is_json
prints <<'END'
{"thread":"their \"notes\"\u202e","kind":"direct","head":1,"watermark":0,"lives":0,"life":null,"ended":null}
END
# T01: names, too, in tables and in what is said of a failure
turned=$(printf 'n\342\200\256\342\201\246n')
expect 0 log ls --tenant other
grep -qF 'their "notes"\u202e' "$scratch/out" || fail "a name turns the direction of writing"
expect 1 log cat "$turned"
says 'n\\u202e\\u2066n'
expect 1 log cat --tenant "$turned" "$turned"
says 'n\\u202e\\u2066n'
for file in out err; do
	! grep -q "$turned" "$scratch/$file" || fail "an error turns the direction of writing"
done
expect 0 log ls --tenant nobody --json
prints </dev/null
expect 0 log cat notes
prints <<'END'
     ordinal  time (UTC)                kind  flags    revision      bytes  payload
           1  2001-09-09 01:46:40.000      7   0000           1          5  plain
           2  2001-09-09 01:46:40.123      0   0301           2         33  "two"\n\t\\ \u001b[31mred\u007f \u009b é\u2028\u202e\u2066
           3  2001-09-09 01:46:40.000      0   0000  9007199254740991          4  \xff\xfe\u0000z
           4  2001-09-09 01:46:40.000  65535   0000  18446744073709551614          0  
END
expect 0 log cat notes --json
is_json
prints <<'END'
{"type":"event","ordinal":1,"kind":7,"flags":0,"revision":1,"bytes":5,"time":"2001-09-09T01:46:40.000000001Z","life":null,"payload":"plain"}
{"type":"event","ordinal":2,"kind":0,"flags":769,"revision":2,"bytes":33,"time":"2001-09-09T01:46:40.123456789Z","life":null,"payload":"\"two\"\u000a\u0009\\ \u001b[31mred\u007f \u009b é\u2028\u202e\u2066"}
{"type":"event","ordinal":3,"kind":0,"flags":0,"revision":9007199254740991,"bytes":4,"time":"2001-09-09T01:46:40.000000002Z","life":null,"payload_base64":"//4Aeg=="}
{"type":"event","ordinal":4,"kind":65535,"flags":0,"revision":"18446744073709551614","bytes":0,"time":"2001-09-09T01:46:40.000000003Z","life":null,"payload":""}
END
expect 0 log cat notes --after 1 --limit 1 --json
tiles 2 2
expect 0 log cat notes --after 4
expect 0 log cat notes --limit 0 --json
prints </dev/null
expect 0 log tail notes -n 2 --json
tiles 3 4
expect 0 log tail notes --json
tiles 1 4
expect 1 log cat nobody
says REPRISE_E_NOT_FOUND
expect 1 log cat ''
says REPRISE_E_INVALID

# --- gaps, and more than a page ---
expect 0 log cat session
grep -qE '^ *[0-9]+\.\.[0-9]+  20[0-9: .-]{21}  gap: [0-9]+ events lost \(overrun\)$' "$scratch/out" ||
	fail "a gap is not shown as one"
expect 0 log cat session --json
is_json
tiles 1 100000
grep -qE '"type":"gap","first":[0-9]+,"last":[0-9]+,"lost":[0-9]+,"reason":"overrun"' "$scratch/out" ||
	fail "a gap is not an object of its own"
expect 0 log tail session -n 12 --json
tiles 99989 100000

# --- verify ---
expect 0 log verify
grep -q '^notes: 4 events, 0 gaps (0 lost), 0 blobs, 0 faults$' "$scratch/out" || fail "verify: notes"
grep -qE '^session: [0-9]+ events, [1-9][0-9]* gaps \([0-9]+ lost\), 0 blobs, 0 faults$' "$scratch/out" || fail "verify: session"
expect 0 log verify notes --json
is_json
prints <<'END'
{"thread":"notes","events":4,"gaps":0,"lost":0,"blobs":0,"faults":0}
END
expect 1 log verify notes nobody
says REPRISE_E_NOT_FOUND
grep -q '^notes: 4 events' "$scratch/out" || fail "verify: looks at nothing more when one is not there"

# --- archive ---
expect 0 log archive notes --before 2
prints <<'END'
notes: 2 ordinals archived, 2 rows moved
END
expect 0 log archive notes --before 2 --json
is_json
prints <<'END'
{"thread":"notes","archived":0,"moved":0}
END
expect 1 log archive nobody --before 2
expect 0 log cat notes --json
prints <<'END'
{"type":"archived","first":1,"last":2}
{"type":"event","ordinal":3,"kind":0,"flags":0,"revision":9007199254740991,"bytes":4,"time":"2001-09-09T01:46:40.000000002Z","life":null,"payload_base64":"//4Aeg=="}
{"type":"event","ordinal":4,"kind":65535,"flags":0,"revision":"18446744073709551614","bytes":0,"time":"2001-09-09T01:46:40.000000003Z","life":null,"payload":""}
END
expect 0 log tail notes --json
tiles 3 4
expect 0 log verify notes

# --- fork, drop ---
expect 0 log fork notes 'notes 2' --through 3
prints <<'END'
notes 2: copied up to 3
END
expect 0 log cat 'notes 2' --json
prints <<'END'
{"type":"archived","first":1,"last":2}
{"type":"event","ordinal":3,"kind":0,"flags":0,"revision":9007199254740991,"bytes":4,"time":"2001-09-09T01:46:40.000000002Z","life":null,"payload_base64":"//4Aeg=="}
END
expect 1 log fork notes 'notes 2'
says 'notes 2.*REPRISE_E_EXISTS'
expect 1 log fork notes new --through 5
says REPRISE_E_CONFLICT
expect 1 log fork notes new --through 1
says REPRISE_E_EXPIRED
expect 1 log fork nobody new
says REPRISE_E_NOT_FOUND
expect 0 log fork session copied --json
is_json
prints <<'END'
{"thread":"copied","head":100000}
END
log cat session --json >"$scratch/source"
expect 0 log cat copied --json
cmp "$scratch/source" "$scratch/out" || fail "a copy does not have what the source has"
expect 0 log verify copied 'notes 2'
expect 0 log drop 'notes 2'
prints <<'END'
notes 2: dropped, 1 rows removed
END
expect 0 log drop copied --json
is_json
prints <<END
{"thread":"copied","removed":$(wc -l <"$scratch/source")}
END
expect 1 log drop nobody
says REPRISE_E_NOT_FOUND
expect 0 log verify copied 'notes 2'
grep -q '^copied: 0 events, 0 gaps (0 lost), 0 blobs, 0 faults$' "$scratch/out" || fail "drop: something is left"
expect 0 log ls
prints <<'END'
kind    last ordinal   archived to  lives  last life    end status  thread
ring          100000        100000      1  invalidated           -  copied
direct             4             2      0  -                     -  notes
direct             3             3      0  -                     -  notes 2
ring          100000             0      1  clean                -3  session
END

# --- prune ---
expect 1 log prune --max-entries 0
says REPRISE_E_INVALID
expect 0 log prune --tenant nobody --max-age 1
prints <<'END'
0 of 0 threads pruned: 0 ordinals, 0 rows removed; 0 threads left to their owners
END
expect 0 log prune --max-entries 100000 --max-bytes 1000000000000 --deadline 60000 --json
is_json
prints <<'END'
{"tenant":"default","threads":4,"pruned":0,"kept":2,"ordinals":0,"removed":0,"complete":true}
END
expect 1 log prune --tenant-entries 0
says REPRISE_E_INVALID
expect 0 log prune --tenant other --tenant-entries 1 --tenant-bytes 100000 --all
prints <<'END'
0 of 1 threads pruned: 0 ordinals, 0 rows removed; 0 threads left to their owners
END
expect 0 log prune --tenant other --max-age 1 --all
prints <<'END'
1 of 1 threads pruned: 1 ordinals, 1 rows removed; 0 threads left to their owners
END
expect 0 log verify --tenant other

# --- tenants, erase ---
expect 0 log tenants
prints <<'END'
default
other
END
expect 0 log erase --tenant other --all --json
is_json
prints <<'END'
{"erased":1}
END
expect 0 log tenants --json
is_json
prints <<'END'
{"tenant":"default"}
END
expect 0 log erase 'notes 2'
prints <<'END'
1 threads erased
END
expect 0 log erase copied --no-vacuum
expect 0 log erase nobody
prints <<'END'
0 threads erased
END
expect 0 log ls
! grep -qE 'notes 2|copied' "$scratch/out" || fail "erase: a name is left"
expect 0 log verify

# --- what comes, and a key with a blob ---
: >"$scratch/out"
"$program" log tail $option "$place" notes -n 1 --follow --json >"$scratch/out" &
follows=$!
tries=100
until [ -s "$scratch/out" ] || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
"$fill" "$kind" "$place" more || exit 1
until [ "$(wc -l <"$scratch/out")" = 3 ] || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
kill -TERM $follows
wait $follows || fail "tail --follow does not answer 0 when it is interrupted"
tiles 4 6
# T03: from 2^53 on a number is a string
expect 0 log cat notes --after 4 --limit 1 --json
grep -qF '"revision":"9007199254740992"' "$scratch/out" || fail "2^53 is not a string of its digits"
expect 0 log verify kept
prints <<'END'
kept: 1 events, 0 gaps (0 lost), 1 blobs, 0 faults
END
expect 1 log archive kept --before 1
says 'REPRISE_E_INVALID.*the key has blobs'
# Ends when nobody takes it any more; else this would not end.
"$program" log tail $option "$place" notes --follow | head -n 1 >/dev/null
log cat session | head -n 1 >/dev/null
"$program" log cat $option "$place" session >/dev/full 2>&1 && fail "it lost its output in silence"

if [ "$kind" = postgres ]; then
	expect 0 log ls --schema reprise
	expect 1 log ls --schema other
	says REPRISE_E_NOT_FOUND
	# Q05: verify tells what differs in the policies that keep tenants apart, and looks at the threads all the same
	command -v psql >/dev/null || exit $bad
	change() { psql -qX -d "$place" -c "$1" || fail "psql refuses $1"; }
	change 'CREATE POLICY everyone ON reprise.rows USING (true)'
	for threads in '' notes; do
		# shellcheck disable=SC2086 # none, or one
		expect 1 log verify $threads
		says 'REPRISE_E_CORRUPT.*policies.*policy everyone is not the log'
		grep -q '^notes: .* 0 faults$' "$scratch/out" || fail "verify: looks at no thread when a policy differs"
	done
	change 'DROP POLICY everyone ON reprise.rows'
	change 'ALTER TABLE reprise.heads DISABLE ROW LEVEL SECURITY'
	expect 1 log verify
	says 'REPRISE_E_CORRUPT.*policies.*heads'
	change 'ALTER TABLE reprise.heads ENABLE ROW LEVEL SECURITY'
	expect 0 log verify
	exit $bad
fi

# --- damaged, foreign ---
if command -v sqlite3 >/dev/null; then
	# shellcheck disable=SC2016 # no variable of ours
	sqlite3 "$scratch/log" 'UPDATE rows SET payload = CAST(x'\''66697a65'\'' AS BLOB) WHERE payload = x'\''66697665'\''' || exit 1
	expect 1 log verify notes
	grep -qE '^notes: 4 events, 0 gaps \(0 lost\), 0 blobs, 1 faults; the first at ordinal 5: ' "$scratch/out" || fail "verify does not find a changed payload"
	expect 1 log verify
	expect 1 log verify notes --json
	is_json
	expect 1 log cat notes
	says REPRISE_E_CORRUPT
	expect 0 log verify session
	# T01, L51: a blob is told by its name
	sqlite3 "$scratch/log" "UPDATE blobs SET bytes = x'00'" || exit 1
	expect 1 log verify kept
	prints <<'END'
kept: 1 events, 0 gaps (0 lost), 0 blobs, 1 faults; the first at ordinal 0: a blob is damaged: its "name"\u202e
END
	expect 1 log verify kept --json
	is_json
	prints <<'END'
{"thread":"kept","events":1,"gaps":0,"lost":0,"blobs":0,"faults":1,"at":0,"what":"a blob is damaged: its \"name\"\u202e"}
END
	# T02: a number that has no name is told, and never looked up in a table of names
	cp "$scratch/log" "$scratch/numbers"
	sqlite3 "$scratch/numbers" 'UPDATE lives SET state = 100000; UPDATE rows SET reason = 77 WHERE type = 1' || exit 1
	for verb in 'ls' 'cat' 'tail' 'verify'; do
		thread=session
		[ $verb != ls ] || thread=
		# shellcheck disable=SC2086 # none for ls
		expect 1 "$program" log $verb --file "$scratch/numbers" $thread
		grep -qE "REPRISE_E_CORRUPT|1 faults; the first at ordinal [0-9]+: a life has" "$scratch/out" "$scratch/err" ||
			fail "$verb does not tell a number that has no name"
		! grep -q '(null)' "$scratch/out" || fail "$verb prints (null)"
	done
fi
head -c 5000 /dev/urandom >"$scratch/foreign"
expect 1 "$program" log ls --file "$scratch/foreign"
says REPRISE_E_CORRUPT

# --- the demo, twice over one log ---
for events in 1 2; do
	expect 0 "$program" demo --log "$scratch/demo" --rate 2000 --seconds 1 "$scratch/lines.jsonl" "$scratch/lines.jsonl"
	grep -q '^The log has all 4000 events, and no fault' "$scratch/out" || fail "the demo's books"
	grep -q '^at kill - discarded' "$scratch/out" || fail "the demo's crash"
	expect 0 "$program" log ls --file "$scratch/demo"
	prints <<END
kind    last ordinal   archived to  lives  last life    end status  thread
ring            $((events * 2000))             0      $events  clean                 0  demo-1
ring            $((events * 2000))             0      $events  clean                 0  demo-2
ring            $((events * 1500))             0      $((events * 2))  clean                 0  demo-crash
END
done
expect 0 "$program" log verify --file "$scratch/demo"
expect 0 "$program" log cat --file "$scratch/demo" demo-crash --json
is_json
tiles 1 3000
expect 1 "$program" demo --log "$scratch/foreign" --rate 2000 --seconds 1 "$scratch/lines.jsonl"
says REPRISE_E_CORRUPT
expect 2 "$program" demo --log
expect 2 "$program" demo --log "$scratch/demo" --sessions 2
exit $bad
