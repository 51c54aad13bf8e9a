#!/bin/sh
# SPDX-License-Identifier: MIT
# src/gateway/FRONTENDS.md shows the glue and the routes that `./dev compat frontends` runs, and the table counts the lines.
#
# Usage: frontends.sh PROJECT
set -eu
cd "$1"
page=src/gateway/FRONTENDS.md
place=tests/compat/frontends
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
fail() {
	echo "shape: $page: $*" >&2
	failed=1
}

# block KIND TEXT: the first block of the kind behind a line with the text
block() {
	awk -v kind="$1" -v text="$2" '
		index($0, text) { on = 1 }
		/^```/ && inside { exit }
		inside
		on && $0 == "```" kind { inside = 1 }
	' "$page"
}
squeeze() { tr -d ' \t\n'; }

for file in "$place"/glue/*.mjs; do
	tail -n +2 "$file" >"$scratch/file"
	block js "\`$file\`" >"$scratch/shown"
	cmp -s "$scratch/file" "$scratch/shown" || fail "the lines of $file are not in the page"
	lines=$(grep -cvE '^[[:space:]]*(//.*)?$' "$file")
	grep -qF "[$lines](../../$file)" "$page" || fail "the table does not say that $file has $lines lines"
	[ "$lines" -le 30 ] || fail "$file has $lines lines without comments and blank lines, more than 30"
done

# Each entry of the map, and no other block.
squeeze <$place/routes.json >"$scratch/map"
entries=$(grep -c '"about"' $place/routes.json)
shown=0
awk -v scratch="$scratch" '/^```/ && inside { inside = 0; close(name) } inside { print >name }
	$0 == "```json" { inside = 1; name = scratch "/route." ++count }' "$page"
for entry in "$scratch"/route.*; do
	squeeze <"$entry" >"$scratch/entry"
	grep -qF -f "$scratch/entry" "$scratch/map" || fail "a route is not in routes.json: $(sed -n 2p "$entry")"
	shown=$((shown + 1))
done
[ "$shown" = "$entries" ] || fail "routes.json has $entries routes, and the page shows $shown"
exit $failed
