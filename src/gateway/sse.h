/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SSE_H
#define GATEWAY_SSE_H

/*
 * Server-Sent Events. The fields of a block come in the order event, data, id: two clients take an
 * id that comes before the data for the id of an event that they have not got yet, and lose the
 * event when the connection is cut in between.
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/subscription.h>

#include "gateway/json.h"
#include "gateway/shape.h"

enum {
#define SSE_BYTE(...) 0,
	SSE_GAPS = sizeof((const char[]){ REPRISE_GAP_DETAIL_TABLE(SSE_BYTE) }),
#undef SSE_BYTE
};

/* The numbers of a reading, and how the reading ended. */
enum sse_outcome {
	SSE_MORE,    /* enough bytes are encoded */
	SSE_REACHED, /* the event at the position that the caller asked for is encoded */
	SSE_EMPTY,   /* nothing newer */
	SSE_ENDED,   /* the session has ended: the block `end` is encoded */
	SSE_LOST,    /* the subscription cannot go on */
};

struct sse_read {
	uint64_t events, gaps, lost;
	uint32_t gaps_by_detail[SSE_GAPS];
	enum sse_outcome outcome;
};

/*
 * Reads the subscription and encodes events, gaps and the end as blocks at @buffer, until the
 * buffer has @bytes, or the event at the position @until.
 */
struct sse_read sse_read(struct reprise_subscription *subscription,
			 const struct stream_shape *shape, struct buffer *buffer, size_t bytes,
			 reprise_position until);

void sse_event(struct buffer *buffer, const struct stream_shape *shape,
	       const struct reprise_event *event, const struct reprise_cursor *cursor);
void sse_gap(struct buffer *buffer, const struct stream_shape *shape,
	     const struct reprise_gap *gap);
void sse_end(struct buffer *buffer, const struct stream_shape *shape, int32_t status,
	     const struct reprise_cursor *cursor);

/* The first block of a stream; a comment in a bare stream. */
void sse_hello(struct buffer *buffer, const struct stream_shape *shape,
	       const struct reprise_cursor *cursor, const char *from, uint32_t retry_ms,
	       uint32_t heartbeat_ms);
/* The hand-over: everything older was sent. */
void sse_live(struct buffer *buffer, const struct stream_shape *shape,
	      const struct reprise_cursor *cursor);
/* The gateway goes down. */
void sse_bye(struct buffer *buffer, const struct stream_shape *shape,
	     const struct reprise_cursor *cursor, uint32_t retry_ms);

/* The members of a gap, without braces: shared with JSON pages. */
void sse_gap_members(struct buffer *buffer, const struct reprise_gap *gap);
/* The name of a gap's detail as a code: no spaces. */
void sse_gap_code(struct buffer *buffer, reprise_gap_detail detail);
/* The text of a cursor. */
void sse_cursor(struct buffer *buffer, const struct reprise_cursor *cursor);

#endif /* GATEWAY_SSE_H */
