/* SPDX-License-Identifier: MIT */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

/*
 * Sessions by id, looked up without a lock. table.c, on liburcu, is the one file that knows of RCU;
 * a read section covers a look-up and a pin, never a copy, a callback or a wait.
 * table_lock.c is a stand-in on a lock, for ThreadSanitizer, which cannot follow liburcu.
 */

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reprise_session;
struct memory;
struct table;

/* Room in a session for the table's links. */
struct table_node {
	alignas(16) unsigned char room[32];
};

/* NULL if there is no memory. */
struct table *table_open(struct memory *memory);

/* It is empty, nobody else looks any more, and what was retired has been reclaimed. */
void table_close(struct table *table);

/* The session of that hash and id, pinned, or NULL. Any thread; wait-free. */
struct reprise_session *table_find(struct table *table, uint64_t hash, const char *id);

/* While a thread is between these, nothing is reclaimed that it can still be looking at. */
void table_protect(struct table *table);
void table_unprotect(struct table *table);

/* Changes, one at a time. */
void table_add(struct table *table, struct reprise_session *session);
void table_replace(struct table *table, struct reprise_session *before,
		   struct reprise_session *after);

void table_remove(struct table *table, struct reprise_session *session);

/* Calls @visit with each session in the table, which may remove it. */
void table_each(struct table *table, void (*visit)(struct reprise_session *session, void *context),
		void *context);

/* After many were removed: gives back what they needed. May wait for threads that are looking. */
void table_shrink(struct table *table);

/* @session is handed to a later table_reclaim. Any thread; lock-free. */
void table_retire(struct table *table, struct reprise_session *session);

/*
 * Hands what was retired to @reclaim: once nobody can be looking at it, for which it waits; or, not
 * @is_looked_at, when nobody else looks at the table any more. One thread at a time. Where the
 * kernel refuses the barrier that it had granted, the former does nothing.
 */
void table_reclaim(struct table *table, bool is_looked_at,
		   void (*reclaim)(struct reprise_session *session));

#endif /* STORE_TABLE_H */
