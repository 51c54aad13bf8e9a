/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_PROXY_H
#define SUPPORT_PROXY_H

/*
 * A proxy in front of the tests' server, a process of its own, that can stop forwarding without
 * closing anything: as when the machine on one side vanishes, or a firewall forgets a connection.
 * It can also close a connection just before the server gets a COMMIT, or just after.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PROXY_FOLDER_BYTES = 32
};

struct proxy {
	pid_t process;
	char folder[PROXY_FOLDER_BYTES]; /* of its socket */
	char connection[512];            /* the tests' server, through it */
	struct proxy_shared *shared;
};

enum proxy_cut {
	CUT_NEVER,
	CUT_BEFORE_COMMIT,
	CUT_AFTER_COMMIT,
	CUT_AND_STOP, /* after it; then nothing is forwarded until proxy_stop_after says so */
};

struct proxy_shared {
	_Atomic uint64_t forwarded; /* bytes from clients to the server */
	_Atomic uint64_t limit;     /* of those; from there on nothing is forwarded either way */
	_Atomic uint64_t slow_since_ns; /* of CLOCK_MONOTONIC; 0: as fast as it can */
	_Atomic uint64_t slow_bytes;    /* in a second */
	_Atomic int cut; /* what becomes of the next COMMIT; CUT_NEVER again once it is done */
};

void proxy_open(struct proxy *proxy);
void proxy_close(struct proxy *proxy);

/* Forwards so many bytes more to the server, and then nothing. */
void proxy_stop_after(struct proxy *proxy, uint64_t bytes);

/* Forwards about so many bytes in a second, either way. */
void proxy_slow_down(struct proxy *proxy, uint64_t bytes);

/*
 * Closes the connection of the next COMMIT: the server does not get it, or its answer is dropped.
 */
void proxy_cut(struct proxy *proxy, enum proxy_cut cut);

#endif /* SUPPORT_PROXY_H */
