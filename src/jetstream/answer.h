/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_ANSWER_H
#define JETSTREAM_ANSWER_H

/* Answers of the server's JetStream API: small JSON objects. */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/base.h>

enum {
	ANSWER_WORDS_BYTES = 128,
};

struct answer {
	bool is_whole;                  /* the bytes are a JSON object */
	uint32_t code;                  /* of the refusal, such as 10071; 0: none */
	char words[ANSWER_WORDS_BYTES]; /* of the refusal */
};

/* Reads the part that all answers have: the refusal, if there is one. */
void answer_read(struct reprise_bytes json, struct answer *ret_answer);

/*
 * The number at @path, names with dots between them, such as "state.last_seq"; false:
 * there is none.
 */
bool answer_number(struct reprise_bytes json, const char *path, uint64_t *ret_number);
/* Whether the value at @path is true. */
bool answer_is_true(struct reprise_bytes json, const char *path);

/*
 * A message of a stream in an answer, as it is written there: the subject with its escapes, the
 * rest in base64.
 */
struct answer_message {
	uint64_t sequence;
	struct reprise_bytes subject, headers, payload, time;
};

/* False: the answer has no message. */
bool answer_message(struct reprise_bytes json, struct answer_message *ret_message);

#endif /* JETSTREAM_ANSWER_H */
