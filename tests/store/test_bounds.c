/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/session.h"

SUITE(bounds);

static struct reprise_store *
bounded_store(uint64_t sessions_max, uint64_t bytes_max)
{
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.sessions_max = sessions_max,
		.bytes_max = bytes_max,
	};
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour), REPRISE_OK));
	return store;
}

static struct reprise_writer *
opened(struct reprise_store *store, const char *id)
{
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, id, NULL, &writer, NULL), REPRISE_OK));
	return writer;
}

/* Opened, @count events appended, closed. */
static void
visit(struct reprise_store *store, const char *id, uint64_t count)
{
	struct reprise_writer *writer = opened(store, id);

	while (count-- > 0)
		append_text(writer, "x");
	reprise_writer_close(writer);
}

static struct reprise_store_stats
stats_of(struct reprise_store *store)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	return stats;
}

static bool
is_known(struct reprise_store *store, const char *id)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	return reprise_session_stats(store, id, &stats) == REPRISE_OK;
}

Test(bounds, A26_the_session_that_nobody_holds_for_longest_is_evicted)
{
	struct reprise_store *store = bounded_store(3, 0);
	struct reprise_cursor cursor;

	visit(store, "a", 1);
	visit(store, "b", 1);
	visit(store, "c", 1);
	visit(store, "a", 1); /* touched */
	/* Asking where a session stands is no handle. */
	cr_assert(eq(int, reprise_session_current_cursor(store, "b", 0, &cursor), REPRISE_OK));
	visit(store, "d", 1);
	cr_assert(is_known(store, "a"));
	cr_assert(not(is_known(store, "b")));
	cr_assert(is_known(store, "c"));
	visit(store, "e", 1);
	cr_assert(not(is_known(store, "c")));
	cr_assert(eq(u64, stats_of(store).sessions, 3));
	cr_assert(eq(u64, stats_of(store).sessions_idle, 3));
	close_store(store);
}

Test(bounds, A26_what_is_held_is_never_evicted_and_then_open_is_full)
{
	struct reprise_store *store = bounded_store(2, 0);
	struct reprise_writer *writer = opened(store, "written"), *refused = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_create(store, "followed", NULL, NULL), REPRISE_OK));
	cr_assert(
		eq(int, reprise_session_current_cursor(store, "followed", 0, &cursor), REPRISE_OK));
	subscription = resubscribed(store, &cursor);
	cr_assert(eq(int, reprise_writer_open(store, "third", NULL, &refused, &error),
		     REPRISE_E_FULL));
	cr_assert(eq(str, error.what, "sessions_max"));
	cr_assert(eq(ptr, refused, NULL));
	error = (struct reprise_error){ .size = sizeof(error) };
	cr_assert(eq(int, reprise_session_create(store, "third", NULL, &error), REPRISE_E_FULL));
	cr_assert(eq(str, error.what, "sessions_max"));
	cr_assert(eq(u64, stats_of(store).sessions, 2));

	/* A known one can always be opened; a place comes free with the last handle. */
	reprise_writer_close(opened(store, "followed"));
	cr_assert(
		eq(int, reprise_writer_open(store, "third", NULL, &refused, NULL), REPRISE_E_FULL));
	reprise_subscription_close(subscription);
	visit(store, "third", 1);
	cr_assert(not(is_known(store, "followed")));
	reprise_writer_close(writer);
	close_store(store);
}

Test(bounds, A26_bytes_count_as_configured)
{
	struct reprise_store *probe = bounded_store(0, 0);

	visit(probe, "a", 0);
	const uint64_t each = stats_of(probe).bytes;

	cr_assert(ge(u64, each, 1u << 20));
	close_store(probe);

	struct reprise_store *store = bounded_store(0, 2 * each + each / 2);

	visit(store, "a", 0);
	visit(store, "b", 0);
	visit(store, "c", 0);
	cr_assert(eq(u64, stats_of(store).sessions, 2));
	cr_assert(eq(u64, stats_of(store).bytes, 2 * each));
	cr_assert(not(is_known(store, "a")));

	/* A larger one takes the place of several. */
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = 2u << 20 };
	struct reprise_writer *writer = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_writer_open(store, "large", &large, &writer, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats_of(store).sessions, 1));
	cr_assert(le(u64, stats_of(store).bytes, 2 * each + each / 2));
	reprise_writer_close(writer);

	/* A session that could never come in evicts no session. */
	const struct reprise_session_options larger = { .size = sizeof(larger),
							.bytes_max = 4u << 20 };

	cr_assert(eq(int, reprise_writer_open(store, "larger", &larger, &writer, &error),
		     REPRISE_E_FULL));
	cr_assert(eq(str, error.what, "bytes_max"));
	cr_assert(is_known(store, "large"));
	close_store(store);
}

Test(bounds, A26_a_new_life_of_an_ended_session_takes_the_old_ones_place)
{
	struct reprise_store *store = bounded_store(1, 0);

	for (int life = 0; life < 5; life++) {
		struct reprise_writer *writer = opened(store, "s");

		cr_assert(eq(u64, append_text(writer, "x"), (uint64_t)life + 1));
		cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
		reprise_writer_close(writer);
		cr_assert(eq(u64, stats_of(store).sessions, 1));
	}
	/* Held by a subscription, the old one's memory counts beside the new one's. */
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const uint64_t each = stats_of(store).bytes;
	struct reprise_writer *writer = opened(store, "s");

	cr_assert(eq(u64, stats_of(store).bytes, 2 * each));
	reprise_subscription_close(subscription);
	cr_assert(eq(u64, stats_of(store).bytes, each));
	reprise_writer_close(writer);
	close_store(store);
}

Test(bounds, A05_positions_go_on_after_an_eviction)
{
	struct reprise_store *store = bounded_store(1, 0);
	struct reprise_writer *writer;
	struct reprise_cursor before, after;

	visit(store, "s", 7);
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 0, &before), REPRISE_OK));
	visit(store, "other", 3);
	writer = opened(store, "s");
	cr_assert(eq(u64, append_text(writer, "x"), 8));
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 0, &after), REPRISE_OK));
	cr_assert(ne(int,
		     memcmp(&before.incarnation, &after.incarnation, sizeof(after.incarnation)),
		     0));
	struct reprise_subscription *subscription = resubscribed(store, &before);

	expect_unavailable(subscription, REPRISE_GAP_OTHER_INCARNATION);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	writer = NULL;
	visit(store, "other", 0);
	cr_assert(eq(int, reprise_session_current_cursor(store, "other", 0, &after), REPRISE_OK));
	cr_assert(eq(u64, after.position, 3));
	close_store(store);
}

/* In a full set of the table of past positions the least is forgotten first. */
Test(bounds, A05_what_is_forgotten_is_the_least)
{
	struct memory memory;
	struct pool pool;
	struct past past = { 0 };

	cr_assert(memory_init(&memory, NULL));
	pool_open(&pool, &memory, true);
	cr_assert(eq(u64, past_newest(&past, 5), 0));
	past_remember(&past, &pool, 5, 0);
	cr_assert(eq(ptr, past.entries, NULL), "nothing was given out");
	for (uint64_t i = 0; i < PAST_WAYS; i++)
		past_remember(&past, &pool, 5 + i * PAST_SETS, 10 + i);
	past_remember(&past, &pool, 5, 9);
	cr_assert(eq(u64, past_newest(&past, 5), 10), "never less");
	past_remember(&past, &pool, 5, 20);
	past_remember(&past, &pool, 5 + 9 * PAST_SETS, 1);
	cr_assert(eq(u64, past_newest(&past, 5), 20));
	cr_assert(eq(u64, past_newest(&past, 5 + PAST_SETS), 0), "this was the least");
	cr_assert(eq(u64, past_newest(&past, 5 + 9 * PAST_SETS), 1));
	cr_assert(eq(u64, past_newest(&past, 6), 0));
	pool_close(&pool);
	expect_no_leaks();
}

/*
 * Several chunks have room at once: each goes back when its last block does, but for the only one.
 */
Test(bounds, chunks_of_a_slab_go_back_whatever_the_order)
{
	enum {
		BYTES = 8192,
		CHUNKS = 3,
	};
	struct memory memory;
	struct pool pool;
	struct slab slab;
	struct chunk *chunks[100] = { 0 }, *first[CHUNKS];
	void *blocks[100] = { 0 };
	size_t count = 0, chunks_count = 0;

	cr_assert(memory_init(&memory, NULL));
	pool_open(&pool, &memory, true);
	slab_open(&slab, &pool, BYTES);
	/* So many that three chunks are full. */
	while (chunks_count <= CHUNKS) {
		blocks[count] = slab_take(&slab, &chunks[count]);
		cr_assert(ne(ptr, blocks[count], NULL));
		memset(blocks[count], 1, BYTES);
		if (count == 0 || chunks[count] != chunks[count - 1]) {
			if (chunks_count < CHUNKS)
				first[chunks_count] = chunks[count];
			chunks_count++;
		}
		cr_assert(lt(sz, ++count, 100));
	}
	/* One of each, so that all have room; then all of them. */
	for (size_t i = 0; i < CHUNKS; i++)
		for (size_t n = 0; n < count; n++)
			if (chunks[n] == first[i]) {
				slab_give(&slab, chunks[n], blocks[n]);
				chunks[n] = NULL;
				break;
			}
	struct chunk *again = NULL;
	unsigned char *const block = slab_take(&slab, &again);

	cr_assert(eq(ptr, again, first[CHUNKS - 1]), "the one that had room last");
	for (size_t i = 0; i < BYTES; i++)
		cr_assert(eq(u8, block[i], 0));
	slab_give(&slab, again, block);
	for (size_t n = 0; n < count; n++)
		if (chunks[n] != NULL)
			slab_give(&slab, chunks[n], blocks[n]);
	cr_assert(ne(ptr, TAILQ_FIRST(&slab.with_room), NULL), "one is kept");
	slab_close(&slab);
	pool_close(&pool);
	cr_assert(eq(u64, load_relaxed(&memory.control_bytes), 0));
	expect_no_leaks();
}

Test(bounds, A26_expire_releases_what_nobody_held_for_longer_than_its_limit)
{
	struct reprise_store *store = bounded_store(0, 0);
	const struct reprise_session_options lasting = { .size = sizeof(lasting),
							 .age_ns_max = REPRISE_NO_LIMIT };
	struct reprise_writer *held = opened(store, "held"), *forever = NULL;
	uint64_t count = 77;

	visit(store, "a", 1);
	visit(store, "b", 0);
	cr_assert(eq(int, reprise_writer_open(store, "forever", &lasting, &forever, NULL),
		     REPRISE_OK));
	reprise_writer_close(forever);
	cr_assert(eq(int, reprise_stamp_set(store, one_hour + 120 * one_second), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 0), "not longer, just as long");
	visit(store, "b", 0); /* touched */
	cr_assert(eq(int, reprise_stamp_set(store, one_hour + 120 * one_second + 1), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 1));
	cr_assert(not(is_known(store, "a")));
	cr_assert(is_known(store, "b"));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour * 9), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, NULL), REPRISE_OK));
	cr_assert(not(is_known(store, "b")));
	cr_assert(is_known(store, "held"));
	cr_assert(is_known(store, "forever"));
	reprise_writer_close(held);
	cr_assert(eq(int, reprise_sessions_expire_idle(NULL, &count), REPRISE_E_INVALID));
	close_store(store);
}

/* The table of sessions shrinks to what is left, and no further. */
Test(bounds, who_is_held_is_found_when_the_others_have_expired)
{
	enum {
		ALL = 4096,
		HELD = 256,
	};
	struct reprise_store *store = bounded_store(0, 0);
	struct reprise_writer *held[HELD];
	uint64_t count = 0;
	char id[32];

	for (int i = 0; i < ALL; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		if (i < HELD)
			held[i] = opened(store, id);
		else
			visit(store, id, 0);
	}
	cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, ALL - HELD));
	for (int i = 0; i < ALL; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		cr_assert(eq(int, is_known(store, id), i < HELD), "%s", id);
	}
	for (int i = 0; i < HELD; i++)
		reprise_writer_close(held[i]);
	cr_assert(eq(u64, stats_of(store).sessions_idle, HELD));
	close_store(store);
}

/* liburcu would end the process: nobody makes it wait. Retired memory goes back at the close. */
Test(bounds, what_has_gone_waits_for_the_close_where_membarrier_is_refused_later)
{
	struct reprise_store *store = bounded_store(0, 0);
	uint64_t count = 0;

	for (int i = 0; i < 8; i++) {
		char id[] = { 'a', (char)('0' + i), '\0' };

		visit(store, id, 1);
	}
	refuse_membarrier();
	cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 8));
	table_reclaim(store->table, true, session_reclaim);
	cr_assert(not(is_known(store, "a0")));
	visit(store, "a0", 2);
	cr_assert(is_known(store, "a0"));
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	table_reclaim(store->table, true, session_reclaim);
	cr_assert(eq(u64, stats_of(store).sessions, 0));
	close_store(store);
}

static uint64_t
resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *const file = fopen("/proc/self/statm", "r");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(int, fscanf(file, "%llu %llu", &size, &resident), 2));
	fclose(file);
	return resident * 4096;
}

enum {
	MANY = 100000,
};

/* Sanitizers keep shadow memory, and what was freed. */
#if defined(__SANITIZE_ADDRESS__)
static const bool is_measurable = false;
#else
static const bool is_measurable = true;
#endif

static void
visit_many(struct reprise_store *store, uint64_t events)
{
	char id[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "5f0c1d5e-7f3a-4a86-9d8e-%012d", i);
		visit(store, id, events);
	}
}

/* Whether the memory goes down to that, before long. */
static bool
falls_to(uint64_t bytes)
{
	for (int looks = 0; looks < 1000; looks++) {
		if (resident_bytes() <= bytes)
			return true;
		usleep(10000);
	}
	return false;
}

Test(bounds, A27_idle_sessions_expire_to_nothing_and_the_memory_goes_back)
{
	struct reprise_store *store = bounded_store(0, 0);
	uint64_t count = 0;

	visit(store, "warm", 1);
	const uint64_t before = resident_bytes();

	visit_many(store, 1);
	const uint64_t full = resident_bytes();

	if (is_measurable)
		cr_assert(le(u64, (full - before) / MANY, 4096 + 1024), "a page for the event");
	cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, MANY + 1));
	cr_assert(eq(u64, stats_of(store).sessions, 0));
	cr_assert(eq(u64, stats_of(store).bytes, 0));
	cr_assert(eq(u64, stats_of(store).arena_bytes, 0));
	/* As the relay does within a second; it may be at it just now. */
	table_reclaim(store->table, true, session_reclaim);
	if (is_measurable)
		cr_assert(falls_to(before + (full - before) / 20));
	close_store(store);
}

/* Measured, not computed. */
Test(bounds, a_session_that_retains_nothing_costs_at_most_1_KiB)
{
	struct reprise_store *store = bounded_store(0, 0);

	visit(store, "warm", 0);
	const uint64_t before = resident_bytes();

	visit_many(store, 0);
	if (is_measurable)
		cr_assert(le(u64, (resident_bytes() - before) / MANY, 1024));
	close_store(store);
}

Test(bounds, the_defaults_are_those_of_the_header)
{
	struct reprise_store *store = bounded_store(0, 0);

	cr_assert(eq(u64, stats_of(store).sessions_max, 1048576));
	cr_assert(eq(u64, stats_of(store).bytes_max, REPRISE_NO_LIMIT));
	cr_assert(eq(u64, store->relay.tick_ns, NAP_NS));
	close_store(store);
}
