#!/bin/sh
# SPDX-License-Identifier: MIT
# Files and functions stay small. 400 lines a file and 60 a function are guides: a longer one needs a written
# exemption, which names the greatest size and the reason. An exemption that nothing needs is a failure, and so is
# a size above the exempt one.
# Usage: limits.sh PROJECT [FILE]   (FILE instead of tests/shape/exempt.txt)
cd "$1" || exit 1
exempt=${2:-tests/shape/exempt.txt}

awk '
function fail(text) {
	print "shape: " text
	bad = 1
}

# The unit, @file or a function of @file, has @size lines; @guide are the guide.
function measure(file, function_name, size, guide,    key, what) {
	key = file " " function_name
	what = function_name == "-" ? file : file ": " function_name
	if (size <= guide)
		return
	if (!(key in allowed)) {
		fail(what " has " size " lines; " guide " are the guide: make it smaller, or write an exemption")
		return
	}
	is_needed[key] = 1
	if (size > allowed[key])
		fail(what " has " size " lines; " allowed[key] " are exempt")
	else
		print "shape: warning: " what " has " size " lines, " allowed[key] " are exempt:" reason[key]
}

FILENAME == ARGV[1] {
	if (/^#/ || NF == 0)
		next
	key = $1 " " $2
	if ($3 !~ /^[1-9][0-9]*$/ || NF < 7 || !/\.$/)
		fail("an exemption is: FILE FUNCTION-OR-- LINES, and a sentence with the reason: " $0)
	if (key in allowed)
		fail("two exemptions of " key)
	allowed[key] = $3 + 0
	$1 = $2 = $3 = ""
	sub(/^ +/, " ")
	reason[key] = $0
	next
}

FNR == 1 {
	if (file != "")
		measure(file, "-", lines, 400)
	file = FILENAME
	begin = 0
}
{ lines = FNR }
/^[a-z].*\(/ && !/;$/ {
	name = $1
	sub(/\(.*/, "", name)
}
/^\{/ { begin = FNR }
/^\}/ && begin {
	measure(file, name, FNR - begin, 60)
	begin = 0
}

END {
	if (file != "")
		measure(file, "-", lines, 400)
	for (key in allowed)
		if (!(key in is_needed))
			fail("an exemption that nothing needs: " key)
	exit bad
}' "$exempt" include/reprise/*.h src/*/*.[ch]
