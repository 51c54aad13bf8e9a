/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "store/session.h"

SUITE(reserve);

static void *
reserved(struct reprise_writer *writer, size_t payload_bytes_max)
{
	void *payload = NULL;

	cr_assert(eq(int, reprise_reserve(writer, payload_bytes_max, &payload), REPRISE_OK));
	cr_assert(eq(u64, (uint64_t)(uintptr_t)payload % 8, 0));
	return payload;
}

static reprise_position
published(struct reprise_writer *writer, size_t payload_bytes)
{
	reprise_position position = 0;

	cr_assert(
		eq(int, reprise_publish(writer, 3, 4, 256, payload_bytes, &position), REPRISE_OK));
	return position;
}

Test(reserve, what_is_written_in_place_becomes_an_event)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_event event;
	struct reprise_gap gap;

	append_text(writer, "one");
	memcpy(reserved(writer, 100), "written in place", 16);
	expect_text(subscription, "one");
	expect_empty(subscription); /* not before it is published */
	cr_assert(eq(u64, published(writer, 16), 2));
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, 2));
	cr_assert(eq(u64, event.revision, 3));
	cr_assert(eq(int, event.kind, 4));
	cr_assert(eq(int, event.flags, 256));
	cr_assert(eq(sz, event.payload.size, 16));
	cr_assert(eq(int, memcmp(event.payload.data, "written in place", 16), 0));
	(void)reserved(writer, 0);
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 0, 0, NULL), REPRISE_OK));
	expect_text(subscription, "");
	append_text(writer, "three");
	expect_text(subscription, "three");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* Of every size, reserved larger and just so, over many laps, between appends and batches. */
Test(reserve, every_size_arrives_as_it_was)
{
	struct reprise_store *store = store_with(0, 4096, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	char text[1024];

	for (size_t size = 0; size < sizeof(text); size += 7) {
		memset(text, 'a' + (int)(size % 26), sizeof(text));
		text[size] = '\0';
		memcpy(reserved(writer, size + size % 3 * 100), text, size);
		published(writer, size);
		append_text(writer, text);
		expect_text(subscription, text);
		expect_text(subscription, text);
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, displaces_for_what_is_asked_at_once_and_an_abort_gives_back_bytes_alone)
{
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 20); /* of 40 bytes each: 800 */
	const uint64_t oldest = stats_of_s(store).oldest;

	(void)reserved(writer, 500);
	const uint64_t oldest_reserved = stats_of_s(store).oldest;

	cr_assert(gt(u64, oldest_reserved, oldest));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).oldest, oldest_reserved), "not the displaced events");
	cr_assert(eq(u64, stats_of_s(store).newest, 20));
	append_until(writer, 30); /* into the bytes given back */
	cr_assert(eq(u64, stats_of_s(store).oldest, oldest_reserved));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, an_unused_rest_is_given_back)
{
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_writer *writer = writer_of(store);

	for (int i = 0; i < 24; i++) { /* 24 times 40 bytes fit, of 600 reserved each */
		(void)reserved(writer, i == 0 ? 600 : 0);
		published(writer, 0);
	}
	cr_assert(eq(u64, stats_of_s(store).retained, 24));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, a_window_of_one_event_is_emptied_by_a_reservation)
{
	struct reprise_store *store = store_with(1, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "x");
	(void)reserved(writer, 10);
	cr_assert(eq(u64, stats_of_s(store).retained, 0));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 1);
	expect_empty(subscription);
	cr_assert(eq(u64, append_text(writer, "y"), 2));
	expect_text(subscription, "y");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, everything_else_is_busy_while_one_is_open)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_new_event event = { .payload = { "x", 1 } };
	const struct iovec part = { .iov_base = (void *)"x", .iov_len = 1 };
	reprise_position position = 77;
	void *payload = &position;

	append_text(writer, "x"); /* so that the next append would be a common one */
	memcpy(reserved(writer, 8), "reserved", 8);
	cr_assert(eq(int, reprise_reserve(writer, 8, &payload), REPRISE_E_BUSY));
	cr_assert(eq(ptr, payload, &position));
	cr_assert(
		eq(int, reprise_append(writer, 0, 0, 0, event.payload, &position), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &part, 1, &position), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_append_batch(writer, &event, 1, &position), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_E_BUSY));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(u64, published(writer, 8), 2));
	cr_assert(eq(u64, append_text(writer, "y"), 3));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, a_close_aborts_it)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	(void)reserved(writer, 8);
	reprise_writer_close(writer);
	writer = writer_of(store);
	cr_assert(eq(u64, append_text(writer, "x"), 1));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, refuses_bad_input_and_leaves_the_reservation_open)
{
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_writer *writer = writer_of(store);
	reprise_position position = 77;
	void *payload = NULL;

	cr_assert(eq(int, reprise_reserve(NULL, 1, &payload), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_reserve(writer, 1, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_reserve(writer, 1024 - 39, &payload), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, reprise_reserve(writer, SIZE_MAX, &payload), REPRISE_E_TOO_LARGE));
	cr_assert(eq(ptr, payload, NULL));
	cr_assert(eq(int, reprise_publish(NULL, 0, 0, 0, 1, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_abort(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 0, 0, &position), REPRISE_E_INVALID),
		  "nothing is reserved");
	cr_assert(eq(int, reprise_abort(writer), REPRISE_E_INVALID));

	memcpy(reserved(writer, 5), "12345", 5);
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 0, 6, &position), REPRISE_E_INVALID),
		  "more than was asked, if by less than the padding");
	cr_assert(
		eq(int, reprise_publish(writer, 0, 0, 0, SIZE_MAX, &position), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 2, 5, &position), REPRISE_E_INVALID),
		  "a flag of the library's");
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(u64, published(writer, 5), 1));

	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_reserve(writer, 1, &payload), REPRISE_E_CLOSED));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, the_largest_payload_can_be_written_in_place)
{
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	for (reprise_position position = 1; position <= 3; position++) {
		memset(reserved(writer, 1024 - 40), (int)position, 1024 - 40);
		cr_assert(eq(u64, published(writer, 1024 - 40), position));
		expect_event(subscription, position);
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, A09_a_void_window_takes_no_publication)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	reprise_position position = 77;
	void *payload;

	memcpy(reserved(writer, 1), "x", 1);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 0, 1, &position), REPRISE_E_CLOSED));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	cr_assert(eq(int, reprise_reserve(writer, 1, &payload), REPRISE_E_CLOSED));
	reprise_writer_close(writer);
	close_store(store);
}

Test(reserve, A22_where_a_reservation_has_emptied_the_window_the_cursor_is_still_the_newest)
{
	struct reprise_store *store = store_with(1, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	for (uint64_t revision = 1; revision <= 5; revision++)
		append_event(writer, revision, 0, 0, "x");
	(void)reserved(writer, 1);
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 5, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5));
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 4, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 0), "the commit of revision 5 has left");
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 5, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5));
	reprise_writer_close(writer);
	close_store(store);
}
