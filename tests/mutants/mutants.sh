#!/bin/sh
# SPDX-License-Identifier: MIT
# Breaks the shipping source on purpose, one small thing at a time, and demands that a model, a suite
# or a stress program notices. Prints who did; the last line counts; 1 if somebody survived.
#
#   weaken.awk    makes one mutant of each order that the source has, weakened by one step
#   mutants.txt   has the others, as sed scripts, with who is to notice
#   beyond.txt    which of the first kind are replaced by one of the second
#   killers.txt   which case noticed it once, to be tried first; --killers prints the file anew
#
# The models must pass as the source stands: `./dev check mutants` looks first.
#
# Usage: mutants.sh [--jobs N] [--only PATTERN] [--list | --killers]     from the project's root
set -u
here=tests/mutants
out=${OUT:-build/mutants}
jobs=2
only=.
list=
while [ $# -gt 0 ]; do
	case $1 in
	--jobs) jobs=$2; shift 2 ;;
	--only) only=$2; shift 2 ;;
	--list) list=1; shift ;;
	--killers) list=killers; shift ;;
	*) echo "usage: mutants.sh [--jobs N] [--only PATTERN] [--list | --killers]" >&2; exit 2 ;;
	esac
done
tab=$(printf '\t')
ordered='src/ring/append.h src/ring/append.c src/ring/glimpse.h src/ring/open.c src/ring/read.c src/ring/reserve.c
	src/ring/ring.h src/ring/search.c src/ring/trim.c src/store/bell.h src/store/bell.c
	src/store/hand.c src/store/relay.c src/store/wait.c src/store/session.c src/store/store.c
	src/store/subscribe.c src/store/writer.c src/store/idle.c src/store/door.c src/store/group.c src/store/group.h src/store/group_wait.c src/store/next.c
	src/store/append.c src/store/append_to.c src/store/writer_lock.h src/store/writer_lock.c src/store/port.c src/store/refuse.c src/store/backfill.c
	src/store/backfill_page.c src/store/roster.c src/store/rebuild.c'

# The programs that look at a mutant which names none, in this order.
watchers() {
	case $1 in
	src/store/writer_lock.* | src/store/append_to.c) echo model_writers ;;
	src/store/writer.c) echo model_pins model_writers ;;
	src/store/roster.c | src/store/rebuild.c) echo model_followed ;;
	src/ring/*) echo model_window model_bounds model_bells ;;
	src/store/into.c) echo model_window ;;
	src/store/continuous.c | src/store/waiting.c) echo model_awaiting ;;
	src/store/session.c | src/store/store.c | src/store/idle.c) echo model_pins ;;
	src/store/subscribe.c) echo model_pins model_recorded ;;
	src/store/port.c | src/store/refuse.c | src/store/backfill*.c | src/recorder/*) echo model_recorded ;;
	src/store/group*) echo model_groups model_pins ;;
	src/gateway/watch.c) echo model_watches ;;
	src/durable/*) echo test_durable ;;
	src/gateway/* | src/http/*) echo test_gateway_parts test_gateway ;;
	src/store/hand.c | src/store/wait.c) echo model_settling model_bells model_doors model_recorded ;;
	*) echo model_settling model_bells model_doors ;;
	esac
}

# NAME <tab> FILE <tab> SED SCRIPT [<tab> WATCHERS]
mutants() {
	# shellcheck disable=SC2086 # a list of files
	awk -f $here/weaken.awk $ordered |
		awk -v beyond="$(sed -e '/^#/d' -e "s/$tab.*//" $here/beyond.txt | tr '\n' '@')" '
			BEGIN { count = split(beyond, names, "@") }
			{
				for (i = 1; i < count; i++)
					if (index($0, names[i] ":") == 1)
						next
				print
			}'
	sed -e '/^#/d' -e '/^$/d' $here/mutants.txt
}

prepare() {
	tree=$out/$1
	rm -rf "$tree"
	mkdir -p "$tree"
	cp -R CMakeLists.txt CMakePresets.json include src tests bench "$tree"
	# The programs alone: not again what the library's own tests are made of.
	{
		cmake -S "$tree" -B "$tree/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
			-DREPRISE_BENCH=OFF -DREPRISE_TESTS=ON \
			-DCMAKE_C_FLAGS="-include \"$PWD/$here/weaker.h\"" &&
			cmake --build "$tree/build" -j "$jobs" --target models
	} >"$tree/log" 2>&1 || {
		cat "$tree/log" >&2
		return 1
	}
}

# A mutant's name without the line, which changes.
lineless() {
	sed -E 's/(\.[ch]):[0-9]+ /\1 /'
}

# PROGRAM<tab>CASE (of a suite: a filter) of each that noticed the mutant of this name.
killers() {
	key=$(printf '%s\n' "$1" | lineless)
	awk -F "$tab" -v key="$key" '$1 == key { print $2 "\t" $3 }' $here/killers.txt
}

# run TREE PROGRAM [CASE]: builds and runs it. 0: it notices nothing; else *verdict* says what.
run() {
	tree=$1
	program=$2
	if ! cmake --build "$tree/build" --target "$program" >"$tree/log" 2>&1; then
		verdict="DOES NOT BUILD"
		cp "$tree/log" "$out/does_not_build.log"
		return 1
	fi
	case $program in
	model_*) set -- "$tree/build/tests/model/$program" ${3:+--case "$3"} ;;
	test_*) set -- "$tree/build/tests/$program" --short-filename --fail-fast -j1 ${3:+--filter "$3*"} ;;
	*) set -- "$tree/build/tests/$program" ;;
	esac
	timeout -k 5 120 "$@" >"$tree/said" 2>&1
	status=$?
	[ $status != 0 ] || return 0
	# A finding says where; whatever else goes wrong is no answer. A test of a suite may crash, too.
	case $program in
	model_*) found=$(sed -n "s/^\($program: [a-z_ ]*\): .*\.[ch]:[0-9]*: .*/\1/p" "$tree/said") ;;
	test_*) found=$(sed -nE "s/^\[FAIL\] ([a-z_]+)::([A-Za-z0-9_]+): .*/$program: \1\/\2/p" "$tree/said") ;;
	*) found=$(sed -nE "s/^[^ ]*\.c:[0-9]+: (.*)/$program: \1/p" "$tree/said") ;;
	esac
	found=$(printf '%s\n' "$found" | head -n 1)
	if [ $status = 1 ] && [ -n "$found" ]; then
		verdict="killed by $found"
	else
		verdict="UNCLEAR, $program: exit $status: $(tail -n 1 "$tree/said")"
	fi
	return 1
}

# try TREE NAME FILE SCRIPT WATCHERS: one mutant, one line
try() {
	tree=$1 name=$2 file=$3 script=$4 who=$5
	[ -n "$who" ] || who=$(watchers "$file")
	sed -E -e "$script" "$file" >"$tree/$file"
	verdict="SURVIVED $who"
	if cmp -s "$file" "$tree/$file"; then
		verdict="CHANGES NOTHING"
	else
		killers "$name" >"$tree/killers"
		while IFS=$tab read -r program case; do
			run "$tree" "$program" "$case" </dev/null || break
		done <"$tree/killers"
		[ "$verdict" = "SURVIVED $who" ] && for program in $who; do
			run "$tree" "$program" </dev/null || break
		done
	fi
	cp "$file" "$tree/$file"
	printf '%s | %s\n' "$name" "$verdict"
}

work() {
	prepare "$1" || return 1
	awk -v n="$jobs" -v me="$1" 'NR % n == me' "$out/list" >"$out/list.$1"
	# A tab is white space to read: empty fields would be lost.
	tr '\t' '\001' <"$out/list.$1" | while IFS=$(printf '\001') read -r name file script who; do
		try "$out/$1" "$name" "$file" "$script" "$who"
	done >"$out/said.$1"
}

mkdir -p "$out"
# shellcheck disable=SC2086
awk -f $here/weaken.awk $ordered >/dev/null || exit 1
# Each pair of the ledgers has its mutants, and what is beyond is done by hand.
sed -e '/^#/d' $here/beyond.txt | cut -f 2 | while read -r name; do
	grep -q "^$name$tab" $here/mutants.txt || { echo "mutants: no mutant: $name" >&2; exit 1; }
done || exit 1
# shellcheck disable=SC2086
awk -f $here/weaken.awk $ordered | cut -d ' ' -f 1 | sort -u >"$out/labels"
# shellcheck disable=SC2086
sed -nE 's/^ \* +([a-z]+:[A-Z]) \/ ([a-z]+:[A-Z]) .*/\1\n\2/p' $ordered src/ring/layout.h \
	src/store/backfill.h | sort -u |
	while read -r label; do
		grep -qx "$label" "$out/labels" || { echo "mutants: none of $label" >&2; exit 1; }
	done || exit 1
mutants | grep -E -- "$only" >"$out/list"
if [ "$list" = killers ]; then
	sed -n '/^#/p' $here/killers.txt
	sed -nE 's/^(.*) \| killed by ((model|test)_[a-z_]+): (.*)$/\1\t\2\t\4/p' "$out/table" | lineless | sort -u
	exit 0
fi
if [ -n "$list" ]; then
	cut -d "$tab" -f 1 "$out/list"
	exit 0
fi
i=0
while [ $i -lt "$jobs" ]; do
	rm -f "$out/said.$i"
	work $i &
	i=$((i + 1))
done
wait
i=0
while [ $i -lt "$jobs" ]; do
	[ -f "$out/said.$i" ] || exit 1
	i=$((i + 1))
done
cat "$out"/said.* | sort >"$out/table"
cat "$out/table"
all=$(wc -l <"$out/list")
killed=$(grep -c '| killed by' "$out/table")
echo "$all mutants, $killed killed, $((all - killed)) survived"
[ "$all" -gt 0 ] && [ "$all" = "$killed" ]
