#!/bin/sh
# SPDX-License-Identifier: MIT
# V27, V31: the own log of `reprise serve`: JSON whatever clients send, no secret, and no delay by a full pipe.
# Usage: tool_serve_lines.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
need_curl
command -v python3 >/dev/null || { echo 'tool: python3 is not installed'; exit 77; }

umask 077
echo 'secret-token-0123456789 default * admin' >"$scratch/tokens"
serve --token-file "$scratch/tokens" --log "sqlite:$scratch/sessions.db"
bearer='Authorization: Bearer secret-token-0123456789'
append one '{"secret":"payload"}' -H "$bearer" -H 'X-Secret: secret-field' -H 'Cookie: secret-cookie'
has '"recorded":true'
follow one '' 'from=oldest&secret-query=1' -H "$bearer"
wait $stream
follow one '' from=oldest -H "$bearer"
await "$scratch/stream" payload
cut
answers 401 -H 'Authorization: Bearer secret-wrong-0123456789' "$url/v1/sessions?secret-query=2"
answers 200 -H "$bearer" "$url/v1/sessions/one/events?limit=1&kinds=1"
answers 200 -H "$bearer" "$url/metrics"

# Odd paths, ids, methods and fields, as bytes.
cat >"$scratch/odd.py" <<'PYTHON'
import socket, sys
from urllib.parse import urlsplit

place = urlsplit(sys.argv[1])
bearer = b'Authorization: Bearer secret-token-0123456789\r\n'
heads = [b'GET /v1/sessions/%22%5C%0A%0D%00%1F%7F/events?limit=1 HTTP/1.1\r\nHost: h\r\n',
         b'GET /v1/sessions/a"b\\c/events?limit=1 HTTP/1.1\r\nHost: h\r\n',
         b'GET /v1/sessions/%F0%9F%98%80%C2%85%E2%80%A8/events?limit=1 HTTP/1.1\r\nHost: h\r\n',
         b'GET /v1/sessions/%FF%C0%80%ED%A0%80/events?limit=1 HTTP/1.1\r\nHost: h\r\n',
         b'GET /{"time":"x"},{ HTTP/1.1\r\nHost: h\r\n',
         b"GET /'$(id)`<script>&;|%0a{\"event\":\"forged\"} HTTP/1.1\r\nHost: h\r\n",
         b'GET /' + b'"' * 255 + b' HTTP/1.1\r\nHost: h\r\n',
         b'GET /' + b'x' * 7000 + b' HTTP/1.1\r\nHost: h\r\n',
         b'GET /' + b'%22' * 100 + b'?secret-query=3 HTTP/1.1\r\nHost: h\r\n',
         b'OPTIONS * HTTP/1.1\r\nHost: h\r\n',
         b'PATCH /v1/sessions HTTP/1.1\r\nHost: h\r\n',
         b'"}\\ / HTTP/1.1\r\nHost: h\r\n',
         b'GET /\xff\xfe HTTP/1.1\r\nHost: h\r\n',
         b'GET /\x01 HTTP/1.1\r\nHost: h\r\n',
         b'GET /healthz HTTP/1.1\r\nHost: h\r\nX: \xff"\\\r\nLast-Event-ID: "\\\xff\r\n',
         b'GET http://[::1]/healthz?secret-query=4 HTTP/1.1\r\nHost: h\r\n']
for head in heads:
    with socket.create_connection((place.hostname, place.port), 30) as client:
        client.sendall(head + bearer + b'Connection: close\r\n\r\n')
        answer = b''
        while piece := client.recv(65536):
            answer += piece
        if not answer.startswith(b'HTTP/1.1 '):
            sys.exit(f'no answer to {head[:60]}: {answer[:60]}')
PYTHON
python3 "$scratch/odd.py" "$url" || fail 'an odd request has no answer'
cp "$scratch/tokens" "$scratch/good"
printf 'bad\n' >"$scratch/tokens"
kill -HUP "$served"
await "$scratch/lines" tokens_not_reloaded
finish TERM 0
cat >"$scratch/lines.py" <<'PYTHON'
import json, re, sys

SHAPES = {'request': ['time', 'level', 'event', 'method', 'path', 'status', 'duration_ms', 'peer'],
          'tokens_not_reloaded': ['time', 'level', 'event', 'status', 'what', 'detail'],
          'stopping': ['time', 'level', 'event']}
with open(sys.argv[1], 'rb') as file:
    raw = file.read()
assert raw.endswith(b'\n')
assert re.fullmatch(rb'[\x20-\x7e\x80-\xff\n]*', raw), 'a control character'
counts = {}
for line in raw.decode().split('\n')[:-1]:
    entry = json.loads(line, object_pairs_hook=lambda pairs: pairs)
    names = [name for name, _ in entry]
    entry = dict(entry)
    cut = names[5:6] == ['path_is_cut']
    assert [name for name in names if name != 'path_is_cut'] == SHAPES[entry['event']], line
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', entry['time']), line
    assert len(line) < 4096 and not set(line) & {'\x7f', '\x85', '\u2028'}, line
    if entry['event'] == 'request':
        assert '?' not in entry['path'] and len(entry['path'].encode()) <= 256 * 3, line
        assert re.fullmatch(r'127\.0\.0\.1:\d+', entry['peer']), line
        assert isinstance(entry['status'], int) and isinstance(entry['duration_ms'], float), line
        assert cut == (len(entry['path']) >= 256), line
    counts[entry['event']] = counts.get(entry['event'], 0) + 1
assert counts['stopping'] == counts['tokens_not_reloaded'] == 1, counts
assert counts['request'] == 13, counts
PYTHON
python3 "$scratch/lines.py" "$scratch/lines" || { fail 'a line is wrong'; cat "$scratch/lines"; }
! grep -q secret "$scratch/lines" || { fail 'a line has a secret'; grep secret "$scratch/lines"; }

# A pipe that is full delays nobody, and the next line with room says how many lines were dropped.
cp "$scratch/good" "$scratch/tokens"
mkfifo "$scratch/pipe"
: >"$scratch/url"
"$program" serve --listen 127.0.0.1:0 >"$scratch/url" 2>"$scratch/pipe" &
served=$!
exec 8<"$scratch/pipe"
await "$scratch/url" '^http'
url=$(head -n 1 "$scratch/url")
for i in 1 2 3 4; do
	# More bytes of lines than a pipe holds.
	# shellcheck disable=SC2046 # words
	curl -sS --max-time 40 -w '%{http_code}\n' $(seq -f "$url/none/$(printf '%0200d' 0)/%g" 200) >"$scratch/answer" 2>&1
	[ "$(grep -c '404$' "$scratch/answer")" = 200 ] || fail 'a full pipe delays requests'
done
cat <&8 >"$scratch/lines" &
heard=$!
await "$scratch/lines" '"status":404'
answers 200 "$url/healthz"
await "$scratch/lines" '"event":"dropped"'
finish TERM 0
exec 8<&-
wait $heard
heard=
has_lines
dropped=$(sed -n 's/.*"event":"dropped","lines":\([0-9]*\)}$/\1/p' "$scratch/lines" | awk '{ sum += $1 } END { print sum + 0 }')
told=$(grep -c '"event":"request"' "$scratch/lines")
[ $((dropped + told)) = 801 ] || fail "$told lines and $dropped dropped lines are not 801"

# A closed pipe ends nothing.
: >"$scratch/url"
"$program" serve --listen 127.0.0.1:0 --log "sqlite:$scratch/lost.db" >"$scratch/url" 2>"$scratch/pipe" &
served=$!
exec 8<"$scratch/pipe"
await "$scratch/url" '^http'
url=$(head -n 1 "$scratch/url")
exec 8<&-
answers 404 "$url/none"
append one '{"n":1}'
has '"recorded":true'
mv "$scratch/lost.db" "$scratch/away.db"
ask -H 'Content-Type: application/json' -d '{"n":2}' "$url/v1/sessions/one/events?wait=none"
finish TERM 1
exit $bad
