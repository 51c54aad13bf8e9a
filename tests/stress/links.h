/* SPDX-License-Identifier: MIT */
#ifndef STRESS_LINKS_H
#define STRESS_LINKS_H

/*
 * Contexts of callbacks, one for each time that a callback is set, so that a call that comes too
 * late is known by its context. They are kept until the store is closed.
 */

#include <stdlib.h>

#include "stress.h"

struct link {
	struct link *before;
	void *owner;
	struct reprise_subscription *subscription;
	_Atomic bool is_running;
	_Atomic bool is_gone; /* closed or replaced: it is called no more */
};

/* All of a round, the last one first. */
struct links {
	_Atomic(struct link *) last;
};

static inline struct link *
link_new(struct links *links, void *owner, struct reprise_subscription *subscription)
{
	struct link *const link = calloc(1, sizeof(*link));

	CHECK(link != NULL);
	link->owner = owner;
	link->subscription = subscription;
	link->before = atomic_load(&links->last);
	while (!atomic_compare_exchange_weak(&links->last, &link->before, link))
		;
	return link;
}

/* A callback begins, and ends, with these. */
static inline void
link_come_in(struct link *link, struct reprise_subscription *subscription)
{
	CHECK(!atomic_load(&link->is_gone));
	CHECK(!atomic_exchange(&link->is_running, true));
	CHECK(subscription == link->subscription);
}

static inline void
link_go_out(struct link *link)
{
	CHECK(atomic_exchange(&link->is_running, false));
}

static inline void
link_be_gone(struct link *link)
{
	CHECK(!atomic_exchange(&link->is_gone, true));
}

/* The same, from outside: what closed or replaced it has waited for it. */
static inline void
link_be_gone_quietly(struct link *link)
{
	CHECK(!atomic_load(&link->is_running));
	link_be_gone(link);
}

static inline void
links_free(struct links *links)
{
	struct link *link = atomic_load(&links->last);

	while (link != NULL) {
		struct link *const before = link->before;

		CHECK(!atomic_load(&link->is_running));
		free(link);
		link = before;
	}
}

#endif /* STRESS_LINKS_H */
