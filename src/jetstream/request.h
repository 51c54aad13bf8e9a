/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_REQUEST_H
#define JETSTREAM_REQUEST_H

/* One request to the server, and its answer. */

#include "jetstream/answer.h"
#include "jetstream/writer.h"

enum {
	REQUEST_ROOM = 2 * SUBJECT_ROOM + 128, /* of a request's JSON */
};

/*
 * Sends @message and waits for the answer. E_IO without a connection, and at @due_ns. The answer
 * is owned: natsMsg_Destroy.
 */
reprise_status request_send(struct reprise_jetstream *writer, natsMsg *message, uint64_t due_ns,
			    natsMsg **ret_reply, struct reprise_error *error);

/*
 * Asks the JetStream API: @what is the subject behind "$JS.API.", @json what is asked. A refusal is
 * REPRISE_OK, and in *ret_answer.
 */
reprise_status request_ask(struct reprise_jetstream *writer, const char *what, const char *json,
			   uint64_t due_ns, natsMsg **ret_reply, struct answer *ret_answer,
			   struct reprise_error *error);

/* The payload of a message. */
static inline struct reprise_bytes
payload_of(const natsMsg *message)
{
	return (struct reprise_bytes){ natsMsg_GetData(message),
				       (size_t)natsMsg_GetDataLength(message) };
}

/* Writes a JSON string with its quotes; a subject has nothing but '"' and '\' to escape. */
void request_quote(const char *subject, char ret_quoted[static 2 * SUBJECT_ROOM]);

/* The last sequence of a subject, 0: there is none; as the stream's leader knows it. */
reprise_status request_last_sequence(struct reprise_jetstream *writer, const char *subject,
				     uint64_t due_ns, uint64_t *ret_sequence,
				     struct reprise_error *error);
/* The last sequence of the whole stream. */
reprise_status request_newest(struct reprise_jetstream *writer, uint64_t due_ns,
			      uint64_t *ret_sequence, struct reprise_error *error);
/* Removes what a subject has below @before. */
reprise_status request_purge(struct reprise_jetstream *writer, const char *subject, uint64_t before,
			     uint64_t due_ns, struct reprise_error *error);
/* Removes one message. E_NOT_FOUND. */
reprise_status request_drop(struct reprise_jetstream *writer, const char *stream, uint64_t sequence,
			    uint64_t due_ns, struct reprise_error *error);

#endif /* JETSTREAM_REQUEST_H */
