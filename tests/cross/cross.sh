#!/bin/sh
# SPDX-License-Identifier: MIT
# The library on arm64 (X12): compiled by Debian's cross compiler, run under qemu-user.
#   build      the sysroot, what runs the emulator again (emulate.c), the libraries, the program, the tests that are run
#   tests      a pattern of the programs that are run, of CTest's names
#   cases      a pattern for Criterion of all cases but those that excluded.txt names, which it prints on stderr
#   programs   README.md's and the guide's programs against the installed libraries, and `reprise demo --log` with its kill
# ./dev check cross calls them one after the other, and CTest between the last two.
# Usage: cross.sh build|tests|cases|programs
# Packages: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user make cmake pkg-config; those of the sysroot are unpacked there
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/build/cross
sysroot=$here/sysroot
compiler="aarch64-linux-gnu-gcc --sysroot=$sysroot"
suites='base ring store bench conversation log log_sqlite recorder thread thread_sqlite threads'
stress='batches callbacks churn closes doors ends into lives many once overwrite reuse seam signals trims wakes'
packages='libc6-dev liburcu-dev libck-dev libsqlite3-dev libpq-dev libjansson-dev libcriterion-dev libuv1-dev'

build_all() {
	# shellcheck disable=SC2046,SC2086 # lists of words
	sh tests/cross/sysroot.sh "$sysroot" arm64 $packages || {
		echo "cross: could not get the packages of the sysroot"
		return 1
	}
	$compiler -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -shared -fPIC tests/cross/emulate.c \
		-o "$here/emulate.so" || return 1
	cmake -S . -B "$here/build" -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/cross/aarch64.cmake" \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo -DREPRISE_WERROR=ON -DREPRISE_TESTS=ON -DREPRISE_BENCH=OFF &&
		cmake --build "$here/build" -j "$(nproc)" --target reprise_tool $(printf 'test_%s ' $suites) \
			$(printf 'stress_%s ' $stress) $(printf 'reprise_%s_shared reprise_%s_static ' \
				log log log_sqlite log_sqlite log_postgres log_postgres recorder recorder \
				conversation conversation thread thread thread_sqlite thread_sqlite \
				thread_postgres thread_postgres)
}

run_demo() {
	log=$here/demo.db
	rm -f "$log"*
	timeout -k 5 300 sh tests/cross/emulate.sh "$here/build/reprise" demo --log "$log" --seconds 2 \
		>"$here/demo.txt" 2>&1 || {
		cat "$here/demo.txt"
		return 1
	}
	# A host that had 1100 events when 1000 were recorded takes 100 back; in the end each holds all.
	awk '
	$1 == "stays" { stays = $2 == 1100 && $3 == 100 && $NF == 1500 }
	$1 == "drops" { drops = $NF == 1500 }
	$1 == "recorded" { recorded = $3 == 0 && $NF == 1500 }
	END { exit !(stays && drops && recorded) }' "$here/demo.txt" || {
		cat "$here/demo.txt"
		echo "cross: the demo printed something else"
		return 1
	}
	sh tests/cross/emulate.sh "$here/build/reprise" log verify --file "$log"
}

run_programs() {
	mkdir -p "$sysroot/tmp" || return 1
	libraries=$sysroot/usr/lib/aarch64-linux-gnu
	# A file installed below the sysroot keeps its name there.
	TMPDIR=$sysroot/tmp PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$libraries/pkgconfig \
		REPRISE_RUN="sh $PWD/tests/cross/emulate.sh" \
		sh tests/readme/readme.sh . "$here/build" "$compiler" || {
		echo "cross: a program of README.md or of the guide failed"
		return 1
	}
	run_demo || return 1
	echo "3 passed, 0 failed, 0 skipped"
}

case ${1:-} in
build)
	mkdir -p "$here" || exit 1
	build_all >"$here.log" 2>&1 || {
		cat "$here.log"
		echo "cross: the build failed"
		exit 1
	}
	;;
tests)
	echo "^(suite|stress)\\.($(echo "$suites $stress" | tr ' ' '|'))\$"
	;;
cases)
	sed -e '/^#/d' -e 's/\t/: /' -e 's/^/cross: left out: /' tests/cross/excluded.txt >&2
	sed -e '/^#/d' -e 's/\t.*//' tests/cross/excluded.txt | tr '\n' '|' | sed -e 's/|$//' -e 's/.*/!(&)\n/'
	;;
programs) run_programs ;;
*)
	echo "usage: cross.sh build|tests|cases|programs" >&2
	exit 2
	;;
esac
