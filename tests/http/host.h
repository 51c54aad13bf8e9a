/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

/*
 * A server on a thread of its own, whose handler does what the path says; and clients with blocking
 * sockets.
 *
 *   /N        the number N, as the body
 *   /echo     the request's body
 *   /early    "early", before the body
 *   /pause    the request's body, whose first piece pauses it until host_release
 *   /hold     "held", when host_release is called
 *   /big?N    N bytes at once
 *   /pull?N   N bytes as a stream, each 16 KiB when the ones before were taken
 *   /flood    a stream that is written until E_FULL, and "full" behind that
 *   /open     a stream that begins with "open" and stays
 *   /block    a stream of one block, which all such streams share
 *   /abort    nothing, the connection is closed
 */

#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "support.h"

struct host {
	struct http_server *server;
	pthread_t thread;
	pthread_t loop; /* the same, as the loop has it */
	char port[8];
	reprise_status result; /* of the run */
	struct http_block *block;
	atomic_int requests, closes, shutdowns, notifies, body_ends, aborts, ticks;
	atomic_int drain_ms;      /* not 0: on_notify begins a drain */
	atomic_int tick_sleep_ms; /* on_tick takes so long */
	atomic_ullong pending_most;
};

/* @options may be NULL. The server listens on 127.0.0.1. */
struct host *host_start(const struct http_options *options);
struct host *host_adopting(int listening);
/*
 * The same with another handler, whose on_notify counts, and begins a drain if @drain_ms says so.
 * The memory of @host is taken over.
 */
void host_begin(struct host *host, const struct http_options *options,
		const struct http_handler *handler);
/* For a handler that does nothing. */
void ignore_request(void *context, struct http_exchange *exchange, const struct http_head *head);
void ignore_tick(void *context, struct http_server *server);
/* As many descriptors as the process may have. */
void host_allow_descriptors(void);
/* Drains at once, joins the thread, and expects that each request was closed. */
void host_stop(struct host *host);
void host_drain(struct host *host, int ms);
void host_join(struct host *host);
/* Answers what is held, and resumes what is paused. */
void host_release(struct host *host);
/* The counters, as the loop sees them. */
struct http_stats host_stats(struct host *host);
/* Waits until the condition holds, for at most 10 s. */
void wait_until(bool (*holds)(struct host *host, int value), struct host *host, int value);
bool has_connections(struct host *host, int connections);
bool has_requests(struct host *host, int requests);
bool has_closes(struct host *host, int closes);
bool has_shutdowns(struct host *host, int shutdowns);

int client_open(struct host *host);
void client_send(int fd, const char *text);
/*
 * The bytes up to the server's close, or up to @until; NUL-terminated, valid until the next call.
 */
const char *client_read(int fd, const char *until);
/* Sends a request, reads until the connection is closed. */
const char *client_ask(struct host *host, const char *request);

void expect_begins(const char *text, const char *with);
void expect_has(const char *text, const char *piece);
int count_of(const char *text, const char *piece);

#endif /* HTTP_HOST_H */
