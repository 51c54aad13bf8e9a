#!/bin/sh
# SPDX-License-Identifier: MIT
# Two compilers, every optimization: configure, build with warnings as errors, run the unit tests and a
# short round of every stress program. A row a cell; fails if any does. For the long check: 20 minutes.
# Usage: matrix.sh [CC:FLAGS ...]     (such as 'gcc:-O3' or 'clang:-O2 -flto'; all of them by default)
# Packages: those of `./dev test`; clang -flto needs llvm (llvm-ar) and lld
cd "$(dirname "$0")/../.." || exit 1
here=build/matrix
bad=0
mkdir -p $here

# build CC FLAGS: an archive of what -flto leaves needs the compiler's own ar
build() {
	set -- "$1" "$2" -DCMAKE_C_COMPILER="$1" -DCMAKE_C_FLAGS="$2" -DCMAKE_BUILD_TYPE=None \
		-DREPRISE_WERROR=ON -DREPRISE_TESTS=ON -DREPRISE_BENCH=ON
	case "$1 $2" in
	gcc*-flto*) set -- "$@" -DCMAKE_AR="$(command -v gcc-ar)" -DCMAKE_RANLIB="$(command -v gcc-ranlib)" ;;
	clang*-flto*)
		# Debian names them by the version.
		version=$("$1" -dumpversion | sed 's/\..*//')
		set -- "$@" -DCMAKE_AR="$(command -v llvm-ar-"$version" || command -v llvm-ar)" \
			-DCMAKE_RANLIB="$(command -v llvm-ranlib-"$version" || command -v llvm-ranlib)" \
			-DCMAKE_EXE_LINKER_FLAGS="-fuse-ld=$lld" -DCMAKE_SHARED_LINKER_FLAGS="-fuse-ld=$lld"
		;;
	esac
	shift 2
	rm -rf $here/build
	cmake -S . -B $here/build "$@" && cmake --build $here/build -j 2
}

# The words of a step that fails go into the table's file.
run_tests() {
	for program in "$here"/build/tests/test_*; do
		[ -f "$program" ] || continue
		timeout -k 5 300 "$program" --short-filename || { echo "failed: $program"; return 1; }
	done
}

run_stress() {
	for program in "$here"/build/tests/stress_*; do
		timeout -k 5 200 "$program" 0
		status=$?
		[ $status = 0 ] || [ $status = 77 ] || { echo "failed: $program"; return 1; }
	done
}

cell() {
	cc=$1 flags=$2
	log=$here/$(printf '%s%s' "$cc" "$flags" | tr -cd 'a-zA-Z0-9-').log
	begin=$(date +%s)
	built='-' tested='-' stressed='-'
	if ! command -v "$cc" >/dev/null; then
		built='no compiler'
	elif case "$cc $flags" in clang*-flto*) [ -z "$lld" ] ;; *) false ;; esac; then
		built='no lld'
	elif ! build "$cc" "$flags" >"$log" 2>&1; then
		built=FAILED
	else
		built=ok
		if run_tests >>"$log" 2>&1; then tested=ok; else tested=FAILED; fi
		if run_stress >>"$log" 2>&1; then stressed=ok; else stressed=FAILED; fi
	fi
	printf '%-7s %-12s %-12s %-10s %-10s %5d s\n' "$cc" "$flags" "$built" "$tested" "$stressed" \
		$(($(date +%s) - begin))
	case "$built$tested$stressed" in
	no*)
		echo "matrix: $cc $flags was not built"
		bad=1
		;;
	*FAILED*)
		tail -n 40 "$log"
		echo "matrix: $cc $flags: see $log"
		bad=1
		;;
	esac
}

lld=
for name in lld lld-14 lld-15 lld-16; do
	command -v "ld.$name" >/dev/null && lld=$name && break
done
printf '%-7s %-12s %-12s %-10s %-10s %7s\n' compiler flags built 'unit tests' stress time
if [ $# = 0 ]; then
	for cc in gcc clang; do
		for flags in -O0 -O1 -O2 -O3 -Os '-O2 -flto'; do
			cell "$cc" "$flags"
		done
	done
fi
for asked in "$@"; do
	case $asked in
	?*:?*) cell "${asked%%:*}" "${asked#*:}" ;;
	*)
		echo "usage: matrix.sh [CC:FLAGS ...]" >&2
		exit 2
		;;
	esac
done
rm -rf $here/build
exit $bad
