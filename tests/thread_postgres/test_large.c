/* SPDX-License-Identifier: MIT */
/*
 * Documents that take longer to read, to print and to transfer than the server keeps a silent
 * transaction.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proxy.h"
#include "store.h"

SUITE(thread_large);

enum {
	NUMBERS = 4 << 20, /* in the state: reading and printing them takes longer than 100 ms */
	TRIES = 10,        /* on a machine that may stop the test for so long */
	UID_AT = 8,        /* in the text of a document */
};

static const char document_begin[] = "{\"uid\":\"00000000000000000000000000000000\",\"state\":[0";
static const char delta_begin[] = "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"patches\":[0";

/* A text that begins so and has many numbers. */
static char *
large_text(const char *begin, size_t *ret_size)
{
	const size_t begin_bytes = strlen(begin);
	char *const text = malloc(begin_bytes + 2 * (size_t)NUMBERS + 2);
	char *to = text + begin_bytes;

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the text has a size */
	memcpy(text, begin, begin_bytes);
	for (int i = 0; i < NUMBERS; i++) {
		*to++ = ',';
		*to++ = '7';
	}
	*to++ = ']';
	*to++ = '}';
	*ret_size = (size_t)(to - text);
	return text;
}

struct large {
	struct reprise_thread_store *store;
	struct reprise_thread_page *page;
	char *text, *delta;
	size_t text_size, delta_size;
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;
	reprise_status saved; /* what another thread's save has answered */
	atomic_bool is_saved; /* and that it has */
};

static void
large_open(struct large *large, const char *schema)
{
	struct reprise_thread_postgres_options options = options_of(NULL, schema);

	options.deadline_ns = 20 * one_second;
	options.transaction_idle_ns = one_second / 10;
	*large = (struct large){ .store = opened(&options) };
	large->text = large_text(document_begin, &large->text_size);
	large->delta = large_text(delta_begin, &large->delta_size);
	cr_assert(eq(int, reprise_thread_page_open(&large->page), REPRISE_OK));
}

static void
large_close(struct large *large)
{
	reprise_thread_page_close(large->page);
	reprise_thread_store_close(large->store);
	free(large->text);
	free(large->delta);
}

static reprise_status
save_large(struct large *large, struct reprise_error *error)
{
	return reprise_thread_save(large->store, "a", NULL,
				   (struct reprise_bytes){ large->text, large->text_size }, NULL, 0,
				   &large->version, error);
}

static reprise_status
load_large(struct large *large, struct reprise_error *error)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	const reprise_status status =
		reprise_thread_load(large->store, "a", large->page, &document, error);

	if (status == REPRISE_OK)
		memcpy(large->uid, document.uid, sizeof(large->uid));
	return status;
}

static reprise_status
count_messages(struct large *large, struct reprise_error *error)
{
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };

	return reprise_thread_messages(large->store, "a", &range, large->page, &messages, error);
}

static reprise_status
append_large(struct large *large, struct reprise_error *error)
{
	return reprise_thread_append(large->store, "a", NULL,
				     (struct reprise_bytes){ large->delta, large->delta_size },
				     NULL, error);
}

static reprise_status
append_small(struct large *large, struct reprise_error *error)
{
	return append_to(large->store, "a", "x", NULL, error);
}

static reprise_status
flush_large(struct large *large, struct reprise_error *error)
{
	static const char delta[] = "{\"delta_id\":\"f1\",\"created_at\":1,\"run_id\":\"r\","
				    "\"reason\":\"RunFinished\"}";
	const struct reprise_bytes deltas = { delta, sizeof(delta) - 1 };
	const struct reprise_thread_flush flush = {
		.size = sizeof(flush),
		.id = "a",
		.uid = large->uid,
		.expected_version = large->version,
		.document = { large->text, large->text_size },
		.deltas = &deltas,
		.deltas_count = 1,
	};

	return reprise_thread_save_flush(large->store, &flush, NULL, error);
}

static void
expect_done(struct large *large,
	    reprise_status (*call)(struct large *large, struct reprise_error *error))
{
	struct reprise_error error = { .size = sizeof(error) };
	reprise_status status = REPRISE_E_IO;

	for (int i = 0; i < TRIES && status == REPRISE_E_IO; i++)
		status = call(large, &error);
	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
}

/* The document of the text is the one that is stored. */
static void
put_uid(struct large *large)
{
	memcpy(large->text + UID_AT, large->uid, sizeof(large->uid) - 1);
}

Test(thread_large, B22_a_large_document_is_saved_and_flushed)
{
	struct large large;

	large_open(&large, "large_saved");
	create(large.store, "a");
	expect_done(&large, load_large);
	put_uid(&large);
	expect_done(&large, save_large);
	expect_done(&large, flush_large);
	large_close(&large);
}

Test(thread_large, B22_a_large_document_is_loaded_while_deltas_stand_behind_its_text)
{
	struct large large;

	large_open(&large, "large_loaded");
	create(large.store, "a");
	expect_done(&large, load_large);
	put_uid(&large);
	expect_done(&large, save_large);
	expect_done(&large, append_small);
	expect_done(&large, load_large);
	expect_done(&large, count_messages);
	large_close(&large);
}

static int64_t
bytes_behind_the_text(void)
{
	PGconn *const all = connected_as(NULL);
	const int64_t bytes = number_of(all, "SELECT delta_bytes FROM large_appended.heads");

	PQfinish(all);
	return bytes;
}

/* Each append but the first meets deltas that are as large as the text. */
Test(thread_large, B22_a_large_delta_is_appended_and_the_text_put_anew)
{
	struct large large;

	large_open(&large, "large_appended");
	create(large.store, "a");
	expect_done(&large, append_large);
	expect_done(&large, append_large);
	for (int i = 0; i < TRIES && bytes_behind_the_text() > NUMBERS; i++)
		expect_done(&large, append_small);
	cr_assert(le(i64, bytes_behind_the_text(), NUMBERS));
	large_close(&large);
}

/* 8 MiB take four seconds. */
static void
large_open_slow(struct large *large, struct proxy *proxy, const char *schema, uint64_t idle_ns)
{
	struct reprise_thread_postgres_options options = options_of(NULL, schema);

	large_open(large, schema);
	reprise_thread_store_close(large->store);
	proxy_open(proxy);
	options.connection = proxy->connection;
	options.transaction_idle_ns = idle_ns;
	large->store = opened(&options);
	create(large->store, "a");
	expect_done(large, load_large);
	put_uid(large);
	proxy_slow_down(proxy, 2 << 20);
}

static void *
save_slowly(void *context)
{
	struct large *const large = context;

	large->saved = save_large(large, NULL);
	atomic_store(&large->is_saved, true);
	return NULL;
}

Test(thread_large, B22_a_writer_that_waits_does_not_end_the_transfer_of_another)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "large_slow");
	struct proxy proxy;
	struct large large;
	pthread_t thread;
	int refused = 0;

	large_open_slow(&large, &proxy, "large_slow", one_second / 2);
	options.deadline_ns = one_second / 4;
	options.transaction_idle_ns = one_second / 2;
	struct reprise_thread_store *const other = opened_at_last(&options);
	const uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, pthread_create(&thread, NULL, save_slowly, &large), 0));
	while (!atomic_load(&large.is_saved))
		refused += append_to(other, "a", "x", NULL, NULL) == REPRISE_E_TIMEOUT;
	pthread_join(thread, NULL);
	cr_assert(eq(int, large.saved, REPRISE_OK));
	cr_assert(gt(int, refused, 2));
	cr_assert(gt(u64, clock_ns() - begin_ns, 3 * one_second));
	cr_assert(eq(int, append_to(other, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(other);
	large_close(&large);
	proxy_close(&proxy);
}

Test(thread_large, B22_a_text_may_arrive_for_longer_than_the_deadline)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct proxy proxy;
	struct large large;

	large_open_slow(&large, &proxy, "large_arriving", one_second / 10);
	cr_assert(eq(int, save_large(&large, &error), REPRISE_OK), "%s", error.detail);
	const uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, load_large(&large, &error), REPRISE_OK), "%s", error.detail);
	cr_assert(gt(u64, clock_ns() - begin_ns, 3 * one_second));
	large_close(&large);
	proxy_close(&proxy);
}
