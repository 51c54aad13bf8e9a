/* SPDX-License-Identifier: MIT */
#include "jetstream/publish.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "jetstream/failure.h"

enum {
	MSG_ID_ROOM = REPRISE_THREAD_UID_BYTES + 1 + THREAD_DELTA_ID_ROOM,
	NUMBER_ROOM = 24,
};

/* Of the headers together: the first line, and an empty one at the end. */
static const size_t frame_bytes = sizeof("NATS/1.0\r\n\r\n") - 1;

static size_t
header_bytes(const char *name, const char *value)
{
	return strlen(name) + strlen(value) + strlen(": \r\n");
}

reprise_status
publication_make(const struct reprise_jetstream *writer, const struct publication *publication,
		 natsMsg **ret_message, struct reprise_error *error)
{
	const struct thread_delta_facts *const facts = publication->facts;
	char msg_id[MSG_ID_ROOM], version[NUMBER_ROOM], last[NUMBER_ROOM];
	natsMsg *message = NULL;

	/* Ids are the stream's: the same delta id on two documents is two deltas. */
	snprintf(msg_id, sizeof(msg_id), "%s/%s", publication->uid, facts->id);
	snprintf(version, sizeof(version), "%llu", (unsigned long long)publication->version);
	snprintf(last, sizeof(last), "%llu", (unsigned long long)publication->last_sequence);
	size_t bytes = facts->json.size + frame_bytes + header_bytes(HEADER_MSG_ID, msg_id) +
		       header_bytes(HEADER_UID, publication->uid) +
		       header_bytes(HEADER_VERSION, version);

	if (publication->expects)
		bytes += header_bytes(HEADER_LAST, last);
	if (bytes > load_relaxed(&writer->payload_max))
		return error_detailed(error, REPRISE_E_TOO_LARGE, "delta",
				      "larger than the server's max_payload");
	natsStatus status = natsMsg_Create(&message, publication->subject, publication->reply,
					   facts->json.data, (int)facts->json.size);

	if (status == NATS_OK)
		status = natsMsgHeader_Set(message, HEADER_MSG_ID, msg_id);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(message, HEADER_UID, publication->uid);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(message, HEADER_VERSION, version);
	if (status == NATS_OK && publication->expects)
		status = natsMsgHeader_Set(message, HEADER_LAST, last);
	if (status == NATS_OK) {
		*ret_message = message;
		return REPRISE_OK;
	}
	/*
	 * Without memory for a header, libnats 3.4 frees a value that the message still has:
	 * the message stays.
	 */
	if (status != NATS_NO_MEMORY)
		natsMsg_Destroy(message);
	return failure_tell(status, error);
}

reprise_status
ack_read(natsMsg *reply, struct ack *ret_ack, struct reprise_error *error)
{
	const struct reprise_bytes json = payload_of(reply);
	struct answer answer;

	*ret_ack = (struct ack){ 0 };
	if (natsMsg_IsNoResponders(reply))
		return failure_tell(NATS_NO_RESPONDERS, error);
	answer_read(json, &answer);
	ret_ack->code = answer.code;
	if (answer.code != 0)
		return failure_tell_refusal(&answer, error);
	if (!answer_number(json, "seq", &ret_ack->sequence) || ret_ack->sequence == 0)
		return failure_tell_garbled("the ack has no sequence", error);
	ret_ack->is_duplicate = answer_is_true(json, "duplicate");
	return REPRISE_OK;
}

reprise_status
publish(struct reprise_jetstream *writer, natsMsg *message, uint64_t due_ns, struct ack *ret_ack,
	struct reprise_error *error)
{
	natsMsg *reply = NULL;
	reprise_status status = request_send(writer, message, due_ns, &reply, error);

	*ret_ack = (struct ack){ 0 };
	if (status == REPRISE_OK) {
		status = ack_read(reply, ret_ack, error);
		natsMsg_Destroy(reply);
	}
	return status;
}
