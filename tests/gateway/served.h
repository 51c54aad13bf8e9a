/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SERVED_H
#define GATEWAY_SERVED_H

/*
 * `reprise serve` as a process of its own, and requests to the process over sockets. A failure
 * prints what was expected, and ends the program with status 1. The process ends with this program.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SERVED_REPLY_BYTES = 4 << 20,
};

struct served {
	pid_t process;
	int port;
};

/* A whole reply, or none: status 0. The text is valid until the thread's next request. */
struct served_reply {
	int status;
	const char *text; /* with the head */
	const char *body;
};

/* Starts PROGRAM serve --listen 127.0.0.1:0 with more options, and waits for its address. */
void served_start(struct served *served, const char *program, const char *const *options);
/* SIGKILL, and the end of the process. */
void served_kill(struct served *served);
/* A connection; closed by the caller. */
int served_connect(const struct served *served);
void served_send(int connection, const char *text);
/* Waits up to 30 s for a reply with a Content-Length. */
struct served_reply served_receive(int connection);
/* One request on a connection of its own. @json NULL: no body. */
struct served_reply served_ask(const struct served *served, const char *method, const char *target,
			       const char *json);
/* Sends a request, and leaves the reply to served_receive. */
void served_request(int connection, const char *method, const char *target, const char *type,
		    const char *body);
/* Prints the words, and ends the program. */
_Noreturn void served_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t served_now_ns(void);

#endif /* GATEWAY_SERVED_H */
