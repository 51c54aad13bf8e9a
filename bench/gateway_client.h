/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATEWAY_CLIENT_H
#define BENCH_GATEWAY_CLIENT_H

/*
 * HTTP clients: a crowd of streams on one epoll descriptor, and a publisher that keeps its
 * connection. Each payload has exactly one EVENT_MARK, which no server writes elsewhere: the marks
 * are the delivered events, wherever a segment is cut.
 */

#include "harness.h"

enum {
	EVENT_MARK = '~',
	EVENT_BYTES = 256,
};

struct crowd {
	int epoll;
	int *fds;
	size_t count;
	uint64_t delivered, dropped; /* events of all clients; streams that the server ended */
	uint64_t last_ns;            /* of the newest delivered event */
};

void crowd_init(struct crowd *crowd, size_t room);
bool crowd_join(struct crowd *crowd, uint16_t port, const char *target);

/* Reads until @delivered events are there, or nothing has come for @patience_ns. */
bool crowd_await(struct crowd *crowd, uint64_t delivered, uint64_t patience_ns);
void crowd_leave(struct crowd *crowd);

/* A connected socket of the loopback with TCP_NODELAY, or -1. */
int client_connect(uint16_t port);

/* The event of number @number. */
void client_payload(char payload[EVENT_BYTES], uint64_t number);

bool publisher_send(int fd, const char *target, uint64_t number);
int publisher_answer(int fd); /* the status, or -1 */
int publisher_post(int fd, const char *target, uint64_t number);

/* Gets @target with the header Last-Event-ID if not NULL; the bytes that come within @wait_ms. */
size_t client_fetch(uint16_t port, const char *target, const char *last_id, char *text, size_t room,
		    int wait_ms);

#endif /* BENCH_GATEWAY_CLIENT_H */
