#!/bin/sh
# SPDX-License-Identifier: MIT
# Files that an optimized build installs are hardened, and name no folder of the build (X10, X11).
#   no_paths   no installed file names the folder of the sources or of the build
#   flags      full RELRO, bound at start, position-independent, no stack that can be executed, a stack protector and
#              FORTIFY in each library and program; the protector is missing only in files without an array on the stack
# Usage: hardening.sh no_paths|flags PROJECT BUILD CC UNPROTECTED ...     (77: the build is not an optimized one)
what=$1 project=$2 build=$3 cc=$4
shift 4
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
case $(cached CMAKE_BUILD_TYPE) in
Release | RelWithDebInfo | MinSizeRel) ;;
*) echo "hardening: the build is not an optimized one"; exit 77 ;;
esac
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
fail() { echo "hardening: $*"; bad=1; }

DESTDIR=$scratch/installed cmake --install "$build" --prefix /usr >/dev/null || exit 1
find "$scratch/installed" -type f >"$scratch/files"
[ "$(grep -cE '\.(so\.|a$|pc$|h$)|/bin/reprise$' "$scratch/files")" -ge 10 ] || fail "too few files were installed"

names_path() { grep -qF -e "$project" -e "$build" "$1"; }

check_paths() {
	while read -r file; do
		names_path "$file" && fail "${file#"$scratch/installed"} names a folder of the build"
	done <"$scratch/files"
	# The check can fail.
	echo "x $build/src x" >"$scratch/wrong"
	names_path "$scratch/wrong" || fail "did not find a path that is there"
}

expect_in() { # WHAT PATTERN FILE WORDS
	grep -qE "$2" "$3" || fail "$1: $4"
}

check_binary() {
	name=${1#"$scratch/installed"}
	readelf -lW "$1" >"$scratch/segments"
	readelf -dW "$1" >"$scratch/dynamic"
	readelf -hW "$1" >"$scratch/header"
	expect_in "$name" 'GNU_RELRO' "$scratch/segments" "no RELRO"
	expect_in "$name" 'BIND_NOW|FLAGS_1.*NOW' "$scratch/dynamic" "not bound at start, so RELRO is not full"
	expect_in "$name" 'Type:.*DYN' "$scratch/header" "its addresses are fixed"
	grep -q 'TEXTREL' "$scratch/dynamic" && fail "$name: its code is written to when it is loaded"
	grep -qE 'GNU_STACK.*RWE' "$scratch/segments" && fail "$name: its stack may be executed"
	grep -qE 'R(UN)?PATH' "$scratch/dynamic" && fail "$name: has a run path"
	nm -D --undefined-only "$1" >"$scratch/called"
	expect_in "$name" '__stack_chk_fail' "$scratch/called" "no stack protector"
	expect_in "$name" '__[a-z]+_chk(@|$)' "$scratch/called" "no call that FORTIFY checks"
}

check_flags() {
	[ "$(cached REPRISE_HARDEN)" = ON ] || { echo "hardening: REPRISE_HARDEN is off"; exit 77; }
	while read -r file; do
		case $file in
		*.so.* | */bin/*) check_binary "$file" ;;
		*.a)
			nm -u "$file" >"$scratch/called" 2>/dev/null
			expect_in "$file" '__stack_chk_fail' "$scratch/called" "no stack protector"
			;;
		esac
	done <"$scratch/files"
	# With the weaker kind, which protects the functions that have an array.
	for source in "$@"; do
		$cc -std=c11 -O2 -D_GNU_SOURCE -fstack-protector --param=ssp-buffer-size=1 -I"$project/src" \
			-I"$project/include" -c "$project/src/$source" -o "$scratch/one.o" || fail "$source"
		nm -u "$scratch/one.o" | grep -q __stack_chk_fail && fail "$source: has an array on its stack"
	done
}

case $what in
no_paths) check_paths ;;
flags) check_flags "$@" ;;
*) fail "no_paths or flags" ;;
esac
exit $bad
