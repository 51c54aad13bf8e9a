#!/bin/sh
# SPDX-License-Identifier: MIT
# V31, V32, V35: the life of `reprise serve`: the first line, a kill, a resume, the end by a signal; and the unit files.
# Usage: tool_serve.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
need_curl

# V31, V35: the first line; a POST; a resume with the printed id; kill -9; the same again.
place="sqlite:$scratch/sessions.db"
serve --log "$place"
case $url in http://127.0.0.1:[1-9]*) ;; *) fail "the first line is $url" ;; esac
refuses 1 'cannot listen on 127.0.0.1' --listen "${url#http://}"
append one '{"n":1}'
has '"recorded":true'
cursor=$(sed -E 's/.*"cursor":"([^"]*)".*/\1/' "$scratch/answer")
append one '{"n":2}'
follow one "$cursor" ''
await "$scratch/stream" '^data:.*"n":2'
! grep -q '"n":1' "$scratch/stream" || fail 'the resumed stream begins too early'
cut
kill -KILL "$served"
wait "$served" 2>/dev/null
serve --log "$place"
follow one "$cursor" ''
await "$scratch/stream" '^data:.*"n":2'
# A life that a kill left open becomes crashed with the next append.
"$program" log ls --json --file "$scratch/sessions.db" | grep -q '"state":"open"' || fail 'the killed life is not open'
append one '{"n":3}'
has '"recorded":true'
await "$scratch/stream" '^data:.*"n":3'

# V32: an open stream gets bye, and the life ends clean.
finish TERM 0
wait $stream 2>/dev/null
stream=
grep -q '^event: *bye' "$scratch/stream" || { fail 'an open stream gets no bye'; cat "$scratch/stream"; }
has_lines
"$program" log verify --file "$scratch/sessions.db" >/dev/null || fail 'the log is not good'
"$program" log ls --json --file "$scratch/sessions.db" >"$scratch/out"
grep -q '"state":"clean"' "$scratch/out" || { fail 'the life has not ended clean'; cat "$scratch/out"; }

# The same log, read only.
serve --quiet --log "$place" --reads-only
follow one "$cursor" ''
await "$scratch/stream" '^data:.*"n":3'
cut
append one '{"n":4}'
has method_not_allowed
finish INT 0
[ ! -s "$scratch/lines" ] || fail '--quiet has lines'

# V32: events that the log does not take are said.
serve --log "sqlite:$scratch/lost.db" --recorded-wait 100
append one '{"n":1}'
mv "$scratch/lost.db" "$scratch/away.db"
ask -H 'Content-Type: application/json' -d '{"n":2}' "$url/v1/sessions/one/events?wait=none"
finish TERM 1
grep -q not_recorded "$scratch/lines" || { fail 'says nothing of the lost event'; cat "$scratch/lines"; }
has_lines

# The unit files, as systemd sees them.
if command -v systemd-analyze >/dev/null; then
	ln -s "$program" "$scratch/program" # the name of a folder may have a space
	sed "s|^ExecStart=reprise|ExecStart=$scratch/program|" "$units/reprise-serve.service" >"$scratch/reprise-serve.service"
	cp "$units/reprise-serve.socket" "$scratch"
	systemd-analyze verify --man=no "$scratch/reprise-serve.service" "$scratch/reprise-serve.socket" >"$scratch/out" 2>&1
	[ $? = 0 ] && ! grep -q reprise-serve "$scratch/out" || { fail 'systemd-analyze finds faults'; cat "$scratch/out"; }
else
	echo 'tool: systemd-analyze is not installed: the unit files are not verified'
fi
exit $bad
