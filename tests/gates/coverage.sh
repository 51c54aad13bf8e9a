#!/bin/sh
# SPDX-License-Identifier: MIT
# Which lines and branches of the libraries the tests have run: a table, a file a row. Fails if a test
# fails, or if a room but src/base is below 95 % of the lines or 90 % of the branches; src/log_sqlite and src/thread_sqlite
# below 80 % of the branches, since many are failures that take another file system to provoke.
# Usage: coverage.sh [missed]     (missed: after the table, what was never run)
# Packages: those of `./dev test`; gcov comes with gcc.
#
# Not counted:
#   the branches of a REPRISE_ASSERT   a test that passes cannot take the failing one; the lines are
#   table_lock.c                       the stand-in for ThreadSanitizer, which this build does not have
#   src/tool                           the demo; no part of the library
# A header's lines are those that the library's own objects have of it, summed up over all of them.
cd "$(dirname "$0")/../.." || exit 1
project=$PWD
build=build/coverage
rooms='src/base src/ring src/store src/log src/log_sqlite src/log_postgres src/recorder src/conversation src/thread src/thread_sqlite src/thread_postgres src/jetstream src/http'
lines_least=95
branches_least=90
case ${1:-} in
'' | missed) ;;
*)
	echo "usage: coverage.sh [missed]" >&2
	exit 2
	;;
esac

# No optimization, so that each branch of the source is one of the machine's; atomic counters, since
# threads share them.
compile() {
	mkdir -p $build &&
		gcc -std=c11 -O0 -Wall -Wextra -c tests/gates/flush.c -o $build/flush.o &&
		cmake -S . -B $build -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=None \
			-DCMAKE_C_FLAGS='-O0 -g --coverage -fprofile-update=atomic' \
			-DCMAKE_EXE_LINKER_FLAGS="-Wl,--wrap=_exit,--wrap=abort \"$project/$build/flush.o\"" \
			-DREPRISE_TESTS=ON -DREPRISE_BENCH=OFF &&
		cmake --build $build -j 2
}

mkdir -p build
if ! compile >build/coverage.log 2>&1; then
	cat build/coverage.log
	echo "coverage: the build failed"
	exit 1
fi
find $build -name '*.gcda' -delete
# Without the explorer, which compiles the library once more; and without fault.calls, which would find
# the counters' own calls.
if ! (cd $build && ctest -LE 'shape|model' -E fault.calls -j 2 --timeout 300 --output-on-failure) >build/coverage.tests.log 2>&1; then
	cat build/coverage.tests.log
	echo "coverage: a test failed; what is not run is not known"
	exit 1
fi
tail -4 build/coverage.tests.log | grep -E 'tests passed|Total Test time'

# "FILE line NUMBER COUNT TEXT" and "FILE branch NUMBER/INDEX COUNT TEXT", of every object of the library.
counts() {
	for room in $rooms; do
		find $build/src/CMakeFiles/reprise_"${room#src/}".dir -name '*.gcno'
	done | while read -r object; do
		# An object that nothing has run has no .gcda: then gcov says 0.
		gcov -t -b -c "$object" 2>/dev/null || echo "failed: $object"
	done | awk -v root="$project/" '
	/^failed: / { print; next }
	/^ *-: *0:Source:/ {
		file = $0
		sub(/^ *-: *0:Source:/, "", file)
		counts = index(file, root "src/") == 1
		file = substr(file, length(root) + 1)
		assertion = 0
		next
	}
	!counts { next }
	/^ *[-#=0-9*]+: *[1-9][0-9]*:/ {
		if (assertion_ends) assertion = assertion_ends = 0
		count = $0; sub(/:.*/, "", count); gsub(/[ *]/, "", count)
		rest = $0; sub(/^[^:]*: */, "", rest)
		number = rest; sub(/:.*/, "", number)
		text = rest; sub(/^[0-9]+:/, "", text)
		if (text ~ /REPRISE_ASSERT\(/ && text !~ /#define/) assertion = 1
		if (assertion && text ~ /;/) assertion_ends = 1
		branch = 0
		if (count == "-") next
		if (count ~ /[#=]/) count = 0
		print file, "line", number, count, text
		next
	}
	/^branch / {
		if (!assertion)
			print file, "branch", number "/" branch, $3 == "taken" ? $4 : 0, text
		branch++
	}'
}

counts >$build/counts
if grep '^failed: ' $build/counts; then
	echo "coverage: gcov failed"
	exit 1
fi

awk -v those="$rooms" -v lines_least=$lines_least -v branches_least=$branches_least -v missed="${1:-}" '
function percent(part, all) { return all == 0 ? "    -" : sprintf("%5.1f", 100 * part / all) }
function row(name, l, la, b, ba) {
	printf "%-26s %5d / %4d %s %%   %5d / %4d %s %%\n", name, l, la, percent(l, la), b, ba, percent(b, ba)
}
{
	key = $1 SUBSEP $2 SUBSEP $3
	if (!(key in sum)) {
		order[++keys] = key
		text = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", text)
		source[key] = text
	}
	sum[key] += $4
}
END {
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		file = part[1]
		room = file; sub(/\/[^\/]*$/, "", room)
		if (!(file in seen)) { seen[file] = 1; files[++n] = file }
		if (!(room in seen_room)) { seen_room[room] = 1; rooms[++r] = room }
		all[file, part[2]]++; all[room, part[2]]++
		if (sum[order[i]] > 0) { run[file, part[2]]++; run[room, part[2]]++ }
	}
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && files[j] < files[j - 1]; j--) {
			swap = files[j]; files[j] = files[j - 1]; files[j - 1] = swap
		}
	printf "%-26s %20s   %20s\n", "", "lines run", "branches taken"
	for (i = 1; i <= n; i++)
		row(files[i], run[files[i], "line"], all[files[i], "line"], run[files[i], "branch"], all[files[i], "branch"])
	print ""
	count = split(those, wanted, " ")
	for (i = 1; i <= count; i++) {
		room = wanted[i]
		row(room, run[room, "line"], all[room, "line"], run[room, "branch"], all[room, "branch"])
		least = room ~ /_sqlite$/ ? 80 : branches_least
		if (all[room, "line"] == 0 || (room != "src/base" && \
		    (100 * run[room, "line"] < lines_least * all[room, "line"] || \
		     100 * run[room, "branch"] < least * all[room, "branch"]))) {
			bad = 1
			below = below " " room
		}
	}
	if (missed == "missed") {
		print "\nnever run:"
		for (i = 1; i <= keys; i++) if (sum[order[i]] == 0) {
			split(order[i], part, SUBSEP)
			# A branch of a line that was not run says nothing more.
			number = part[3]; sub(/\/.*/, "", number)
			if (part[2] == "branch" && sum[part[1], "line", number] == 0) continue
			printf "%s:%s %s:%s\n", part[1], part[3], part[2], source[order[i]]
		}
	}
	if (bad)
		printf "coverage: below %d %% of the lines or %d %% of the branches:%s\n", lines_least, branches_least, below
	exit bad
}' $build/counts
