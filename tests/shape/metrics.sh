#!/bin/sh
# SPDX-License-Identifier: MIT
# V101 and V103: the text of /metrics is well-formed, and METRICS.md, its alert rules and the dashboard name the metrics
# that there are: no more and no fewer.
# Usage: metrics.sh PROGRAM MANAGER UNITS PROJECT     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
project=$4
need_curl
command -v python3 >/dev/null || { echo 'shape: python3 is not installed'; exit 77; }
judge() { python3 "$project/tests/gateway/metrics_judge.py" "$@"; }

judge --self-test || fail 'the judge takes what it must refuse'
serve --log "sqlite:$scratch/a.db"
append one '{"n":1}'
ask "$url/nowhere"
curl -sS --max-time 40 -D "$scratch/head" -o "$scratch/first" "$url/metrics" || fail 'there are no metrics'
grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' "$scratch/head" || { fail 'another content type'; cat "$scratch/head"; }
append one '{"n":2}'
curl -sS --max-time 40 -o "$scratch/second" "$url/metrics"
judge "$scratch/first" "$scratch/second" "$project/src/gateway/METRICS.md" "$project/src/gateway/grafana.json" || fail 'the metrics are not as told'
grep -qx 'reprise_gateway_refused_requests_total{class="4xx",code="no_route"} 1' "$scratch/first" || fail 'a refusal is not counted'
grep -qx "process_max_fds $(awk '/^Max open files/ { print $4 }' /proc/self/limits)" "$scratch/first" || fail 'another limit of descriptors'
finish TERM 0
exit $bad
