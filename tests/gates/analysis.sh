#!/bin/sh
# SPDX-License-Identifier: MIT
# Static analysis: clang-tidy (what it looks for is in .clang-tidy), cppcheck, and gcc's own. None of
# them finds anything; what is left out stands with its reason in .clang-tidy, in cppcheck.txt beside
# this, and in NOLINT comments.
# Usage: analysis.sh [clang-tidy|cppcheck|fanalyzer ...]     (all of them without an argument)
# Packages: clang-tidy cppcheck valgrind (for a header), and those of `./dev test`
cd "$(dirname "$0")/../.." || exit 1
build=build/analysis
once=$build/once
bad=0
# The tests' macros (Criterion's) say nothing to cppcheck and to gcc's: they look at the plain programs.
plain='tests/stress tests/examples tests/gates tests/oracle tests/fault tests/fuzz tests/model tests/shape
	tests/crash tests/cross'
suites='tests/base tests/bench tests/contract tests/conversation tests/durable tests/gateway tests/http tests/jetstream tests/log_postgres tests/log_sqlite tests/recorder tests/ring
	tests/store tests/support tests/thread tests/thread_contract tests/thread_postgres tests/thread_sqlite'

# So that each file is looked at as it is built; once, if it is built more often. A file built for the
# explorer is built without it, too, and looked at so; of its own files one needs its headers, which are
# found as ours then, not as the system's, of which nothing is said; their #include_next is not pedantic.
configure() {
	[ -z "${configured:-}" ] || return 0
	configured=1
	mkdir -p $once
	cmake -S . -B $build -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DREPRISE_TESTS=ON -DREPRISE_BENCH=ON >$build.log 2>&1 || {
		cat $build.log
		exit 1
	}
	awk '
	BEGIN { print "[" }
	$1 == "\"directory\":" { directory = $0 }
	$1 == "\"command\":" { command = $0 }
	$1 == "\"file\":" {
		is_explored = command ~ / -isystem .*\/explorer\/include[\\"]* /
		if (seen[$0] || (is_explored && $0 !~ /\/explorer\//)) next
		seen[$0] = 1
		if (is_explored) {
			sub(/ -isystem /, " -I", command)
			sub(/ -Wpedantic /, " ", command)
		}
		printf "%s{\n%s\n%s\n%s\n}", separator, directory, command, $0
		separator = ",\n"
	}
	END { print "\n]" }' $build/compile_commands.json >$once/compile_commands.json
}

# files FOLDER ...: as a list
files() {
	find "$@" -name '*.c' | sort
}

# One process a file, two at a time. A file that is not built is looked at with its neighbours' flags, except
# a peer: a peer is not built where its library is missing.
check_clang_tidy() {
	configure
	# shellcheck disable=SC2086 # a list of words
	files src bench $plain $suites |
		while read -r file; do
			case $file in
			bench/peers/*) grep -qF "/$file\"" $once/compile_commands.json || continue ;;
			esac
			echo "$file"
		done |
		xargs -P 2 -n 1 clang-tidy -p $once --quiet 2>&1 |
		grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?(generated|treated as errors)' |
		grep -vE '^[0-9]+ errors? generated|^Suppressed |^Use -header-filter' >$build.clang-tidy
	! grep -E '(warning|error):' -A 6 $build.clang-tidy
}

# It cannot follow the system's headers, and is told of the two headers whose macros it is lost without. The
# peers are left out here and below: each is a small program around another library, whose headers it does
# not see, or whose ownership of memory it cannot follow.
check_cppcheck() {
	headers=$(printf "#include <sys/queue.h>\n#include <urcu/rculfhash.h>\n" | gcc -M -x c - | tr -s " \\\\" "\n" |
		grep -E "sys/queue\.h|rculfhash\.h" | sed "s/^/--include=/")
	# shellcheck disable=SC2086 # a list of words
	cppcheck --enable=warning,performance,portability --std=c11 --error-exitcode=1 -j 2 -q \
		--suppressions-list=tests/gates/cppcheck.txt --inline-suppr \
		-D__GNUC__=12 -D_GNU_SOURCE -DREPRISE_VERSION='"0"' $headers \
		-Isrc -Iinclude -Ibench -Itests/stress -Itests/examples -Itests/oracle -Itests/fault \
		-Itests/fuzz -Itests/model -Itests/model/explorer src bench -ibench/peers $plain
}

# With the flags of the build, from its list of commands. viewer_files.c is written by the build, and has bytes alone.
# gcc 12 takes for uninitialized what calloc gave, when a test's loop has gone over it.
check_fanalyzer() {
	configure
	sed -n 's/^ *"command": "\(.*\)",$/\1/p' $once/compile_commands.json |
		sed -e 's/\\"/"/g' -e 's/\\\\/\\/g' |
		grep -E -- '-c .*/(src|bench|tests/(stress|examples|oracle|fault|fuzz|model))/[^ ]*\.c"?$' |
		grep -v -e /bench/peers/ -e /viewer_files.c |
		sed -e 's/ -o [^ ]* -c / -o \/dev\/null -fanalyzer -c /' \
			-e '/tests/s/ -c / -Wno-analyzer-use-of-uninitialized-value -c /' >$build.commands
	[ -s $build.commands ] || { echo "analysis: no commands"; return 1; }
	(cd $build && tr '\n' '\0' <../analysis.commands | xargs -0 -P 2 -n 1 sh -c) >$build.fanalyzer 2>&1
	! grep -E 'warning:|error:' -A 12 $build.fanalyzer
}

[ $# -gt 0 ] || set -- clang-tidy cppcheck fanalyzer
for part in "$@"; do
	case $part in
	clang-tidy | cppcheck | fanalyzer) ;;
	*)
		echo "usage: analysis.sh [clang-tidy|cppcheck|fanalyzer ...]" >&2
		exit 2
		;;
	esac
done
for part in "$@"; do
	begin=$(date +%s)
	case $part in
	clang-tidy) check_clang_tidy ;;
	cppcheck) check_cppcheck ;;
	fanalyzer) check_fanalyzer ;;
	esac
	# shellcheck disable=SC2181 # of whichever it was
	if [ $? = 0 ]; then
		echo "analysis: $part finds nothing ($(($(date +%s) - begin)) s)"
	else
		echo "analysis: $part has findings"
		bad=1
	fi
done
exit $bad
