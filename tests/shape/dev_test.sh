#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev test` ends with the names and the faults of the failed tests, in at most 60 lines, and with the line that
# counts the tests. A copy of dev runs tests that fail in each way, without packages and without a build.
# Usage: dev_test.sh PROJECT
project=$(cd "$1" && pwd) || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
copy="$scratch/a tree" tests="$scratch/a tree/build/release/CTestTestfile.cmake"
mkdir -p "$copy/tests/gates" "$copy/build/release" "$scratch/bin" || exit 1
cp "$project/dev" "$copy/dev" || exit 1
cp "$project/tests/gates/summary.sh" "$copy/tests/gates/" || exit 1
command -v ctest >/dev/null || exit 77

# Without dpkg-query dev installs no packages.
for tool in awk cat ctest dirname env grep id ls mkdir nproc seq sh sleep; do
	ln -s "$(command -v $tool)" "$scratch/bin/$tool" || exit 1
done
printf '#!/bin/sh\n' >"$scratch/bin/cmake"
chmod +x "$scratch/bin/cmake"

# add NAME TEXT: adds a test to the copy, which runs the text in a shell
add() {
	printf '%s\n' "$2" >"$scratch/$1.sh"
	printf 'add_test(%s sh "%s")\nset_tests_properties(%s PROPERTIES LABELS any SKIP_RETURN_CODE 77 TIMEOUT 20)\n' \
		"$1" "$scratch/$1.sh" "$1" >>"$tests"
}

# run STATUS LAST: `./dev test` ends with this status and this line. $scratch/end has the lines about the failed tests.
run() {
	PATH=$scratch/bin sh "$copy/dev" test >"$scratch/said" 2>"$scratch/errors"
	status=$?
	[ $status = "$1" ] || fail "the exit status is $status, not $1"
	[ "$(tail -n 1 "$scratch/said")" = "$2" ] || fail "the last line is not '$2'"
	sed -n '/^The failed tests:$/,$p' "$scratch/said" | sed '$d' >"$scratch/end"
	[ "$(wc -l <"$scratch/end")" -le 60 ] || fail "there are more than 60 lines about the failed tests"
}

fail() {
	echo "dev: $1"
	cat "$scratch/said" "$scratch/errors"
	exit 1
}

expect() { grep -qF -- "$1" "$scratch/end" || fail "'$1' is missing from the end"; }
refuse() { ! grep -qF -- "$1" "$scratch/end" || fail "'$1' is in the end"; }

synthesis='echo "[====] Synthesis: Tested: 9 | Passing:'

add suite.whole "$synthesis 9 | Failing: 0 | Crashing: 0 \""
add plain 'echo "words of a test that passed"'
run 0 '10 passed, 0 failed, 0 skipped'
[ ! -s "$scratch/end" ] || fail "lines about failed tests where no test failed"

# A suite with one false assertion, long before the end of the log.
add suite.false "echo '[WARN] a warning'
echo '[----] test_it.c:59: Assertion Failed'
echo '[----]   eq(int, call(), 1): '
echo '[FAIL] room::C01_a_rule_is_true: (0.34s)'
$synthesis 8 | Failing: 1 | Crashing: 0 \"
exit 1"
add skipped 'exit 77'
run 1 '18 passed, 1 failed, 1 skipped'
[ "$(sed -n '3,$p' "$scratch/end")" = "$(printf '  [----] test_it.c:59: Assertion Failed
  [----]   eq(int, call(), 1): \n  [FAIL] room::C01_a_rule_is_true: (0.34s)')" ] || fail "the end has other lines"
expect 'suite.false'
refuse 'suite.whole'

# A crashed case, which Criterion counts as failed and as crashed; a program; a suite that ends early; a test that hangs.
add suite.crashed "echo '[FAIL] room::C02_a_crash: CRASH!'
$synthesis 8 | Failing: 1 | Crashing: 1 \"
exit 1"
# shellcheck disable=SC2016 # the shell of the test expands the text
add program 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "line $i."; done; exit 1'
add suite.early 'echo "a suite that counts no case"'
add hangs 'echo "before it hangs"; exec sleep 60'
sed -i '$s/TIMEOUT 20/TIMEOUT 1/' "$tests"
run 1 '26 passed, 5 failed, 1 skipped'
expect '[FAIL] room::C01_a_rule_is_true: (0.34s)'
expect '[FAIL] room::C02_a_crash: CRASH!'
expect '  line 6.'
expect '  line 20.'
refuse '  line 5.'
expect 'a suite that counts no case'
expect ': hangs ...'
expect '***Timeout'
expect 'no line counts the cases'
expect 'before it hangs'

# More faults than 60 lines hold: the small tests are whole, and no line is long.
add suite.many "for i in \$(seq 100); do echo \"[FAIL] room::C03_case_\$i: \$(printf '%0400d' 0)\"; done
$synthesis 0 | Failing: 9 | Crashing: 0 \"
exit 1"
run 1 '26 passed, 14 failed, 1 skipped'
[ "$(wc -l <"$scratch/end")" -ge 59 ] || fail "the end has room for more faults"
[ -z "$(awk 'length($0) > 200' "$scratch/end")" ] || fail "a line of the end is long"
expect '[FAIL] room::C01_a_rule_is_true: (0.34s)'
expect '  line 6.'
expect 'C03_case_1:'
expect ' more lines: build/release.tests.log)'

# More failed tests than 60 lines hold.
for i in $(seq 70); do add "failed$i" 'echo "a fault"; exit 1'; done
run 1 '26 passed, 84 failed, 1 skipped'
[ "$(wc -l <"$scratch/end")" = 60 ] || fail "the end has less than 60 lines"
expect ' more failed tests: build/release.tests.log)'
exit 0
