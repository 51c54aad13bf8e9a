#!/bin/sh
# SPDX-License-Identifier: MIT
# The ordering ledgers, the labels at the sites, and their "pairs with" must agree.
# Usage: ordering_ledger.sh FILE ...   (ledger rows and labels may stand in any of them)
awk '
function fail(m) { print "ordering: " m; bad = 1 }
{
	line = $0
	if (match(line, /\* +[a-z_]+:[A-Z] \/ [a-z_]+:[A-Z] /)) {      # a row of a ledger
		row = substr(line, RSTART, RLENGTH)
		gsub(/[* ]/, "", row)
		split(row, p, "/")
		ledger[p[1] " " p[2]] = 1
		next
	}
	if (match(line, /^[ \t]*(\/\*|\*) \[[a-z_]+:[A-Z]\]/)) {       # a label at its site
		match(line, /\[[a-z_]+:[A-Z]\]/)
		here = substr(line, RSTART + 1, RLENGTH - 2)
		if (here in def) fail(here " is labelled twice")
		def[here] = FILENAME ":" FNR
		line = substr(line, RSTART + RLENGTH)
	}
	while (match(line, /pairs with \[[a-z_]+:[A-Z]\]/)) {
		there = substr(line, RSTART + 12, RLENGTH - 13)
		pair[here " " there] = 1
		line = substr(line, RSTART + RLENGTH)
	}
}
END {
	for (k in pair) {
		split(k, p, " ")
		if (!(p[2] in def)) fail(p[1] " pairs with " p[2] ", which is nowhere")
		else if (!((p[2] " " p[1]) in pair)) fail(p[2] " does not name " p[1] " back")
		if (!(k in ledger) && !((p[2] " " p[1]) in ledger)) fail(k " is not in the ledger")
		rows++
	}
	for (k in ledger) if (!(k in pair)) fail(k " is in the ledger only")
	if (rows == 0) fail("no pairs at all")
	exit bad
}' "$@"
