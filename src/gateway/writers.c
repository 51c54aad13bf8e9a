/* SPDX-License-Identifier: MIT */
/*
 * The table of sessions that clients append to. An entry is there while a writer is open or being
 * opened, and while an append waits. Without a log an opening takes no worker.
 */
#include "gateway/writers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "gateway/append.h"

void
writers_init(struct writers *writers)
{
	*writers = (struct writers){ .count = 0 };
	TAILQ_INIT(&writers->idle);
	TAILQ_INIT(&writers->unrecorded);
}

static struct open_writer **
find_row(struct reprise_gateway *gateway, const char *session_id)
{
	const uint64_t hash = siphash(&gateway->hash_key, session_id, strlen(session_id));

	return &gateway->writers.rows[hash % WRITERS_ROWS];
}

static struct open_writer *
find(struct reprise_gateway *gateway, const char *session_id)
{
	struct open_writer *writer = *find_row(gateway, session_id);

	while (writer != NULL && strcmp(writer->session_id, session_id) != 0)
		writer = writer->next;
	return writer;
}

struct open_writer *
writers_get(struct reprise_gateway *gateway, const char *session_id)
{
	struct open_writer *writer = find(gateway, session_id);
	struct open_writer **row;

	if (writer != NULL)
		return writer;
	writer = calloc(1, sizeof(*writer));
	if (writer == NULL)
		return NULL;
	writer->gateway = gateway;
	memcpy(writer->session_id, session_id, strlen(session_id) + 1);
	TAILQ_INIT(&writer->queued);
	TAILQ_INIT(&writer->unrecorded);
	row = find_row(gateway, session_id);
	writer->next = *row;
	*row = writer;
	gateway->writers.count++;
	return writer;
}

static void
take_from_row(struct open_writer *writer)
{
	struct open_writer **place = find_row(writer->gateway, writer->session_id);

	while (*place != writer)
		place = &(*place)->next;
	*place = writer->next;
	writer->gateway->writers.count--;
}

void
writers_let_go(struct open_writer *writer)
{
	if (writer->writer != NULL || writer->is_opening || writer->working != 0 ||
	    !TAILQ_EMPTY(&writer->queued) || !TAILQ_EMPTY(&writer->unrecorded))
		return;
	watch_close(&writer->watch);
	take_from_row(writer);
	free(writer);
}

void
writers_use(struct open_writer *writer)
{
	struct writers *const writers = &writer->gateway->writers;

	TAILQ_REMOVE(&writers->idle, writer, idle);
	TAILQ_INSERT_TAIL(&writers->idle, writer, idle);
	writer->used_ns = writer->gateway->now_ns;
}

void
writers_drop_handle(struct open_writer *writer)
{
	if (writer->writer == NULL)
		return;
	TAILQ_REMOVE(&writer->gateway->writers.idle, writer, idle);
	reprise_writer_close(writer->writer);
	writer->writer = NULL;
}

static void
take_handle(struct open_writer *writer)
{
	if (writer->opened == NULL)
		return;
	writer->writer = writer->opened;
	writer->opened = NULL;
	writer->used_ns = writer->gateway->now_ns;
	TAILQ_INSERT_TAIL(&writer->gateway->writers.idle, writer, idle);
}

static bool
creates(const struct append *append)
{
	return append->calls != NULL ? append->creates : append->events_count != 0;
}

/*
 * The first append that waits. A session that had ended is open for the append that reopens it,
 * and has ended again behind that append: no append of another client comes between.
 */
static struct append *
next_to_serve(struct open_writer *writer)
{
	struct append *append = TAILQ_FIRST(&writer->queued);

	if (writer->reopens && writer->writer != NULL)
		while (append != NULL && !append->reopens)
			append = TAILQ_NEXT(append, in_session);
	return append;
}

/*
 * Serves the appends that wait, in order. The entry stays meanwhile. An append that found its
 * window gone, or would create the session, waits for the next opening.
 */
static void
serve_queue(struct open_writer *writer)
{
	const bool was_opened = writer->opening == OPENING_OPENED;
	struct append *append;

	while ((append = next_to_serve(writer)) != NULL) {
		if (writer->writer != NULL)
			append_carry_out(append);
		else if (was_opened || (writer->opening == OPENING_UNKNOWN && creates(append)))
			break;
		else
			append_fail(append, writer);
	}
}

static void
refuse_queue(struct open_writer *writer)
{
	struct append *append;

	while ((append = TAILQ_FIRST(&writer->queued)) != NULL)
		append_refuse(append, ERROR_SHUTTING_DOWN, NULL);
}

/* The opening is over. True: appends wait for another one. False: the entry may be gone. */
static bool
settle_opening(struct open_writer *writer)
{
	take_handle(writer);
	if (writer->is_abandoned || work_is_closing(&writer->gateway->work)) {
		writers_drop_handle(writer);
		refuse_queue(writer);
	} else {
		serve_queue(writer);
	}
	if (!TAILQ_EMPTY(&writer->queued))
		return true;
	writer->is_opening = false;
	writers_let_go(writer);
	return false;
}

static void
prepare_opening(struct open_writer *writer)
{
	struct append *append;

	writer->creates = writer->reopens = false;
	TAILQ_FOREACH(append, &writer->queued, in_session) {
		writer->creates |= creates(append);
		writer->reopens |= append->reopens;
	}
	writer->is_opening = true;
}

static void
finish_opening(struct job *job)
{
	struct open_writer *const writer =
		(struct open_writer *)((char *)job - offsetof(struct open_writer, job));

	if (!settle_opening(writer))
		return;
	prepare_opening(writer);
	work_submit(&writer->gateway->work, job);
}

static void
open_writer(struct open_writer *writer)
{
	if (gateway_has_log(writer->gateway)) {
		prepare_opening(writer);
		writer->job.run = opening_run;
		writer->job.done = finish_opening;
		work_submit(&writer->gateway->work, &writer->job);
		return;
	}
	do {
		prepare_opening(writer);
		writer->job.status = REPRISE_OK;
		writer->job.error = (struct reprise_error)REPRISE_ERROR_INIT;
		opening_run(&writer->job, NULL);
	} while (settle_opening(writer));
}

bool
writers_is_overloaded(const struct reprise_gateway *gateway)
{
	return gateway->writers.queued >= WRITERS_QUEUED_MAX ||
	       atomic_load_explicit(&gateway->counters.jobs, memory_order_relaxed) >=
		       WRITERS_QUEUED_MAX;
}

void
writers_queue(struct open_writer *writer, struct append *append)
{
	struct reprise_gateway *const gateway = writer->gateway;

	if (!append->was_closed && writers_is_overloaded(gateway)) {
		writer->working++; /* the answer may begin another append of the session */
		append_refuse(append, ERROR_TOO_MANY_REQUESTS, NULL);
		writer->working--;
		writers_let_go(writer);
		return;
	}
	append->writer = writer;
	append->stage = APPEND_QUEUED;
	gateway->writers.queued++;
	/* An append that comes back goes before the appends that came later. */
	if (append->was_closed)
		TAILQ_INSERT_HEAD(&writer->queued, append, in_session);
	else
		TAILQ_INSERT_TAIL(&writer->queued, append, in_session);
	if (!writer->is_opening)
		open_writer(writer);
}

void
writers_check(struct reprise_gateway *gateway, const char *session_id)
{
	struct open_writer *const writer = find(gateway, session_id);
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reprise_cursor cursor;

	if (writer == NULL || writer->writer == NULL)
		return;
	if (reprise_session_stats(gateway->store, session_id, &stats) == REPRISE_OK &&
	    reprise_writer_cursor(writer->writer, stats.newest, &cursor) != REPRISE_E_CLOSED)
		return;
	writers_drop_handle(writer);
	writers_let_go(writer);
}

static void
close_idle(struct reprise_gateway *gateway)
{
	const uint64_t idle_ns = (uint64_t)gateway->options.writer_idle_ms * 1000000;
	struct open_writer *writer = TAILQ_FIRST(&gateway->writers.idle), *next;

	for (; writer != NULL && gateway->now_ns - writer->used_ns >= idle_ns; writer = next) {
		next = TAILQ_NEXT(writer, idle);
		writers_drop_handle(writer);
		writers_let_go(writer);
	}
}

void
writers_tick(struct reprise_gateway *gateway)
{
	recorded_tick(gateway);
	close_idle(gateway);
}

static void
close_entry(struct open_writer *writer)
{
	refuse_queue(writer);
	recorded_fail(writer, ERROR_NOT_RECORDED);
	writers_drop_handle(writer);
	watch_close(&writer->watch);
	/* A job's entry goes when the job is done. */
	writer->is_abandoned = writer->is_opening;
	writers_let_go(writer);
}

void
writers_close(struct reprise_gateway *gateway)
{
	struct open_writer *writer, *next;

	for (size_t i = 0; i < WRITERS_ROWS; i++)
		for (writer = gateway->writers.rows[i]; writer != NULL; writer = next) {
			next = writer->next;
			close_entry(writer);
		}
}
