/* SPDX-License-Identifier: MIT */
#include "log/process.h"

#include <pthread.h>
#include <unistd.h>

#include "log/adapter.h"

/*
 * pthread_atfork's child handler counts generations. A process that was made without that handler,
 * by clone(2) or vfork, is told by its process id.
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, reprise_log) handles = LIST_HEAD_INITIALIZER(handles); /* under the lock */
static uint64_t generation; /* changed where there is one thread */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_handler;

static void
prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void
go_on(void)
{
	pthread_mutex_unlock(&lock);
}

/* Makes system calls alone: another thread may have been in the middle of anything. */
static void
begin_child(void)
{
	struct reprise_log *log;

	generation++;
	LIST_FOREACH(log, &handles, open)
		log->adapter->disinherit(log);
	LIST_INIT(&handles);
	pthread_mutex_unlock(&lock);
}

static void
add_handler(void)
{
	has_handler = pthread_atfork(prepare, go_on, begin_child) == 0;
}

bool
process_add(struct reprise_log *log)
{
	pthread_once(&once, add_handler);
	if (!has_handler)
		return false;
	pthread_mutex_lock(&lock);
	log->process = getpid();
	log->generation = generation;
	LIST_INSERT_HEAD(&handles, log, open);
	pthread_mutex_unlock(&lock);
	return true;
}

void
process_remove(struct reprise_log *log)
{
	pthread_mutex_lock(&lock);
	if (log->generation == generation)
		LIST_REMOVE(log, open);
	pthread_mutex_unlock(&lock);
}

bool
process_has_opened(const struct reprise_log *log)
{
	return log->generation == generation && log->process == getpid();
}

void
process_block_forks(void)
{
	pthread_mutex_lock(&lock);
}

void
process_allow_forks(void)
{
	pthread_mutex_unlock(&lock);
}
