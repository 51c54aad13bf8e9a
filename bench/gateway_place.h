/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATEWAY_PLACE_H
#define BENCH_GATEWAY_PLACE_H

/* The HTTP servers of the gateway's measurements: each a process on a free port of the loopback. */

#include <sys/types.h>

#include "gateway_client.h"

enum place_kind {
	PLACE_REPRISE,
	PLACE_NCHAN,
	PLACE_LIBEVENT,  /* writes the same bytes, and nothing beside */
	PLACE_FILES,     /* nginx with the files of a folder */
	PLACE_REFERENCE, /* the reference server of Durable Streams, with its store of files */
	PLACE_KINDS,
};

extern const char *const place_names[PLACE_KINDS];

struct place {
	enum place_kind kind;
	pid_t pid; /* 0: not running */
	uint16_t port;
	const char *log;      /* a SQLite file for reprise, or NULL */
	const char *folder;   /* of the files */
	uint32_t event_bytes; /* that the bare server writes for an event */
	bool is_beside;       /* on the clients' processor: no idle processor is woken */
	char absence[256];
};

/* Starts the server of `kind`, and waits until the port answers. False: `absence` tells why. */
bool place_start(const struct harness *harness, struct place *place);
void place_stop(struct place *place);

/* The resident bytes of the server's process. */
double place_resident(const struct place *place);

/* The processor time of the server so far, all threads. */
double place_cpu_ns(const struct place *place);

/* The request lines' targets of the session @id. */
void place_targets(const struct place *place, const char *id, char read_target[TARGET_BYTES],
		   char write_target[TARGET_BYTES]);

/* A counter of the gateway's /metrics. Dies without. */
uint64_t place_metric(const struct place *place, const char *name);

#endif /* BENCH_GATEWAY_PLACE_H */
