#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes every target: first what the corpus has, then on from there. New inputs are kept in
# build/fuzz/corpus, inputs that fail in build/fuzz/artifacts. Ends with 1 if one fails.
# Usage: fuzz.sh SECONDS_PER_TARGET|--runs INPUTS_PER_TARGET [TARGET ...]
set -u
is_count=
[ "${1:-}" != --runs ] || { is_count=1; shift; }
case ${1:-} in
'' | *[!0-9]*) echo "usage: fuzz.sh SECONDS_PER_TARGET|--runs INPUTS_PER_TARGET [TARGET ...]" >&2; exit 2 ;;
esac
runs=0
limit=-max_total_time=$1
[ -z "$is_count" ] || { runs=$1; limit=-runs=$1; }
shift
[ $# -gt 0 ] || set -- conversation_event cursor_text durable_fields durable_state gateway_json gateway_routes gateway_sse http_request log_rows options program thread_delta tool_sse
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
build=$project/build/fuzz
mkdir -p "$build/artifacts"

targets=
for target; do targets="$targets fuzz_$target"; done
# shellcheck disable=SC2086 # a list of words
{
	cmake -S "$project" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DREPRISE_SANITIZE=address -DREPRISE_FUZZ=ON -DREPRISE_BENCH=OFF \
		-DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link &&
		cmake --build "$build" -j "$(nproc)" --target $targets
} >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; exit 1; }

status=0
for target; do
	found=$build/corpus/$target
	log=$build/$target.log
	dictionary=$here/$target.dict
	[ -f "$dictionary" ] || dictionary=
	mkdir -p "$found"
	if UBSAN_OPTIONS=print_stacktrace=1 "$build/tests/fuzz/fuzz_$target" ${dictionary:+"-dict=$dictionary"} \
		"$limit" -timeout=30 -max_len=2048 -print_final_stats=1 \
		-artifact_prefix="$build/artifacts/$target-" "$found" "$here/corpus/$target" \
		>"$log" 2>&1; then
		awk -v target="$target" -v wanted="$runs" '
		/^stat::number_of_executed_units:/ { runs = $2 }
		/^stat::new_units_added:/ { new = $2 }
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") coverage = $(i + 1) }
		END {
			printf "%s: %d runs, %d new inputs, coverage %d, no failure\n",
				target, runs, new, coverage
			exit runs < wanted
		}' "$log" || { echo "$target: fewer inputs than $runs"; status=1; }
	else
		tail -n 60 "$log" >&2
		echo "$target: FAILED; see $log and $build/artifacts"
		status=1
	fi
done
exit $status
