/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_DEMO_PLAY_H
#define TOOL_SERVE_DEMO_PLAY_H

/*
 * The runtime of `reprise demo --serve`: a thread that appends to all sessions, as agents would. At
 * the end of the demo the thread stops the gateway.
 */

#include <pthread.h>
#include <stdint.h>

#include <reprise/gateway.h>
#include <reprise/reprise.h>

#include "tool/serve_demo_script.h"
#include "tool/serve_demo_session.h"

enum {
	DEMO_DRAIN_MS = 1000,
	DEMO_SCRIPTS_MAX = 4,
	DEMO_WINDOW_EVENTS = 200, /* of a session with a script */
};

/* A session that follows a script. */
struct scripted {
	struct demo_session session;
	struct script_place place;
	struct script_event event; /* the next event */
	uint64_t due_ns;
};

/* Zeroed. The caller sets the store, the gateway, the rate and the seconds. */
struct player {
	struct reprise_store *store;
	struct reprise_gateway *gateway;
	uint64_t rate;    /* tokens a second */
	uint64_t seconds; /* 0: until stopped */
	struct demo_end end;
	pthread_t thread;
	struct demo_session endless, runs;
	uint64_t begin_ns, ticks, runs_count;
	struct scripted scripted[DEMO_SCRIPTS_MAX];
	reprise_status status; /* of the first call that failed */
};

/* Opens the sessions, so that the first list of the sessions is whole. */
reprise_status player_open(struct player *player, struct reprise_error *error);
/* False: no thread. */
bool player_start(struct player *player);
/* Ends the thread of player_start. Answers the thread's first failure. */
reprise_status player_finish(struct player *player);
void player_close(struct player *player);

#endif /* TOOL_SERVE_DEMO_PLAY_H */
