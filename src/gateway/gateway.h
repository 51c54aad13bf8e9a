/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

/*
 * The gateway as its files see it. One thread, the loop's, owns everything here but what work.h and
 * watch.h say of other threads.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <reprise/gateway.h>

#include "base/siphash.h"
#include "gateway/access.h"
#include "gateway/channel.h"
#include "gateway/clients.h"
#include "gateway/durable.h"
#include "gateway/json.h"
#include "gateway/meters.h"
#include "gateway/process.h"
#include "gateway/watch.h"
#include "gateway/work.h"
#include "gateway/writers.h"
#include "http/http.h"

/* Counters that any thread may read: X(name), each an atomic word with one writer, the loop. */
/* clang-format off */
#define GATEWAY_COUNTERS(X) \
	X(requests) \
	X(refused) \
	X(streams) \
	X(streams_shared) \
	X(subscriptions) \
	X(events_sent) \
	X(events_encoded) \
	X(events_lost) \
	X(gaps) \
	X(displaced) \
	X(appended) \
	X(appends_recorded) \
	X(jobs)
/* clang-format on */

struct gateway_counters {
#define GATEWAY_COUNTER(name) _Atomic uint64_t name;
	GATEWAY_COUNTERS(GATEWAY_COUNTER)
#undef GATEWAY_COUNTER
};

/* @counter is the loop's alone to write. */
static inline void
count(_Atomic uint64_t *counter, int64_t amount)
{
	const uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + (uint64_t)amount, memory_order_relaxed);
}

enum {
	ADDRESSES_MAX = 8, /* of the server */
	ADDRESS_BYTES = 80,
};

struct durable_read;
struct route_map;
struct stream;

struct reprise_gateway {
	struct reprise_gateway_options options; /* resolved: no field is 0 that has a default */
	struct reprise_store *store;
	struct reprise_recorder *recorder; /* NULL: without a log */
	char *tenant;
	char *tls_certificate_file, *tls_key_file; /* NULL: without TLS */
	char *routes_file;                         /* NULL: without a route map */
	struct http_server *server;
	uint32_t addresses_count; /* fixed by the opening, so any thread may read the addresses */
	char addresses[ADDRESSES_MAX][ADDRESS_BYTES];
	struct access *access;              /* tokens, hosts, origins */
	struct route_map *map;              /* NULL: none */
	struct work work;                   /* workers, and jobs that are done */
	struct watches watches;             /* subscriptions that have something */
	struct channels channels;           /* subscriptions that streams share */
	struct clients_table clients;       /* clients, by session */
	struct writers writers;             /* open writers of sessions */
	struct durable_table durable;       /* durable streams */
	struct durable_read *durable_reads; /* all GETs of durable streams, for their deadlines */
	struct buffer scratch;              /* what is encoded now; empty between two calls */
	struct stream *streams;             /* all streams, for heartbeats and the shutdown */
	struct gateway_counters counters;
	struct meters meters;
	struct process process;
	struct siphash_key hash_key;
	uint64_t now_ns;          /* of the loop's present turn, CLOCK_MONOTONIC */
	uint64_t started_ns;      /* for healthz */
	uint64_t started_wall_ms; /* since 1970 */
	bool is_draining;
	bool is_log_failing; /* as the recorder said last; see recorded.c */
	uint64_t log_looked_ns;
	/* Of the server, as of the loop's last turn; any thread may read. */
	_Atomic uint64_t connections, accepted, refused_early;
	_Atomic bool is_running;
	_Atomic uint64_t stop; /* 0, or 1 + the drain's time in ms */
	_Atomic uint32_t reloads;
	uint32_t reloads_done;
	pid_t pid;
};

static inline bool
gateway_has_log(const struct reprise_gateway *gateway)
{
	return gateway->recorder != NULL;
}

#endif /* GATEWAY_GATEWAY_H */
