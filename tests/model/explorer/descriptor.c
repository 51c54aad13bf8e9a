/* SPDX-License-Identifier: MIT */

/* Descriptors are the system's; the explorer wakes a thread that waits for a descriptor. */

#include <poll.h>
#include <unistd.h>

#include "inside.h"

enum {
	DESCRIPTORS_MAX = 1024,
};

static const char waits[DESCRIPTORS_MAX]; /* addresses to wait on */

static const volatile void *
wait_of(int descriptor)
{
	if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX)
		model_fail(__FILE__, __LINE__, "no descriptor of ours");
	return &waits[descriptor];
}

ssize_t explorer_write(int descriptor, const void *from, size_t bytes);
ssize_t explorer_read(int descriptor, void *to, size_t bytes);

ssize_t
explorer_write(int descriptor, const void *from, size_t bytes)
{
	schedule_point(true);
	const ssize_t written = write(descriptor, from, bytes);

	search_trace("descriptor written");
	schedule_wake(wait_of(descriptor));
	return written;
}

ssize_t
explorer_read(int descriptor, void *to, size_t bytes)
{
	schedule_point(true);
	search_trace("descriptor read");
	return read(descriptor, to, bytes);
}

void
model_await_readable(int descriptor)
{
	struct pollfd polled = { .fd = descriptor, .events = POLLIN };

	schedule_point(true);
	while (poll(&polled, 1, 0) == 0)
		(void)schedule_block(wait_of(descriptor), false);
}
