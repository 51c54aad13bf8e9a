#!/bin/sh
# SPDX-License-Identifier: MIT
# Each struct of the public headers that says its size has a macro that sets it, in C11 and in C++20, with all else 0.
# Usage: init_macros.sh PROJECT CC CXX
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# The structs whose first member is `size_t size`: struct reprise_bytes is a pointer first.
awk '
/^struct reprise_[a-z_]* \{/ { name = $2; first = 1; next }
name != "" && /^\t/ && !/^\t(\/\*| \*)/ {
	if (first && $1 == "size_t" && $2 == "size;")
		print name
	first = 0
}
/^\};/ { name = "" }' include/reprise/*.h >"$scratch/structs"
[ -s "$scratch/structs" ] || { echo "shape: no struct of the public headers has a size"; exit 1; }

{
	printf '#include <reprise/%s>\n' $(cd include/reprise && ls ./*.h)
	echo '#include <string.h>'
	awk '{
		macro = toupper($1) "_INIT"
		printf "static int check_%s(void)\n{\n", $1
		printf "\tstruct %s given = %s, zero;\n\n", $1, macro
		print "\tif (given.size != sizeof(given))\n\t\treturn 1;"
		print "\tgiven.size = 0;\n\tmemset(&zero, 0, sizeof(zero));"
		print "\treturn memcmp(&given, &zero, sizeof(given)) != 0;\n}"
	}' "$scratch/structs"
	echo 'int main(void) { return 0'
	awk '{ printf "\t+ check_%s()\n", $1 }' "$scratch/structs"
	echo '; }'
} >"$scratch/inits.c"

check() {
	"$@" -Wall -Wextra -Wshadow -Wpedantic -Werror -Iinclude "$scratch/inits.c" -o "$scratch/inits" &&
		"$scratch/inits" || {
		echo "shape: a macro of a sized struct is missing, or sets something else ($*)"
		exit 1
	}
}
check "$2" -x c -std=c11
check "$3" -x c++ -std=c++20
