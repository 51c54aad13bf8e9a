#!/bin/sh
# SPDX-License-Identifier: MIT
# The library installs where it is told to, pkg-config finds it there, and the program in README.md
# compiles as it stands, runs, and prints what README.md says it prints: shared and static, and
# linked from C++17 as well.
# Usage: readme.sh PROJECT BUILD CC CXX
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

block() { awk -v kind="$1" '$0 == "```" kind { on = 1; next } /^```/ { on = 0 } on' README.md; }
block c >"$scratch/program.c"
block text >"$scratch/expected"
{ [ -s "$scratch/program.c" ] && [ -s "$scratch/expected" ]; } || { echo "README.md has no program"; exit 1; }
lines=$(wc -l <"$scratch/program.c")
[ "$lines" -le 25 ] || { echo "the program in README.md has $lines lines, not 25"; exit 1; }

cmake --install "$2" --prefix "$scratch/installed" >/dev/null || exit 1
pc=$(find "$scratch/installed" -name reprise.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir reprise)

expect_output() {
	LD_LIBRARY_PATH=$libraries "$1" >"$scratch/printed" || exit 1
	diff "$scratch/expected" "$scratch/printed" || exit 1
}
# shellcheck disable=SC2046 # lists of words
$3 -std=c11 -Wall -Wextra "$scratch/program.c" $(pkg-config --cflags --libs reprise) \
	-o "$scratch/shared" || exit 1
expect_output "$scratch/shared"
# shellcheck disable=SC2046
$3 -std=c11 "$scratch/program.c" $(pkg-config --cflags reprise) "$libraries/libreprise.a" \
	$(pkg-config --static --libs reprise | sed 's/-lreprise//') -o "$scratch/static" || exit 1
expect_output "$scratch/static"

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
