/* SPDX-License-Identifier: MIT */
#ifndef STORE_STORE_H
#define STORE_STORE_H

/* A store inside: the common part of its sessions and subscriptions. */

#include <pthread.h>
#include <stdalign.h>
#include <sys/queue.h>

#include <reprise/store.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/siphash.h"
#include "store/past.h"
#include "store/pool.h"
#include "store/relay.h"
#include "store/slab.h"
#include "store/stamp.h"
#include "store/waiting.h"

struct reprise_session;
struct store_port;
struct table;

/* After how long to look again where an append may miss a hand, for want of a barrier. */
#define NAP_NS UINT64_C(10000000)

/* Session options with every default filled in. */
struct bounds {
	uint64_t events_max;
	uint64_t bytes_max;
	uint64_t age_ns_max;
	bool refuses;         /* see REPRISE_WHEN_FULL_REFUSE */
	bool is_shared;       /* see reprise_session_options */
	bool is_deduplicated; /* the same */
};

struct opening; /* writer.h */

struct reprise_store {
	struct stamp *stamp; /* a page of its own, read by every append */
	struct memory memory;
	struct pool pool; /* of windows and staging */
	struct pool
		control_pool; /* of control blocks, by which a fork's child finds out where it is */
	struct slab slab;     /* of sessions, from it */
	struct table *table;
	struct siphash_key hash_key;
	struct bounds bounds;
	bool is_asymmetric; /* sleepers pay the barrier */
	bool is_deferred;   /* appends wake nobody: the relay looks */
	struct relay relay;

	/*
	 * Held to create, join, leave and remove sessions; never by an append, nor by a next
	 * but to move.
	 */
	pthread_mutex_t lock;
	uint64_t sessions_max, bytes_max;
	/* Bounded by bytes_max: the bytes of sessions in the table, and of held void sessions. */
	uint64_t bytes;
	TAILQ_HEAD(, reprise_session) idle; /* nobody holds them; by when the last handle went */
	uint64_t idle_count, idle_bytes;
	struct past past;

	/* Changed where nobody has anything of the store. */
	struct store_port *port; /* to the log, or NULL */
	/*
	 * Of subscriptions that have no window; there from the first one or from a port on, which
	 * is made sure of under the lock.
	 */
	struct reprise_session *lobby;

	TAILQ_HEAD(, opening) openings; /* under the lock */
	struct waiting_lists waiting;   /* under the lock */
	_Atomic(struct reprise_session *)
		roster; /* or NULL, for good from then on; changed under the lock */

	atomic_u64 sessions; /* changed under the lock */
	atomic_u64 writers, subscriptions, groups, lists;
	atomic_u64 arena_bytes, staging_bytes;
};

/* @given may be NULL. The bad field is named in @error. */
reprise_status bounds_resolve(const struct reprise_session_options *given,
			      const struct bounds *defaults, struct bounds *ret_bounds,
			      struct reprise_error *error);

/* The same for a store's own; @ret_options has no NULL and no 0 left that means a default. */
reprise_status store_options_resolve(const struct reprise_store_options *given,
				     struct reprise_store_options *ret_options,
				     struct bounds *ret_bounds, struct reprise_error *error);

/* Whether there are writers, subscriptions or lists; if not, all that they did is seen. */
bool store_is_busy(struct reprise_store *store);

static inline bool
store_is_here(const struct reprise_store *store)
{
	return stamp_is_here(store->stamp);
}

#endif /* STORE_STORE_H */
