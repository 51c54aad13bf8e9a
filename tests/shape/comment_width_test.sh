#!/bin/sh
# SPDX-License-Identifier: MIT
# No comment of the tree is too wide, and the check that says so can fail: in a tree of one file.
# Usage: comment_width_test.sh PROJECT
cd "$1" || exit 1
check=$PWD/tests/shape/comment_width.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

sh "$check" . || exit 1
mkdir -p "$scratch/include" "$scratch/src" "$scratch/tests" "$scratch/bench"

# many COUNT: so many letters
many() {
	awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) printf "x" }'
}

# expect passes|fails LINE: of a file with this line, which printf writes
expect() {
	# shellcheck disable=SC2059 # the line has the escapes of a format
	printf "$2\n" >"$scratch/src/line.c"
	found=fails
	! sh "$check" "$scratch" >/dev/null || found=passes
	[ "$found" = "$1" ] || { echo "comment width: the check $found: $2"; exit 1; }
}

expect passes "/* $(many 94) */"
expect fails "/* $(many 95) */"
expect fails "// $(many 98)"
expect passes "\t/* $(many 86) */"
expect fails "\t/* $(many 87) */"
expect passes "/* $(many 92)\342\206\222\342\206\222 */"
expect fails "/* $(many 93)\342\206\222\342\206\222 */"
expect passes "/*\n * $(many 97)\n */"
expect fails "/*\n * $(many 98)\n */"
expect fails "int $(many 90); /* late */"
expect passes "int $(many 120);"
expect passes "puts(\"/* $(many 120)\");"
expect passes "/* one */\nint $(many 120);"
expect fails "const char *text = \"\\\\\"/*\"; /* $(many 90) */"
exit 0
