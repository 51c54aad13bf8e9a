/* SPDX-License-Identifier: MIT */
#include "store/table.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <urcu/urcu-bp.h>

#include <urcu/rculfhash.h>

#include "base/barrier.h"
#include "base/instance.h"
#include "base/memory.h"
#include "store/session.h"

struct node;

enum {
	BUCKETS_FIRST = 64,
	TABLE_BYTES_MOST = 8192, /* what liburcu takes for a table beside its buckets: less */
};

/*
 * liburcu's own helpers, the threads that resize a table and that call back after a grace period,
 * end the process when they cannot be started. So the table is resized here, by the adding thread,
 * and retired sessions wait in a list for the store's thread.
 */
struct table {
	struct memory *memory; /* borrowed */
	struct cds_lfht *sessions;
	uint64_t buckets, count; /* changed by the thread that changes the table */
	_Atomic(struct node *) retired;
};

struct node {
	struct cds_lfht_node link;
	struct node *next; /* retired */
};

static_assert(sizeof(struct node) <= sizeof(struct table_node), "the node has room");
static_assert(alignof(struct node) <= alignof(struct table_node), "the node is aligned");

static struct node *
node_of(struct reprise_session *session)
{
	return (struct node *)(void *)&session->node;
}

static struct reprise_session *
session_of(struct node *node)
{
	return caa_container_of((struct table_node *)(void *)node, struct reprise_session, node);
}

static struct reprise_session *
session_of_link(struct cds_lfht_node *link)
{
	return session_of(caa_container_of(link, struct node, link));
}

static int
matches(struct cds_lfht_node *link, const void *id)
{
	return strcmp(session_of_link(link)->id, id) == 0;
}

/*
 * liburcu ends the process when malloc has nothing for it. So malloc is asked before, for all at
 * once, and gives that again unless another thread is faster.
 */
static bool
may_allocate(uint64_t buckets)
{
	/* Volatile, or the compiler leaves both calls out. */
	void *volatile trial = malloc(TABLE_BYTES_MOST + buckets * sizeof(struct cds_lfht_node));
	const bool is_there = trial != NULL;

	free(trial);
	return is_there;
}

/*
 * liburcu's handlers take its locks, so they may run once a fork. Each copy of the library in the
 * process registers its own; only the copy that has claimed this liburcu calls them.
 */
static atomic_bool tends_forks;
static _Thread_local bool has_locked; /* in this thread's fork */

static void
before_fork(void)
{
	has_locked = atomic_load(&tends_forks);
	if (has_locked)
		urcu_bp_before_fork();
}

static void
after_fork_parent(void)
{
	if (has_locked)
		urcu_bp_after_fork_parent();
	has_locked = false;
}

static void
after_fork_child(void)
{
	if (has_locked)
		urcu_bp_after_fork_child();
	has_locked = false;
}

/*
 * Without the handlers, a child that opens a store would wait for threads and locks that it does
 * not have. False if they cannot be registered.
 */
static bool
survive_forks(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool is_registered;

	pthread_mutex_lock(&lock);
	if (!is_registered)
		is_registered =
			pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;
	const bool will_survive = is_registered;

	/* Asked at each open: the copy that tended this liburcu may have been unloaded. */
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const void *const handler = (const void *)(uintptr_t)urcu_bp_before_fork;

	if (will_survive && instance_claim(handler))
		atomic_store(&tends_forks, true);
	pthread_mutex_unlock(&lock);
	return will_survive;
}

struct table *
table_open(struct memory *memory)
{
	struct table *const table = memory_take(memory, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->memory = memory;
	atomic_init(&table->retired, NULL);
	table->buckets = BUCKETS_FIRST;
	if (survive_forks() && may_allocate(BUCKETS_FIRST))
		table->sessions = cds_lfht_new_flavor(BUCKETS_FIRST, BUCKETS_FIRST, 0, 0,
						      &urcu_bp_flavor, NULL);
	if (table->sessions == NULL) {
		memory_give(memory, table, sizeof(*table));
		return NULL;
	}
	return table;
}

struct reprise_session *
table_find(struct table *table, uint64_t hash, const char *id)
{
	struct cds_lfht_iter iter;
	struct reprise_session *session;

	urcu_bp_read_lock();
	/*
	 * Dead by the time of the pin: it has left the table, perhaps for a successor. Once a life.
	 */
	do {
		cds_lfht_lookup(table->sessions, (unsigned long)hash, matches, id, &iter);
		struct cds_lfht_node *const link = cds_lfht_iter_get_node(&iter);

		session = link != NULL ? session_of_link(link) : NULL;
	} while (session != NULL && !session_pin(session));
	urcu_bp_read_unlock();
	return session;
}

/* A large table is filled by threads of liburcu's: the host's signals not to them. */
static void
resize(struct table *table, uint64_t buckets)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	table->buckets = buckets;
	cds_lfht_resize(table->sessions, table->buckets);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
table_add(struct table *table, struct reprise_session *session)
{
	struct node *const node = node_of(session);

	cds_lfht_node_init(&node->link);
	urcu_bp_read_lock();
	cds_lfht_add(table->sessions, (unsigned long)session->hash, &node->link);
	urcu_bp_read_unlock();
	/* Without memory for more buckets it is slower, and tries again with the next one. */
	if (++table->count > table->buckets && may_allocate(table->buckets))
		resize(table, 2 * table->buckets);
}

void
table_replace(struct table *table, struct reprise_session *before, struct reprise_session *after)
{
	struct node *const node = node_of(after);

	cds_lfht_node_init(&node->link);
	urcu_bp_read_lock();
	struct cds_lfht_node *const was = cds_lfht_add_replace(
		table->sessions, (unsigned long)after->hash, matches, after->id, &node->link);
	urcu_bp_read_unlock();
	REPRISE_ASSERT(was == &node_of(before)->link);
}

void
table_remove(struct table *table, struct reprise_session *session)
{
	urcu_bp_read_lock();
	const int absent = cds_lfht_del(table->sessions, &node_of(session)->link);

	urcu_bp_read_unlock();
	REPRISE_ASSERT(absent == 0);
	table->count--;
}

void
table_each(struct table *table, void (*visit)(struct reprise_session *session, void *context),
	   void *context)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *link;

	urcu_bp_read_lock();
	cds_lfht_for_each(table->sessions, &iter, link)
		visit(session_of_link(link), context);
	urcu_bp_read_unlock();
}

/*
 * liburcu waits for threads that are looking with the help of membarrier, if there was one when the
 * process began; and ends the process if it is refused later. So it is asked before.
 */
static bool
may_wait(void)
{
	return !barrier_was_granted() || barrier_everywhere();
}

void
table_shrink(struct table *table)
{
	uint64_t buckets = table->buckets;

	if (!may_wait())
		return;

	while (buckets > BUCKETS_FIRST && table->count < buckets / 4)
		buckets /= 2;
	if (buckets != table->buckets)
		resize(table, buckets);
}

void
table_protect(struct table *table)
{
	(void)table;
	urcu_bp_read_lock();
}

void
table_unprotect(struct table *table)
{
	(void)table;
	urcu_bp_read_unlock();
}

void
table_retire(struct table *table, struct reprise_session *session)
{
	struct node *const node = node_of(session);

	node->next = load_relaxed(&table->retired);
	while (!atomic_compare_exchange_weak_explicit(&table->retired, &node->next, node,
						      memory_order_release, memory_order_relaxed))
		;
}

void
table_reclaim(struct table *table, bool is_looked_at,
	      void (*reclaim)(struct reprise_session *session))
{
	struct node *node;

	if (load_relaxed(&table->retired) == NULL || (is_looked_at && !may_wait()))
		return;
	node = atomic_exchange_explicit(&table->retired, NULL, memory_order_acquire);
	if (is_looked_at)
		urcu_bp_synchronize_rcu();
	while (node != NULL) {
		struct node *const next = node->next;

		reclaim(session_of(node));
		node = next;
	}
}

void
table_close(struct table *table)
{
	const int busy = cds_lfht_destroy(table->sessions, NULL);

	REPRISE_ASSERT(busy == 0);
	memory_give(table->memory, table, sizeof(*table));
}
