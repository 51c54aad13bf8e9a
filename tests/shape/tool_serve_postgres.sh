#!/bin/sh
# SPDX-License-Identifier: MIT
# V30, V35: `reprise serve` over a log in PostgreSQL: --schema, a kill, a resume, and a gateway beside that only reads.
# Usage: tool_serve_postgres.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh, beside postgres.sh)
. "$(dirname "$0")/tool_serve_common.sh"
need_curl
: "${REPRISE_POSTGRES:?}"

refuses 1 REPRISE_E_ --listen 127.0.0.1:0 --log 'postgres:host=/there/is/none connect_timeout=2'
refuses 1 REPRISE_E_ --listen 127.0.0.1:0 --log "postgres:$REPRISE_POSTGRES" --schema served --reads-only
serve --log "postgres:$REPRISE_POSTGRES" --schema served
append one '{"n":1}'
has '"recorded":true'
cursor=$(sed -E 's/.*"cursor":"([^"]*)".*/\1/' "$scratch/answer")
append one '{"n":2}'
has '"recorded":true'
kill -KILL "$served"
wait "$served" 2>/dev/null
serve --log "postgres:$REPRISE_POSTGRES" --schema served
follow one "$cursor" ''
await "$scratch/stream" '^data:.*"n":2'
cut
first=$served writes=$url
serve --log "postgres:$REPRISE_POSTGRES" --schema served --reads-only
follow one "$cursor" ''
await "$scratch/stream" '^data:.*"n":2'
reads=$url
url=$writes
append one '{"n":3}'
has '"recorded":true'
await "$scratch/stream" '^data:.*"n":3'
url=$reads
append one '{"n":4}'
has method_not_allowed
finish TERM 0
cut
served=$first
finish TERM 0
"$program" log ls --json --postgres "$REPRISE_POSTGRES" --schema served >"$scratch/out"
grep -q '"state":"clean"' "$scratch/out" || { fail 'the life has not ended clean'; cat "$scratch/out"; }
! "$program" log ls --json --postgres "$REPRISE_POSTGRES" 2>/dev/null | grep -q '"one"' || fail 'another schema has the session'
exit $bad
