/* SPDX-License-Identifier: MIT */

/*
 * The calls that are made for each event, for callgrind to count their instructions
 * (instructions.sh): each is made often on a ring that is warm, between two requests to callgrind.
 * The clock is kept by hand, so that nothing depends on time, and every run counts the same.
 */

#include <stdio.h>
#include <stdlib.h>

#include <valgrind/callgrind.h>

#include <reprise/reprise.h>

enum {
	CALLS = 10000,
	WARM_UP = 30000, /* events: several laps of the index and of the arena */
	BATCH = 16,
	CHANGE = 64, /* events of a revision */
};

#define CHECK(condition) ((condition) ? (void)0 : die(__LINE__, #condition))

static const char session_id[] = "7d9f3c52-0a44-4c0e-9d6a-6a1f0e2b7c11";
static const unsigned char payload[256];

struct place {
	struct reprise_store *store;
	struct reprise_writer *writer;
};

static _Noreturn void
die(int line, const char *what)
{
	fprintf(stderr, "instructions.c:%d: %s\n", line, what);
	exit(1);
}

static void
append(struct reprise_writer *writer, size_t payload_bytes, uint64_t count)
{
	const struct reprise_bytes bytes = { payload, payload_bytes };

	for (uint64_t i = 0; i < count; i++)
		CHECK(reprise_append(writer, i / CHANGE, 1, 0, bytes, NULL) == REPRISE_OK);
}

static void
append_batches(struct reprise_writer *writer, uint64_t count)
{
	struct reprise_new_event events[BATCH];

	for (size_t i = 0; i < BATCH; i++)
		events[i] = (struct reprise_new_event){ .revision = i,
							.kind = 1,
							.payload = { payload, 64 } };
	for (uint64_t i = 0; i < count; i++)
		CHECK(reprise_append_batch(writer, events, BATCH, NULL) == REPRISE_OK);
}

/* Asks for the count since the last request, over so many calls. */
static void
dump(const char *name, uint64_t calls)
{
	char text[80];

	snprintf(text, sizeof(text), "%s %llu", name, (unsigned long long)calls);
	CALLGRIND_DUMP_STATS_AT(text);
}

static struct place
open_place(size_t payload_bytes)
{
	struct place place = { 0 };

	CHECK(reprise_store_open(NULL, &place.store, NULL) == REPRISE_OK);
	CHECK(reprise_stamp_set(place.store, 1) == REPRISE_OK);
	CHECK(reprise_writer_open(place.store, session_id, NULL, &place.writer, NULL) ==
	      REPRISE_OK);
	append(place.writer, payload_bytes, WARM_UP);
	return place;
}

static void
close_place(struct place *place)
{
	reprise_writer_close(place->writer);
	CHECK(reprise_store_close(place->store) == REPRISE_OK);
}

static void
count_append(const char *name, size_t payload_bytes)
{
	struct place place = open_place(payload_bytes);

	CALLGRIND_ZERO_STATS;
	append(place.writer, payload_bytes, CALLS);
	dump(name, CALLS);
	close_place(&place);
}

static void
count_append_batch(void)
{
	struct place place = open_place(64);

	CALLGRIND_ZERO_STATS;
	append_batches(place.writer, CALLS);
	dump("reprise_append_batch,16x64", CALLS);
	close_place(&place);
}

/* Each lap of what is retained is appended again, and then read. */
static void
count_next(void)
{
	struct place place = open_place(64);
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK(reprise_session_current_cursor(place.store, session_id, UINT64_MAX, &cursor) ==
	      REPRISE_OK);
	CHECK(reprise_subscribe_after(place.store, &cursor, NULL, &subscription, NULL) ==
	      REPRISE_OK);
	append(place.writer, 64, CALLS / 10);
	for (uint64_t i = 0; i < CALLS / 10; i++)
		CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	append(place.writer, 64, CALLS / 10);
	CALLGRIND_ZERO_STATS;
	for (uint64_t i = 0; i < CALLS / 10; i++)
		CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	dump("reprise_next,64", CALLS / 10);
	CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	CALLGRIND_ZERO_STATS;
	for (uint64_t i = 0; i < CALLS; i++)
		CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	dump("reprise_next,empty", CALLS);
	reprise_subscription_close(subscription);
	close_place(&place);
}

/* At the newest, and in the middle of what is retained. */
static void
count_current_cursor(const char *name, uint64_t behind)
{
	struct place place = open_place(64);
	struct reprise_cursor cursor;
	const uint64_t revision = (WARM_UP - 1) / CHANGE - behind;

	CHECK(reprise_session_current_cursor(place.store, session_id, revision, &cursor) ==
	      REPRISE_OK);
	CALLGRIND_ZERO_STATS;
	for (uint64_t i = 0; i < CALLS; i++)
		CHECK(reprise_session_current_cursor(place.store, session_id, revision, &cursor) ==
		      REPRISE_OK);
	dump(name, CALLS);
	CHECK(cursor.position == (behind == 0 ? WARM_UP : (revision + 1) * CHANGE));
	close_place(&place);
}

int
main(void)
{
	count_append("reprise_append,64", 64);
	count_append("reprise_append,256", 256);
	count_append_batch();
	count_next();
	count_current_cursor("reprise_session_current_cursor,newest", 0);
	count_current_cursor("reprise_session_current_cursor,middle", 16);
	return 0;
}
