#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the models beside this script with Spin, and that each of their mutants is found.
# Usage: spin.sh [MODEL ...]
#   OUT=DIR    where to build; build/spin by default
#   DEEP=1     the larger settings, too: minutes, and more memory
#
# The head of a model says what there is to run:
#   run NAME: FLAGS                 a setting that must be free of errors, searched to its end
#   deep NAME: FLAGS                the same, but only with DEEP=1
#   mutant NAME in RUN: WHAT        with -DMUTANT_NAME, an error must be found in that setting
#   unreached PROCTYPE TEXT: WHY    a statement that no setting reaches
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
out=${OUT:-$here/../../../build/spin}
memory_mb=1900
depth=1000000

# The lines of @2 in the head of model @1.
head_of() {
	sed -n "/^ \*\//q; s/^ \* $2 //p" "$here/$1.pml"
}

# The flags of setting @2 of model @1.
flags_of() {
	{
		head_of "$1" run
		head_of "$1" deep
	} | sed -n "s/^$2: *//p"
}

# Builds and runs pan in folder @1; the rest are the preprocessor's flags.
search() {
	folder=$1
	model=$2
	shift 2
	rm -rf "$folder"
	mkdir -p "$folder" && cd "$folder" || return 1
	spin -a "$@" "$here/$model.pml" >spin.log 2>&1 || return 1
	# For a large pan.c, the optimizer of gcc takes more time than it saves.
	level=-O0
	[ "$(wc -l <pan.m)" -gt 8000 ] || level=-O1
	"${CC:-gcc}" "$level" -w -DSAFETY -DCOLLAPSE -DMEMLIM="$memory_mb" -o pan pan.c >cc.log 2>&1 || return 1
	./pan -m"$depth" >pan.log 2>&1
	./pan -d >states 2>&1
	rm -f pan pan.?
	grep -q 'errors: ' pan.log
}

# Whether pan.log tells of a search of everything that found nothing.
is_clean() {
	grep -q 'errors: 0' "$1/pan.log" && grep -q '^Full statespace search for' "$1/pan.log" &&
		! grep -Eqi 'max search depth too small|hash-compact|bit statespace|not completed|memlim|truncat|out of memory' \
			"$1/pan.log"
}

# "LINE PROCTYPE TEXT" of what a search did not reach. A line that is expanded in several places is
# reached if it is in one of them: what else may call it is not what was expanded there.
unreached_in() {
	awk '
	FNR == NR && /^unreached in / { name = $2 == "init" ? ":init:" : $4; next }
	FNR == NR && /, state [0-9]+, "/ {
		state = $0; sub(/.*, state /, "", state); sub(/,.*/, "", state)
		missed[name, state] = 1
	}
	FNR == NR { next }
	/^proctype / { name = $2; next }
	/^init/ { name = ":init:"; next }
	/^	state +[0-9]+ -/ {
		state = $2; line = $0; sub(/.*\.pml:/, "", line)
		text = line; sub(/^[0-9]+ => /, "", text); sub(/ .*/, "", line)
		# Settings differ in numbers alone.
		plain = text; gsub(/[0-9 ]/, "", plain); line = line "|" plain
		owner[line] = name; says[line] = text
		if (!((name, state) in missed)) reached[line] = 1
	}
	END { for (line in says) if (!(line in reached)) print line, owner[line], says[line] }
	' "$1/pan.log" "$1/states" | sort
}

run_setting() {
	model=$1
	name=$2
	folder=$out/$model-$name
	# shellcheck disable=SC2046 # a list of words
	if ! search "$folder" "$model" $(flags_of "$model" "$name"); then
		echo "$model $name: could not be run, see $folder"
		echo bad >"$folder.result"
	elif ! is_clean "$folder"; then
		echo "$model $name: $(grep -E '^pan:1|errors: |MEMLIM|too small' "$folder/pan.log" | tr '\n' ' ')"
		echo bad >"$folder.result"
	else
		sed -n 's/.*depth reached \([0-9]*\), errors: 0.*/\1/p' "$folder/pan.log" >"$folder/depth"
		echo "$model $name: $(awk '/states, stored/ { print $1; exit }' "$folder/pan.log") states," \
			"depth $(cat "$folder/depth"), 0 errors"
		unreached_in "$folder" >"$folder/unreached"
		echo good >"$folder.result"
	fi
}

run_mutant() {
	model=$1
	name=$2
	setting=$(head_of "$model" mutant | sed -n "s/^$name in \([^:]*\):.*/\1/p")
	folder=$out/$model-mutant-$name
	# shellcheck disable=SC2046 # a list of words
	if search "$folder" "$model" -DMUTANT_"$name" $(flags_of "$model" "$setting") &&
		grep -q 'errors: [1-9]' "$folder/pan.log" && grep -q '^pan:1: ' "$folder/pan.log"; then
		echo "$model without $name: found"
		echo found >"$folder.result"
	else
		echo "$model without $name: SURVIVED, see $folder"
		echo survived >"$folder.result"
	fi
}

# Statements in no search of the model, and not excused in the head of the model.
check_reach() {
	model=$1
	bad=0
	all=$out/$model.unreached
	settings=$(head_of "$model" run | sed 's/:.*//')
	count=0
	: >"$all"
	for name in $settings; do
		count=$((count + 1))
		[ -f "$out/$model-$name/unreached" ] || return 1
		cat "$out/$model-$name/unreached" >>"$all"
	done
	# In every one of them; the texts may differ by what the flags stand for.
	awk '{ seen[$1]++; text[$1] = $0 }
	END { for (line in seen) if (seen[line] == '"$count"') print text[line] }' "$all" |
		sort >"$all.always"
	head_of "$model" unreached | sed 's/: .*//' >"$all.excused"
	while read -r line process text; do
		line=${line%%|*}
		is_excused=0
		while read -r excused_process excused_text; do
			case "$process $text" in
			"$excused_process $excused_text"*) is_excused=1 ;;
			esac
		done <"$all.excused"
		[ $is_excused = 1 ] && continue
		echo "$model: unreached in $process: line $line: $text"
		bad=1
	done <"$all.always"
	return $bad
}

# Every mutant in the text is in the head, and the other way round.
check_names() {
	head_of "$1" mutant | sed 's/ .*//' | sort -u >"$out/$1.named"
	grep -o 'MUTANT_[A-Z_]*' "$here/$1.pml" | sed 's/^MUTANT_//' | sort -u >"$out/$1.used"
	cmp -s "$out/$1.named" "$out/$1.used" && return 0
	echo "$1: mutants named and used differ:"
	diff "$out/$1.named" "$out/$1.used"
	return 1
}

mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 1

if [ "${1:-}" = --one ]; then
	case $2 in
	setting) run_setting "$3" "$4" ;;
	mutant) run_mutant "$3" "$4" ;;
	esac
	exit 0
fi

command -v spin >/dev/null || {
	echo "spin is missing: apt-get install spin"
	exit 3
}
[ $# -gt 0 ] || set -- bell close evict life
status=0
jobs=$out/jobs
: >"$jobs"
for model in "$@"; do
	[ -f "$here/$model.pml" ] || {
		echo "no such model: $model"
		exit 2
	}
	rm -f "$out/$model"-*.result
	check_names "$model" || status=1
	head_of "$model" run | sed "s/:.*//; s/^/--one setting $model /" >>"$jobs"
	[ -z "${DEEP:-}" ] || head_of "$model" deep | sed "s/:.*//; s/^/--one setting $model /" >>"$jobs"
	head_of "$model" mutant | sed "s/ .*//; s/^/--one mutant $model /" >>"$jobs"
done
OUT=$out xargs -P 2 -L 1 sh "$0" <"$jobs"

models=0
mutants=0
found=0
results=0
for model in "$@"; do
	models=$((models + 1))
	for result in "$out/$model"-*.result; do
		results=$((results + 1))
		case $(cat "$result") in
		found) mutants=$((mutants + 1)) found=$((found + 1)) ;;
		survived) mutants=$((mutants + 1)) ;;
		good) ;;
		*) status=1 ;;
		esac
	done
	check_reach "$model" || status=1
done
# Nothing may have got lost on the way.
[ $results -eq "$(wc -l <"$jobs")" ] || status=1
[ $found = $mutants ] || status=1
[ $mutants -gt 0 ] || status=1
echo "$models models, $mutants mutants, $found found, $((mutants - found)) survived"
exit $status
