/* SPDX-License-Identifier: MIT */
#include "tool/crash_life.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tool/crash_wire.h"
#include "tool/durable.h"
#include "tool/pace.h"
#include "tool/stage.h"

enum {
	EVENTS_A_TURN = 4,
	EVENTS_MAX = 4096, /* of the window: the writer overtakes no host */
	BYTES_MAX_LEAST = 1 << 20,
	RECORD_BYTES = 64, /* of an event beside the payload, roughly */
};

#define TURN_NS   UINT64_C(1000000)
#define LINGER_NS UINT64_C(10000000000)
#define SETTLE_NS UINT64_C(50000000)

/* The connection of a host. */
struct link {
	struct reprise_subscription *subscription; /* or NULL */
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	bool is_over;
};

struct scene {
	const struct crash_life *life;
	struct durable durable;
	struct reprise_writer *writer;
	struct stage stage;
	struct link links[CRASH_HOSTS];
	bool drops; /* one host drops its connection in this life */
	_Atomic bool is_failed;
	pthread_t thread; /* serves the links */
};

static uint64_t
bytes_max(const struct input *input)
{
	const uint64_t bytes = CRASH_EVENTS_MAX * (input->line_bytes_max + RECORD_BYTES);

	return bytes < BYTES_MAX_LEAST ? BYTES_MAX_LEAST : bytes < INT32_MAX ? bytes : INT32_MAX;
}

static bool
link_connect(struct scene *scene, enum crash_host host)
{
	struct link *const link = &scene->links[host];
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only =
								      host == CRASH_RECORDED };
	struct reprise_cursor cursor;

	return reprise_cursor_parse(link->cursor_text, strlen(link->cursor_text), &cursor, NULL) ==
		       REPRISE_OK &&
	       reprise_subscribe_after(scene->durable.store, &cursor, &options, &link->subscription,
				       NULL) == REPRISE_OK;
}

static void
link_drop(struct link *link)
{
	reprise_subscription_close(link->subscription);
	link->subscription = NULL;
}

static bool
send_word(const struct scene *scene, struct crash_word *word, const struct reprise_cursor *cursor)
{
	return (cursor == NULL ||
		reprise_cursor_format(cursor, word->cursor_text, sizeof(word->cursor_text), NULL,
				      NULL) == REPRISE_OK) &&
	       crash_send(scene->life->to_hosts, word, sizeof(*word));
}

static bool
say(const struct scene *scene, enum crash_word_type type, reprise_position position)
{
	struct crash_word word = { .type = type, .position = position };

	return send_word(scene, &word, NULL);
}

static bool
pass_event(struct scene *scene, enum crash_host host, const struct reprise_event *event)
{
	struct link *const link = &scene->links[host];
	struct crash_word word = { .type = CRASH_EVENT,
				   .host = host,
				   .position = event->position,
				   .digest = crash_digest(event->payload),
				   .source = event->source };
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(link->subscription, &cursor) != REPRISE_OK ||
	    !send_word(scene, &word, &cursor))
		return false;
	if (scene->drops && host == CRASH_DROPS &&
	    event->position == scene->stage.before + CRASH_DROPPED_AFTER)
		link_drop(link);
	return true;
}

static bool
pass_gap(struct scene *scene, enum crash_host host, const struct reprise_gap *gap)
{
	struct crash_word word = { .type = CRASH_GAP,
				   .host = host,
				   .position = gap->cursor.position,
				   .lost = gap->lost,
				   .detail = gap->detail };

	if (!send_word(scene, &word, &gap->cursor))
		return false;
	memcpy(scene->links[host].cursor_text, word.cursor_text, sizeof(word.cursor_text));
	return true;
}

static bool
pass_end(struct scene *scene, enum crash_host host, const struct reprise_end *end)
{
	struct link *const link = &scene->links[host];
	struct crash_word word = { .type = CRASH_END, .host = host };

	link_drop(link);
	if (end->cause == REPRISE_END_SESSION) {
		link->is_over = true;
		return send_word(scene, &word, NULL);
	}
	/* The gap before the end had the cursor to go back to. */
	return end->cause == REPRISE_END_INVALIDATED && link_connect(scene, host);
}

/* Passes every available event, gap and end to one host. */
static bool
serve(struct scene *scene, enum crash_host host)
{
	struct link *const link = &scene->links[host];
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	bool is_good = true;

	while (is_good && link->subscription != NULL) {
		switch (reprise_next(link->subscription, &event, &gap, &end)) {
		case REPRISE_NEXT_EVENT:
			is_good = pass_event(scene, host, &event);
			break;
		case REPRISE_NEXT_GAP:
			is_good = pass_gap(scene, host, &gap);
			break;
		case REPRISE_NEXT_ENDED:
			is_good = pass_end(scene, host, &end);
			break;
		case REPRISE_NEXT_EMPTY:
			return true;
		}
	}
	return is_good;
}

static void *
serve_all(void *argument)
{
	struct scene *const scene = argument;
	size_t over = 0;

	while (over < CRASH_HOSTS && !scene->is_failed) {
		over = 0;
		for (enum crash_host host = CRASH_STAYS; host < CRASH_HOSTS; host++) {
			if (!serve(scene, host))
				atomic_store(&scene->is_failed, true);
			over += scene->links[host].is_over;
		}
		pace_sleep(TURN_NS / 2);
	}
	return NULL;
}

static bool
open_scene(struct scene *scene, uint64_t linger_ns)
{
	scene->stage.input = scene->life->input;
	return durable_open(&scene->durable, scene->life->log, EVENTS_MAX,
			    bytes_max(scene->life->input), linger_ns) &&
	       durable_write(&scene->durable, CRASH_SESSION, &scene->writer,
			     &scene->stage.before) &&
	       say(scene, CRASH_BEGINS, scene->stage.before);
}

static bool
let_hosts_in(struct scene *scene)
{
	for (enum crash_host host = CRASH_STAYS; host < CRASH_HOSTS; host++)
		if (!link_connect(scene, host))
			return false;
	return pthread_create(&scene->thread, NULL, serve_all, scene) == 0;
}

/* Appends @count events, a few per turn. */
static bool
stream(struct scene *scene, uint64_t count)
{
	const uint64_t end = scene->stage.appended + count;

	while (scene->stage.appended < end && !scene->is_failed) {
		for (int i = 0; i < EVENTS_A_TURN; i++)
			if (!stage_append(&scene->stage, scene->writer))
				return false;
		pace_sleep(TURN_NS);
	}
	return !scene->is_failed;
}

/*
 * Records the events so far. The recorder then lingers, and records nothing while the stream goes
 * on.
 */
static bool
record(struct scene *scene)
{
	struct reprise_recorder *const recorder = scene->durable.recorder;
	reprise_position position = 0;

	if (reprise_recorder_flush(recorder, CRASH_SESSION, REPRISE_SYNCED, REPRISE_NO_LIMIT) !=
		    REPRISE_OK ||
	    reprise_recorder_recorded_through(recorder, CRASH_SESSION, REPRISE_SYNCED, &position) !=
		    REPRISE_OK)
		return false;
	pace_sleep(SETTLE_NS);
	return say(scene, CRASH_RECORDS, position);
}

int
crash_first_life(const struct crash_life *life)
{
	struct scene scene = { .life = life, .drops = true };
	struct reprise_cursor cursor;

	if (!open_scene(&scene, LINGER_NS) ||
	    reprise_session_current_cursor(scene.durable.store, CRASH_SESSION, 0, &cursor) !=
		    REPRISE_OK)
		return 1;
	for (enum crash_host host = CRASH_STAYS; host < CRASH_HOSTS; host++)
		if (reprise_cursor_format(&cursor, scene.links[host].cursor_text,
					  REPRISE_CURSOR_TEXT_BYTES_MAX, NULL, NULL) != REPRISE_OK)
			return 1;
	if (!let_hosts_in(&scene) || !stream(&scene, CRASH_RECORDED_EVENTS) || !record(&scene) ||
	    !stream(&scene, CRASH_UNRECORDED_EVENTS))
		return 1;
	/* Waits for the kill, or for the end of the hosts' process. Nothing is sent. */
	(void)crash_receive(life->from_hosts, &cursor, 1);
	return 1;
}

int
crash_second_life(const struct crash_life *life)
{
	/* In this life a position has another line than in the first life, to detect a mixture. */
	struct scene scene = { .life = life, .stage = { .shift = 1 } };
	struct crash_cursors cursors;

	if (!open_scene(&scene, 0) || !crash_receive(life->from_hosts, &cursors, sizeof(cursors)))
		return 1;
	for (enum crash_host host = CRASH_STAYS; host < CRASH_HOSTS; host++)
		memcpy(scene.links[host].cursor_text, cursors.texts[host],
		       REPRISE_CURSOR_TEXT_BYTES_MAX);
	if (!let_hosts_in(&scene) || !stream(&scene, CRASH_LATER_EVENTS) ||
	    reprise_writer_end(scene.writer, 0) != REPRISE_OK)
		return 1;
	reprise_writer_close(scene.writer);
	pthread_join(scene.thread, NULL);
	return !scene.is_failed && durable_close(&scene.durable) ? 0 : 1;
}
