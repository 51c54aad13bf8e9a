/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_RAW_H
#define JETSTREAM_RAW_H

/*
 * A client of the NATS library's own, beside the writer: it looks into streams, and puts there what
 * no writer would.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nats/nats.h>

#include <reprise/base.h>

struct raw {
	natsConnection *connection;
	jsCtx *js;
};

struct raw raw_open(const char *url);
void raw_close(struct raw *raw);

/* Publishes, with the headers that are not NULL. The sequence that the server answers. */
struct raw_headers {
	const char *message_id;
	const char *uid;
	const char *version;
	const char *other_name;
	const char *other_value;
};
uint64_t raw_publish(const struct raw *raw, const char *subject, const struct raw_headers *headers,
		     struct reprise_bytes payload);

/*
 * The same with a block of headers as it is given, by a socket of its own: the NATS library would
 * not send it. The payload is empty.
 */
void raw_publish_block(const char *url, const char *subject, const char *block);

struct raw_state {
	uint64_t messages;
	uint64_t first;
	uint64_t last;
};
struct raw_state raw_state(const struct raw *raw, const char *stream);
/* The settings, which jsStreamInfo_Destroy gives back. */
jsStreamInfo *raw_info(const struct raw *raw, const char *stream);

/* A message's header in a static buffer; NULL: there is no such message or header. */
const char *raw_header(const struct raw *raw, const char *stream, uint64_t sequence,
		       const char *name);
/* Its payload in a static buffer; NULL: there is no such message. */
const char *raw_payload(const struct raw *raw, const char *stream, uint64_t sequence);

void raw_delete(const struct raw *raw, const char *stream, uint64_t sequence);
void raw_delete_stream(const struct raw *raw, const char *stream);
void raw_add_stream(const struct raw *raw, jsStreamConfig *settings);

#endif /* JETSTREAM_RAW_H */
