/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_CALLS_H
#define GATEWAY_DURABLE_CALLS_H

/* Requests to durable streams. Each expects the status of success. */

#include "client.h"

#define STREAM     "/v1/stream/"
#define TEXT_TYPE  "Content-Type: text/plain\r\n"
#define JSON_TYPE  "Content-Type: application/json\r\n"
#define BYTES_TYPE "Content-Type: application/octet-stream\r\n"

/* @fields has the type, and maybe more; @body NULL: none. */
void put_stream(struct place *place, const char *id, const char *fields, const char *body);
void post_stream(struct place *place, const char *id, const char *fields, const char *body);
void post_bytes(struct place *place, const char *id, const void *bytes, size_t size);
void close_stream(struct place *place, const char *id);
void remove_stream(struct place *place, const char *id);

/* GET of the stream with a query, such as "?offset=-1", and expects the status. */
struct reply get_stream(struct place *place, const char *id, const char *query, int status);
/* The text of an offset; valid until the third call behind. */
const char *offset_text(uint64_t position);
/* Expects that Stream-Next-Offset is of the position. */
void expect_next(const struct reply *reply, uint64_t position);
/* Expects the value of a field; NULL: that there is none. */
void expect_field(const struct reply *reply, const char *name, const char *value);
void expect_body(const struct reply *reply, const char *body);
/* Archives the events of a session up to the position. */
void archive_stream(struct place *place, const char *id, uint64_t through);
/* Until the gateway has begun with so many requests: for 10 s. */
void await_requests(struct place *place, uint64_t count);

#endif /* GATEWAY_DURABLE_CALLS_H */
