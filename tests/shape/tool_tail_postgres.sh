#!/bin/sh
# SPDX-License-Identifier: MIT
# V91: `reprise tail` of a log in PostgreSQL, also while another program writes, and after that program is gone.
# Usage: tool_tail_postgres.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh, beside postgres.sh)
. "$(dirname "$0")/tool_client_common.sh"
: "${REPRISE_POSTGRES:?}"

place="postgres:$REPRISE_POSTGRES"
serve --log "$place" --schema followed
fill numbers 1 10
run 0 tail "$place" --schema followed --no-follow
has_numbers "$scratch/out" 1 10
begin_tail "$place" --schema followed --session numbers --json
await "$scratch/tail.out" '"position":10,'
fill numbers 11 20
await "$scratch/tail.out" '"position":20,'
kill_gateway
serve --log "$place" --schema followed
fill numbers 21 30 --end 3
end_tail 3
sed -n 's/.*"data":\([0-9]*\)}/\1/p' "$scratch/tail.out" >"$scratch/numbers.out"
has_numbers "$scratch/numbers.out" 1 30
finish TERM 0
run 3 tail "$place" --schema followed --session numbers
has_numbers "$scratch/out" 1 30
run 1 tail "$place" --schema followed --session nobody
says "the log has no session 'nobody'"
refused tail 'has no session' "$place" --schema followed --tenant other
run 1 tail 'postgres:host=/there/is/none connect_timeout=2' --session numbers
exit $bad
