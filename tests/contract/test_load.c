/* SPDX-License-Identifier: MIT */
/* C03 loading, and the checksums that it looks at. */
#include "contract.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static struct reprise_log_page *
page_opened(void)
{
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	return page;
}

Test(contract, C03_an_entry_comes_back_as_it_was_given)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	char bytes[] = "with\0a NUL and \xff";
	const struct reprise_log_new_entry given[] = {
		{ .revision = 7,
		  .time_ns = 123456789,
		  .kind = 65535,
		  .flags = 0xff01,
		  .payload = { bytes, sizeof(bytes) } },
		{ .revision = UINT64_MAX - 1, .time_ns = INT64_MAX },
		{ .time_ns = 1 },
	};
	const struct reprise_incarnation none = { { 0 } };
	size_t count = 0;

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, given, 3, NULL, NULL), REPRISE_OK));
	memset(bytes, 'x', sizeof(bytes)); /* it was copied */
	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 10, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 3));
	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(int, entries[i].type, REPRISE_LOG_EVENT));
		cr_assert(eq(u64, entries[i].first, i + 1));
		cr_assert(eq(u64, entries[i].last, i + 1));
		cr_assert(eq(u64, entries[i].revision, given[i].revision));
		cr_assert(eq(u64, entries[i].time_ns, given[i].time_ns));
		cr_assert(eq(int, entries[i].kind, given[i].kind));
		cr_assert(eq(int, entries[i].flags, given[i].flags));
		cr_assert(eq(int, entries[i].reason, REPRISE_LOG_GAP_NONE));
		cr_assert(eq(int, memcmp(&entries[i].life, &none, sizeof(none)), 0));
		cr_assert(eq(sz, entries[i].payload.size, given[i].payload.size));
	}
	cr_assert(eq(int, memcmp(entries[0].payload.data, "with\0a NUL and \xff", 17), 0));
	reprise_log_page_close(page);
	close_log(log);
}

/* The clock of the entries' times: time() lags behind it by up to a tick of the kernel. */
static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return timespec_ns(&now);
}

Test(contract, C03_a_time_of_0_is_now)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	const uint64_t before = now_ns();
	size_t count = 0;

	append_count(log, &k, 1);
	const uint64_t after = now_ns();

	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 10, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(ge(u64, entries[0].time_ns, before));
	cr_assert(le(u64, entries[0].time_ns, after));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C03_only_what_is_greater_is_loaded)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();

	append_count(log, &k, 10);
	cr_assert(eq(sz, load_own(log, &k, 0, 100, page), 10));
	cr_assert(eq(sz, load_own(log, &k, 4, 100, page), 6));
	cr_assert(eq(sz, load_own(log, &k, 4, 2, page), 2));
	cr_assert(eq(sz, load_own(log, &k, 9, 100, page), 1));
	cr_assert(eq(sz, load_own(log, &k, 10, 100, page), 0));
	cr_assert(eq(sz, load_own(log, &k, 11, 100, page), 0));
	cr_assert(eq(sz, load_own(log, &k, UINT64_MAX, 100, page), 0));
	cr_assert(eq(sz, load_own(log, &k, 0, 0, page), 0));
	cr_assert(eq(sz, load_own(log, &k, 0, UINT64_MAX, page), 10));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C03_of_an_unknown_key_nothing_is_found)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	const struct reprise_log_key other = key_of("u", "k");
	struct reprise_life lives[2];
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_cursor cursor;
	uint64_t number = 77;
	size_t count = 77;
	bool has = true;

	append_count(log, &k, 1);
	cr_assert(eq(sz, load_own(log, &other, 0, 100, page), 0));
	cr_assert(eq(int, reprise_log_lives(log, &other, 0, lives, 2, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 0));
	cr_assert(eq(int, reprise_log_stats(log, &other, &stats, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_verify(log, &other, &report, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &other, 0, &number, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_has_commit(log, &other, 0, 0, &has, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_current_cursor(log, &other, 0, &cursor, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, number, 77));
	cr_assert(has);
	reprise_log_page_close(page);
	close_log(log);
}

/*
 * Every ordinal once, whatever the page's bounds; what ends a page short says that there
 * is no more.
 */
static size_t
pages_until_end(struct reprise_log *log, uint64_t limit, uint64_t bytes_limit, reprise_ordinal head)
{
	struct reprise_log_page *const page = page_opened();
	reprise_ordinal after = 0;
	size_t pages = 0;
	uint64_t bytes;
	size_t count;

	do {
		cr_assert(eq(int,
			     reprise_log_load_after(log, &k, after, limit, bytes_limit, page, NULL),
			     REPRISE_OK));
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		bytes = 0;
		for (size_t i = 0; i < count; i++) {
			cr_assert(eq(u64, entries[i].last, after + 1));
			after = entries[i].last;
			bytes += entries[i].payload.size;
		}
		pages++;
	} while (count == limit || bytes >= bytes_limit);
	cr_assert(eq(u64, after, head));
	reprise_log_page_close(page);
	return pages;
}

Test(contract, C03_paging_sees_everything_once)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 100);
	cr_assert(eq(sz, pages_until_end(log, 7, UINT64_MAX, 100), 15));
	cr_assert(eq(sz, pages_until_end(log, 1, UINT64_MAX, 100), 101));
	cr_assert(eq(sz, pages_until_end(log, 1000, UINT64_MAX, 100), 1));
	/* Of 8 bytes each: 4 in a page, and one at least. */
	cr_assert(eq(sz, pages_until_end(log, 1000, 32, 100), 26));
	cr_assert(eq(sz, pages_until_end(log, 1000, 1, 100), 101));
	close_log(log);
}

Test(contract, C03_bytes_are_limited_by_default)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	const size_t bytes = 400 << 10;
	char *const payload = calloc(1, bytes);
	struct reprise_log_new_entry entries[6] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < 6; i++)
		entries[i].payload = (struct reprise_bytes){ payload, bytes };
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 6, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 100, 0, page, NULL), REPRISE_OK));
	(void)reprise_log_page_entries(page, &count);
	cr_assert(eq(sz, count, 3));
	reprise_log_page_close(page);
	free(payload);
	close_log(log);
}

Test(contract, C03_a_page_is_used_again_and_again)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	size_t count = 77;

	cr_assert(eq(ptr, (void *)reprise_log_page_entries(NULL, &count), NULL));
	cr_assert(eq(sz, count, 0));
	(void)reprise_log_page_entries(page, &count);
	cr_assert(eq(sz, count, 0));
	append_count(log, &k, 500);
	cr_assert(eq(sz, load_own(log, &k, 0, 10, page), 10));
	cr_assert(eq(sz, load_own(log, &k, 0, 500, page), 500));
	cr_assert(eq(sz, load_own(log, &k, 0, 10, page), 10));
	reprise_log_page_close(page);
	reprise_log_page_close(NULL);
	close_log(log);
}

Test(contract, C03_refuses_what_is_NULL)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *const page = page_opened();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_stats stats = { .size = 8 };

	cr_assert(eq(int, reprise_log_page_open(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_load_after(NULL, &k, 0, 1, 0, page, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_load_after(log, NULL, 0, 1, 0, page, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key"));
	cr_assert(
		eq(int, reprise_log_load_after(log, &k, 0, 1, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "page"));
	append_count(log, &k, 1);
	cr_assert(eq(int, reprise_log_stats(log, &k, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_stats"));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_stats: size"));
	cr_assert(eq(int, reprise_log_stats(NULL, &k, &stats, &error), REPRISE_E_INVALID));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C03_what_is_damaged_is_not_handed_out)
{
	static const enum contract_damage damages[] = { CONTRACT_PAYLOAD, CONTRACT_TIME,
							CONTRACT_ROW_GONE, CONTRACT_ROW_LONGER };

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct reprise_log *const log = contract_open();

		append_until_head(log, 10 * (i + 1));
		contract_do_damage(damages[i], 10 * i + 5);
		cr_assert(eq(int, load_status(log, &k, 10 * i), REPRISE_E_CORRUPT), "damage %zu",
			  i);
		cr_assert(eq(int, load_status(log, &k, 10 * i + 5), REPRISE_OK));
		cr_assert(eq(int, load_status(log, &k, 10 * i + 4), REPRISE_E_CORRUPT));
		close_log(log);
	}
}

Test(contract, C03_a_last_row_that_is_missing_is_missed)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *const page = page_opened();

	append_count(log, &k, 10);
	contract_do_damage(CONTRACT_ROW_GONE, 10);
	cr_assert(eq(int, reprise_log_load_after(log, &k, 3, 100, 0, page, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "the last row is missing"));
	cr_assert(eq(int, load_status(log, &k, 9), REPRISE_E_CORRUPT));
	cr_assert(eq(sz, load_own(log, &k, 3, 6, page), 6));
	/* And one that nobody has counted. */
	contract_do_damage(CONTRACT_HEAD, 8);
	seal(log);
	cr_assert(eq(int, reprise_log_load_after(log, &k, 3, 100, 0, page, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a row lies beyond the head"));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C03_a_head_that_cannot_be_is_damaged)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const struct reprise_log_new_entry entry = entry_of("x");

	append_count(log, &k, 10);
	contract_do_damage(CONTRACT_WATERMARK, 11);
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(int, load_status(log, &k, 0), REPRISE_E_CORRUPT));
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL),
		     REPRISE_E_CORRUPT));
	contract_do_damage(CONTRACT_WATERMARK, 0);
	contract_do_damage(CONTRACT_KIND, 3);
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_CORRUPT));
	contract_do_damage(CONTRACT_KIND, REPRISE_LOG_DIRECT);
	expect_all(log, &k, 0, 1, 10);
	close_log(log);
}
