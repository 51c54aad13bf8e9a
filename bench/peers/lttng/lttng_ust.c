/* SPDX-License-Identifier: MIT */

/*
 * LTTng-UST: a tracepoint whose one field is the payload, recorded by a session in snapshot mode: a
 * ring of 1 MiB for each processor, where the newest sub-buffer takes the place of the oldest. Any
 * thread may append; it writes into the ring of the processor that it runs on, so that the events
 * of several threads have time stamps but no single order. Records are read from files that a
 * snapshot is written to: tasks with hosts are refused. lttng_ust.sh starts the session.
 */

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_ust_event.h"

#define PEER_NEVER_PARKS
#define PEER_SHARED
#include "../peer.h"

#ifndef PEER_LTTNG_UST_VERSION /* the headers do not say: pkg-config --modversion lttng-ust */
#define PEER_LTTNG_UST_VERSION "of unknown version"
#endif

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 0,
	PATIENCE_MS = 3000, /* until the session daemon has told the library what is recorded */
};

/* The one that there is: the session is the process's. */
struct peer {
	char unused;
};

struct host {
	char unused;
};

static struct peer the_peer;

static const char *
peer_name(void)
{
	return "lttng_ust";
}

static const char *
peer_version(void)
{
	return "lttng-ust " PEER_LTTNG_UST_VERSION;
}

static bool
is_recorded(void)
{
	return lttng_ust_tracepoint_enabled(peer, event);
}

static const char *
peer_absent(void)
{
	for (int i = 0; i < PATIENCE_MS && !is_recorded(); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return is_recorded() ? NULL : "no session records the event";
}

static const char *
peer_refuses(const struct task *task)
{
	return task->hosts > 0 ? "what is recorded is read from files" : NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	(void)task;
	return &the_peer;
}

static inline bool
peer_append(struct peer *peer_, const void *payload, size_t payload_bytes)
{
	(void)peer_;
	lttng_ust_tracepoint(peer, event, (const unsigned char *)payload, payload_bytes);
	return true;
}

static void
peer_flush(struct peer *peer_)
{
	(void)peer_;
}

static void
peer_close(struct peer *peer_)
{
	(void)peer_;
	/* An event that nobody records costs a branch. */
	if (!is_recorded())
		peer_die("append", "the session has ended meanwhile");
}

static struct host *
host_open(struct peer *peer_, const struct task *task)
{
	(void)peer_;
	(void)task;
	peer_die("host", "the task was to be refused");
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	(void)host;
	(void)tally;
	return 0;
}

static void
host_close(struct host *host)
{
	(void)host;
}

#include "../peer_main.h"
