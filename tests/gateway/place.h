/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PLACE_H
#define GATEWAY_PLACE_H

/*
 * A gateway on a thread, in front of a store, and if asked a recorder with a SQLite log in a
 * scratch folder. The calls of client.h talk to the gateway over sockets.
 */

#include <pthread.h>

#include <reprise/gateway.h>

#include "support.h"

/* NULL and 0 are the defaults. The setup of a place is borrowed until the close. */
struct place_setup {
	bool has_log;
	const struct reprise_session_options *session;
	const struct reprise_recorder_options *recorder;
	/*
	 * The log, the tenant and the lines are the place's. An open_log is called with the place
	 * as its context.
	 */
	const struct reprise_gateway_options *gateway;
	uint64_t sessions_max; /* of the store */
};

struct place {
	struct place_setup setup;
	struct reprise_session_options session; /* of place_of_events */
	struct reprise_store *store;
	struct reprise_log *log;           /* NULL: without a log */
	struct reprise_recorder *recorder; /* NULL: without a log */
	struct reprise_gateway *gateway;
	const char *path; /* of the log's file */
	char address[80]; /* "127.0.0.1:PORT" */
	pthread_t thread;
	reprise_status result; /* of the run */
	bool is_stopped;
	pthread_mutex_t lock;
	char lines[65536]; /* of the gateway's own log, under the lock */
	size_t lines_size;
};

/* Whether this thread runs a gateway. */
extern _Thread_local bool place_is_loop;

struct place *place_open(const struct place_setup *setup);
/* The windows hold @events_max events of any age. */
struct place *place_of_events(uint64_t events_max, bool has_log);
struct place *place_without_log(void);
struct place *place_with_log(void);
/* Ends the run, within @drain_ms, and waits for the end. */
void place_stop(struct place *place, uint32_t drain_ms);
/* Stops and closes all, and expects that the recorder's close answers @status. */
void place_close_as(struct place *place, reprise_status status);
void place_close(struct place *place);
/* Closes all, and opens a place over the same log. */
struct place *place_reopen(struct place *place, const struct place_setup *setup);
/*
 * Closes all but the log's file, as an orderly end of the program does, and opens all anew. The
 * address changes.
 */
void place_restart(struct place *place);
/* One more connection to the log; the caller's. */
struct reprise_log *place_connect_log(struct place *place);
/* No other connection can write to the log from here on, until the log is given back. */
struct place_blockade *place_block_log(struct place *place);
void place_unblock_log(struct place_blockade *blockade);
/* Whether a line of the gateway's own log has the piece. */
bool place_has_line(struct place *place, const char *piece);
/* The same, until a line has the piece: for 10 s. */
bool place_comes_line(struct place *place, const char *piece);
struct reprise_gateway_stats place_stats(struct place *place);

#endif /* GATEWAY_PLACE_H */
