/* SPDX-License-Identifier: MIT */

/*
 * `reprise demo --serve`: how a runtime serves its own store. The runtime is a thread that appends
 * tokens to two sessions, as a model would write them; the gateway runs in the first thread. The
 * session "endless" goes on until the end of the demo. The session "runs" ends after each run of
 * 40 tokens, and begins again.
 */

#include "tool/serve_demo.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/gateway.h>
#include <reprise/reprise.h>

#include "tool/pace.h"
#include "tool/serve_arguments.h"
#include "tool/serve_signals.h"

enum {
	KIND_TOKEN = 1,
	KIND_RUN = 2,    /* the begin of a run */
	RUN_TOKENS = 40, /* of a run */
	REST_TICKS = 10, /* between two runs: the session has ended */
	DRAIN_MS = 1000,
	EVENT_ROOM = 128,
	ADDRESS_ROOM = 96,
};

#define NS_PER_S UINT64_C(1000000000)
/* The runtime looks at the end of the demo at least so often. */
#define LOOK_NS UINT64_C(100000000)

static const char *const words[] = { "The",  "client", "comes",  "back",  "with", "its",  "cursor",
				     "and",  "goes",   "on",     "after", "the",  "last", "event",
				     "that", "the",    "client", "has",   "seen." };

/* The runtime of the demo. */
struct player {
	struct reprise_store *store;
	struct reprise_gateway *gateway;
	uint64_t rate;    /* tokens a second, of each session */
	uint64_t seconds; /* 0: until stopped */
	pthread_t thread;
	atomic_bool is_over;
	struct reprise_writer *endless, *run; /* NULL: not open */
	uint64_t tick, runs;
	reprise_status status; /* of the first call that failed */
};

/* --- the runtime ----------------------------------------------------------------------------- */

static reprise_status
append_token(struct reprise_writer *writer, uint64_t number)
{
	char event[EVENT_ROOM];

	snprintf(event, sizeof(event), "{\"type\":\"token\",\"n\":%" PRIu64 ",\"text\":\"%s \"}",
		 number, words[number % (sizeof(words) / sizeof(words[0]))]);
	return reprise_append(writer, 0, KIND_TOKEN, 0, reprise_bytes_from_string(event), NULL);
}

/* An ended session takes a writer again: the session gets a new life. */
static reprise_status
begin_run(struct player *player)
{
	char event[EVENT_ROOM];
	const reprise_status status =
		reprise_writer_open(player->store, "runs", NULL, &player->run, NULL);

	if (status != REPRISE_OK)
		return status;
	snprintf(event, sizeof(event), "{\"type\":\"run\",\"number\":%" PRIu64 "}", ++player->runs);
	return reprise_append(player->run, 0, KIND_RUN, 0, reprise_bytes_from_string(event), NULL);
}

static reprise_status
end_run(struct player *player)
{
	const reprise_status status = reprise_writer_end(player->run, 0);

	reprise_writer_close(player->run);
	player->run = NULL;
	return status;
}

static reprise_status
play_tick(struct player *player)
{
	const uint64_t at = player->tick % (RUN_TOKENS + REST_TICKS);
	reprise_status status = append_token(player->endless, player->tick);

	if (status == REPRISE_OK && at == 0)
		status = begin_run(player);
	if (status == REPRISE_OK && at < RUN_TOKENS)
		status = append_token(player->run, at);
	if (status == REPRISE_OK && at == RUN_TOKENS - 1)
		status = end_run(player);
	player->tick++;
	return status;
}

static void *
play(void *argument)
{
	struct player *const player = argument;
	const uint64_t begin = pace_now();
	uint64_t now = begin;

	while (player->status == REPRISE_OK && !atomic_load(&player->is_over) &&
	       (player->seconds == 0 || now - begin < player->seconds * NS_PER_S)) {
		const uint64_t due = begin + player->tick * NS_PER_S / player->rate;

		if (now >= due)
			player->status = play_tick(player);
		else
			pace_sleep(due - now < LOOK_NS ? due - now : LOOK_NS);
		now = pace_now();
	}
	reprise_writer_close(player->run);
	reprise_writer_close(player->endless);
	/* The gateway's run returns, if no signal has stopped the gateway before. */
	const reprise_status status = reprise_gateway_stop(player->gateway, DRAIN_MS);

	if (player->status == REPRISE_OK)
		player->status = status;
	return NULL;
}

/* --- the gateway ----------------------------------------------------------------------------- */

/* On the port of `reprise serve`; if another program has the port, on a free one. */
static reprise_status
open_gateway(struct player *player, struct reprise_error *error)
{
	char address[ADDRESS_ROOM];
	const char *const listen = address;
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;

	options.listen = &listen;
	options.listen_count = 1;
	snprintf(address, sizeof(address), "127.0.0.1:%d", SERVE_PORT);
	const reprise_status status =
		reprise_gateway_open(player->store, &options, &player->gateway, error);

	if (status != REPRISE_E_SYSTEM)
		return status;
	snprintf(address, sizeof(address), "127.0.0.1:0");
	return reprise_gateway_open(player->store, &options, &player->gateway, error);
}

/* The newest cursor of the endless session, as a client would have the cursor. */
static void
print_cursor(struct player *player, char *text)
{
	struct reprise_cursor cursor;
	size_t bytes;

	if (reprise_session_current_cursor(player->store, "endless", 0, &cursor) != REPRISE_OK ||
	    reprise_cursor_format(&cursor, text, REPRISE_CURSOR_TEXT_BYTES_MAX, &bytes, NULL) !=
		    REPRISE_OK)
		snprintf(text, REPRISE_CURSOR_TEXT_BYTES_MAX, "rp1...");
}

static void
print_lines(struct player *player)
{
	char address[ADDRESS_ROOM] = "", cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (reprise_gateway_address(player->gateway, 0, address, sizeof(address)) != REPRISE_OK)
		return;
	print_cursor(player, cursor);
	printf("http://%s\n"
	       "\n"
	       "A runtime appends tokens to two sessions: \"endless\" goes on, \"runs\" ends and "
	       "begins again.\n"
	       "In a second terminal:\n"
	       "\n"
	       "  curl http://%s/v1/sessions\n"
	       "  curl -N http://%s/v1/sessions/endless/events\n"
	       "  curl -N http://%s/v1/sessions/runs/events\n"
	       "\n"
	       "Ctrl-C there cuts the stream. The last id, in a header, goes on behind the last "
	       "event:\n"
	       "\n"
	       "  curl -N -H 'Last-Event-ID: %s' \\\n"
	       "    http://%s/v1/sessions/endless/events\n"
	       "\n"
	       "Other sessions take events of clients:\n"
	       "\n"
	       "  curl -H 'Content-Type: application/json' -d '{\"text\":\"hello\"}' \\\n"
	       "    http://%s/v1/sessions/mine/events\n"
	       "  curl 'http://%s/v1/sessions/mine/events?limit=10'\n",
	       address, address, address, address, cursor, address, address, address);
	if (player->seconds == 0)
		printf("\nCtrl-C here ends the demo.\n");
	fflush(stdout);
}

static reprise_status
serve(struct player *player, struct reprise_error *error)
{
	reprise_status status =
		reprise_writer_open(player->store, "endless", NULL, &player->endless, error);

	if (status != REPRISE_OK)
		return status;
	print_lines(player);
	/* The new thread has the signals blocked for good. */
	serve_signals_block();
	if (pthread_create(&player->thread, NULL, play, player) != 0) {
		reprise_writer_close(player->endless);
		return REPRISE_E_SYSTEM;
	}
	serve_signals_catch(player->gateway, DRAIN_MS, NULL);
	status = reprise_gateway_run(player->gateway, error);
	atomic_store(&player->is_over, true);
	pthread_join(player->thread, NULL);
	serve_signals_release();
	return status != REPRISE_OK ? status : player->status;
}

/* --- the demo -------------------------------------------------------------------------------- */

int
serve_demo_run(const struct demo_options *options)
{
	struct player player = { .rate = options->rate, .seconds = options->seconds };
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status = reprise_store_open(NULL, &player.store, &error);

	if (status == REPRISE_OK)
		status = open_gateway(&player, &error);
	if (status == REPRISE_OK)
		status = serve(&player, &error);
	reprise_gateway_close(player.gateway);
	const reprise_status closed = reprise_store_close(player.store);

	if (status == REPRISE_OK)
		status = closed;
	if (status == REPRISE_OK)
		return 0;
	fprintf(stderr, "reprise demo --serve: %s (%s)%s%s\n", reprise_status_text(status),
		reprise_status_name(status), error.what[0] != '\0' ? "; " : "", error.what);
	return EXIT_FAILURE;
}
