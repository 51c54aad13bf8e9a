/* SPDX-License-Identifier: MIT */

/*
 * Flushes against the rounds of the writing thread: the recorder's own sources over a log that is
 * two numbers a session (recorder_world.h), and over batches of one event, so that everything takes
 * several rounds. A flush that answers OK has all of its events as durable as it asked for, and no
 * flush waits for ever. Nobody's time runs out here: a signal that was lost stays lost.
 */

#include <pthread.h>

#include "recorder_world.h"

const struct model_case model_cases[] = {
	{ "one session", { "flushed", "synced alone" } },
	{ "every session", { "flushed", "several rounds" } },
	{ "both at once", { "flushed" } },
	{ NULL, { NULL } },
};

enum {
	ONE,
	EVERY,
	BOTH,
};

/* --- hosts ------------------------------------------------------------------------------------ */

static void
expect_recorded(int session, uint64_t position, reprise_durability durability)
{
	MODEL_CHECK(recorder_world_log(session, durability) >= position);
}

static void *
flush_one(void *argument)
{
	const uint64_t newest = port_newest(recordings[0].session);

	MODEL_CHECK(reprise_recorder_flush(&recorder, "s", REPRISE_SYNCED, REPRISE_NO_LIMIT) ==
		    REPRISE_OK);
	expect_recorded(0, newest, REPRISE_SYNCED);
	model_note("flushed");
	return argument;
}

static void *
flush_every(void *argument)
{
	const reprise_durability durability = *(const reprise_durability *)argument;
	const uint64_t newest[SESSIONS] = { port_newest(recordings[0].session),
					    port_newest(recordings[1].session) };

	MODEL_CHECK(reprise_recorder_flush(&recorder, NULL, durability, REPRISE_NO_LIMIT) ==
		    REPRISE_OK);
	for (int i = 0; i < SESSIONS; i++)
		expect_recorded(i, newest[i], durability);
	model_note("flushed");
	if (newest[0] + newest[1] > 2)
		model_note("several rounds");
	return argument;
}

static void *
append_more(void *argument)
{
	world_append(0);
	world_append(1);
	return argument;
}

static void
prepare(void)
{
	const struct world_shape shape = {
		.wake = WORLD_BARRIER, .events_max = 8, .bytes_max = 256, .payload_words = 1
	};

	world_open(&shape);
	recorder_world_open(LOG_WRITTEN, SESSIONS);
	/* Only who waits ends a linger, not how much there is. */
	recorder.options.linger_ns = UINT64_MAX;
	recorder.options.batch_events_max = UINT64_MAX;
	for (unsigned int i = 0; i < SESSIONS; i++) {
		world_append(i);
		world_session(i)->bounds.events_max = UINT64_MAX;
	}
}

int
main(void)
{
	static const reprise_durability durabilities[] = { REPRISE_WRITTEN, REPRISE_SYNCED };
	pthread_t writing, threads[3];
	int count = 0;

	prepare();
	MODEL_CHECK(pthread_create(&writing, NULL, record_run, &recorder) == 0);
	MODEL_CHECK(pthread_create(&threads[count++], NULL, append_more, NULL) == 0);
	if (model_case != EVERY)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, flush_one, NULL) == 0);
	if (model_case != ONE)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, flush_every,
					   (void *)&durabilities[model_case == EVERY]) == 0);
	else
		MODEL_CHECK(pthread_create(&threads[count++], NULL, flush_every,
					   (void *)&durabilities[0]) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	recorder_world_stop(writing);
	world_close();
	return 0;
}
