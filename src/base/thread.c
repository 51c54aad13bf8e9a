/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

enum {
	STACK_BYTES = 2 << 20,
};

/* Of the process's first thread: the one that loads the library may have chosen a processor. */
static cpu_set_t processors;
static bool has_processors;

__attribute__((constructor)) static void
ask(void)
{
	has_processors = sched_getaffinity(getpid(), sizeof(processors), &processors) == 0;
}

/* False without memory. */
static bool
describe(pthread_attr_t *attributes, bool sets_schedule)
{
	const struct sched_param priority = { .sched_priority = 0 };

	if (pthread_attr_init(attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(attributes, STACK_BYTES);
	if (!sets_schedule)
		return true;
	(void)pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED);
	(void)pthread_attr_setschedpolicy(attributes, SCHED_OTHER);
	(void)pthread_attr_setschedparam(attributes, &priority);
	if (has_processors)
		(void)pthread_attr_setaffinity_np(attributes, sizeof(processors), &processors);
	return true;
}

static int
start(pthread_t *ret_thread, bool sets_schedule, void *(*run)(void *argument), void *argument)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (!describe(&attributes, sets_schedule))
		return ENOMEM;
	/* The host's signals are for the host's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int refused = pthread_create(ret_thread, &attributes, run, argument);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return refused;
}

int
thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument), void *argument)
{
	int refused = start(ret_thread, true, run, argument);

	/* The processors may have gone since. */
	if (refused == EINVAL)
		refused = start(ret_thread, false, run, argument);
	if (refused == 0)
		(void)pthread_setname_np(*ret_thread, name);
	return refused;
}
