/* SPDX-License-Identifier: MIT */
/*
 * V41: a log that is locked, full or away. Appends are refused with 503, nothing is half there,
 * and streams go on from the window; once the log is back, so are the appends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/session.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(faults, .fini = scratch_remove, .timeout = 60);

#define JSON   "Content-Type: application/json\r\n"
#define NDJSON "Content-Type: application/jsonl\r\n"
#define EVENTS "/v1/sessions/s/events"

static const struct reprise_recorder_options impatient = { .size = sizeof(impatient),
							   .retry_ns_max = 20000000,
							   .deadline_ns = 300000000 };
static const struct reprise_gateway_options short_wait = { .size = sizeof(short_wait),
							   .recorded_wait_ms = 300 };

static struct place *
place_with_an_impatient_log(void)
{
	const struct place_setup setup = { .has_log = true,
					   .recorder = &impatient,
					   .gateway = &short_wait };

	return place_open(&setup);
}

/* The next event of a stream, which has no gap. */
static void
expect_data(struct client *stream, const char *data)
{
	struct block block;

	do
		cr_assert(stream_next(stream, 10000, &block), "%s does not come", data);
	while (block.data == NULL || (block.event != NULL && strcmp(block.event, "live") == 0));
	cr_assert(eq(str, (char *)block.data, (char *)data), "%s", block.raw);
}

static void
expect_503(const struct reply *reply)
{
	cr_assert(eq(int, reply->status, 503), "%s", reply->body);
	cr_assert(reply_field(reply, "Retry-After") != NULL);
	cr_assert(strstr(reply->body, "\"code\":\"not_recorded\"") != NULL ||
			  strstr(reply->body, "\"code\":\"log_unavailable\"") != NULL,
		  "%s", reply->body);
}

/* Until the gateway knows that the log fails: for 10 s. */
static void
await_failure(struct place *place)
{
	struct reply reply = ask(place, "GET", "/readyz", NULL, NULL);

	for (int i = 0; i < 1000 && reply.status == 200; i++) {
		usleep(10000);
		reply = ask(place, "GET", "/readyz", NULL, NULL);
	}
	expect_error(&reply, 503, "log_unavailable");
}

/* A client's answers while the log cannot be written. */
static void
expect_no_log(struct place *place, struct client *stream)
{
	struct reply reply;

	/* The first append finds out; nothing is appended once the gateway knows. */
	reply = ask(place, "POST", EVENTS, NDJSON, "2\n3\n4\n");
	expect_error(&reply, 503, "not_recorded");
	cr_assert(strstr(reply.body, "first 2, last 4") != NULL, "%s", reply.body);
	expect_503(&reply);
	expect_data(stream, "2");
	expect_data(stream, "3");
	expect_data(stream, "4");
	await_failure(place);
	for (int i = 0; i < 3; i++) {
		reply = ask(place, "POST", "/v1/sessions/new/events", NDJSON, "1\n2\n3\n");
		expect_503(&reply);
		reply = ask(place, "POST", "/v1/sessions/s/end", NULL, NULL);
		expect_error(&reply, 503, "log_unavailable");
	}
	/* The client that does not wait goes on, and so does each stream. */
	reply = ask(place, "POST", EVENTS "?wait=none", JSON, "5");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_data(stream, "5");
	reply = ask(place, "GET", "/healthz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
}

/* The log is back: appends are taken again, and the log has each event once, in order. */
static void
expect_the_log_again(struct place *place, struct client *stream)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_page *page;
	const struct reprise_log_entry *entries;
	struct reply reply;
	size_t count;

	do
		reply = ask(place, "POST", EVENTS, JSON, "6");
	while (reply.status == 503 && strstr(reply.body, "log_unavailable") != NULL);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 6));
	expect_data(stream, "6");
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(place->log, &key, 0, 100, 0, page, NULL),
		     REPRISE_OK));
	entries = reprise_log_page_entries(page, &count);
	cr_assert(eq(sz, count, 6));
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(u64, entries[i].last, i + 1));
		cr_assert(eq(u8, *(const uint8_t *)entries[i].payload.data, (uint8_t)('1' + i)));
	}
	reprise_log_page_close(page);
	reply = post(place, "new", "1");
	cr_assert(eq(u64, json_number(reply.body, "first"), 1));
	reply = ask(place, "GET", "/readyz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
}

static struct client *
begin(struct place *place)
{
	struct client *stream;

	(void)post(place, "s", "1");
	stream = stream_open(place, EVENTS, NULL);
	(void)stream_expect(stream, "hello");
	expect_data(stream, "1");
	return stream;
}

Test(faults, V41_a_locked_log_refuses_appends_alone)
{
	struct place *const place = place_with_an_impatient_log();
	struct client *const stream = begin(place);
	struct place_blockade *const blockade = place_block_log(place);

	expect_no_log(place, stream);
	place_unblock_log(blockade);
	expect_the_log_again(place, stream);
	client_close(stream);
	place_close(place);
}

/* A limit of the process stands for a full disk: no file grows. SIGXFSZ ends nothing. */
Test(faults, V41_a_full_log_refuses_appends_alone)
{
	struct place *const place = place_with_an_impatient_log();
	struct client *const stream = begin(place);
	struct rlimit before, none;

	getrlimit(RLIMIT_FSIZE, &before);
	none = before;
	none.rlim_cur = 1;
	setrlimit(RLIMIT_FSIZE, &none);
	expect_no_log(place, stream);
	setrlimit(RLIMIT_FSIZE, &before);
	expect_the_log_again(place, stream);
	client_close(stream);
	place_close(place);
}

Test(faults, V41_a_log_that_is_away_refuses_appends_alone)
{
	struct place *const place = place_with_an_impatient_log();
	const char *const elsewhere = scratch_path("elsewhere.db");
	struct client *const stream = begin(place);

	cr_assert(eq(int, rename(place->path, elsewhere), 0));
	expect_no_log(place, stream);
	cr_assert(eq(int, rename(elsewhere, place->path), 0));
	expect_the_log_again(place, stream);
	client_close(stream);
	place_close(place);
}
