/* SPDX-License-Identifier: MIT */

/*
 * `reprise demo --serve`: how a runtime serves its own store. The runtime is a thread that appends
 * to four sessions (serve_demo_play.h); the gateway runs in the first thread. With --log a recorder
 * writes the events to a SQLite file, and a host that falls behind is healed from there.
 */

#include "tool/serve_demo.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <reprise/gateway.h>
#include <reprise/recorder.h>
#include <reprise/reprise.h>

#include "tool/log_place.h"
#include "tool/serve_arguments.h"
#include "tool/serve_demo_play.h"
#include "tool/serve_signals.h"

enum {
	ADDRESS_ROOM = 96,
};

struct demo {
	struct log_place place; /* of the log; no file: no log */
	struct reprise_log *log;
	struct reprise_recorder *recorder;
	struct player player; /* with the store and the gateway */
};

/* --- opening --------------------------------------------------------------------------------- */

/* With a log the runtime waits for the recorder, rather than lose events. */
static reprise_status
open_store(struct demo *demo, struct reprise_error *error)
{
	const struct reprise_session_options session = {
		.size = sizeof(session),
		.when_full = demo->place.file != NULL ? REPRISE_WHEN_FULL_REFUSE
						      : REPRISE_WHEN_FULL_DEFAULT,
	};
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &session };

	return reprise_store_open(&options, &demo->player.store, error);
}

static reprise_status
open_log(struct demo *demo, struct reprise_error *error)
{
	if (demo->place.file == NULL)
		return REPRISE_OK;
	const reprise_status status =
		log_place_open(&demo->place, LOG_ACCESS_CREATE, &demo->log, error);

	return status == REPRISE_OK ? reprise_recorder_open(demo->player.store, demo->log, NULL,
							    &demo->recorder, error)
				    : status;
}

/* A connection more, on a worker of the gateway. */
static reprise_status
open_one_more(void *context, struct reprise_log **ret_log, struct reprise_error *error)
{
	return log_place_connect(context, LOG_ACCESS_WRITE, ret_log, error);
}

/* On the port of `reprise serve`; if another program has the port, on a free one. */
static reprise_status
open_gateway(struct demo *demo, struct reprise_error *error)
{
	char address[ADDRESS_ROOM];
	const char *const listen = address;
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;

	options.listen = &listen;
	options.listen_count = 1;
	if (demo->recorder != NULL) {
		options.recorder = demo->recorder;
		options.open_log = open_one_more;
		options.open_log_context = &demo->place;
	}
	snprintf(address, sizeof(address), "127.0.0.1:%d", SERVE_PORT);
	const reprise_status status =
		reprise_gateway_open(demo->player.store, &options, &demo->player.gateway, error);

	if (status != REPRISE_E_SYSTEM)
		return status;
	snprintf(address, sizeof(address), "127.0.0.1:0");
	return reprise_gateway_open(demo->player.store, &options, &demo->player.gateway, error);
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
print_lines(struct player *player, bool has_log)
{
	char address[ADDRESS_ROOM] = "", cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (reprise_gateway_address(player->gateway, 0, address, sizeof(address)) != REPRISE_OK)
		return;
	print_cursor(player, cursor);
	printf("http://%s\n"
	       "Open it in a browser: http://%s/\n"
	       "\n"
	       "A runtime appends to four sessions. \"chat\" has the answers of a model, \"agent\" "
	       "the thoughts,\n"
	       "the tools and the commits of runs that end and begin again; both keep the newest "
	       "%d events\n"
	       "in memory%s. \"endless\" has a token in each tick, \"runs\" has 40 a run.\n"
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
	       address, address, DEMO_WINDOW_EVENTS, has_log ? ", and all in the log" : "", address,
	       address, address, cursor, address, address, address);
	if (player->seconds == 0)
		printf("\nCtrl-C here ends the demo.\n");
	fflush(stdout);
}

/* --- serving --------------------------------------------------------------------------------- */

static reprise_status
serve(struct demo *demo, struct reprise_error *error)
{
	struct player *const player = &demo->player;
	reprise_status status = player_open(player, error);

	if (status != REPRISE_OK)
		return status;
	print_lines(player, demo->log != NULL);
	/* The new thread has the signals blocked for good. */
	serve_signals_block();
	if (!player_start(player)) {
		player_close(player);
		return REPRISE_E_SYSTEM;
	}
	serve_signals_catch(player->gateway, DEMO_DRAIN_MS, NULL);
	status = reprise_gateway_run(player->gateway, error);
	const reprise_status played = player_finish(player);

	serve_signals_release();
	return status != REPRISE_OK ? status : played;
}

/* The recorder writes the remaining events first. */
static reprise_status
close_all(struct demo *demo)
{
	reprise_gateway_close(demo->player.gateway);
	const reprise_status recorded = reprise_recorder_close(demo->recorder);
	const reprise_status closed = reprise_store_close(demo->player.store);

	if (closed == REPRISE_OK)
		reprise_log_close(demo->log);
	return recorded != REPRISE_OK ? recorded : closed;
}

int
serve_demo_run(const struct demo_options *options)
{
	struct demo demo = { .place.file = options->log,
			     .player.rate = options->rate,
			     .player.seconds = options->seconds };
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status = open_store(&demo, &error);

	if (status == REPRISE_OK)
		status = open_log(&demo, &error);
	if (status == REPRISE_OK)
		status = open_gateway(&demo, &error);
	if (status == REPRISE_OK)
		status = serve(&demo, &error);
	const reprise_status closed = close_all(&demo);

	if (status == REPRISE_OK)
		status = closed;
	if (status == REPRISE_OK)
		return 0;
	log_say_failure("demo --serve", NULL, status, &error);
	return EXIT_FAILURE;
}
