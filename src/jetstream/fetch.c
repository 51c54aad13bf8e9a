/* SPDX-License-Identifier: MIT */
#include "jetstream/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/failure.h"
#include "jetstream/request.h"

/*
 * A get names a subject and a sequence, and is answered with the first message from there on. One
 * get at a time costs a round trip for each message. So several are sent at once, for sequences
 * that follow each other: together they are answered with every message among these sequences, and
 * with the first one behind them. How many are sent at once follows how many different messages the
 * last ones have brought, and how large these were: many while one run has the stream for itself or
 * shares it with few others, one while the messages of many documents alternate.
 */
enum {
	BATCH_MAX = 128,
	/*
	 * One of so many gets brings another message: a get costs the server less than
	 * a round trip.
	 */
	HITS_MIN = 16,
	BATCH_BYTES_MAX =
		24 << 20,      /* of answers on their way, if all messages are as large as can be */
	BATCH_BYTES = 1 << 20, /* if they are as large as the last ones */
	LAG_MS = 5,
};

/* Gets for `count` sequences from `first` on, and their answers. */
struct batch {
	uint64_t first;
	size_t count;
	natsMsg *answers[BATCH_MAX];
	uint64_t sequences[BATCH_MAX]; /* of the messages in the answers; 0: there is none */
	size_t found[BATCH_MAX]; /* which answers are the messages in their order, each once */
	size_t found_count;
	bool is_last; /* there is no message behind them */
};

/*
 * A conversation of gets: an inbox for all but the last get of each batch, which libnats sends at
 * once with its own.
 */
struct gets {
	struct reprise_jetstream *writer;
	char stream_subject[64 + DEAD_NAME_ROOM];
	char quoted[2 * SUBJECT_ROOM];
	natsInbox *inbox;
	size_t inbox_bytes;
	natsSubscription *replies;
	uint64_t due_ns;
};

static void
gets_open(struct gets *gets, struct reprise_jetstream *writer, const struct fetching *fetching)
{
	*gets = (struct gets){ .writer = writer, .due_ns = writer_due(writer) };
	snprintf(gets->stream_subject, sizeof(gets->stream_subject), "$JS.API.STREAM.MSG.GET.%s",
		 fetching->stream);
	request_quote(fetching->subject, gets->quoted);
}

/* Most fetches find a message or two: the inbox is made for those that find more. */
static reprise_status
gets_listen(struct gets *gets, struct reprise_error *error)
{
	char subject[INBOX_ROOM + 2];
	natsStatus status = NATS_OK;

	if (gets->replies != NULL)
		return REPRISE_OK;
	if (gets->inbox == NULL)
		status = natsInbox_Create(&gets->inbox);
	if (status == NATS_OK) {
		gets->inbox_bytes = strlen(gets->inbox);
		snprintf(subject, sizeof(subject), "%s.*", gets->inbox);
		status = natsConnection_SubscribeSync(&gets->replies, gets->writer->connection,
						      subject);
	}
	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(gets->replies, -1, -1);
	return status == NATS_OK ? REPRISE_OK : failure_tell(status, error);
}

static void
gets_close(struct gets *gets)
{
	natsSubscription_Destroy(gets->replies);
	natsInbox_Destroy(gets->inbox);
}

static size_t
write_get(const struct gets *gets, uint64_t sequence, char ret_json[static REQUEST_ROOM])
{
	return (size_t)snprintf(ret_json, REQUEST_ROOM, "{\"seq\":%llu,\"next_by_subj\":%s}",
				(unsigned long long)sequence, gets->quoted);
}

/* The answer's subject ends with the sequence that was asked for. */
static reprise_status
send_get(const struct gets *gets, uint64_t sequence, struct reprise_error *error)
{
	char json[REQUEST_ROOM], reply[INBOX_ROOM + 24];
	const size_t bytes = write_get(gets, sequence, json);

	snprintf(reply, sizeof(reply), "%s.%llu", gets->inbox, (unsigned long long)sequence);
	const natsStatus status = natsConnection_PublishRequest(
		gets->writer->connection, gets->stream_subject, reply, json, (int)bytes);

	return status == NATS_OK ? REPRISE_OK : failure_tell(status, error);
}

/* The answer is owned. */
static reprise_status
ask_get(const struct gets *gets, const char *json, natsMsg **ret_answer,
	struct reprise_error *error)
{
	natsMsg *message = NULL;
	const natsStatus made =
		natsMsg_Create(&message, gets->stream_subject, NULL, json, (int)strlen(json));

	if (made != NATS_OK)
		return failure_tell(made, error);
	const reprise_status status =
		request_send(gets->writer, message, gets->due_ns, ret_answer, error);

	natsMsg_Destroy(message);
	return status;
}

static void
batch_free(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		natsMsg_Destroy(batch->answers[i]);
	batch->count = 0;
}

static reprise_status
keep(struct batch *batch, size_t i, natsMsg *answer, struct reprise_error *error)
{
	batch->answers[i] = answer;
	const reprise_status status = fetched_look(payload_of(answer), &batch->sequences[i], error);

	if (status != REPRISE_OK || batch->sequences[i] == 0 ||
	    batch->sequences[i] >= batch->first + i)
		return status;
	return failure_tell_garbled("the server answered with another message", error);
}

/* Waits for the answer to one of the gets that were sent. */
static reprise_status
take_answer(const struct gets *gets, struct batch *batch, struct reprise_error *error)
{
	for (;;) {
		natsMsg *answer = NULL;
		const int64_t left_ms = ms_until(gets->due_ns);
		const natsStatus got =
			natsSubscription_NextMsg(&answer, gets->replies, left_ms > 0 ? left_ms : 1);

		if (got != NATS_OK)
			return failure_tell(got, error);
		const char *const token = natsMsg_GetSubject(answer) + gets->inbox_bytes + 1;
		const uint64_t i = strtoull(token, NULL, 10) - batch->first;

		if (i + 1 < batch->count && batch->answers[i] == NULL)
			return keep(batch, (size_t)i, answer, error);
		natsMsg_Destroy(answer);
	}
}

/* The answers to the gets behind agree with the one to get @i. */
static bool
is_confirmed(const struct batch *batch, size_t i)
{
	const uint64_t found = batch->sequences[i];

	for (size_t j = i + 1; j < batch->count; j++) {
		if (found == 0 && batch->sequences[j] != 0)
			return false;
		if (found != 0 && batch->first + j <= found && batch->sequences[j] < found)
			return false;
	}
	return true;
}

/*
 * Follows the answers: each says where the next message is to be looked for. A change of the
 * stream's leader, or a purge, may come between two answers: messages behind an answer that other
 * answers contradict are left, and asked for again.
 */
static void
follow(struct batch *batch)
{
	size_t i = 0;

	while (i < batch->count && is_confirmed(batch, i)) {
		const uint64_t found = batch->sequences[i];

		batch->is_last = found == 0;
		if (found == 0)
			return;
		batch->found[batch->found_count++] = i;
		if (found - batch->first >= batch->count)
			return;
		i = (size_t)(found - batch->first) + 1;
	}
}

/* Gets from @first on, for @count sequences. batch_free follows in any case. */
static reprise_status
get_batch(struct gets *gets, uint64_t first, size_t count, struct batch *batch,
	  struct reprise_error *error)
{
	char json[REQUEST_ROOM];
	natsMsg *answer = NULL;
	reprise_status status = count > 1 ? gets_listen(gets, error) : REPRISE_OK;

	*batch = (struct batch){ .first = first, .count = count };
	for (size_t i = 0; i + 1 < count && status == REPRISE_OK; i++)
		status = send_get(gets, first + i, error);
	(void)write_get(gets, first + count - 1, json);
	if (status == REPRISE_OK)
		status = ask_get(gets, json, &answer, error);
	if (status == REPRISE_OK)
		status = keep(batch, count - 1, answer, error);
	for (size_t i = 0; i + 1 < count && status == REPRISE_OK; i++)
		status = take_answer(gets, batch, error);
	if (status == REPRISE_OK)
		follow(batch);
	return status;
}

/* How many gets follow a batch. */
static size_t
next_count(const struct gets *gets, const struct batch *batch)
{
	const uint64_t payload_max = load_relaxed(&gets->writer->payload_max);
	uint64_t largest = 1, count = greatest(1, batch->count / 2);

	for (size_t i = 0; i < batch->found_count; i++)
		largest = greatest(largest, payload_of(batch->answers[batch->found[i]]).size);
	if (batch->found_count == 0)
		return 1;
	if (HITS_MIN * batch->found_count > batch->count)
		count = 2 * batch->count;
	count = least(count, least(BATCH_MAX, BATCH_BYTES / largest));
	return (size_t)greatest(1, least(count, BATCH_BYTES_MAX / greatest(payload_max, 1)));
}

/* A fetch, and how far it is. */
struct walk {
	const struct fetching *fetching;
	struct gets gets;
	struct batch batch;
	uint64_t after, visited;
	fetch_visit visit;
	void *context;
	bool is_over;
};

static reprise_status
visit_batch(struct walk *walk, struct reprise_error *error)
{
	const struct batch *const batch = &walk->batch;
	const uint64_t began_ns = clock_ns();
	bool is_anew = false;

	for (size_t i = 0; i < batch->found_count && !walk->is_over; i++) {
		struct fetched fetched;

		walk->after = batch->sequences[batch->found[i]];
		walk->is_over = walk->after > walk->fetching->through;
		if (walk->is_over)
			break;
		const reprise_status status =
			fetched_read(payload_of(batch->answers[batch->found[i]]), &fetched, error);

		if (status != REPRISE_OK)
			return status;
		is_anew |= ++walk->visited % FETCH_MESSAGES_PER_DEADLINE == 0;
		walk->is_over = !walk->visit(&fetched, walk->context);
	}
	walk->gets.due_ns = is_anew ? writer_due(walk->gets.writer)
				    : walk->gets.due_ns + (clock_ns() - began_ns);
	return REPRISE_OK;
}

static void
pause_shortly(void)
{
	const struct timespec time = { .tv_nsec = LAG_MS * 1000000L };

	(void)nanosleep(&time, NULL);
}

/*
 * No message was found behind the last one. The end of a fetch that has a bound is proven: a leader
 * that was chosen just now may not have applied all yet.
 */
static reprise_status
prove_end(struct walk *walk, struct reprise_error *error)
{
	uint64_t last = 0;

	walk->is_over = true;
	if (walk->fetching->through == UINT64_MAX)
		return REPRISE_OK;
	const reprise_status status = request_last_sequence(
		walk->gets.writer, walk->fetching->subject, walk->gets.due_ns, &last, error);

	if (status != REPRISE_OK || last <= walk->after)
		return status;
	walk->is_over = false;
	if (ms_until(walk->gets.due_ns) == 0)
		return error_detailed(
			error, REPRISE_E_IO, "server",
			"the leader of the stream lacked the newest messages until the deadline");
	pause_shortly();
	return REPRISE_OK;
}

static reprise_status
run_walk(struct walk *walk, struct reprise_error *error)
{
	const uint64_t through = walk->fetching->through;
	reprise_status status = REPRISE_OK;
	size_t count = 1;

	while (status == REPRISE_OK && !walk->is_over && walk->after < through) {
		count = (size_t)least(count, through - walk->after);
		status = get_batch(&walk->gets, walk->after + 1, count, &walk->batch, error);
		if (status == REPRISE_OK) {
			count = next_count(&walk->gets, &walk->batch);
			status = visit_batch(walk, error);
		}
		if (status == REPRISE_OK && !walk->is_over && walk->batch.is_last &&
		    walk->after < through)
			status = prove_end(walk, error);
		batch_free(&walk->batch);
	}
	return status;
}

reprise_status
fetch_each(struct reprise_jetstream *writer, const struct fetching *fetching, fetch_visit visit,
	   void *context, struct reprise_error *error)
{
	struct walk *const walk = calloc(1, sizeof(*walk));

	if (walk == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	walk->fetching = fetching;
	walk->after = fetching->after;
	walk->visit = visit;
	walk->context = context;
	gets_open(&walk->gets, writer, fetching);
	const reprise_status status = run_walk(walk, error);

	gets_close(&walk->gets);
	free(walk);
	return status;
}

reprise_status
fetch_one(struct reprise_jetstream *writer, uint64_t sequence, uint64_t due_ns,
	  struct fetched *ret_fetched, struct reprise_error *error)
{
	const struct fetching fetching = { .stream = writer->settings.stream, .subject = "" };
	char json[REQUEST_ROOM];
	natsMsg *answer = NULL;
	uint64_t found = 0;
	struct gets gets;

	*ret_fetched = (struct fetched){ 0 };
	gets_open(&gets, writer, &fetching);
	gets.due_ns = due_ns;
	snprintf(json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)sequence);
	reprise_status status = ask_get(&gets, json, &answer, error);

	if (status == REPRISE_OK)
		status = fetched_look(payload_of(answer), &found, error);
	if (status == REPRISE_OK && found != 0)
		status = fetched_read(payload_of(answer), ret_fetched, error);
	natsMsg_Destroy(answer);
	return status;
}
