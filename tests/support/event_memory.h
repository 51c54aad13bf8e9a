/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_EVENT_MEMORY_H
#define SUPPORT_EVENT_MEMORY_H

/*
 * libevent's memory is refused along with ours: the library is a shared one, and out of the
 * linker's reach, so that it gets functions of the test's own program.
 */

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

static inline void *
event_memory_malloc(size_t size)
{
	void *const block = malloc(size);

	if (block == NULL)
		errno = ENOMEM; /* as malloc itself does */
	return block;
}

static inline void *
event_memory_realloc(void *block, size_t size)
{
	void *const moved = realloc(block, size);

	if (moved == NULL)
		errno = ENOMEM;
	return moved;
}

static inline void
refuse_event_memory(void)
{
	event_set_mem_functions(event_memory_malloc, event_memory_realloc, free);
}

#endif /* SUPPORT_EVENT_MEMORY_H */
