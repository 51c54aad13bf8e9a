#!/bin/sh
# SPDX-License-Identifier: MIT
# How many instructions the calls take that are made for each event, counted by callgrind: a gate that
# no noise reaches. Fails above a limit of instructions.txt; says when a limit could be lowered.
# Usage: instructions.sh [gcc|clang ...]      (77: no such machine, or no limits for these compilers)
# Packages: valgrind gcc clang cmake make pkg-config libc6-dev liburcu-dev libck-dev
#
# Only the instructions of our own object are counted: which memcpy glibc takes depends on the
# processor, and liburcu is as old as the system. So the counts are the same on every x86-64 machine
# that has the same compiler.
cd "$(dirname "$0")/../.." || exit 1
limits=tests/gates/instructions.txt
case $(uname -m) in x86_64) ;; *) echo "instructions: the limits are of x86-64"; exit 77 ;; esac
[ $# -gt 0 ] || set -- gcc clang
bad=0 judged=0
libraries=$(pkg-config --libs liburcu-bp liburcu-cds ck) || exit 1
calls='reprise_append reprise_append_batch reprise_next reprise_session_current_cursor'

# build CC: the flags are those of the release preset, but for -g, which changes no instruction: valgrind
# 3.19 ends at what clang 14 writes for it.
# shellcheck disable=SC2086 # a list of words
build() {
	here=build/instructions-$1
	mkdir -p "$here"
	{
		cmake -S . -B "$here" -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
			-DCMAKE_C_FLAGS_RELWITHDEBINFO="-O2 -DNDEBUG" \
			-DREPRISE_WERROR=ON -DREPRISE_TESTS=OFF -DREPRISE_BENCH=OFF &&
			cmake --build "$here" -j 2 --target reprise_static &&
			"$1" -std=c11 -O2 -Wall -Wextra -Werror -Iinclude tests/gates/instructions.c \
				-o "$here/instructions" "$here/src/libreprise.a" \
				$libraries -lpthread
	} >"$here.log" 2>&1 || {
		cat "$here.log"
		echo "instructions: the build failed"
		exit 1
	}
}

# count CC: "CALL,CASE CALLS INSTRUCTIONS" of each dump
count() {
	here=build/instructions-$1
	rm -f "$here"/callgrind.out*
	set --
	for call in $calls; do
		set -- "$@" "--toggle-collect=$call"
	done
	valgrind -q --tool=callgrind --callgrind-out-file="$here/callgrind.out" \
		--collect-atstart=no "$@" "$here/instructions" >"$here.log" 2>&1 || {
		cat "$here.log"
		echo "instructions: the program failed" >&2
		exit 1
	}
	for dump in "$here"/callgrind.out.*; do
		awk '
		/^desc: Trigger: Client Request: / { name = $(NF - 1); calls = $NF }
		# The callee: its object, and after "calls=" its cost, which is not our own.
		/^ob=/ {
			number = $0; sub(/^ob=/, "", number); sub(/\).*/, ")", number)
			if ($0 ~ /\) ./) is_ours[number] = $0 ~ /\/instructions$/
			ours = is_ours[number]
			next
		}
		/^cob=.*\) ./ {
			number = $0; sub(/^cob=/, "", number); sub(/\).*/, ")", number)
			is_ours[number] = $0 ~ /\/instructions$/
			next
		}
		/^calls=/ { getline; next }
		/^[-+*0-9]/ && ours { sum += $2 }
		END { if (name != "") print name, calls, sum + 0 }' "$dump"
	done
}

printf '%-34s %-9s %12s %10s\n' call compiler instructions limit
for cc in "$@"; do
	if ! command -v "$cc" >/dev/null; then
		echo "instructions: no $cc"
		continue
	fi
	version=$cc-$("$cc" -dumpversion | sed 's/\..*//')
	build "$cc"
	count "$cc" >"build/instructions-$cc.counts" || exit 1
	awk -v version="$version" '
	FNR == NR {
		if ($1 !~ /^#/ && $2 == version) limit[$1] = $3
		next
	}
	FILENAME != ARGV[1] {
		each = $3 / $2
		name = $1; sub(/,/, " ", name)
		seen[$1] = 1
		if (!($1 in limit)) { printf "%-34s %-9s %12.2f %10s\n", name, version, each, "none"; none = 1; next }
		judged++
		# 2 % are left, for what a small change of the code around it makes of the same source.
		most = limit[$1] * 1.02
		say = ""
		if (each <= 0) { say = "  NOT COUNTED"; bad = 1 }
		else if (each > most) { say = "  ABOVE"; bad = 1 }
		else if (each < limit[$1] * 0.95) say = "  well below: lower the limit"
		printf "%-34s %-9s %12.2f %10.2f%s\n", name, version, each, most, say
	}
	END {
		if (judged > 0 && none) { print "instructions: a call has no limit for " version; bad = 1 }
		for (name in limit) if (!(name in seen)) { print "instructions: " name " was not counted"; bad = 1 }
		exit bad ? 1 : judged > 0 ? 0 : 77
	}' $limits "build/instructions-$cc.counts"
	case $? in
	0) judged=1 ;;
	77) echo "instructions: no limits for $version" ;;
	*) bad=1 ;;
	esac
done
[ $bad = 0 ] || { echo "instructions: see tests/gates/instructions.txt"; exit 1; }
[ $judged = 1 ] || exit 77
