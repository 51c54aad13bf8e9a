/* SPDX-License-Identifier: MIT */
/*
 * V68: events that are not kept any more, in each kind of read. V69: slow clients, and clients that
 * vanish.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "durable_calls.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_loss, .fini = scratch_remove, .timeout = 60);

/* A window of @events_max events: the log has the older ones alone. */
static struct place *
open_place_as(uint64_t events_max, uint32_t poll_ms)
{
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = 4 << 20,
							 .events_max = events_max };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .durable_poll_ms = poll_ms,
							 .writer_idle_ms = 1 };
	const struct place_setup setup = { .has_log = true,
					   .session = &session,
					   .gateway = &options };

	return place_open(&setup);
}

static struct place *
open_place(uint64_t events_max)
{
	return open_place_as(events_max, 60000);
}

/* Events of data at 2 to 1 + @count: "2", "3", and so on, as values. */
static void
put_values(struct place *place, int count)
{
	char value[16];

	put_stream(place, "s", JSON_TYPE, NULL);
	for (int i = 0; i < count; i++) {
		snprintf(value, sizeof(value), "%d", i + 2);
		post_stream(place, "s", JSON_TYPE, value);
	}
}

static void
expect_expired(struct place *place, const char *query, uint64_t earliest)
{
	const struct reply reply = get_stream(place, "s", query, 410);

	expect_error(&reply, 410, "offset_expired");
	expect_field(&reply, "Stream-Earliest-Offset", offset_text(earliest));
	expect_field(&reply, "Cache-Control", "no-store");
}

/* All reads from the position are 410 and name the watermark, and from there all is read. */
static void
check_expired(struct place *place, const char *offset, uint64_t watermark)
{
	static const char *const lives[] = { "", "&live=long-poll", "&live=sse" };
	char query[128];
	struct reply reply;

	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		snprintf(query, sizeof(query), "?offset=%s%s", offset, lives[i]);
		expect_expired(place, query, watermark);
	}
	snprintf(query, sizeof(query), "?offset=%s", offset_text(watermark));
	reply = get_stream(place, "s", query, 200);
	expect_body(&reply, "[11,12,13]");
	expect_field(&reply, "Stream-Up-To-Date", "true");
}

/* The window begins with the stream: its events are gone, and its subscription meets the gap. */
Test(durable_loss, V68_an_offset_before_the_archive_is_410)
{
	struct place *const place = open_place(2);

	put_values(place, 12);
	archive_stream(place, "s", 10);
	check_expired(place, "-1", 10);
	check_expired(place, offset_text(9), 10);
	place_close(place);
}

/* The window is of a later life: the log itself is asked. */
Test(durable_loss, V68_an_offset_of_an_archived_life_is_410)
{
	const struct reprise_session_options session = { .size = sizeof(session), .events_max = 2 };
	const struct place_setup setup = { .has_log = true, .session = &session };
	struct place *place = place_open(&setup);

	put_values(place, 10);
	place = place_reopen(place, &setup);
	post_stream(place, "s", JSON_TYPE, "12");
	post_stream(place, "s", JSON_TYPE, "13");
	archive_stream(place, "s", 10);
	check_expired(place, "-1", 10);
	check_expired(place, offset_text(9), 10);
	/* Into the next life: the earliest offset is told at once. */
	archive_stream(place, "s", 12);
	expect_expired(place, "?offset=-1", 12);
	place_close(place);
}

/* Events that the window still has are handed out: nothing is lost. */
Test(durable_loss, V68_events_of_the_window_outlive_the_archive)
{
	struct place *const place = open_place(64);
	struct reply reply;

	put_values(place, 3);
	archive_stream(place, "s", 4);
	reply = get_stream(place, "s", "", 200);
	expect_body(&reply, "[2,3,4]");
	place_close(place);
}

Test(durable_loss, V68_an_offset_of_an_earlier_stream_is_410)
{
	struct place *const place = open_place(64);
	struct reply reply;
	char query[128];
	uint64_t first;

	put_values(place, 3);
	remove_stream(place, "s");
	put_stream(place, "s", JSON_TYPE, NULL);
	reply = ask(place, "HEAD", STREAM "s", NULL, NULL);
	first = strtoull(reply_field(&reply, "Stream-Next-Offset") + 17, NULL, 10);
	cr_assert(gt(u64, first, 4));
	for (uint64_t position = 1; position <= 4; position++) {
		snprintf(query, sizeof(query), "?offset=%s", offset_text(position));
		expect_expired(place, query, first);
		snprintf(query, sizeof(query), "?offset=%s&live=long-poll", offset_text(position));
		expect_expired(place, query, first);
	}
	reply = get_stream(place, "s", "", 200);
	expect_body(&reply, "[]");
	place_close(place);
}

static struct reprise_session_stats
stats_of(struct place *place)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_OK));
	return stats;
}

/* The runtime's writer, once the gateway has closed its own. */
static struct reprise_writer *
open_writer(struct place *place)
{
	struct reprise_writer *writer = NULL;

	for (int i = 0; i < 10000 && stats_of(place).has_writer != 0; i++)
		usleep(1000);
	cr_assert(eq(int, reprise_writer_open(place->store, "s", NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_set_overwrite(writer), REPRISE_OK));
	return writer;
}

/* Values of the runtime, of which the log misses some: the window was too small for a slow log. */
static void
append_with_hole(struct place *place)
{
	struct reprise_writer *const writer = open_writer(place);
	struct place_blockade *const blockade = place_block_log(place);
	const struct reprise_bytes payload = { "0", 1 };
	reprise_position position = 0;

	for (int i = 0; i < 40; i++)
		cr_assert(eq(int, reprise_append(writer, 0, 0, 0, payload, &position), REPRISE_OK));
	cr_assert(eq(u64, position, 43));
	place_unblock_log(blockade);
	for (int i = 0; i < 10000 && stats_of(place).recorded < position; i++)
		usleep(1000);
	cr_assert(eq(u64, stats_of(place).recorded, position));
	reprise_writer_close(writer);
}

Test(durable_loss, V68_an_answer_ends_before_a_hole)
{
	struct place *const place = open_place(8);
	uint64_t next, earliest;
	char query[128];
	struct reply reply;

	put_values(place, 2);
	append_with_hole(place);
	reply = get_stream(place, "s", "", 200);
	cr_assert(strncmp(reply.body, "[2,3", 4) == 0, "%s", reply.body);
	expect_field(&reply, "Stream-Up-To-Date", NULL);
	next = strtoull(reply_field(&reply, "Stream-Next-Offset") + 17, NULL, 10);
	cr_assert(eq(sz, reply.body_size, 2 * (next - 1) + 1));
	snprintf(query, sizeof(query), "?offset=%s", offset_text(next));
	reply = get_stream(place, "s", query, 410);
	earliest = strtoull(reply_field(&reply, "Stream-Earliest-Offset") + 17, NULL, 10);
	cr_assert(gt(u64, earliest, next));
	snprintf(query, sizeof(query), "?offset=%s", offset_text(earliest));
	reply = get_stream(place, "s", query, 200);
	expect_field(&reply, "Stream-Up-To-Date", "true");
	expect_next(&reply, 43);
	cr_assert(eq(sz, reply.body_size, 2 * (43 - earliest) + 1));
	place_close(place);
}

/* Nothing is lost to a client that has everything: the archive is no business of a live read. */
Test(durable_loss, V68_live_reads_at_the_end_outlive_the_archive)
{
	struct place *const place = open_place(2);
	struct client *const poll = client_open(place);
	struct client *stream;
	uint64_t requests;
	struct reply reply;

	put_values(place, 3);
	stream = stream_open(place, STREAM "s?offset=now&live=sse", NULL);
	(void)stream_expect(stream, "control");
	requests = place_stats(place).requests;
	client_request(poll, "GET", STREAM "s?offset=now&live=long-poll", NULL, NULL);
	await_requests(place, requests + 1);
	archive_stream(place, "s", 4);
	post_stream(place, "s", JSON_TYPE, "5");
	reply = client_receive(poll);
	cr_assert(eq(int, reply.status, 200));
	expect_body(&reply, "[5]");
	cr_assert(eq(str, (char *)stream_expect(stream, "data").data, "[5]"));
	client_close(poll);
	client_close(stream);
	place_close(place);
}

enum {
	LARGE = 100000, /* an event; a piece of an answer ends within one */
	LARGE_COUNT = 110,
	LARGE_BYTES = LARGE * LARGE_COUNT,
};

/* 11 MB at 2 and behind; each event is of one byte, which tells its number. */
static void
put_large(struct place *place)
{
	static char event[LARGE];

	put_stream(place, "s", BYTES_TYPE, NULL);
	for (int i = 0; i < LARGE_COUNT; i++) {
		memset(event, i, sizeof(event));
		post_bytes(place, "s", event, sizeof(event));
	}
}

/* The body has the bytes of the events, as far as it goes. */
static void
expect_large(const struct reply *reply)
{
	static char event[LARGE];

	for (size_t i = 0; i < reply->body_size; i += LARGE) {
		const size_t left = reply->body_size - i;

		memset(event, (int)(i / LARGE), sizeof(event));
		cr_assert(memcmp(reply->body + i, event, left < LARGE ? left : LARGE) == 0,
			  "the event %zu", i / LARGE);
	}
}

/* A client that takes a few KiB, and then nothing. */
static struct client *
open_slow(struct place *place, const char *target)
{
	struct client *const client = client_prepare();

	client_take_little(client);
	client_connect(client, place);
	client_request(client, "GET", target, NULL, NULL);
	cr_assert(client_hears(client, 10000));
	return client;
}

Test(durable_loss, V68_a_loss_behind_the_head_cuts_the_answer)
{
	struct place *const place = open_place(8);
	struct client *client;
	struct reply reply;
	bool is_cut;

	put_large(place);
	client = open_slow(place, STREAM "s");
	archive_stream(place, "s", 1 + LARGE_COUNT);
	reply = client_receive_cut(client, &is_cut);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(is_cut);
	cr_assert(lt(sz, reply.body_size, LARGE_BYTES));
	expect_large(&reply);
	client_close(client);
	place_close(place);
}

/* The offset of the last control block, and the number of data blocks. */
static uint64_t
read_to_the_end(struct client *client, uint64_t *ret_count)
{
	uint64_t position = 0;
	struct block block;

	*ret_count = 0;
	while (stream_next(client, 10000, &block)) {
		if (block.event != NULL && strcmp(block.event, "data") == 0)
			++*ret_count;
		else if (block.event != NULL)
			position =
				strtoull(json_text(block.data, "streamNextOffset") + 17, NULL, 10);
	}
	return position;
}

/* The events that were read, and the range of the 410, are all events. */
Test(durable_loss, V68_a_loss_ends_a_live_read_and_the_next_is_410)
{
	struct place *const place = open_place(8);
	struct client *client;
	uint64_t position, count, begin;
	char query[128];
	struct reply reply;

	put_large(place);
	client = client_prepare();
	client_take_little(client);
	client_connect(client, place);
	stream_begin(client, STREAM "s?offset=-1&live=sse", NULL);
	archive_stream(place, "s", LARGE_COUNT - 20);
	position = read_to_the_end(client, &count);
	cr_assert(stream_is_over(client));
	cr_assert(eq(u64, position, 1 + count));
	cr_assert(lt(u64, position, LARGE_COUNT - 20));
	client_close(client);
	snprintf(query, sizeof(query), "?offset=%s&live=sse", offset_text(position));
	expect_expired(place, query, LARGE_COUNT - 20);
	snprintf(query, sizeof(query), "?offset=%s", offset_text(LARGE_COUNT - 20));
	reply = get_stream(place, "s", query, 200);
	begin = (unsigned char)reply.body[0];
	cr_assert(gt(u64, begin, count)); /* control events have positions, too */
	cr_assert(le(u64, begin + 2, LARGE_COUNT - 20 + 1));
	cr_assert(eq(sz, reply.body_size, (size_t)(LARGE_COUNT - begin) * LARGE));
	place_close(place);
}

/* Of the subscriptions: what they read ahead of the client. */
static uint64_t
staging_bytes(struct place *place)
{
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	cr_assert(eq(int, reprise_store_stats(place->store, &stats), REPRISE_OK));
	return stats.staging_bytes;
}

static size_t
resident_bytes(void)
{
	FILE *const file = fopen("/proc/self/statm", "r");
	unsigned long all = 0, resident = 0;

	cr_assert(file != NULL && fscanf(file, "%lu %lu", &all, &resident) == 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* A sanitizer keeps what was freed. */
static bool
has_room(struct place *place, uint64_t staging, size_t resident)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	resident = SIZE_MAX;
#endif
	return staging_bytes(place) <= staging && resident_bytes() <= resident;
}

/* 24 clients stop in the middle of 11 MB: the rest of the answers is not in memory. */
Test(durable_loss, V69_a_slow_client_costs_less_than_a_mebibyte)
{
	enum {
		CLIENTS = 24
	};
	struct place *const place = open_place(8);
	struct client *clients[CLIENTS];
	uint64_t staging;
	size_t resident;
	struct reply reply;

	put_large(place);
	reply = get_stream(place, "s", "", 200);
	cr_assert(eq(sz, reply.body_size, LARGE_BYTES));
	staging = staging_bytes(place);
	resident = resident_bytes() + ((size_t)CLIENTS << 18);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] =
			open_slow(place, i % 2 == 0 ? STREAM "s" : STREAM "s?offset=-1&live=sse");
	for (int i = 0; i < 1000 && !has_room(place, staging, resident); i++)
		usleep(10000);
	cr_assert(le(u64, staging_bytes(place), staging));
	cr_assert(has_room(place, staging, resident));
	(void)get_stream(place, "s", "?offset=now", 200);
	for (int i = 0; i < CLIENTS; i += 2) {
		reply = client_receive(clients[i]);
		cr_assert(eq(sz, reply.body_size, LARGE_BYTES));
		expect_large(&reply);
	}
	for (int i = 0; i < CLIENTS; i++)
		client_close(clients[i]);
	place_close(place);
}

static uint64_t
tail_of(struct place *place)
{
	const struct reply reply = ask(place, "HEAD", STREAM "s", NULL, NULL);

	return strtoull(reply_field(&reply, "Stream-Next-Offset") + 17, NULL, 10);
}

static struct client *
open_caught_up(struct place *place, const char *offset)
{
	struct client *client;
	struct block block;
	char target[128];

	snprintf(target, sizeof(target), STREAM "s?offset=%s&live=sse", offset);
	client = stream_open(place, target, NULL);
	do
		cr_assert(stream_next(client, 10000, &block));
	while (strstr(block.data, "\"upToDate\"") == NULL);
	/* And not before: the log may keep a client waiting in the middle. */
	cr_assert(eq(str, (char *)json_text(block.data, "streamNextOffset"),
		     (char *)offset_text(tail_of(place))));
	return client;
}

/* A client that has read the log, and has everything, costs what any other live client costs. */
Test(durable_loss, V69_a_live_client_that_was_behind_costs_little)
{
	enum {
		CLIENTS = 16
	};
	struct place *const place = open_place(8);
	struct client *clients[CLIENTS + 1];
	uint64_t before, most;

	put_large(place);
	before = staging_bytes(place);
	clients[CLIENTS] = open_caught_up(place, "now");
	most = before + (CLIENTS + 1) * (staging_bytes(place) - before);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = open_caught_up(place, "-1");
	for (int i = 0; i < 1000 && staging_bytes(place) > most; i++)
		usleep(10000);
	cr_assert(le(u64, staging_bytes(place), most));
	post_bytes(place, "s", "end", 3);
	for (int i = 0; i <= CLIENTS; i++) {
		cr_assert(eq(str, (char *)stream_expect(clients[i], "data").data, "ZW5k"));
		client_close(clients[i]);
	}
	place_close(place);
}

/* Until the gateway has no connection but the one of the last `ask`. */
static void
await_alone(struct place *place)
{
	for (int i = 0; i < 10000; i++) {
		(void)get_stream(place, "s", "?offset=now", 200);
		if (place_stats(place).connections <= 2 && place_stats(place).streams == 0 &&
		    place_stats(place).subscriptions == 0)
			return;
		usleep(1000);
	}
	cr_fatal("%lu connections, %lu subscriptions",
		 (unsigned long)place_stats(place).connections,
		 (unsigned long)place_stats(place).subscriptions);
}

Test(durable_loss, V69_a_client_that_vanishes_leaves_nothing)
{
	static const char *const targets[] = { STREAM "s", STREAM "s?offset=now&live=long-poll",
					       STREAM "s?offset=-1&live=sse",
					       STREAM "s?offset=now&live=sse" };
	struct place *const place = open_place_as(8, 500);

	put_large(place);
	for (int i = 0; i < 200; i++) {
		struct client *const client = client_open(place);

		client_request(client, "GET", targets[i % 4], NULL, NULL);
		if (i % 3 == 0)
			(void)client_hears(client, 2);
		if (i % 2 == 0)
			client_reset(client);
		else
			client_close(client);
	}
	await_alone(place);
	place_close(place);
}

/* An event that is larger than what is pending for a client at most. */
Test(durable_loss, V69_an_event_of_any_size_is_read)
{
	enum {
		HUGE = 7 << 20,
		ALL = HUGE + 3,
		ENCODED = HUGE / 3 * 4,
	};
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = 16 << 20 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .body_bytes_max = 8 << 20 };
	const struct place_setup setup = { .has_log = true,
					   .session = &session,
					   .gateway = &options };
	struct place *const place = place_open(&setup);
	char *const bytes = malloc(HUGE);
	struct reply reply;

	cr_assert(bytes != NULL);
	for (size_t i = 0; i < HUGE; i++)
		bytes[i] = (char)(i * 31 + i / 65536);
	put_stream(place, "s", BYTES_TYPE, NULL);
	post_bytes(place, "s", bytes, HUGE);
	post_bytes(place, "s", "end", 3);
	reply = get_stream(place, "s", "", 200);
	cr_assert(eq(sz, reply.body_size, ALL));
	cr_assert(memcmp(reply.body, bytes, HUGE) == 0);
	close_stream(place, "s");
	reply = get_stream(place, "s", "?offset=-1&live=sse", 200);
	cr_assert(gt(sz, reply.body_size, ENCODED));
	cr_assert(strstr(reply.body, "data:ZW5k\n") != NULL);
	free(bytes);
	place_close(place);
}

/* The log's rows cannot be read, or can again. */
static void
hide_rows(struct place *place, bool is_hidden)
{
	(void)scratch_sql(place->path, is_hidden ? "ALTER TABLE rows RENAME TO hidden_rows"
						 : "ALTER TABLE hidden_rows RENAME TO rows");
}

Test(durable_loss, V69_a_log_that_says_nothing_is_waited_for_in_bounds)
{
	static const char *const queries[] = { "", "?offset=-1&live=long-poll",
					       "?offset=-1&live=sse" };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = 4 << 20,
							 .events_max = 8 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .recorded_wait_ms = 400 };
	const struct place_setup setup = { .has_log = true,
					   .session = &session,
					   .gateway = &options };
	struct place *const place = place_open(&setup);
	struct client *client;
	struct reply reply;
	bool is_cut;

	put_large(place);
	client = open_slow(place, STREAM "s");
	hide_rows(place, true);
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		reply = get_stream(place, "s", queries[i], 503);
		expect_error(&reply, 503, "log_unavailable");
	}
	reply = client_receive_cut(client, &is_cut);
	cr_assert(is_cut);
	cr_assert(lt(sz, reply.body_size, LARGE_BYTES));
	client_close(client);
	hide_rows(place, false);
	reply = get_stream(place, "s", "", 200);
	cr_assert(eq(sz, reply.body_size, LARGE_BYTES));
	place_close(place);
}
