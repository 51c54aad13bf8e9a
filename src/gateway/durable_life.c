/* SPDX-License-Identifier: MIT */
/*
 * Lifetimes of durable streams. In memory a lifetime ends at a time of CLOCK_MONOTONIC, which no
 * step of the wall clock moves. The log has the wall time of the last renewal, so that a lifetime
 * goes on behind a restart.
 */
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

uint64_t
durable_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t
ttl_ns(const struct durable_settings *settings)
{
	const uint64_t seconds_max = UINT64_MAX / 4 / NS_PER_S;

	return (settings->ttl_s < seconds_max ? settings->ttl_s : seconds_max) * NS_PER_S;
}

/* The time between two records of a renewal, and so the time that a restart may add. */
static uint64_t
renewal_ns(const struct durable_settings *settings)
{
	const uint64_t quarter_ns = ttl_ns(settings) / 4;

	return quarter_ns < NS_PER_S ? NS_PER_S : quarter_ns;
}

/* @passed_ns: of the TTL. @more_ns: beyond the TTL. */
static void
set_deadline(struct durable_stream *stream, uint64_t passed_ns, uint64_t more_ns)
{
	const struct durable_settings *const settings = &stream->state.settings;
	const uint64_t now_ns = stream->gateway->now_ns, wall_ns = durable_now();
	uint64_t left_ns = UINT64_MAX;

	if (settings->has_ttl) {
		const uint64_t whole_ns = ttl_ns(settings) + more_ns;

		left_ns = passed_ns < whole_ns ? whole_ns - passed_ns : 0;
	}
	if (settings->has_expiry) {
		const uint64_t expiry_ns =
			settings->expires_ns > wall_ns ? settings->expires_ns - wall_ns : 0;

		left_ns = expiry_ns < left_ns ? expiry_ns : left_ns;
	}
	stream->deadline_ns = left_ns > UINT64_MAX / 2 ? 0 : now_ns + left_ns;
}

void
durable_begin_lifetime(struct durable_stream *stream)
{
	set_deadline(stream, 0, 0);
}

/*
 * The log has wall time, and the loop's clock never steps: what is left is judged once. A wall
 * clock that stands before the record was set back, and the whole TTL is left. A renewal may not
 * have been recorded, so a restart adds the time between two records.
 */
void
durable_resume_lifetime(struct durable_stream *stream)
{
	const uint64_t wall_ns = durable_now(), renewed_ns = stream->state.renewed_ns;

	set_deadline(stream, wall_ns > renewed_ns ? wall_ns - renewed_ns : 0,
		     renewal_ns(&stream->state.settings));
}

bool
durable_has_expired(const struct durable_stream *stream)
{
	return stream->deadline_ns != 0 && stream->state.is_created &&
	       stream->deadline_ns <= clock_ns();
}

bool
durable_ttl_left(const struct durable_look *look, uint64_t *ret_seconds)
{
	const struct durable_stream *const stream = look->stream;
	const uint64_t now_ns = stream->gateway->now_ns;

	if (!stream->state.settings.has_ttl)
		return false;
	*ret_seconds = stream->deadline_ns > now_ns
			       ? (stream->deadline_ns - now_ns + 999999999) / 1000000000
			       : 0;
	if (*ret_seconds > stream->state.settings.ttl_s)
		*ret_seconds = stream->state.settings.ttl_s;
	return true;
}

struct renewal {
	struct durable_control control;
	struct durable_stream *stream;
	uint64_t wall_ns, before_ns;
};

/* A renewal that failed is due again. */
static void
finish_renewal(struct durable_control *control)
{
	struct renewal *const renewal =
		(struct renewal *)((char *)control - offsetof(struct renewal, control));
	struct durable_state *const state = &renewal->stream->state;

	if (!control->is_done && state->renewed_ns == renewal->wall_ns)
		state->renewed_ns = renewal->before_ns;
	renewal->stream->references--;
	free(renewal);
}

/* Records that the lifetime was renewed, so that a restart does not shorten it. */
static void
record_renewal(struct durable_stream *stream, uint64_t wall_ns)
{
	struct renewal *const renewal = calloc(1, sizeof(*renewal));

	if (renewal == NULL)
		return; /* the next renewal tries again */
	durable_change_renew(&renewal->control.change, wall_ns);
	renewal->control.is_ended = stream->state.is_closed;
	renewal->control.keeps_alive = true;
	renewal->control.done = finish_renewal;
	renewal->stream = stream;
	renewal->wall_ns = wall_ns;
	renewal->before_ns = stream->state.renewed_ns;
	stream->references++;
	stream->state.renewed_ns = wall_ns; /* one record at a time */
	durable_write(stream, &renewal->control);
}

bool
durable_renewal_is_due(const struct durable_stream *stream)
{
	const uint64_t wall_ns = durable_now(), before_ns = stream->state.renewed_ns;
	const uint64_t passed_ns = wall_ns > before_ns ? wall_ns - before_ns : before_ns - wall_ns;

	return stream->state.settings.has_ttl && passed_ns >= renewal_ns(&stream->state.settings);
}

void
durable_renew(const struct durable_look *look)
{
	struct durable_stream *const stream = look->stream;

	if (!stream->state.settings.has_ttl || stream->state.is_gone || stream->is_removing)
		return;
	durable_begin_lifetime(stream);
	if (durable_renewal_is_due(stream) && !stream->gateway->options.reads_only)
		record_renewal(stream, durable_now());
}
