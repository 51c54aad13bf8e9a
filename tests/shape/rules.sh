#!/bin/sh
# SPDX-License-Identifier: MIT
# Each rule that the project cites has one heading in the contract, and each heading is cited by a test.
# Usage: rules.sh CONTRACT FOLDER ...   (the folder `tests` is one of them, or below one)
#
# A citation is the beginning of a test's name (A05_positions_go_on), or a rule behind the word rule, rules, contract or
# contracts (rules L25, L48; contracts A13-A18), or a range of rules (A05 to A12).
contract=$1
shift
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
status=0

sed -nE 's/^### ([A-Z][0-9]+[a-z]?) .*/\1/p' "$contract" | sort >"$scratch/headings"
[ -s "$scratch/headings" ] || { echo "rules: $contract has no heading of a rule"; exit 1; }
uniq -d "$scratch/headings" | while read -r rule; do echo "rules: $rule has two headings in $contract"; done >"$scratch/doubled"
[ -s "$scratch/doubled" ] && { cat "$scratch/doubled"; status=1; }

grep -rhoE --include='*.[ch]' --include='*.cc' --include='*.hpp' --include='*.sh' --include='*.md' --include='*.txt' \
	'\b(rules?|contracts?) [A-Z][0-9]{1,2}[a-z]?\b((,| and| to|-) ?[A-Z][0-9]{1,2}[a-z]?\b)*|\b[A-Z][0-9]{2}[a-z]?_[A-Za-z]' "$@" |
	grep -oE '[A-Z][0-9]{1,2}[a-z]?' | sort -u >"$scratch/cited"
comm -13 "$scratch/headings" "$scratch/cited" | while read -r rule; do
	echo "rules: $rule is cited, and $contract has no heading for it:"
	grep -rnE --include='*.[ch]' --include='*.cc' --include='*.hpp' --include='*.sh' --include='*.md' --include='*.txt' \
		"\\b$rule(_|\\b)" "$@" | head -n 3
done >"$scratch/missing"
[ -s "$scratch/missing" ] && { cat "$scratch/missing"; status=1; }

for folder in "$@"; do
	[ -d "$folder/tests" ] && echo "$folder/tests"
	[ "$(basename "$folder")" = tests ] && echo "$folder"
done >"$scratch/tests"
[ -s "$scratch/tests" ] || { echo "rules: no folder of tests in: $*"; exit 1; }
while read -r rule; do
	# shellcheck disable=SC2046
	grep -rqE "\\b$rule(_|\\b)" $(cat "$scratch/tests") || {
		echo "rules: no test cites $rule of $contract"
		status=1
	}
done <"$scratch/headings"
exit $status
