#!/bin/sh
# SPDX-License-Identifier: MIT
# The sizes of the tree's files and functions agree with the guides and the exemptions, and the check that says so can
# fail: in a tree of two files.
# Usage: limits_test.sh PROJECT
cd "$1" || exit 1
check=$PWD/tests/shape/limits.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

sh "$check" . || exit 1

# tree LINES BODY: a header of so many lines, and a source with a function of so many lines
tree() {
	mkdir -p "$scratch/include/reprise" "$scratch/src/room"
	awk -v lines="$1" 'BEGIN { for (i = 1; i <= lines; i++) print "/* " i " */" }' >"$scratch/include/reprise/long.h"
	awk -v body="$2" 'BEGIN { print "int\nfill(int value)\n{"
		for (i = 1; i < body; i++) print "\tvalue++;"
		print "}" }' >"$scratch/src/room/long.c"
}

# expect passes|fails TEXT: of the tree, with the exemptions that the standard input has
expect() {
	cat >"$scratch/exempt.txt"
	found=fails
	! sh "$check" "$scratch" "$scratch/exempt.txt" >"$scratch/said" || found=passes
	[ "$found" = "$1" ] || { echo "limits: the check $found: $2"; cat "$scratch/said"; exit 1; }
}

file='include/reprise/long.h -'
function='src/room/long.c fill'
why='The table is read as a whole.'

tree 400 60
expect passes "sizes at the guides" </dev/null
expect fails "an exemption of a file that is small enough" <<END
$file 410 $why
END
expect fails "an exemption of a function that is small enough" <<END
$function 70 $why
END
expect fails "an exemption of a file that is missing" <<END
src/room/gone.c - 410 $why
END

tree 401 60
expect fails "a file of 401 lines" </dev/null
expect fails "a file of 401 lines, where another is exempt" <<END
src/room/long.c - 410 $why
END
expect passes "an exempt file" <<END
# Comments are no exemptions.
$file 401 $why
END
grep -q "warning: include/reprise/long.h has 401 lines, 401 are exempt: $why" "$scratch/said" ||
	{ echo "limits: no warning of an exempt file"; exit 1; }
expect fails "an exemption without a reason" <<END
$file 401
END
expect fails "an exemption twice" <<END
$file 401 $why
$file 402 $why
END

tree 411 60
expect fails "a file beyond its exemption" <<END
$file 410 $why
END

tree 400 61
expect fails "a function of 61 lines" </dev/null
expect passes "an exempt function" <<END
$function 65 $why
END
expect fails "a function that only its file is exempt for" <<END
src/room/long.c - 500 $why
END

tree 400 66
expect fails "a function beyond its exemption" <<END
$function 65 $why
END
exit 0
