/* SPDX-License-Identifier: MIT */
#ifndef STRESS_GATEWAY_CLIENT_H
#define STRESS_GATEWAY_CLIENT_H

/*
 * A client of a gateway that may go away at any moment: whatever fails for that reason answers
 * false, and the client is closed then. Bytes that break HTTP or the event stream end the program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client {
	int fd; /* below 0: none */
	size_t size, used;
	char bytes[16384];
};

/* A block of an event stream; "" for a field that is not there. Valid until the next call. */
struct block {
	const char *event, *data, *id;
};

/* @receive_bytes 0: the kernel's default. */
bool client_open(struct client *client, uint16_t port, int receive_bytes);
void client_close(struct client *client);
bool client_send(struct client *client, const char *text, size_t size);
/* The head of a response: the status. The body follows. */
bool client_status(struct client *client, int *ret_status, size_t *ret_body_bytes);
/* The whole body, with a NUL behind the body. */
bool client_body(struct client *client, size_t body_bytes, const char **ret_body);
/* The next block with a field; false: the stream is over. */
bool client_block(struct client *client, struct block *ret_block);

/* The number of a member of a JSON object; false: null. Ends the program without the member. */
bool client_number(const char *json, const char *name, uint64_t *ret_number);

#endif /* STRESS_GATEWAY_CLIENT_H */
