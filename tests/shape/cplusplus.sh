#!/bin/sh
# SPDX-License-Identifier: MIT
# reprise/reprise.hpp compiles without a warning as C++17 and C++20, with and without exceptions, does what it promises, and
# has at most 200 lines.
# Usage: cplusplus.sh PROJECT LIBRARY [CXX ...]
cd "$1" || exit 1
library=$2
shift 2
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
lines=$(wc -l <include/reprise/reprise.hpp)
[ "$lines" -le 200 ] || { echo "shape: include/reprise/reprise.hpp has $lines lines, not 200"; exit 1; }

# check COMPILER FLAGS: one line of them
check() {
	# shellcheck disable=SC2046,SC2086 # lists of words
	{ $1 -Wall -Wextra -Wshadow -Wpedantic -Werror -Iinclude tests/shape/cplusplus.cc "$library" \
		$(pkg-config --libs ck liburcu-bp liburcu-cds) -lpthread -o "$scratch/cplusplus" &&
		"$scratch/cplusplus"; } || {
		echo "shape: reprise.hpp fails with $1"
		exit 1
	}
}
for compiler; do
	command -v "$compiler" >/dev/null || continue
	check "$compiler -std=c++17"
	check "$compiler -std=c++17 -DREPRISE_EXCEPTIONS"
	check "$compiler -std=c++20 -fno-exceptions"
done
