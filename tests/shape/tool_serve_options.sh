#!/bin/sh
# SPDX-License-Identifier: MIT
# V30: each option of `reprise serve`: values that are refused, and what a good value does.
# Usage: tool_serve_options.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"

# Each option of the usage is tested here.
options=$("$program" serve --help | grep -oE '^  --[a-z-]+' | tr -d ' ')
[ "$(echo "$options" | wc -l)" = 26 ] || fail 'the usage has other options than this test'
for option in $options; do
	grep -qE -e "($option|^(numbers=.)?${option#--}) " "$0" || fail "there is no test of $option"
done

# Numbers: NAME LEAST MOST. Both ends are taken: the refusal is the one of the address, which is judged later.
numbers='events-max 1 1000000000
bytes-max 256 2147483648
sessions-max 1 1048576
body-bytes-max 1 67108864
connections-max 1 1000000
connections-per-peer-max 1 1000000
requests-per-second 1 1000000
recorded-wait 1 600000
heartbeat 1000 60000
long-poll 1 600000
workers 1 64
linger 0 10000
drain 0 3600'
log="--log sqlite:$scratch/none.db"
while read -r name least most; do
	for value in $((least - 1)) $((most + 1)) -5 +5 5x 0x10 5.0 1e3 ' 5' '' 99999999999999999999; do
		refuses 2 "--$name takes a whole number from $least to $most, not '$value'" "--$name" "$value"
	done
	refuses 2 'requires an argument' "--$name"
	refuses 2 "--$name is given twice" "--$name" "$most" "--$name" "$most"
	for value in "$least" "$most"; do
		# shellcheck disable=SC2086 # words
		refuses 2 "listen: 'nowhere' is not a loopback" $log "--$name" "$value" --listen nowhere
	done
done <<NUMBERS
$numbers
NUMBERS

# Texts and flags.
for name in listen log schema tenant token-file tls-cert tls-key origin routes; do refuses 2 'requires an argument' "--$name"; done
for name in log schema tenant token-file tls-cert tls-key routes; do refuses 2 "--$name is given twice" "--$name" a "--$name" a; done
for name in reads-only insecure no-viewer quiet; do
	refuses 2 "--$name is given twice" "--$name" "--$name"
	refuses 2 "doesn't allow an argument" "--$name=1"
done
refuses 2 unrecognized --unknown
refuses 2 ambiguous --tls
refuses 2 'options alone' somewhere
refuses 2 'options alone' -- --quiet
refuses 2 '--log takes' --log file.db
refuses 2 '--log takes' --log ''
refuses 2 'needs a FILE' --log sqlite:
refuses 2 '--schema needs' --log "sqlite:$scratch/none.db" --schema s
refuses 2 '--schema needs --log' --schema s
refuses 2 '--reads-only needs --log' --reads-only
refuses 2 '--linger needs --log' --linger 5
refuses 2 '--recorded-wait needs --log' --recorded-wait 5
refuses 2 'need each other' --tls-cert "$scratch/c"
refuses 2 'need each other' --tls-key "$scratch/c"
long=$(printf '%0129d' 0)
for tenant in '' "$long" "$(printf '\377')"; do refuses 2 '--tenant takes' --tenant "$tenant"; done
# shellcheck disable=SC2046 # words
refuses 2 '8 times' $(for i in 1 2 3 4 5 6 7 8 9; do echo --listen 127.0.0.1:0; done)
# shellcheck disable=SC2046 # words
refuses 2 '64 times' $(for i in $(seq 65); do echo --origin "http://o$i.example"; done)

# Those that the library judges leave no log behind.
# shellcheck disable=SC2086 # words
{
	for address in nowhere '' 127.0.0.1 127.0.0.1: 127.0.0.1:65536 127.0.0.1:-1 localhost:80 :80 ::1:80 127.0.0.1:0x; do
		refuses 2 'REPRISE_E_INVALID.*listen' $log --listen "$address"
	done
	for address in 0.0.0.0:0 '[::]:0' 192.0.2.1:80; do refuses 2 "listen: '.*' is not a loopback address, and needs a token file" $log --listen "$address"; done
	for origin in '' app.example https:// '://x' 'https://a/path' 'https://*.example' 'https://a b'; do
		refuses 2 'REPRISE_E_INVALID.*origins' $log --origin "$origin"
	done
	refuses 2 'token_file: No such file' $log --token-file /there/is/no/such/file
	refuses 2 'token_file: not a regular file' $log --token-file /
	refuses 2 'routes_file: No such file' $log --routes /there/is/no/such/file
	refuses 2 'routes_file: not a regular file' $log --routes /
	printf '{"routes": [\n{"path": "/a/{session}", "to": "event"}]}\n' >"$scratch/routes"
	refuses 2 'routes_file: line 2: to is events, page or append' $log --routes "$scratch/routes"
	refuses 2 'tls_certificate_file' $log --tls-cert /there/is/none --tls-key /there/is/none
}
[ ! -e "$scratch/none.db" ] || fail 'a refused start has left a log behind'
refuses 1 REPRISE_E_NOT_FOUND --listen 127.0.0.1:0 --reads-only --log "sqlite:$scratch/none.db"
refuses 1 "No such file" --listen 127.0.0.1:0 --log "sqlite:$scratch/no/folder.db"
echo 'no database, but longer than the head of one: 100 bytes are needed here, so the line goes on and on' >"$scratch/text"
refuses 1 REPRISE_E_ --listen 127.0.0.1:0 --log "sqlite:$scratch/text"

need_curl

# All least numbers, and all greatest ones.
for column in 2 3; do
	values=$(echo "$numbers" | awk -v column=$column '{ print "--" $1, $column }')
	# shellcheck disable=SC2086 # words
	serve --log "sqlite:$scratch/numbers$column.db" $values
	answers 200 "$url/healthz"
	finish TERM 0
done

# --events-max and --bytes-max: the window has the newest events.
window() {
	serve "$@"
	for i in 1 2 3 4 5 6; do append one "{\"n\":$i,\"text\":\"$(printf '%0100d' 0)\"}"; done
	ask "$url/v1/sessions/one/events?from=oldest&limit=10"
	finish TERM 0
	! grep -q '"n":1,' "$scratch/answer" || fail "'$*' keeps too much"
	grep -q '"n":6,' "$scratch/answer" || fail "'$*' keeps too little"
}
window --events-max 4
window --bytes-max 512

# --sessions-max: no further session; the known one goes on. --body-bytes-max: one byte too many.
serve --sessions-max 1 --body-bytes-max 10
append one '{"n":1}'
has '"first":1'
append two '{"n":1}'
has too_many_sessions
append one '{"n":2}'
has '"first":2'
append one '{"n":3456}'
has '"first":3'
answers 413 -H 'Content-Type: application/json' -d '{"n":34567}' "$url/v1/sessions/one/events"
finish TERM 0

# --connections-max, --connections-per-peer-max: the second one is turned away; --heartbeat: the first one is kept alive.
for limit in '--connections-max 1 503' '--connections-per-peer-max 1 429'; do
	# shellcheck disable=SC2086 # words
	set -- $limit
	serve "$1" "$2" --heartbeat 1000
	follow one '' wait=1
	await "$scratch/stream" '^event: *hello'
	answers "$3" "$url/healthz"
	await "$scratch/stream" '^:'
	cut
	until_true is_code 200 "$url/healthz" || fail "'$1' keeps the place of a client that is gone"
	finish TERM 0
done

# --requests-per-second: of 30 at once some are turned away, and later ones are not.
serve --requests-per-second 1
# shellcheck disable=SC2046 # words
curl -sS --max-time 40 -w ' %{http_code}\n' $(for i in $(seq 30); do echo "$url/healthz"; done) >"$scratch/answer" 2>&1
has ' 200$'
has ' 429$'
until_true is_code 200 "$url/healthz" || fail 'the limit of requests does not end'
finish TERM 0

# --origin: CORS for a listed page alone.
origin() { curl -sS --max-time 40 -D "$scratch/answer" -o "$scratch/out" -H "Origin: $1" "$url/v1/sessions" 2>&1; }
# shellcheck disable=SC2046 # words
serve $(for i in $(seq 64); do echo --origin "https://o$i.example"; done)
origin https://o64.example
has '^Access-Control-Allow-Origin: https://o64.example'
origin https://o65.example
! grep -qi '^Access-Control' "$scratch/answer" || fail 'an origin that is not listed has access'
finish TERM 0
serve --origin '*'
origin https://any.example
has '^Access-Control-Allow-Origin:'
finish TERM 0

# --routes: a further path to the same session.
printf '{"routes": [{"path": "/chat/{session}", "to": "page", "unknown": 204}]}\n' >"$scratch/routes"
refuses 2 'unknown and ended are of events' --routes "$scratch/routes"
printf '{"routes": [{"path": "/chat/{session}", "to": "page"}]}\n' >"$scratch/routes"
serve --routes "$scratch/routes"
append one '{"n":1}'
ask "$url/chat/one"
has '"data":{"n":1}'
finish TERM 0

# --listen: up to 8 times, a line each; --insecure: other addresses, and other names.
# shellcheck disable=SC2046 # words
begin "$program" serve $(for i in $(seq 8); do echo --listen 127.0.0.$i:0; done)
[ "$(wc -l <"$scratch/url")" = 8 ] || fail 'eight addresses are not eight lines'
while read -r line; do answers 200 "$line/healthz"; done <"$scratch/url"
answers 403 -H 'Host: gateway.example' "$url/v1/sessions"
finish TERM 0
begin "$program" serve --insecure --listen 0.0.0.0:0
answers 200 -H 'Host: gateway.example' "http://127.0.0.1:${url##*:}/v1/sessions"
finish TERM 0
if grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
	begin "$program" serve --listen '[::1]:0'
	case $url in 'http://[::1]:'[1-9]*) ;; *) fail "the first line is $url" ;; esac
	answers 200 -g "$url/healthz"
	finish TERM 0
fi

# --tenant: the log has the session there, and the tokens of the tenant alone are taken. --linger, --workers, --schema: with a log.
umask 077
printf '%s\n' 'token-of-acme-0123456789 acme * admin' 'token-of-other-0123456789 other * admin' >"$scratch/tokens"
serve --tenant acme --token-file "$scratch/tokens" --log "sqlite:$scratch/acme.db" --linger 1 --workers 1
append one '{"n":1}' -H 'Authorization: Bearer token-of-acme-0123456789'
has '"recorded":true'
answers 401 -H 'Authorization: Bearer token-of-other-0123456789' "$url/v1/sessions"
finish TERM 0
[ "$("$program" log ls --json --tenant acme --file "$scratch/acme.db" | grep -c '"one"')" = 1 ] || fail 'the tenant has no session'
! "$program" log ls --json --file "$scratch/acme.db" | grep -q '"one"' || fail 'another tenant has the session'

# --no-viewer: the page at / is left out, and nothing else.
serve
answers 200 "$url/"
answers 200 "$url/viewer/viewer.css"
finish TERM 0
serve --no-viewer --workers 1
for path in / /viewer/viewer.css; do answers 404 "$url$path"; done
answers 200 "$url/v1/sessions"
finish TERM 0

# --quiet: failures are said, and nothing else.
serve --quiet --tenant acme --token-file "$scratch/tokens"
answers 401 "$url/v1/sessions"
answers 200 "$url/healthz"
echo nonsense >"$scratch/tokens"
kill -HUP "$served"
await "$scratch/lines" tokens_not_reloaded
[ "$(wc -l <"$scratch/lines")" = 1 ] || { fail '--quiet has other lines'; cat "$scratch/lines"; }
has_lines
finish TERM 0
exit $bad
