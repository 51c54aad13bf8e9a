/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of a log's life fails once, ours and libpq's: it is said, nothing hangs, the
 * same log works afterwards, and what is there is what was acknowledged or of unknown outcome.
 * malloc is this program's own, so no sanitizer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <reprise/log_blob.h>
#include <reprise/log_postgres.h>
#include <reprise/log_upkeep.h>

/* The names of glibc: NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static long until_failure; /* allocations; 0: none fails */

static bool
fails(void)
{
	if (until_failure == 0 || --until_failure != 0)
		return false;
	errno = ENOMEM;
	return true;
}

/* To be seen by libpq, they are exported. */
REPRISE_API void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

REPRISE_API void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

REPRISE_API void *
realloc(void *block, size_t size)
{
	return fails() ? NULL : __libc_realloc(block, size);
}

static const struct reprise_log_key key = { "acme", "t" };
static char payload[200000];

/* Heads between these are right. */
static uint64_t acknowledged;
static uint64_t unknown;

static reprise_status
append(struct reprise_log *log)
{
	const struct reprise_log_new_entry entries[] = {
		{ .revision = acknowledged + unknown, .payload = { payload, 300 } },
		{ .payload = { payload, sizeof(payload) } },
	};
	const reprise_status status = reprise_log_append(log, &key, NULL, entries, 2, NULL, NULL);

	if (status == REPRISE_OK)
		acknowledged += 2;
	else if (status == REPRISE_E_IO)
		unknown += 2;
	return status;
}

static reprise_status
use_blob(struct reprise_log *log, struct reprise_log_page *page)
{
	struct reprise_bytes bytes = { payload, sizeof(payload) };
	const reprise_status status = reprise_log_blob_put(log, &key, NULL, "b", bytes, NULL);

	return status == REPRISE_OK ? reprise_log_blob_get(log, &key, "b", page, &bytes, NULL)
				    : status;
}

/* With the @number-th allocation failing. False if something is not as it should be. */
static bool
run(const struct reprise_log_postgres_options *options, long number, bool *ret_is_over)
{
	struct reprise_log *log = NULL;
	struct reprise_log_page *page = NULL;

	until_failure = number;
	reprise_status status = reprise_log_postgres_open(options, &log, NULL);

	if (status == REPRISE_OK)
		status = append(log);
	if (status == REPRISE_OK)
		status = reprise_log_page_open(&page);
	if (status == REPRISE_OK)
		status = reprise_log_load_after(log, &key, 0, 4, 0, page, NULL);
	if (status == REPRISE_OK)
		status = use_blob(log, page);
	*ret_is_over = until_failure != 0;
	until_failure = 0;
	const reprise_status after = log == NULL ? REPRISE_OK : append(log);

	reprise_log_page_close(page);
	reprise_log_close(log);
	/* libpq says of some that the text is wrong, or waits for what has come already. */
	const bool is_known = status == REPRISE_OK || status == REPRISE_E_NO_MEMORY ||
			      status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT ||
			      (status == REPRISE_E_INVALID && log == NULL);

	if (!is_known || after != REPRISE_OK)
		printf("allocation %ld: %s, and then %s\n", number, reprise_status_name(status),
		       reprise_status_name(after));
	return is_known && after == REPRISE_OK;
}

int
main(void)
{
	const struct reprise_log_postgres_options options = {
		.size = sizeof(options),
		.connection = getenv("REPRISE_POSTGRES"),
		.deadline_ns = 300000000,
	};
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_log *log = NULL;
	bool is_over = false;
	bool is_good = true;
	long number = 0;

	if (options.connection == NULL)
		return 77;
	if (reprise_log_postgres_open(&options, &log, NULL) != REPRISE_OK)
		return 1;
	while (!is_over)
		is_good &= run(&options, ++number, &is_over);
	if (reprise_log_verify(log, &key, &report, NULL) != REPRISE_OK || report.faults != 0 ||
	    report.blobs != 1)
		is_good = false;
	reprise_log_close(log);
	if (report.events < acknowledged || report.events > acknowledged + unknown)
		is_good = false;
	printf("%ld allocations failed, one at a time: %" PRIu64 " entries acknowledged, %" PRIu64
	       " of unknown outcome, %" PRIu64 " there\n",
	       number, acknowledged, unknown, report.events);
	return is_good && number > 100 ? 0 : 1;
}
