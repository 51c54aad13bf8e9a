/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_AGENTS_H
#define EXAMPLES_AGENTS_H

/*
 * The agents of runtime_gateway.c, which would be the same without the library. 16 agents take
 * turns. In each turn four tools run at the same time, on four worker threads, and each tool
 * appends tokens to the session of its agent. The last tool of a turn saves the agent's state and
 * appends a COMMIT. A life of a session has TURNS_OF_LIFE turns; then the next life begins. One
 * agent is reset in the middle of a life. The gateway keeps books of the lives of each session.
 *
 * The program defines runtime_append and runtime_end.
 */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reprise/reprise.h>

#include "must.h"

enum {
	AGENTS = 16,
	WORKERS = 4,
	TOOLS = 4, /* at the same time, in one turn */
	TURNS = 200,
	TURNS_OF_LIFE = 25,
	TOKENS = 50,             /* of a tool in a turn */
	INVALIDATED = 3,         /* this agent is reset once */
	INVALIDATED_TURN = 60,   /* when a client has received the end of this turn ... */
	INVALIDATED_BEFORE = 74, /* ... and before this turn, of the same life */
	THINK_NS = 100 * 1000,   /* of a tool, before its tokens */
	END_DONE = 1,            /* the end of a session that has no next life */
	EVENTS_MAX = 512,        /* of a window */
};

struct token {
	uint32_t turn;
	uint16_t tool;   /* TOOLS: the turn's end */
	uint16_t number; /* from 1 */
	char text[24];
};

struct agent {
	char id[16];
	uint32_t turns_done, tools_done;
	uint64_t durable; /* the revision of the saved state: its turns */
	reprise_position newest;
	/* The gateway alone counts the changes of the session. */
	int lives, ends, resets;
	bool is_over;
};

static struct agent agents[AGENTS];
static uint64_t jobs_taken;
static bool is_reset;

/*
 * Defined by the program. A tool knows the id of its agent alone; several tools append at
 * the same time.
 */
static reprise_position runtime_append(const char *id, uint64_t revision, uint16_t flags,
				       struct reprise_bytes payload);
/*
 * Ends a life, and begins the next life unless @end_status is END_DONE. No tool of the agent runs.
 */
static void runtime_end(struct agent *agent, int32_t end_status);

static void
append_token(struct agent *agent, uint32_t turn, uint16_t tool, uint16_t number)
{
	const struct token token = { turn, tool, number, "so many words" };
	const reprise_position position =
		runtime_append(agent->id, turn, tool == TOOLS ? REPRISE_EVENT_COMMIT : 0,
			       (struct reprise_bytes){ &token, sizeof(token) });
	reprise_position newest = __atomic_load_n(&agent->newest, __ATOMIC_RELAXED);

	while (newest < position &&
	       !__atomic_compare_exchange_n(&agent->newest, &newest, position, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static void
end_turn(struct agent *agent, uint32_t turn)
{
	__atomic_store_n(&agent->durable, turn, __ATOMIC_RELEASE);
	append_token(agent, turn, TOOLS, 1);
	if (turn == TURNS)
		runtime_end(agent, END_DONE);
	else if (turn % TURNS_OF_LIFE == 0)
		runtime_end(agent, 0);
	__atomic_store_n(&agent->turns_done, turn, __ATOMIC_RELEASE);
}

/* Returns when the turn of the agent may begin. */
static void
await_turn(const struct agent *agent, uint32_t turn)
{
	/*
	 * Other workers have taken all tools of the turn before, so that one of these workers
	 * ends that turn.
	 */
	while (__atomic_load_n(&agent->turns_done, __ATOMIC_ACQUIRE) < turn - 1)
		sched_yield();
	if (agent == &agents[INVALIDATED] && turn == INVALIDATED_BEFORE)
		while (!__atomic_load_n(&is_reset, __ATOMIC_ACQUIRE))
			sched_yield();
}

static void *
worker_main(void *unused)
{
	const struct timespec think = { .tv_nsec = THINK_NS };
	uint64_t job;

	while ((job = __atomic_fetch_add(&jobs_taken, 1, __ATOMIC_RELAXED)) <
	       (uint64_t)AGENTS * TURNS * TOOLS) {
		struct agent *const agent = &agents[job / TOOLS % AGENTS];
		const uint32_t turn = (uint32_t)(job / TOOLS / AGENTS) + 1;

		await_turn(agent, turn);
		nanosleep(&think, NULL);
		for (int i = 0; i < TOKENS; i++)
			append_token(agent, turn, (uint16_t)(job % TOOLS), (uint16_t)(i + 1));
		if (__atomic_add_fetch(&agent->tools_done, 1, __ATOMIC_ACQ_REL) == turn * TOOLS)
			end_turn(agent, turn);
	}
	return unused;
}

static void
agents_begin(pthread_t *workers)
{
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&workers[i], NULL, worker_main, NULL) != 0)
			must_failed("pthread_create");
}

/* Resets one agent while its tools append. */
static void
reset_agent(struct reprise_store *store)
{
	MUST(reprise_session_invalidate(store, agents[INVALIDATED].id));
	__atomic_store_n(&is_reset, true, __ATOMIC_RELEASE);
}

/* The gateway was told that a session has come, ended or gone. */
static void
agents_note(uint16_t kind, const struct reprise_session_change *change)
{
	struct agent *const agent = &agents[strtol(strchr(change->session_id, '-') + 1, NULL, 10)];

	if (kind == REPRISE_SESSION_CAME)
		agent->lives++;
	if (kind == REPRISE_SESSION_ENDED) {
		agent->ends++;
		agent->is_over = change->end_status == END_DONE;
	}
	if (kind == REPRISE_SESSION_GONE && change->cause == REPRISE_GONE_INVALIDATED)
		agent->resets++;
}

/* Counts the agents whose sessions had another number of lives, ends or resets than planned. */
static uint64_t
agents_wrong_lives(void)
{
	uint64_t wrong = 0;

	for (int i = 0; i < AGENTS; i++) {
		const int resets = i == INVALIDATED ? 1 : 0;

		if (agents[i].resets == resets && agents[i].ends == TURNS / TURNS_OF_LIFE &&
		    agents[i].lives == agents[i].ends + resets)
			continue;
		fprintf(stderr, "%s: %d lives, %d ends, %d resets\n", agents[i].id, agents[i].lives,
			agents[i].ends, agents[i].resets);
		wrong++;
	}
	return wrong;
}

#endif /* EXAMPLES_AGENTS_H */
