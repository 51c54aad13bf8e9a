/* SPDX-License-Identifier: MIT */
#include "jetstream/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/failure.h"
#include "jetstream/publish.h"
#include "jetstream/request.h"

enum {
	DIGEST_ROOM = 4 * 8 * 2 + 1,
	TIME_ROOM = 24,
	REASON_ROOM = 128,
	FRAME_BYTES = 512, /* more than the headers of a letter that has no others */
};

/* The keys are no secret: the digest tells messages apart that were published on purpose. */
static void
write_digest(const struct fetched *fetched, const char *uid, char ret_text[static DIGEST_ROOM])
{
	static const struct siphash_key keys[2] = { { { 1, 2 } }, { { 3, 4 } } };
	const struct reprise_bytes payload = payload_of(fetched->message);
	uint64_t words[4];

	for (size_t i = 0; i < 2; i++) {
		words[2 * i] = siphash(&keys[i], payload.data, payload.size);
		words[2 * i + 1] = siphash(&keys[i], fetched->subject, strlen(fetched->subject)) ^
				   siphash(&keys[1 - i], uid, strlen(uid));
	}
	snprintf(ret_text, DIGEST_ROOM, "%016llx%016llx%016llx%016llx",
		 (unsigned long long)words[0], (unsigned long long)words[1],
		 (unsigned long long)words[2], (unsigned long long)words[3]);
}

/* "<subject>-dead.<token>": the stream's subjects have a token there, be it an id or not. */
static void
write_subject(const struct reprise_jetstream *writer, const char *subject, char *ret_subject,
	      size_t room)
{
	const char *const token = subject + strlen(writer->settings.subject) + 1;
	const size_t bytes = strlen(token), end = strlen(".deltas");

	snprintf(ret_subject, room, "%s-dead.%.*s", writer->settings.subject,
		 bytes > end ? (int)(bytes - end) : 1, bytes > end ? token : "_");
}

/* What the server would act on is left out, and what it has added. */
static bool
is_copied(const char *name)
{
	return strncmp(name, "Nats-", strlen("Nats-")) != 0 && strcmp(name, HEADER_REASON) != 0 &&
	       strcmp(name, HEADER_SUBJECT) != 0 && strcmp(name, HEADER_TIME) != 0;
}

static natsStatus
copy_headers(natsMsg *to, natsMsg *from)
{
	const char **names = NULL;
	int count = 0;
	natsStatus status = natsMsgHeader_Keys(from, &names, &count);

	if (status != NATS_OK)
		return status == NATS_NOT_FOUND ? NATS_OK : status;
	for (int i = 0; i < count && status == NATS_OK; i++) {
		const char *value = NULL;

		if (!is_copied(names[i]))
			continue;
		status = natsMsgHeader_Get(from, names[i], &value);
		if (status == NATS_OK)
			status = natsMsgHeader_Set(to, names[i], value);
	}
	free((void *)names);
	return status;
}

static size_t
headers_bytes(natsMsg *message)
{
	const char **names = NULL;
	size_t bytes = 0;
	int count = 0;

	if (natsMsgHeader_Keys(message, &names, &count) != NATS_OK)
		return 0;
	for (int i = 0; i < count; i++) {
		const char *value = NULL;

		if (natsMsgHeader_Get(message, names[i], &value) == NATS_OK)
			bytes += strlen(names[i]) + strlen(value) + strlen(": \r\n");
	}
	free((void *)names);
	return bytes;
}

/*
 * The letter says more than the message did, and the server takes no more than max_payload. The message's own headers
 * are left out of a letter that would be too large, and then the end of its payload.
 */
static natsStatus
make_letter(const struct reprise_jetstream *writer, const struct fetched *fetched,
	    const char *reason, natsMsg **ret_letter)
{
	const struct reprise_bytes payload = payload_of(fetched->message);
	const size_t most = load_relaxed(&writer->payload_max);
	const size_t frame = FRAME_BYTES + strlen(fetched->subject);
	const size_t kept = most > frame ? (size_t)least(payload.size, most - frame) : 0;
	const bool has_headers = payload.size + frame + headers_bytes(fetched->message) <= most;
	char subject[2 * SUBJECT_ROOM], digest[DIGEST_ROOM], time[TIME_ROOM], words[REASON_ROOM];
	const char *uid = NULL;

	(void)natsMsgHeader_Get(fetched->message, HEADER_UID, &uid);
	write_subject(writer, fetched->subject, subject, sizeof(subject));
	write_digest(fetched, uid == NULL ? "" : uid, digest);
	snprintf(time, sizeof(time), "%llu", (unsigned long long)fetched->time_ms);
	snprintf(words, sizeof(words), kept < payload.size ? "%s; %zu bytes, cut" : "%s", reason,
		 payload.size);
	natsStatus status = natsMsg_Create(ret_letter, subject, NULL, payload.data, (int)kept);

	if (status == NATS_OK && has_headers)
		status = copy_headers(*ret_letter, fetched->message);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(*ret_letter, HEADER_MSG_ID, digest);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(*ret_letter, HEADER_REASON, words);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(*ret_letter, HEADER_SUBJECT, fetched->subject);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(*ret_letter, HEADER_TIME, time);
	return status;
}

reprise_status
dead_bury(struct reprise_jetstream *writer, const struct fetched *fetched, const char *reason,
	  uint64_t due_ns, bool *ret_is_new, struct reprise_error *error)
{
	natsMsg *letter = NULL;
	struct ack ack;
	const natsStatus made = make_letter(writer, fetched, reason, &letter);
	reprise_status status = made == NATS_OK ? publish(writer, letter, due_ns, &ack, error)
						: failure_tell(made, error);

	*ret_is_new = false;
	natsMsg_Destroy(letter);
	if (status != REPRISE_OK)
		return status;
	status = request_drop(writer, writer->settings.stream, fetched->sequence, due_ns, error);
	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	*ret_is_new = status == REPRISE_OK;
	if (status == REPRISE_OK)
		fetch_add_relaxed(&writer->counters.dead, 1);
	return status;
}
