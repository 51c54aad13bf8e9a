/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

/*
 * A peer is a program that does the same work over one library: it reads tasks from its
 * standard input and answers each with a line (README.md of this folder has the protocol). This
 * header is the C and C++ peers' half of it. A peer defines what is declared at the end, and
 * then includes peer_main.h.
 *
 * Each event names itself: the first 8 bytes of a payload are its ordinal, 1, 2, 3, ... of its
 * writer; the next 8 the time at which it was to be appended. So what was lost is counted the same
 * way for everybody, whether a library tells or not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
	PAYLOAD_BYTES_MIN = 16,
	PAYLOAD_BYTES_MAX = 65536,
	WRITERS_MAX = 16,
	WRITER_SHIFT = 56, /* an ordinal's highest byte is its writer's number, from 0 */
};

enum mode {
	MODE_POLLING, /* one thread, which asks every host in turn, without a pause */
	MODE_PARKED,  /* a thread each, asleep until there is something */
	MODE_STALLED, /* hosts that take nothing until all is appended */
};

struct task {
	size_t payload_bytes;
	uint64_t count;     /* appends that are measured; a tenth more come before them */
	unsigned int hosts; /* 0: nobody */
	enum mode mode;
	uint64_t pace_ns; /* between two appends; 0: as fast as can be */
	int writer_core, host_core;
	unsigned int writers; /* threads that append at the same time */
};

/* The events that one host was given. */
struct tally {
	uint64_t delivered;
	uint64_t lost;              /* by the ordinals */
	uint64_t told;              /* by what the library says is lost */
	uint64_t last[WRITERS_MAX]; /* ordinal, of each writer */
	uint64_t doubled;           /* or out of their writer's order */
	uint64_t torn;              /* first and last bytes do not belong together */
	uint64_t warm_up;           /* ordinals up to here are not timed */
	uint64_t *seen_ns;          /* from the intended time; NULL: not wanted */
	size_t seen;
};

/* Ticks of the cheapest clock that all cores share. */
static inline uint64_t
ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/*
 * Counts an event that a host has in hand: its bytes may be read, and do not change while it does.
 */
static inline void
tally_event(struct tally *tally, const void *payload, size_t payload_bytes)
{
	const unsigned char *const bytes = (const unsigned char *)payload;
	uint64_t ordinal, intended;

	memcpy(&ordinal, bytes, sizeof(ordinal));
	memcpy(&intended, bytes + 8, sizeof(intended));
	const size_t writer = ordinal >> WRITER_SHIFT;

	if (writer >= WRITERS_MAX) {
		tally->torn++;
		return;
	}
	ordinal -= (uint64_t)writer << WRITER_SHIFT;
	if (ordinal <= tally->last[writer]) {
		tally->doubled++;
		return;
	}
	/* The last byte repeats the ordinal's lowest one, where there is room. */
	tally->torn += payload_bytes > PAYLOAD_BYTES_MIN &&
		       bytes[payload_bytes - 1] != (unsigned char)ordinal;
	tally->lost += ordinal - tally->last[writer] - 1;
	tally->last[writer] = ordinal;
	if (tally->seen_ns != NULL && ordinal > tally->warm_up)
		tally->seen_ns[tally->seen++] = ticks() - intended;
	__atomic_store_n(&tally->delivered, tally->delivered + 1, __ATOMIC_RELAXED);
}

static const char *peer_name(void);

/*
 * Ends the process: the words name the failed task, and the reason. The first thread that does so,
 * does it alone.
 */
static inline __attribute__((noreturn)) void
peer_die(const char *what, const char *why)
{
	static int is_dying;

	while (__atomic_exchange_n(&is_dying, 1, __ATOMIC_RELAXED) != 0)
		pause();
	fprintf(stderr, "%s: %s: %s\n", peer_name(), what, why);
	exit(1);
}

/*
 * The functions that a peer defines. All may end the process with peer_die.
 *
 *   static const char *peer_name(void);
 *   static const char *peer_version(void);       the library's, as it says itself
 *   static const char *peer_absent(void);        why it cannot run here at all, or
 *                                                NULL; called first
 *   static const char *peer_refuses(const struct task *task);
 *                                                why it cannot do that, or NULL
 *   struct peer;   static struct peer *peer_open(const struct task *task);
 *   static inline bool peer_append(struct peer *peer, const void *payload, size_t payload_bytes);
 *                                                false: there was no room, and nobody gets it
 *   static void peer_flush(struct peer *peer);   after the last append, still measured
 *   static void peer_close(struct peer *peer);
 *   struct host;   static struct host *host_open(struct peer *peer, const struct task *task);
 *   static inline size_t host_take(struct host *host, struct tally *tally);
 *                                                takes what is there, in bounded time; 0: nothing
 *   static void host_wait(struct host *host);    sleeps until there is something, or host_wake
 *   static void host_wake(struct host *host);    from another thread, for good
 *                                                neither, with PEER_NEVER_PARKS defined
 *   static void host_close(struct host *host);
 *   enum { PEER_DRAIN_MS = ... };                nothing for that long: there is no more to come
 *   enum { PEER_TELLS = ... };                   whether it says itself what was lost
 *   PEER_SHARED                                  defined if several threads may call peer_append at
 *                                                the same time; other peers refuse such tasks
 */

#endif /* BENCH_PEER_H */
