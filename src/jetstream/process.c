/* SPDX-License-Identifier: MIT */
#include "jetstream/process.h"

#include <pthread.h>
#include <unistd.h>

/*
 * pthread_atfork's child handler counts generations. A process that was made without that handler,
 * by clone(2) or vfork, is told by its process id.
 */
static uint64_t generation; /* changed where there is one thread */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_handler;

static void
count_fork(void)
{
	generation++;
}

static void
add_handler(void)
{
	has_handler = pthread_atfork(NULL, NULL, count_fork) == 0;
}

bool
owner_note(struct owner *ret_owner)
{
	pthread_once(&once, add_handler);
	*ret_owner = (struct owner){ .process = getpid(), .generation = generation };
	return has_handler;
}

bool
owner_is_here(const struct owner *owner)
{
	return owner->generation == generation && owner->process == getpid();
}
