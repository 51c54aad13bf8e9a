#!/bin/sh
# SPDX-License-Identifier: MIT
# The ledger agrees, and the check that says so can fail: each of three damages is found.
# Usage: ordering_ledger_test.sh PROJECT
cd "$1" || exit 1
check=tests/shape/ordering_ledger.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

sh $check src/ring/*.[ch] src/store/*.[ch] || exit 1

damaged() {
	mkdir -p "$scratch/d"
	cp src/ring/*.[ch] src/store/bell.[ch] "$scratch/d"
	sed -i "$2" "$scratch/d/$1"
	if sh $check "$scratch"/d/*.[ch] >/dev/null; then
		echo "ordering: the check did not see: $1 $2"
		exit 1
	fi
	rm -r "$scratch/d"
}
damaged read.c 's/pairs with \[append:C\]/pairs with [append:A]/'
damaged layout.h '/append:C \/ look:D/d'
damaged append.h 's/\[append:C\] Slots/Slots/'
