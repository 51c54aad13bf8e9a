/* SPDX-License-Identifier: MIT */

/*
 * A runtime of 16 agents whose tools run at the same time, and a gateway that serves 1,200 clients
 * from one epoll loop. The tools append by the id of their agent's session. The gateway has one
 * descriptor for all subscriptions, follows the sessions of the store, and copies events once, with
 * its framing. Each subscription goes on by itself when a life of its session ends or is declared
 * void. agents.h and world.h have the agents, the clients and the books of all.
 */

#include <sys/epoll.h>
#include <unistd.h>

#include "world.h"

enum {
	TURNS_AT_ONCE = 64, /* of subscriptions, between two looks at the clock */
	FRAMES_MAX = 64,
	OUT_BYTES = 16384,
};

static struct reprise_store *store;
static struct reprise_group *group;

static reprise_position
runtime_append(const char *id, uint64_t revision, uint16_t flags, struct reprise_bytes payload)
{
	reprise_position position = 0;
	reprise_status status;

	do /* a thread that loses its core inside an append keeps the other threads out */
		status = reprise_session_append(store, id, revision, 0, flags, payload, &position);
	while (status == REPRISE_E_TIMEOUT);
	MUST(status);
	return position;
}

/*
 * No handle stays open, so that each append by id opens the session. In a store with a log a host
 * keeps a handle open.
 */
static struct reprise_writer *
open_writer(const struct agent *agent)
{
	struct reprise_writer *writer;

	MUST(reprise_writer_open(store, agent->id, NULL, &writer, NULL));
	return writer;
}

static void
runtime_end(struct agent *agent, int32_t end_status)
{
	struct reprise_writer *const writer = open_writer(agent);

	MUST(reprise_writer_end(writer, end_status));
	reprise_writer_close(writer);
	if (end_status != END_DONE) /* an append by id does not begin a life after an end */
		reprise_writer_close(open_writer(agent));
}

static void
come_back(struct client *client)
{
	struct reprise_subscription_options options = REPRISE_SUBSCRIPTION_OPTIONS_INIT;
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;

	options.is_continuous = 1;
	if (client->cursor[0] != '\0') {
		MUST(reprise_cursor_parse(client->cursor, strlen(client->cursor), &cursor, NULL));
		MUST(reprise_subscribe_after(store, &cursor, &options, &subscription, NULL));
	} else { /* the client loads the state of its agent */
		MUST(reprise_resume_snapshot(
			store, client->agent->id,
			__atomic_load_n(&client->agent->durable, __ATOMIC_ACQUIRE), &options,
			&subscription, NULL));
		MUST(reprise_subscription_cursor(subscription, &cursor));
		client_stand(client, &cursor);
	}
	MUST(reprise_group_add(group, subscription, client, NULL));
}

static void
drop_off(struct client *client, struct reprise_subscription *subscription)
{
	struct reprise_cursor cursor;

	MUST(reprise_subscription_cursor(subscription, &cursor));
	reprise_subscription_close(subscription);
	if (client->state == CLIENT_HERE)
		client_leave(client, &cursor);
}

/* Sends the client some frames, or tells it of a gap. */
static void
serve(struct client *client, struct reprise_subscription *subscription)
{
	static unsigned char out[OUT_BYTES];
	struct reprise_frame frames[FRAMES_MAX];
	struct reprise_into into = REPRISE_INTO_INIT;
	struct reprise_gap gap;

	into.buffer = out;
	into.buffer_bytes = sizeof(out);
	into.head_bytes = sizeof(struct frame_head);
	into.frames = frames;
	into.frames_max = FRAMES_MAX;
	switch (reprise_next_into(subscription, &into, &gap, NULL)) {
	case REPRISE_NEXT_EVENT:
		for (size_t i = 0; i < into.frames_count; i++) {
			const struct frame_head head = { frames[i].position,
							 frames[i].payload_bytes };

			memcpy(out + frames[i].offset - sizeof(head), &head, sizeof(head));
		}
		client_receive(client, out, into.used_bytes);
		break;
	case REPRISE_NEXT_GAP:
		client_miss(client, &gap);
		if (gap.detail == REPRISE_GAP_LIFE_ENDED && gap.end_status == END_DONE)
			client->state = CLIENT_DONE;
		break;
	case REPRISE_NEXT_EMPTY:
		return;
	case REPRISE_NEXT_ENDED: /* not as long as the store is open */
		must_failed("reprise_next_into");
	}
	if (client->state == CLIENT_DONE || client->frames_stay <= 0)
		drop_off(client, subscription);
}

static void
follow_sessions(struct reprise_subscription *changes)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_outcome found;

	while ((found = reprise_next(changes, &event, &gap, NULL)) == REPRISE_NEXT_EVENT)
		agents_note(event.kind, event.payload.data);
	if (found !=
	    REPRISE_NEXT_EMPTY) /* also a gap: the store keeps more changes than there are here */
		must_failed("reprise_next");
}

/* Gives a turn to subscriptions that are ready. */
static void
serve_ready(void)
{
	struct reprise_subscription *subscription;
	void *client;

	for (int i = 0;
	     i < TURNS_AT_ONCE && reprise_group_next(group, &subscription, &client) == REPRISE_OK;
	     i++)
		if (client != NULL)
			serve(client, subscription);
		else
			follow_sessions(subscription);
}

static void
gateway(void)
{
	const int loop = epoll_create1(EPOLL_CLOEXEC);
	const int ticks = world_open_ticks();
	struct epoll_event ready;
	int fd;

	MUST(reprise_group_fd(group, &fd, NULL));
	watch(loop, fd, group);
	watch(loop, ticks, NULL);
	for (bool is_more = true; is_more;) {
		if (epoll_wait(loop, &ready, 1, -1) != 1)
			must_failed("epoll_wait");
		if (ready.data.ptr == NULL)
			is_more = world_tick(store, ticks);
		else
			serve_ready();
	}
	close(ticks);
	close(loop);
}

int
main(void)
{
	struct reprise_session_options bounds = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_store_options options = REPRISE_STORE_OPTIONS_INIT;
	struct reprise_subscription *changes;
	pthread_t workers[WORKERS];

	bounds.events_max = EVENTS_MAX;
	bounds.is_shared = 1;
	options.session = &bounds;
	MUST(reprise_store_open(&options, &store, NULL));
	MUST(reprise_group_open(store, NULL, &group, NULL));
	MUST(reprise_sessions_subscribe(store, NULL, &changes, NULL));
	MUST(reprise_group_add(group, changes, NULL, NULL));
	world_prepare();
	agents_begin(workers);
	gateway();
	const int status = world_end(workers);

	reprise_subscription_close(changes);
	reprise_group_close(group);
	MUST(reprise_store_close(store));
	return status;
}
