#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests under valgrind's memcheck, on the real liburcu, the children of forks too: an error or
# memory that is definitely lost fails, whatever the test itself says. About seven minutes.
# Usage: memcheck.sh [SUITE ...]     (base ring store recorder conversation thread gateway_parts gateway)
# Packages: valgrind libc6-dbg, and those of `./dev test`
#
# Criterion of Debian 12 needs one suppression (memcheck.supp), and nanomsg none.
cd "$(dirname "$0")/../.." || exit 1
here=build/memcheck
bad=0
[ $# -gt 0 ] || set -- base ring store recorder conversation thread gateway_parts gateway

# Left out, since they are too slow here:
#   fork/the_child_may_open_a_store_of_its_own   30 forks of 2 s each; fork/a_callback_may_fork is one of them
#   group/S22_one*                               100,000 subscriptions
# Left out, since they measure time, which passes many times faster than valgrind runs its one thread:
#   deadlines/*, idle/*, watch/Q06*, flush/F02*, recorder_wall/F22*; misuse/P08_two*, whose threads have to meet
# Left out, since it counts descriptors, and valgrind opens a log for each child:
#   recorder_open/P05*
measuring='deadlines/*|idle/*|watch/Q06*|flush/F02*|recorder_wall/F22*|misuse/P08_two*'
# Left out, since they abort with memory in their hands: subscription/*_aborts, misuse/P12*, misuse/S22*
aborting='subscription/*_aborts|misuse/P12*|misuse/S22*'
# Left out of the gateway's: children of forks, which leave the memory of other threads; crowds and large events,
# which are too slow here; logs that fail, which are waited for
in_gateway='safety/V28_a_gateway_is_its*|calls/V28_a_*|share/*|large/*|faults/*|clients/*'
filter="!($in_gateway|fork/the_child_may_open_a_store_of_its_own|group/S22_one*|$measuring|$aborting|recorder_open/P05*)"

mkdir -p build
{
	cmake -S . -B $here -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DREPRISE_TESTS=ON -DREPRISE_BENCH=OFF &&
		for suite in "$@"; do
			cmake --build $here -j 2 --target "test_$suite" || exit 1
		done
} >$here.log 2>&1 || {
	cat $here.log
	echo "memcheck: the build failed"
	exit 1
}

for suite in "$@"; do
	begin=$(date +%s)
	logs=$here/logs-$suite
	rm -rf "$logs"
	mkdir -p "$logs"
	timeout -k 5 600 valgrind -q --trace-children=yes --leak-check=full \
		--errors-for-leak-kinds=definite --show-leak-kinds=definite --num-callers=30 \
		--suppressions=tests/gates/memcheck.supp \
		--log-file="$logs/%p" \
		"$here/tests/test_$suite" --short-filename -j2 --filter "$filter" >"$here.$suite.log" 2>&1
	status=$?
	tested=$(sed -n 's/.*Synthesis: Tested: [^0-9]*\([0-9]*\).*/\1/p' "$here.$suite.log")
	# Every process has a log; who has nothing to say has an empty one.
	processes=$(find "$logs" -type f | wc -l)
	found=$(find "$logs" -type f -size +0 | wc -l)
	echo "memcheck: $suite: ${tested:-0} tests, $processes processes, $found with errors ($(($(date +%s) - begin)) s)"
	if [ "$found" != 0 ]; then
		find "$logs" -type f -size +0 -exec cat {} + | head -n 200
		bad=1
	fi
	if [ $status != 0 ] || [ "${tested:-0}" = 0 ] || [ "$processes" -lt "${tested:-0}" ]; then
		grep -v '^\[\(PASS\|RUN\)' "$here.$suite.log" | tail -n 40
		echo "memcheck: test_$suite failed ($status)"
		bad=1
	fi
done
exit $bad
