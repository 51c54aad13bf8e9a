/* SPDX-License-Identifier: MIT */
#ifndef STORE_STORE_H
#define STORE_STORE_H

/* A store inside: what its sessions and subscriptions share. */

#include <pthread.h>
#include <stdalign.h>

#include <reprise/store.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/siphash.h"
#include "store/pool.h"
#include "store/relay.h"
#include "store/stamp.h"

struct table;

/* Session options with every default filled in. */
struct bounds {
	uint64_t events_max;
	uint64_t bytes_max;
	uint64_t age_ns_max;
};

struct reprise_store {
	alignas(CACHE_LINE_BYTES) struct stamp stamp; /* read by every append */

	alignas(CACHE_LINE_BYTES) struct memory memory;
	struct pool pool;
	struct table *table;
	struct siphash_key hash_key;
	struct bounds bounds;
	bool asymmetric; /* sleepers pay the barrier */
	struct relay relay;

	/* Held to create, join and leave sessions as a writer; never by an append or a next. */
	pthread_mutex_t lock;

	atomic_u64 sessions, writers, subscriptions;
	atomic_u64 arena_bytes, staging_bytes;
};

/* @given may be NULL. The bad field is named in @error. */
reprise_status bounds_resolve(const struct reprise_session_options *given,
			      const struct bounds *defaults, struct bounds *ret_bounds,
			      struct reprise_error *error);

#endif /* STORE_STORE_H */
