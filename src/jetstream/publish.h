/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_PUBLISH_H
#define JETSTREAM_PUBLISH_H

/* A delta as a message of the stream, and the server's ack. */

#include "jetstream/request.h"
#include "thread/run.h"

/* Headers of a delta. */
#define HEADER_UID     "Reprise-Uid"
#define HEADER_VERSION "Reprise-Version"
/* Headers of a dead letter. */
#define HEADER_REASON  "Reprise-Reason"
#define HEADER_SUBJECT "Reprise-Subject"
#define HEADER_TIME    "Reprise-Time"
#define HEADER_BLOCK   "Reprise-Headers" /* those that could not be read, in base64 */
/* The server's. */
#define HEADER_MSG_ID "Nats-Msg-Id"
#define HEADER_LAST   "Nats-Expected-Last-Subject-Sequence"

struct publication {
	const char *subject;
	const char *reply; /* or NULL */
	const char *uid;
	const struct thread_delta_facts *facts;
	uint64_t version;
	bool expects;           /* the server is to refuse it unless.. */
	uint64_t last_sequence; /* ..this is the last sequence of the subject */
};

/* E_TOO_LARGE if it is more than the server takes. The message is owned. */
reprise_status publication_make(const struct reprise_jetstream *writer,
				const struct publication *publication, natsMsg **ret_message,
				struct reprise_error *error);

struct ack {
	uint64_t sequence;
	bool is_duplicate;
	uint32_t code; /* of a refusal; 0: there is none */
};

/* A refusal sets the code, and is told as a failure. */
reprise_status ack_read(natsMsg *reply, struct ack *ret_ack, struct reprise_error *error);

/* Publishes, and waits for the ack. */
reprise_status publish(struct reprise_jetstream *writer, natsMsg *message, uint64_t due_ns,
		       struct ack *ret_ack, struct reprise_error *error);

#endif /* JETSTREAM_PUBLISH_H */
