/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "base/barrier.h"
#include "base/cancel.h"
#include "base/random.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/idle.h"
#include "store/roster.h"

/* All that may be refused, in order; false and *ret_refused, or NULL for memory, if refused. */
static bool
open_parts(struct reprise_store *store, uint64_t tick_ns, const char **ret_refused)
{
	store->stamp = stamp_open(ret_refused);
	if (store->stamp == NULL)
		return false;
	*ret_refused = NULL;
	if (relay_open(&store->relay, store->stamp, tick_ns)) {
		store->table = table_open(&store->memory);
		if (store->table != NULL)
			return true;
		relay_close(&store->relay);
	}
	stamp_close(store->stamp);
	return false;
}

/* And what may not. */
static void
fill(struct reprise_store *store, const struct reprise_store_options *options,
     const struct bounds *bounds, const struct siphash_key *hash_key)
{
	store->relay.table = store->table;
	store->bounds = *bounds;
	store->hash_key = *hash_key;
	store->sessions_max = options->sessions_max;
	store->bytes_max = options->bytes_max;
	store->is_deferred = options->wake == REPRISE_WAKE_DEFERRED;
	store->is_asymmetric = barrier_register();
	TAILQ_INIT(&store->idle);
	TAILQ_INIT(&store->openings);
	atomic_init(&store->sessions, 0);
	atomic_init(&store->writers, 0);
	atomic_init(&store->subscriptions, 0);
	atomic_init(&store->groups, 0);
	atomic_init(&store->lists, 0);
	atomic_init(&store->roster, NULL);
	atomic_init(&store->arena_bytes, 0);
	atomic_init(&store->staging_bytes, 0);
	pthread_mutex_init(&store->lock, NULL);
	pool_open(&store->pool, &store->memory, false);
	pool_open(&store->control_pool, &store->memory, true);
	slab_open(&store->slab, &store->control_pool, sizeof(struct reprise_session));
}

reprise_status
reprise_store_open(const struct reprise_store_options *options, struct reprise_store **ret_store,
		   struct reprise_error *error)
{
	struct reprise_store_options known;
	struct bounds bounds;
	struct memory memory;
	struct siphash_key hash_key;
	const char *refused = NULL;
	uint64_t tick_ns;

	if (ret_store == NULL)
		return error_invalid(error, "ret_store");
	const reprise_status status = store_options_resolve(options, &known, &bounds, error);
	if (status != REPRISE_OK)
		return status;
	tick_ns = known.wake == REPRISE_WAKE_DEFERRED ? known.deferred_tick_ns : NAP_NS;
	UNCANCELLABLE;
	if (!memory_init(&memory, known.allocator))
		return error_invalid(error, "allocator");
	if (!random_bytes(&hash_key, sizeof(hash_key)))
		return error_system(error, "getrandom", errno);

	struct reprise_store *const store = memory_take(&memory, sizeof(*store));

	if (store == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	store->memory.hooks = memory.hooks;
	atomic_init(&store->memory.control_bytes, load_relaxed(&memory.control_bytes));
	if (!open_parts(store, tick_ns, &refused)) {
		const int os_error = errno;

		memory_give(&memory, store, sizeof(*store));
		return refused != NULL ? error_system(error, refused, os_error)
				       : error_plain(error, REPRISE_E_NO_MEMORY);
	}
	fill(store, &known, &bounds, &hash_key);
	*ret_store = store;
	return REPRISE_OK;
}

static void
part_with(struct reprise_session *session, void *context)
{
	struct reprise_session **const gone = context;

	table_remove(session->store->table, session);
	session->gone_next = *gone;
	*gone = session;
}

/* Acquire: all that they did before they were counted down. */
static bool
has_any(atomic_u64 *handles)
{
	return load_acquire(handles) != 0;
}

bool
store_is_busy(struct reprise_store *store)
{
	return has_any(&store->writers) || has_any(&store->subscriptions) || has_any(&store->lists);
}

reprise_status
reprise_store_close(struct reprise_store *store)
{
	struct reprise_session *gone = NULL;

	if (store == NULL)
		return REPRISE_OK;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	if (relay_is_caller())
		return REPRISE_E_INVALID;
	if (store_is_busy(store) || has_any(&store->groups) || store->port != NULL)
		return REPRISE_E_BUSY;
	UNCANCELLABLE;
	relay_close(&store->relay);
	table_each(store->table, part_with, &gone);
	(void)idle_unpin_gone(gone);
	roster_close(store);
	if (store->lobby != NULL)
		session_unpin(store->lobby);
	table_reclaim(store->table, false, session_reclaim);
	table_close(store->table);
	slab_close(&store->slab);
	pool_close(&store->control_pool);
	pool_close(&store->pool);
	pthread_mutex_destroy(&store->lock);
	stamp_close(store->stamp);

	/* Its own memory came through the hooks that it holds. */
	struct memory memory = { .hooks = store->memory.hooks };

	memory_give(&memory, store, sizeof(*store));
	return REPRISE_OK;
}

reprise_status
reprise_store_stats(struct reprise_store *store, struct reprise_store_stats *ret_stats)
{
	if (store == NULL || ret_stats == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	struct reprise_store_stats stats = {
		.sessions = load_relaxed(&store->sessions),
		.writers = load_relaxed(&store->writers),
		.subscriptions = load_relaxed(&store->subscriptions),
		.arena_bytes = load_relaxed(&store->arena_bytes),
		.staging_bytes = load_relaxed(&store->staging_bytes),
		.control_bytes = load_relaxed(&store->memory.control_bytes),
		.asymmetric = store->is_asymmetric,
		.sessions_max = store->sessions_max,
		.bytes_max = store->bytes_max,
	};

	pthread_mutex_lock(&store->lock);
	stats.sessions_idle = store->idle_count;
	stats.bytes = store->bytes;
	pthread_mutex_unlock(&store->lock);

	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_store_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}

reprise_status
reprise_stamp_set(struct reprise_store *store, uint64_t stamp_ns)
{
	if (store == NULL || (stamp_ns & STAMP_FRESH) != 0)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	relay_stamp_by_host(&store->relay, stamp_ns);
	return REPRISE_OK;
}
