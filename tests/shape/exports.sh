#!/bin/sh
# SPDX-License-Identifier: MIT
# Each shared library exports what its map names, and the maps together what the public headers declare. A
# durable library that is not built is left out, and so are the headers that it is the first to need.
# Usage: exports.sh PROJECT LIBRARY ...
cd "$1" || exit 1
shift
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
left_out=
: >"$scratch/all"

# The names in a map; of the node for everybody, with `public`.
mapped() {
	awk -v only="$2" '
	/^[A-Z]/ { is_public = /^REPRISE_[0-9]/ }
	/^[ \t]*reprise_[a-z_]*;/ && (is_public || only != "public") { gsub(/[ \t;]/, ""); print }' "$1"
}

compare() {
	diff "$2" "$3" >"$scratch/difference" && return
	echo "exports: $1"
	cat "$scratch/difference"
	bad=1
}

for map in src/reprise.map src/*/*.map; do
	name=$(basename "$map" .map)
	[ "$name" = reprise ] || name=reprise_$name
	library=
	for given in "$@"; do
		case $given in */lib"$name".so*) library=$given ;; esac
	done
	if [ -z "$library" ]; then
		left_out="$left_out ${name#reprise_}"
		continue
	fi
	nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' |
		sort >"$scratch/exported"
	mapped "$map" | sort >"$scratch/mapped"
	compare "lib$name and its map" "$scratch/mapped" "$scratch/exported"
	mapped "$map" public >>"$scratch/all"
done

# The header of a room is called like it; a header without a map is not written for yet.
headers=
for header in include/reprise/*.h; do
	name=$(basename "$header" .h)
	room=${name%_upkeep}
	case " $left_out " in *" ${room%_load} "*) continue ;; esac
	case $name in
	log_upkeep | log_blob | log_entry) ;;
	thread_load) [ -f src/thread/thread.map ] || continue ;;
	log_* | recorder* | thread*) [ -f "src/$name/$name.map" ] || continue ;;
	esac
	headers="$headers $header"
done
# shellcheck disable=SC2086 # a list of words
grep -hv '^#define' $headers | tr '\n' ' ' |
	grep -oE 'REPRISE_API [^;(]*\(' | sed 's/.*\(reprise_[a-z_]*\)(/\1/' | sort >"$scratch/declared"
sort "$scratch/all" >"$scratch/public"
compare "the maps and the public headers" "$scratch/public" "$scratch/declared"
[ -z "$left_out" ] || echo "exports: not built:$left_out"
exit $bad
