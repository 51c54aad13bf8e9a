#!/bin/sh
# SPDX-License-Identifier: MIT
# Each struct of the public headers that begins with its size has its first released size in src/base/sizes.h, and
# that size is in tests/shape/sizes.txt, for pointers of 8 bytes (rule X16). No such struct became smaller, and none
# has padding at its end. Each call of base/sized.h in src names that size.
# Usage: sizes.sh PROJECT CC
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
fail() { echo "shape: $*"; bad=1; }

# STRUCT LAST: the structs whose first member is `size_t size`, and their last member.
awk '
/^struct reprise_[a-z_]* \{/ { name = $2; first = 1; sized = 0; last = ""; next }
name != "" {
	line = $0
	gsub(/\/\*[^*]*\*\//, "", line)
	if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); comment = 1 }
	else if (comment) { if (line ~ /\*\//) comment = 0; line = "" }
}
name != "" && /^\};/ { if (sized) print name, last; name = ""; next }
name != "" && line ~ /;/ {
	if (first && line ~ /^\tsize_t size;/)
		sized = 1
	first = 0
	sub(/(\[[^]]*\])?;.*/, "", line)
	sub(/.*[ *]/, "", line)
	last = line
}' include/reprise/*.h >"$scratch/structs"
[ "$(wc -l <"$scratch/structs")" -ge 30 ] || { echo "shape: the headers were not understood"; exit 1; }

cut -d ' ' -f 1 "$scratch/structs" | sort >"$scratch/named"
grep -v '^#' tests/shape/sizes.txt | cut -d ' ' -f 1 | sort >"$scratch/frozen"
sed -n 's/^#define SIZE_MIN_LAST_\([a-z_]*\) .*/\1/p' src/base/sizes.h | sort >"$scratch/listed"
diff "$scratch/named" "$scratch/frozen" >"$scratch/diff" || {
	fail "tests/shape/sizes.txt: < is missing, > is no struct with a size"
	grep '^[<>]' "$scratch/diff"
}
diff "$scratch/named" "$scratch/listed" >"$scratch/diff" || {
	fail "src/base/sizes.h: < is missing, > is no struct with a size"
	grep '^[<>]' "$scratch/diff"
}

{
	printf '#include <reprise/%s>\n' $(cd include/reprise && ls ./*.h)
	echo '#include "base/sizes.h"'
	echo '_Static_assert(sizeof(void *) == 8, "tests/shape/sizes.txt is for pointers of 8 bytes");'
	grep -v '^#' tests/shape/sizes.txt | while read -r struct bytes; do
		echo "_Static_assert(SIZE_MIN($struct) == $bytes, \"$struct: its first released size is $bytes for good\");"
		echo "_Static_assert(sizeof(struct $struct) >= SIZE_MIN($struct), \"$struct became smaller\");"
	done
	while read -r struct last; do
		echo "_Static_assert(SIZE_MIN_OF(struct $struct, $last) == sizeof(struct $struct)," \
			"\"$struct has padding at its end: a field \`reserved\` must take the place\");"
	done <"$scratch/structs"
} >"$scratch/sizes.c"
if [ $bad = 0 ]; then
	"$2" -std=c11 -Wall -Wextra -Werror -Iinclude -Isrc -fsyntax-only "$scratch/sizes.c" 2>"$scratch/errors" || {
		fail "a struct with a size is not what it was released as"
		grep -E 'error:' "$scratch/errors"
	}
fi

# load_check (thread/load.h) hands on the size that it is called with.
for file in src/*/*.c; do
	case $file in src/base/*) continue ;; esac
	tr '\n\t' '  ' <"$file" | grep -oE '(sized_read|sized_write|sized_has_room|= load_check)\([^;]*;' |
		grep -v -e 'SIZE_MIN(' -e 'sized_has_room(ret, size)' >"$scratch/calls" &&
		{ fail "$file: a call of base/sized.h without SIZE_MIN"; cat "$scratch/calls"; }
done
exit $bad
