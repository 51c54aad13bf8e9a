/* SPDX-License-Identifier: MIT */
/* V74: idempotent producers of a durable stream. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <reprise/session.h>

#include "durable_client.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_producers, .fini = scratch_remove, .timeout = 60);

#define CLOSED "Stream-Closed: true\r\n"

/* Appends as a producer, and expects the status and what the answer says of the producer. */
static struct reply
produce(struct place *place, const char *producer, uint64_t epoch, uint64_t number,
	const char *body, int status)
{
	const struct reply reply =
		on_stream(place, "POST", "s", of_producer(producer, epoch, number, NULL), body);

	cr_assert(eq(int, reply.status, status), "%s%s", reply.head, reply.body);
	return reply;
}

static void
expect_producer(const struct reply *reply, const char *epoch, const char *number)
{
	expect_field(reply, "Producer-Epoch", epoch);
	expect_field(reply, "Producer-Seq", number);
}

Test(durable_producers, V74_a_batch_of_a_producer_is_there_once)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	reply = produce(place, "p", 3, 0, "a", 200);
	expect_producer(&reply, "3", "0");
	expect_offset(&reply, 3);
	(void)produce(place, "p", 3, 1, "b", 200);
	reply = produce(place, "p", 3, 0, "A", 204);
	expect_producer(&reply, "3", "1");
	expect_offset(&reply, 5);
	reply = produce(place, "p", 3, 3, "d", 409);
	expect_field(&reply, "Producer-Expected-Seq", "2");
	expect_field(&reply, "Producer-Received-Seq", "3");
	expect_error(&reply, 409, "conflict");
	reply = produce(place, "p", 2, 0, "e", 403);
	expect_producer(&reply, "3", NULL);
	expect_error(&reply, 403, "stale_producer");
	reply = produce(place, "p", 4, 1, "f", 400);
	expect_error(&reply, 400, "bad_field");
	(void)produce(place, "p", 4, 0, "c", 200);
	(void)produce(place, "p", 3, 2, "g", 403);
	reply = produce(place, "q", 0, 1, "h", 409);
	expect_field(&reply, "Producer-Expected-Seq", "0");
	(void)produce(place, "q", 7, 0, "d", 200);
	expect_content(place, "s", "abcd");
	place_close(place);
}

Test(durable_producers, V74_a_repeated_batch_waits_for_the_record_of_the_first)
{
	struct place *const place = place_that_lingers(700, 5000);
	struct client *const one = client_open(place), *const two = client_open(place);
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	send_on_stream(one, "POST", "s", of_producer("p", 0, 0, NULL), "a");
	await_newest(place, "s", 3);
	send_on_stream(two, "POST", "s", of_producer("p", 0, 0, NULL), "a");
	cr_assert(eq(int, client_hears(two, 100), 0));
	reply = client_receive(two);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	cr_assert(eq(u64, events_in_log(place, "s"), 3));
	reply = client_receive(one);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_content(place, "s", "a");
	client_close(one);
	client_close(two);
	place_close(place);
}

/* Both are sent before the session's writer is open. */
Test(durable_producers, V74_of_two_requests_at_once_one_is_the_batch)
{
	struct place *const place = place_of_few_sessions();
	struct client *const one = client_open(place), *const two = client_open(place);
	int first, second;

	create_stream(place, "s", TEXT, NULL);
	for (uint64_t number = 0; number < 20; number++) {
		if (number % 5 == 0)
			evict_window(place, "s");
		send_on_stream(one, "POST", "s", of_producer("p", 0, number, NULL), "a");
		send_on_stream(two, "POST", "s", of_producer("p", 0, number, NULL), "a");
		first = client_receive(one).status;
		second = client_receive(two).status;
		cr_assert(eq(int, first + second, 200 + 204), "%d, %d", first, second);
	}
	expect_content(place, "s", "aaaaaaaaaaaaaaaaaaaa");
	client_close(one);
	client_close(two);
	place_close(place);
}

/* The producers' last numbers are right: the last batch is a duplicate, and the next is taken. */
static void
expect_known(struct place *place, uint64_t producers, uint64_t last)
{
	char name[32];

	for (uint64_t i = 0; i < producers; i++) {
		snprintf(name, sizeof(name), "producer-%" PRIu64, i);
		(void)produce(place, name, i, last, "x", 204);
		(void)produce(place, name, i, last + 2, "x", 409);
	}
}

Test(durable_producers, V74_producers_are_known_behind_evictions_and_restarts)
{
	enum {
		PRODUCERS = 9,
		BATCHES = 30
	};
	struct place *const place = place_of_few_sessions();
	char name[32];

	create_stream(place, "s", TEXT, NULL);
	for (uint64_t number = 0; number < BATCHES; number++) {
		for (uint64_t i = 0; i < PRODUCERS; i++) {
			snprintf(name, sizeof(name), "producer-%" PRIu64, i);
			(void)produce(place, name, i, number, "x", 200);
		}
		if (number % 7 == 1)
			place_restart(place);
		if (number % 7 == 4)
			evict_window(place, "s");
	}
	place_restart(place);
	expect_known(place, PRODUCERS, BATCHES - 1);
	evict_window(place, "s");
	expect_known(place, PRODUCERS, BATCHES - 1);
	/* An event of a runtime comes between. */
	(void)post(place, "s", "1");
	place_restart(place);
	expect_known(place, PRODUCERS, BATCHES - 1);
	place_close(place);
}

/* A state larger than the window: the whole state goes into no event then. */
Test(durable_producers, V74_a_stream_has_more_producers_than_an_event_can_name)
{
	enum {
		PRODUCERS = 300
	};
	static const struct reprise_session_options session = { .size = sizeof(session),
								.events_max = 1024,
								.bytes_max = 16384 };
	const struct place_setup setup = { .has_log = true, .session = &session };
	struct place *const place = place_open(&setup);
	struct client *const client = client_open(place);
	char name[128];
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	for (int i = 0; i < PRODUCERS; i++) {
		snprintf(name, sizeof(name), "%0100d", i);
		send_on_stream(client, "POST", "s", of_producer(name, 0, 0, NULL), "x");
		reply = client_receive(client);
		cr_assert(eq(int, reply.status, 200), "%d: %s", i, reply.body);
	}
	client_close(client);
	place_restart(place);
	for (int i = 0; i < PRODUCERS; i += 33) {
		snprintf(name, sizeof(name), "%0100d", i);
		(void)produce(place, name, 0, 0, "x", 204);
		(void)produce(place, name, 0, 1, "x", 200);
	}
	place_close(place);
}

Test(durable_producers, V74_the_batch_that_closed_the_stream_may_be_repeated)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	(void)produce(place, "p", 0, 0, "a", 200);
	reply = on_stream(place, "POST", "s", of_producer("p", 0, 1, CLOSED), "b");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_field(&reply, "Stream-Closed", "true");
	for (int i = 0; i < 2; i++) {
		reply = on_stream(place, "POST", "s", of_producer("p", 0, 1, CLOSED), "b");
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
		expect_field(&reply, "Stream-Closed", "true");
		expect_producer(&reply, "0", "1");
		(void)produce(place, "p", 0, 0, "a", 409);
		(void)produce(place, "p", 0, 2, "c", 409);
		reply = on_stream(place, "POST", "s", of_producer("q", 0, 0, CLOSED), "");
		expect_error(&reply, 409, "stream_closed");
		place_restart(place);
	}
	expect_content(place, "s", "ab");
	place_close(place);
}

Test(durable_producers, V74_a_producer_may_close_without_data)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "a");
	for (int i = 0; i < 2; i++) {
		reply = on_stream(place, "POST", "s", of_producer("p", 0, 0, CLOSED), "");
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
		expect_field(&reply, "Stream-Closed", "true");
		expect_offset(&reply, 2);
		expect_producer(&reply, "0", "0");
	}
	expect_content(place, "s", "a");
	place_close(place);
}
