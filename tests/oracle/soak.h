/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_SOAK_H
#define ORACLE_SOAK_H

/* The common part of the two halves of the soak: writers in soak.c, hosts in soak_host.c. */

#include <stdatomic.h>
#include <string.h>

#include "stress.h"

enum soak_manner {
	SOAK_POLLING,
	SOAK_WAITING,
	SOAK_DESCRIPTOR,
	SOAK_CALLBACK,
	SOAK_SLOW,
	SOAK_RECONNECTING,
	SOAK_MANNERS,
};

struct soak_session {
	struct reprise_store *store;
	char id[8];
	uint64_t salt; /* in its events */
	_Atomic uint64_t appended;
};

struct soak_host {
	pthread_t thread;
	struct soak_session *session;
	enum soak_manner manner;
	unsigned int random;
	struct reprise_subscription *subscription;
	reprise_position seen; /* delivered or lost, all of it */
	bool is_ended;
	/* Written by the host, looked at by who tells of the progress. */
	_Atomic uint64_t delivered, lost, gaps, doubled, visits;
};

/* The payload of the event of a position, in 8 bytes. */
static inline uint64_t
soak_print(const struct soak_session *session, reprise_position position)
{
	const uint64_t number = (position ^ session->salt) * UINT64_C(0x9e3779b97f4a7c15);

	return number ^ number >> 29;
}

static inline uint64_t
soak_revision(reprise_position position)
{
	return position / 7;
}

/* Follows its session to its end; a thread's main. */
void *soak_host_main(void *host);

#endif /* ORACLE_SOAK_H */
