/* SPDX-License-Identifier: MIT */
#include "jetstream/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/failure.h"
#include "jetstream/request.h"

/*
 * A get names a subject and a sequence, and is answered with the first message from there on. One get at a time costs a
 * round trip for each message. So several are sent at once, for sequences that follow each other: together they are
 * answered with every message among these sequences, and with the first one behind them. How many are sent at once
 * follows how many different messages the last ones have brought: many while one run has the stream for itself or shares it
 * with few others, one while the messages of many documents alternate.
 */
enum {
	BATCH_MAX = 128,
	HITS_MIN =
		16, /* of so many gets one brings another message: a get costs the server less than a round trip */
};

struct batch {
	struct fetched found[BATCH_MAX]; /* in the order of their sequences, each once */
	size_t found_count;
	bool is_last; /* there is no message at the end of the batch, or behind it */
};

static void
batch_free(struct batch *batch, size_t from)
{
	for (size_t i = from; i < batch->found_count; i++)
		natsMsg_Destroy(batch->found[i].message);
	batch->found_count = 0;
}

/* Such as "2026-11-29T18:08:47.247523923Z". 0: it is another. */
static uint64_t
parse_time(const char *text)
{
	struct tm tm = { 0 };
	unsigned ms = 0, scale = 100;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	const time_t seconds = timegm(&tm);
	const char *at = strchr(text, '.');

	for (; at != NULL && at[1] >= '0' && at[1] <= '9' && scale > 0; at++, scale /= 10)
		ms += (unsigned)(at[1] - '0') * scale;
	return seconds < 0 ? 0 : (uint64_t)seconds * 1000 + ms;
}

/* Takes the reply. REPRISE_OK without a message: there is none. */
static reprise_status
read_reply(natsMsg *reply, struct fetched *ret_fetched, struct reprise_error *error)
{
	const char *status = NULL, *sequence = NULL, *time = NULL;

	*ret_fetched = (struct fetched){ 0 };
	/* The first one reads all headers; those that follow need no memory. */
	const natsStatus first = natsMsgHeader_Get(reply, "Nats-Sequence", &sequence);

	if (sequence != NULL) {
		(void)natsMsgHeader_Get(reply, "Nats-Time-Stamp", &time);
		(void)natsMsgHeader_Get(reply, "Nats-Subject", &ret_fetched->subject);
		ret_fetched->sequence = strtoull(sequence, NULL, 10);
		if (time != NULL)
			ret_fetched->time_ms = parse_time(time);
		ret_fetched->message = reply;
		/* The time is the last header: with it, all were read. */
		if (ret_fetched->subject != NULL && ret_fetched->sequence != 0 && time != NULL)
			return REPRISE_OK;
	}
	const natsStatus second = natsMsgHeader_Get(reply, "Status", &status);
	const bool is_none = status != NULL && strcmp(status, "404") == 0;

	ret_fetched->message = NULL;
	natsMsg_Destroy(reply);
	/* A reply has one or the other; libnats drops headers that it has no memory for. */
	if (first == NATS_NO_MEMORY || second == NATS_NO_MEMORY || status == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return is_none ? REPRISE_OK : failure_tell_garbled("a direct get is refused", error);
}

/* A conversation of gets: an inbox for all but the last get of each batch, which libnats sends at once with its own. */
struct gets {
	struct reprise_jetstream *writer;
	char stream_subject[64 + DEAD_NAME_ROOM];
	char quoted[2 * SUBJECT_ROOM];
	natsInbox *inbox;
	natsSubscription *replies;
};

static void
gets_open(struct gets *gets, struct reprise_jetstream *writer, const struct fetching *fetching)
{
	*gets = (struct gets){ .writer = writer };
	snprintf(gets->stream_subject, sizeof(gets->stream_subject), "$JS.API.DIRECT.GET.%s",
		 fetching->stream);
	request_quote(fetching->subject, gets->quoted);
}

/* Most fetches find a message or two: the inbox is made for those that find more. */
static reprise_status
gets_listen(struct gets *gets, struct reprise_error *error)
{
	natsStatus status = NATS_OK;

	if (gets->replies != NULL)
		return REPRISE_OK;
	if (gets->inbox == NULL)
		status = natsInbox_Create(&gets->inbox);
	if (status == NATS_OK)
		status = natsConnection_SubscribeSync(&gets->replies, gets->writer->connection,
						      gets->inbox);
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

static reprise_status
send_get(const struct gets *gets, uint64_t sequence, struct reprise_error *error)
{
	char json[REQUEST_ROOM];
	const size_t bytes = write_get(gets, sequence, json);
	const natsStatus status = natsConnection_PublishRequest(
		gets->writer->connection, gets->stream_subject, gets->inbox, json, (int)bytes);

	return status == NATS_OK ? REPRISE_OK : failure_tell(status, error);
}

static reprise_status
ask_get(const struct gets *gets, const char *json, uint64_t due_ns, struct fetched *ret_fetched,
	struct reprise_error *error)
{
	natsMsg *message = NULL, *reply = NULL;
	const natsStatus made =
		natsMsg_Create(&message, gets->stream_subject, NULL, json, (int)strlen(json));

	if (made != NATS_OK)
		return failure_tell(made, error);
	const reprise_status status = request_send(gets->writer, message, due_ns, &reply, error);

	natsMsg_Destroy(message);
	return status == REPRISE_OK ? read_reply(reply, ret_fetched, error) : status;
}

static void
keep(struct batch *batch, const struct fetched *fetched)
{
	if (fetched->message != NULL)
		batch->found[batch->found_count++] = *fetched;
	else
		batch->is_last = true;
}

static int
compare(const void *a, const void *b)
{
	const struct fetched *const left = a, *const right = b;

	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void
sort(struct batch *batch)
{
	size_t kept = 0;

	qsort(batch->found, batch->found_count, sizeof(batch->found[0]), compare);
	for (size_t i = 0; i < batch->found_count; i++) {
		if (kept > 0 && batch->found[kept - 1].sequence == batch->found[i].sequence)
			natsMsg_Destroy(batch->found[i].message);
		else
			batch->found[kept++] = batch->found[i];
	}
	batch->found_count = kept;
}

/* Gets from @first on, for @count sequences. */
static reprise_status
get_batch(struct gets *gets, uint64_t first, size_t count, uint64_t due_ns, struct batch *batch,
	  struct reprise_error *error)
{
	char json[REQUEST_ROOM];
	struct fetched fetched = { 0 };
	reprise_status status = count > 1 ? gets_listen(gets, error) : REPRISE_OK;

	batch->found_count = 0;
	batch->is_last = false;
	for (size_t i = 0; i + 1 < count && status == REPRISE_OK; i++)
		status = send_get(gets, first + i, error);
	(void)write_get(gets, first + count - 1, json);
	if (status == REPRISE_OK)
		status = ask_get(gets, json, due_ns, &fetched, error);
	if (status == REPRISE_OK)
		keep(batch, &fetched);
	for (size_t i = 0; i + 1 < count && status == REPRISE_OK; i++) {
		natsMsg *reply = NULL;
		const int64_t left_ms = ms_until(due_ns);
		const natsStatus got =
			natsSubscription_NextMsg(&reply, gets->replies, left_ms > 0 ? left_ms : 1);

		status = got == NATS_OK ? read_reply(reply, &fetched, error)
					: failure_tell(got, error);
		if (status == REPRISE_OK)
			keep(batch, &fetched);
	}
	if (status == REPRISE_OK)
		sort(batch);
	else
		batch_free(batch, 0);
	return status;
}

static size_t
next_count(size_t count, size_t found)
{
	if (HITS_MIN * found > count)
		return count < BATCH_MAX ? 2 * count : count;
	return found > 0 ? found : 1;
}

reprise_status
fetch_each(struct reprise_jetstream *writer, const struct fetching *fetching, fetch_visit visit,
	   void *context, struct reprise_error *error)
{
	uint64_t due_ns = writer_due(writer), after = fetching->after, visited = 0;
	size_t count = 1;
	struct gets gets;
	struct batch *const batch = malloc(sizeof(*batch));
	bool goes_on = true;
	reprise_status status = REPRISE_OK;

	if (batch == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	gets_open(&gets, writer, fetching);
	while (goes_on && after < fetching->through && status == REPRISE_OK) {
		count = (size_t)least(count, fetching->through - after);
		status = get_batch(&gets, after + 1, count, due_ns, batch, error);
		if (status != REPRISE_OK)
			break;
		count = next_count(count, batch->found_count);
		size_t i = 0;

		goes_on = !batch->is_last;
		for (; i < batch->found_count; i++) {
			after = batch->found[i].sequence;
			if (after > fetching->through || !visit(&batch->found[i], context)) {
				goes_on = false;
				i += after <= fetching->through;
				break;
			}
			if (++visited % FETCH_MESSAGES_PER_DEADLINE == 0)
				due_ns = writer_due(writer);
		}
		batch_free(batch, i);
	}
	gets_close(&gets);
	free(batch);
	return status;
}

reprise_status
fetch_one(struct reprise_jetstream *writer, uint64_t sequence, uint64_t due_ns,
	  struct fetched *ret_fetched, struct reprise_error *error)
{
	const struct fetching fetching = { .stream = writer->settings.stream, .subject = "" };
	char json[REQUEST_ROOM];
	struct gets gets;

	gets_open(&gets, writer, &fetching);
	snprintf(json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)sequence);
	return ask_get(&gets, json, due_ns, ret_fetched, error);
}
