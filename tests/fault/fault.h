/* SPDX-License-Identifier: MIT */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

/*
 * Calls that fail on demand: those of the library to libc, to the kernel and to its allocator's
 * hooks, and those of liburcu, which is linked statically here. The linker sends them all to
 * wraps.c (--wrap), which asks here first.
 *
 * A thread that is armed counts its calls, each kind for itself, and fails those of the plan: the
 * n-th, or all from the n-th on. Calls of other threads are left alone, so that every run counts
 * alike; but for fault_everywhere, which concerns all threads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/reprise.h>

enum call {
	CALL_ALLOCATE, /* control memory: aligned_alloc, or the hook */
	CALL_MAP,      /* pages: mmap, or the hook */
	CALL_MALLOC,   /* what the library asks malloc before liburcu does */
	CALL_MADVISE,
	CALL_MUNMAP,
	CALL_EVENTFD,
	CALL_CLOSE,
	CALL_FUTEX_WAIT,
	CALL_MEMBARRIER_REGISTER,
	CALL_MEMBARRIER,
	CALL_THREAD,
	CALL_THREAD_NAME,
	CALL_MUTEX_INIT,
	CALL_COND_INIT,
	CALL_ATFORK,
	CALL_RANDOM,
	CALL_URCU_THREAD, /* liburcu's, when a large table grows */
	CALLS_THAT_FAIL,

	/* Counted, but never failed one by one: see kinds[] in fault.c. */
	CALL_URCU_MEMORY = CALLS_THAT_FAIL,
	CALL_URCU_MEMBARRIER,
	CALL_FUTEX_WAKE,
	CALL_DESCRIPTOR, /* read, write */
	CALLS,
};

enum {
	ERRORS_MAX = 3,
};

struct call_kind {
	const char *name;
	int errors[ERRORS_MAX]; /* with which it fails, one run each; 0: no more */
	const char *reported;   /* as what, when it is said with E_SYSTEM; NULL: never */
	bool is_memory;         /* then E_NO_MEMORY may be said */
	uint64_t most;          /* failures in a row that a kernel could make; 0: any number */
};

extern const struct call_kind kinds[CALLS];

/* The calls that fail: none with n = 0. */
struct plan {
	enum call call;
	uint64_t n;
	int error;
	bool is_for_ever;
	bool is_memory; /* all kinds of memory from the n-th of any on; @call means nothing */
};

/* The calling thread counts from 0 and fails by @plan, until fault_disarm. */
void fault_arm(const struct plan *plan);
void fault_disarm(void);

/* Of the last time that a thread was armed. */
uint64_t fault_count(enum call call);
uint64_t fault_count_memory(void);
uint64_t fault_count_all(void);
uint64_t fault_failures(void);

/* Every thread's calls of that kind fail from now on; 0: no more. */
void fault_everywhere(enum call call, int error);

/* How many of a kind were failed everywhere, since it was last set. */
uint64_t fault_everywhere_failures(enum call call);

/* How many of a kind all threads have made. */
uint64_t fault_count_everywhere(enum call call);

/* For the wraps: the errno to fail with, or 0. */
int fault_asked(enum call call);

/* Whether the thread is inside liburcu. */
extern _Thread_local unsigned int fault_in_urcu;

/* Hooks that count, check what they are given, and ask as the library's own would. */
struct reprise_allocator fault_hooks(void);

/* Memory that is out, of all callers but liburcu: must be 0 when all is closed. */
struct fault_live {
	uint64_t blocks, mapped_bytes;
};

struct fault_live fault_live(void);
void fault_live_block(bool is_taken);
void fault_live_pages(bool are_taken, size_t bytes);

/* Where the program is, for CHECK. */
void fault_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fault_die(const char *file, int line, const char *what);

#define CHECK(condition) ((condition) ? (void)0 : fault_die(__FILE__, __LINE__, #condition))
#define CHECK_OK(call)   CHECK((call) == REPRISE_OK)

#endif /* FAULT_FAULT_H */
