/* SPDX-License-Identifier: MIT */
#include "tool/serve_memory.h"

#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

enum {
	/*
	 * Larger blocks are mapped alone, and go back when they are freed. Smaller blocks stay
	 * mapped until the next look, also at the top: pages of the log come and go hundreds of
	 * times in a second, and a third of a long read was the system giving pages.
	 */
	LARGE_BYTES = 4 << 20,
	TOP_BYTES = 64 << 20,
	TRIM_BYTES = 512 << 10, /* freed since the last look */
};

/*
 * Of @least free bytes the system has the pages. Returns the same for now: fewer once blocks were
 * taken from them.
 */
static size_t
look(size_t least)
{
	const size_t free_bytes = mallinfo2().fordblks;

	if (free_bytes > least && free_bytes - least < TRIM_BYTES)
		return least;
	if (free_bytes > least)
		malloc_trim(0);
	return free_bytes;
}

static void *
look_on(void *argument)
{
	struct serve_memory *const memory = argument;
	size_t least = 0;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&memory->lock);
	while (!memory->is_closing) {
		until.tv_sec++;
		pthread_cond_timedwait(&memory->changed, &memory->lock, &until);
		pthread_mutex_unlock(&memory->lock);
		least = look(least);
		pthread_mutex_lock(&memory->lock);
	}
	pthread_mutex_unlock(&memory->lock);
	return NULL;
}

void
serve_memory_open(struct serve_memory *memory)
{
	pthread_condattr_t attributes;
	sigset_t all, before;

	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, TOP_BYTES);
	pthread_mutex_init(&memory->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&memory->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	memory->is_closing = false;
	/* Signals are for the program's own thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	memory->has_thread = pthread_create(&memory->thread, NULL, look_on, memory) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
serve_memory_close(struct serve_memory *memory)
{
	pthread_mutex_lock(&memory->lock);
	memory->is_closing = true;
	pthread_cond_signal(&memory->changed);
	pthread_mutex_unlock(&memory->lock);
	if (memory->has_thread)
		pthread_join(memory->thread, NULL);
	pthread_cond_destroy(&memory->changed);
	pthread_mutex_destroy(&memory->lock);
}
