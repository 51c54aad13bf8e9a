/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CHANNEL_H
#define GATEWAY_CHANNEL_H

/*
 * Streams of one session that keep up share a channel: one subscription, and one encoded block for
 * all of them. All members of a channel stand at the channel's cursor. The channel reads on while a
 * member can take more. A member that falls far behind the quickest one leaves with a subscription
 * of its own, after the last cursor that the member was sent.
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/cursor.h>
#include <reprise/subscription.h>

#include "gateway/clients.h"
#include "gateway/shape.h"
#include "gateway/watch.h"

struct stream;
struct reprise_gateway;

struct channel {
	struct watch watch;
	struct clients_link link;
	struct stream_shape shape;
	struct stream *members;
	struct channel *next; /* in the row of the table */
	bool is_serving;      /* the members are being written to: the channel stays */
	bool has_more;        /* the last turn did not read to EMPTY */
	bool is_waiting;      /* no member can take more: a drained one has the channel go on */
};

enum {
	CHANNEL_ROWS = 1024,
	CHANNEL_PENDING_MAX = 512 << 10, /* bytes of shared blocks: a member with more leaves */
};

struct channels {
	struct channel *rows[CHANNEL_ROWS];
};

/*
 * Has a stream share. @stream has read its subscription to EMPTY. True: the stream is a member, and
 * its subscription is closed or has become the channel's. False: the stream goes on alone.
 */
bool channel_join(struct stream *stream);
/*
 * The loop has appended to the session: the channels of all kinds read in the loop's next turn.
 * The store's thread would have them read, too, as it has the channels with a list of kinds, but
 * two threads later.
 */
void channels_wake(struct reprise_gateway *gateway, const char *session_id);
/* Takes a member out; the last member closes the channel. */
void channel_remove(struct stream *stream);
/* A member has taken all bytes. */
void channel_drained(struct channel *channel);
/* The cursor of all members. */
void channel_cursor(const struct channel *channel, struct reprise_cursor *ret_cursor);

#endif /* GATEWAY_CHANNEL_H */
