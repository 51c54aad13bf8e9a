/* SPDX-License-Identifier: MIT */

/*
 * reprise itself, with default options; parked hosts sleep in a store that defers, with a tick
 * longer than the run. Several threads append through one shared writer.
 */

#include <stdio.h>
#include <stdlib.h>

#include <reprise/reprise.h>

#define PEER_SHARED
#include "peer.h"

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 1,
	STAMP_NS = 25 * 1000 * 1000,
};

struct peer {
	struct reprise_store *store;
	struct reprise_writer *writer;
};

struct host {
	struct reprise_subscription *subscription;
};

static void
must(reprise_status status, const char *what)
{
	if (status != REPRISE_OK) {
		fprintf(stderr, "reprise: %s: %s\n", what, reprise_status_text(status));
		exit(1);
	}
}

static const char *
peer_name(void)
{
	return "reprise";
}

static const char *
peer_version(void)
{
	return reprise_version();
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	(void)task;
	return NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct reprise_store_options options = REPRISE_STORE_OPTIONS_INIT;
	struct reprise_session_options session = REPRISE_SESSION_OPTIONS_INIT;
	struct peer *const peer = malloc(sizeof(*peer));

	if (peer == NULL)
		exit(1);
	if (task->mode == MODE_PARKED) {
		options.wake = REPRISE_WAKE_DEFERRED;
		options.deferred_tick_ns = 3600000000000u;
	}
	session.is_shared = task->writers > 1;
	must(reprise_store_open(&options, &peer->store, NULL), "store");
	must(reprise_writer_open(peer->store, "bench", &session, &peer->writer, NULL), "session");
	/*
	 * The store's thread notices within a tick that somebody appends, and keeps the stamp
	 * from then on.
	 */
	must(reprise_append(peer->writer, 0, 0, 0, (struct reprise_bytes){ "", 0 }, NULL),
	     "append");
	nanosleep(&(struct timespec){ .tv_nsec = STAMP_NS }, NULL);
	return peer;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	const struct reprise_bytes bytes = { payload, payload_bytes };

	return reprise_append(peer->writer, 0, 1, 0, bytes, NULL) == REPRISE_OK;
}

static void
peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
peer_close(struct peer *peer)
{
	reprise_writer_close(peer->writer);
	must(reprise_store_close(peer->store), "close");
	free(peer);
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	struct reprise_subscription_options options = { .size = sizeof(options) };
	struct host *const host = malloc(sizeof(*host));
	struct reprise_cursor cursor;

	if (host == NULL)
		exit(1);
	if (task->mode == MODE_PARKED)
		options.spin_ns = 1;
	must(reprise_session_current_cursor(peer->store, "bench", 0, &cursor), "cursor");
	must(reprise_subscribe_after(peer->store, &cursor, &options, &host->subscription, NULL),
	     "subscribe");
	return host;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	switch (reprise_next(host->subscription, &event, &gap, &end)) {
	case REPRISE_NEXT_EVENT:
		tally_event(tally, event.payload.data, event.payload.size);
		return 1;
	case REPRISE_NEXT_GAP:
		tally->told += gap.lost;
		return 1;
	case REPRISE_NEXT_EMPTY:
	case REPRISE_NEXT_ENDED:
		break;
	}
	return 0;
}

static void
host_wait(struct host *host)
{
	const reprise_status status = reprise_wait(host->subscription, REPRISE_NO_LIMIT);

	if (status != REPRISE_OK && status != REPRISE_E_INTERRUPTED)
		must(status, "wait");
}

static void
host_wake(struct host *host)
{
	must(reprise_subscription_interrupt(host->subscription), "interrupt");
}

static void
host_close(struct host *host)
{
	reprise_subscription_close(host->subscription);
	free(host);
}

#include "peer_main.h"
