/* SPDX-License-Identifier: MIT */
/*
 * The opening of a session's writer, on a worker: whether the session exists and goes on, and
 * whether one more may be created.
 */
#include <stddef.h>

#include "gateway/append.h"

/* On a worker: what the log knows of a session without a window. */
static reprise_status
ask_log(struct open_writer *writer, struct reprise_log *log, bool *ret_exists)
{
	const struct reprise_log_key key = { writer->gateway->tenant, writer->session_id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	struct reprise_error *const error = &writer->job.error;
	reprise_status status = reprise_log_stats(log, &key, &stats, error);

	*ret_exists = false;
	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	if (status != REPRISE_OK)
		return status;
	*ret_exists = true;
	if (!stats.has_ended || stats.life.state == REPRISE_LIFE_INVALIDATED)
		return REPRISE_OK;
	writer->end_status = stats.end_status;
	writer->was_ended = writer->reopens;
	if (writer->reopens)
		return REPRISE_OK;
	writer->opening = OPENING_ENDED;
	return reprise_log_current_cursor(log, &key, REPRISE_REVISION_UNKNOWN, &writer->ended,
					  error);
}

/* Whether the session exists, and whether the session has ended. */
static reprise_status
look_up(struct open_writer *writer, struct reprise_log *log, bool *ret_exists)
{
	struct reprise_store *const store = writer->gateway->store;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	const reprise_status status = reprise_session_stats(store, writer->session_id, &stats);

	*ret_exists = status == REPRISE_OK;
	if (status == REPRISE_E_NOT_FOUND)
		return log == NULL ? REPRISE_OK : ask_log(writer, log, ret_exists);
	if (status != REPRISE_OK || !stats.ended)
		return status;
	writer->end_status = stats.end_status;
	writer->was_ended = writer->reopens;
	if (writer->reopens)
		return status;
	writer->opening = OPENING_ENDED;
	return reprise_session_current_cursor(store, writer->session_id, REPRISE_REVISION_UNKNOWN,
					      &writer->ended);
}

/*
 * Idle windows count in a store without a log alone: with a log the store may evict such a window,
 * and the log has the events. Otherwise a session that has ended would keep others out for ever.
 */
static bool
may_create(const struct reprise_gateway *gateway)
{
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;
	uint64_t counted;

	if (reprise_store_stats(gateway->store, &stats) != REPRISE_OK)
		return false;
	counted = stats.sessions;
	if (gateway_has_log(gateway))
		counted -= stats.sessions_idle < counted ? stats.sessions_idle : counted;
	return counted < gateway->options.sessions_max;
}

static reprise_status
open_handle(struct open_writer *writer)
{
	const struct reprise_session_options options = {
		.size = sizeof(options),
		.when_full = gateway_has_log(writer->gateway) ? REPRISE_WHEN_FULL_REFUSE
							      : REPRISE_WHEN_FULL_DEFAULT,
	};
	const reprise_status status =
		reprise_writer_open(writer->gateway->store, writer->session_id, &options,
				    &writer->opened, &writer->job.error);

	if (status == REPRISE_OK)
		writer->opening = OPENING_OPENED;
	return status;
}

void
opening_run(struct job *job, struct reprise_log *log)
{
	struct open_writer *const writer =
		(struct open_writer *)((char *)job - offsetof(struct open_writer, job));
	bool exists = false;

	writer->opening = OPENING_FAILED;
	writer->opened = NULL;
	writer->was_ended = false;
	if (job->status == REPRISE_OK)
		job->status = look_up(writer, log, &exists);
	if (job->status != REPRISE_OK) {
		writer->opening = OPENING_FAILED;
		return;
	}
	if (writer->opening == OPENING_ENDED)
		return;
	if (!exists && !writer->creates)
		writer->opening = OPENING_UNKNOWN;
	else if (!exists && !may_create(writer->gateway))
		writer->opening = OPENING_FULL;
	else
		job->status = open_handle(writer);
}
