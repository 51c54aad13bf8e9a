/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GATEWAY_DURABLE_H
#define TESTS_GATEWAY_DURABLE_H

/* Clients of durable streams, on the calls of client.h. A stream has the path /v1/stream/ID. */

#include "durable_calls.h"

#define TEXT "Content-Type: text/plain\r\n"
#define JSON "Content-Type: application/json\r\n"

/* One request on a connection of its own. The reply is valid until the next such call. */
struct reply on_stream(struct place *place, const char *method, const char *id, const char *fields,
		       const char *body);
/* Sends the request, and leaves the reply to client_receive. */
void send_on_stream(struct client *client, const char *method, const char *id, const char *fields,
		    const char *body);
/* Expects 201. */
void create_stream(struct place *place, const char *id, const char *fields, const char *body);
/* Appends text, and expects 204. */
void send_text(struct place *place, const char *id, const char *text);
/* The fields of a text of a producer, and more; valid until the next such call. */
const char *of_producer(const char *producer, uint64_t epoch, uint64_t number, const char *more);
/* Expects that a GET from the beginning answers 200 and the content. */
void expect_content(struct place *place, const char *id, const char *content);
void expect_status(struct place *place, const char *method, const char *id, int status);
/* Expects the field Stream-Next-Offset. */
void expect_offset(const struct reply *reply, uint64_t position);
/* A place with a log; the store has eight sessions, and writers are closed at once. */
struct place *place_of_few_sessions(void);
/* A place whose recorder waits for so long before a transaction. One at a time. */
struct place *place_that_lingers(uint32_t linger_ms, uint32_t recorded_wait_ms);
/* The newest event of the session's window; 0: no window. */
uint64_t newest_of(struct place *place, const char *id);
/* Until the window has the position: for 10 s. */
void await_newest(struct place *place, const char *id, uint64_t newest);
/* The events of the log, control events among them. */
uint64_t events_in_log(struct place *place, const char *id);
/*
 * Appends to other sessions until they have displaced the window. The place is one of
 * place_of_few_sessions.
 */
void evict_window(struct place *place, const char *id);
/* Moves the clock CLOCK_REALTIME of this program. */
void step_wall_clock(int64_t ns);
/* The same, and the other clocks of the gateways' loops: time passes. */
void step_all_clocks(int64_t ns);

#endif /* TESTS_GATEWAY_DURABLE_H */
