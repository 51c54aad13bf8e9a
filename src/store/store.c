/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "base/random.h"
#include "base/sized.h"
#include "store/session.h"
#include "store/table.h"

static const struct bounds bounds_default = {
	.events_max = 2048,
	.bytes_max = UINT64_C(1) << 20,
	.age_ns_max = 120 * NS_PER_S,
};

static void
reclaim_retired(void *context)
{
	struct reprise_store *const store = context;

	table_reclaim(store->table, session_reclaim);
}

/* Everything but the table; false if the system has no more locks. */
static bool
fill(struct reprise_store *store, const struct memory *memory, const struct bounds *bounds,
     const struct siphash_key *hash_key)
{
	store->memory.hooks = memory->hooks;
	atomic_init(&store->memory.control_bytes, load_relaxed(&memory->control_bytes));
	store->bounds = *bounds;
	store->hash_key = *hash_key;
	store->asymmetric = bell_register_asymmetric();
	stamp_init(&store->stamp);
	atomic_init(&store->sessions, 0);
	atomic_init(&store->writers, 0);
	atomic_init(&store->subscriptions, 0);
	atomic_init(&store->arena_bytes, 0);
	atomic_init(&store->staging_bytes, 0);
	if (!relay_open(&store->relay, &store->stamp, reclaim_retired, store))
		return false;
	pthread_mutex_init(&store->lock, NULL);
	pool_open(&store->pool, &store->memory);
	return true;
}

static void
unfill(struct reprise_store *store)
{
	pool_close(&store->pool);
	pthread_mutex_destroy(&store->lock);
}

reprise_status
reprise_store_open(const struct reprise_store_options *options, struct reprise_store **ret_store,
		   struct reprise_error *error)
{
	struct reprise_store_options known = { 0 };
	struct bounds bounds;
	struct memory memory;
	struct siphash_key hash_key;

	if (ret_store == NULL)
		return error_invalid(error, "ret_store");
	if (options != NULL && !sized_read(&known, sizeof(known), sizeof(known), options))
		return error_invalid(error, "store options: size");
	if (!memory_init(&memory, known.allocator))
		return error_invalid(error, "allocator");
	const reprise_status status =
		bounds_resolve(known.session, &bounds_default, &bounds, error);
	if (status != REPRISE_OK)
		return status;
	if (!random_bytes(&hash_key, sizeof(hash_key)))
		return error_system(error, "getrandom", errno);

	struct reprise_store *const store = memory_take(&memory, sizeof(*store));

	if (store == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (!fill(store, &memory, &bounds, &hash_key)) {
		memory_give(&memory, store, sizeof(*store));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	store->table = table_open(&store->memory);
	if (store->table == NULL) {
		relay_close(&store->relay);
		unfill(store);
		memory_give(&memory, store, sizeof(*store));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	*ret_store = store;
	return REPRISE_OK;
}

reprise_status
reprise_store_close(struct reprise_store *store)
{
	if (store == NULL)
		return REPRISE_OK;
	if (load_acquire(&store->writers) != 0 || load_acquire(&store->subscriptions) != 0)
		return REPRISE_E_BUSY;
	relay_close(&store->relay);
	reclaim_retired(store);
	table_close(store->table, session_forget);
	unfill(store);

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
	const struct reprise_store_stats stats = {
		.sessions = load_relaxed(&store->sessions),
		.writers = load_relaxed(&store->writers),
		.subscriptions = load_relaxed(&store->subscriptions),
		.arena_bytes = load_relaxed(&store->arena_bytes),
		.staging_bytes = load_relaxed(&store->staging_bytes),
		.control_bytes = load_relaxed(&store->memory.control_bytes),
		.asymmetric = store->asymmetric,
	};

	return sized_write(ret_stats, &stats, sizeof(stats), sizeof(stats)) ? REPRISE_OK
									    : REPRISE_E_INVALID;
}

reprise_status
reprise_stamp_set(struct reprise_store *store, uint64_t stamp_ns)
{
	if (store == NULL || (stamp_ns & STAMP_STALE) != 0)
		return REPRISE_E_INVALID;
	relay_stamp_by_host(&store->relay, stamp_ns);
	return REPRISE_OK;
}
