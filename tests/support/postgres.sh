#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command beside a PostgreSQL server of its own, in a scratch folder, on a Unix socket alone, and answers
# as the command does. As root the server runs as an ordinary user.
# Usage: postgres.sh [--durable] COMMAND [ARGUMENT ...]
#                             77: there is no server to be had. --durable: it calls fsync
#        postgres.sh --restart | --kill | --start | --pause | --resume
#                             by the command: the server it runs beside. --kill: by SIGKILL
#
# The command finds in its environment:
#   REPRISE_POSTGRES          how to connect, as a superuser
#   REPRISE_POSTGRES_SERVER   the server's folder
#   REPRISE_POSTGRES_CONTROL  this script
set -u

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

programs=$(for bin in /usr/lib/postgresql/*/bin; do
	[ -x "$bin/initdb" ] && echo "$bin"
done | sort -t / -k 5 -n | tail -n 1)
if [ -z "$programs" ]; then
	initdb=$(command -v initdb) || { say "no PostgreSQL server here"; exit 77; }
	programs=$(dirname "$initdb")
fi

# as_server COMMAND ...: root may not run it
as_server() {
	if [ "$(id -u)" != 0 ]; then
		"$@"
	else
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
	fi
}

user=
if [ "$(id -u)" = 0 ]; then
	for user in postgres nobody ''; do
		[ -z "$user" ] || ! id "$user" >/dev/null 2>&1 || break
	done
	if [ -z "$user" ] || ! command -v setpriv >/dev/null; then
		say "root may not run it, and there is nobody else"
		exit 77
	fi
fi

# After a SIGKILL the server's children take a moment to notice.
start() {
	tries=100
	until (cd "$folder" && as_server "$programs/pg_ctl" -D "$folder/data" -s -w -t 60 \
		-l "$folder/log" start) >/dev/null 2>&1 </dev/null; do
		tries=$((tries - 1))
		if [ $tries = 0 ]; then
			cat "$folder/log" >&2
			return 1
		fi
		sleep 0.1
	done
}

stop() {
	(cd "$folder" && as_server "$programs/pg_ctl" -D "$folder/data" -s -w -t 60 -m "$1" stop) \
		>/dev/null 2>&1 </dev/null
}

pid() { head -n 1 "$folder/data/postmaster.pid"; }

# The server and its children.
processes() {
	server=$(pid 2>/dev/null)
	[ -n "$server" ] || return 0
	for process in /proc/[0-9]*; do
		parent=$(sed -n 's/^PPid:[ \t]*//p' "$process/status" 2>/dev/null)
		if [ "${process#/proc/}" = "$server" ] || [ "$parent" = "$server" ]; then
			echo "${process#/proc/}"
		fi
	done
}

# each_process SIGNAL
each_process() {
	for process in $(processes); do
		kill -s "$1" "$process" 2>/dev/null
	done
}

# All of it at once, as when the machine goes down; until they are gone.
kill_all() {
	all=$(processes)
	for process in $all; do kill -s KILL "$process" 2>/dev/null; done
	for process in $all; do
		tries=100
		while [ $tries -gt 0 ] && grep -q '^State:[ \t]*[^ZX]' "/proc/$process/status" 2>/dev/null; do
			tries=$((tries - 1))
			sleep 0.05
		done
	done
}

clean() {
	if [ -e "$folder/data/postmaster.pid" ]; then
		each_process CONT
		stop immediate
	fi
	rm -rf "$folder"
}

command=${1:-}
case $command in
--restart | --kill | --start | --pause | --resume)
	folder=$REPRISE_POSTGRES_SERVER
	case $command in
	--restart) stop fast && start ;;
	--kill) kill_all ;;
	--start) start ;;
	--pause) each_process STOP ;;
	--resume) each_process CONT ;;
	esac
	exit
	;;
--clean) # by the one that waits for a script that was killed
	folder=$2
	clean
	exit
	;;
esac

fsync=off
if [ "$command" = --durable ]; then
	fsync=on
	shift
fi
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2; }

script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
# A socket's path has at most 107 bytes.
where=${TMPDIR:-/tmp}
[ ${#where} -le 70 ] || where=/tmp
folder=$(mktemp -d "$where/reprise-postgres.XXXXXX") || exit 1
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ -z "$user" ] || chown "$user" "$folder"

# Who is killed cleans nothing: somebody who is not its child does.
# shellcheck disable=SC2016 # what is in it is for that shell
(setsid sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; sh "$2" --clean "$3"' \
	sh $$ "$script" "$folder" </dev/null >/dev/null 2>&1 &)

if ! (cd "$folder" && as_server "$programs/initdb" -A trust -N --no-instructions -U postgres -E UTF8 \
	--locale=C -D "$folder/data") >"$folder/initdb" 2>&1 </dev/null; then
	cat "$folder/initdb" >&2
	exit 1
fi

# quoted TEXT: in single quotes, where those are doubled
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }
{
	echo "listen_addresses = ''"
	echo "unix_socket_directories = $(quoted "\"$folder\"")"
	echo "fsync = $fsync"
	echo "autovacuum = off"
	echo "shared_buffers = 32MB"
	echo "max_connections = 40"
} >>"$folder/data/postgresql.conf"
start || exit 1

# shellcheck disable=SC2089 # the quotes are libpq's
REPRISE_POSTGRES="host='$(printf '%s' "$folder" | sed "s/[\\\\']/\\\\&/g")' dbname=postgres user=postgres"
REPRISE_POSTGRES_SERVER=$folder
REPRISE_POSTGRES_CONTROL=$script
# shellcheck disable=SC2090
export REPRISE_POSTGRES REPRISE_POSTGRES_SERVER REPRISE_POSTGRES_CONTROL
"$@"
