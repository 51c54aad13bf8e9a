/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SPURIOUS_MOST = 50, /* more than that in a row no kernel would say */
};

const struct call_kind kinds[CALLS] = {
	[CALL_ALLOCATE] = { "allocate", { ENOMEM }, NULL, true, 0 },
	[CALL_MAP] = { "map", { ENOMEM }, "mmap", true, 0 },
	[CALL_MALLOC] = { "malloc", { ENOMEM }, NULL, true, 0 },
	[CALL_MADVISE] = { "madvise", { EINVAL, ENOMEM }, "madvise", false, 0 },
	[CALL_MUNMAP] = { "munmap", { ENOMEM }, NULL, false, 0 },
	[CALL_EVENTFD] = { "eventfd", { EMFILE, ENFILE, ENOMEM }, "eventfd", false, 0 },
	[CALL_CLOSE] = { "close", { EINTR, EIO }, NULL, false, 0 },
	[CALL_FUTEX_WAIT] = { "futex wait", { EINTR, EAGAIN }, NULL, false, SPURIOUS_MOST },
	[CALL_MEMBARRIER_REGISTER] = { "membarrier register", { ENOSYS, EPERM }, NULL, false, 0 },
	[CALL_MEMBARRIER] = { "membarrier", { ENOSYS, EPERM }, NULL, false, 0 },
	[CALL_THREAD] = { "pthread_create", { EAGAIN, EPERM }, "pthread_create", false, 0 },
	[CALL_THREAD_NAME] = { "pthread_setname_np", { ERANGE, EIO }, NULL, false, 0 },
	[CALL_MUTEX_INIT] = { "pthread_mutex_init", { ENOMEM, EAGAIN }, NULL, true, 0 },
	[CALL_COND_INIT] = { "pthread_cond_init", { ENOMEM, EAGAIN }, NULL, true, 0 },
	[CALL_ATFORK] = { "pthread_atfork", { ENOMEM }, NULL, true, 0 },
	[CALL_RANDOM] = { "getrandom", { ENOSYS, EINTR }, "getrandom", false, SPURIOUS_MOST },
	[CALL_URCU_THREAD] = { "pthread_create of liburcu", { EAGAIN }, NULL, false, 0 },
	/*
	 * liburcu ends the process when its own memory or membarrier is refused, so it
	 * is asked before.
	 */
	[CALL_URCU_MEMORY] = { "memory of liburcu", { 0 }, NULL, true, 0 },
	[CALL_URCU_MEMBARRIER] = { "membarrier of liburcu", { 0 }, NULL, false, 0 },
	/* Of a futex that is there, and of an eventfd that is 0 or not, these are never refused. */
	[CALL_FUTEX_WAKE] = { "futex wake", { 0 }, NULL, false, 0 },
	[CALL_DESCRIPTOR] = { "read, write", { 0 }, NULL, false, 0 },
};

_Thread_local unsigned int fault_in_urcu;

static _Thread_local bool is_armed;
static struct plan plan;
static uint64_t counts[CALLS], count_memory, failures;
static _Atomic int errors_everywhere[CALLS];
static _Atomic uint64_t failures_everywhere[CALLS], counts_everywhere[CALLS];
static _Atomic uint64_t live_blocks, live_mapped_bytes;
static char where[256] = "at the beginning";

void
fault_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(where, sizeof(where), format, arguments);
	va_end(arguments);
}

_Noreturn void
fault_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n\tin %s\n", file, line, what, where);
	fflush(NULL);
	_exit(1);
}

void
fault_arm(const struct plan *next)
{
	plan = *next;
	memset(counts, 0, sizeof(counts));
	count_memory = 0;
	failures = 0;
	is_armed = true;
}

void
fault_disarm(void)
{
	is_armed = false;
}

uint64_t
fault_count(enum call call)
{
	return counts[call];
}

uint64_t
fault_count_memory(void)
{
	return count_memory;
}

uint64_t
fault_count_all(void)
{
	uint64_t all = 0;

	for (size_t i = 0; i < CALLS; i++)
		all += counts[i];
	return all;
}

uint64_t
fault_failures(void)
{
	return failures;
}

void
fault_everywhere(enum call call, int error)
{
	if (error != 0)
		failures_everywhere[call] = 0;
	errors_everywhere[call] = error;
}

uint64_t
fault_everywhere_failures(enum call call)
{
	return failures_everywhere[call];
}

uint64_t
fault_count_everywhere(enum call call)
{
	return counts_everywhere[call];
}

/* Memory that the library asks for by itself, so that it can say that there is none. */
static bool
is_memory_asked(enum call call)
{
	return call == CALL_ALLOCATE || call == CALL_MAP || call == CALL_MALLOC;
}

static bool
is_planned(enum call call)
{
	if (plan.n == 0)
		return false;
	if (plan.is_memory)
		return count_memory >= plan.n &&
		       (is_memory_asked(call) || call == CALL_URCU_MEMORY);
	/* Memory that malloc does not have for us, malloc does not have for liburcu either. */
	if (call == CALL_URCU_MEMORY && plan.call == CALL_MALLOC && plan.is_for_ever)
		return plan.n == 1 || counts[CALL_MALLOC] >= plan.n;
	if (call != plan.call)
		return false;
	if (!plan.is_for_ever)
		return counts[call] == plan.n;
	return counts[call] >= plan.n &&
	       (kinds[call].most == 0 || counts[call] < plan.n + kinds[call].most);
}

int
fault_asked(enum call call)
{
	const int error = errors_everywhere[call];

	counts_everywhere[call]++;
	if (error != 0) {
		const uint64_t failure = ++failures_everywhere[call];

		/* Now and then one gets through, or no time would ever be up. */
		return call == CALL_FUTEX_WAIT && failure % 8 == 0 ? 0 : error;
	}
	if (!is_armed)
		return 0;
	counts[call]++;
	if (is_memory_asked(call))
		count_memory++;
	if (!is_planned(call))
		return 0;
	failures++;
	return plan.is_memory ? ENOMEM : plan.error;
}

struct fault_live
fault_live(void)
{
	return (struct fault_live){ live_blocks, live_mapped_bytes };
}

void
fault_live_block(bool is_taken)
{
	live_blocks += is_taken ? 1 : (uint64_t)-1;
}

void
fault_live_pages(bool are_taken, size_t bytes)
{
	live_mapped_bytes += are_taken ? bytes : (uint64_t)-bytes;
}

/* A block's size stands before it, so that whoever gives it back must know it. */
enum {
	LABEL_BYTES = 64,
	PIECES_MAX = 64,
	GARBAGE = 0xa5,
};

static int context;
static pthread_mutex_t pieces_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	void *pages;
	size_t size;
} pieces[PIECES_MAX];

static void *
hook_allocate(void *own, size_t size, size_t alignment)
{
	CHECK(own == &context && alignment == LABEL_BYTES);
	unsigned char *const block =
		aligned_alloc(LABEL_BYTES, LABEL_BYTES + (size + 63) / 64 * 64);

	if (block == NULL)
		return NULL;
	memset(block, GARBAGE, LABEL_BYTES + size);
	memcpy(block, &size, sizeof(size));
	return block + LABEL_BYTES;
}

static void
hook_release(void *own, void *memory, size_t size)
{
	unsigned char *const block = (unsigned char *)memory - LABEL_BYTES;

	CHECK(own == &context && memcmp(block, &size, sizeof(size)) == 0);
	free(block);
}

/* The place in pieces[] of what is there, or of nothing. */
static size_t
piece_of(const void *pages)
{
	size_t i = 0;

	while (i < PIECES_MAX && pieces[i].pages != pages)
		i++;
	CHECK(i < PIECES_MAX);
	return i;
}

static void *
hook_map(void *own, size_t size)
{
	CHECK(own == &context);
	void *const pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	pthread_mutex_lock(&pieces_lock);
	const size_t i = piece_of(NULL);

	pieces[i].pages = pages;
	pieces[i].size = size;
	pthread_mutex_unlock(&pieces_lock);
	return pages;
}

static void
hook_unmap(void *own, void *memory, size_t size)
{
	CHECK(own == &context);
	pthread_mutex_lock(&pieces_lock);
	const size_t i = piece_of(memory);

	CHECK(pieces[i].size == size);
	pieces[i].pages = NULL;
	pthread_mutex_unlock(&pieces_lock);
	munmap(memory, size);
}

struct reprise_allocator
fault_hooks(void)
{
	return (struct reprise_allocator){ .context = &context,
					   .allocate = hook_allocate,
					   .release = hook_release,
					   .map = hook_map,
					   .unmap = hook_unmap };
}
