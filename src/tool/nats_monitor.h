/* SPDX-License-Identifier: MIT */
#ifndef TOOL_NATS_MONITOR_H
#define TOOL_NATS_MONITOR_H

/* Questions to the monitoring port of a NATS server on the loopback: HTTP without a library. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NATS_MONITOR_ANSWER_BYTES =
		64 * 1024, /* of an answer with its headers; the rest is cut off */
};

/* The address of a port of the loopback; @host is the last part of 127.0.0.x. */
struct sockaddr_in nats_monitor_address(uint8_t host, uint16_t port);

/*
 * Asks for @path, such as "/healthz". True: the answer has the status 200, and its text, headers
 * included, is in @ret_answer, which has room for NATS_MONITOR_ANSWER_BYTES.
 */
bool nats_monitor_get(uint16_t port, const char *path, char *ret_answer);

/*
 * The server that leads @stream, as an answer to "/jsz?streams=1" says: its name into @ret_name.
 * False: the answer names none.
 */
bool nats_monitor_find_leader(const char *answer, const char *stream, char *ret_name, size_t room);

#endif /* TOOL_NATS_MONITOR_H */
