#!/bin/sh
# SPDX-License-Identifier: MIT
# The libraries install into the folder that is named, and pkg-config finds them there. The programs in README.md and
# src/GUIDE.md compile as they stand, run, and print the text that follows them: with shared and with static libraries. If a
# C++ compiler is named, a program in C++17 links as well. The guide's second program, over a log, is run again and goes on; its
# third one has a store that only reads; its fourth one, a conversation, is run three times; its sixth one, which buffers
# deltas, is run beside a NATS server, if there is one; its seventh one is a gateway, with curl as the client.
# Usage: readme.sh PROJECT BUILD CC [CXX]     (REPRISE_RUN: a command that runs the programs, such as an emulator)
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# block FILE KIND NUMBER: the first, the second
block() {
	awk -v kind="$2" -v number="$3" '
	$0 == "```" kind { on = ++count == number; next }
	/^```/ { on = 0 }
	on' "$1"
}
# program FILE NUMBER LINES: into $scratch, with what it is to print
program() {
	block "$1" c "$2" >"$scratch/program.c"
	block "$1" text "$2" >"$scratch/expected"
	{ [ -s "$scratch/program.c" ] && [ -s "$scratch/expected" ]; } || { echo "$1 has no program $2"; exit 1; }
	lines=$(wc -l <"$scratch/program.c")
	[ "$lines" -le "$3" ] || { echo "program $2 in $1 has $lines lines, not $3"; exit 1; }
}

cmake --install "$2" --prefix "$scratch/installed" >/dev/null || exit 1
pc=$(find "$scratch/installed" -name reprise.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir reprise)
compiler=$3

expect_output() {
	# shellcheck disable=SC2086 # a command and its arguments
	(cd "$scratch" && LD_LIBRARY_PATH=$libraries ${REPRISE_RUN:-} "$1") >"$scratch/printed" || exit 1
	diff "$scratch/expected" "$scratch/printed" || exit 1
}
# both NAME PACKAGE ...: the program in $scratch, with shared libraries as NAME and with static ones as NAME_static
both() {
	name=$1
	shift
	# shellcheck disable=SC2046
	$compiler -std=c11 -Wall -Wextra "$scratch/program.c" $(pkg-config --cflags --libs "$@") \
		-o "$scratch/$name" || exit 1
	# shellcheck disable=SC2046
	$compiler -std=c11 "$scratch/program.c" $(pkg-config --cflags "$@") \
		$(pkg-config --static --libs "$@" | sed -E "s|-l(reprise[a-z_]*)|$libraries/lib\\1.a|g") \
		-o "$scratch/${name}_static" || exit 1
}

program README.md 1 60
both plain reprise
expect_output "$scratch/plain"
expect_output "$scratch/plain_static"

program src/GUIDE.md 1 60
both reload reprise
expect_output "$scratch/reload"
expect_output "$scratch/reload_static"

if [ -e "$PKG_CONFIG_PATH/reprise_log_sqlite.pc" ]; then
	# Twice over one log, with either library.
	program src/GUIDE.md 2 60
	both logs reprise_recorder reprise_log_sqlite
	for run in logs logs_static; do
		[ $run = logs ] || awk '{ sub(/[0-9]+/, $2 + 5) } 1' "$scratch/expected" >"$scratch/later"
		[ $run = logs ] || mv "$scratch/later" "$scratch/expected"
		expect_output "$scratch/$run"
	done

	program src/GUIDE.md 3 60
	both elsewhere reprise_recorder reprise_log_sqlite
	for run in elsewhere elsewhere_static; do
		rm -f "$scratch"/shared.db*
		expect_output "$scratch/$run"
	done

	# Three times over one log: it dies, goes on, and has nothing to do.
	program src/GUIDE.md 4 60
	both work reprise_conversation reprise_log_sqlite
	for run in work work_static; do
		rm -f "$scratch"/work.db*
		for i in 1 2 3; do
			# shellcheck disable=SC2086 # a command and its arguments
			(cd "$scratch" && LD_LIBRARY_PATH=$libraries ${REPRISE_RUN:-} "./$run") || exit 1
		done >"$scratch/printed"
		diff "$scratch/expected" "$scratch/printed" || exit 1
	done
fi

if [ -e "$PKG_CONFIG_PATH/reprise_thread_sqlite.pc" ]; then
	program src/GUIDE.md 5 60
	both threads reprise_thread_sqlite
	expect_output "$scratch/threads"
	expect_output "$scratch/threads_static"
fi

if [ -e "$PKG_CONFIG_PATH/reprise_jetstream.pc" ] && [ -e "$PKG_CONFIG_PATH/reprise_thread_sqlite.pc" ]; then
	program src/GUIDE.md 6 60
	both buffered reprise_jetstream reprise_thread_sqlite
	for run in buffered buffered_static; do
		# shellcheck disable=SC2016 # what is in it is for that shell
		printf 'NATS_URL=$REPRISE_TEST_NATS exec %s "%s"\n' "${REPRISE_RUN:-}" "$scratch/$run" >"$scratch/run.sh"
		sh tests/support/nats.sh sh -c 'cd "$1" && LD_LIBRARY_PATH=$2 sh run.sh' sh "$scratch" "$libraries" \
			>"$scratch/printed"
		status=$?
		[ $status != 77 ] || break
		[ $status = 0 ] || exit 1
		diff "$scratch/expected" "$scratch/printed" || exit 1
	done
fi

# A runtime with a gateway, whose client is curl.
if [ -e "$PKG_CONFIG_PATH/reprise_gateway.pc" ] && command -v curl >/dev/null; then
	program src/GUIDE.md 7 60
	both serving reprise_gateway
	expect_output "$scratch/serving"
	expect_output "$scratch/serving_static"
fi

# CMake finds what is installed, by its components, and says what is not.
cmake_finds() {
	mkdir -p "$scratch/cmake"
	printf '%s\n' 'cmake_minimum_required(VERSION 3.18)' 'project(adopts C)' \
		"find_package(reprise REQUIRED COMPONENTS $*)" 'add_executable(adopts adopts.c)' \
		"target_link_libraries(adopts PRIVATE reprise::reprise $(printf 'reprise::%s ' "$@"))" \
		>"$scratch/cmake/CMakeLists.txt"
	printf '#include <reprise/reprise.h>\nint main(void) { return reprise_version()[0] != 48; }\n' >"$scratch/cmake/adopts.c"
	rm -rf "$scratch/cmake/build"
	cmake -S "$scratch/cmake" -B "$scratch/cmake/build" -DCMAKE_C_COMPILER="${compiler%% *}" \
		-DCMAKE_PREFIX_PATH="$scratch/installed" >"$scratch/cmake.log" 2>&1
}
if [ -z "${REPRISE_RUN:-}" ]; then
	components=$(cd "$PKG_CONFIG_PATH" && ls reprise_*.pc | sed 's/^reprise_//; s/\.pc$//' | tr '\n' ' ')
	# shellcheck disable=SC2086 # a list of words
	cmake_finds $components && cmake --build "$scratch/cmake/build" >>"$scratch/cmake.log" 2>&1 || {
		cat "$scratch/cmake.log"
		exit 1
	}
	! cmake_finds nonsense && grep -q 'no library reprise_nonsense' "$scratch/cmake.log" || {
		echo "find_package does not say that a component is missing"
		exit 1
	}
fi

[ -n "${4:-}" ] || exit 0
cat >"$scratch/program.cc" <<'PROGRAM'
#include <cstdio>
#include <reprise/reprise.h>
int main() {
	reprise_store *store = nullptr;
	if (reprise_store_open(nullptr, &store, nullptr) != REPRISE_OK) return 1;
	std::puts(reprise_status_name(reprise_store_close(store)));
}
PROGRAM
echo REPRISE_OK >"$scratch/expected"
# shellcheck disable=SC2046
$4 -std=c++17 -Wall -Wextra "$scratch/program.cc" $(pkg-config --cflags --libs reprise) \
	-o "$scratch/cplusplus" || exit 1
expect_output "$scratch/cplusplus"
