#!/bin/sh
# SPDX-License-Identifier: MIT
# The end of a run of the tests, from the output of `ctest -V`: a line for each test, then at most 60 lines about the
# failed tests, then the line that counts the tests. The end of a log is often all that is kept of the log. The script
# fails if a test failed or no test passed.
# Each case of a Criterion suite counts, and each other program.
# Usage: summary.sh LOG
awk -v log_name="$1" '
# Keeps a line of the output of the test @number.
function keep(number, line) {
	count[number]++
	last[number, count[number] % LAST_MAX] = line
	if (line ~ /^\[(FAIL|----|ERR )|ERROR: [A-Z][A-Za-z]+Sanitizer|^SUMMARY: |: runtime error: /)
		fault[number, ++faults[number]] = line
}
# How many lines there are to print of the test @number: its result, and its faults or its last lines.
function lines_of(number) {
	if (faults[number] > 0)
		return 1 + faults[number]
	return 1 + (count[number] > LAST_MAX ? LAST_MAX : count[number])
}
# How many lines each failed test may have, so that all have at most @most.
function find_share(most,   share, sum, i) {
	for (share = most; share > 1; share--) {
		sum = 0
		for (i = 1; i <= failures; i++)
			sum += lines_of(failure[i]) > share ? share : lines_of(failure[i])
		if (sum <= most)
			break
	}
	return share
}
function print_short(line) { print substr(line, 1, WIDTH_MAX) }
# The first of the faults, or the last of the other lines.
function print_failed(number, share,   left, i) {
	print_short(result[number])
	left = lines_of(number) - 1
	share--
	if (faults[number] == 0) {
		for (i = count[number] - (left < share ? left : share) + 1; i <= count[number]; i++)
			print_short("  " last[number, i % LAST_MAX])
		return
	}
	for (i = 1; i <= left && (i < share || i == share && i == left); i++)
		print_short("  " fault[number, i])
	if (share > 0 && i <= left)
		print_short("  (" left - i + 1 " more lines: " log_name ")")
}
function print_failures(   most, i) {
	if (failures == 0)
		return
	print "The failed tests:"
	most = LINES_MAX - 1
	if (failures > most) {
		for (i = 1; i < most; i++)
			print_short(result[failure[i]])
		print_short("(" failures - most + 1 " more failed tests: " log_name ")")
		return
	}
	most = find_share(most)
	for (i = 1; i <= failures; i++)
		print_failed(failure[i], most)
}
BEGIN {
	LINES_MAX = 60  # about the failed tests, in all
	LAST_MAX = 15   # of a test that prints no fault
	WIDTH_MAX = 200 # bytes
}
/^[0-9]+: (Test (command|timeout)|Working Directory)/ { next }
/^[0-9]+: / { keep(substr($1, 1, length($1) - 1), substr($0, index($0, ": ") + 2)) }
/Synthesis: Tested:/ {
	gsub(/[^0-9 ]/, " ")
	# The number of the test, and of its cases: tested, passed, failed, crashed. Each crashed case failed, too.
	# The lines of tests that run beside each other come in turns.
	passed += $3
	bad[$1] += $2 - $3
	failed += $2 - $3
	synthesis[$1] = 1
	next
}
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
	print
	is_suite = /: suite\./
	match($0, /#[0-9]+/)
	number = substr($0, RSTART + 1, RLENGTH - 1)
	failed_before = failed - bad[number]
	if (/\*\*\*Skipped/) skipped++
	else if (/ Passed /) { if (!is_suite) passed++; else if (!synthesis[number]) failed++ }
	else if (!is_suite || !synthesis[number] || bad[number] == 0) failed++
	if (failed > failed_before) {
		failure[++failures] = number
		sub(/^ +/, "")
		result[number] = $0 (/ Passed / ? "; no line counts the cases" : "")
	}
}
END {
	print_failures()
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || passed == 0
}' "$1"
