/* SPDX-License-Identifier: MIT */
/* W06 to W09: appends that are delivered again, and count once. */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/session.h"

SUITE(once);

static struct reprise_writer *
deduplicated_writer(struct reprise_store *store, uint64_t events_max, uint64_t bytes_max)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_writer *writer = NULL;

	options.events_max = events_max;
	options.bytes_max = bytes_max;
	options.is_deduplicated = 1;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	return writer;
}

static reprise_status
append_once(struct reprise_writer *writer, uint64_t key, const char *text,
	    reprise_position *ret_position, int32_t *ret_is_new)
{
	return reprise_append_once(writer, key, 1, 1, 0,
				   (struct reprise_bytes){ text, strlen(text) }, ret_position,
				   ret_is_new);
}

static void
expect_new(struct reprise_writer *writer, uint64_t key, const char *text, reprise_position position)
{
	reprise_position actual = 0;
	int32_t is_new = 77;

	cr_assert(eq(int, append_once(writer, key, text, &actual, &is_new), REPRISE_OK));
	cr_assert(eq(u64, actual, position));
	cr_assert(eq(i32, is_new, 1));
}

static void
expect_known(struct reprise_writer *writer, uint64_t key, const char *text,
	     reprise_position position)
{
	reprise_position actual = 0;
	int32_t is_new = 77;

	cr_assert(eq(int, append_once(writer, key, text, &actual, &is_new), REPRISE_OK));
	cr_assert(eq(u64, actual, position));
	cr_assert(eq(i32, is_new, 0));
}

Test(once, W06_a_key_that_comes_again_is_answered_with_its_position)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);
	const uint64_t keys[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63, 77 };

	for (size_t i = 0; i < 5; i++)
		expect_new(writer, keys[i], "the same for all", i + 1);
	append_text(writer, "without a key");
	for (size_t i = 5; i-- > 0;)
		expect_known(writer, keys[i], "the same for all", i + 1);
	cr_assert(eq(int, append_once(writer, 1, "the same for all", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).newest, 6), "nothing was appended twice");
	expect_new(writer, 78, "", 7);
	expect_known(writer, 78, "", 7);
	reprise_writer_close(writer);
	close_store(store);
}

Test(once, W06_revision_kind_and_flags_are_not_compared)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);
	reprise_position position = 0;
	int32_t is_new = 77;

	expect_new(writer, 5, "x", 1);
	cr_assert(eq(int,
		     reprise_append_once(writer, 5, 9, 8, REPRISE_EVENT_COMMIT,
					 (struct reprise_bytes){ "x", 1 }, &position, &is_new),
		     REPRISE_OK));
	cr_assert(eq(u64, position, 1));
	cr_assert(eq(i32, is_new, 0));
	reprise_writer_close(writer);
	close_store(store);
}

Test(once, W07_another_payload_of_a_known_key_is_a_conflict)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);
	const char *const others[] = { "abcdefghijklmnopqrsX", "abcdefghijklmnopqrs", "",
				       "abcdefghijklmnopqrstu" };
	reprise_position position = 55;
	int32_t is_new = 77;

	expect_new(writer, 5, "abcdefghijklmnopqrst", 1);
	for (size_t i = 0; i < 4; i++)
		cr_assert(eq(int, append_once(writer, 5, others[i], &position, &is_new),
			     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, position, 55));
	cr_assert(eq(i32, is_new, 77));
	cr_assert(eq(u64, stats_of_s(store).newest, 1));
	expect_known(writer, 5, "abcdefghijklmnopqrst", 1);
	reprise_writer_close(writer);
	close_store(store);
}

/* Random appends with few keys, with and without, trims and large payloads, against an array. */
Test(once, W08_a_key_is_remembered_exactly_as_long_as_its_event_is_retained)
{
	enum {
		KEYS = 40,
		ROUNDS = 40000
	};
	static const struct {
		uint64_t events_max, bytes_max;
	} windows[] = { { 1, 256 }, { 7, 1024 }, { 16, 0 }, { REPRISE_NO_LIMIT, 2048 } };
	static char text[512];

	memset(text, 'x', sizeof(text) - 1);
	for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		struct reprise_store *store = store_plain();
		struct reprise_writer *writer =
			deduplicated_writer(store, windows[w].events_max, windows[w].bytes_max);
		reprise_position positions[KEYS] = { 0 };
		unsigned int known = 0, random = 1;

		for (int round = 0; round < ROUNDS; round++) {
			const int chance = rand_r(&random);
			const uint64_t key = (uint64_t)(chance / 64 % KEYS);
			const struct reprise_session_stats stats = stats_of_s(store);
			reprise_position position = 0;
			int32_t is_new = 77;

			if (chance % 16 == 0) {
				append_text(writer, "plain");
				continue;
			}
			if (chance % 64 == 1)
				cr_assert(eq(int,
					     reprise_session_trim_to(
						     store, "s", stats.oldest + (chance >> 8) % 3),
					     REPRISE_OK));
			const bool is_retained =
				positions[key] >= stats_of_s(store).oldest && positions[key] != 0;

			cr_assert(eq(int,
				     append_once(writer, key, text + sizeof(text) - 1 - 2 * key,
						 &position, &is_new),
				     REPRISE_OK));
			cr_assert(eq(i32, is_new, !is_retained), "round %d", round);
			if (is_retained)
				cr_assert(eq(u64, position, positions[key]));
			else
				cr_assert(eq(u64, position, stats.newest + 1));
			positions[key] = position;
			known += is_retained;
		}
		cr_assert(gt(uint, known, ROUNDS / 100));
		reprise_writer_close(writer);
		close_store(store);
	}
}

/*
 * The memory of a window that has gone is the next one's, with the same positions: nothing of it
 * may be found.
 */
Test(once, W08_another_window_knows_no_keys_of_an_earlier_one)
{
	struct reprise_store *store = store_plain();

	for (int life = 0; life < 3; life++) {
		struct reprise_writer *writer = deduplicated_writer(store, 64, 0);
		const reprise_position newest = stats_of_s(store).newest;

		for (uint64_t key = 0; key < 64; key++)
			expect_new(writer, key, "x", newest + key + 1);
		cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
		reprise_writer_close(writer);
	}
	close_store(store);
}

Test(once, W08_the_next_writer_and_an_ended_session_know_the_keys)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);

	expect_new(writer, 5, "x", 1);
	reprise_writer_close(writer);
	writer = writer_of(store);
	expect_known(writer, 5, "x", 1);
	expect_new(writer, 6, "y", 2);
	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	expect_known(writer, 5, "x", 1);
	expect_known(writer, 6, "y", 2);
	cr_assert(eq(int, append_once(writer, 6, "x", NULL, NULL), REPRISE_E_CONFLICT));
	cr_assert(eq(int, append_once(writer, 7, "x", NULL, NULL), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, append_once(writer, 5, "x", NULL, NULL), REPRISE_E_CLOSED),
		  "what is void is not retained");
	reprise_writer_close(writer);
	close_store(store);
}

Test(once, W08_a_reservation_keeps_new_keys_out_alone)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);
	void *room = NULL;

	expect_new(writer, 5, "x", 1);
	cr_assert(eq(int, reprise_reserve(writer, 8, &room), REPRISE_OK));
	expect_known(writer, 5, "x", 1);
	cr_assert(eq(int, append_once(writer, 6, "x", NULL, NULL), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	expect_new(writer, 6, "x", 2);
	reprise_writer_close(writer);
	close_store(store);
}

Test(once, W09_bad_arguments_change_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *plain = writer_of(store);
	const struct reprise_bytes x = { "x", 1 }, nowhere = { NULL, 1 };
	reprise_position position = 55;
	int32_t is_new = 77;

	cr_assert(eq(int, append_once(plain, 5, "x", &position, &is_new), REPRISE_E_INVALID));
	reprise_writer_close(plain);
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_writer *writer = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	for (int32_t bad = -1; bad <= 2; bad += 3) {
		options.is_deduplicated = bad;
		cr_assert(eq(int, reprise_writer_open(store, "t", &options, &writer, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)"is_deduplicated"));
	}
	options.is_deduplicated = 1;
	options.reserved = 1;
	cr_assert(eq(int, reprise_writer_open(store, "t", &options, &writer, &error),
		     REPRISE_E_INVALID));
	options.reserved = 0;
	cr_assert(eq(int, reprise_writer_open(store, "t", &options, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_append_once(NULL, 5, 1, 1, 0, x, &position, &is_new),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_once(writer, 5, 1, 1, 0, nowhere, &position, &is_new),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_once(writer, 5, 1, 1, 2, x, &position, &is_new),
		     REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_append_once(writer, 5, REPRISE_REVISION_UNKNOWN, 1, 0, x, &position,
					 &is_new),
		     REPRISE_E_INVALID));
	cr_assert(eq(u64, position, 55));
	cr_assert(eq(i32, is_new, 77));
	reprise_writer_close(writer);
	close_store(store);
}

static uint64_t
bytes_of_one(uint64_t events_max, int32_t is_deduplicated)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_store *store = store_plain();
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;

	options.events_max = events_max;
	options.is_deduplicated = is_deduplicated;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	reprise_writer_close(writer);
	close_store(store);
	return stats.bytes;
}

Test(once, W09_keys_count_for_the_stores_bound)
{
	const struct ring_shape shape = ring_shape_of(2048, 1 << 20);

	cr_assert(eq(u64, bytes_of_one(2048, 0), session_bytes(&shape)), "off: not a byte");
	/*
	 * As many events as headers fit into 1 MiB: 26,214, and a power of two above their
	 * double of slots.
	 */
	cr_assert(ge(u64, bytes_of_one(REPRISE_NO_LIMIT, 1),
		     bytes_of_one(REPRISE_NO_LIMIT, 0) + UINT64_C(16) * 65536));
}

struct redeliverer {
	pthread_t thread;
	struct reprise_writer *writer;
	uint64_t appended;
};

enum {
	THREADS = 4,
	KEYS_OF_ALL = 3000,
};

static void *
deliver_all(void *argument)
{
	struct redeliverer *const redeliverer = argument;

	for (uint64_t key = 0; key < KEYS_OF_ALL; key++) {
		int32_t is_new = 77;
		reprise_position position = 0;

		cr_assert(eq(int,
			     reprise_append_once(redeliverer->writer, key, key, 1, 0,
						 (struct reprise_bytes){ &key, sizeof(key) },
						 &position, &is_new),
			     REPRISE_OK));
		redeliverer->appended += (uint64_t)is_new;
	}
	return NULL;
}

Test(once, W09_of_several_threads_one_appends_each_key)
{
	struct reprise_store *store = store_plain();
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct redeliverer redeliverers[THREADS] = { 0 };
	struct reprise_writer *writer = NULL;
	uint64_t appended = 0;

	options.events_max = KEYS_OF_ALL;
	options.is_shared = options.is_deduplicated = 1;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	for (size_t i = 0; i < THREADS; i++) {
		redeliverers[i].writer = writer;
		cr_assert(eq(int,
			     pthread_create(&redeliverers[i].thread, NULL, deliver_all,
					    &redeliverers[i]),
			     0));
	}
	for (size_t i = 0; i < THREADS; i++) {
		cr_assert(eq(int, pthread_join(redeliverers[i].thread, NULL), 0));
		appended += redeliverers[i].appended;
	}
	cr_assert(eq(u64, appended, KEYS_OF_ALL));
	cr_assert(eq(u64, stats_of_s(store).newest, KEYS_OF_ALL));
	reprise_writer_close(writer);
	close_store(store);
}

Test(once, W09_in_the_child_of_a_fork_it_is_refused)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = deduplicated_writer(store, 0, 0);
	int status = 0;

	expect_new(writer, 5, "x", 1);
	const pid_t child = fork();

	if (child == 0)
		_exit(append_once(writer, 5, "x", NULL, NULL) == REPRISE_E_FORKED ? 0 : 1);
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	expect_known(writer, 5, "x", 1);
	reprise_writer_close(writer);
	close_store(store);
}
