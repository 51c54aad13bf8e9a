#!/bin/sh
# SPDX-License-Identifier: MIT
# What `reprise log` prints of a log, and answers. In a file: of one that `reprise demo --log` has written, too.
# Usage: tool_log.sh PROGRAM FILL file | postgres      (FILL is tool_log_fill; postgres: beside postgres.sh)
program=$1
fill=$2
kind=$3
bad=0
fail() { echo "tool: $*"; bad=1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
printf 'one\n\n{"three": 3}\n' >"$scratch/lines.jsonl"

# expect STATUS COMMAND ...: its output is in $scratch/out then, what it says in $scratch/err
expect() {
	status=$1
	shift
	"$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$status" ] || { fail "'$*' answered $got, not $status"; cat "$scratch/out" "$scratch/err"; }
}
# prints: exactly what stands in the standard input; times of now and lives are what they are
prints() {
	sed -E -e 's/[0-9a-f]{32}/LIFE/g' -e 's/20[2-9][0-9]-[0-9-]+[ T][0-9:.]+Z?/NOW/' "$scratch/out" >"$scratch/got"
	cat >"$scratch/wanted"
	diff "$scratch/wanted" "$scratch/got" || fail "not what it should print"
}
says() { grep -q "$1" "$scratch/err" || { fail "does not say $1"; cat "$scratch/err"; }; }
# A second opinion, where there is one to be had.
is_json() {
	if command -v jq >/dev/null; then
		jq -e . "$scratch/out" >/dev/null || fail "jq does not take it for JSON"
	elif command -v python3 >/dev/null; then
		python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]' \
			"$scratch/out" || fail "python does not take it for JSON"
	fi
}
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

if [ "$kind" = file ]; then
	option=--file place=$scratch/log
else
	option=--postgres place=$REPRISE_POSTGRES
fi
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

# --- what is not there is not created ---
for verb in ls verify; do
	expect 1 log $verb
	says REPRISE_E_NOT_FOUND
done
expect 1 log archive notes --before 1
says REPRISE_E_NOT_FOUND
[ ! -e "$scratch/log" ] || fail "it has created a log"

# --- what there is ---
"$fill" "$kind" "$place" || exit 1
expect 0 log ls
prints <<'END'
kind            head     watermark  lives  last life     ended  thread
direct             4             0      0  -                 -  notes
ring          100000             0      1  clean            -3  session
END
expect 0 log ls --json
is_json
prints <<'END'
{"thread":"notes","kind":"direct","head":4,"watermark":0,"lives":0,"life":null,"ended":null}
{"thread":"session","kind":"ring","head":100000,"watermark":0,"lives":1,"life":{"incarnation":"LIFE","first":1,"end":100000,"state":"clean"},"ended":{"status":-3,"ordinal":100000}}
END
expect 0 log ls --tenant other --json
is_json
prints <<'END'
{"thread":"their \"notes\"","kind":"direct","head":1,"watermark":0,"lives":0,"life":null,"ended":null}
END
expect 0 log ls --tenant nobody --json
prints </dev/null
expect 0 log cat notes
prints <<'END'
     ordinal  time (UTC)                kind  flags    revision      bytes  payload
           1  2001-09-09 01:46:40.000      7   0000           1          5  plain
           2  2001-09-09 01:46:40.123      0   0301           2         24  "two"\n\t\\ \u001b[31mred\u007f \u009b é
           3  2001-09-09 01:46:40.000      0   0000           2          4  \xff\xfe\u0000z
           4  2001-09-09 01:46:40.000  65535   0000  18446744073709551615          0  
END
expect 0 log cat notes --json
is_json
prints <<'END'
{"type":"event","ordinal":1,"kind":7,"flags":0,"revision":1,"bytes":5,"time":"2001-09-09T01:46:40.000000001Z","life":null,"payload":"plain"}
{"type":"event","ordinal":2,"kind":0,"flags":769,"revision":2,"bytes":24,"time":"2001-09-09T01:46:40.123456789Z","life":null,"payload":"\"two\"\u000a\u0009\\ \u001b[31mred\u007f \u009b é"}
{"type":"event","ordinal":3,"kind":0,"flags":0,"revision":2,"bytes":4,"time":"2001-09-09T01:46:40.000000002Z","life":null,"payload_base64":"//4Aeg=="}
{"type":"event","ordinal":4,"kind":65535,"flags":0,"revision":18446744073709551615,"bytes":0,"time":"2001-09-09T01:46:40.000000003Z","life":null,"payload":""}
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
grep -qE '^ *[0-9]+\.\.[0-9]+  20[0-9: .-]{21}  gap: [0-9]+ lost \(overrun\)$' "$scratch/out" ||
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
grep -q '^notes: 4 events, 0 gaps (0 lost), 0 faults$' "$scratch/out" || fail "verify: notes"
grep -qE '^session: [0-9]+ events, [1-9][0-9]* gaps \([0-9]+ lost\), 0 faults$' "$scratch/out" || fail "verify: session"
expect 0 log verify notes --json
is_json
prints <<'END'
{"thread":"notes","events":4,"gaps":0,"lost":0,"faults":0}
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
{"type":"event","ordinal":3,"kind":0,"flags":0,"revision":2,"bytes":4,"time":"2001-09-09T01:46:40.000000002Z","life":null,"payload_base64":"//4Aeg=="}
{"type":"event","ordinal":4,"kind":65535,"flags":0,"revision":18446744073709551615,"bytes":0,"time":"2001-09-09T01:46:40.000000003Z","life":null,"payload":""}
END
expect 0 log tail notes --json
tiles 3 4
expect 0 log verify notes

# --- what comes ---
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
# Ends when nobody takes it any more; else this would not end.
"$program" log tail $option "$place" notes --follow | head -n 1 >/dev/null
log cat session | head -n 1 >/dev/null
"$program" log cat $option "$place" session >/dev/full 2>&1 && fail "it lost its output in silence"

if [ "$kind" = postgres ]; then
	expect 0 log ls --schema reprise
	expect 1 log ls --schema other
	says REPRISE_E_NOT_FOUND
	exit $bad
fi

# --- damaged, foreign ---
if command -v sqlite3 >/dev/null; then
	# shellcheck disable=SC2016 # no variable of ours
	sqlite3 "$scratch/log" 'UPDATE rows SET payload = CAST(x'\''66697a65'\'' AS BLOB) WHERE payload = x'\''66697665'\''' || exit 1
	expect 1 log verify notes
	grep -qE '^notes: 4 events, 0 gaps \(0 lost\), 1 faults; the first at 5: ' "$scratch/out" || fail "verify does not find a changed payload"
	expect 1 log verify
	expect 1 log verify notes --json
	is_json
	expect 1 log cat notes
	says REPRISE_E_CORRUPT
	expect 0 log verify session
fi
head -c 5000 /dev/urandom >"$scratch/foreign"
expect 1 "$program" log ls --file "$scratch/foreign"
says REPRISE_E_CORRUPT

# --- the demo, twice over one log ---
for events in 1 2; do
	expect 0 "$program" demo --log "$scratch/demo" --rate 2000 --seconds 1 "$scratch/lines.jsonl" "$scratch/lines.jsonl"
	grep -q '^The log is whole, and has all 4000 of them' "$scratch/out" || fail "the demo's books"
	grep -q '^had - taken back' "$scratch/out" || fail "the demo's crash"
	expect 0 "$program" log ls --file "$scratch/demo"
	prints <<END
kind            head     watermark  lives  last life     ended  thread
ring            $((events * 2000))             0      $events  clean             0  demo-1
ring            $((events * 2000))             0      $events  clean             0  demo-2
ring            $((events * 1500))             0      $((events * 2))  clean             0  demo-crash
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
