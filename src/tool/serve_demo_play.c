/* SPDX-License-Identifier: MIT */

/*
 * The runtime's thread of `reprise demo --serve`. A second has --rate ticks, and "endless" and
 * "runs" get a token in each tick. Each session with a script has a time for the next event. The
 * thread sleeps until the first of all these times.
 */

#include "tool/serve_demo_play.h"

#include <inttypes.h>
#include <stdio.h>

#include "tool/pace.h"

enum {
	RUN_TOKENS = 40, /* of a run */
	REST_TICKS = 10, /* between two runs: the session has ended */
	EVENT_ROOM = 128,
};

#define NS_PER_S UINT64_C(1000000000)

static const char *const words[] = { "The",  "client", "comes",  "back",  "with", "its",  "cursor",
				     "and",  "goes",   "on",     "after", "the",  "last", "event",
				     "that", "the",    "client", "has",   "seen." };

/* --- endless and runs ------------------------------------------------------------------------ */

static reprise_status
append_token(struct demo_session *session, uint64_t number)
{
	char event[EVENT_ROOM];

	snprintf(event, sizeof(event), "{\"type\":\"token\",\"n\":%" PRIu64 ",\"text\":\"%s \"}",
		 number, words[number % (sizeof(words) / sizeof(words[0]))]);
	return demo_session_append(session, 0, KIND_TOKEN, 0, event);
}

/* The session has ended, and the append opens the session again. */
static reprise_status
begin_run(struct player *player)
{
	char event[EVENT_ROOM];

	snprintf(event, sizeof(event), "{\"type\":\"run\",\"number\":%" PRIu64 "}",
		 ++player->runs_count);
	return demo_session_append(&player->runs, 0, KIND_RUN, 0, event);
}

static reprise_status
play_tick(struct player *player)
{
	const uint64_t at = player->ticks % (RUN_TOKENS + REST_TICKS);
	reprise_status status = append_token(&player->endless, player->ticks);

	if (status == REPRISE_OK && at == 0)
		status = begin_run(player);
	if (status == REPRISE_OK && at < RUN_TOKENS)
		status = append_token(&player->runs, at);
	if (status == REPRISE_OK && at == RUN_TOKENS - 1)
		status = demo_session_end(&player->runs, 0);
	player->ticks++;
	return status;
}

static uint64_t
tick_due(const struct player *player)
{
	return player->begin_ns + player->ticks * NS_PER_S / player->rate;
}

/* --- scripts --------------------------------------------------------------------------------- */

static void
plan(const struct player *player, struct scripted *scripted)
{
	script_next(&scripted->place, &scripted->event);
	scripted->due_ns += scripted->event.wait * NS_PER_S / (player->rate * WAITS_PER_TICK);
}

static reprise_status
play_event(const struct player *player, struct scripted *scripted)
{
	const struct script_event *const event = &scripted->event;
	reprise_status status = REPRISE_OK;

	if (event->has_text)
		status = demo_session_append(&scripted->session, event->revision, event->kind,
					     event->flags, event->text);
	if (status == REPRISE_OK && event->ends_session)
		status = demo_session_end(&scripted->session, event->status);
	plan(player, scripted);
	return status;
}

/* The session whose event is due first. */
static struct scripted *
first_scripted(struct player *player)
{
	struct scripted *first = &player->scripted[0];

	for (size_t i = 1; i < demo_scripts_count; i++)
		if (player->scripted[i].due_ns < first->due_ns)
			first = &player->scripted[i];
	return first;
}

/* --- the thread ------------------------------------------------------------------------------ */

static reprise_status
play_next(struct player *player)
{
	struct scripted *const scripted = first_scripted(player);
	const uint64_t tick_ns = tick_due(player), now = pace_now();
	const bool is_tick = tick_ns <= scripted->due_ns;
	const uint64_t due_ns = is_tick ? tick_ns : scripted->due_ns;

	if (now < due_ns) {
		pace_sleep(due_ns - now < DEMO_LOOK_NS ? due_ns - now : DEMO_LOOK_NS);
		return REPRISE_OK;
	}
	return is_tick ? play_tick(player) : play_event(player, scripted);
}

static void *
play(void *argument)
{
	struct player *const player = argument;

	while (player->status == REPRISE_OK && !demo_is_over(&player->end))
		player->status = play_next(player);
	player_close(player);
	/* The gateway's run returns, if no signal has stopped the gateway before. */
	const reprise_status status = reprise_gateway_stop(player->gateway, DEMO_DRAIN_MS);

	if (player->status == REPRISE_OK)
		player->status = status;
	return NULL;
}

reprise_status
player_open(struct player *player, struct reprise_error *error)
{
	const struct demo_session session = { .store = player->store, .end = &player->end };

	player->endless = player->runs = session;
	player->endless.id = "endless";
	player->runs.id = "runs";
	reprise_status status = demo_session_open(&player->endless, error);

	for (size_t i = 0; i < demo_scripts_count && status == REPRISE_OK; i++) {
		struct scripted *const scripted = &player->scripted[i];

		scripted->session = session;
		scripted->session.id = demo_scripts[i].session_id;
		scripted->session.events_max = DEMO_WINDOW_EVENTS;
		scripted->place.script = &demo_scripts[i];
		status = demo_session_open(&scripted->session, error);
	}
	if (status != REPRISE_OK)
		player_close(player);
	return status;
}

bool
player_start(struct player *player)
{
	player->begin_ns = pace_now();
	player->end.at_ns =
		player->seconds == 0 ? UINT64_MAX : player->begin_ns + player->seconds * NS_PER_S;
	for (size_t i = 0; i < demo_scripts_count; i++) {
		player->scripted[i].due_ns = player->begin_ns;
		plan(player, &player->scripted[i]);
	}
	return pthread_create(&player->thread, NULL, play, player) == 0;
}

reprise_status
player_finish(struct player *player)
{
	atomic_store(&player->end.is_over, true);
	pthread_join(player->thread, NULL);
	return player->status;
}

void
player_close(struct player *player)
{
	demo_session_close(&player->endless);
	demo_session_close(&player->runs);
	for (size_t i = 0; i < demo_scripts_count; i++)
		demo_session_close(&player->scripted[i].session);
}
