/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of a store's life fails once, ours and libpq's: it is said, nothing hangs, the
 * same store works afterwards, and what is there is what was acknowledged or of unknown outcome.
 * malloc is this program's own, so no sanitizer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reprise/thread_load.h>
#include <reprise/thread_postgres.h>

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

static char message[100000];
static char text[sizeof(message) + 256];
static uint64_t created_at;
static uint64_t acknowledged; /* how many deltas, which is the version */

/*
 * The next delta, by its own id: one that was applied without an acknowledgement is answered as
 * a repeated one.
 */
static reprise_status
append(struct reprise_thread_store *store, bool *ret_is_right)
{
	const size_t bytes = acknowledged == 1 ? sizeof(message) : 300;
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	const int size = snprintf(text, sizeof(text),
				  "{\"delta_id\":\"d%" PRIu64 "\",\"created_at\":%" PRIu64
				  ",\"run_id\":\"r\",\"reason\":\"UserMessage\","
				  "\"messages\":[{\"text\":\"%.*s\"}]}",
				  acknowledged + 1, created_at, (int)bytes, message);
	const reprise_status status = reprise_thread_append(
		store, "a", NULL, (struct reprise_bytes){ text, (size_t)size }, &appended, NULL);

	if (status != REPRISE_OK)
		return status;
	acknowledged++;
	*ret_is_right &= appended.version == acknowledged;
	return REPRISE_OK;
}

static reprise_status
load(struct reprise_thread_store *store, bool *ret_is_right)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;
	reprise_status status = reprise_thread_page_open(&page);

	if (status == REPRISE_OK)
		status = reprise_thread_load(store, "a", page, &document, NULL);
	if (status == REPRISE_OK) {
		*ret_is_right &= document.version == acknowledged;
		status = reprise_thread_load_deltas(store, "a", acknowledged - 1, 9, 0, page,
						    &deltas, NULL);
	}
	reprise_thread_page_close(page);
	return status;
}

static reprise_status
find_and_list(struct reprise_thread_store *store)
{
	static const char *const ids[] = { "d1", "d2", "none" };
	struct reprise_thread_applied applied[3];
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	reprise_status status = reprise_thread_find_applied(
		store, "00000000000000000000000000000000", ids, 3, applied, NULL);

	if (status == REPRISE_OK)
		status = reprise_thread_page_open(&page);
	if (status == REPRISE_OK)
		status = reprise_thread_list(store, 0, 9, page, &list, NULL);
	reprise_thread_page_close(page);
	return status;
}

/*
 * With the @number-th allocation failing; on a slow machine a deadline may come before it. False if
 * something is not as it should be.
 */
static bool
run(const struct reprise_thread_postgres_options *options, long number, bool *ret_is_reached,
    bool *ret_is_over)
{
	struct reprise_thread_store *store = NULL;
	bool is_right = true;

	until_failure = number;
	reprise_status status = reprise_thread_postgres_open(options, &store, NULL);

	if (status == REPRISE_OK)
		status = append(store, &is_right);
	if (status == REPRISE_OK)
		status = append(store, &is_right);
	if (status == REPRISE_OK)
		status = load(store, &is_right);
	if (status == REPRISE_OK)
		status = find_and_list(store);
	*ret_is_reached = until_failure == 0;
	*ret_is_over = until_failure != 0 && status == REPRISE_OK;
	until_failure = 0;
	const reprise_status after = store == NULL ? REPRISE_OK : append(store, &is_right);
	const reprise_status loaded = store == NULL ? REPRISE_OK : load(store, &is_right);

	reprise_thread_store_close(store);
	/* libpq says of some that the text is wrong, or waits for what has come already. */
	const bool is_known = status == REPRISE_OK || status == REPRISE_E_NO_MEMORY ||
			      status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT ||
			      (status == REPRISE_E_INVALID && store == NULL);

	if (!is_known || !is_right || after != REPRISE_OK || loaded != REPRISE_OK)
		printf("allocation %ld: %s, and then %s, %s%s\n", number,
		       reprise_status_name(status), reprise_status_name(after),
		       reprise_status_name(loaded), is_right ? "" : ", another version");
	return is_known && is_right && after == REPRISE_OK && loaded == REPRISE_OK;
}

/* The document is short again: one that grows would make each round slower. */
static reprise_status
begin_anew(struct reprise_thread_store *store)
{
	struct reprise_error error = { .size = sizeof(error) };
	reprise_status status = reprise_thread_delete(store, "a", &error);

	acknowledged = 0;
	if (status == REPRISE_OK)
		status = reprise_thread_create(store, "a", (struct reprise_bytes){ NULL, 0 }, NULL,
					       &error);
	if (status != REPRISE_OK)
		printf("%s: %s: %s\n", reprise_status_name(status), error.what, error.detail);
	return status;
}

int
main(void)
{
	const struct reprise_thread_postgres_options options = {
		.size = sizeof(options),
		.connection = getenv("REPRISE_POSTGRES"),
		.deadline_ns = 300000000,
	};
	struct reprise_thread_postgres_options patient = options;
	struct reprise_thread_store *store = NULL;
	bool is_over = false;
	bool is_good = true;
	long number = 0;

	if (options.connection == NULL)
		return 77;
	patient.deadline_ns = 60 * UINT64_C(1000000000);
	created_at = (uint64_t)time(NULL) * 1000;
	memset(message, 'm', sizeof(message));
	if (reprise_thread_postgres_open(&patient, &store, NULL) != REPRISE_OK)
		return 1;
	while (!is_over && is_good) {
		bool is_reached = false;

		is_good &= begin_anew(store) == REPRISE_OK;
		is_good &= run(&options, number + 1, &is_reached, &is_over);
		number += is_reached;
	}
	reprise_thread_store_close(store);
	printf("%ld allocations failed, one at a time\n", number);
	return is_good && number > 100 ? 0 : 1;
}
