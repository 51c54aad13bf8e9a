#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx and Caddy in front of `reprise serve`, with HTTP/2 over TLS: the examples of src/gateway/PROXIES.md, with other ports
# and files. A line for each proxy counts the checks; a proxy that is not installed is skipped, and so are the 100
# EventSources of a page without Chromium, Node or npm.
# Usage: proxies.sh BUILD     (the build folder)
here=$(cd "$(dirname "$0")" && pwd)
build=$1
program=$build/reprise
page=$here/../../../src/gateway/PROXIES.md
name=agents.example
scratch=$(mktemp -d) || exit 1
gateway='' proxy='' stream=''
bad=0 checks=0
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	for process in $gateway $proxy $stream; do kill -KILL "$process" 2>/dev/null; done
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

skip() { echo "$*" >&2; exit 77; }
command -v curl >/dev/null || skip 'curl is not installed'
curl --version | grep -q HTTP2 || skip 'curl has no HTTP/2'
command -v openssl >/dev/null || skip 'openssl is not installed'
"$program" serve --listen nowhere 2>&1 | grep -q libevent && skip 'no libevent: the gateway is left out'

fail() { echo "proxies: $label: $*"; bad=1; }
until_true() {
	tries=300
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}
# check WORDS COMMAND ...: waits until the command succeeds
check() {
	words=$1
	shift
	checks=$((checks + 1))
	until_true "$@" || fail "$words"
}
in_file() { grep -q -e "$2" "$1" 2>/dev/null; }

# The gateway. The heartbeat is an argument: no byte but an event's may push an event through a buffer.
start_gateway() {
	: >"$scratch/url"
	"$program" serve --quiet --listen 127.0.0.1:0 --token-file "$scratch/tokens" --log "sqlite:$scratch/sessions.db" \
		--heartbeat "$1" >"$scratch/url" 2>"$scratch/lines" &
	gateway=$!
	until_true in_file "$scratch/url" '^http' || { cat "$scratch/lines"; exit 1; }
	url=$(head -n 1 "$scratch/url")
}
# example LANGUAGE: the block of the page, with the ports and files of this test
example() {
	awk -v fence="\`\`\`$1" '$0 == "```" { is_in = 0 } is_in { print } $0 == fence { is_in = 1 }' "$page" |
		sed -e "s|127.0.0.1:8470|${url#http://}|" -e "s|/etc/ssl/agents|$scratch/agents|g" \
			-e "s|listen 443|listen 127.0.0.1:$port|" -e "s|^$name {|$name:$port {\n\tbind 127.0.0.1|" \
			-e "s|proxy_read_timeout 60s|proxy_read_timeout ${patience}s|"
}
# start_proxy KIND: the page's example, with all that a whole configuration needs
start_proxy() {
	port=$((10000 + ($$ * 7 + checks) % 20000)) # below the ports that the kernel gives to connections
	case $1 in
	nginx)
		{
			printf '%s\n' 'daemon off;' 'master_process off;' "pid $scratch/pid;" "error_log $scratch/error.log;" \
				'events { }' 'http {' 'access_log off;' "client_body_temp_path $scratch/body;" \
				"proxy_temp_path $scratch/proxy;"
			example nginx
			echo '}'
		} >"$scratch/conf"
		nginx -p "$scratch" -e "$scratch/error.log" -c "$scratch/conf" >"$scratch/error.log" 2>&1 &
		;;
	caddy)
		{
			printf '{\n\tadmin off\n\tauto_https disable_redirects\n}\n'
			example caddy
		} >"$scratch/conf"
		HOME=$scratch XDG_DATA_HOME=$scratch XDG_CONFIG_HOME=$scratch caddy run --config "$scratch/conf" --adapter caddyfile \
			>"$scratch/error.log" 2>&1 &
		;;
	esac
	proxy=$!
	until_true is_up || { fail 'does not start'; cat "$scratch/error.log" "$scratch/conf"; exit 1; }
}
# Through the proxy, by HTTP/2. run=exec: instead of the subshell, so that $! is curl.
run=
through() {
	$run curl -sS --http2 --cacert "$scratch/agents.crt" --resolve "$name:$port:127.0.0.1" \
		-H 'Authorization: Bearer admin-0123456789abcdef' --max-time 60 "$@"
}
base() { echo "https://$name:$port/v1/sessions"; }
is_up() { [ "$(through -o "$scratch/out" -w '%{http_version} %{http_code}' "$(base)" 2>/dev/null)" = '2 200' ]; }
stop() {
	for process in "$@"; do
		kill "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
}
append() { through -H 'Content-Type: application/json' -d "$2" "$(base)/$1/events" >"$scratch/answer" 2>&1; }
# follow SESSION QUERY [OPTION ...]
follow() {
	session=$1 query=$2
	shift 2
	: >"$scratch/stream"
	(run=exec; through -N "$@" "$(base)/$session/events?$query") >"$scratch/stream" 2>&1 &
	stream=$!
}
cut() {
	stop $stream
	stream=
}
gauge() {
	curl -sS --max-time 20 -H 'Authorization: Bearer admin-0123456789abcdef' "$url/metrics" >"$scratch/metrics" 2>&1
	grep -q "^reprise_gateway_$1 $2\$" "$scratch/metrics"
}

# The checks. A stream gets each event at once: the next bytes would come with the heartbeat, after a minute.
check_stream() {
	append one '{"n":1}'
	check 'an append has no answer' in_file "$scratch/answer" '"recorded":true'
	follow one from=oldest
	check 'the first event does not come at once' in_file "$scratch/stream" '"n":1'
	append one '{"n":2}'
	check 'the second event does not come at once' in_file "$scratch/stream" '"n":2'
	[ "$(wc -c <"$scratch/stream")" -lt 1000 ] || fail 'the stream has other bytes'
	cut
	check 'the gateway keeps the stream of a client that is gone' gauge streams 0
	id=$(sed -n 's/^id: *//p' "$scratch/stream" | head -n 2 | tail -n 1)
	follow one '' -H "Last-Event-ID: $id"
	check 'a resumed stream has no event' in_file "$scratch/stream" '"n":2'
	! grep -q '"n":1' "$scratch/stream" || fail 'a resumed stream begins too early'
	cut
	through "$(base)/one/events?limit=1" >"$scratch/answer" 2>&1
	check 'a page has no event' in_file "$scratch/answer" '"n":1'
	check 'a refusal does not arrive' is_refused
}
is_refused() { [ "$(through -o "$scratch/out" -w '%{http_code}' "$(base)/none/events?limit=1")" = 404 ]; }

# Ten streams over one connection, each with the events of its session, until the sessions end.
check_ten() {
	set --
	for i in 1 2 3 4 5 6 7 8 9 10; do
		append "ten-$i" "{\"session\":$i}"
		set -- "$@" -o "$scratch/ten-$i" "$(base)/ten-$i/events?from=oldest"
	done
	(run=exec; through --parallel --parallel-max 20 -N -w '%{http_version} %{local_port} %{http_code}\n' "$@") \
		>"$scratch/ten" 2>"$scratch/err" &
	stream=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do check "the stream $i has no event" in_file "$scratch/ten-$i" "\"session\":$i}"; done
	check 'there are not ten streams at once' gauge streams 10
	for i in 1 2 3 4 5 6 7 8 9 10; do through -X POST "$(base)/ten-$i/end" -H 'Content-Type: application/json' >/dev/null 2>&1; done
	wait $stream
	stream=
	checks=$((checks + 1))
	sed -n 's/^2 [0-9]* 200$/&/p' "$scratch/ten" | sort | uniq -c | grep -q '^ *10 ' ||
		{ fail 'ten streams do not share one connection of HTTP/2'; cat "$scratch/ten" "$scratch/err"; }
	for i in 1 2 3 4 5 6 7 8 9 10; do check "the stream $i has no end" in_file "$scratch/ten-$i" '^event: *end'; done
}

# 100 EventSources in one page of Chromium, over one connection.
check_hundred() {
	if ! sh "$here/../viewer/compat.sh" "$build" --install >"$scratch/hundred" 2>&1; then
		tail -n 1 "$scratch/hundred" | sed 's/^viewer: /100 EventSources: /'
		return
	fi
	cp "$here/hundred.mjs" "$build/compat/viewer/"
	checks=$((checks + 1))
	node "$build/compat/viewer/hundred.mjs" "https://$name:$port" "$url" admin-0123456789abcdef >"$scratch/hundred" 2>&1 ||
		fail "$(cat "$scratch/hundred")"
	[ $bad != 0 ] || echo "$label: $(cat "$scratch/hundred")"
}

# An idle stream outlives the proxy's patience by its heartbeats; without heartbeats it does not.
check_idle() {
	append idle '{"n":1}'
	follow idle from=oldest
	check 'no heartbeats come' has_heartbeats
	append idle '{"n":2}'
	check 'an idle stream is cut' in_file "$scratch/stream" '"n":2'
}
has_heartbeats() { [ "$(grep -c '^:' "$scratch/stream")" -ge $((patience + 2)) ]; }
check_bye() {
	kill -TERM $gateway
	check 'bye does not arrive' in_file "$scratch/stream" '^event: *bye'
	wait $gateway || fail 'the gateway has not ended well'
	gateway=
	cut
}
check_cut() {
	append idle '{"n":3}'
	follow idle ''
	check 'the impatient proxy does not cut a silent stream' is_over
	stream=
}
is_over() { ! kill -0 $stream 2>/dev/null; }

check_proxy() {
	label=$1 checks=0 before=$bad bad=0 patience=60
	rm -rf "$scratch/sessions.db"*
	start_gateway 60000
	start_proxy "$1"
	check_stream
	check_ten
	check_hundred
	stop $proxy $gateway
	patience=3
	start_gateway 1000
	start_proxy "$1"
	check_idle
	check_bye
	stop $proxy
	if [ "$1" = nginx ]; then
		start_gateway 60000
		start_proxy "$1"
		check_cut
		stop $proxy $gateway
	fi
	gateway= proxy=
	if [ $bad = 0 ]; then
		echo "$2: $checks checks passed"
		bad=$before
	else
		echo "$2: FAILED"
		tail -n 5 "$scratch/error.log"
	fi
}

(umask 077; echo 'admin-0123456789abcdef default * admin' >"$scratch/tokens")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -days 2 -keyout "$scratch/agents.key" \
	-out "$scratch/agents.crt" -addext "subjectAltName=DNS:$name" >/dev/null 2>&1 || exit 1
ran=0
for kind in nginx caddy; do
	if ! command -v $kind >/dev/null; then
		echo "$kind: skipped: it is not installed"
		continue
	fi
	ran=$((ran + 1))
	case $kind in
	nginx) check_proxy nginx "$(nginx -v 2>&1 | sed 's/.*: //')" ;;
	caddy) check_proxy caddy "caddy/$(caddy version | sed 's/ .*//')" ;;
	esac
done
[ $ran -gt 0 ] || exit 77
exit $bad
