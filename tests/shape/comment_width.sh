#!/bin/sh
# SPDX-License-Identifier: MIT
# Comments are at most 100 columns wide: clang-format leaves their lines as they are. A tab goes to the next multiple
# of 8; a character of UTF-8 is one column.
# Usage: comment_width.sh PROJECT
cd "$1" || exit 1
# shellcheck disable=SC2016 # the expressions are awk's
find include src tests bench \( -name '*.[ch]' -o -name '*.hpp' -o -name '*.cc' \) | LC_ALL=C sort | LC_ALL=C xargs awk '
function columns(line,    parts, count, width, i) {
	gsub(/[\200-\277]/, "", line)
	count = split(line, parts, "\t")
	for (i = 1; i < count; i++) {
		width += length(parts[i])
		width += 8 - width % 8
	}
	return width + length(parts[count])
}
# The rest of a line without its strings and characters: a comment does not begin in one.
function code(line) {
	gsub(/\\./, "", line)
	gsub(/"[^"]*"/, "", line)
	gsub(/\047[^\047]*\047/, "", line)
	return line
}
FNR == 1 { inside = 0 }
{
	has_comment = inside
	rest = inside ? $0 : code($0)
	while (rest != "") {
		if (inside) {
			end = index(rest, "*/")
			if (end == 0)
				break
			rest = code(substr(rest, end + 2))
			inside = 0
		} else if (match(rest, /\/\*|\/\//)) {
			has_comment = 1
			if (substr(rest, RSTART, 2) == "//")
				break
			rest = substr(rest, RSTART + 2)
			inside = 1
		} else
			break
	}
	if (has_comment && columns($0) > 100) {
		print "shape: " FILENAME ":" FNR ": a comment is wider than 100 columns"
		bad = 1
	}
}
END { exit bad }'
