/* SPDX-License-Identifier: MIT */
/*
 * The life of a position. The window knows its own life; the lives before are the log's to tell,
 * and a worker's to ask for. At the seam of two lives the later one is taken: there is nothing to
 * be told of the seam then.
 */
#include "gateway/durable_from.h"

#include <stddef.h>
#include <string.h>

#include <reprise/log.h>
#include <reprise/session.h>
#include <reprise/subscription.h>

#include "gateway/gateway.h"

enum {
	LIVES_AT_ONCE = 64
};

static struct durable_from *
from_of(struct job *job)
{
	return (struct durable_from *)((char *)job - offsetof(struct durable_from, job));
}

static bool
ask_window(struct durable_from *from)
{
	struct request *const request = from->request;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	if (reprise_session_stats(request->gateway->store, request->session_id, &stats) !=
		    REPRISE_OK ||
	    from->position + 1 < stats.first)
		return false;
	from->cursor.incarnation = stats.incarnation;
	return true;
}

static void
expire(struct durable_from *from, reprise_position earliest)
{
	from->is_expired = true;
	from->earliest = earliest;
}

/* How a life stands to the position. */
enum side {
	SIDE_BEFORE, /* the life ends before the position, or gives no events */
	SIDE_AT,     /* the life has the position, or begins behind the position */
	SIDE_BEHIND, /* there are positions of no valid life in between */
};

static enum side
side_of(const struct reprise_life *life, reprise_position position)
{
	if (life->state == REPRISE_LIFE_INVALIDATED || life->end < position)
		return SIDE_BEFORE;
	return life->first <= position + 1 ? SIDE_AT : SIDE_BEHIND;
}

/* The lives ascend. Several may be at the position: all but the last are seams, or empty. */
static reprise_status
find_life(struct durable_from *from, struct reprise_log *log, const struct reprise_log_key *key,
	  reprise_position head)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	size_t lives_count = LIVES_AT_ONCE;
	bool is_found = false;
	uint64_t after = 0;

	while (lives_count == LIVES_AT_ONCE) {
		const reprise_status status = reprise_log_lives(
			log, key, after, lives, LIVES_AT_ONCE, &lives_count, &from->job.error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < lives_count; i++) {
			const enum side side = side_of(&lives[i], from->position);

			after = lives[i].number;
			if (side == SIDE_AT) {
				from->cursor.incarnation = lives[i].incarnation;
				is_found = true;
			} else if (side == SIDE_BEHIND && !is_found) {
				expire(from, lives[i].first - 1);
				return REPRISE_OK;
			}
		}
	}
	if (!is_found)
		expire(from, head);
	return REPRISE_OK;
}

/* On a worker. */
static void
ask_log(struct job *job, struct reprise_log *log)
{
	struct durable_from *const from = from_of(job);
	struct request *const request = from->request;
	const struct reprise_log_key key = { request->gateway->tenant, request->session_id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;

	if (job->status != REPRISE_OK)
		return;
	job->status = reprise_log_stats(log, &key, &stats, &job->error);
	if (job->status != REPRISE_OK)
		return;
	if (stats.watermark > from->position)
		expire(from, stats.watermark);
	else
		job->status = find_life(from, log, &key, stats.head);
}

static void
tell_found(struct job *job)
{
	struct durable_from *const from = from_of(job);
	struct request *const request = from->request;

	from->found(from);
	request_release(request);
}

void
durable_from_find(struct durable_from *from)
{
	struct request *const request = from->request;

	from->is_expired = false;
	from->job.status = REPRISE_OK;
	memset(&from->cursor, 0, sizeof(from->cursor));
	memcpy(from->cursor.session_id, request->session_id, sizeof(from->cursor.session_id));
	from->cursor.position = from->position;
	if (ask_window(from)) {
		from->found(from);
		return;
	}
	from->job.run = ask_log;
	from->job.done = tell_found;
	request_hold(request);
	work_submit(&request->gateway->work, &from->job);
}

reprise_status
durable_from_open(const struct durable_from *from, uint64_t staging_bytes, struct watch *watch,
		  void (*ready)(struct watch *watch), struct reprise_error *error)
{
	struct reprise_gateway *const gateway = from->request->gateway;
	const struct reprise_subscription_options options = {
		.size = sizeof(options),
		.staging_bytes = staging_bytes,
		.is_recorded_only = 1,
		.is_continuous = 1,
	};
	struct reprise_subscription *subscription;
	reprise_status status;

	status = reprise_subscribe_after(gateway->store, &from->cursor, &options, &subscription,
					 error);
	if (status == REPRISE_OK)
		status = watch_open(watch, gateway, subscription, ready);
	return status;
}
