/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATEWAY_CLIENT_H
#define BENCH_GATEWAY_CLIENT_H

/*
 * HTTP clients: a crowd of streams on one epoll descriptor, and publishers that keep their
 * connections. Each payload has exactly one EVENT_MARK with the event's number behind the mark; no
 * server writes the mark elsewhere. So each client counts what was delivered, lost and doubled,
 * wherever a segment is cut.
 */

#include "harness.h"

enum {
	EVENT_MARK = '~',
	EVENT_BYTES = 256,
	EVENT_DIGITS = 16,
	TARGET_BYTES = 128,
	ANSWER_ROOM = 8192,
};

struct client {
	int fd;
	uint32_t digits; /* of the number that is being read; 0: none */
	uint64_t number; /* so far */
	uint64_t next;   /* the number that is expected */
};

struct crowd {
	int epoll;
	struct client *clients;
	size_t count, room;
	uint64_t delivered, lost, doubled; /* events of all clients */
	uint64_t dropped;                  /* streams that the server ended */
	uint64_t bytes;                    /* that came in all */
};

/* Dies if it cannot. */
void crowd_open(struct crowd *crowd, size_t room);

/* Asks for @target. The client expects the event @first next. False: the port takes none. */
bool crowd_join(struct crowd *crowd, uint16_t port, const char *target, uint64_t first);

/* The newest client goes. */
void crowd_leave_last(struct crowd *crowd);

/* Reads until @delivered events are there. False: nothing has come for @patience_ns. */
bool crowd_await(struct crowd *crowd, uint64_t delivered, uint64_t patience_ns);

/* The same once, without waiting. */
void crowd_take(struct crowd *crowd);
void crowd_close(struct crowd *crowd);

/* A connection that posts one event after the other. */
struct publisher {
	int fd;
	char target[TARGET_BYTES];
	uint64_t sent, answered, refused;
	size_t used;
	char answer[ANSWER_ROOM];
};

/* Dies if it cannot. */
void publisher_open(struct publisher *publisher, uint16_t port, const char *target);
void publisher_close(struct publisher *publisher);

/* Sends the event @number, and does not wait for the answer. Dies if it cannot. */
void publisher_send(struct publisher *publisher, uint64_t number);

/* Takes the answers that are there. False: the server has closed the connection. */
bool publisher_take(struct publisher *publisher);

/* Until each event is answered. Dies if no answer comes within a minute. */
void publisher_await(struct publisher *publisher);

/* A connected socket of the loopback with TCP_NODELAY, or -1. */
int client_connect(uint16_t port);

/*
 * Gets @target as a stream, with the header Last-Event-ID if not NULL, until nothing has come for
 * @wait_ms. The size of the answer; @text is NUL-terminated.
 */
size_t client_fetch(uint16_t port, const char *target, const char *last_id, char *text, size_t room,
		    int wait_ms);

/* Gets @target once, until the server closes the connection. */
size_t client_ask(uint16_t port, const char *target, char *text, size_t room);

#endif /* BENCH_GATEWAY_CLIENT_H */
