/* SPDX-License-Identifier: MIT */

/*
 * conversation: recovering a long conversation, over reading and decoding the same rows with
 * nothing else; recovering one with a snapshot, over one with a short history; recording a step,
 * over a bare INSERT and COMMIT of the same row; and the decision on a message that is known. A
 * plot shows recoveries over the length of the history.
 */

#include <stdlib.h>
#include <string.h>

#include <reprise/conversation_upkeep.h>

#include "bare.h"
#include "plot.h"
#include "result.h"
#include "rows.h"

enum {
	ID_BYTES = 32,
	EVENT_BYTES_MAX = 512,
	EVENTS_PER_MESSAGE = 10, /* its receipt, its start, seven steps, its end */
	APPEND_MAX = 1000,
	KNOWN = 100 * 1000,
	LOOKUPS = 20 * 1000, /* in a run */
};

/* The tags of rule D02. */
enum {
	RECEIVED = 1,
	STARTED,
	STEP,
	FINISHED,
};

#define RECEIVED_MS UINT64_C(1700000000000) /* of the first message; then one a millisecond */

static const struct reprise_log_key key = { .tenant = "default", .thread = "bench" };
static const unsigned char output[DURABLE_PAYLOAD_BYTES];

/* --- events as bytes (rule D02) --------------------------------------------------------------- */

static unsigned char *
put_number(unsigned char *at, uint64_t number, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		*at++ = (unsigned char)(number >> (8 * i));
	return at;
}

static unsigned char *
put_bytes(unsigned char *at, const void *bytes, size_t count)
{
	at = put_number(at, count, 8);
	memcpy(at, bytes, count);
	return at + count;
}

/* The event at @place of a message: how many bytes. */
static size_t
encode(unsigned char *event, uint64_t message, unsigned int place)
{
	char id[ID_BYTES];
	const unsigned char tag = place == 0                        ? RECEIVED
				  : place == 1                      ? STARTED
				  : place == EVENTS_PER_MESSAGE - 1 ? FINISHED
								    : STEP;
	unsigned char *at = event;

	snprintf(id, sizeof(id), "message %llu", (unsigned long long)message);
	memcpy(at, "LCE1", 4);
	at[4] = tag;
	at = put_bytes(at + 5, id, strlen(id));
	if (tag == RECEIVED)
		at = put_number(at, RECEIVED_MS + message, 8);
	if (tag == STEP) {
		at = put_number(at, place - 2, 4);
		at = put_bytes(at, output, sizeof(output));
	}
	return (size_t)(at - event);
}

struct decoding {
	uint64_t events, bytes;
	bool is_good;
};

static bool
take_number(struct reprise_bytes *left, int bytes, uint64_t *ret_number)
{
	const unsigned char *const at = left->data;

	if (left->size < (size_t)bytes)
		return false;
	*ret_number = 0;
	for (int i = 0; i < bytes; i++)
		*ret_number = *ret_number << 8 | at[i];
	*left = (struct reprise_bytes){ at + bytes, left->size - (size_t)bytes };
	return true;
}

static bool
take_bytes(struct reprise_bytes *left, struct reprise_bytes *ret_bytes)
{
	uint64_t count;

	if (!take_number(left, 8, &count) || count > left->size)
		return false;
	*ret_bytes = (struct reprise_bytes){ left->data, count };
	*left = (struct reprise_bytes){ (const char *)left->data + count, left->size - count };
	return true;
}

/* The least work that the rows take. */
static void
decode(struct reprise_bytes payload, void *context)
{
	struct decoding *const decoding = context;
	struct reprise_bytes left = { (const char *)payload.data + 5, payload.size - 5 };
	struct reprise_bytes id = { 0 }, bytes = { 0 };
	uint64_t number = 0;
	const unsigned char tag = ((const unsigned char *)payload.data)[4];
	bool is_good = memcmp(payload.data, "LCE1", 4) == 0 && take_bytes(&left, &id);

	if (tag == RECEIVED)
		is_good = is_good && take_number(&left, 8, &number);
	if (tag == STEP)
		is_good = is_good && take_number(&left, 4, &number) && take_bytes(&left, &bytes);
	decoding->is_good = decoding->is_good && is_good && left.size == 0;
	decoding->events++;
	decoding->bytes += id.size + bytes.size + number;
}

/* --- logs ------------------------------------------------------------------------------------- */

static struct reprise_log *
open_log(const char *name, reprise_durability durability)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = scratch_path(name),
							    .durability = durability };
	struct reprise_log *log = NULL;

	if (reprise_log_sqlite_open(&options, &log, NULL) != REPRISE_OK)
		harness_die("the log cannot be opened");
	return log;
}

/*
 * A log with the first events of each message, in their order; a message is worked after the other.
 */
static void
make_log(const char *name, uint64_t messages, unsigned int events_each)
{
	static unsigned char bytes[APPEND_MAX][EVENT_BYTES_MAX];
	static struct reprise_log_new_entry entries[APPEND_MAX];
	struct reprise_log *const log = open_log(name, REPRISE_WRITTEN);
	size_t count = 0;

	for (uint64_t i = 0; i < messages * events_each; i++) {
		const size_t size =
			encode(bytes[count], i / events_each, (unsigned int)(i % events_each));

		entries[count].payload = (struct reprise_bytes){ bytes[count], size };
		count++;
		if (count < APPEND_MAX && i + 1 < messages * events_each)
			continue;
		if (reprise_log_append(log, &key, NULL, entries, count, NULL, NULL) != REPRISE_OK)
			harness_die("the log cannot be written");
		count = 0;
	}
	reprise_log_close(log);
}

static struct reprise_conversation *
open_conversation(struct reprise_log *log)
{
	struct reprise_conversation *conversation = NULL;

	if (reprise_conversation_new(log, &key, NULL, &conversation, NULL) != REPRISE_OK ||
	    reprise_conversation_recover(conversation, NULL) != REPRISE_OK)
		harness_die("the conversation cannot be recovered");
	return conversation;
}

static void
print(struct harness *harness, struct result *result, const char *parameters)
{
	snprintf(result->parameters, sizeof(result->parameters), "%s,\"on\":\"%s\"", parameters,
		 scratch_system());
	result_print(harness, result);
}

static void
print_ratio(struct harness *harness, struct result *result, const char *parameters,
	    const double *ours, const double *theirs)
{
	double ratios[RUNS_MAX];

	for (size_t i = 0; i < result->runs; i++)
		ratios[i] = ours[i] / theirs[i];
	result->unit = "ratio";
	result->values = ratios;
	result->ns = median_of(ours, result->runs);
	result->over_ns = median_of(theirs, result->runs);
	result->goal_is = GOAL_AT_MOST;
	print(harness, result, parameters);
}

/* --- recovering ------------------------------------------------------------------------------- */

static double
recover_ours(struct harness *harness, const char *name, uint64_t events)
{
	struct reprise_log *const log = open_log(name, REPRISE_WRITTEN);
	const uint64_t begin = now_ns();
	struct reprise_conversation *const conversation = open_conversation(log);
	const uint64_t ns = now_ns() - begin;

	if (reprise_conversation_expected_sequence(conversation) != events)
		harness->is_broken = true;
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	return (double)ns / (double)events;
}

static double
recover_theirs(struct harness *harness, const char *name, uint64_t events)
{
	struct bare *const bare = bare_open_log(name);
	struct decoding decoding = { .is_good = true };
	const uint64_t begin = now_ns();

	(void)bare_each(bare, decode, &decoding);
	const uint64_t ns = now_ns() - begin;

	if (!decoding.is_good || decoding.events != events)
		harness->is_broken = true;
	bare_close(bare);
	return (double)ns / (double)events;
}

static void
measure_recovering(struct harness *harness)
{
	static const char name[] = "conversation.recover";
	const uint64_t messages = harness->is_quick ? 10 * 1000 : 100 * 1000;
	const uint64_t events = messages * EVENTS_PER_MESSAGE;
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	struct result result = { .name = "conversation-recover", .goal = 1.5 };
	char parameters[64];

	make_log(name, messages, EVENTS_PER_MESSAGE);
	(void)recover_ours(harness, name, events);
	(void)recover_theirs(harness, name, events);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		ours[result.runs] = recover_ours(harness, name, events);
		theirs[result.runs] = recover_theirs(harness, name, events);
	}
	snprintf(parameters, sizeof(parameters), "\"events\":%llu", (unsigned long long)events);
	if (result.runs > 0)
		print_ratio(harness, &result, parameters, ours, theirs);
	scratch_remove(name);
}

/* --- recovering from a snapshot --------------------------------------------------------------- */

enum {
	REMEMBERED = 500, /* messages, in every state */
	SINCE = 500,      /* events since the snapshot */
	RECOVERIES = 5,   /* of each in a run */
	HISTORIES = 3,    /* of these lengths */
};

struct history {
	const char *name;
	uint64_t messages;
	uint64_t events;
	double ns[RUNS_MAX]; /* a recovery's */
};

/*
 * The messages before the last ones are forgotten, so that the state is as large whatever the
 * history's length. Plots what a recovery costs before there is a snapshot.
 */
static void
make_history(struct harness *harness, struct history *history)
{
	struct reprise_conversation *conversation = NULL;
	const uint64_t events = history->messages * EVENTS_PER_MESSAGE;

	make_log(history->name, history->messages, EVENTS_PER_MESSAGE);
	plot_point(harness, "recovery", "first_event", (double)events,
		   (double)events * recover_ours(harness, history->name, events) / 1e6);
	struct reprise_log *const log = open_log(history->name, REPRISE_WRITTEN);

	if (reprise_conversation_new(log, &key, NULL, &conversation, NULL) != REPRISE_OK)
		harness_die("the conversation cannot be opened");
	(void)reprise_conversation_forget(conversation,
					  RECEIVED_MS + history->messages - REMEMBERED);
	if (reprise_conversation_recover(conversation, NULL) != REPRISE_OK ||
	    reprise_conversation_snapshot(conversation, NULL) != REPRISE_OK)
		harness_die("no snapshot can be taken");
	for (int i = 0; i < SINCE; i++)
		if (reprise_conversation_record_processing_started(conversation, "message 1",
								   NULL) != REPRISE_OK)
			harness_die("an event cannot be recorded");
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	history->events = events + SINCE;
}

/* One run: several recoveries of each history, in turn. */
static void
recover_histories(struct harness *harness, struct history *histories, size_t run)
{
	double ns[HISTORIES][RECOVERIES];

	for (int i = 0; i < RECOVERIES; i++)
		for (int j = 0; j < HISTORIES; j++)
			ns[j][i] = (double)histories[j].events *
				   recover_ours(harness, histories[j].name, histories[j].events);
	for (int j = 0; j < HISTORIES; j++)
		histories[j].ns[run] = median_of(ns[j], RECOVERIES);
}

static void
measure_snapshots(struct harness *harness)
{
	struct history histories[HISTORIES] = {
		{ .name = "conversation.few", .messages = 1000 },
		{ .name = "conversation.some", .messages = harness->is_quick ? 3000 : 10 * 1000 },
		{ .name = "conversation.many",
		  .messages = harness->is_quick ? 10 * 1000 : 100 * 1000 },
	};
	struct history *const few = &histories[0], *const many = &histories[HISTORIES - 1];
	struct result result = { .name = "conversation-recover-snapshot", .goal = 1.2 };
	char parameters[64];

	plot_begin(harness, "recovery");
	for (int i = 0; i < HISTORIES; i++)
		make_history(harness, &histories[i]);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++)
		recover_histories(harness, histories, result.runs);
	snprintf(parameters, sizeof(parameters), "\"events\":%llu,\"over events\":%llu",
		 (unsigned long long)(many->messages * EVENTS_PER_MESSAGE),
		 (unsigned long long)(few->messages * EVENTS_PER_MESSAGE));
	if (result.runs > 0)
		print_ratio(harness, &result, parameters, many->ns, few->ns);
	for (int i = 0; i < HISTORIES; i++) {
		if (result.runs > 0)
			plot_point(harness, "recovery", "snapshot", (double)histories[i].events,
				   median_of(histories[i].ns, result.runs) / 1e6);
		scratch_remove(histories[i].name);
	}
}

/* --- recording -------------------------------------------------------------------------------- */

/* Conversation and table, each in a file of its own; steps of one message, in turn. */
static void
measure_recording_steps(struct harness *harness, reprise_durability durability, uint64_t steps)
{
	static const char our_name[] = "conversation.record", their_name[] = "conversation.bare";
	const struct reprise_bytes bytes = { output, sizeof(output) };
	unsigned char event[EVENT_BYTES_MAX];
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	struct result result = { .name = "conversation-record", .goal = 1.2 };
	struct reprise_log *const log = open_log(our_name, durability);
	struct reprise_conversation *const conversation = open_conversation(log);
	struct bare *const bare = bare_open(their_name, durability == REPRISE_SYNCED);
	const struct reprise_bytes row = { event, encode(event, 1, 2) };
	uint64_t position = 0;

	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		uint64_t begin = now_ns();

		for (uint64_t i = 0; i < steps; i++)
			if (reprise_conversation_record_step_completed(conversation, "message 1",
								       (uint32_t)i, bytes,
								       NULL) != REPRISE_OK)
				harness_die("a step cannot be recorded");
		ours[result.runs] = (double)(now_ns() - begin) / (double)steps;
		begin = now_ns();
		for (uint64_t i = 0; i < steps; i++)
			bare_put(bare, ++position, row);
		theirs[result.runs] = (double)(now_ns() - begin) / (double)steps;
	}
	if (result.runs > 0)
		print_ratio(harness, &result,
			    durability == REPRISE_SYNCED ? "\"durability\":\"synced\""
							 : "\"durability\":\"written\"",
			    ours, theirs);
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	bare_close(bare);
	scratch_remove(our_name);
	scratch_remove(their_name);
}

/* --- deciding --------------------------------------------------------------------------------- */

static double
decide_once(struct harness *harness, struct reprise_conversation *conversation, char *ids)
{
	struct reprise_decision decision;
	uint64_t random = now_ns() | 1;

	for (size_t i = 0; i < LOOKUPS; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		snprintf(ids + i * ID_BYTES, ID_BYTES, "message %llu",
			 (unsigned long long)(random % KNOWN));
	}
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < LOOKUPS; i++)
		if (reprise_conversation_receive_message(conversation, ids + i * ID_BYTES, 0,
							 &decision, NULL) != REPRISE_OK ||
		    decision.type != REPRISE_DECISION_RESUME_FROM)
			harness->is_broken = true;
	return (double)(now_ns() - begin) / LOOKUPS;
}

static void
measure_deciding(struct harness *harness)
{
	static const char name[] = "conversation.decide";
	double ours[RUNS_MAX];
	struct result result = { .name = "conversation-receive",
				 .unit = "ns",
				 .values = ours,
				 .goal_is = GOAL_AT_MOST,
				 .goal = 200 };
	char parameters[64];

	make_log(name, KNOWN, 1);
	struct reprise_log *const log = open_log(name, REPRISE_WRITTEN);
	struct reprise_conversation *const conversation = open_conversation(log);
	char *const ids = harness_allocate(LOOKUPS, ID_BYTES);

	(void)decide_once(harness, conversation, ids);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++)
		ours[result.runs] = decide_once(harness, conversation, ids);
	snprintf(parameters, sizeof(parameters), "\"messages\":%d", KNOWN);
	if (result.runs > 0)
		print(harness, &result, parameters);
	free(ids);
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	scratch_remove(name);
}

void
measure_conversation(struct harness *harness)
{
	measure_recovering(harness);
	measure_snapshots(harness);
	measure_recording_steps(harness, REPRISE_SYNCED, harness->is_quick ? 200 : 1000);
	measure_recording_steps(harness, REPRISE_WRITTEN, harness->is_quick ? 2000 : 10000);
	measure_deciding(harness);
}
