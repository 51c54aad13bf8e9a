/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_CODEC_H
#define CONVERSATION_CODEC_H

/*
 * The events of a conversation, and their bytes (rules D01 and D02):
 *
 *    "LCE1"  tag u8  id           received_at_ms u64                 1 MessageReceived
 *                    id                                              2 ProcessingStarted
 *                    id           step u32            output         3 StepCompleted
 *                    id                                              4 ProcessingFinished
 *                    id           error text                         5 ErrorOccurred
 *
 * The fields are those of fields.h. An event has exactly one encoding, and the decoder
 * accepts nothing else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/conversation.h>

/* The values are the tags. */
enum conversation_event_type {
	CONVERSATION_MESSAGE_RECEIVED = 1,
	CONVERSATION_PROCESSING_STARTED,
	CONVERSATION_STEP_COMPLETED,
	CONVERSATION_PROCESSING_FINISHED,
	CONVERSATION_ERROR_OCCURRED,
};

/* Fields that an event of the type does not have are 0 after decoding, and ignored in encoding. */
struct conversation_event {
	enum conversation_event_type type;
	struct reprise_bytes id;         /* of the message; borrowed, as all bytes here */
	uint64_t received_at_ms;         /* MESSAGE_RECEIVED: since 1970, in UTC; any number */
	uint32_t step;                   /* STEP_COMPLETED: from 0 */
	struct reprise_bytes output;     /* STEP_COMPLETED: any bytes, or none */
	struct reprise_bytes error_text; /* ERROR_OCCURRED: valid UTF-8, NUL included, or none */
};

/* Whether @id is 1 to REPRISE_MESSAGE_ID_BYTES_MAX bytes of valid UTF-8 without NUL. */
bool conversation_id_is_valid(struct reprise_bytes id);

/* NULL if @event can be encoded; else the field that is out of its range, in words. */
const char *codec_event_fault(const struct conversation_event *event);

/* The size of the encoding; SIZE_MAX if a size_t cannot hold it. @event has no fault. */
size_t codec_event_bytes(const struct conversation_event *event);

/* Writes codec_event_bytes(@event) bytes. Deterministic. @event has no fault. */
void codec_encode_event(const struct conversation_event *event, unsigned char *to);

/*
 * @ret_event  Set on REPRISE_OK: an event without a fault, whose bytes are borrowed from @from.
 * @ret_fault  Set on failure: what is wrong, in words.
 *
 * Returns     REPRISE_OK         encoding the event gives the same bytes again
 *             REPRISE_E_CORRUPT  no event is encoded so
 */
reprise_status codec_decode_event(struct reprise_bytes from, struct conversation_event *ret_event,
				  const char **ret_fault) REPRISE_MUST_USE;

#endif /* CONVERSATION_CODEC_H */
