#!/bin/sh
# SPDX-License-Identifier: MIT
# V33, V21, V54: the token file, the routes and the certificate of `reprise serve`: at the start, and at SIGHUP.
# Usage: tool_serve_reload.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
tokens=$scratch/tokens

# A file that is refused names the line, and never the token.
umask 077
good='admin-0123456789abcdef default * admin'
# refuses_line LINE WORDS TEXT ...: the text is a line of the file each
refuses_line() {
	line=$1 words=$2
	shift 2
	printf '%s\n' "$@" >"$tokens"
	refuses 2 "token_file: line $line: $words" --listen 127.0.0.1:0 --token-file "$tokens"
	! grep -q 0123456789 "$scratch/err" || fail 'an error has a token'
}
refuses_line 1 'a line is TOKEN TENANT PATTERN LEVEL' 'admin-0123456789abcdef default *'
refuses_line 4 'a line is TOKEN TENANT PATTERN LEVEL' "$good" '' '# a comment' 'writer-0123456789abcdef default * write more'
refuses_line 2 'the token is not 16 to 256 characters' "$good" '0123456789abcde default * read'
refuses_line 1 'the token is not 16 to 256 characters' "$(printf '%0257d' 0) default * read"
refuses_line 1 'the token is not 16 to 256 characters' 'admin,0123456789abcdef default * admin'
refuses_line 1 'the tenant is not' "admin-0123456789abcdef $(printf '%0129d' 0) * admin"
refuses_line 1 'the pattern is not' 'admin-0123456789abcdef default a*b admin'
refuses_line 1 'the pattern is not' 'admin-0123456789abcdef default ** admin'
refuses_line 1 'the level is not' 'admin-0123456789abcdef default * Admin'
refuses_line 3 'the token is there already' "$good" '' 'admin-0123456789abcdef default chat-* read'
# A line of another tenant is checked like the others.
refuses_line 1 'the level is not' 'admin-0123456789abcdef other * nonsense'
printf '%s\n' "$good" >"$tokens"
for mode in 640 604 602 620; do
	chmod $mode "$tokens"
	refuses 2 'token_file: other users may read or write the file: chmod 600' --listen 127.0.0.1:0 --token-file "$tokens"
done
chmod 600 "$tokens"
printf '\377\n' >"$tokens"
refuses 2 'token_file: the file is not UTF-8' --listen 127.0.0.1:0 --token-file "$tokens"
mkfifo "$scratch/fifo"
refuses 2 'token_file: not a regular file' --listen 127.0.0.1:0 --token-file "$scratch/fifo"
# Credentials of systemd belong to root, and have the mode 0440 with an access list that names the service alone.
if [ "$(id -u)" = 0 ]; then
	printf '%s\n' "$good" >"$tokens"
	chown 0:0 "$tokens"
	chmod 440 "$tokens"
	serve --token-file "$tokens"
	finish TERM 0
	chmod 444 "$tokens"
	refuses 2 'chmod 600' --listen 127.0.0.1:0 --token-file "$tokens"
	chmod 600 "$tokens"
fi

need_curl
# token TOKEN STATUS METHOD PATH [CURL OPTION ...]
token() {
	bearer=$1 wanted=$2 method=$3 path=$4
	shift 4
	got=$(code -X "$method" -H "Authorization: Bearer $bearer" "$@" "$url$path")
	[ "$got" = "$wanted" ] || fail "$method $path with $bearer is answered with $got, not $wanted"
}
json='Content-Type: application/json'
cat >"$tokens" <<'TOKENS'
# Levels and patterns; tabs, CRLF and empty lines.

admin-0123456789abcdef	default	*	admin
writer-0123456789abcdef default chat-* write
reader-0123456789abcdef default chat-1 read
other-0123456789abcdef  other * admin
TOKENS
printf 'crlf-0123456789abcdef default * read\r\n' >>"$tokens"
serve --token-file "$tokens"
token writer-0123456789abcdef 200 POST /v1/sessions/chat-1/events -H "$json" -d '{}'
token writer-0123456789abcdef 403 POST /v1/sessions/talk-1/events -H "$json" -d '{}'
token writer-0123456789abcdef 200 GET '/v1/sessions/chat-1/events?limit=1'
token writer-0123456789abcdef 403 DELETE /v1/sessions/chat-1
token writer-0123456789abcdef 403 GET /metrics
token reader-0123456789abcdef 200 GET '/v1/sessions/chat-1/events?limit=1'
token reader-0123456789abcdef 403 GET '/v1/sessions/chat-2/events?limit=1'
token reader-0123456789abcdef 403 POST /v1/sessions/chat-1/events -H "$json" -d '{}'
token crlf-0123456789abcdef 200 GET '/v1/sessions/chat-1/events?limit=1'
token crlf-0123456789abcdef 403 POST /v1/sessions/chat-1/events -H "$json" -d '{}'
token other-0123456789abcdef 401 GET /v1/sessions
token admin-0123456789abcde 401 GET /v1/sessions
token admin-0123456789abcdef0 401 GET /v1/sessions
token admin-0123456789abcdef 200 GET /metrics
token admin-0123456789abcdef 204 DELETE /v1/sessions/chat-1
answers 401 "$url/v1/sessions"
answers 200 "$url/healthz"

# SIGHUP: a token that has gone is refused, and its open stream goes on to the end.
token writer-0123456789abcdef 200 POST /v1/sessions/chat-2/events -H "$json" -d '{"n":1}'
follow chat-2 '' from=oldest -H 'Authorization: Bearer writer-0123456789abcdef'
await "$scratch/stream" '"n":1'
printf 'second-0123456789abcdef default * admin\n' >"$tokens"
kill -HUP "$served"
await "$scratch/lines" tokens_reloaded
token second-0123456789abcdef 200 GET /v1/sessions
token admin-0123456789abcdef 401 GET /v1/sessions
token writer-0123456789abcdef 401 GET '/v1/sessions/chat-2/events?limit=1'
token second-0123456789abcdef 200 POST /v1/sessions/chat-2/events -H "$json" -d '{"n":2}'
await "$scratch/stream" '"n":2'
cut

# A bad file changes nothing, and the own log says which line is wrong; a file that is gone, too; then a good one.
printf 'third-0123456789abcdef default * admin\nbad\n' >"$tokens"
kill -HUP "$served"
await "$scratch/lines" 'tokens_not_reloaded.*line 2: '
token second-0123456789abcdef 200 GET /v1/sessions
token third-0123456789abcdef 401 GET /v1/sessions
rm "$tokens"
kill -HUP "$served"
await "$scratch/lines" 'tokens_not_reloaded.*No such file'
token second-0123456789abcdef 200 GET /v1/sessions
: >"$tokens"
kill -HUP "$served"
until_true is_code 401 -H 'Authorization: Bearer second-0123456789abcdef' "$url/v1/sessions" || fail 'an empty file permits something'
! grep -q 0123456789 "$scratch/lines" || fail 'the own log has a token'
has_lines
finish TERM 0

# SIGHUP: the routes. A stream of the old ones goes on; a bad file changes nothing.
routes=$scratch/routes
map() { printf '{"routes": [\n{"path": "/%s/{session}", "to": "%s"}]}\n' "$1" "$2" >"$routes"; }
map old events
serve --routes "$routes"
append one '{"n":1}'
: >"$scratch/stream"
curl -sSN --max-time 40 "$url/old/one" >"$scratch/stream" 2>&1 &
stream=$!
await "$scratch/stream" '"n":1'
map new page
kill -HUP "$served"
await "$scratch/lines" '"routes_reloaded"'
answers 404 "$url/old/one"
answers 200 "$url/new/one"
append one '{"n":2}'
await "$scratch/stream" '"n":2'
map third nothing
kill -HUP "$served"
await "$scratch/lines" '"level":"error","event":"routes_not_reloaded".*line 2: to is events'
answers 200 "$url/new/one"
answers 404 "$url/third/one"
cut
has_lines
finish TERM 0

command -v openssl >/dev/null || { echo 'tool: openssl is not installed: certificates are not tested'; exit $bad; }
# certificate NAME: writes NAME.crt and NAME.key
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 2 -keyout "$scratch/$1.key" \
		-out "$scratch/$1.crt" -addext 'subjectAltName=IP:127.0.0.1' >/dev/null 2>&1 || fail 'openssl makes no certificate'
}
use() { cat "$scratch/$1.crt" >"$scratch/crt"; cat "$scratch/$2.key" >"$scratch/key"; }
certificate first
certificate second
openssl ec -in "$scratch/first.key" -aes256 -passout pass:secret -out "$scratch/locked.key" 2>/dev/null
echo text | tee "$scratch/text.crt" >"$scratch/text.key"
tls="--tls-cert $scratch/crt --tls-key $scratch/key"

# Bad files are refused at the start. A key with a passphrase is refused without a question to a terminal.
# shellcheck disable=SC2086 # words
{
	use first second
	refuses 2 'tls_key_file: key values mismatch' $tls
	use text first
	refuses 2 'tls_certificate_file: no start line' $tls
	use first text
	refuses 2 'tls_key_file: ' $tls
	use first locked
	refuses 2 'tls_key_file: the key has a passphrase' $tls
	refuses 2 'tls_certificate_file: No such file' --tls-cert "$scratch/none" --tls-key "$scratch/key"
	refuses 2 'tls_key_file: No such file' --tls-cert "$scratch/crt" --tls-key "$scratch/none"
	if command -v script >/dev/null; then
		timeout 20 script -qec "'$program' serve --listen 127.0.0.1:0 $tls" /dev/null </dev/null >"$scratch/out" 2>&1
		[ $? = 2 ] && ! grep -qi 'pass phrase' "$scratch/out" || { fail 'asks the terminal for a passphrase'; cat "$scratch/out"; }
	fi
	use first first
	serve $tls
}
case $url in https://*) ;; *) fail "the first line is $url" ;; esac
trusts() { answers 200 --cacert "$scratch/$1.crt" "$url/healthz"; }
distrusts() { answers 000 --cacert "$scratch/$1.crt" "$url/healthz"; }
trusts first
distrusts second
answers 000 -k --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' "$url/healthz"
answers 000 "http://${url#https://}/healthz"

# SIGHUP: a new connection sees the new certificate; an old stream goes on.
append one '{"n":1}' --cacert "$scratch/first.crt"
follow one '' from=oldest --cacert "$scratch/first.crt"
await "$scratch/stream" '"n":1'
use second second
kill -HUP "$served"
await "$scratch/lines" certificate_reloaded
trusts second
distrusts first
append one '{"n":2}' --cacert "$scratch/second.crt"
await "$scratch/stream" '"n":2'

# Bad files keep the certificate, and are said: no certificate, a foreign key, a locked key, no file.
count=0
has_count() { [ "$(grep -c '"level":"error","event":"certificate_not_reloaded".*"what":' "$scratch/lines")" = $count ]; }
for names in 'text second' 'second first' 'first locked' none; do
	if [ "$names" = none ]; then
		rm "$scratch/crt"
	else
		# shellcheck disable=SC2086 # words
		use $names
	fi
	kill -HUP "$served"
	count=$((count + 1))
	until_true has_count || { fail "says nothing of $names"; cat "$scratch/lines"; }
	trusts second
done
append one '{"n":3}' --cacert "$scratch/second.crt"
await "$scratch/stream" '"n":3'
use first first
kill -HUP "$served"
until_true is_code 200 --cacert "$scratch/first.crt" "$url/healthz" || fail 'a good certificate is not taken behind bad ones'
has_lines
finish TERM 0
wait $stream 2>/dev/null
stream=
grep -q '^event: *bye' "$scratch/stream" || { fail 'a stream over TLS gets no bye'; cat "$scratch/stream"; }
exit $bad
