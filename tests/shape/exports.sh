#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports what reprise.map names, which is what the public headers declare.
# Usage: exports.sh PROJECT LIBRARY
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
nm -D --defined-only "$2" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | grep -v "^reprise_private_" | sort >"$scratch/exported"
sed -n 's/^[ \t]*\(reprise_[a-z_]*\);/\1/p' src/reprise.map | sort >"$scratch/mapped"
grep -hv '^#define' include/reprise/*.h | tr '\n' ' ' |
	grep -oE 'REPRISE_API [^;(]*\(' | sed 's/.*\(reprise_[a-z_]*\)(/\1/' | sort >"$scratch/declared"
diff "$scratch/mapped" "$scratch/exported" && diff "$scratch/mapped" "$scratch/declared"
