#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a PostgreSQL server, runs a command, and stops the server. The server has a temporary folder and a Unix
# socket, and no TCP port. If the caller is root, the server runs as another user. The exit status is the status
# of the command.
# Usage: postgres.sh [--durable] COMMAND [ARGUMENT ...]
#        With --durable the server calls fsync. Exit status 77: PostgreSQL is not installed, or cannot be run.
#        postgres.sh --restart | --kill | --start | --pause | --resume
#        For the command: acts on the server that was started for the command. --kill sends SIGKILL.
#
# The command gets these variables:
#   REPRISE_POSTGRES          the connection string of a superuser
#   REPRISE_POSTGRES_SERVER   the server's folder
#   REPRISE_POSTGRES_CONTROL  the path of this script
set -u

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

programs=$(for bin in /usr/lib/postgresql/*/bin; do
	[ -x "$bin/initdb" ] && echo "$bin"
done | sort -t / -k 5 -n | tail -n 1)
if [ -z "$programs" ]; then
	initdb=$(command -v initdb) || { say "PostgreSQL is not installed"; exit 77; }
	programs=$(dirname "$initdb")
fi

# as_server COMMAND ...: runs the command as another user if the caller is root, because the server refuses root
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
		say "root cannot run the server, and there is no other user or no setpriv"
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
			say "the server does not start; its log:"
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

# Kills all processes at once, as if the machine went down, and waits for their end.
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
--clean) # for the process that waits for a killed script
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
[ $# -gt 0 ] || { sed -n '3,/^set/s/^# //p' "$0" >&2; exit 2; }

script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
# A socket's path has at most 107 bytes.
where=${TMPDIR:-/tmp}
[ ${#where} -le 70 ] || where=/tmp
folder=$(mktemp -d "$where/reprise-postgres.XXXXXX") || exit 1
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ -z "$user" ] || chown "$user" "$folder"

# If this script is killed, a process outside of its session stops the server and removes the folder.
# shellcheck disable=SC2016 # what is in it is for that shell
(setsid sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; sh "$2" --clean "$3"' \
	sh $$ "$script" "$folder" </dev/null >/dev/null 2>&1 &)

if ! (cd "$folder" && as_server "$programs/initdb" -A trust -N --no-instructions -U postgres -E UTF8 \
	--locale=C -D "$folder/data") >"$folder/initdb" 2>&1 </dev/null; then
	say "initdb failed; its output:"
	cat "$folder/initdb" >&2
	exit 1
fi

# quoted TEXT: the text in single quotes, with each inner quote doubled
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
