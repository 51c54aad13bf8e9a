#!/bin/sh
# SPDX-License-Identifier: MIT
# V110: src/TROUBLESHOOTING.md has one row for each word that the source can say, and none for another word.
#
# Usage: troubleshooting.sh PROJECT
set -eu
cd "$1"
page=src/TROUBLESHOOTING.md
failed=0
fail() { echo "shape: $page: $*" >&2; failed=1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# rows SECTION: the rows of the tables in a section, without heads and rules
rows() { awk -v section="## $1" '/^## / { is_in = $0 == section } is_in && /^\| *`|^\| *[0-9]/' "$page"; }
# words COLUMN PATTERN: the words of a column that are in backticks and match
words() { awk -F ' *[|] *' -v column="$1" '{ print $(column + 1) }' | grep -oE "\`$2\`" | tr -d '`' || :; }
# constants FILE TABLE: of an X table in a header
constants() { awk -v table="$2" '/^#define/ { is_in = index($0, "define " table "(") > 0 } is_in' "$1" | grep -oE 'X\([A-Z_]+' | sed 's/^X(//'; }
# names FILE TABLE COLUMN: the name in a row of an X table, as a code of the gateway
names() {
	awk -v table="$2" '/^#define/ { is_in = index($0, "define " table "(") > 0 } is_in' "$1" | tr -d '\n\t\\' | sed 's/X(/\n/g' |
		awk -F '"' 'NR > 1 && NF > 1 { gsub(" ", "_", $2); print $2 }' | sed '/^_*$/d'
}
# compare WHAT LEAST: the words of the source against those of the page; each has exactly one row
compare() {
	[ "$(wc -l <"$scratch/source")" -ge "$2" ] || fail "the source of $1 is not where this test looks"
	sort "$scratch/source" >"$scratch/wanted"
	sort "$scratch/page" >"$scratch/got"
	diff "$scratch/wanted" "$scratch/got" >"$scratch/diff" || {
		fail "$1 (<: no row, >: a row too many)"
		grep '^[<>]' "$scratch/diff" >&2
	}
}
# Gaps: constants, and the codes of the block.
constants include/reprise/gap.h REPRISE_GAP_REASON_TABLE >"$scratch/source"
constants include/reprise/gap.h REPRISE_GAP_DETAIL_TABLE >>"$scratch/source"
rows Gaps | words 2 'REPRISE_[A-Z_]*' >"$scratch/page"
compare 'the constants of gaps' 19
names include/reprise/gap.h REPRISE_GAP_REASON_TABLE >"$scratch/source"
names include/reprise/gap.h REPRISE_GAP_DETAIL_TABLE >>"$scratch/source"
rows Gaps | words 1 '[a-z_]*' >"$scratch/page"
compare 'the codes of gaps' 19

# How a stream ends: causes, states of a life, and the blocks of the stream.
constants include/reprise/outcome.h REPRISE_END_CAUSE_TABLE >"$scratch/source"
constants include/reprise/log_entry.h REPRISE_LIFE_STATE_TABLE >>"$scratch/source"
rows 'How a stream ends' | words 2 'REPRISE_[A-Z_]*' >"$scratch/page"
compare 'the causes of an end and the states of a life' 8
names include/reprise/outcome.h REPRISE_END_CAUSE_TABLE >"$scratch/source"
names include/reprise/log_entry.h REPRISE_LIFE_STATE_TABLE >>"$scratch/source"
rows 'How a stream ends' | grep REPRISE_ | words 1 '[a-z_]*' >"$scratch/page"
compare 'the names of causes and states' 8

# Each command of the program.
awk '/^\} commands\[\]/ { is_in = 1 } /^};/ { is_in = 0 } is_in' src/tool/main.c | sed -n 's/^\t{ "\([a-z]*\)", ".*/reprise \1/p' >"$scratch/source"
rows 'Exit statuses' | words 1 'reprise [a-z]*' >"$scratch/page"
compare 'the commands' 5

# Errors of the gateway, with their HTTP status.
sed -n 's/^\tX([A-Z_]*, \([0-9]*\), "\([a-z_]*\)".*/\1 \2/p' src/gateway/errors.h >"$scratch/source"
rows 'Errors over HTTP' | sed -n 's/^| *\([0-9]*\) *| *`\([a-z_]*\)` *|.*/\1 \2/p' >"$scratch/page"
compare 'the errors of the gateway' 40

# Refusals of the HTTP server: the table, and the words that no rule of the parser has.
sed -n 's/^\tX([A-Z_]*, \([0-9]*\), "\([a-z-]\{1,\}\)").*/\1 http_\2/p' src/http/parse.h | tr - _ >"$scratch/source"
cat src/http/*.c | sed -n 's/.*\(refuse\|refuse_request\)(exchange, [^,]*, "\([a-z-]*\)").*/http_\2/p' | tr - _ | sort -u |
	sed -e 's/^http_timeout$/408 &/' -e 's/^http_too_many_requests$/429 &/' -e 's/^http_too_many_connections$/429, 503 &/' >>"$scratch/source"
rows 'Refusals of HTTP' | sed -n 's/^| *\([0-9, ]*[0-9]\) *| *`\([a-z0-9_]*\)` *|.*/\1 \2/p' >"$scratch/page"
compare 'the refusals of HTTP' 35

# Statuses of the library.
constants include/reprise/base.h REPRISE_STATUS_TABLE | sed 's/^/REPRISE_/' >"$scratch/source"
rows 'Statuses of the library' | words 1 'REPRISE_[A-Z_]*' >"$scratch/page"
compare 'the statuses' 22

# Nothing on the page names a constant, a call or a metric that does not exist.
grep -ohE '\b(REPRISE_[A-Z_]+|reprise_[a-z_]+[a-z])\b' "$page" | sort -u >"$scratch/named"
while read -r name; do
	case $name in
	reprise_gateway_*_total | reprise_http_*_total | reprise_recorder_lag_* | reprise_recorder_stuck_*) place=src/gateway/METRICS.md ;;
	*) place=include/reprise ;;
	esac
	case $name in REPRISE_E_* | REPRISE_OK) name=${name#REPRISE_} ;; esac # as the table has them
	grep -rqw -- "$name" "$place" || fail "$name does not exist"
done <"$scratch/named"

# Links within the page lead to a heading.
sed -n 's/^##* //p' "$page" | tr 'A-Z ' 'a-z-' | tr -d "\`'\",.:?" >"$scratch/headings"
grep -oE '\]\(#[^)]*\)' "$page" | sed 's/^](#\(.*\))$/\1/' | sort -u | while read -r anchor; do
	grep -qxF -- "$anchor" "$scratch/headings" || echo "$anchor"
done >"$scratch/dead"
if [ -s "$scratch/dead" ]; then fail "no heading has the anchor $(cat "$scratch/dead")"; fi
exit $failed
