/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

/*
 * Clients of a gateway, on blocking sockets: whole replies, and blocks of streams one by one. A
 * client that gets nothing for 10 s fails the test.
 */

#include <stddef.h>

#include "place.h"

struct client; /* a connection */

/* The texts end with a NUL, and are valid until the next call with the client. */
struct reply {
	int status;       /* 0: the connection was closed without a response */
	const char *head; /* with the status line and the empty line */
	const char *body; /* without the chunks' sizes */
	size_t body_size;
};

/* A block of a stream of events. A field that is not there is NULL. */
struct block {
	const char *raw; /* as sent, with the empty line */
	const char *event, *data, *id, *retry;
	const char *comment; /* the first one, behind its colon */
	char order[8];       /* the first letter of each field, in order; ':' of a comment */
};

struct client *client_open(struct place *place);
void client_close(struct client *client);
/* The two steps of client_open: a socket, and its connection. */
struct client *client_prepare(void);
void client_connect(struct client *client, struct place *place);
/* Closes by a reset: a client that closes in order may still read. */
void client_reset(struct client *client);
/* Sends nothing more. */
void client_half_close(struct client *client);
/* A client that is gone: what is sent then is dropped. */
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const void *bytes, size_t size);
/*
 * Sends a request with its head and body. @fields are whole lines, each with its CR and LF; NULL:
 * none. @body NULL: no body.
 */
void client_request(struct client *client, const char *method, const char *target,
		    const char *fields, const char *body);
/* The next whole reply. */
struct reply client_receive(struct client *client);
/* The next reply, or the part before the connection was cut. */
struct reply client_receive_cut(struct client *client, bool *ret_is_cut);
/* Before client_connect: the client takes a few KiB ahead of its reads, and no more. */
void client_take_little(struct client *client);
/* Whether bytes, or the connection's end, come within @ms. */
bool client_hears(struct client *client, int ms);

/* One request on a connection of its own. The reply is valid until the next such call. */
struct reply ask(struct place *place, const char *method, const char *target, const char *fields,
		 const char *body);
struct reply ask_bytes(struct place *place, const char *target, const char *fields,
		       const void *body, size_t body_size);
/* Appends JSON, and expects 200. */
struct reply post(struct place *place, const char *session_id, const char *json);

/* The value of a field, valid until the next such call; NULL if there is none. */
const char *reply_field(const struct reply *reply, const char *name);
/* A number or text of a JSON object of the gateway's, by the member's name; fails without one. */
uint64_t json_number(const char *body, const char *name);
const char *json_text(const char *body, const char *name); /* valid until the next such call */
/* Expects the status, and in the body the error's code. */
void expect_error(const struct reply *reply, int status, const char *code);

/* Begins a stream of events, and expects 200 and the type. */
struct client *stream_open(struct place *place, const char *target, const char *fields);
/* The same by another method. */
struct client *stream_ask(struct place *place, const char *method, const char *target,
			  const char *fields, const char *body);
/* The same on an open client. */
void stream_begin(struct client *client, const char *target, const char *fields);
/* The next block within @ms. False: none, or the stream is over. */
bool stream_next(struct client *client, int ms, struct block *ret_block);
/* The next block that is not a comment alone, within 10 s. */
struct block stream_expect(struct client *client, const char *event);
/* Whether the stream has ended, in order. */
bool stream_is_over(const struct client *client);

#endif /* GATEWAY_CLIENT_H */
