#!/bin/sh
# SPDX-License-Identifier: MIT
# X10: the same sources make the same files. Builds what is installed twice, in folders whose names differ in length,
# and compares the installed files.
# Usage: reproducible.sh [CC ...]     (gcc by default)
# Packages: gcc libc6-dev make cmake pkg-config liburcu-dev libck-dev, and libsqlite3-dev libpq-dev libjansson-dev where they are there
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/build/reproducible
[ $# -gt 0 ] || set -- gcc
bad=0
# A cache of compiled objects would answer for the second build.
unset CMAKE_C_COMPILER_LAUNCHER
export CCACHE_DISABLE=1

# build CC FOLDER
build() {
	mkdir -p "$2/sources" || return 1
	cp -R CMakeLists.txt include src "$2/sources" || return 1
	cmake -S "$2/sources" -B "$2/out" -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DREPRISE_TESTS=OFF -DREPRISE_BENCH=OFF &&
		cmake --build "$2/out" -j "$(nproc)" &&
		DESTDIR=$2/installed cmake --install "$2/out" --prefix /usr
}

# list FOLDER: a sum, the mode and the name of each file, and where each link leads
list() {
	(cd "$1/installed" && find . -type f -exec sha256sum {} + && find . -printf '%p %m %l\n') | sort
}

for cc in "$@"; do
	rm -rf "$here"
	first=$here/a second=$here/another-folder-whose-name-is-longer/b
	for folder in "$first" "$second"; do
		mkdir -p "$folder"
		build "$cc" "$folder" >"$folder.log" 2>&1 || {
			cat "$folder.log"
			echo "reproducible: the build with $cc failed"
			exit 1
		}
		list "$folder" >"$folder.list"
	done
	files=$(grep -cE '^[0-9a-f]{64} ' "$first.list")
	if [ "$files" -lt 20 ]; then
		echo "reproducible: $cc: $files files were installed, too few"
		bad=1
	elif diff "$first.list" "$second.list"; then
		echo "reproducible: $cc: $files installed files, the same in both folders"
	else
		echo "reproducible: $cc: the files differ"
		bad=1
	fi
done
[ $bad = 0 ] && rm -rf "$here"
exit $bad
