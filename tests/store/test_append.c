/* SPDX-License-Identifier: MIT */
#include "support.h"

SUITE(append);

Test(append, A05_positions_start_at_1_and_rise_by_1)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	for (reprise_position position = 1; position <= 20; position++)
		cr_assert(eq(u64, append_text(writer, "x"), position));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A05_positions_go_on_across_trimming_and_writers)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 3), REPRISE_OK));
	cr_assert(eq(u64, append_text(writer, "x"), 4));
	reprise_writer_close(writer);
	writer = writer_of(store);
	cr_assert(eq(u64, append_text(writer, "x"), 5));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A05_a_window_opened_after_its_end_is_a_new_life_above_the_old)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 7);
	struct reprise_subscription *old = subscribed_after(store, 5);
	const struct reprise_session_stats before = stats_of_s(store);

	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(store);
	const struct reprise_session_stats after = stats_of_s(store);

	cr_assert(ne(int, memcmp(&before.incarnation, &after.incarnation, 16), 0));
	cr_assert(eq(u64, after.first, 8));
	cr_assert(eq(u64, after.newest, 7));
	cr_assert(eq(u64, append_text(writer, "x"), 8));

	/*
	 * A host that followed the old life gets all of the old life, and nothing of the new life.
	 */
	expect_events(old, 6, 7);
	expect_ended(old, REPRISE_END_SESSION, 3);
	reprise_subscription_close(old);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A06_a_batch_takes_contiguous_positions_in_order)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const struct reprise_new_event events[] = {
		{ .revision = 5, .kind = 1, .payload = { "one", 3 } },
		{ .revision = 4, .kind = 2, .flags = REPRISE_EVENT_COMMIT, .payload = { "", 0 } },
		{ .revision = 6, .kind = 3, .flags = 0x8000, .payload = { "three", 5 } },
	};
	struct reprise_event seen[4];
	struct reprise_gap gap;
	reprise_position first = 0;
	size_t count = 0;

	append_text(writer, "before");
	cr_assert(eq(int, reprise_append_batch(writer, events, 3, &first), REPRISE_OK));
	cr_assert(eq(u64, first, 2));
	cr_assert(eq(int, reprise_next_batch(subscription, seen, 4, &count, &gap, NULL),
		     REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, count, 4));
	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(u64, seen[i + 1].position, 2 + i));
		cr_assert(eq(u64, seen[i + 1].revision, events[i].revision));
		cr_assert(eq(u16, seen[i + 1].kind, events[i].kind));
		cr_assert(eq(u16, seen[i + 1].flags, events[i].flags));
		cr_assert(eq(sz, seen[i + 1].payload.size, events[i].payload.size));
		cr_assert(eq(int,
			     memcmp(seen[i + 1].payload.data, events[i].payload.data,
				    events[i].payload.size),
			     0));
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A06_a_batch_may_be_cut_later_by_an_ordinary_gap)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const struct reprise_new_event events[4] = { { .payload = { "x", 1 } } };

	cr_assert(eq(int, reprise_append_batch(writer, events, 4, NULL), REPRISE_OK));
	append_until(writer, 6);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 2);
	expect_events(subscription, 3, 6);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A06_refuses_an_empty_batch)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_new_event event = { .payload = { "x", 1 } };

	cr_assert(eq(int, reprise_append_batch(writer, &event, 0, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_batch(writer, NULL, 1, NULL), REPRISE_E_INVALID));
	cr_assert(eq(u64, stats_of_s(store).newest, 0));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A07_equal_payloads_are_different_events_and_0_bytes_are_one)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_event(writer, 9, 0, 0, "same");
	append_event(writer, 9, 0, 0, "same");
	append_event(writer, 3, 0, 0, ""); /* the revision need not grow */
	expect_text(subscription, "same");
	expect_text(subscription, "same");
	expect_text(subscription, "");
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A08_refuses_what_can_never_be_held_and_loses_nothing)
{
	struct reprise_store *store = store_with(8, 4096, 0);
	struct reprise_writer *writer = writer_of(store);
	static unsigned char bytes[8192];
	const size_t most = 4096 - 40;
	struct reprise_new_event events[9] = { { .payload = { "x", 1 } } };
	reprise_position position = 77;

	append_until(writer, 3);
	cr_assert(eq(int,
		     reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ bytes, most + 1 },
				    &position),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(int,
		     reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ bytes, SIZE_MAX },
				    &position),
		     REPRISE_E_TOO_LARGE));
	/* Too many for the events; too large one by one; too large in all. */
	cr_assert(eq(int, reprise_append_batch(writer, events, 9, &position), REPRISE_E_TOO_LARGE));
	events[1].payload = (struct reprise_bytes){ bytes, SIZE_MAX };
	cr_assert(eq(int, reprise_append_batch(writer, events, 2, &position), REPRISE_E_TOO_LARGE));
	events[0].payload = events[1].payload = (struct reprise_bytes){ bytes, 2048 - 32 };
	cr_assert(eq(int, reprise_append_batch(writer, events, 2, &position), REPRISE_E_TOO_LARGE));
	const struct iovec parts[2] = { { bytes, most }, { bytes, 1 } };

	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, parts, 2, &position),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(u64, stats_of_s(store).newest, 3));
	cr_assert(eq(u64, stats_of_s(store).retained, 3));

	cr_assert(eq(
		int,
		reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ bytes, most }, &position),
		REPRISE_OK));
	cr_assert(eq(u64, position, 4));
	cr_assert(eq(u64, stats_of_s(store).retained, 1));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, A09_refuses_everything_after_the_end)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_new_event event = { .payload = { "x", 1 } };
	const struct iovec part = { (void *)"x", 1 };

	append_until(writer, 2);
	cr_assert(eq(int, reprise_writer_end(writer, -5), REPRISE_OK));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, event.payload, NULL), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_append_batch(writer, &event, 1, NULL), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &part, 1, NULL), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_E_CLOSED));
	/* Nor does it matter that it would be too large besides, or that it is empty. */
	cr_assert(eq(int,
		     reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", SIZE_MAX }, NULL),
		     REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "", 0 }, NULL),
		     REPRISE_E_CLOSED));
	cr_assert(eq(u64, stats_of_s(store).newest, 2));
	cr_assert(eq(int, stats_of_s(store).ended, 1));
	cr_assert(eq(int, stats_of_s(store).end_status, -5));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, every_size_arrives_as_it_was)
{
	struct reprise_store *store = store_with(0, 65536, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	static unsigned char bytes[20000];
	struct reprise_event event;
	struct reprise_gap gap;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 31 + i / 251);
	for (size_t size = 0; size <= sizeof(bytes); size += size < 600 ? 1 : 977) {
		/* From any alignment. */
		const unsigned char *from = bytes + (size < 600 ? size % 8 : 0);

		cr_assert(eq(int,
			     reprise_append(writer, size, 7, 0x100,
					    (struct reprise_bytes){ from, size }, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(sz, event.payload.size, size));
		cr_assert(eq(int, memcmp(event.payload.data, from, size), 0));
		cr_assert(eq(u64, event.revision, size));
		cr_assert(eq(u16, event.kind, 7));
		cr_assert(eq(u16, event.flags, 0x100));
		cr_assert(eq(u64, event.stamp_ns, one_hour));
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, appendv_gathers_its_parts_in_order)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	static char large[10000];
	const struct iovec parts[] = {
		{ (void *)"ab", 2 },       { NULL, 0 },        { (void *)"cdefghijk", 9 },
		{ (void *)"lmnopqrs", 8 }, { (void *)"t", 1 },
	};
	const struct iovec large_parts[] = { { (void *)"<", 1 }, { large, sizeof(large) } };
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_position position = 0;

	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, parts, 5, &position), REPRISE_OK));
	cr_assert(eq(u64, position, 1));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, NULL, 0, &position), REPRISE_OK));
	memset(large, 'z', sizeof(large));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, large_parts, 2, &position), REPRISE_OK));
	expect_text(subscription, "abcdefghijklmnopqrst");
	expect_text(subscription, "");
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, event.payload.size, sizeof(large) + 1));
	cr_assert(eq(int, memcmp((const char *)event.payload.data + 1, large, sizeof(large)), 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, refuses_bad_input_and_changes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_bytes x = { "x", 1 }, none = { NULL, 1 };
	const struct iovec part = { (void *)"x", 1 }, no_part = { NULL, 1 };
	const struct iovec huge[2] = { { (void *)"x", SIZE_MAX }, { (void *)"x", SIZE_MAX } };
	struct reprise_new_event event = { .payload = { "x", 1 } };
	reprise_position position = 77;

	cr_assert(eq(int, reprise_append(NULL, 0, 0, 0, x, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, none, &position), REPRISE_E_INVALID));
	for (uint16_t flag = 2; flag <= 0x80; flag = (uint16_t)(flag * 2)) {
		cr_assert(eq(int, reprise_append(writer, 0, 0, flag, x, &position),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_appendv(writer, 0, 0, flag, &part, 1, &position),
			     REPRISE_E_INVALID));
		event.flags = flag;
		cr_assert(eq(int, reprise_append_batch(writer, &event, 1, &position),
			     REPRISE_E_INVALID));
	}
	cr_assert(eq(int, reprise_appendv(NULL, 0, 0, 0, &part, 1, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, NULL, 1, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &no_part, 1, &position),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &part, 1025, &position),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, huge, 2, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_batch(NULL, &event, 1, &position), REPRISE_E_INVALID));
	event.flags = 0;
	event.payload = none;
	cr_assert(eq(int, reprise_append_batch(writer, &event, 1, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writer_end(NULL, 0), REPRISE_E_INVALID));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(u64, stats_of_s(store).newest, 0));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, a_writer_may_ask_for_the_cursor_of_its_events)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_writer_cursor(writer, 0, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 0));
	cr_assert(eq(int, reprise_writer_cursor(writer, 1, &cursor), REPRISE_E_INVALID));
	append_event(writer, 5, 0, 0, "a");
	append_event(writer, 3, 0, 0, "b");
	cr_assert(eq(int, reprise_writer_cursor(writer, 2, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 2));
	cr_assert(eq(u64, cursor.revision, 5), "the greatest so far");
	cr_assert(eq(str, cursor.session_id, "s"));
	append_until(writer, 6);
	cr_assert(eq(int, reprise_writer_cursor(writer, 2, &cursor), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_writer_cursor(writer, 3, &cursor), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 4), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_cursor(writer, 4, &cursor), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_writer_cursor(writer, 5, &cursor), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_cursor(NULL, 3, &cursor), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writer_cursor(writer, 3, NULL), REPRISE_E_INVALID));

	/* Before a later life's beginning there is nothing either. */
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(store);
	cr_assert(eq(int, reprise_writer_cursor(writer, 6, &cursor), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_cursor(writer, 5, &cursor), REPRISE_E_NOT_FOUND));
	reprise_writer_close(writer);
	close_store(store);
}

Test(append, stamps_of_a_session_never_fall)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const uint64_t set[] = { 5 * one_hour, 4 * one_hour, 6 * one_hour };
	const uint64_t expected[] = { 5 * one_hour, 5 * one_hour, 6 * one_hour };
	struct reprise_event event;
	struct reprise_gap gap;

	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(int, reprise_stamp_set(store, set[i]), REPRISE_OK));
		append_text(writer, "x");
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.stamp_ns, expected[i]));
	}
	cr_assert(eq(int, reprise_stamp_set(store, UINT64_C(1) << 63), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_stamp_set(NULL, 1), REPRISE_E_INVALID));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * Also where it is the first revision that rises, where room must be made first, and where the
 * window is empty.
 */
Test(append, L48_no_event_has_the_revision_that_is_unknown)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_new_event events[2] = { { .revision = 8 },
						     { .revision = REPRISE_REVISION_UNKNOWN } };
	const struct reprise_bytes bytes = { "x", 1 };
	struct iovec part = { "x", 1 };
	reprise_position position = 77;
	void *payload = NULL;

	for (uint64_t newest = 0; newest <= 9; newest++) {
		const struct reprise_session_stats before = stats_of_s(store);

		cr_assert(
			eq(int,
			   reprise_append(writer, REPRISE_REVISION_UNKNOWN, 0, 0, bytes, &position),
			   REPRISE_E_INVALID));
		cr_assert(eq(int,
			     reprise_appendv(writer, REPRISE_REVISION_UNKNOWN, 0, 0, &part, 1,
					     &position),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_append_batch(writer, events, 2, &position),
			     REPRISE_E_INVALID));
		cr_assert(eq(u64, position, 77));
		const struct reprise_session_stats after = stats_of_s(store);

		cr_assert(eq(u64, after.newest, newest));
		cr_assert(eq(u64, after.oldest, before.oldest), "nothing was displaced");
		append_event(writer, newest / 2, 0, 0, "x");
	}
	cr_assert(eq(int, reprise_reserve(writer, 1, &payload), REPRISE_OK));
	cr_assert(eq(int, reprise_publish(writer, REPRISE_REVISION_UNKNOWN, 0, 0, 1, &position),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_publish(writer, 9, 0, 0, 1, &position), REPRISE_OK));
	cr_assert(eq(u64, position, 11));
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * A revision that rises takes another way than one that does not; what came before each event is
 * in its header.
 */
Test(append, A22_a_position_before_a_revision_is_found_whichever_way_it_rose)
{
	struct reprise_store *store = store_with(64, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	static const uint64_t revisions[] = { 0, 3, 3, 1, 5, 5, 2, 9 };
	struct reprise_cursor cursor;

	for (size_t i = 0; i < 8; i++)
		append_event(writer, revisions[i], 0, 0, "x");
	static const reprise_position expected[] = { 1, 1, 1, 4, 4, 7, 7, 7, 7, 8 };

	for (uint64_t revision = 0; revision <= 9; revision++) {
		cr_assert(eq(int, reprise_session_current_cursor(store, "s", revision, &cursor),
			     REPRISE_OK));
		cr_assert(eq(u64, cursor.position, expected[revision]), "%llu",
			  (unsigned long long)revision);
	}
	reprise_writer_close(writer);
	close_store(store);
}
