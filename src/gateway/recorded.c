/* SPDX-License-Identifier: MIT */
/*
 * Appends wait until the log has their events. The subscription of recorded events is opened before
 * the first append that waits, and says how far the log has come. A second source is the recorder's
 * statistics: while the last transaction has failed, appends that would wait are refused at once.
 */
#include <string.h>

#include "base/clock.h"
#include "gateway/append.h"

enum {
	READ_EVENTS_MAX = 64,
	READ_BATCHES_MAX = 64, /* in one turn of the loop */
	LOOK_MS = 200,         /* between two looks at the recorder, while appends go on */
	LOOK_IDLE_MS = 2000,
};

static reprise_status
subscribe(struct open_writer *writer)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = 1 };
	struct reprise_store *const store = writer->gateway->store;
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;
	reprise_status status;

	status = reprise_session_current_cursor(store, writer->session_id, REPRISE_REVISION_UNKNOWN,
						&cursor);
	if (status != REPRISE_OK)
		return status == REPRISE_E_NOT_FOUND ? REPRISE_E_CLOSED : status;
	status = reprise_subscribe_after(store, &cursor, &options, &subscription, NULL);
	if (status != REPRISE_OK)
		return status;
	writer->life = cursor.incarnation;
	writer->through = 0;
	return watch_open(&writer->watch, writer->gateway, subscription, recorded_read);
}

/* Appends that come meanwhile stay: an answer may begin another append of the session. */
void
recorded_fail(struct open_writer *writer, enum error_code code)
{
	const struct append *const last = TAILQ_LAST(&writer->unrecorded, append_list);
	const struct append *failed = NULL;
	struct append *append;

	while (failed != last && (append = TAILQ_FIRST(&writer->unrecorded)) != NULL) {
		failed = append;
		append_refuse_appended(append, code);
	}
}

reprise_status
recorded_watch(struct open_writer *writer)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	reprise_status status;

	if (writer->watch.subscription == NULL)
		return subscribe(writer);
	status = reprise_session_stats(writer->gateway->store, writer->session_id, &stats);
	if (status == REPRISE_OK &&
	    memcmp(&stats.incarnation, &writer->life, sizeof(writer->life)) == 0)
		return REPRISE_OK;
	/* The watch is of an earlier life. */
	watch_close(&writer->watch);
	status = subscribe(writer);
	recorded_fail(writer, ERROR_INVALIDATED);
	return status;
}

bool
recorded_has(const struct open_writer *writer, reprise_position position)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	/* Without a window the log is all that is known. */
	return reprise_session_stats(writer->gateway->store, writer->session_id, &stats) !=
		       REPRISE_OK ||
	       stats.recorded >= position;
}

void
recorded_wait(struct append *append)
{
	struct open_writer *const writer = append->writer;
	struct reprise_gateway *const gateway = writer->gateway;
	struct append *before = TAILQ_LAST(&writer->unrecorded, append_list);

	append->stage = APPEND_UNRECORDED;
	append->deadline_ns =
		gateway->now_ns + (uint64_t)gateway->options.recorded_wait_ms * 1000000;
	/* Appends by workers come back in any order. */
	while (before != NULL && before->last > append->last)
		before = TAILQ_PREV(before, append_list, in_session);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&writer->unrecorded, append, in_session);
	else
		TAILQ_INSERT_AFTER(&writer->unrecorded, before, append, in_session);
	TAILQ_INSERT_TAIL(&gateway->writers.unrecorded, append, in_gateway);
	/* The watch may have read past the events of a shared writer already. */
	if (append->last <= writer->through)
		watch_again(&writer->watch);
}

/* Everything up to `through` is recorded. */
static void
settle(struct open_writer *writer)
{
	struct append *append;

	while ((append = TAILQ_FIRST(&writer->unrecorded)) != NULL &&
	       append->last <= writer->through) {
		append->is_recorded = true;
		append_answer(append);
	}
}

/* Some events are in the log as a gap alone. */
static void
lose(struct open_writer *writer, const struct reprise_gap *gap)
{
	struct append *append, *next;

	for (append = TAILQ_FIRST(&writer->unrecorded); append != NULL; append = next) {
		next = TAILQ_NEXT(append, in_session);
		if (append->first <= gap->lost_last && gap->lost_first <= append->last)
			append_refuse_appended(append, ERROR_NOT_RECORDED);
	}
}

static bool
is_lost(reprise_gap_detail detail)
{
	return detail == REPRISE_GAP_OVERRUN || detail == REPRISE_GAP_TOO_LARGE ||
	       detail == REPRISE_GAP_NOT_RECORDED;
}

static void
take_gap(struct open_writer *writer, const struct reprise_gap *gap)
{
	if (gap->reason == REPRISE_GAP_UNAVAILABLE) {
		recorded_fail(writer, gap->detail == REPRISE_GAP_DIVERGED ||
						      gap->detail == REPRISE_GAP_OTHER_INCARNATION
					      ? ERROR_TAKEN_OVER
					      : ERROR_INVALIDATED);
		return;
	}
	settle(writer);
	if (is_lost(gap->detail))
		lose(writer, gap);
	writer->through = gap->cursor.position;
}

static void
take_end(struct open_writer *writer, const struct reprise_end *end)
{
	/* A session's end comes behind its last recorded event. */
	if (end->cause == REPRISE_END_SESSION) {
		writer->through = UINT64_MAX;
		settle(writer);
	}
	watch_close(&writer->watch);
	recorded_fail(writer,
		      end->cause == REPRISE_END_STORE ? ERROR_SHUTTING_DOWN : ERROR_INVALIDATED);
}

/* True: more may follow at once. */
static bool
read_once(struct open_writer *writer)
{
	struct reprise_event events[READ_EVENTS_MAX];
	struct reprise_gap gap;
	struct reprise_end end;
	size_t events_count;

	switch (reprise_next_batch(writer->watch.subscription, events, READ_EVENTS_MAX,
				   &events_count, &gap, &end)) {
	case REPRISE_NEXT_EVENT:
		writer->through = events[events_count - 1].position;
		return true;
	case REPRISE_NEXT_GAP:
		take_gap(writer, &gap);
		return true;
	case REPRISE_NEXT_ENDED:
		take_end(writer, &end);
		return false;
	case REPRISE_NEXT_EMPTY:
		break;
	}
	return false;
}

void
recorded_read(struct watch *watch)
{
	struct open_writer *const writer =
		(struct open_writer *)((char *)watch - offsetof(struct open_writer, watch));
	int left = READ_BATCHES_MAX;

	writer->working++; /* an answer may begin another append, which lets go of the entry */
	while (left > 0 && read_once(writer))
		left--;
	settle(writer);
	if (left == 0)
		watch_again(watch);
	writer->working--;
	writers_let_go(writer);
}

static void
expire(struct reprise_gateway *gateway)
{
	struct append *append;

	while ((append = TAILQ_FIRST(&gateway->writers.unrecorded)) != NULL &&
	       append->deadline_ns <= gateway->now_ns) {
		struct open_writer *const writer = append->writer;

		writer->working++;
		append_refuse_appended(append, ERROR_NOT_RECORDED);
		writer->working--;
		writers_let_go(writer);
	}
}

/*
 * Whether the log fails for all sessions: a session that the log refuses is no failure of the log,
 * and without events to record there is no transaction that could succeed.
 */
static bool
is_failing(const struct reprise_gateway *gateway, const struct reprise_recorder_stats *stats)
{
	if (stats->last == REPRISE_OK)
		return false;
	if (gateway->options.reads_only)
		return true;
	return stats->lag != 0 && !(stats->stuck != 0 && stats->last == stats->stuck_status);
}

/* On a worker: the call locks, and visits each session. */
static void
run_look(struct job *job, struct reprise_log *log)
{
	struct writers *const writers =
		(struct writers *)((char *)job - offsetof(struct writers, look));
	struct reprise_gateway *const gateway =
		(struct reprise_gateway *)((char *)writers -
					   offsetof(struct reprise_gateway, writers));
	struct reprise_recorder_stats stats = REPRISE_RECORDER_STATS_INIT;

	(void)log;
	writers->was_failing = reprise_recorder_stats(gateway->recorder, &stats) == REPRISE_OK &&
			       is_failing(gateway, &stats);
}

static void
finish_look(struct job *job)
{
	struct writers *const writers =
		(struct writers *)((char *)job - offsetof(struct writers, look));
	struct reprise_gateway *const gateway =
		(struct reprise_gateway *)((char *)writers -
					   offsetof(struct reprise_gateway, writers));

	writers->is_looking = false;
	gateway->is_log_failing = writers->was_failing;
}

static void
look(struct reprise_gateway *gateway)
{
	struct writers *const writers = &gateway->writers;
	const bool is_busy = gateway->is_log_failing || !TAILQ_EMPTY(&writers->unrecorded);
	const uint64_t pause_ns = (is_busy ? LOOK_MS : LOOK_IDLE_MS) * UINT64_C(1000000);

	if (!gateway_has_log(gateway) || writers->is_looking ||
	    gateway->now_ns - gateway->log_looked_ns < pause_ns)
		return;
	gateway->log_looked_ns = gateway->now_ns;
	writers->is_looking = true;
	writers->look.run = run_look;
	writers->look.done = finish_look;
	work_submit(&gateway->work, &writers->look);
}

void
recorded_tick(struct reprise_gateway *gateway)
{
	expire(gateway);
	look(gateway);
}
