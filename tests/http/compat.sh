#!/bin/sh
# SPDX-License-Identifier: MIT
# Sends the requests of vectors/ to the least program on the room http and to `reprise serve`, which must do with each as
# is expected, and for comparison to the servers that are installed: evhttp, Node and nginx. Prints a line for each section
# and server.
# Usage: compat.sh BUILD [--alone]   (the build folder; without the other servers)
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests
scratch=$(mktemp -d) || exit 1
started=
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$started" ] || kill $started 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

if [ ! -x "$programs/http_echo" ]; then
	echo 'no libevent: the HTTP server is left out' >&2
	exit 77
fi

# start COMMAND ...: a server that prints its address; the port is in $port
start() {
	"$@" >"$scratch/address" 2>"$scratch/errors" &
	started="$started $!"
	port=
	for _ in $(seq 100); do
		port=$(sed -n '1s/.*://p' "$scratch/address")
		[ -z "$port" ] || return 0
		sleep 0.05
	done
	cat "$scratch/errors" >&2
	return 1
}

# judge NAME [--gateway]: the three files, each with its sum
judge() {
	status=0
	for file in must checks cases; do
		"$programs/http_vectors" ${2:+"$2"} 127.0.0.1 "$port" "$1" "$here/vectors/$file.txt" || status=1
	done
	return $status
}

# nginx tells no port that it has chosen, so a port is chosen for it.
start_nginx() {
	port=$1
	cat >"$scratch/nginx.conf" <<CONF
daemon off;
master_process off;
pid $scratch/nginx.pid;
error_log /dev/null;
$2
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path $scratch/body;
	server {
		listen 127.0.0.1:$port;
		location / { default_type text/plain; $3 }
	}
}
CONF
	nginx -p "$scratch" -e /dev/null -c "$scratch/nginx.conf" >/dev/null 2>&1 &
	started="$started $!"
	for _ in $(seq 100); do
		[ ! -s "$scratch/nginx.pid" ] || return 0
		sleep 0.05
	done
	return 1
}

# start_serve PROGRAM: with a token the gateway takes any host.
start_serve() {
	export VECTORS_TOKEN=vectors-token-0001
	(umask 077 && echo "$VECTORS_TOKEN default * admin" >"$scratch/tokens") || return 1
	start "$1" serve --quiet --token-file "$scratch/tokens" --listen 127.0.0.1:0
}

start "$programs/http_echo" || exit 1
judge reprise
ours=$?
# Debian's Python has Debian's packages.
python=/usr/bin/python3
if [ -x $python ]; then
	$python "$here/judge.py" 127.0.0.1 "$port" || [ $? = 77 ] || ours=1
fi
if ! "$1/reprise" serve --help >/dev/null 2>&1; then
	echo 'serve      left out: this build has no gateway'
elif start_serve "$1/reprise"; then
	judge serve --gateway || ours=1
else
	ours=1
fi
[ "${2:-}" != --alone ] || exit $ours

export VECTORS_QUIET=1
if [ -x "$programs/http_evhttp" ] && start "$programs/http_evhttp"; then
	judge evhttp
else
	echo 'evhttp     left out: libevent_extra is not there'
fi
if command -v node >/dev/null && start node "$here/peers/echo.js"; then
	judge node
else
	echo 'node       left out: it is not installed'
fi
module=/usr/lib/nginx/modules/ngx_http_echo_module.so
if ! command -v nginx >/dev/null; then
	echo 'nginx      left out: it is not installed'
elif [ -f $module ]; then
	# shellcheck disable=SC2016 # nginx has the variable
	if start_nginx $((20000 + $$ % 20000)) "load_module $module;" 'echo_read_request_body; echo_request_body; echo -n "";'; then
		judge nginx
	fi
elif start_nginx $((20000 + $$ % 20000)) '' 'return 200 "OK";'; then
	judge nginx
fi
exit $ours
