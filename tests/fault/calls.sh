#!/bin/sh
# SPDX-License-Identifier: MIT
# Every function outside that the library calls is either failed by wraps.h, or stands here with why not.
# Usage: calls.sh PROJECT STATIC_LIBRARY
cd "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# They cannot fail, or answer nothing: memory and text.
plain='abort memchr bcmp memcmp memcpy memmove memset snprintf strchr strcmp strlen strnlen __errno_location
pthread_self
__tls_get_addr _GLOBAL_OFFSET_TABLE_ __stack_chk_fail __cpu_model'
# The clocks CLOCK_MONOTONIC and CLOCK_MONOTONIC_COARSE are always there; a yield is never refused; a
# set of signals that is all of them, and a mask with a right `how`, never either.
# The loader's list of objects is always there, the kernel has told the size of a page, and a process has a number.
never='sysconf getpid clock_nanosleep clock_gettime sched_yield sigfillset pthread_sigmask dl_iterate_phdr'
# The state and type of cancellation, with right arguments, and what a clean-up handler is made of.
cancel='pthread_setcancelstate pthread_setcanceltype __pthread_register_cancel
__pthread_unregister_cancel __pthread_unwind_next __sigsetjmp'
# How a thread is to be: attributes of right values are never refused. If the processors are, or the schedule,
# pthread_create says so, and the thread is started without. A thread's own set is read at load: else none is set.
thread='pthread_attr_init pthread_attr_destroy pthread_attr_setstacksize pthread_attr_setinheritsched
pthread_attr_setschedpolicy pthread_attr_setschedparam pthread_attr_setaffinity_np sched_getaffinity'
# Only where a descriptor is 0, 1 or 2: refused, the call that wanted it is.
descriptor='fcntl fcntl64 open open64'
# On a mutex or a condition that was made, and a thread that was started and is joined once: only
# misuse is refused.
locks='pthread_mutex_lock pthread_mutex_unlock pthread_mutex_destroy pthread_cond_wait
pthread_cond_broadcast pthread_cond_destroy pthread_join pthread_once'
# Of liburcu: look in a table that is there, and change it, without asking anybody for anything; but
# a thread's first urcu_bp_read_lock, which ends the process if there is no page for it.
urcu='cds_lfht_add cds_lfht_add_replace cds_lfht_del cds_lfht_first cds_lfht_lookup cds_lfht_next
urcu_bp_after_fork_child urcu_bp_after_fork_parent urcu_bp_before_fork urcu_bp_flavor'

sed -n 's/^\tW([^,]*, \([a-z_]*\),.*/\1/p' tests/fault/wraps.h >"$scratch/known"
[ -s "$scratch/known" ] || { echo "wraps.h was not understood"; exit 1; }
# shellcheck disable=SC2086 # lists of words
printf '%s\n' $plain $never $cancel $thread $descriptor $locks $urcu >>"$scratch/known"
nm "$2" 2>/dev/null | awk '$1 == "U" { wanted[$2] = 1 } $2 ~ /^[A-TV-Z]$/ { here[$3] = 1 }
	# A call that FORTIFY checks is the same call.
	END { for (name in wanted) if (!(name in here)) { if (sub(/_chk$/, "", name)) sub(/^__/, "", name); print name } }' | sort -u >"$scratch/called"
[ "$(wc -l <"$scratch/called")" -ge 30 ] || { echo "the library was not understood"; exit 1; }
sort -u "$scratch/known" >"$scratch/sorted"
if comm -23 "$scratch/called" "$scratch/sorted" | grep .; then
	echo "the library calls these; may they fail, and with what?"
	exit 1
fi
