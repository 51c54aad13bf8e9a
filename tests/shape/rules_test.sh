#!/bin/sh
# SPDX-License-Identifier: MIT
# The contract agrees with its citations, and the check that says so can fail: each of three damages is found.
# Usage: rules_test.sh PROJECT
cd "$1" || exit 1
check=tests/shape/rules.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

sh $check src/CONTRACT.md README.md include src bench tests || exit 1

damaged() {
	sed "$1" src/CONTRACT.md >"$scratch/CONTRACT.md"
	if sh $check "$scratch/CONTRACT.md" README.md include src bench tests >/dev/null; then
		echo "rules: the check did not see: $1"
		exit 1
	fi
}
damaged '/^### A13 /d'
damaged 's/^### A13 /### A14 /'
damaged '$a ### Y9'"8 No test cites this rule"
