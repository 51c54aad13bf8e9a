/* SPDX-License-Identifier: MIT */
/* B06 deltas, lists and messages. */
#include "contract.h"

#include <stdio.h>

static struct reprise_thread_page *
open_page(void)
{
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	return page;
}

Test(thread_contract, B06_deltas_are_loaded_as_they_were_kept)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	static const char delta[] = "{\"host\":[1.50],\"run_id\":\"r\",\"reason\":\"RunFinished\","
				    "\"delta_id\":\"d\",\"created_at\":%llu}";
	char text[256], expected[256];
	const char *const uid = create_t(store, "{}");
	const unsigned long long now = now_ms();

	snprintf(text, sizeof(text), delta, now);
	snprintf(expected, sizeof(expected),
		 "{\"created_at\":%llu,\"delta_id\":\"d\",\"host\":[1.50],\"messages\":[],"
		 "\"patches\":[],\"reason\":\"RunFinished\",\"run_id\":\"r\"}",
		 now);
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, text_bytes(text), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 0, 1, 0, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, deltas.deltas_count, 1));
	cr_assert(eq(str, deltas.uid, (char *)uid));
	cr_assert(eq(u64, deltas.complete_after, 0));
	cr_assert(eq(int, deltas.has_more, 0));
	cr_assert(eq(sz, deltas.deltas[0].json.size, strlen(expected)));
	cr_assert(eq(int, memcmp(deltas.deltas[0].json.data, expected, strlen(expected)), 0));
	reprise_thread_page_close(page);
	close_store_of(store);
}

Test(thread_contract, B06_deltas_have_limits)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_error error = { .size = sizeof(error) };

	create_t(store, "{}");
	for (unsigned int i = 1; i <= 9; i++)
		append_new(store, i);
	expect_deltas(store, 0, 1, 9, 1);
	expect_deltas(store, 4, 5, 9, 3);
	expect_deltas(store, 0, 1, 9, UINT64_MAX);
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 2, 9, 1, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, deltas.deltas_count, 1));
	cr_assert(eq(int, deltas.has_more, 1));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 9, 9, 0, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, deltas.deltas_count, 0));
	cr_assert(eq(int, deltas.has_more, 0));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 10, 9, 0, page, &deltas, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 10));
	cr_assert(eq(u64, error.actual, 9));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 0, 0, 0, page, &deltas, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"limit"));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "u", 0, 1, 0, page, &deltas, NULL),
		     REPRISE_E_NOT_FOUND));
	reprise_thread_page_close(page);
	close_store_of(store);
}

Test(thread_contract, B06_a_list_is_sorted_and_tells_what_is_left)
{
	static const char *const ids[] = { "b", "a", "\xc3\xa9", "A", "ab", "-" };
	static const char *const sorted[] = { "-", "A", "a", "ab", "b", "\xc3\xa9" };
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_list list = { .size = sizeof(list) };

	cr_assert(eq(int, reprise_thread_list(store, 0, 1, page, &list, NULL), REPRISE_OK));
	cr_assert(eq(u64, list.total, 0));
	cr_assert(eq(int, list.has_more, 0));
	for (size_t i = 0; i < 6; i++)
		cr_assert(eq(int,
			     reprise_thread_create(store, ids[i], text_bytes("{}"), NULL, NULL),
			     REPRISE_OK));
	for (uint64_t offset = 0; offset <= 7; offset++) {
		const uint64_t left = offset < 6 ? 6 - offset : 0;

		cr_assert(eq(int, reprise_thread_list(store, offset, 4, page, &list, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, list.total, 6));
		cr_assert(eq(sz, list.entries_count, left < 4 ? left : 4));
		cr_assert(eq(int, list.has_more, left > 4));
		for (size_t i = 0; i < list.entries_count; i++) {
			cr_assert(eq(str, (char *)list.entries[i].id, (char *)sorted[offset + i]));
			cr_assert(eq(u64, list.entries[i].version, 0));
			cr_assert(eq(sz, strlen(list.entries[i].uid), 32));
		}
	}
	reprise_thread_page_close(page);
	close_store_of(store);
}

Test(thread_contract, B06_a_list_has_a_limit_of_200)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_list list = { .size = sizeof(list) };
	char id[16];

	for (int i = 0; i < 201; i++) {
		snprintf(id, sizeof(id), "%03d", i);
		cr_assert(eq(int, reprise_thread_create(store, id, text_bytes("{}"), NULL, NULL),
			     REPRISE_OK));
	}
	cr_assert(eq(int, reprise_thread_list(store, 0, 0, page, &list, NULL), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_thread_list(store, 0, 201, page, &list, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_list(store, UINT64_MAX, 1, page, &list, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_list(store, 0, 200, page, &list, NULL), REPRISE_OK));
	cr_assert(eq(sz, list.entries_count, 200));
	cr_assert(eq(int, list.has_more, 1));
	cr_assert(eq(str, (char *)list.entries[199].id, (char *)"199"));
	list.size = 1;
	cr_assert(eq(int, reprise_thread_list(store, 0, 1, page, &list, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_list(store, 0, 1, NULL, &list, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_list(store, 0, 1, page, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_list(NULL, 0, 1, page, &list, NULL), REPRISE_E_INVALID));
	reprise_thread_page_close(page);
	close_store_of(store);
}

/* The range of "t" has the messages @first, @first + @step, .. of the number @count. */
static void
expect_messages(struct reprise_thread_store *store, struct reprise_thread_range range,
		uint64_t first, int step, size_t count, bool has_more)
{
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_messages messages = { .size = sizeof(messages) };

	range.size = sizeof(range);
	cr_assert(eq(int, reprise_thread_messages(store, "t", &range, page, &messages, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, messages.total, 250));
	cr_assert(eq(u64, messages.version, 250));
	cr_assert(eq(sz, messages.messages_count, count));
	cr_assert(eq(int, messages.has_more, has_more));
	for (size_t i = 0; i < count; i++) {
		const uint64_t number = first + (uint64_t)((int64_t)i * step);
		char expected[64];

		snprintf(expected, sizeof(expected), "{\"body\":%llu.50,\"id\":\"m%llu\"}",
			 (unsigned long long)number, (unsigned long long)number);
		cr_assert(eq(u64, messages.messages[i].number, number));
		cr_assert(eq(sz, messages.messages[i].json.size, strlen(expected)));
		cr_assert(eq(int,
			     memcmp(messages.messages[i].json.data, expected, strlen(expected)),
			     0));
	}
	reprise_thread_page_close(page);
}

Test(thread_contract, B06_messages_are_paged_in_both_directions)
{
	struct reprise_thread_store *const store = open_store();

	create_t(store, "{}");
	for (unsigned int i = 1; i <= 250; i++)
		append_new(store, i);
	expect_messages(store, (struct reprise_thread_range){ .limit = 200 }, 1, 1, 200, true);
	expect_messages(store, (struct reprise_thread_range){ .limit = 200, .after = 200 }, 201, 1,
			50, false);
	expect_messages(store, (struct reprise_thread_range){ .limit = 10, .after = 5 }, 6, 1, 10,
			true);
	expect_messages(store, (struct reprise_thread_range){ .limit = 10, .before = 5 }, 1, 1, 4,
			false);
	expect_messages(store, (struct reprise_thread_range){ .limit = 9, .after = 5, .before = 9 },
			6, 1, 3, false);
	expect_messages(store, (struct reprise_thread_range){ .limit = 10, .is_descending = 1 },
			250, -1, 10, true);
	expect_messages(
		store,
		(struct reprise_thread_range){ .limit = 10, .before = 241, .is_descending = 1 },
		240, -1, 10, true);
	expect_messages(store,
			(struct reprise_thread_range){
				.limit = 10, .after = 3, .before = 8, .is_descending = 1 },
			7, -1, 4, false);
	expect_messages(store, (struct reprise_thread_range){ .limit = 10, .after = 250 }, 0, 0, 0,
			false);
	expect_messages(store,
			(struct reprise_thread_range){
				.limit = 10, .after = UINT64_MAX, .before = UINT64_MAX },
			0, 0, 0, false);
	expect_messages(store, (struct reprise_thread_range){ .limit = 10, .before = 1 }, 0, 0, 0,
			false);
	close_store_of(store);
}

static void
expect_bad_range(struct reprise_thread_store *store, const struct reprise_thread_range *range,
		 const char *what)
{
	struct reprise_thread_page *const page = open_page();
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_messages(store, "t", range, page, &messages, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)what));
	reprise_thread_page_close(page);
}

Test(thread_contract, B06_a_bad_range_is_refused_by_name)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_range range = { .size = sizeof(range) };

	create_t(store, "{}");
	expect_bad_range(store, NULL, "range");
	expect_bad_range(store, &range, "range: limit");
	range.limit = 201;
	expect_bad_range(store, &range, "range: limit");
	range.limit = 1;
	range.is_descending = 2;
	expect_bad_range(store, &range, "range: is_descending");
	range.is_descending = 0;
	range.reserved = 1;
	expect_bad_range(store, &range, "range: reserved");
	range.reserved = 0;
	range.size = 3;
	expect_bad_range(store, &range, "range: size");
	close_store_of(store);
}
