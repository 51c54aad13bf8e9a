#!/bin/sh
# SPDX-License-Identifier: MIT
# The program's names and the library's do not meet. A program that defines every internal name of every library
# itself, as a function that aborts, links to the static and to the shared libraries and runs; an installed
# archive has no other global names than those of its map; no shared library calls itself by name.
# Usage: own_names.sh PROJECT BUILD CC     (77: the build counts what is run)
cd "$1" || exit 1
project=$PWD build=$2 cc=$3
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
fail() { echo "own_names: $*"; bad=1; }

cmake --install "$build" --prefix "$scratch/installed" >/dev/null || exit 1
pc=$(find "$scratch/installed" -name reprise.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir reprise)
if nm -u "$libraries/libreprise.a" | grep -q __gcov_; then
	echo "own_names: a build for gcov, whose names programs share"
	exit 77
fi

for archive in "$libraries"/*.a; do
	name=$(basename "$archive" .a)
	room=${name#lib} room=${room#reprise} room=${room#_}
	map=src/${room:+$room/}${room:-reprise}.map
	sed -n 's/^[[:space:]]*\(reprise_[a-z0-9_]*\);$/\1/p' "$map" | sort >"$scratch/mapped"
	nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort >"$scratch/global"
	diff "$scratch/mapped" "$scratch/global" >"$scratch/difference" || {
		fail "$name.a and its map"
		cat "$scratch/difference"
	}
done

for library in "$libraries"/*.so; do
	nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort >"$scratch/defined"
	readelf -rW "$library" | awk 'NF > 5 { sub(/@.*/, "", $5); print $5 }' | sort -u >"$scratch/called"
	[ -s "$scratch/called" ] || fail "$library: readelf was not understood"
	own=$(comm -12 "$scratch/defined" "$scratch/called")
	[ -z "$own" ] || fail "$(basename "$library") calls itself by name:" "$own"
	for flag in SYMBOLIC NODELETE; do
		readelf -dW "$library" | grep -q "$flag" || fail "$(basename "$library") is not $flag"
	done
done

# The internal names, from the archives that were not linked into one object.
for archive in "$build"/src/libreprise*_internal.a; do
	nm -g --defined-only "$archive"
done | awk 'NF == 3 && $3 !~ /^reprise_/ && $3 !~ /[^A-Za-z0-9_]/ && $3 !~ /^__/ { print $3 }' | sort -u >"$scratch/names"
count=$(wc -l <"$scratch/names")
[ "$count" -ge 150 ] || fail "$count internal names: the archives were not understood"
{
	echo '#include <stdlib.h>'
	sed 's/.*/void &(void); void &(void) { abort(); }/' "$scratch/names"
} >"$scratch/names.c"
# The guide's program over a log; its first, where SQLite is not there.
packages='reprise_recorder reprise_log_sqlite' number=2
[ -e "$PKG_CONFIG_PATH/reprise_log_sqlite.pc" ] || packages=reprise number=1
awk -v number=$number '
	$0 == "```c" { on = ++count == number; next }
	/^```/ { on = 0 }
	on' src/GUIDE.md >"$scratch/program.c"
[ -s "$scratch/program.c" ] || fail "src/GUIDE.md has no program $number"
# shellcheck disable=SC2046,SC2086 # lists of words
$cc -std=c11 "$scratch/program.c" "$scratch/names.c" $(pkg-config --cflags $packages) \
	$(pkg-config --static --libs $packages | sed -E "s|-l(reprise[a-z_]*)|$libraries/lib\\1.a|g") \
	-o "$scratch/static" || exit 1
# shellcheck disable=SC2046,SC2086
$cc -std=c11 -rdynamic "$scratch/program.c" "$scratch/names.c" $(pkg-config --cflags --libs $packages) \
	-o "$scratch/shared" || exit 1
for program in static shared; do
	(cd "$scratch" && rm -f agents.db* && LD_LIBRARY_PATH=$libraries "./$program") >"$scratch/said" 2>&1 || {
		fail "a program with $count names of ours, $program"
		cat "$scratch/said"
	}
	[ "$(grep -c '^event\|^lost' "$scratch/said")" -ge 4 ] || fail "$program printed something else"
done
cd "$project" && exit $bad
