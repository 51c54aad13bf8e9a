#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command beside a PostgreSQL server of its own, or alone where there is none to be had.
# Usage: run.sh COMMAND [ARGUMENT ...]
#                             77: there is no nats-server
set -u
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v nats-server >/dev/null || { echo "run.sh: no nats-server here" >&2; exit 77; }
sh "$(dirname "$0")/../support/postgres.sh" "$@"
status=$?
[ $status = 77 ] || exit $status
exec "$@"
