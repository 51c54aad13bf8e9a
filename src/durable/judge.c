/* SPDX-License-Identifier: MIT */
/*
 * The order of the refusals: closed, type, producer, Stream-Seq. The producer comes before
 * Stream-Seq, since the repetition of a batch has the Stream-Seq of the batch.
 */
#include <string.h>

#include "durable/state.h"
#include "durable/tables.h"

/* Whether the request is the one that closed the stream. */
static bool
is_closing(const struct durable_state *state, const struct durable_request *request)
{
	return request->has_producer && state->closing_id[0] != '\0' &&
	       strcmp(request->producer, state->closing_id) == 0 &&
	       request->epoch == state->closing_epoch && request->number == state->closing_number;
}

static enum durable_verdict
judge_closed(const struct durable_state *state, const struct durable_request *request)
{
	if (is_closing(state, request))
		return DURABLE_DUPLICATE;
	if (request->closes && !request->has_data && !request->has_producer)
		return DURABLE_CLOSED_ALREADY;
	return DURABLE_REFUSE_CLOSED;
}

static enum durable_verdict
judge_producer(const struct durable_state *state, const struct durable_request *request,
	       const struct durable_producer *producer)
{
	if (producer == NULL || request->epoch > producer->epoch) {
		if (request->number != 0)
			return DURABLE_REFUSE_BEGINNING;
		return producer == NULL && state->producers_count >= DURABLE_PRODUCERS_MAX
			       ? DURABLE_REFUSE_PRODUCERS
			       : DURABLE_ACCEPT;
	}
	if (request->epoch < producer->epoch)
		return DURABLE_REFUSE_EPOCH;
	if (request->number <= producer->number)
		return DURABLE_DUPLICATE;
	return request->number == producer->number + 1 ? DURABLE_ACCEPT : DURABLE_REFUSE_GAP;
}

/* strcmp compares bytes without a sign, as the protocol wants. */
static bool
is_in_order(const struct durable_state *state, const struct durable_request *request)
{
	return !request->has_data || request->order == NULL || state->order[0] == '\0' ||
	       strcmp(request->order, state->order) > 0;
}

enum durable_verdict
durable_state_judge(const struct durable_state *state, const struct durable_request *request,
		    const struct durable_producer **ret_producer)
{
	const struct durable_producer *const producer =
		request->has_producer ? tables_find_producer(state, request->producer) : NULL;
	enum durable_verdict verdict = DURABLE_ACCEPT;

	*ret_producer = producer;
	if (state->is_closed)
		return judge_closed(state, request);
	if (request->has_data && request->type != NULL &&
	    strcmp(request->type, state->settings.type) != 0)
		return DURABLE_REFUSE_TYPE;
	if (request->has_producer)
		verdict = judge_producer(state, request, producer);
	if (verdict == DURABLE_ACCEPT && !is_in_order(state, request))
		verdict = DURABLE_REFUSE_ORDER;
	return verdict;
}

static bool
are_lifetimes_equal(const struct durable_settings *a, const struct durable_settings *b)
{
	return a->has_ttl == b->has_ttl && (!a->has_ttl || a->ttl_s == b->ttl_s) &&
	       a->has_expiry == b->has_expiry && (!a->has_expiry || a->expires_ns == b->expires_ns);
}

bool
durable_settings_are_equal(const struct durable_settings *a, const struct durable_settings *b)
{
	return strcmp(a->type, b->type) == 0 && are_lifetimes_equal(a, b) &&
	       a->is_created_closed == b->is_created_closed && strcmp(a->source, b->source) == 0 &&
	       a->fork_sub_offset == b->fork_sub_offset &&
	       (!b->has_fork_offset || a->fork_offset == b->fork_offset);
}
