/* SPDX-License-Identifier: MIT */

/* Windows that are made before their writer, and look-ups that make none (rules S10 and S11). */

#include "support.h"

#include <stdio.h>

SUITE(sessions);

static struct reprise_store *
bounded_store(uint64_t sessions_max)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = sessions_max };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	return store;
}

static struct reprise_store_stats
counts_of(struct reprise_store *store)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	return stats;
}

static void
create(struct reprise_store *store, const char *id)
{
	cr_assert(eq(int, reprise_session_create(store, id, NULL, NULL), REPRISE_OK));
}

Test(sessions, S10_a_look_up_of_an_unknown_session_makes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_cursor cursor, untouched;

	memset(&untouched, 7, sizeof(untouched));
	memset(&cursor, 7, sizeof(cursor));
	cr_assert(eq(int, reprise_current_cursor(store, "s", 0, &cursor), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_earliest_cursor(store, "s", 0, &cursor), REPRISE_E_NOT_FOUND));
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): every byte was set, padding, too */
	cr_assert(eq(int, memcmp(&cursor, &untouched, sizeof(cursor)), 0));
	cr_assert(eq(u64, counts_of(store).sessions, 0));
	cr_assert(eq(u64, counts_of(store).arena_bytes, 0));
	close_store(store);
}

Test(sessions, S10_look_ups_of_made_up_ids_evict_nothing)
{
	struct reprise_store *store = bounded_store(3);
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	char id[16];

	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "kept-%d", i);
		create(store, id);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "made-up-%d", i);
		cr_assert(eq(int, reprise_current_cursor(store, id, 0, &cursor),
			     REPRISE_E_NOT_FOUND));
		cr_assert(eq(int, reprise_earliest_cursor(store, id, 0, &cursor),
			     REPRISE_E_NOT_FOUND));
	}
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "kept-%d", i);
		cr_assert(eq(int, reprise_session_stats(store, id, &stats), REPRISE_OK));
	}
	create(store, "fourth");
	cr_assert(eq(int, reprise_session_stats(store, "kept-0", &stats), REPRISE_E_NOT_FOUND));
	close_store(store);
}

Test(sessions, S10_a_window_is_made_before_its_writer_comes)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options options = {
		.size = sizeof(options), .events_max = 5, .bytes_max = 4000, .age_ns_max = 77
	};
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_session_create(store, "s", &options, &error), REPRISE_OK));
	cr_assert(eq(int, error.status, REPRISE_OK));
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(u64, stats.events_max, 5));
	cr_assert(eq(u64, stats.bytes_max, 4096));
	cr_assert(eq(u64, stats.age_ns_max, 77));
	cr_assert(eq(int, stats.has_writer, 0));
	cr_assert(eq(u64, counts_of(store).sessions_idle, 1));
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_session *session = writer_of(store);

	append_text(session, "first");
	expect_text(subscription, "first");
	reprise_subscription_close(subscription);
	reprise_session_close(session);
	close_store(store);
}

Test(sessions, S10_making_a_session_that_has_a_window_changes_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options other = { .size = sizeof(other), .events_max = 5 };
	const struct reprise_session_options bad = { .size = sizeof(bad), .bytes_max = 255 };
	struct reprise_error error = { .size = sizeof(error) };

	create(store, "s");
	const struct reprise_session_stats first = stats_of_s(store);
	struct reprise_session *session = writer_of(store);

	append_text(session, "x");
	cr_assert(eq(int, reprise_session_create(store, "s", &other, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_session_end(session, 3), REPRISE_OK));
	reprise_session_close(session);
	cr_assert(eq(int, reprise_session_create(store, "s", &other, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_session_create(store, "s", &bad, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "bytes_max"));
	const struct reprise_session_stats last = stats_of_s(store);

	cr_assert(eq(u64, last.events_max, first.events_max));
	cr_assert(eq(u64, last.newest, 1));
	cr_assert(eq(int, last.end_status, 3));
	cr_assert(eq(int, memcmp(&last.incarnation, &first.incarnation, sizeof(first.incarnation)),
		     0));
	close_store(store);
}

Test(sessions, S10_bad_options_make_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options bad[] = {
		{ .size = 3 },
		{ .size = sizeof(bad[0]), .bytes_max = 255 },
		{ .size = sizeof(bad[0]), .when_full = (reprise_when_full)9 },
		{ .size = sizeof(bad[0]), .when_full = REPRISE_WHEN_FULL_REFUSE },
		{ .size = sizeof(bad[0]), .is_shared = 2 },
	};
	static const char *const named[] = { "session options: size", "bytes_max", "when_full",
					     "when_full", "is_shared" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int, reprise_session_create(store, "s", &bad[i], &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, strcmp(error.what, named[i]), 0));
	}
	cr_assert(eq(u64, counts_of(store).sessions, 0));
	close_store(store);
}
