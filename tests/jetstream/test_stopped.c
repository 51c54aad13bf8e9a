/* SPDX-License-Identifier: MIT */
/*
 * B13: no call hangs: a server that is stopped, a network that is silent, connections that are cut
 * again and again.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deltas.h"
#include "proxy.h"
#include "world.h"

enum {
	DEADLINE_MS = 400,
	PATIENCE_MS = 3000, /* for a slow machine; less than a deadline of the NATS library's own */
};

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int32_t
see_none(const struct reprise_jetstream_dead *dead, void *context)
{
	(void)dead, (void)context;
	return 1;
}

struct subject {
	struct world *world;
	struct reprise_jetstream *writer;
	struct told *told;
};

static reprise_status
call_append(struct subject *subject)
{
	return append(subject->writer, 10, NULL, NULL);
}

static reprise_status
call_finish(struct subject *subject)
{
	return reprise_jetstream_append(subject->writer, "t", NULL, finish(11), NULL, NULL);
}

static reprise_status
call_flush(struct subject *subject)
{
	return reprise_jetstream_flush(subject->writer, "t", NULL, NULL);
}

static reprise_status
call_recover(struct subject *subject)
{
	return reprise_jetstream_recover(subject->writer, NULL, NULL);
}

static reprise_status
call_save(struct subject *subject)
{
	return reprise_jetstream_save(subject->writer, "t", NULL, text_bytes("{}"), 1, NULL, NULL);
}

static reprise_status
call_first_append(struct subject *subject)
{
	return reprise_jetstream_append(subject->writer, "u", NULL, delta(1), NULL, NULL);
}

static reprise_status
call_each_dead(struct subject *subject)
{
	return reprise_jetstream_each_dead(subject->writer, 0, see_none, NULL, NULL);
}

static reprise_status
call_drop_dead(struct subject *subject)
{
	return reprise_jetstream_drop_dead(subject->writer, 1, NULL);
}

static reprise_status
call_open(struct subject *subject)
{
	struct reprise_jetstream_options options = world_options(subject->world);
	struct reprise_error error;

	options.deadline_ns = DEADLINE_MS * UINT64_C(1000000);
	return world_open_status(subject->world->store, &options, &error);
}

static const struct {
	const char *name;
	reprise_status (*call)(struct subject *subject);
} calls[] = {
	{ "append", call_append },       { "append of RunFinished", call_finish },
	{ "flush", call_flush },         { "recover", call_recover },
	{ "save", call_save },           { "first append", call_first_append },
	{ "each_dead", call_each_dead }, { "drop_dead", call_drop_dead },
	{ "open", call_open },
};

static void
expect_each_returns(struct subject *subject)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const uint64_t begin = monotonic_ms();
		const reprise_status status = calls[i].call(subject);
		const uint64_t taken = monotonic_ms() - begin;

		cr_expect(status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT, "%s: %s",
			  calls[i].name, reprise_status_name(status));
		cr_expect(lt(u64, taken, PATIENCE_MS), "%s", calls[i].name);
	}
}

static struct reprise_jetstream *
impatient(struct world *world, const char *url)
{
	struct reprise_jetstream_options options = world_options(world);

	options.deadline_ns = DEADLINE_MS * UINT64_C(1000000);
	options.servers = url;
	return world_writer(world->store, &options);
}

/* The server is stopped before each call is measured: nats_server_pause waits for that. */
STORES_TEST(B13_each_call_on_a_stopped_server_returns_within_its_deadline)
{
	struct subject subject = { .world = world };

	create(world->store, "u");
	subject.writer = impatient(world, nats_server_url(world->server));
	append_range(subject.writer, 1, 3);
	nats_server_pause(world->server);
	expect_each_returns(&subject);
	nats_server_resume(world->server);
	cr_assert(append_at_last(subject.writer, "t", delta(10), NULL));
	cr_assert(append_at_last(subject.writer, "t", finish(11), NULL));
	for (unsigned int i = 1; i <= 3; i++)
		expect_message(world->store, "t", i, 1);
	expect_message(world->store, "t", 10, 1);
	expect_message(world->store, "t", 11, 1);
	cr_assert(eq(u64, version_of(world->store, "t"), 5));
	reprise_jetstream_close(subject.writer);
}

SQLITE_TEST(B13_a_close_on_a_stopped_server_returns)
{
	struct told told;
	struct reprise_jetstream *const writer = impatient(world, nats_server_url(world->server));

	told_begin(&told);
	append_range(writer, 1, 3);
	nats_server_pause(world->server);
	for (unsigned int i = 4; i <= 9; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(writer, "t", delta(i), told_add, &told,
							    NULL),
			     REPRISE_OK));
	const uint64_t begin = monotonic_ms();

	reprise_jetstream_close(writer);
	cr_assert(lt(u64, monotonic_ms() - begin, PATIENCE_MS));
	cr_assert(eq(uint, told.count, 6));
	nats_server_resume(world->server);
	told_end(&told);
}

/* Until the socket takes no more bytes, and after that. */
SQLITE_TEST(B13_appends_that_fill_the_socket_of_a_stopped_server_do_not_hang)
{
	struct reprise_jetstream *const writer = impatient(world, nats_server_url(world->server));
	const size_t size = 900000;
	char *const text = malloc(size + 256);
	int length = snprintf(text, size, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"x\":\"");

	cr_assert(ne(ptr, text, NULL));
	memset(text + length, 'x', size - (size_t)length);
	memcpy(text + size, "\"}", 3);
	append_range(writer, 1, 3);
	nats_server_pause(world->server);
	for (int i = 0; i < 12; i++) {
		const uint64_t begin = monotonic_ms();
		const reprise_status status = reprise_jetstream_append_async(
			writer, "t", text_bytes(text), NULL, NULL, NULL);

		cr_assert(status != REPRISE_E_INVALID && status != REPRISE_E_TOO_LARGE);
		cr_assert(lt(u64, monotonic_ms() - begin, PATIENCE_MS));
	}
	const uint64_t begin = monotonic_ms();

	cr_assert(ne(int, append(writer, 4, NULL, NULL), REPRISE_OK));
	cr_assert(lt(u64, monotonic_ms() - begin, UINT64_C(2) * PATIENCE_MS));
	nats_server_resume(world->server);
	cr_assert(append_at_last(writer, "t", delta(4), NULL));
	flush_at_last(writer, "t");
	for (unsigned int i = 1; i <= 4; i++)
		expect_message(world->store, "t", i, 1);
	reprise_jetstream_close(writer);
	free(text);
}

SQLITE_TEST(B13_each_call_on_a_silent_network_returns_within_its_deadline)
{
	struct subject subject = { .world = world };
	struct nats_proxy proxy;

	create(world->store, "u");
	nats_proxy_open(&proxy, world->server);
	subject.writer = impatient(world, proxy.url);
	append_range(subject.writer, 1, 3);
	nats_proxy_mute(&proxy, 1);
	for (size_t i = 0; i + 1 < sizeof(calls) / sizeof(calls[0]); i++) {
		const uint64_t begin = monotonic_ms();
		const reprise_status status = calls[i].call(&subject);

		cr_expect(status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT, "%s: %s",
			  calls[i].name, reprise_status_name(status));
		cr_expect(lt(u64, monotonic_ms() - begin, PATIENCE_MS), "%s", calls[i].name);
	}
	nats_proxy_mute(&proxy, 0);
	/* The server has got what was not acknowledged: it counts once. */
	cr_assert(append_at_last(subject.writer, "t", delta(10), NULL));
	cr_assert(append_at_last(subject.writer, "t", finish(11), NULL));
	cr_assert(eq(u64, version_of(world->store, "t"), 5));
	expect_message(world->store, "t", 10, 1);
	reprise_jetstream_close(subject.writer);
	nats_proxy_close(&proxy);
}

/* Large deltas whose publishing waits for the socket, longer than their deadline is. */
struct large {
	pthread_t thread;
	struct reprise_jetstream *writer;
	struct reprise_bytes bytes;
	char id[16];
	atomic_uint *sent;
	struct told *told;
};

static void *
send_large(void *argument)
{
	struct large *const large = argument;

	for (int i = 0; i < 4; i++) {
		if (reprise_jetstream_append_async(large->writer, large->id, large->bytes, told_add,
						   large->told, NULL) == REPRISE_OK)
			atomic_fetch_add(large->sent, 1);
	}
	return NULL;
}

SQLITE_TEST(B13_large_appends_in_flight_to_a_stopped_server_complete_once)
{
	enum {
		THREADS = 24,
		SIZE = 900000
	};
	static char text[SIZE + 256];
	static struct told told;
	struct large large[THREADS];
	atomic_uint sent = 0;
	struct reprise_jetstream_options options = world_options(world);
	const int length =
		snprintf(text, SIZE, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"x\":\"");

	memset(text + length, 'x', SIZE - (size_t)length);
	memcpy(text + SIZE, "\"}", 3);
	told_begin(&told);
	options.deadline_ns = UINT64_C(60000000);
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (int i = 0; i < THREADS; i++) {
		large[i] = (struct large){
			.writer = writer, .bytes = text_bytes(text), .sent = &sent, .told = &told
		};
		snprintf(large[i].id, sizeof(large[i].id), "large%d", i);
		create(world->store, large[i].id);
		cr_assert(append_at_last(writer, large[i].id, delta(1), NULL));
	}
	nats_server_pause(world->server);
	for (int i = 0; i < THREADS; i++)
		cr_assert(
			eq(int, pthread_create(&large[i].thread, NULL, send_large, &large[i]), 0));
	for (int i = 0; i < THREADS; i++)
		pthread_join(large[i].thread, NULL);
	nats_server_resume(world->server);
	reprise_jetstream_close(writer);
	cr_assert(eq(uint, told.count, atomic_load(&sent)), "each completion once");
	for (int i = 0; i < THREADS; i++)
		(void)flush(world->writer, large[i].id);
	told_end(&told);
}
