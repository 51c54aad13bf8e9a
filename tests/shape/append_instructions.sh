#!/bin/sh
# SPDX-License-Identifier: MIT
# When nobody sleeps, an append executes no locked instruction and no fence: the machine code of
# reprise_append holds none, and calls only what is named here (the copy, and what stands behind a
# branch that is not taken then). Functions that every append may reach are looked at as well. The check
# is checked against functions that have what must not be there.
# Usage: append_instructions.sh PROJECT CC      (77: no such compiler)
cd "$1" || exit 1
cc=$2
command -v "$cc" >/dev/null || exit 77
case $(uname -m) in x86_64) ;; *) exit 77 ;; esac
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# Prints what is wrong with function $2 of object $1, besides the calls that the rest names.
faults() {
	object=$1 function=$2
	shift 2
	objdump -dr --no-show-raw-insn "$object" | awk -v function_name="$function" -v allowed=" $* " '
	/^[0-9a-f]+ <.*>:$/ {
		name = $2; gsub(/[<>:]/, "", name)
		base = name; sub(/\.(cold|part|constprop|isra).*/, "", base)
		inside = base == function_name
		seen += inside
		next
	}
	!inside { next }
	/\tlock / || /\t[ml s]fence/ || /\tcpuid/ || /\tserialize/ || /\tsyscall/ { print; next }
	/\txchg / && /\(/ { print; next }             # with memory it locks by itself
	/R_X86_64_(PLT32|PC32|GOTPCRELX|REX_GOTPCRELX)/ {
		target = $3; sub(/[-+]0x.*/, "", target)
		if (target !~ /^\./ && index(allowed, " " target " ") == 0) print "calls " target
	}
	END { if (!seen) print "there is no " function_name }'
}

# With the flags of an optimized build that add code (X11): none of it is in an append.
compile() {
	$cc -std=c11 -O2 -g -fPIC -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
		-D_GNU_SOURCE -fvisibility=hidden -Isrc -Iinclude \
		-ffunction-sections -c "$1" -o "$2" || exit 1
}

compile src/store/append.c "$scratch/append.o"
compile src/ring/append.c "$scratch/ring.o"
bad=0
expect_none() {
	found=$(faults "$@")
	if [ -n "$found" ]; then
		echo "append_instructions: $cc: $2:"
		echo "$found"
		bad=1
	fi
}
# bell_ring_cold: somebody sleeps. stamp_take_cold: the clock, which reads memory alone.
expect_none "$scratch/append.o" reprise_append \
	append_any append_small append_large append_displacing append_rising
# Where a revision rises, which it does once for many events.
expect_none "$scratch/append.o" append_rising append_small append_large append_displacing
expect_none "$scratch/append.o" append_small bell_ring_cold
expect_none "$scratch/append.o" append_large memcpy bell_ring_cold
expect_none "$scratch/append.o" append_displacing memcpy append_alone ring_room bell_ring_cold
# assert_failed: the handle was closed, or another thread appends; no short cut asks.
# refuse_has_room: only in a session that refuses what would displace the unrecorded.
expect_none "$scratch/append.o" append_any append_alone append_shared
expect_none "$scratch/append.o" append_alone \
	refuse_has_room memcpy ring_room stamp_take_cold bell_ring_cold write_one refusal session_refusal assert_failed
found=$(faults "$scratch/append.o" write_one ring_room)
case $found in
"" | "there is no write_one") ;; # inlined in both its callers, which are looked at
*) expect_none "$scratch/append.o" write_one ring_room stamp_take_cold ;;
esac
compile src/store/append_batch.c "$scratch/append_batch.o"
expect_none "$scratch/append_batch.o" reprise_append_batch append_batch_shared \
	refuse_has_room memcpy ring_room stamp_take_cold bell_ring_cold refusal session_refusal assert_failed
expect_none "$scratch/append_batch.o" reprise_append_end append_end_shared roster_pass_end bell_ring \
	refuse_has_room memcpy ring_room stamp_take_cold bell_ring_cold refusal session_refusal assert_failed
expect_none "$scratch/append_batch.o" write_batch memcpy
expect_none "$scratch/append.o" reprise_appendv appendv_shared \
	refuse_has_room memcpy ring_room stamp_take_cold bell_ring_cold refusal session_refusal write_one assert_failed
expect_none "$scratch/append.o" refusal session_refusal
compile src/store/reserve.c "$scratch/reserve.o"
expect_none "$scratch/reserve.o" reprise_publish \
	ring_fill stamp_take_cold bell_ring_cold session_refusal assert_failed
compile src/store/writer.c "$scratch/writer.o"
expect_none "$scratch/writer.o" session_refusal assert_failed
expect_none "$scratch/ring.o" ring_room assert_failed
expect_none "$scratch/ring.o" ring_keep
compile src/store/refuse.c "$scratch/refuse.o"
expect_none "$scratch/refuse.o" refuse_has_room ring_keep

# Where membarrier is refused, the fence must be in bell_ring_cold.
compile src/store/bell.c "$scratch/bell.o"
if ! faults "$scratch/bell.o" bell_ring_cold lower wake_direct call_relay __errno_location | grep -qE 'lock|mfence'; then
	echo "append_instructions: $cc: bell_ring_cold makes no fence"
	bad=1
fi

cat >"$scratch/wrong.c" <<'WRONG'
#include <stdatomic.h>
void elsewhere(void);
void locked(_Atomic long *word) { atomic_fetch_add(word, 1); }
void fenced(_Atomic long *word) { atomic_store_explicit(word, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(word, 2, memory_order_relaxed); }
void exchanged(_Atomic long *word) { atomic_store(word, 1); }
void calling(void) { elsewhere(); }
WRONG
compile "$scratch/wrong.c" "$scratch/wrong.o"
for function in locked fenced exchanged calling absent; do
	if [ -z "$(faults "$scratch/wrong.o" $function)" ]; then
		echo "append_instructions: $cc: did not see what is wrong with '$function'"
		bad=1
	fi
done
exit $bad
