/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_MESSAGE_H
#define JETSTREAM_MESSAGE_H

/* A message of a stream, as the server's JetStream API answers it. */

#include <string.h>

#include "jetstream/writer.h"

struct fetched {
	char *memory;      /* owned: fetched_free; NULL: there is no message */
	uint64_t sequence; /* this one, the time and the subject are the server's words */
	uint64_t time_ms;  /* since 1970, on the server's clock, when it was stored */
	const char *subject;
	struct reprise_bytes payload;
	struct reprise_bytes headers; /* the publisher's block, whatever it is */
};

/*
 * Reads the answer to STREAM.MSG.GET without its contents: *ret_sequence is 0 if there is no such
 * message. A refusal and an answer of another shape are failures.
 */
reprise_status fetched_look(struct reprise_bytes answer, uint64_t *ret_sequence,
			    struct reprise_error *error);
/* Reads an answer that has a message. */
reprise_status fetched_read(struct reprise_bytes answer, struct fetched *ret_fetched,
			    struct reprise_error *error);
void fetched_free(struct fetched *fetched);

/*
 * The next header of a block that begins as the protocol says; lines that are no headers are passed
 * over. *rest is the block at first. False: no more.
 */
bool headers_next(struct reprise_bytes *rest, struct reprise_bytes *ret_name,
		  struct reprise_bytes *ret_value);
/* Whether the block is nothing but headers, as the protocol says. */
bool headers_are_whole(struct reprise_bytes block);
/* In base64, with a zero; there is room for 4 bytes for each 3 that are begun, and the zero. */
void headers_encode(struct reprise_bytes block, char *ret_text);
/* The first header of that name. False: there is none. */
bool fetched_header(const struct fetched *fetched, const char *name,
		    struct reprise_bytes *ret_value);
/* 0: no such header, or no number. */
uint64_t fetched_number(const struct fetched *fetched, const char *name);
/*
 * Ends a value with a zero, in the message's own memory: no header behind it is found afterwards.
 */
const char *fetched_end(struct fetched *fetched, struct reprise_bytes value);

static inline bool
bytes_are(struct reprise_bytes bytes, const char *text)
{
	return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

#endif /* JETSTREAM_MESSAGE_H */
