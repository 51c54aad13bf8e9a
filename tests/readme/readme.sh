#!/bin/sh
# SPDX-License-Identifier: MIT
# The program in README.md compiles against the library as it stands there, runs, and prints what
# README.md says it prints.
# Usage: readme.sh PROJECT CC LIBRARY_FOLDER
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

block() { awk -v kind="$1" '$0 == "```" kind { on = 1; next } /^```/ { on = 0 } on' README.md; }
block c >"$scratch/program.c"
block text >"$scratch/expected"
[ -s "$scratch/program.c" ] && [ -s "$scratch/expected" ] || { echo "README.md has no program"; exit 1; }
lines=$(wc -l <"$scratch/program.c")
[ "$lines" -le 25 ] || { echo "the program in README.md has $lines lines, not 25"; exit 1; }
$2 -std=c11 -Wall -Wextra -Iinclude "$scratch/program.c" -L"$3" -lreprise -Wl,-rpath,"$3" \
	-o "$scratch/program" || exit 1
"$scratch/program" >"$scratch/printed" || exit 1
diff "$scratch/expected" "$scratch/printed"
