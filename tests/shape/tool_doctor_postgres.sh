#!/bin/sh
# SPDX-License-Identifier: MIT
# V94: `reprise doctor` about a log in PostgreSQL.
# Usage: tool_doctor_postgres.sh PROGRAM FILL     (FILL is tool_log_fill; beside postgres.sh)
program=$1
fill=$2
bad=0
fail() { echo "tool: $*"; bad=1; }
: "${REPRISE_POSTGRES:?}"
scratch=$(mktemp -d) || exit 1
pooler=
trap '[ -z "$pooler" ] || kill -KILL "$pooler" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# doctor STATUS CONNECTION [OPTION ...]
doctor() {
	wanted=$1 connection=$2
	shift 2
	timeout 60 "$program" doctor --log "postgres:$connection" "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$wanted" ] || { fail "'$connection $*' answered $got, not $wanted"; cat "$scratch/out" "$scratch/err"; }
}
finds() {
	grep -qE -e "^$1 +$2 +.*$3" "$scratch/out" || { fail "no finding '$1 $2 $3'"; cat "$scratch/out"; }
}
lacks() { ! grep -qE -e " $1 +" "$scratch/out" || { fail "there is a finding of $1"; cat "$scratch/out"; }; }
sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$REPRISE_POSTGRES" -c "$1" >/dev/null || fail "psql: $1"; }

doctor 1 'host=/there/is/none'
finds fail log-server 'cannot be reached: .*No such file'
doctor 1 "$REPRISE_POSTGRES nonsense=1"
finds fail log-server 'cannot be reached: .*invalid connection option'
doctor 1 "$REPRISE_POSTGRES dbname=nowhere"
finds fail log-server 'does not exist'

# No log yet: nothing is created.
doctor 0 "$REPRISE_POSTGRES"
finds ok log-server 'PostgreSQL [1-9]'
finds ok log-clock '\+0.000 s from'
finds warn log-durable 'fsync is off'
finds ok log-write 'may create the schema reprise'
finds warn log-open REPRISE_E_NOT_FOUND
doctor 0 "$REPRISE_POSTGRES"
finds warn log-open REPRISE_E_NOT_FOUND

"$fill" postgres "$REPRISE_POSTGRES" || exit 1
doctor 0 "$REPRISE_POSTGRES" --tenant default
finds ok log-write 'may write into the schema reprise'
finds ok log-open 'schema of this library'
finds ok log-tenant 'default has 2 threads'
finds warn log-role 'the role is a superuser'
doctor 0 "$REPRISE_POSTGRES" --schema other
finds ok log-write 'may create the schema other'

command -v psql >/dev/null || { echo 'tool: psql is not installed'; exit $bad; }
sql 'CREATE ROLE reads LOGIN; GRANT USAGE ON SCHEMA reprise TO reads; GRANT SELECT ON ALL TABLES IN SCHEMA reprise TO reads'
doctor 1 "$REPRISE_POSTGRES user=reads"
finds fail log-write 'reads may not write into the schema reprise'
finds ok log-role 'keeps tenants apart'
sql 'REVOKE CREATE ON DATABASE postgres FROM PUBLIC'
doctor 1 "$REPRISE_POSTGRES user=reads" --schema other
finds fail log-write 'schema other does not exist, and the role reads may not create'
sql 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise TO reads'
doctor 0 "$REPRISE_POSTGRES user=reads"
finds ok log-write 'reads may write into the schema reprise'
sql 'ALTER ROLE reads SET default_transaction_read_only = on'
doctor 1 "$REPRISE_POSTGRES user=reads"
finds fail log-write 'takes no writes'
sql 'ALTER ROLE reads RESET default_transaction_read_only'

# Schemas of other versions, and of another application.
version=$(psql -X -q -A -t -d "$REPRISE_POSTGRES" -c 'SELECT version FROM reprise.about')
sql 'UPDATE reprise.about SET version = 99'
doctor 1 "$REPRISE_POSTGRES"
finds fail log-open 'REPRISE_E_VERSION.*newer'
lacks log-tenant
sql 'UPDATE reprise.about SET version = 1'
doctor 0 "$REPRISE_POSTGRES"
finds warn log-open 'REPRISE_E_VERSION.*older'
sql 'CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.things (n integer)'
doctor 1 "$REPRISE_POSTGRES" --schema foreign_one
finds fail log-open 'REPRISE_E_CORRUPT.*another application'
doctor 1 "$REPRISE_POSTGRES" --schema 'no such "name'
finds fail log-open REPRISE_E_INVALID

# A pooler that gives each transaction another session, and a pooler that keeps sessions.
pgbouncer=$(command -v pgbouncer || ls /usr/sbin/pgbouncer 2>/dev/null)
sql "UPDATE reprise.about SET version = $version"
for mode in transaction session; do
	[ -n "$pgbouncer" ] || { echo 'tool: skipped the pooler: pgbouncer is not installed'; break; }
	chmod 777 "$scratch"
	printf '[databases]\npostgres = host=%s port=5432 user=postgres\n[pgbouncer]\nunix_socket_dir = %s\nlisten_port = 6432\nauth_type = any\npool_mode = %s\nlogfile = %s/log\n' \
		"$REPRISE_POSTGRES_SERVER" "$scratch" $mode "$scratch" >"$scratch/settings"
	set -- -q "$scratch/settings"
	[ "$(id -u)" != 0 ] || set -- -u postgres "$@"
	"$pgbouncer" "$@" >/dev/null 2>&1 &
	pooler=$!
	pooled="host=$scratch port=6432 dbname=postgres user=postgres"
	tries=300
	until psql -X -q -d "$pooled" -c 'SELECT 1' >/dev/null 2>&1 || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
	if [ $mode = transaction ]; then
		doctor 1 "$pooled"
		finds fail log-open 'REPRISE_E_INVALID.*a pooler shares server sessions'
	else
		doctor 0 "$pooled"
		finds ok log-open 'schema of this library'
	fi
	kill -KILL $pooler
	wait $pooler 2>/dev/null
	pooler=
done

# A server that takes connections, and does not answer.
sh "$REPRISE_POSTGRES_CONTROL" --pause
doctor 1 "$REPRISE_POSTGRES"
finds fail log-server 'cannot be reached'
sh "$REPRISE_POSTGRES_CONTROL" --resume
exit $bad
