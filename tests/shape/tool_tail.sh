#!/bin/sh
# SPDX-License-Identifier: MIT
# V91 and V88: what `reprise tail` prints, of a gateway and of a log, where it begins, and how it ends.
# Usage: tool_tail.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_client_common.sh"

has_stream() { curl -s "$url/metrics" | grep -q '^reprise_gateway_streams[^ ]* 1$'; }
place="sqlite:$scratch/sessions.db"
serve --log "$place"

# --- one session is found; several are listed -----------------------------------------------------
refused tail 'has no session' "$url"
fill numbers 1 3
run 0 tail "$url" --no-follow
printf '1\n2\n3\n' | prints
says 'resume with --cursor rp1'
fill other 1 1
refused tail 'several sessions' "$url"
says 'numbers  newest position 3'
says 'other'
refused tail 'several sessions' "$place"
says 'numbers'
says 'other'

# --- each form of an address ----------------------------------------------------------------------
for form in "/v1/sessions/numbers" "/v1/sessions/numbers/events" "/#/s/numbers"; do
	run 0 tail "$url$form" --no-follow
	printf '1\n2\n3\n' | prints
done
run 0 tail "$url/" --session numbers --no-follow
printf '1\n2\n3\n' | prints
for form in "$place" "$scratch/sessions.db"; do
	run 0 tail "$form" --session numbers --no-follow
	printf '1\n2\n3\n' | prints
done

# --- where to begin -------------------------------------------------------------------------------
run 0 tail "$url" --session numbers --no-follow --json
cursor=$(sed -n 's/.*"cursor":"\([^"]*\)".*/\1/p' "$scratch/out")
fill numbers 4 5
for form in "$url" "$place"; do
	run 0 tail "$form" --no-follow --cursor "$cursor"
	printf '4\n5\n' | prints
done
run 0 tail "$url/#/s/numbers?cursor=$cursor" --no-follow
printf '4\n5\n' | prints
run 0 tail "$url/#/s/numbers?cursor=$cursor" --no-follow --from oldest
printf '1\n2\n3\n4\n5\n' | prints
for form in "$url" "$place" "$url/#/s/numbers?from=newest"; do
	case $form in
	*newest) run 0 tail "$form" --no-follow ;;
	*) run 0 tail "$form" --session numbers --no-follow --from newest ;;
	esac
	prints </dev/null
done

# --- kinds ----------------------------------------------------------------------------------------
printf '{"type":"delta","n":1}\n{"type":"done","n":2}\n{"n":3}\n' |
	"$program" post "$url" --session kinds --kind-field type 2>/dev/null || fail 'cannot post kinds'
for form in "$url" "$place"; do
	run 0 tail "$form" --session kinds --no-follow --kinds delta
	echo '{"type":"delta","n":1}' | prints
	run 0 tail "$form" --session kinds --no-follow --kinds 0,done
	printf '{"type":"done","n":2}\n{"n":3}\n' | prints
done

# --- payloads, as bytes and as JSON ---------------------------------------------------------------
payload() {
	ask -H 'Content-Type: application/octet-stream' --data-binary "@$scratch/payload" "$@" \
		"$url/v1/sessions/payloads/events"
	has '"recorded":true'
}
printf '{"a":\n [1,\r\n 2.50]}' >"$scratch/payload"
payload -H 'Reprise-Kind: 9' -H 'Reprise-Revision: 4' -H 'Reprise-Commit: 1'
printf 'two\nlines\t\033[31mred "x" \\ \303\251 \342\200\256' >"$scratch/payload"
payload
printf 'a\000b\377\r' >"$scratch/payload"
payload
# An empty body is no event of the gateway.
run 0 tail "$url" --session payloads --no-follow
{
	printf '{"a":\n [1,\r\n 2.50]}\n'
	printf 'two\nlines\t\033[31mred "x" \\ \303\251 \342\200\256\n'
	printf 'a\000b\377\r\n'
} | prints
run 0 tail "$url" --session payloads --no-follow --json
sed '/"type":"cursor"/d' "$scratch/out" >"$scratch/events"
cp "$scratch/events" "$scratch/out"
prints <<'JSON'
{"type":"event","position":1,"revision":4,"kind":null,"data":{"a":  [1,   2.50]}}
{"type":"event","position":2,"revision":4,"kind":0,"text":"two\u000alines\u0009\u001b[31mred \"x\" \\ é \u202e"}
{"type":"event","position":3,"revision":4,"kind":null,"base64":"YQBi/w0="}
JSON
run 0 tail "$place" --session payloads --no-follow --json
sed '/"type":"cursor"/d' "$scratch/out" >"$scratch/events"
cp "$scratch/events" "$scratch/out"
prints <<'JSON'
{"type":"event","position":1,"revision":4,"kind":9,"commit":true,"data":{"a":  [1,   2.50]}}
{"type":"event","position":2,"revision":0,"kind":0,"commit":false,"text":"two\u000alines\u0009\u001b[31mred \"x\" \\ é \u202e"}
{"type":"event","position":3,"revision":0,"kind":0,"commit":false,"base64":"YQBi/w0="}
JSON

# --- the end, and its status ----------------------------------------------------------------------
for status in 0 7 255; do
	fill "end$status" 1 2 --end "$status"
	for form in "$url" "$place"; do
		run "$status" tail "$form" --session "end$status"
		printf '1\n2\n' | prints
		says "ended with status $status behind position 2"
		says_not 'resume with'
		run "$status" tail "$form" --session "end$status" --from newest
		prints </dev/null
	done
done
for status in 256 -1; do
	fill "end$status" 1 1 --end "$status"
	run 1 tail "$url" --session "end$status" --json
	printf '{"type":"event","position":1,"revision":0,"kind":0,"data":1}\n{"type":"end","status":%s,"position":1}\n' "$status" | prints
	says "$status is no exit status"
done

# --- standard output that is closed ---------------------------------------------------------------
fill many 1 20000
fill few 1 3
for session in many few; do
	for form in "$url" "$place"; do
		# shellcheck disable=SC2016 # the inner shell expands
		timeout 60 sh -c '"$1" tail "$2" --session "$3" 2>"$4"; echo $? >"$5"' sh \
			"$program" "$form" $session "$scratch/err" "$scratch/status" | head -n 1 >"$scratch/out"
		echo 1 | prints
		[ "$(cat "$scratch/status")" = 0 ] && [ ! -s "$scratch/err" ] ||
			{ fail 'a closed pipe is no quiet end'; cat "$scratch/status" "$scratch/err"; }
	done
done
if [ -w /dev/full ]; then
	timeout 60 "$program" tail "$url" --session many >/dev/full 2>"$scratch/err"
	[ $? = 1 ] || fail 'a full disk is no failure'
	says 'No space left'
fi

# --- gaps -----------------------------------------------------------------------------------------
# A log is followed while another program writes, and after that program is gone.
fill live 1 1
begin_tail "$place" --session live
await "$scratch/tail.out" '^1$'
fill live 2 500
await "$scratch/tail.out" '^500$'
finish TERM 0
serve_at "${url#http://}" --log "$place"
fill live 501 502 --end 4
end_tail 4
has_numbers "$scratch/tail.out" 1 502
finish TERM 0
run 0 tail "$place" --session numbers --no-follow
printf '1\n2\n3\n4\n5\n' | prints

# Without a log the events that have left the memory are a gap, in words and as an object.
serve --events-max 16
fill small 1 100
run 0 tail "$url" --no-follow --json
grep -q '^{"type":"event","position":8[56],' "$scratch/out" || { fail 'not the newest events'; cat "$scratch/out"; }
run 0 tail "$url" --no-follow
cp "$scratch/err" "$scratch/first"
cursor=$(sed -n 's/.*--cursor //p' "$scratch/first")
fill small 101 200
run 0 tail "$url" --no-follow --cursor "$cursor"
says 'gap: 84 events are lost, positions 101 to 184: newer events took the place (capacity)'
has_numbers "$scratch/out" 185 200
run 0 tail "$url" --no-follow --cursor "$cursor" --json
head -n 1 "$scratch/out" | grep -q '^{"type":"gap","reason":"trimmed","code":"capacity","text":"[^"]*","lost":84,"first":101,"last":184,"position":184,"newest":200,"healed":false}$' ||
	{ fail 'the gap is not told'; head -n 1 "$scratch/out"; }
# An unknown extent: the gateway has another life of the session.
finish TERM 0
serve_at "${url#http://}"
fill small 1 3
run 0 tail "$url" --no-follow --cursor "$cursor"
says 'gap: an unknown number of events is lost'
printf '1\n2\n3\n' | prints
# --- a session that is not there ------------------------------------------------------------------
run 1 tail "$url" --session nobody
says 'the session does not exist (unknown_session, HTTP status 404)'
run 1 tail "$place" --session nobody
says "the log has no session 'nobody'"
run 1 tail "$scratch/no.db"
begin_tail "$url" --session later --wait
until_true has_stream || fail 'the stream that waits is not there'
fill later 1 2 --end 0
end_tail 0
has_numbers "$scratch/tail.out" 1 2
# A log that does not exist yet, and then a session.
finish TERM 0
begin_tail "sqlite:$scratch/later.db" --session later --wait
serve --log "sqlite:$scratch/later.db"
fill other 1 1
fill later 1 2 --end 8
end_tail 8
has_numbers "$scratch/tail.out" 1 2
finish TERM 0
run 1 tail "$url" --session later
says 'no answer: Failed to connect'
begin_tail "$url" --session later --wait --give-up 1
end_tail 1
grep -q 'no stream for 1 s: given up' "$scratch/tail.err" || { fail 'does not give up'; cat "$scratch/tail.err"; }

# --- an output that takes nothing: a signal ends the program all the same -----------------------------
# stuck COMMAND ARGUMENT ...: SIGTERM, while a pipe is full
stuck() {
	python3 - "$program" "$@" <<'PYTHON' || fail "SIGTERM does not end '$1' before a full pipe"
import fcntl, os, subprocess, sys, time
reading, writing = os.pipe()
fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
program = subprocess.Popen(sys.argv[1:], stdout=writing, stderr=subprocess.DEVNULL)
os.close(writing)
end = time.monotonic() + 20
def is_stuck():
    with open("/proc/%d/wchan" % program.pid) as file:
        return "pipe_write" in file.read()
while not is_stuck() and time.monotonic() < end and program.poll() is None:
    time.sleep(0.02)
program.terminate()
try:
    sys.exit(program.wait(10) != 143)
except subprocess.TimeoutExpired:
    program.kill()
    program.wait()
    sys.exit(1)
PYTHON
}
serve --log "$place"
fill full 1 9000
stuck tail "$url/v1/sessions/full"
stuck tail "$url/v1/sessions/full" --json
stuck tail "$place" --session full

# --- arguments ------------------------------------------------------------------------------------
refused tail 'takes one URL' 
refused tail 'takes one URL' "$url" "$url"
refused tail 'is given twice' "$url" --json --json
refused tail 'unrecognized option' "$url" --colour
refused tail 'has a query' "$url/?a=b"
refused tail 'password' "http://a:b@127.0.0.1:1/"
refused tail 'another session' "$url/v1/sessions/a" --session b
refused tail '1 to 128 bytes' "$url" --session ''
refused tail 'exclude each other' "$url" --cursor rp1.x --from oldest
refused tail 'is no text of a cursor' "$url" --cursor rp1.x
refused tail 'of another session' "$url/v1/sessions/a" --cursor "$cursor"
refused tail 'oldest or newest' "$url" --from middle
refused tail 'numbers up to 65535' "$url" --kinds 65536
refused tail 'numbers up to 65535' "$url" --kinds 1,,2
refused tail 'up to 64 kinds' "$url" --kinds "$(seq -s , 1 65)"
refused tail 'seconds from 1' "$url" --give-up 0
refused tail 'needs a session' "$url" --wait
refused tail 'needs --session' "$place" --wait
refused tail 'needs a log' "$url" --tenant t
refused tail 'needs a URL' "$place" --ca "$scratch/x"
refused tail 'has no FILE' sqlite:
refused tail 'needs a log in PostgreSQL' "$place" --schema s
exit $bad
