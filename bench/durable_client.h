/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DURABLE_CLIENT_H
#define BENCH_DURABLE_CLIENT_H

/*
 * A client of Durable Streams on one connection, and just as well of a server of files: the body of
 * an answer is counted event by event, by the marks of gateway_client.h.
 */

#include "gateway_client.h"

enum {
	DURABLE_ROOM = 1 << 18,
	DURABLE_TEXT_BYTES = 64,
};

/* The result of a reading. Each payload has EVENT_MARK and the number of its event, from 0. */
struct durable_books {
	uint64_t bytes, delivered, lost, doubled;
	uint64_t next;   /* the number that is expected */
	uint32_t digits; /* of the number that is being read; 0: none */
	uint64_t number; /* so far */
};

struct durable_client {
	int fd;
	uint16_t port;
	size_t begin, end; /* of the bytes in `room` that are not used yet */
	char room[DURABLE_ROOM];
	/* Of the last answer. */
	int status;
	bool is_chunked, is_up_to_date;
	uint64_t length; /* of a body that is not chunked */
	char offset[DURABLE_TEXT_BYTES];
};

/* Dies if it cannot, as all the functions below. */
struct durable_client *durable_client_open(uint16_t port);
void durable_client_close(struct durable_client *client);

/* Sends a request with the lines @fields, each with CRLF, and a body. Waits for no answer. */
void durable_client_send(struct durable_client *client, const char *method, const char *target,
			 const char *fields, const char *body, size_t size);

/* Reads an answer to its end. Counts into @books, and writes the body to @copy, if not NULL. */
void durable_client_take(struct durable_client *client, struct durable_books *books, FILE *copy);

/* Reads the stream @target from its start to its end, by as many requests as are needed. */
void durable_client_read(struct durable_client *client, const char *target,
			 struct durable_books *books, FILE *copy);

#endif /* BENCH_DURABLE_CLIENT_H */
