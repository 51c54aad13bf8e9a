/* SPDX-License-Identifier: MIT */
/*
 * Errands: work on durable streams without a client. A fork was deleted, and its source forgets the
 * fork; a lifetime is over; and a stream that is kept for its forks is asked whether the forks
 * exist. A crash can leave a fork that its source knows and the log does not, or one that was
 * deleted before the source heard.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/durable_stream.h"
#include "gateway/gateway.h"
#include "gateway/lines.h"

enum {
	RETRY_NS = 1000000000, /* between two errands of one kind for one stream */
	ERRANDS_MAX = 32,      /* at once: clients want the workers, too */
};

struct errand {
	struct request request;
	struct durable_removal removal;
	struct durable_control control;
	struct durable_removal *waiter; /* NULL: none */
	char fork[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct job job; /* asks the log for the forks */
};

static struct errand *
errand_new(struct reprise_gateway *gateway)
{
	struct errand *const errand = calloc(1, sizeof(*errand));

	if (errand == NULL)
		return NULL;
	gateway->durable.errands++;
	errand->request.gateway = gateway;
	errand->request.references = 1;
	errand->removal.look.request = &errand->request;
	errand->removal.look.is_exclusive = errand->removal.look.takes_any = true;
	return errand;
}

static void
end_errand(struct errand *errand)
{
	struct durable_removal *const waiter = errand->waiter;

	errand->request.gateway->durable.errands--;
	durable_change_free(&errand->control.change);
	durable_let_go(&errand->removal.look);
	request_release(&errand->request);
	if (waiter != NULL)
		durable_finish_removal(waiter, true, ERROR_INTERNAL);
}

static struct errand *
errand_of(struct durable_look *look)
{
	return (struct errand *)((char *)look - offsetof(struct errand, removal.look));
}

static void
on_errand_failed(struct durable_look *look, enum error_code code, reprise_status status,
		 const struct reprise_error *error)
{
	(void)code;
	(void)status;
	(void)error;
	if (look->stream != NULL)
		look->stream->has_checked_forks = false; /* the forks are asked for later */
	end_errand(errand_of(look));
}

static void
finish_errand(struct durable_removal *removal)
{
	end_errand((struct errand *)((char *)removal - offsetof(struct errand, removal)));
}

/* The last fork is gone. If the removal fails, the stream is asked again. */
static void
remove_gone(struct errand *errand)
{
	errand->removal.look.stream->has_checked_forks = false;
	errand->removal.done = finish_errand;
	durable_remove(&errand->removal);
}

static void
on_fork_lost(struct durable_control *control)
{
	struct errand *const errand =
		(struct errand *)((char *)control - offsetof(struct errand, control));
	struct durable_stream *const stream = errand->removal.look.stream;

	if (!control->is_done)
		stream->has_checked_forks = false;
	if (control->is_done && stream->state.is_gone && stream->state.forks_count == 0)
		remove_gone(errand);
	else
		end_errand(errand);
}

/* A fork that is being made or deleted, or was made again under the name. */
static bool
may_exist(const struct durable_stream *source, const char *fork)
{
	const struct durable_stream *const stream = durable_find_stream(source->gateway, fork);

	return stream != NULL && (stream->is_locked ||
				  (stream->is_loaded && stream->state.is_created &&
				   strcmp(stream->state.settings.source, source->session_id) == 0));
}

static void
on_source(struct durable_look *look)
{
	struct errand *const errand = errand_of(look);
	struct durable_stream *const stream = look->stream;

	if (!stream->state.is_created || stream->state.forks_count == 0 ||
	    may_exist(stream, errand->fork)) {
		stream->has_checked_forks = false;
		end_errand(errand);
		return;
	}
	errand->control = (struct durable_control){
		.is_ended = stream->state.is_closed || stream->state.is_gone,
		.done = on_fork_lost,
	};
	durable_change_remove_fork(&errand->control.change, errand->fork);
	durable_write(stream, &errand->control);
}

void
durable_lose_fork(struct reprise_gateway *gateway, const char *source, const char *fork,
		  struct durable_removal *waiter)
{
	struct errand *const errand = errand_new(gateway);
	struct durable_stream *stream;

	if (errand == NULL) {
		stream = durable_find_stream(gateway, source);
		if (stream != NULL)
			stream->has_checked_forks = false;
		durable_finish_removal(waiter, true, ERROR_INTERNAL);
		return;
	}
	memcpy(errand->fork, fork, strlen(fork) + 1);
	errand->waiter = waiter;
	errand->removal.look.found = on_source;
	errand->removal.look.failed = on_errand_failed;
	durable_look(&errand->removal.look, source);
}

static void
finish_expiry(struct durable_removal *removal)
{
	struct errand *const errand =
		(struct errand *)((char *)removal - offsetof(struct errand, removal));

	if (!removal->is_done)
		line_event(errand->request.gateway, "expiry_failed", &removal->error);
	end_errand(errand);
}

static void
on_expired(struct durable_look *look)
{
	struct errand *const errand = errand_of(look);

	if (!durable_has_expired(look->stream)) {
		end_errand(errand);
		return;
	}
	errand->removal.done = finish_expiry;
	durable_remove(&errand->removal);
}

/* On a worker, with the lock: a stream that is gone gets no further fork. */
static void
run_check(struct job *job, struct reprise_log *log)
{
	struct errand *const errand = (struct errand *)((char *)job - offsetof(struct errand, job));
	const struct durable_stream *const stream = errand->removal.look.stream;
	struct durable_loaded fork = { .known = 0 };

	durable_state_init(&fork.state);
	for (size_t i = 0; i < stream->state.forks_count && job->status == REPRISE_OK; i++) {
		const char *const id = stream->state.forks[i];

		job->status = durable_load(stream->gateway, id, log, &fork, &job->error);
		if (job->status == REPRISE_OK &&
		    (!fork.state.is_created ||
		     strcmp(fork.state.settings.source, stream->session_id) != 0))
			durable_change_remove_fork(&errand->control.change, id);
	}
	durable_state_free(&fork.state);
}

static void
finish_check(struct job *job)
{
	struct errand *const errand = (struct errand *)((char *)job - offsetof(struct errand, job));
	struct durable_stream *const stream = errand->removal.look.stream;

	if (job->status != REPRISE_OK) {
		end_errand(errand); /* the stream is asked again */
		return;
	}
	stream->has_checked_forks = true;
	if (stream->state.forks_count == 0) {
		remove_gone(errand);
		return;
	}
	if (errand->control.change.size == 0) {
		end_errand(errand);
		return;
	}
	errand->control.is_ended = true;
	errand->control.done = on_fork_lost;
	durable_write(stream, &errand->control);
}

/* Whether a fork is being made or deleted now, or is not in the log yet. */
static bool
is_any_unsettled(const struct durable_stream *stream)
{
	for (size_t i = 0; i < stream->state.forks_count; i++) {
		const struct durable_stream *const fork =
			durable_find_stream(stream->gateway, stream->state.forks[i]);

		if (fork != NULL && (fork->is_locked || !durable_is_recorded(fork)))
			return true;
	}
	return false;
}

static void
on_gone(struct durable_look *look)
{
	struct errand *const errand = errand_of(look);
	struct durable_stream *const stream = look->stream;

	if (!stream->state.is_gone || is_any_unsettled(stream)) {
		end_errand(errand);
		return;
	}
	errand->job.run = run_check;
	errand->job.done = finish_check;
	work_submit(&stream->gateway->work, &errand->job);
}

/* @found: called with the stream held exclusively. */
static void
begin(struct durable_stream *stream, void (*found)(struct durable_look *look))
{
	struct errand *errand;

	if (stream->gateway->now_ns < stream->errand_ns)
		return;
	stream->errand_ns = stream->gateway->now_ns + RETRY_NS;
	errand = errand_new(stream->gateway);
	if (errand == NULL)
		return;
	errand->removal.look.found = found;
	errand->removal.look.failed = on_errand_failed;
	durable_look(&errand->removal.look, stream->session_id);
}

bool
durable_begin_errand(struct durable_stream *stream)
{
	const struct reprise_gateway *const gateway = stream->gateway;

	if (gateway->options.reads_only != 0 || gateway->is_draining || !stream->is_loaded)
		return false;
	if (gateway->durable.errands >= ERRANDS_MAX)
		return durable_has_expired(stream) || durable_keep(stream); /* later */
	if (stream->state.is_gone && !stream->has_checked_forks) {
		begin(stream, on_gone);
		return true;
	}
	if (!durable_has_expired(stream) || stream->state.is_gone)
		return durable_keep(stream);
	begin(stream, on_expired);
	return true;
}
