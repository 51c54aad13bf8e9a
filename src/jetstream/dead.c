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
write_digest(const struct fetched *fetched, struct reprise_bytes uid,
	     char ret_text[static DIGEST_ROOM])
{
	static const struct siphash_key keys[2] = { { { 1, 2 } }, { { 3, 4 } } };
	const struct reprise_bytes payload = fetched->payload;
	uint64_t words[4];

	for (size_t i = 0; i < 2; i++) {
		words[2 * i] = siphash(&keys[i], payload.data, payload.size);
		words[2 * i + 1] = siphash(&keys[i], fetched->subject, strlen(fetched->subject)) ^
				   siphash(&keys[1 - i], uid.data, uid.size);
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

/* Headers that the server would act on, or has added, are left out. */
static bool
is_copied(const char *name)
{
	return strncmp(name, "Nats-", strlen("Nats-")) != 0 && strcmp(name, HEADER_REASON) != 0 &&
	       strcmp(name, HEADER_SUBJECT) != 0 && strcmp(name, HEADER_TIME) != 0 &&
	       strcmp(name, HEADER_BLOCK) != 0;
}

/* Of lines that are no headers nothing is copied. */
static natsStatus
copy_headers(natsMsg *to, const struct fetched *fetched)
{
	struct reprise_bytes rest = fetched->headers, name, value;
	natsStatus status = NATS_OK;

	while (status == NATS_OK && headers_next(&rest, &name, &value)) {
		char *const text = malloc(name.size + value.size + 2);

		if (text == NULL)
			return NATS_NO_MEMORY;
		memcpy(text, name.data, name.size);
		text[name.size] = '\0';
		memcpy(text + name.size + 1, value.data, value.size);
		text[name.size + 1 + value.size] = '\0';
		if (is_copied(text))
			status = natsMsgHeader_Add(to, text, text + name.size + 1);
		/* A text that the library takes for no header is left out, too. */
		if (status == NATS_INVALID_ARG)
			status = NATS_OK;
		free(text);
	}
	return status;
}

/* A block that is not all headers, as it is. */
static natsStatus
copy_block(natsMsg *to, struct reprise_bytes block)
{
	char *const text = malloc(block.size / 3 * 4 + 5);

	if (text == NULL)
		return NATS_NO_MEMORY;
	headers_encode(block, text);
	const natsStatus status = natsMsgHeader_Set(to, HEADER_BLOCK, text);

	free(text);
	return status;
}

/*
 * The letter says more than the message did, and the server takes no more than max_payload.
 * The message's own headers are left out of a letter that would be too large, and then the end
 * of its payload.
 */
static natsStatus
make_letter(const struct reprise_jetstream *writer, const struct fetched *fetched,
	    const char *reason, natsMsg **ret_letter)
{
	const struct reprise_bytes payload = fetched->payload;
	const size_t most = load_relaxed(&writer->payload_max);
	const size_t frame = FRAME_BYTES + strlen(fetched->subject);
	const size_t kept = most > frame ? (size_t)least(payload.size, most - frame) : 0;
	const struct reprise_bytes block = fetched->headers;
	const bool has_headers = payload.size + frame + block.size <= most;
	const bool has_block = block.size > 0 && !headers_are_whole(block) &&
			       payload.size + frame + block.size * 3 <= most;
	char subject[2 * SUBJECT_ROOM], digest[DIGEST_ROOM], time[TIME_ROOM], words[REASON_ROOM];
	struct reprise_bytes uid;

	if (!fetched_header(fetched, HEADER_UID, &uid))
		uid = (struct reprise_bytes){ "", 0 };
	write_subject(writer, fetched->subject, subject, sizeof(subject));
	write_digest(fetched, uid, digest);
	snprintf(time, sizeof(time), "%llu", (unsigned long long)fetched->time_ms);
	snprintf(words, sizeof(words), kept < payload.size ? "%s; %zu bytes, cut" : "%s", reason,
		 payload.size);
	natsStatus status = natsMsg_Create(ret_letter, subject, NULL, payload.data, (int)kept);

	if (status == NATS_OK && has_headers)
		status = copy_headers(*ret_letter, fetched);
	if (status == NATS_OK && has_block)
		status = copy_block(*ret_letter, block);
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
	/*
	 * Without memory for a header, libnats 3.4 frees a value that the message still has:
	 * the message stays.
	 */
	if (made != NATS_NO_MEMORY)
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
