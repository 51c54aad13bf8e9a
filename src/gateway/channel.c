/* SPDX-License-Identifier: MIT */
/*
 * Fan-out. An event is encoded once for a channel and written to every member as one block,
 * without a copy. The first stream of a shape that has everything gives its subscription to a new
 * channel, so there is no seam: the subscription goes on where it stood.
 */
#include "gateway/channel.h"

#include <stdlib.h>
#include <string.h>

#include <reprise/lag.h>

#include "base/siphash.h"
#include "gateway/gateway.h"
#include "gateway/sse.h"
#include "gateway/stream.h"

/* Blocks of a channel in one turn of the loop; other work has its turn then. */
enum {
	CHANNEL_BLOCKS_PER_TURN = 8
};

/* By session and kinds: a session may have as many channels as clients have lists of kinds. */
static struct channel **
find_row(struct reprise_gateway *gateway, const char *session_id, const uint16_t *kinds,
	 size_t kinds_count)
{
	const struct siphash_key *const key = &gateway->hash_key;
	const uint64_t session = siphash(key, session_id, strlen(session_id));
	const uint64_t hash = session + siphash(key, kinds, kinds_count * sizeof(kinds[0]));

	return &gateway->channels.rows[hash % CHANNEL_ROWS];
}

static struct channel **
find_row_of(struct reprise_gateway *gateway, const struct stream_shape *shape)
{
	return find_row(gateway, shape->session_id, shape->kinds, shape->kinds_count);
}

void
channel_cursor(const struct channel *channel, struct reprise_cursor *ret_cursor)
{
	if (reprise_subscription_cursor(channel->watch.subscription, ret_cursor) != REPRISE_OK)
		memset(ret_cursor, 0, sizeof(*ret_cursor));
}

static void
close_channel(struct channel *channel)
{
	struct channel **place = find_row_of(channel->watch.gateway, &channel->shape);

	while (*place != channel)
		place = &(*place)->next;
	*place = channel->next;
	clients_unlink_watch(&channel->link);
	watch_close(&channel->watch);
	free(channel);
}

static void
add_member(struct channel *channel, struct stream *stream)
{
	clients_unlink_watch(&stream->link);
	stream->channel = channel;
	stream->previous_member = NULL;
	stream->next_member = channel->members;
	if (channel->members != NULL)
		channel->members->previous_member = stream;
	channel->members = stream;
	count(&channel->watch.gateway->counters.streams_shared, 1);
}

void
channel_remove(struct stream *stream)
{
	struct channel *const channel = stream->channel;

	if (stream->previous_member == NULL)
		channel->members = stream->next_member;
	else
		stream->previous_member->next_member = stream->next_member;
	if (stream->next_member != NULL)
		stream->next_member->previous_member = stream->previous_member;
	stream->channel = NULL;
	stream->next_member = stream->previous_member = NULL;
	count(&channel->watch.gateway->counters.streams_shared, -1);
	if (channel->members == NULL && !channel->is_serving)
		close_channel(channel);
}

/* Writes a block to each member. @before is where all of them stand. */
static void
send_block(struct channel *channel, struct http_block *block, const struct reprise_cursor *before,
	   const struct sse_read *read)
{
	struct reprise_gateway *const gateway = channel->watch.gateway;
	struct stream *next;

	for (struct stream *member = channel->members; member != NULL; member = next) {
		next = member->next_member;
		if (http_pending(member->request->exchange) > CHANNEL_PENDING_MAX) {
			count(&gateway->counters.displaced, 1);
			channel_remove(member);
			stream_leave(member, before);
		} else if (!stream_write(member, block)) {
			channel_remove(member);
			stream_cut(member);
		} else {
			clients_count(gateway, member->clients, read);
		}
	}
	count(&gateway->counters.events_encoded, (int64_t)read->events);
}

/* Every member is told the end, or is cut off if the channel cannot go on. */
static void
end_members(struct channel *channel, bool has_ended)
{
	struct stream *member;

	while ((member = channel->members) != NULL) {
		channel_remove(member);
		if (has_ended)
			stream_finish(member);
		else
			stream_cut(member);
	}
}

/*
 * The newest event of now. The block ends there, and the question for more comes in the next turn:
 * that question has the store wake this subscription, by system calls, and the bytes go out before.
 */
static reprise_position
find_newest(const struct channel *channel, const struct reprise_cursor *before)
{
	struct reprise_subscription_lag lag = REPRISE_SUBSCRIPTION_LAG_INIT;

	if (reprise_subscription_lag(channel->watch.subscription, &lag) != REPRISE_OK ||
	    !lag.is_known)
		return REPRISE_NO_LIMIT;
	return before->position + lag.behind_events;
}

static enum sse_outcome
serve_block(struct channel *channel)
{
	struct buffer *const scratch = &channel->watch.gateway->scratch;
	struct reprise_cursor before;
	struct http_block *block = NULL;
	struct sse_read read;

	channel_cursor(channel, &before);
	scratch->size = 0;
	read = sse_read(channel->watch.subscription, &channel->shape, scratch, STREAM_READ_BYTES,
			find_newest(channel, &before));
	if (!scratch->failed && scratch->size > 0)
		block = http_block_new((struct http_text){ scratch->data, scratch->size });
	if (block != NULL) {
		send_block(channel, block, &before, &read);
		http_block_release(block);
	} else if (scratch->failed || scratch->size > 0) {
		read.outcome = SSE_LOST; /* out of memory: the clients come back */
	}
	buffer_reset(scratch);
	return read.outcome;
}

/*
 * Whether a member can take more. If none can, the channel delays nobody when it waits: a burst is
 * more than sockets take at once, and clients that keep up all have bytes pending.
 */
static bool
has_ready_member(const struct channel *channel)
{
	const struct stream *member = channel->members;

	while (member != NULL && http_pending(member->request->exchange) > STREAM_PENDING_MAX)
		member = member->next_member;
	return member != NULL;
}

void
channel_drained(struct channel *channel)
{
	if (channel->is_waiting)
		watch_again(&channel->watch);
	channel->is_waiting = false;
}

static bool
is_same_place(const struct reprise_cursor *a, const struct reprise_cursor *b)
{
	return a->position == b->position && a->revision == b->revision &&
	       memcmp(&a->incarnation, &b->incarnation, sizeof(a->incarnation)) == 0;
}

/*
 * A channel of the shape that stands at the cursor, or NULL. *ret_other is the foremost of the
 * channels of the shape that go on, or NULL: clients that keep up do not join a channel that waits
 * for slow ones.
 */
static struct channel *
find_channel(struct reprise_gateway *gateway, const struct stream_shape *shape,
	     const struct reprise_cursor *cursor, struct channel **ret_other)
{
	struct channel *channel = *find_row_of(gateway, shape);
	reprise_position foremost = 0;
	struct reprise_cursor there;

	*ret_other = NULL;
	for (; channel != NULL; channel = channel->next) {
		if (channel->is_serving || !stream_shape_is_same(&channel->shape, shape))
			continue;
		channel_cursor(channel, &there);
		if (is_same_place(cursor, &there))
			break;
		if (channel->is_waiting || (*ret_other != NULL && there.position <= foremost))
			continue;
		foremost = there.position;
		*ret_other = channel;
	}
	return channel;
}

/* The channel has everything: if another channel stands there, too, they become one. */
static void
merge(struct channel *channel)
{
	struct reprise_cursor cursor;
	struct channel *other, *none;
	struct stream *member;

	channel_cursor(channel, &cursor);
	other = find_channel(channel->watch.gateway, &channel->shape, &cursor, &none);
	while (other != NULL && (member = channel->members) != NULL) {
		channel_remove(member);
		add_member(other, member);
	}
	if (other != NULL)
		channel_drained(other);
}

static enum sse_outcome
serve_blocks(struct channel *channel)
{
	enum sse_outcome outcome = SSE_MORE;

	for (int i = 0; i < CHANNEL_BLOCKS_PER_TURN && outcome == SSE_MORE; i++) {
		channel->is_waiting = !has_ready_member(channel);
		if (channel->is_waiting)
			return SSE_MORE;
		outcome = serve_block(channel);
	}
	return outcome;
}

static void
serve(struct watch *watch)
{
	struct channel *const channel =
		(struct channel *)((char *)watch - offsetof(struct channel, watch));
	enum sse_outcome outcome;

	channel->is_serving = true;
	outcome = serve_blocks(channel);
	if (outcome == SSE_REACHED)
		outcome = SSE_MORE;
	channel->has_more = outcome == SSE_MORE;
	if (outcome == SSE_EMPTY)
		merge(channel);
	else if (outcome != SSE_MORE)
		end_members(channel, outcome == SSE_ENDED);
	channel->is_serving = false;
	if (channel->members == NULL)
		close_channel(channel);
	else if (outcome == SSE_MORE && !channel->is_waiting)
		watch_again(watch);
}

/* The stream's subscription becomes the channel's. */
static bool
found_channel(struct stream *stream)
{
	struct reprise_gateway *const gateway = stream->request->gateway;
	struct channel *const channel = calloc(1, sizeof(*channel));
	struct channel **row;

	if (channel == NULL)
		return false;
	channel->watch.gateway = gateway;
	channel->shape = stream->shape;
	row = find_row_of(gateway, &channel->shape);
	channel->next = *row;
	*row = channel;
	clients_link_watch(stream->clients, &channel->link, &channel->watch);
	add_member(channel, stream);
	if (watch_open(&channel->watch, gateway, watch_release(&stream->watch), serve) ==
	    REPRISE_OK)
		return true;
	channel->is_serving = true;
	end_members(channel, false);
	close_channel(channel);
	return true;
}

void
channels_wake(struct reprise_gateway *gateway, const char *session_id)
{
	static const uint16_t all; /* no list of kinds */
	struct channel *channel = *find_row(gateway, session_id, &all, 0);

	for (; channel != NULL; channel = channel->next)
		if (!channel->shape.is_recorded_only &&
		    strcmp(channel->shape.session_id, session_id) == 0)
			watch_again(&channel->watch);
}

bool
channel_join(struct stream *stream)
{
	struct channel *channel, *other;
	struct reprise_cursor here, there;

	if (reprise_subscription_cursor(stream->watch.subscription, &here) != REPRISE_OK)
		return false;
	channel = find_channel(stream->request->gateway, &stream->shape, &here, &other);
	if (channel == NULL && other == NULL)
		return found_channel(stream);
	if (channel != NULL) {
		watch_close(&stream->watch);
		add_member(channel, stream);
		channel_drained(channel);
		return true;
	}
	channel_cursor(other, &there);
	/* The other channel reads on first. One that heals says EMPTY again and again. */
	if (there.position < here.position && (other->has_more || stream->joins_left > 0)) {
		stream->joins_left -= other->has_more ? 0 : 1;
		watch_again(&other->watch);
		watch_again(&stream->watch);
	}
	return false;
}
