/* SPDX-License-Identifier: MIT */
/*
 * V07: streams that keep up share a subscription and the encoded blocks; a stream that falls behind
 * goes on alone. The payload of each event begins with the position, so that each client can tell
 * what is lost or doubled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(share, .fini = scratch_remove, .timeout = 120);

#define EVENTS "/v1/sessions/s/events"

enum {
	LARGE_BYTES = 256 << 10,
	ID_BYTES = 600,
};

/* A client, and how far it has read. */
struct reading {
	struct client *client;
	reprise_position at; /* the last event, or the last one of a gap; 0: nothing yet */
	uint64_t lost;
	uint64_t events;
	bool is_live;
	char id[ID_BYTES];
};

static struct place *
place_of(uint64_t events_max, uint64_t bytes_max, bool has_log)
{
	const struct reprise_session_options session = {
		.size = sizeof(session),
		.events_max = events_max,
		.bytes_max = bytes_max,
		.age_ns_max = REPRISE_NO_LIMIT,
		.when_full = has_log ? REPRISE_WHEN_FULL_REFUSE : REPRISE_WHEN_FULL_OVERWRITE,
	};
	const struct place_setup setup = { .has_log = has_log, .session = &session };

	return place_open(&setup);
}

/* Appends events with at least @bytes of payload, until the newest is @newest. */
static void
append_numbers(struct place *place, struct reprise_writer *writer, reprise_position newest,
	       size_t bytes)
{
	reprise_position position = stats_of_s(place->store).newest;
	char *const payload = calloc(1, bytes + 32);
	reprise_status status;

	cr_assert(payload != NULL);
	while (position < newest) {
		const int size = snprintf(payload, 32, "%llu ", (unsigned long long)position + 1);

		memset(payload + size, 'x', bytes);
		/* A window full of unrecorded events has room again soon. */
		while ((status = reprise_append(
				writer, 0, 0, 0,
				(struct reprise_bytes){ payload, (size_t)size + bytes },
				&position)) == REPRISE_E_FULL)
			usleep(1000);
		cr_assert(eq(int, status, REPRISE_OK));
	}
	free(payload);
}

static void
begin(struct place *place, struct reading *reading, const char *query, const char *fields)
{
	char target[1024];
	struct block block;

	*reading = (struct reading){ .client = NULL };
	snprintf(target, sizeof(target), "%s?%s", EVENTS, query);
	reading->client = stream_open(place, target, fields);
	block = stream_expect(reading->client, "hello");
	reading->at = json_number(block.data, "position");
	snprintf(reading->id, sizeof(reading->id), "%s", block.id);
}

static void
take_event(struct reading *reading, const struct block *block)
{
	const reprise_position position = strtoull(block->data, NULL, 10);

	cr_assert(eq(u64, position, reading->at + 1), "%.100s", block->raw);
	reading->at = position;
	reading->events++;
}

static void
take_gap(struct reading *reading, const struct block *block)
{
	cr_assert(eq(u64, json_number(block->data, "first"), reading->at + 1), "%s", block->raw);
	reading->at = json_number(block->data, "last");
	reading->lost += json_number(block->data, "lost");
}

/* Takes a block, if one comes within @ms. */
static bool
take(struct reading *reading, int ms)
{
	struct block block;

	if (!stream_next(reading->client, ms, &block))
		return false;
	if (block.event == NULL || strcmp(block.event, "message") == 0)
		take_event(reading, &block);
	else if (strcmp(block.event, "gap") == 0)
		take_gap(reading, &block);
	else if (strcmp(block.event, "live") == 0)
		reading->is_live = true;
	else
		cr_fatal("unexpected: %s", block.raw);
	snprintf(reading->id, sizeof(reading->id), "%s", block.id);
	return true;
}

static void
read_until(struct reading *reading, reprise_position newest)
{
	while (reading->at < newest || !reading->is_live)
		if (!take(reading, 10000))
			cr_fatal("nothing behind %llu", (unsigned long long)reading->at);
	cr_assert(eq(u64, reading->at, newest));
}

/* Waits until the streams share @subscriptions subscriptions. */
static void
wait_until_shared(struct place *place, uint64_t streams, uint64_t subscriptions)
{
	struct reprise_gateway_stats stats = place_stats(place);

	for (int i = 0; i < 20000; i++, stats = place_stats(place)) {
		if (stats.streams_shared == streams && stats.subscriptions == subscriptions)
			return;
		usleep(1000);
	}
	cr_fatal("%llu streams share, %llu subscriptions", (unsigned long long)stats.streams_shared,
		 (unsigned long long)stats.subscriptions);
}

Test(share, V07_clients_that_keep_up_share_one_subscription_and_one_encoding)
{
	enum {
		CLIENTS = 50,
	};
	static const uint64_t few = 10; /* less than a client may have pending */
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct reading readings[CLIENTS];
	struct reprise_gateway_stats before, after;

	append_numbers(place, writer, 5, 10);
	for (int i = 0; i < CLIENTS; i++)
		begin(place, &readings[i], i % 2 == 0 ? "from=newest" : "from=oldest", NULL);
	for (int i = 0; i < CLIENTS; i++)
		read_until(&readings[i], 5);
	wait_until_shared(place, CLIENTS, 1);
	before = place_stats(place);
	for (reprise_position newest = 5 + few; newest <= 5 + 20 * few; newest += few) {
		append_numbers(place, writer, newest, 10);
		for (int i = 0; i < CLIENTS; i++)
			read_until(&readings[i], newest);
	}
	after = place_stats(place);
	cr_assert(eq(u64, after.events_encoded - before.events_encoded, 20 * few));
	cr_assert(eq(u64, after.events_sent - before.events_sent, few * CLIENTS * 20));
	cr_assert(eq(u64, after.displaced, 0));
	cr_assert(eq(u64, after.streams, CLIENTS));
	for (int i = 0; i < CLIENTS; i++)
		client_close(readings[i].client);
	wait_until_shared(place, 0, 0);
	reprise_writer_close(writer);
	place_close(place);
}

/* All clients take what comes; one after the other, a block at a time. */
static void
read_in_turns(struct reading *readings, size_t count, reprise_position newest)
{
	for (size_t done = 0; done < count;) {
		done = 0;
		for (size_t i = 0; i < count; i++) {
			if (readings[i].at < newest)
				(void)take(&readings[i], 0);
			done += readings[i].at == newest;
		}
	}
}

/* More at once than a client may have pending: the gateway waits for the sockets. */
Test(share, V07_a_burst_takes_no_client_that_keeps_up_out_of_its_share)
{
	enum {
		CLIENTS = 20,
	};
	struct place *const place = place_of(0, UINT64_C(16) << 20, false);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reprise_gateway_stats before, after;
	struct reading readings[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		begin(place, &readings[i], "from=newest", NULL);
	for (int i = 0; i < CLIENTS; i++)
		read_until(&readings[i], 0);
	wait_until_shared(place, CLIENTS, 1);
	before = place_stats(place);
	append_numbers(place, writer, 1000, 1000);
	read_in_turns(readings, CLIENTS, 1000);
	append_numbers(place, writer, 1008, LARGE_BYTES);
	read_in_turns(readings, CLIENTS, 1008);
	after = place_stats(place);
	cr_assert(eq(u64, after.displaced, 0));
	cr_assert(eq(u64, after.events_encoded - before.events_encoded, 1008));
	for (int i = 0; i < CLIENTS; i++)
		client_close(readings[i].client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(share, V07_streams_of_another_shape_share_nothing)
{
	static const char *const queries[] = { "kinds=0",      "kinds=0,1",   "names=kinds",
					       "frame=native", "kinds=1,0,0", "done=1" };
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *bare;
	struct reading readings[6];
	struct block block;

	for (int i = 0; i < 6; i++) {
		begin(place, &readings[i], queries[i], NULL);
		read_until(&readings[i], 0);
	}
	bare = stream_open(place, EVENTS "?frame=bare", NULL);
	/* native and done are alike, and so are the two lists of the kinds 0 and 1. */
	wait_until_shared(place, 7, 5);
	append_numbers(place, writer, 1, 1);
	for (int i = 0; i < 6; i++) {
		block = stream_expect(readings[i].client, i == 2 ? "0" : "message");
		cr_assert(eq(str, (char *)block.data, "1 x"));
		client_close(readings[i].client);
	}
	cr_assert(stream_next(bare, 10000, &block));
	cr_assert(eq(str, (char *)block.data, "1 x"));
	client_close(bare);
	wait_until_shared(place, 0, 0);
	reprise_writer_close(writer);
	place_close(place);
}

/* Appends large events, read by @quick alone, until the gateway has left @slow behind. */
static reprise_position
fall_behind(struct place *place, struct reprise_writer *writer, struct reading *quick)
{
	const uint64_t displaced = place_stats(place).displaced;
	reprise_position newest = quick->at;

	while (place_stats(place).displaced == displaced) {
		append_numbers(place, writer, ++newest, LARGE_BYTES);
		read_until(quick, newest);
		cr_assert(lt(u64, newest, 400), "a client that reads nothing kept up");
	}
	return newest;
}

Test(share, V07_a_client_that_falls_behind_goes_on_alone_and_comes_back)
{
	struct place *const place = place_of(0, UINT64_C(256) << 20, false);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reading quick, slow;
	reprise_position newest;

	begin(place, &quick, "from=newest", NULL);
	begin(place, &slow, "from=newest", NULL);
	read_until(&quick, 0);
	read_until(&slow, 0);
	for (int i = 0; i < 2; i++) {
		wait_until_shared(place, 2, 1);
		newest = fall_behind(place, writer, &quick);
		wait_until_shared(place, 1, 2);
		read_until(&slow, newest);
		read_until(&quick, newest);
	}
	wait_until_shared(place, 2, 1);
	cr_assert(eq(u64, slow.lost + quick.lost, 0));
	client_close(quick.client);
	client_close(slow.client);
	reprise_writer_close(writer);
	place_close(place);
}

/* A client that reads nothing waits with the share of its own; the next client has another. */
Test(share, V07_slow_clients_hold_no_other_client_back)
{
	struct place *const place = place_of(0, UINT64_C(256) << 20, false);
	struct reprise_writer *const writer = writer_of(place->store);
	reprise_position newest = 100;
	struct reading slow, quick;

	begin(place, &slow, "from=newest", NULL);
	read_until(&slow, 0);
	wait_until_shared(place, 1, 1);
	append_numbers(place, writer, newest, LARGE_BYTES);
	begin(place, &quick, "from=newest", NULL);
	read_until(&quick, newest);
	while (place_stats(place).streams_shared < 2) {
		append_numbers(place, writer, ++newest, 1);
		read_until(&quick, newest);
		cr_assert(lt(u64, newest, 10000), "no share for the quick client");
	}
	wait_until_shared(place, 2, 2);
	cr_assert(eq(u64, place_stats(place).displaced, 0));
	/* At one place again the two shares become one. */
	read_until(&slow, newest);
	wait_until_shared(place, 2, 1);
	append_numbers(place, writer, ++newest, 1);
	read_until(&slow, newest);
	read_until(&quick, newest);
	client_close(quick.client);
	client_close(slow.client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(share, V07_the_end_of_the_session_reaches_a_slow_client_behind_its_events)
{
	struct place *const place = place_of(0, UINT64_C(256) << 20, false);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reading quick, slow;
	reprise_position newest;
	struct block block;

	begin(place, &quick, "from=newest", NULL);
	begin(place, &slow, "from=newest", NULL);
	read_until(&quick, 0);
	read_until(&slow, 0);
	wait_until_shared(place, 2, 1);
	newest = fall_behind(place, writer, &quick);
	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	block = stream_expect(quick.client, "end");
	cr_assert(eq(u64, json_number(block.data, "position"), newest));
	wait_until_shared(place, 0, 1);
	read_until(&slow, newest);
	block = stream_expect(slow.client, "end");
	cr_assert(eq(u64, json_number(block.data, "status"), 3));
	cr_assert(eq(u64, json_number(block.data, "position"), newest));
	wait_until_shared(place, 0, 0);
	client_close(quick.client);
	client_close(slow.client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(share, V07_what_a_slow_client_has_lost_is_an_exact_gap)
{
	struct place *const place = place_of(4, UINT64_C(8) << 20, false);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reading quick, slow;
	reprise_position newest;

	begin(place, &quick, "from=newest", NULL);
	begin(place, &slow, "from=newest", NULL);
	read_until(&quick, 0);
	read_until(&slow, 0);
	wait_until_shared(place, 2, 1);
	newest = fall_behind(place, writer, &quick);
	append_numbers(place, writer, newest + 8, 1);
	read_until(&slow, newest + 8);
	cr_assert(gt(u64, slow.lost, 0));
	cr_assert(eq(u64, slow.events + slow.lost, newest + 8));
	wait_until_shared(place, 2, 1);
	client_close(quick.client);
	client_close(slow.client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(share, V07_with_a_log_a_slow_client_is_healed)
{
	struct place *const place = place_of(4, UINT64_C(8) << 20, true);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reading quick, slow;
	reprise_position newest;

	begin(place, &quick, "from=newest&recorded=1", NULL);
	begin(place, &slow, "from=newest&recorded=1", NULL);
	read_until(&quick, 0);
	read_until(&slow, 0);
	wait_until_shared(place, 2, 1);
	/* An event that @quick has read is recorded: the window overwrites no other. */
	newest = fall_behind(place, writer, &quick);
	for (int i = 0; i < 8; i++) {
		append_numbers(place, writer, ++newest, 1);
		read_until(&quick, newest);
	}
	read_until(&slow, newest);
	cr_assert(eq(u64, slow.lost, 0));
	cr_assert(eq(u64, slow.events, newest));
	wait_until_shared(place, 2, 1);
	client_close(quick.client);
	client_close(slow.client);
	reprise_writer_close(writer);
	place_close(place);
}

/* Random clients, while a thread appends. */

enum {
	CROWD = 24,
};

struct crowd {
	struct place *place;
	struct reprise_writer *writer;
	uint64_t seed;
	reprise_position last; /* the position of the last event */
	struct reading readings[CROWD];
	uint64_t opened, resumed;
};

static uint64_t
draw(struct crowd *crowd, uint64_t bound)
{
	crowd->seed = crowd->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (crowd->seed >> 33) % bound;
}

static void *
write_events(void *crowd_)
{
	struct crowd *const crowd = crowd_;

	for (reprise_position newest = 0; newest < crowd->last;) {
		newest += 1 + newest * 7919 % 13;
		newest = newest < crowd->last ? newest : crowd->last;
		append_numbers(crowd->place, crowd->writer, newest,
			       newest % 16 == 0 ? LARGE_BYTES / 4 : newest % 50);
		usleep(500);
	}
	return NULL;
}

static void
begin_anew(struct crowd *crowd, struct reading *reading)
{
	begin(crowd->place, reading, draw(crowd, 2) == 0 ? "from=oldest" : "from=newest", NULL);
	crowd->opened++;
}

/* Cuts the connection, and comes back with the last id: the position goes on. */
static void
come_back(struct crowd *crowd, struct reading *reading)
{
	const reprise_position at = reading->at;
	char field[ID_BYTES + 32];

	client_close(reading->client);
	snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", reading->id);
	begin(crowd->place, reading, "from=oldest", field);
	cr_assert(eq(u64, reading->at, at));
	crowd->resumed++;
}

static void
act(struct crowd *crowd)
{
	struct reading *const reading = &crowd->readings[draw(crowd, CROWD)];
	const uint64_t choice = draw(crowd, 100);

	if (choice < 3) {
		client_close(reading->client);
		begin_anew(crowd, reading);
	} else if (choice < 8) {
		come_back(crowd, reading);
	} else {
		/* The clients of the first quarter are slow. */
		for (uint64_t some = draw(crowd, reading < crowd->readings + CROWD / 4 ? 4 : 400);
		     some > 0 && take(reading, 0); some--)
			continue;
	}
}

static bool
do_all_share(struct place *place)
{
	const struct reprise_gateway_stats stats = place_stats(place);

	return stats.streams_shared == CROWD && stats.subscriptions == 1;
}

/* Has the clients read to the end, and further events, until all share. Answers the losses. */
static uint64_t
read_and_share(struct crowd *crowd)
{
	reprise_position newest = crowd->last;
	uint64_t lost = 0;

	do {
		append_numbers(crowd->place, crowd->writer, ++newest, 1);
		for (int i = 0; i < CROWD; i++)
			read_until(&crowd->readings[i], newest);
		cr_assert(lt(u64, newest, crowd->last + 10000), "some clients do not share");
	} while (!do_all_share(crowd->place));
	for (int i = 0; i < CROWD; i++)
		lost += crowd->readings[i].lost;
	return lost;
}

/* Returns how often a client has left a shared subscription. */
static uint64_t
run_crowd(struct place *place, uint64_t seed, reprise_position last)
{
	struct crowd crowd = {
		.place = place, .writer = writer_of(place->store), .seed = seed, .last = last
	};
	uint64_t displaced;
	pthread_t thread;

	for (int i = 0; i < CROWD; i++)
		begin_anew(&crowd, &crowd.readings[i]);
	cr_assert(eq(int, pthread_create(&thread, NULL, write_events, &crowd), 0));
	while (stats_of_s(place->store).newest < last)
		act(&crowd);
	pthread_join(thread, NULL);
	cr_assert(eq(u64, read_and_share(&crowd), 0));
	displaced = place_stats(place).displaced;
	for (int i = 0; i < CROWD; i++)
		client_close(crowd.readings[i].client);
	wait_until_shared(place, 0, 0);
	reprise_writer_close(crowd.writer);
	place_close(place);
	return displaced;
}

Test(share, V07_clients_join_and_leave_where_they_stand_while_events_flow)
{
	struct place *const place = place_of(8192, UINT64_C(64) << 20, false);

	cr_assert(gt(u64, run_crowd(place, 1, 3000), 0));
}

Test(share, V07_with_a_log_clients_join_and_leave_where_they_stand)
{
	(void)run_crowd(place_of(64, UINT64_C(1) << 20, true), 3, 1000);
}
