/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

/*
 * A stream of events to one client. A stream reads a subscription of its own until the client has
 * everything, and then shares a channel with the other clients that have everything. Nothing is
 * buffered for a slow client but the blocks that the socket did not take: the socket's drain reads
 * on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "gateway/channel.h"
#include "gateway/place.h"
#include "gateway/request.h"
#include "gateway/shape.h"
#include "gateway/watch.h"

enum {
	STREAM_PENDING_MAX = 64 << 10, /* bytes: a client with more is not read for */
	STREAM_READ_BYTES = 32 << 10,  /* encoded at a time */
	STREAM_FIRST_BYTES = 4 << 10,  /* the same, when a stream begins */
};

struct stream {
	struct request *request;
	struct place place;
	struct stream_shape shape;
	struct watch watch;      /* while the stream reads alone */
	struct channel *channel; /* while the stream shares */
	struct session_clients *clients;
	struct clients_link link; /* while the stream reads alone */
	struct stream *next_member, *previous_member;
	struct stream *next, *previous; /* of the gateway's streams */
	uint64_t sent_ns;               /* when bytes were written last */
	uint32_t joins_left;            /* tries to share before the next event */
	bool waits_for_session;         /* a session that does not exist is waited for */
	bool has_done;                  /* the stream ends with "data: [DONE]" */
	bool is_head;                   /* the request was HEAD */
	bool is_begun;
	bool is_live; /* the hand-over was told */
	bool is_over;
};

/* stream.c */

/* Sends to one member or to a stream that reads alone. */
bool stream_write(struct stream *stream, struct http_block *block);
/* Sends what is encoded at the gateway's scratch. False: the stream is over. */
bool stream_send_scratch(struct stream *stream);
/* Ends a stream whose session has ended: what is encoded already has told so. */
void stream_finish(struct stream *stream);
/* Gives a stream a subscription of its own, after @cursor. On failure the client is cut off. */
void stream_leave(struct stream *stream, const struct reprise_cursor *cursor);
/* Ends a stream without a word: the client comes back with its last id. */
void stream_cut(struct stream *stream);

/* streams.c */

/* The gateway's streams: one more, one fewer. */
void streams_link(struct stream *stream);
void streams_unlink(struct stream *stream);
/* From on_tick: heartbeats. From stop: `bye` to each stream. */
void streams_tick(struct reprise_gateway *gateway);
void streams_shutdown(struct reprise_gateway *gateway);

#endif /* GATEWAY_STREAM_H */
