/* SPDX-License-Identifier: MIT */
#include "store/table.h"

#include <string.h>

#include <urcu/urcu-bp.h>

#include <urcu/rculfhash.h>

#include "base/memory.h"
#include "store/session.h"

enum {
	BUCKETS_FIRST = 64,
};

struct table {
	struct memory *memory; /* borrowed */
	struct cds_lfht *sessions;
	atomic_u64 retired; /* anything ever was */
};

struct node {
	struct cds_lfht_node link;
	struct rcu_head retired;
	union {
		void (*reclaim)(struct reprise_session *session);
		struct node *next; /* while the table closes */
	};
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

struct table *
table_open(struct memory *memory)
{
	struct table *const table = memory_take(memory, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->memory = memory;
	atomic_init(&table->retired, 0);
	table->sessions = cds_lfht_new_flavor(BUCKETS_FIRST, BUCKETS_FIRST, 0,
					      CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
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
	/* Dead by the time of the pin: it has left the table, perhaps for a successor. Once a life. */
	do {
		cds_lfht_lookup(table->sessions, (unsigned long)hash, matches, id, &iter);
		struct cds_lfht_node *const link = cds_lfht_iter_get_node(&iter);

		session = link != NULL ? session_of_link(link) : NULL;
	} while (session != NULL && !session_pin(session));
	urcu_bp_read_unlock();
	return session;
}

void
table_add(struct table *table, struct reprise_session *session)
{
	struct node *const node = node_of(session);

	cds_lfht_node_init(&node->link);
	urcu_bp_read_lock();
	cds_lfht_add(table->sessions, (unsigned long)session->hash, &node->link);
	urcu_bp_read_unlock();
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

static void
reclaim_retired(struct rcu_head *head)
{
	struct node *const node = caa_container_of(head, struct node, retired);

	node->reclaim(session_of(node));
}

void
table_retire(struct table *table, struct reprise_session *session,
	     void (*reclaim)(struct reprise_session *session))
{
	struct node *const node = node_of(session);

	node->reclaim = reclaim;
	store_relaxed(&table->retired, 1);
	urcu_bp_call_rcu(&node->retired, reclaim_retired);
}

void
table_close(struct table *table, void (*forget)(struct reprise_session *session))
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *link;
	struct node *taken = NULL;

	urcu_bp_read_lock();
	cds_lfht_for_each(table->sessions, &iter, link)
	{
		struct node *const node = caa_container_of(link, struct node, link);
		const int absent = cds_lfht_del(table->sessions, link);

		REPRISE_ASSERT(absent == 0);
		node->next = taken;
		taken = node;
	}
	urcu_bp_read_unlock();

	/* The table's own thread may be resizing: it looks as well. */
	urcu_bp_synchronize_rcu();
	while (taken != NULL) {
		struct node *const node = taken;

		taken = node->next;
		forget(session_of(node));
	}
	if (load_relaxed(&table->retired) != 0)
		urcu_bp_barrier();
	const int busy = cds_lfht_destroy(table->sessions, NULL);

	REPRISE_ASSERT(busy == 0);
	memory_give(table->memory, table, sizeof(*table));
}
