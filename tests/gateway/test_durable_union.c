/* SPDX-License-Identifier: MIT */
/*
 * V68: three clients read a stream while its beginning is archived again and again. The
 * events that a client has read, and the events that it was told to be gone, are all events, and no
 * event twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durable_calls.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_union, .fini = scratch_remove, .timeout = 120);

enum {
	VALUES = 600,
	POSITIONS = 2 * VALUES,
};

enum mode {
	CATCH_UP,
	LONG_POLL,
	SSE,
	MODES,
};

struct reading {
	struct place *place;
	enum mode mode;
	struct client *stream; /* of SSE, while it is open */
	uint64_t position;
	unsigned char read[VALUES + 5]; /* by value */
	bool is_told[POSITIONS];        /* by position */
	uint64_t losses;
};

static unsigned int seed = 12345;

static unsigned int
pick(unsigned int most)
{
	seed = seed * 1103515245 + 12345;
	return seed / 65536 % (most + 1);
}

static uint64_t
position_of(const char *offset)
{
	cr_assert(eq(sz, strlen(offset), 33));
	return strtoull(offset + 17, NULL, 10);
}

/* An array of numbers. */
static void
take_values(struct reading *reading, const char *array)
{
	cr_assert(eq(chr, array[0], '['), "%s", array);
	while (*array != ']') {
		char *end;
		const unsigned long value = strtoul(array + 1, &end, 10);

		if (end == array + 1)
			break;
		cr_assert(lt(u64, value, VALUES + 5));
		reading->read[value]++;
		array = end;
	}
}

/* 410: goes on behind the loss. */
static void
take_loss(struct reading *reading, const struct reply *reply)
{
	const uint64_t earliest = position_of(reply_field(reply, "Stream-Earliest-Offset"));

	expect_error(reply, 410, "offset_expired");
	cr_assert(gt(u64, earliest, reading->position));
	for (uint64_t position = reading->position + 1; position <= earliest; position++)
		reading->is_told[position] = true;
	reading->position = earliest;
	reading->losses++;
}

static struct reply
ask_on(struct reading *reading, const char *live)
{
	char target[128];

	snprintf(target, sizeof(target), STREAM "s?offset=%s%s",
		 reading->position == 0 ? "-1" : offset_text(reading->position), live);
	return ask(reading->place, "GET", target, NULL, NULL);
}

static void
read_once(struct reading *reading)
{
	const struct reply reply =
		ask_on(reading, reading->mode == LONG_POLL ? "&live=long-poll" : "");

	if (reply.status == 410) {
		take_loss(reading, &reply);
		return;
	}
	cr_assert(reply.status == 200 || reply.status == 204, "%s%s", reply.head, reply.body);
	if (reply.status == 200)
		take_values(reading, reply.body);
	reading->position = position_of(reply_field(&reply, "Stream-Next-Offset"));
}

static void
take_block(struct reading *reading, const struct block *block)
{
	if (block->event != NULL && strcmp(block->event, "data") == 0)
		take_values(reading, block->data);
	else if (block->event != NULL)
		reading->position = position_of(json_text(block->data, "streamNextOffset"));
}

/* Opens the stream, unless the offset is gone. */
static void
open_events(struct reading *reading)
{
	char target[128];
	struct reply reply;

	/* A catch-up at the same place says whether the offset is good. */
	reply = ask_on(reading, "");
	if (reply.status == 410) {
		take_loss(reading, &reply);
		return;
	}
	snprintf(target, sizeof(target), STREAM "s?offset=%s&live=sse",
		 reading->position == 0 ? "-1" : offset_text(reading->position));
	reading->stream = stream_open(reading->place, target, NULL);
}

/* Blocks until there is none for a while, or the stream is over. */
static void
read_events(struct reading *reading, int ms)
{
	struct block block;

	if (reading->stream == NULL)
		open_events(reading);
	while (reading->stream != NULL && stream_next(reading->stream, ms, &block))
		take_block(reading, &block);
	if (reading->stream != NULL && stream_is_over(reading->stream)) {
		client_close(reading->stream);
		reading->stream = NULL;
	}
}

/* Up to five values as an array. Answers the next value. */
static int
append_values(struct place *place, int value, uint64_t *positions)
{
	const int count = 1 + (int)pick(4);
	char body[64] = "[";
	struct reply reply;
	uint64_t last;

	for (int i = 0; i < count; i++)
		snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s%d",
			 i == 0 ? "" : ",", value + i);
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "]");
	reply = ask(place, "POST", STREAM "s", JSON_TYPE, body);
	cr_assert(eq(int, reply.status, 204), "%s%s", reply.head, reply.body);
	last = position_of(reply_field(&reply, "Stream-Next-Offset"));
	for (int i = 0; i < count; i++)
		positions[value + i] = last - (uint64_t)(count - 1 - i);
	return value + count;
}

static void
go_on(struct reading *reading)
{
	if (reading->mode != SSE) {
		read_once(reading);
		return;
	}
	read_events(reading, 20);
	if (reading->stream != NULL && pick(3) == 0) {
		client_close(reading->stream);
		reading->stream = NULL;
	}
}

static void
read_the_rest(struct reading *reading, uint64_t newest)
{
	for (int i = 0; i < 100 && reading->position < newest; i++) {
		if (reading->mode == SSE)
			read_events(reading, 200);
		else
			read_once(reading);
	}
	cr_assert(ge(u64, reading->position, newest));
	client_close(reading->stream);
}

static void
judge(const struct reading *reading, const uint64_t *positions)
{
	uint64_t read = 0;

	for (int i = 0; i < VALUES; i++) {
		const bool is_told = reading->is_told[positions[i]];

		cr_assert(eq(int, reading->read[i], is_told ? 0 : 1),
			  "the value %d at %d is read %d times", i, (int)positions[i],
			  reading->read[i]);
		read += reading->read[i];
	}
	cr_assert(gt(u64, read, VALUES / 10));
	cr_assert(gt(u64, reading->losses, 3));
}

Test(durable_union, V68_what_was_read_and_what_was_told_are_all)
{
	static struct reading readings[MODES];
	static uint64_t positions[VALUES + 5];
	const struct reprise_session_options session = { .size = sizeof(session), .events_max = 8 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .durable_poll_ms = 1 };
	const struct place_setup setup = { .has_log = true,
					   .session = &session,
					   .gateway = &options };
	struct place *const place = place_open(&setup);
	int value = 0;

	put_stream(place, "s", JSON_TYPE, NULL);
	for (int i = 0; i < MODES; i++)
		readings[i] = (struct reading){ .place = place, .mode = (enum mode)i };
	while (value < VALUES) {
		value = append_values(place, value, positions);
		if (pick(3) == 0)
			archive_stream(place, "s", positions[value - 1] - pick(6));
		for (int i = 0; i < MODES; i++)
			if (pick(7) == 0)
				go_on(&readings[i]);
	}
	for (int i = 0; i < MODES; i++) {
		read_the_rest(&readings[i], positions[value - 1]);
		judge(&readings[i], positions);
	}
	place_close(place);
}
