/* SPDX-License-Identifier: MIT */
#include "store/session.h"

#include <string.h>

#include "base/cancel.h"
#include "base/random.h"
#include "base/utf8.h"
#include "store/idle.h"
#include "store/keys.h"
#include "store/port.h"
#include "store/roster.h"

bool
session_id_measure(const char *id, size_t *ret_bytes)
{
	if (id == NULL)
		return false;
	const size_t bytes = strnlen(id, REPRISE_SESSION_ID_BYTES_MAX + 1);

	if (bytes < 1 || bytes > REPRISE_SESSION_ID_BYTES_MAX)
		return false;
	if (utf8_text_prefix(id, bytes) != bytes)
		return false;
	*ret_bytes = bytes;
	return true;
}

uint64_t
session_id_hash(const struct reprise_store *store, const char *id, size_t id_bytes)
{
	return siphash(&store->hash_key, id, id_bytes);
}

struct reprise_session *
session_find(struct reprise_store *store, const char *id, size_t id_bytes)
{
	return table_find(store->table, session_id_hash(store, id, id_bytes), id);
}

static void
give_memory(struct reprise_session *session, struct reprise_store *store)
{
	fetch_sub_relaxed(&store->memory.control_bytes, sizeof(*session));
	slab_give(&store->slab, session->chunk, session);
}

/* The memory of a session, whose chunk and block it fills in; NULL if there is none. */
static struct reprise_session *
take_memory(struct reprise_store *store, uint64_t ring_bytes)
{
	struct chunk *chunk;
	struct reprise_session *const session = slab_take(&store->slab, &chunk);

	if (session == NULL)
		return NULL;
	fetch_add_relaxed(&store->memory.control_bytes, sizeof(*session));
	session->chunk = chunk;
	session->block = pool_take(&store->pool, ring_bytes);
	if (session->block != NULL)
		return session;
	give_memory(session, store);
	return NULL;
}

static void
fill(struct reprise_session *session, struct reprise_store *store, const char *id, size_t id_bytes,
     const struct ring_shape *shape, uint64_t age_ns_max)
{
	session->store = store;
	bell_init(&session->bell, &store->relay.queue, &session->refs,
		  !store->is_asymmetric && !store->is_deferred);
	atomic_init(&session->stamp, store->stamp);
	session->stamp_seen = STAMP_UNSEEN;
	session->bounds = (struct bounds){ .events_max = shape->events_max,
					   .bytes_max = shape->arena_bytes,
					   .age_ns_max = age_ns_max };
	session->hash = session_id_hash(store, id, id_bytes);
	memcpy(session->id, id, id_bytes + 1);
	atomic_init(&session->refs, 1);
	atomic_init(&session->has_writer, WRITER_NONE);
	atomic_init(&session->lock_wanted, 0);
	atomic_init(&session->room_needed, 0);
	atomic_init(&session->subscriptions, 0);
	atomic_init(&session->recorded, 0);
	atomic_init(&session->recorded_only, 0);
	atomic_init(&session->refuses, 0);
	session->is_behind_in_log = false;
	hands_open(&session->hands);
}

/* It comes into the table, alone or in the place of @before. Cannot fail. */
static void
come_in(struct reprise_session *session, struct reprise_session *before)
{
	struct reprise_store *const store = session->store;

	fetch_add_relaxed(&store->arena_bytes, session->block->bytes);
	if (before != NULL) {
		roster_tell_gone(before, REPRISE_GONE_REPLACED);
		idle_be_replaced(before);
	}
	idle_make_room(store, session->bytes, before == NULL);
	if (before == NULL) {
		fetch_add_relaxed(&store->sessions, 1);
		table_add(store->table, session);
	} else {
		table_replace(store->table, before, session);
		session_unpin(before);
	}
	idle_come(session);
	roster_tell_came(session);
	/* Last: a subscription that is rung finds the session. */
	waiting_ring(session);
}

struct ring_shape
session_shape(const struct bounds *bounds)
{
	struct ring_shape shape = ring_shape_of(bounds->events_max, bounds->bytes_max);

	if (bounds->is_deduplicated)
		shape.memory_bytes += keys_bytes(&shape);
	return shape;
}

uint64_t
session_bytes(const struct ring_shape *shape)
{
	return pool_block_bytes(shape->memory_bytes) + sizeof(struct reprise_session) +
	       sizeof(struct block);
}

reprise_status
session_rebuild(struct reprise_session *before, const struct bounds *bounds,
		struct reprise_session **ret_session, struct reprise_error *error)
{
	struct reprise_store *const store = before->store;
	const struct ring_shape shape = session_shape(bounds);
	const uint64_t bytes = session_bytes(&shape);

	if (!idle_has_room_for_heir(before, bytes))
		return error_full(error, "bytes_max");
	struct reprise_session *const session = take_memory(store, shape.memory_bytes);

	if (session == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	session->bytes = bytes;
	session->incarnation = before->incarnation;
	fill(session, store, before->id, strlen(before->id), &shape, bounds->age_ns_max);
	session->bounds.is_deduplicated = bounds->is_deduplicated;
	/* With a log: the recording of the life, and the writer that has joined. */
	session->recording = before->recording;
	store_relaxed(&session->has_writer, load_relaxed(&before->has_writer));
	store_relaxed(&session->recorded, before->ring.position_before);
	ring_open(&session->ring, &shape, session->block->memory, before->ring.position_before);
	fetch_add_relaxed(&store->arena_bytes, session->block->bytes);
	(void)session_pin(session);
	before->heir = session;
	before->has_heir = true;
	idle_inherit(session, before);
	table_replace(store->table, before, session);
	/* In this order: a thread that finds the ring void finds the heir. */
	ring_void(&before->ring);
	bell_ring(&before->bell);
	session_unpin(before); /* the table's: the thread that rebuilds has another */
	*ret_session = session;
	return REPRISE_OK;
}

reprise_status
session_create(struct reprise_store *store, const char *id, size_t id_bytes,
	       const struct bounds *bounds, struct reprise_session *before,
	       const struct birth *birth, struct reprise_session **ret_session,
	       struct reprise_error *error)
{
	const struct ring_shape shape = session_shape(bounds);
	const uint64_t bytes = session_bytes(&shape);
	const char *const full = idle_refusal(store, bytes, before);
	struct birth born = { 0 };

	if (full != NULL)
		return error_full(error, full);
	const int refused = relay_start(&store->relay);

	if (refused != 0)
		return error_system(error, "pthread_create", refused);
	if (birth != NULL)
		born = *birth;
	else if (!random_bytes(&born.incarnation, sizeof(born.incarnation)))
		return error_system(error, "getrandom", errno);
	struct reprise_session *const session = take_memory(store, shape.memory_bytes);

	if (session == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	session->bytes = bytes;
	session->incarnation = born.incarnation;
	fill(session, store, id, id_bytes, &shape, bounds->age_ns_max);
	session->bounds.is_deduplicated = bounds->is_deduplicated;
	/* Positions go on above whatever was given out before, as far as that is known. */
	if (birth == NULL)
		born.position_before =
			greatest(before != NULL ? load_relaxed(&before->ring.newest) : 0,
				 past_newest(&store->past, session->hash));
	session->recording = born.recording;
	store_relaxed(&session->refuses, bounds->refuses);
	store_relaxed(&session->recorded, born.position_before);
	ring_open(&session->ring, &shape, session->block->memory, born.position_before);
	come_in(session, before);
	*ret_session = session;
	return REPRISE_OK;
}

struct reprise_session *
session_apart(struct reprise_store *store, uint64_t events_max, uint64_t bytes_max)
{
	const struct ring_shape shape = ring_shape_of(events_max, bytes_max);
	struct reprise_session *const apart = take_memory(store, shape.memory_bytes);

	if (apart == NULL)
		return NULL;
	fill(apart, store, "", 0, &shape, REPRISE_NO_LIMIT);
	apart->handles = 1; /* the store's own */
	ring_open(&apart->ring, &shape, apart->block->memory, 0);
	return apart;
}

struct reprise_session *
session_lobby(struct reprise_store *store)
{
	return session_apart(store, 1, RING_ARENA_BYTES_MIN);
}

bool
session_pin(struct reprise_session *session)
{
	if ((fetch_add_relaxed(&session->refs, 1) & SESSION_DEAD) == 0)
		return true;
	fetch_sub_relaxed(&session->refs, 1);
	return false;
}

void
session_reclaim(struct reprise_session *session)
{
	hands_close(&session->hands);
	give_memory(session, session->store);
}

/*
 * Gives up a reference; answers whether nobody has one any more, to just one caller. Between its
 * two steps somebody who had found the session before may take a reference and give it up, and be
 * the one who is answered; that the memory is still there then is the table's doing.
 */
static bool
drop(struct reprise_session *session)
{
	uint64_t nobody = 0;
	struct table *const table = session->store->table;

	table_protect(table);
	/*
	 * Release: this thread's accesses to the session. Acquire: the accesses of all threads that
	 * released it before.
	 */
	const bool is_last = fetch_sub_release(&session->refs, 1) == 1 &&
			     compare_exchange_acquire(&session->refs, &nobody, SESSION_DEAD);
	table_unprotect(table);
	return is_last;
}

static void
give_window(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	/* The store's own windows count for nothing. */
	if (session->bytes != 0)
		fetch_sub_relaxed(&store->arena_bytes, session->block->bytes);
	pool_give(&store->pool, session->block);
	session->block = NULL;
}

void
session_discard(struct reprise_session *session)
{
	give_window(session);
	session_reclaim(session);
}

/* For the thread that has just given up the last reference. */
static void
give_all(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	/* The heir has the same recording, and a reference from here. */
	if (session->recording != NULL && !session->has_heir)
		store->port->forget(store->port, session->recording);
	give_window(session);
	table_retire(store->table, session);
}

void
session_unpin(struct reprise_session *session)
{
	if (!drop(session))
		return;
	UNCANCELLABLE;
	do {
		/* There may be many, one after the other. */
		struct reprise_session *const heir = session->has_heir ? session->heir : NULL;

		give_all(session);
		session = heir;
	} while (session != NULL && drop(session));
}

void
session_apply_age(struct reprise_session *session, bool once)
{
	const uint64_t age_max = session->bounds.age_ns_max;
	const uint64_t now = stamp_now(session->store->stamp);

	if (age_max < now && now - age_max > STAMP_TICK_NS)
		ring_trim_stamp(&session->ring, now - age_max - STAMP_TICK_NS, once);
}

struct reprise_cursor
session_cursor_at(const struct reprise_session *session, reprise_position position,
		  uint64_t revision)
{
	struct reprise_cursor cursor = { .incarnation = session->incarnation,
					 .revision = revision,
					 .position = position };

	memcpy(cursor.session_id, session->id, sizeof(cursor.session_id));
	return cursor;
}
