/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <sqlite3.h>

#include "log_sqlite/scratch.h"

static void
must(reprise_status status, const char *what)
{
	if (status != REPRISE_OK)
		cr_fatal("%s: %s", what, reprise_status_name(status));
}

static reprise_status
connect_log(void *place_, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct place *const place = place_;
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = place->path,
							    .deadline_ns = 2000000000 };

	return reprise_log_sqlite_open(&options, ret_log, error);
}

/* As `reprise serve` opens the connections of workers: a log that is away is not created anew. */
static reprise_status
connect_more(void *place_, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct place *const place = place_;

	return access(place->path, F_OK) == 0 ? connect_log(place_, ret_log, error)
					      : REPRISE_E_NOT_FOUND;
}

struct reprise_log *
place_connect_log(struct place *place)
{
	struct reprise_log *log = NULL;

	must(connect_log(place, &log, NULL), "the log");
	return log;
}

static void
keep_line(void *place_, const char *line, size_t line_bytes)
{
	struct place *const place = place_;

	pthread_mutex_lock(&place->lock);
	if (line_bytes + 2 <= sizeof(place->lines) - place->lines_size) {
		memcpy(place->lines + place->lines_size, line, line_bytes);
		place->lines_size += line_bytes;
		place->lines[place->lines_size++] = '\n';
	}
	pthread_mutex_unlock(&place->lock);
}

bool
place_has_line(struct place *place, const char *piece)
{
	bool has;

	pthread_mutex_lock(&place->lock);
	place->lines[place->lines_size] = '\0';
	has = strstr(place->lines, piece) != NULL;
	pthread_mutex_unlock(&place->lock);
	return has;
}

bool
place_comes_line(struct place *place, const char *piece)
{
	for (int i = 0; i < 10000; i++) {
		if (place_has_line(place, piece))
			return true;
		usleep(1000);
	}
	return false;
}

_Thread_local bool place_is_loop;

static void *
run(void *place_)
{
	struct place *const place = place_;

	place_is_loop = true;
	place->result = reprise_gateway_run(place->gateway, NULL);
	return NULL;
}

static void
open_recorder(struct place *place, const struct reprise_recorder_options *options)
{
	/* A slow machine makes no test fail. */
	const struct reprise_recorder_options usual = { .size = sizeof(usual),
							.retry_ns_max = 50000000,
							.deadline_ns = UINT64_C(20000000000) };

	place->log = place_connect_log(place);
	must(reprise_recorder_open(place->store, place->log, options != NULL ? options : &usual,
				   &place->recorder, NULL),
	     "the recorder");
}

static void
open_gateway(struct place *place, const struct reprise_gateway_options *given)
{
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status;

	if (given != NULL)
		options = *given;
	options.write_line = keep_line;
	options.write_line_context = place;
	if (place->recorder != NULL) {
		options.recorder = place->recorder;
		if (options.open_log == NULL)
			options.open_log = connect_more;
		options.open_log_context = place;
	}
	status = reprise_gateway_open(place->store, &options, &place->gateway, &error);
	if (status != REPRISE_OK)
		cr_fatal("the gateway: %s, %s %s", reprise_status_name(status), error.what,
			 error.detail);
	must(reprise_gateway_address(place->gateway, 0, place->address, sizeof(place->address)),
	     "the address");
}

static void
open_parts(struct place *place)
{
	const struct place_setup *const setup = &place->setup;
	const struct reprise_store_options store = { .size = sizeof(store),
						     .session = setup->session,
						     .sessions_max = setup->sessions_max };

	must(reprise_store_open(&store, &place->store, NULL), "the store");
	if (setup->has_log)
		open_recorder(place, setup->recorder);
	open_gateway(place, setup->gateway);
	place->is_stopped = false;
	cr_assert(eq(int, pthread_create(&place->thread, NULL, run, place), 0));
}

static struct place *
place_new(const struct place_setup *setup)
{
	struct place *const place = calloc(1, sizeof(*place));

	cr_assert(place != NULL);
	pthread_mutex_init(&place->lock, NULL);
	place->setup = *setup;
	if (setup->has_log)
		place->path = scratch_path("log.db");
	return place;
}

struct place *
place_open(const struct place_setup *setup)
{
	struct place *const place = place_new(setup);

	open_parts(place);
	return place;
}

struct place *
place_of_events(uint64_t events_max, bool has_log)
{
	struct place *const place = place_new(&(struct place_setup){ .has_log = has_log });

	place->session = (struct reprise_session_options){
		.size = sizeof(place->session),
		.events_max = events_max,
		.age_ns_max = REPRISE_NO_LIMIT,
	};
	place->setup.session = &place->session;
	open_parts(place);
	return place;
}

struct place *
place_without_log(void)
{
	const struct place_setup setup = { 0 };

	return place_open(&setup);
}

struct place *
place_with_log(void)
{
	const struct place_setup setup = { .has_log = true };

	return place_open(&setup);
}

void
place_stop(struct place *place, uint32_t drain_ms)
{
	if (place->is_stopped)
		return;
	must(reprise_gateway_stop(place->gateway, drain_ms), "the stop");
	pthread_join(place->thread, NULL);
	must(place->result, "the run");
	place->is_stopped = true;
}

static void
close_parts(struct place *place, reprise_status status)
{
	place_stop(place, 0);
	reprise_gateway_close(place->gateway);
	if (place->recorder != NULL)
		cr_assert(eq(int, reprise_recorder_close(place->recorder), status));
	must(reprise_store_close(place->store), "the store's close");
	reprise_log_close(place->log);
}

void
place_close_as(struct place *place, reprise_status status)
{
	close_parts(place, status);
	if (place->log != NULL)
		scratch_remove();
	free(place);
}

struct place *
place_reopen(struct place *place, const struct place_setup *setup)
{
	close_parts(place, REPRISE_OK);
	free(place);
	return place_open(setup);
}

void
place_restart(struct place *place)
{
	close_parts(place, REPRISE_OK);
	open_parts(place);
}

void
place_close(struct place *place)
{
	place_close_as(place, REPRISE_OK);
}

struct reprise_gateway_stats
place_stats(struct place *place)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;

	must(reprise_gateway_stats(place->gateway, &stats), "the statistics");
	return stats;
}

/* A transaction of another program. */
struct place_blockade {
	sqlite3 *database;
};

struct place_blockade *
place_block_log(struct place *place)
{
	struct place_blockade *const blockade = calloc(1, sizeof(*blockade));

	cr_assert(blockade != NULL);
	cr_assert(eq(int, sqlite3_open(place->path, &blockade->database), SQLITE_OK));
	sqlite3_busy_timeout(blockade->database, 60000);
	cr_assert(eq(int, sqlite3_exec(blockade->database, "BEGIN IMMEDIATE", NULL, NULL, NULL),
		     SQLITE_OK));
	return blockade;
}

void
place_unblock_log(struct place_blockade *blockade)
{
	sqlite3_exec(blockade->database, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(blockade->database);
	free(blockade);
}
