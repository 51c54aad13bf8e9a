#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public function has a scenario, and was given bad input. Usage: covered.sh PROJECT PROGRAM
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
# Those of libreprise: the others' are in their own suites.
cat include/reprise/base.h include/reprise/cursor.h include/reprise/session.h \
	include/reprise/sessions.h include/reprise/writer.h include/reprise/group.h include/reprise/store.h include/reprise/subscription.h include/reprise/into.h include/reprise/lag.h include/reprise/once.h \
	include/reprise/gap.h include/reprise/outcome.h | grep -v '^#define' | tr '\n' ' ' |
	grep -oE 'REPRISE_API [^;(]*\(' | sed 's/.*\(reprise_[a-z_]*\)(/\1/' | sort -u >"$scratch/declared"
[ "$(wc -l <"$scratch/declared")" -ge 40 ] || { echo "the headers were not understood"; exit 1; }
for what in list bad; do
	"$2" "$what" >"$scratch/$what.raw" || exit 1
	sort -u "$scratch/$what.raw" >"$scratch/$what"
	if ! diff "$scratch/declared" "$scratch/$what" >"$scratch/diff"; then
		echo "fault $what: < is without, > is no public function"
		grep '^[<>]' "$scratch/diff"
		bad=1
	fi
done
exit $bad
