/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_WORLD_H
#define EXAMPLES_WORLD_H

/*
 * The clients of runtime_gateway.c, and the books of all. A client is a host behind the gateway.
 * The client follows an agent, drops off after some frames, and comes back with the text of its
 * cursor. A client without a cursor loads the agent's saved state. Each client keeps books:
 * positions rise by one, except over the positions that a gap names. After a gap UNAVAILABLE the
 * position of the next event is not known.
 *
 * The program defines come_back, and calls world_tick at each tick.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agents.h"

enum {
	CLIENTS = 1200,
	FRAMES_STAY_MAX = 3000,
	TICK_NS = 1000 * 1000,
	TICKS_AWAY_MAX = 12,
	COMPLAINTS_MAX = 10, /* on standard error */
};

enum client_state {
	CLIENT_AWAY,
	CLIENT_HERE,
	CLIENT_DONE,
};

/* The wire has one before each payload. */
struct frame_head {
	reprise_position position;
	uint64_t payload_bytes;
};

struct client {
	struct agent *agent;
	enum client_state state;
	int ticks_away;
	int frames_stay;
	/* Empty: the client has lost the text, or never had one. */
	char cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];
	reprise_position at;
	bool may_jump; /* the position of the next event is not known */
	bool is_back;  /* with a cursor, and has received nothing since */
	uint32_t turns[TOOLS + 1];
	uint16_t numbers[TOOLS + 1];
	uint64_t delivered, lost, unknown, resets, wrong;
};

static struct client clients[CLIENTS];
static uint64_t dice_state = 17;

static uint32_t
dice(uint32_t sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice_state >> 33) % sides;
}

static void
client_complain(struct client *client, const char *what, uint64_t found)
{
	static int said;

	if (client->wrong++ == 0 && said++ < COMPLAINTS_MAX)
		fprintf(stderr, "client %d of %s, at %llu: %s: %llu\n", (int)(client - clients),
			client->agent->id, (unsigned long long)client->at, what,
			(unsigned long long)found);
}

/*
 * The client has loaded the state at @cursor. A cursor of no life does not say where the
 * next life begins.
 */
static void
client_stand(struct client *client, const struct reprise_cursor *cursor)
{
	static const struct reprise_incarnation no_life;

	client->at = cursor->position;
	client->may_jump = client->agent == &agents[INVALIDATED] &&
			   memcmp(&cursor->incarnation, &no_life, sizeof(no_life)) == 0;
	memset(client->turns, 0, sizeof(client->turns));
}

static void
client_move(struct client *client, reprise_position first, reprise_position last)
{
	if (client->may_jump && first > client->at + 1)
		client->unknown += first - client->at - 1;
	else if (first != client->at + 1)
		client_complain(client, "not the next one", first);
	client->may_jump = client->is_back = false;
	client->at = last;
}

/* Takes frames from the wire, one behind the other. */
static void
client_receive(struct client *client, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		struct frame_head head;
		struct token token;

		memcpy(&head, bytes, sizeof(head));
		memcpy(&token, bytes + sizeof(head), sizeof(token));
		bytes += sizeof(head) + head.payload_bytes;
		size -= sizeof(head) + head.payload_bytes;
		client_move(client, head.position, head.position);
		client->delivered++;
		client->frames_stay--;
		/* The tokens of a tool come whole, and in the order of the tool. */
		if (head.payload_bytes != sizeof(token) || token.tool > TOOLS ||
		    strcmp(token.text, "so many words") != 0) {
			client_complain(client, "torn", head.position);
			continue;
		}
		if (token.turn < client->turns[token.tool] ||
		    (token.turn == client->turns[token.tool] &&
		     token.number <= client->numbers[token.tool]))
			client_complain(client, "twice, or out of its tool's order", head.position);
		client->turns[token.tool] = token.turn;
		client->numbers[token.tool] = token.number;
	}
}

static void
client_miss(struct client *client, const struct reprise_gap *gap)
{
	if (gap->reason == REPRISE_GAP_UNAVAILABLE) {
		/* Without a reset only a cursor of an earlier life is refused. */
		if (client->agent != &agents[INVALIDATED] &&
		    !(client->is_back && gap->detail == REPRISE_GAP_OTHER_INCARNATION))
			client_complain(client, "unavailable, with detail", gap->detail);
		client->is_back = false;
		client->may_jump = true;
		client->resets += gap->detail == REPRISE_GAP_INVALIDATED;
	} else if (gap->lost > 0) {
		client_move(client, gap->lost_first, gap->lost_last);
		client->lost += gap->lost;
	}
}

static void
client_leave(struct client *client, const struct reprise_cursor *cursor)
{
	MUST(reprise_cursor_format(cursor, client->cursor, sizeof(client->cursor), NULL, NULL));
	if (dice(8) == 0)
		client->cursor[0] = '\0';
	client->state = CLIENT_AWAY;
	client->ticks_away = 1 + (int)dice(TICKS_AWAY_MAX);
}

/* True if the client is here again. */
static bool
client_comes(struct client *client)
{
	if (client->state != CLIENT_AWAY || --client->ticks_away > 0)
		return false;
	client->state = CLIENT_HERE;
	client->is_back = client->cursor[0] != '\0';
	client->frames_stay = 1 + (int)dice(FRAMES_STAY_MAX);
	return true;
}

static void
world_prepare(void)
{
	for (int i = 0; i < AGENTS; i++)
		snprintf(agents[i].id, sizeof(agents[i].id), "agent-%d", i);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].agent = &agents[i % AGENTS];
		clients[i].ticks_away = 1 + (int)dice(TICKS_AWAY_MAX);
	}
}

/* Defined by the program: the client is here again, with the text of its cursor or without. */
static void come_back(struct client *client);

/*
 * True if a client follows the life in which the agent is reset, so that at least one client is
 * told of the reset.
 */
static bool
is_reset_due(void)
{
	for (int i = INVALIDATED; i < CLIENTS; i += AGENTS)
		if (clients[i].state == CLIENT_HERE && !clients[i].is_back &&
		    clients[i].turns[TOOLS] >= INVALIDATED_TURN)
			return true;
	return false;
}

/*
 * Called by the gateway when the timer @ticks is readable. False if all clients and all
 * agents are done.
 */
static bool
world_tick(struct reprise_store *store, int ticks)
{
	bool is_more = false;
	uint64_t count;

	if (read(ticks, &count, sizeof(count)) != sizeof(count))
		must_failed("read");
	if (!is_reset && is_reset_due())
		reset_agent(store);
	for (int i = 0; i < CLIENTS; i++) {
		if (client_comes(&clients[i]))
			come_back(&clients[i]);
		is_more |= clients[i].state != CLIENT_DONE;
	}
	for (int i = 0; i < AGENTS; i++)
		is_more |= !agents[i].is_over;
	return is_more;
}

static int
world_open_ticks(void)
{
	const struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	const int ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (ticks < 0 || timerfd_settime(ticks, 0, &every, NULL) != 0)
		must_failed("timerfd");
	return ticks;
}

static void
watch(int loop, int fd, void *context)
{
	struct epoll_event asked = { .events = EPOLLIN, .data.ptr = context };

	if (fd < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &asked) != 0)
		must_failed("epoll");
}

/* Joins the workers. Returns 0 if all books are in order. */
static int
world_end(const pthread_t *workers)
{
	uint64_t appended = 0, delivered = 0, lost = 0, unknown = 0, resets = 0, wrong;

	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	wrong = agents_wrong_lives();
	for (int i = 0; i < AGENTS; i++)
		appended += agents[i].newest;
	for (int i = 0; i < CLIENTS; i++) {
		delivered += clients[i].delivered;
		lost += clients[i].lost;
		unknown += clients[i].unknown;
		resets += clients[i].resets;
		if (clients[i].at != clients[i].agent->newest)
			client_complain(&clients[i], "does not end at", clients[i].agent->newest);
		wrong += clients[i].wrong;
	}
	printf("%d clients of %d agents: %llu appended, %llu delivered, %llu lost, %llu unknown, "
	       "%llu resets, %llu wrong\n",
	       CLIENTS, AGENTS, (unsigned long long)appended, (unsigned long long)delivered,
	       (unsigned long long)lost, (unsigned long long)unknown, (unsigned long long)resets,
	       (unsigned long long)wrong);
	return wrong == 0 && delivered > 0 && resets > 0 &&
			       appended == (uint64_t)AGENTS * TURNS * (TOOLS * TOKENS + 1)
		       ? 0
		       : 1;
}

#endif /* EXAMPLES_WORLD_H */
