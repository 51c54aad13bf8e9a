#!/bin/sh
# SPDX-License-Identifier: MIT
# Links objects and archives into one object. Its only global names are those that the version script lists, so
# that a program may use every other name for itself.
# Usage: one_object.sh OUT MAP OBJCOPY CC [FLAG ...] OBJECT|ARCHIVE ...
set -eu
out=$1 map=$2 objcopy=$3
shift 3
sed -n 's/^[[:space:]]*\(reprise_[a-z0-9_]*\);$/\1/p' "$map" >"$out.names"
[ -s "$out.names" ] || { echo "one_object: $map lists no name" >&2; exit 1; }
"$@" -r -nostdlib -o "$out.all"
"$objcopy" --keep-global-symbols="$out.names" "$out.all" "$out"
rm -f "$out.all" "$out.names"
