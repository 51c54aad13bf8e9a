/* SPDX-License-Identifier: MIT */
#include "cancelled.h"

#include <pthread.h>

#include "support.h"

struct pending {
	void (*call)(void *argument);
	void *argument;
	bool has_returned;
};

static void *
run(void *argument)
{
	struct pending *const pending = argument;

	pthread_cancel(pthread_self());
	pending->call(pending->argument);
	pending->has_returned = true;
	pthread_testcancel();
	return NULL;
}

void
expect_uncancelled(void (*call)(void *argument), void *argument, const char *name)
{
	struct pending pending = { .call = call, .argument = argument };
	pthread_t thread;
	void *end = NULL;

	cr_assert(eq(int, pthread_create(&thread, NULL, run, &pending), 0));
	cr_assert(eq(int, pthread_join(thread, &end), 0));
	cr_assert(end == PTHREAD_CANCELED, "%s restores the state of cancellation", name);
	cr_assert(pending.has_returned, "%s", name);
}
