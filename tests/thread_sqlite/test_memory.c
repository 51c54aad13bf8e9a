/* SPDX-License-Identifier: MIT */
/*
 * No memory to be had, by us, by jansson or by SQLite: it is said, and nothing is lost. P06: no
 * call is cancelled.
 */
#include "support_threads.h"

#include <stdio.h>

#include <jansson.h>
#include <sqlite3.h>

#include "cancelled.h"
#include "refusal.h"

/* The acknowledged deltas. */
struct books {
	uint64_t version;  /* of "t" */
	unsigned int next; /* the number of the next delta */
	char uid[REPRISE_THREAD_UID_BYTES];
};

static reprise_status
read_all(struct reprise_thread_store *store, const struct books *books)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 2 };
	struct reprise_thread_applied applied[2];
	const char *const ids[] = { "d1", "d2" };
	struct reprise_thread_page *page = NULL;
	reprise_status status = reprise_thread_page_open(&page);

	if (status == REPRISE_OK)
		status = reprise_thread_load(store, "t", page, &document, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_load_deltas(store, "t", books->version - 1, 5, 0, page,
						    &deltas, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_list(store, 0, 5, page, &list, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_messages(store, "t", &range, page, &messages, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_find_applied(store, books->uid, ids, 2, applied, NULL);
	reprise_thread_page_close(page);
	return status;
}

static reprise_status
flush(struct reprise_thread_store *store, struct books *books)
{
	char text[256];
	const struct reprise_bytes given = delta_text(books->next++);

	memcpy(text, given.data, given.size);
	const struct reprise_bytes delta = { text, given.size };
	const struct reprise_thread_flush flushed = {
		.size = sizeof(flushed),
		.id = "t",
		.uid = books->uid,
		.expected_version = books->version,
		.document = text_bytes("{\"a\":1.5}"),
		.deltas = &delta,
		.deltas_count = 1,
	};

	return reprise_thread_save_flush(store, &flushed, &books->version, NULL);
}

/* Everything once, as far as it goes. */
static reprise_status
use(const char *path, struct books *books)
{
	const struct reprise_thread_sqlite_options options = default_options();
	struct reprise_thread_settled settled = { .delta_id = "s" };
	struct reprise_thread_store *store = NULL;
	char id[32];
	reprise_status status = reprise_thread_sqlite_open(path, &options, &store, NULL);

	if (status == REPRISE_OK)
		status = reprise_thread_append(store, "t", &books->version,
					       delta_text(books->next++), NULL, NULL);
	if (status == REPRISE_OK)
		books->version++;
	snprintf(id, sizeof(id), "s%u", books->next++);
	settled.delta_id = id;
	if (status == REPRISE_OK)
		status = reprise_thread_save(store, "t", &books->version, text_bytes("{\"b\":2.5}"),
					     &settled, 1, &books->version, NULL);
	if (status == REPRISE_OK)
		status = flush(store, books);
	if (status == REPRISE_OK)
		status = read_all(store, books);
	if (status == REPRISE_OK)
		status = reprise_thread_delete(store, "u", NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_create(store, "u", text_bytes("{\"c\":3.5}"), NULL, NULL);
	reprise_thread_store_close(store);
	return status;
}

static struct books
begin(const char *path)
{
	struct books books = { .next = 1 };
	struct reprise_thread_store *const store = open_at(path);

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), books.uid, NULL),
		     REPRISE_OK));
	reprise_thread_store_close(store);
	return books;
}

/*
 * Each allocation in turn; of very many, ever fewer: one in @every more of them. How many failed.
 */
static int
fail_each(const char *path, int every)
{
	struct books books = begin(path);
	int failed = 0;

	cr_assert(eq(int, use(path, &books), REPRISE_OK)); /* what is allocated once */
	for (int number = 1;; number += 1 + number / every) {
		refusal_begin(number);
		const reprise_status status = use(path, &books);
		const bool is_over = !refusal_end();

		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
		failed += status != REPRISE_OK;
		if (is_over)
			break;
		struct reprise_thread_store *const store = open_at(path);

		cr_assert(eq(u64, version_of_t(store), books.version), "allocation %d", number);
		reprise_thread_store_close(store);
	}
	expect_no_leaks();
	return failed;
}

/* jansson's are counted with ours. */
static void *
allocate(size_t size)
{
	return malloc(size);
}

Test(thread_sqlite, P_ours_that_fails_is_said)
{
	json_set_alloc_funcs(allocate, free);
	cr_assert(gt(int, fail_each(scratch_path("threads"), 1000), 100));
}

static sqlite3_mem_methods methods;

static void *
sqlite_malloc(int size)
{
	return refusal_is_now() ? NULL : methods.xMalloc(size);
}

static void *
sqlite_realloc(void *memory, int size)
{
	return refusal_is_now() ? NULL : methods.xRealloc(memory, size);
}

Test(thread_sqlite, P_SQLites_that_fails_is_said)
{
	sqlite3_mem_methods failing;

	cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods), SQLITE_OK));
	failing = methods;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK));
	cr_assert(gt(int, fail_each(scratch_path("threads"), 40), 100));
}

struct cancelled {
	const char *path;
	struct books books;
	reprise_status status;
};

static void
use_cancelled(void *argument)
{
	struct cancelled *const cancelled = argument;

	cancelled->status = use(cancelled->path, &cancelled->books);
}

Test(thread_sqlite, P06_no_call_is_a_cancellation_point)
{
	struct cancelled cancelled = { .path = scratch_path("threads"), .status = REPRISE_E_IO };

	cancelled.books = begin(cancelled.path);
	expect_uncancelled(use_cancelled, &cancelled, "the calls on a store of thread documents");
	cr_assert(eq(int, cancelled.status, REPRISE_OK));
}
