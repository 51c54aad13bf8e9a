/* SPDX-License-Identifier: MIT */
/* No memory to be had, by us or by SQLite: it is said, and nothing is lost. */
#include "support_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>

#include "refusal.h"

static bool
count_one(const struct reprise_log_key *key, void *context)
{
	(void)key;
	++*(size_t *)context;
	return true;
}

/* Of a key of their own: one with blobs is not archived. */
static reprise_status
use_blobs(struct reprise_log *log, const struct reprise_log_new_entry *entry,
	  struct reprise_log_page *page)
{
	const struct reprise_log_key key = { "t", "blobs" };
	struct reprise_bytes bytes;
	reprise_status status = reprise_log_append(log, &key, NULL, entry, 1, NULL, NULL);

	if (status == REPRISE_OK)
		status = reprise_log_blob_put(log, &key, NULL, "b", entry->payload, NULL);
	if (status == REPRISE_OK)
		status = reprise_log_blob_get(log, &key, "b", page, &bytes, NULL);
	return status;
}

/* A key is copied, and the copy dropped. The name of the copy is new each time. */
static reprise_status
use_copy(struct reprise_log *log, reprise_ordinal through)
{
	static unsigned int number;
	char thread[32];
	const struct reprise_log_key copy = { "t", thread };

	snprintf(thread, sizeof(thread), "copy %u", number++);
	reprise_status status = reprise_log_fork(log, &k, &copy, through, NULL);

	if (status == REPRISE_OK)
		status = reprise_log_drop(log, &copy, false, NULL, NULL);
	return status;
}

/* In a tenant of its own: the number of keys does not grow. */
static reprise_status
use_prune(struct reprise_log *log, const struct reprise_log_new_entry *entry)
{
	const struct reprise_log_key key = { "pruned", "k" };
	const struct reprise_log_retention retention = {
		.size = sizeof(retention),
		.entries_max = 2,
		.bytes_max = 7000,
		.includes_direct = 1,
		.tenant_bytes_max = 3000,
	};
	const struct reprise_log_key all = { "erased", NULL }, erased = { "erased", "k" };
	reprise_status status = reprise_log_append(log, &key, NULL, entry, 1, NULL, NULL);

	if (status == REPRISE_OK)
		status = reprise_log_prune(log, key.tenant, &retention, NULL, NULL);
	if (status == REPRISE_OK)
		status = reprise_log_append(log, &erased, NULL, entry, 1, NULL, NULL);
	if (status == REPRISE_OK)
		status = reprise_log_erase(log, &all, 0, NULL, NULL);
	return status;
}

/* Everything once, as far as it goes. */
static reprise_status
use(const char *path, reprise_ordinal *head)
{
	static char payload[3000];
	const struct reprise_log_sqlite_options options = options_of(path);
	const struct reprise_log_new_entry entry = { .revision = *head + 1,
						     .payload = { payload, sizeof(payload) } };
	struct reprise_log *log = NULL;
	struct reprise_log_page *page = NULL;
	size_t count = 0;
	reprise_status status = reprise_log_sqlite_open(&options, &log, NULL);

	if (status != REPRISE_OK)
		return status;
	status = reprise_log_append(log, &k, head, &entry, 1, head, NULL);
	if (status == REPRISE_OK)
		status = reprise_log_page_open(&page);
	if (status == REPRISE_OK)
		status = reprise_log_load_after(log, &k, 0, 100, 0, page, NULL);
	if (status == REPRISE_OK)
		status = use_blobs(log, &entry, page);
	if (status == REPRISE_OK)
		status = use_copy(log, *head);
	if (status == REPRISE_OK)
		status = reprise_log_each(log, "t", count_one, &count, NULL);
	if (status == REPRISE_OK)
		status = use_prune(log, &entry);
	if (status == REPRISE_OK)
		status = reprise_log_archive_before(log, &k, *head - 1, NULL, NULL);
	if (status == REPRISE_OK)
		status = reprise_log_move_archived(log, &k, NULL, NULL);
	reprise_log_page_close(page);
	reprise_log_close(log);
	return status;
}

/*
 * Each allocation in turn, until none fails any more; of very many, ever fewer: one in @every more
 * of them. How many did.
 */
static int
fail_each(const char *path, int every)
{
	reprise_ordinal head = 0;
	int failed = 0;

	for (int number = 1;; number += 1 + number / every) {
		refusal_begin(number);
		const reprise_status status = use(path, &head);
		const bool is_over = !refusal_end();

		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
		failed += status != REPRISE_OK;
		if (is_over)
			break;
		/* The log has the acknowledged writes, or one more that was not answered. */
		struct reprise_log *const log = open_at(path);
		struct reprise_log_report report = { .size = sizeof(report) };
		const struct reprise_log_key blobs = { "t", "blobs" };
		reprise_status known = reprise_log_verify(log, &blobs, &report, NULL);

		if (known == REPRISE_OK)
			cr_assert(eq(u64, report.faults, 0), "%s", report.what);
		known = reprise_log_verify(log, &k, &report, NULL);

		if (known == REPRISE_OK) {
			cr_assert(eq(u64, report.faults, 0), "%s", report.what);
			cr_assert(eq(u64, head_of_k(log), head), "allocation %d", number);
		}
		reprise_log_close(log);
	}
	expect_no_leaks();
	return failed;
}

Test(log_sqlite, ours_that_fails_is_said)
{
	cr_assert(gt(int, fail_each(scratch_path("log"), 1000), 8));
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

static void
refuse_to_sqlite(void)
{
	sqlite3_mem_methods failing;

	cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods), SQLITE_OK));
	failing = methods;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK));
}

Test(log_sqlite, SQLites_that_fails_is_said)
{
	refuse_to_sqlite();
	cr_assert(gt(int, fail_each(scratch_path("log"), 40), 100));
}

/* Whether the allocation of that number was refused to an erase. */
static bool
erase_refused(struct reprise_log *log, int number)
{
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };
	const struct reprise_log_key key = { "erased", "k" };

	cr_assert(eq(int, reprise_log_append(log, &key, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
	refusal_begin(number);
	const reprise_status status = reprise_log_erase(log, &key, 0, NULL, NULL);
	const bool was_refused = refusal_end();

	if (status != REPRISE_OK)
		cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
	return was_refused;
}

/* The last allocations are those of the -wal's cut: each of them in turn. */
Test(log_sqlite, L55_an_erase_without_memory_is_not_told_as_a_timeout)
{
	int number = 1;

	refuse_to_sqlite();
	struct reprise_log *const log = open_at(scratch_path("log"));

	while (erase_refused(log, number))
		number += 100;
	cr_assert(gt(int, number, 101));
	number -= 100;
	while (erase_refused(log, number))
		number++;
	close_log(log);
}
