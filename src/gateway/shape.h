/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SHAPE_H
#define GATEWAY_SHAPE_H

/* How the events of a stream or a page are chosen and encoded, as the query asks. */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/cursor.h>
#include <reprise/subscription.h>

#include "durable/state.h"
#include "gateway/query.h"

/* A name of events, by their kind; of a route map. */
struct event_name {
	uint16_t kind;
	const char *name;
};

struct event_names {
	const struct event_name *table; /* ascending by kind */
	size_t count;
};

/* Streams that share a subscription have the same shape. */
struct stream_shape {
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint16_t kinds[REPRISE_KINDS_MAX]; /* ascending, no number twice */
	uint32_t kinds_count;              /* 0: all */
	bool is_bare;
	bool is_recorded_only;
	bool has_kind_names;
	const struct event_names *names; /* NULL: none. They outlive the streams */
};

/* Fills a shape that is all zero. NULL, or words for what is wrong with the query. */
const char *stream_shape_parse(struct stream_shape *shape, const char *session_id,
			       const struct query *query);
/* The same without the parameters of the encoding: for a page. */
const char *stream_shape_parse_choice(struct stream_shape *shape, const char *session_id,
				      const struct query *query);
/* The options of a subscription for the shape. @options points into @shape. */
void stream_shape_options(const struct stream_shape *shape,
			  struct reprise_subscription_options *options);
/* NULL: the kind has no name of its own. */
const char *stream_shape_name(const struct stream_shape *shape, uint16_t kind);

/* Control events of a durable stream come only if their kind is asked for. */
static inline bool
stream_shape_takes(const struct stream_shape *shape, const struct reprise_event *event)
{
	return event->kind != DURABLE_KIND || shape->kinds_count != 0;
}

bool stream_shape_is_same(const struct stream_shape *a, const struct stream_shape *b);

#endif /* GATEWAY_SHAPE_H */
