/* SPDX-License-Identifier: MIT */

/*
 * The thread that may give a session's memory back, and the time when a store may be closed: after
 * all work of all threads with it. Through the public calls, on a store that is opened in each
 * execution.
 */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "store/subscription.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "last of two", { "given back" } },
	{ "found meanwhile", { "given back", "found" } },
	{ "store after a subscription", { "busy", "closed" } },
	{ "store after one to nothing", { "busy", "closed" } },
	{ "store after a writer", { "busy", "closed" } },
	{ "store after a group", { "busy", "closed" } },
	{ NULL, { NULL } },
};

enum {
	LAST_OF_TWO,
	FOUND_MEANWHILE,
	STORE_AFTER_SUBSCRIPTION,
	STORE_AFTER_NOTHING,
	STORE_AFTER_WRITER,
	STORE_AFTER_GROUP,
};

enum {
	BUSY_MAX = 1000000, /* looks, between which the others go on */
};

static struct reprise_store *store;
static struct reprise_writer *writer;
static struct reprise_subscription *subscription;
static struct reprise_group *group;
static atomic_u64 touched[2]; /* stand for all that somebody does before letting go */
static atomic_u64 is_found;
static _Thread_local bool is_closer;

/* The linker's names (--wrap): NOLINTBEGIN(bugprone-reserved-identifier,cert-*) */
void __real_table_retire(struct table *table, struct reprise_session *session);
void __wrap_table_retire(struct table *table, struct reprise_session *session);
void __real_table_protect(struct table *table);
void __wrap_table_protect(struct table *table);
void __real_table_unprotect(struct table *table);
void __wrap_table_unprotect(struct table *table);
/* NOLINTEND(bugprone-reserved-identifier,cert-*) */

/*
 * Looks under liburcu order nothing by themselves; the lock that stands in for it under the
 * explorer would. They are the last thing that closing a writer does to its store.
 */
#ifdef MODEL_PLAIN
enum {
	HAS_LIBURCU = 1
};
#else
enum {
	HAS_LIBURCU = 0
};
#endif

void
__wrap_table_protect(struct table *table)
{
	if (HAS_LIBURCU)
		__real_table_protect(table);
}

void
__wrap_table_unprotect(struct table *table)
{
	if (HAS_LIBURCU)
		__real_table_unprotect(table);
	if (is_closer)
		store_relaxed(&touched[0], 1);
}

/* The last holder calls this when it has given the window back. */
void
__wrap_table_retire(struct table *table, struct reprise_session *session)
{
	MODEL_CHECK(load_relaxed(&touched[0]) == 1);
	MODEL_CHECK(model_case != LAST_OF_TWO || load_relaxed(&touched[1]) == 1);
	if (load_relaxed(&is_found) == 1)
		MODEL_CHECK(load_relaxed(&touched[1]) == 1);
	model_note("given back");
	__real_table_retire(table, session);
}

/*
 * The last thing that closing a subscription, or a group, does to its store is to give memory back
 * through its hooks.
 */
static void
give(void *context, void *memory, size_t bytes)
{
	(void)context;
	(void)bytes;
	const bool is_handle = memory == (void *)subscription || memory == (void *)group;

	free(memory);
	if (is_handle)
		store_relaxed(&touched[1], 1);
}

static void *
take(void *context, size_t bytes, size_t alignment)
{
	(void)context;
	return aligned_alloc(alignment, round_up(bytes, alignment));
}

static void *
close_writer(void *argument)
{
	is_closer = model_case == STORE_AFTER_WRITER;
	if (!is_closer)
		store_relaxed(&touched[0], 1);
	reprise_writer_close(writer);
	return argument;
}

static void *
close_subscription(void *argument)
{
	if (model_case == LAST_OF_TWO)
		store_relaxed(&touched[1], 1);
	reprise_subscription_close(subscription);
	return argument;
}

static void *
close_group(void *argument)
{
	reprise_group_close(group);
	return argument;
}

static void *
find(void *argument)
{
	struct reprise_session *const session = session_find(store, "s", 1);

	if (session != NULL) {
		model_note("found");
		store_relaxed(&touched[1], 1);
		/*
		 * A thread that sees `is_found` sees the touch as well only if the orders of the
		 * pin say so.
		 */
		store_relaxed(&is_found, 1);
		session_unpin(session);
	}
	return argument;
}

static void
prepare(void)
{
	const struct reprise_allocator allocator = { .allocate = take, .release = give };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .allocator = &allocator };
	struct reprise_cursor cursor = { 0 };

	subscription = NULL;
	group = NULL;
	atomic_init(&touched[0], 0);
	atomic_init(&touched[1], 0);
	atomic_init(&is_found, 0);
	MODEL_CHECK(reprise_store_open(&options, &store, NULL) == REPRISE_OK);
	if (model_case == STORE_AFTER_GROUP) {
		MODEL_CHECK(reprise_group_open(store, NULL, &group, NULL) == REPRISE_OK);
		return;
	}
	if (model_case == STORE_AFTER_NOTHING)
		memcpy(cursor.session_id, "s", 2);
	else
		MODEL_CHECK(reprise_writer_open(store, "s", NULL, &writer, NULL) == REPRISE_OK &&
			    reprise_session_current_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	if (model_case != FOUND_MEANWHILE && model_case != STORE_AFTER_WRITER)
		MODEL_CHECK(reprise_subscribe_after(store, &cursor, NULL, &subscription, NULL) ==
			    REPRISE_OK);
	if (model_case == LAST_OF_TWO)
		MODEL_CHECK(reprise_session_invalidate(store, "s") == REPRISE_OK);
}

/* Busy until the last has let go. */
static void
close_store(void)
{
	reprise_status status = REPRISE_E_BUSY;

	for (int i = 0; i < BUSY_MAX && status == REPRISE_E_BUSY; i++) {
		status = reprise_store_close(store);
		if (status == REPRISE_E_BUSY) {
			model_note("busy");
			sched_yield();
		}
	}
	MODEL_CHECK(status == REPRISE_OK);
	model_note("closed");
	MODEL_CHECK(load_relaxed(&touched[model_case != STORE_AFTER_WRITER]) == 1);
}

int
main(void)
{
	pthread_t threads[2];
	int count = 0;

	prepare();
	if (model_case == FOUND_MEANWHILE) {
		close_writer(NULL);
		MODEL_CHECK(pthread_create(&threads[count++], NULL, find, NULL) == 0);
		MODEL_CHECK(reprise_session_invalidate(store, "s") == REPRISE_OK);
	} else if (model_case == STORE_AFTER_SUBSCRIPTION || model_case == STORE_AFTER_NOTHING) {
		if (model_case == STORE_AFTER_SUBSCRIPTION)
			close_writer(NULL);
		MODEL_CHECK(pthread_create(&threads[count++], NULL, close_subscription, NULL) == 0);
		close_store();
	} else if (model_case == STORE_AFTER_WRITER || model_case == STORE_AFTER_GROUP) {
		MODEL_CHECK(
			pthread_create(&threads[count++], NULL,
				       model_case == STORE_AFTER_GROUP ? close_group : close_writer,
				       NULL) == 0);
		close_store();
	} else {
		MODEL_CHECK(pthread_create(&threads[count++], NULL, close_writer, NULL) == 0);
		MODEL_CHECK(pthread_create(&threads[count++], NULL, close_subscription, NULL) == 0);
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (model_case < STORE_AFTER_SUBSCRIPTION)
		MODEL_CHECK(reprise_store_close(store) == REPRISE_OK);
	return 0;
}
