/* SPDX-License-Identifier: MIT */
#include "store/table.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "store/session.h"

enum {
	BUCKETS = 1024,
};

struct table {
	struct memory *memory; /* borrowed */
	pthread_rwlock_t lock;
	struct reprise_session *buckets[BUCKETS];
	struct reprise_session *retired;
};

static struct reprise_session **
next_of(struct reprise_session *session)
{
	return (struct reprise_session **)(void *)&session->node;
}

static struct reprise_session **
bucket_of(struct table *table, uint64_t hash)
{
	return &table->buckets[hash % BUCKETS];
}

struct table *
table_open(struct memory *memory)
{
	struct table *const table = memory_take(memory, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->memory = memory;
	pthread_rwlock_init(&table->lock, NULL);
	return table;
}

struct reprise_session *
table_find(struct table *table, uint64_t hash, const char *id)
{
	pthread_rwlock_rdlock(&table->lock);
	struct reprise_session *session = *bucket_of(table, hash);

	while (session != NULL && strcmp(session->id, id) != 0)
		session = *next_of(session);
	if (session != NULL && !session_pin(session))
		session = NULL;
	pthread_rwlock_unlock(&table->lock);
	return session;
}

void
table_add(struct table *table, struct reprise_session *session)
{
	struct reprise_session **const bucket = bucket_of(table, session->hash);

	pthread_rwlock_wrlock(&table->lock);
	*next_of(session) = *bucket;
	*bucket = session;
	pthread_rwlock_unlock(&table->lock);
}

void
table_replace(struct table *table, struct reprise_session *before, struct reprise_session *after)
{
	struct reprise_session **at = bucket_of(table, after->hash);

	pthread_rwlock_wrlock(&table->lock);
	while (*at != before)
		at = next_of(*at);
	*next_of(after) = *next_of(before);
	*at = after;
	pthread_rwlock_unlock(&table->lock);
}

void
table_remove(struct table *table, struct reprise_session *session)
{
	struct reprise_session **at = bucket_of(table, session->hash);

	pthread_rwlock_wrlock(&table->lock);
	while (*at != session)
		at = next_of(*at);
	*at = *next_of(session);
	pthread_rwlock_unlock(&table->lock);
}

/* Without the lock, which @visit takes: nobody else changes the table meanwhile. */
void
table_each(struct table *table, void (*visit)(struct reprise_session *session, void *context),
	   void *context)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct reprise_session *session = table->buckets[i];

		while (session != NULL) {
			struct reprise_session *const next = *next_of(session);

			visit(session, context);
			session = next;
		}
	}
}

void
table_shrink(struct table *table)
{
	(void)table;
}

void
table_protect(struct table *table)
{
	pthread_rwlock_rdlock(&table->lock);
}

void
table_unprotect(struct table *table)
{
	pthread_rwlock_unlock(&table->lock);
}

void
table_retire(struct table *table, struct reprise_session *session)
{
	pthread_rwlock_wrlock(&table->lock);
	*next_of(session) = table->retired;
	table->retired = session;
	pthread_rwlock_unlock(&table->lock);
}

void
table_reclaim(struct table *table, bool is_looked_at,
	      void (*reclaim)(struct reprise_session *session))
{
	(void)is_looked_at;
	/* A thread that was looking has left when nobody holds the lock. */
	pthread_rwlock_wrlock(&table->lock);
	struct reprise_session *session = table->retired;

	table->retired = NULL;
	pthread_rwlock_unlock(&table->lock);
	while (session != NULL) {
		struct reprise_session *const next = *next_of(session);

		reclaim(session);
		session = next;
	}
}

void
table_close(struct table *table)
{
	pthread_rwlock_destroy(&table->lock);
	memory_give(table->memory, table, sizeof(*table));
}
