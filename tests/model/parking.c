/* SPDX-License-Identifier: MIT */

/*
 * Parking against appending: the writing thread parks a silent session and sleeps, while a
 * writer appends, ends or leaves the session, or a host flushes. Every event is recorded in
 * the end: nobody's time runs out here, so an append that neither notifies nor is seen
 * leaves everybody asleep.
 */

#include <pthread.h>

#include "recorder_world.h"

const struct model_case model_cases[] = {
	{ "appended", { "parked", "unparked" } },
	{ "appended fenced", { "parked", "unparked" } },
	{ "appended to two", { "parked", "unparked" } },
	{ "ended", { "parked", "ended" } },
	{ "left", { "parked", "left" } },
	{ "flushed", { "parked", "flushed" } },
	{ "all flushed", { "parked", "flushed", "synced alone" } },
	{ NULL, { NULL } },
};

enum {
	APPENDED,
	APPENDED_FENCED, /* the kernel has refused its barrier from the start */
	APPENDED_TO_TWO,
	ENDED,
	LEFT,
	FLUSHED,
	ALL_FLUSHED,
};

enum {
	EVENTS = 2,
};

/* Notes whether the session was parked when something happened to it. */
static void
note_state(unsigned int session)
{
	pthread_mutex_lock(&recorder.lock);
	if (recordings[session].is_parked)
		model_note("parked");
	pthread_mutex_unlock(&recorder.lock);
}

static void *
write_events(void *argument)
{
	const unsigned int session = *(const unsigned int *)argument;

	for (int i = 0; i < EVENTS; i++) {
		note_state(session);
		world_append(session);
	}
	return argument;
}

static void *
end_session(void *argument)
{
	note_state(0);
	MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 3) == REPRISE_OK);
	return argument;
}

static void *
leave_session(void *argument)
{
	world_append(0);
	note_state(0);
	recorder.port.leave(&recorder.port, world_session(0));
	return argument;
}

/* No relay runs in these two: a flush depends on no notification. */
static void *
flush_events(void *argument)
{
	const bool is_all = model_case == ALL_FLUSHED;
	const reprise_durability durability = is_all ? REPRISE_SYNCED : REPRISE_WRITTEN;

	for (int i = 0; i < EVENTS; i++) {
		/*
		 * In the second round nothing is to be recorded, and what was written is
		 * to be synced.
		 */
		if (!is_all || i == 0)
			world_append(0);
		note_state(0);
		MODEL_CHECK(reprise_recorder_flush(&recorder, is_all ? NULL : "s",
						   is_all && i == 0 ? REPRISE_WRITTEN : durability,
						   REPRISE_NO_LIMIT) == REPRISE_OK);
		MODEL_CHECK(recorder_world_log(0, REPRISE_WRITTEN) ==
			    port_newest(world_session(0)));
	}
	MODEL_CHECK(recorder_world_log(0, durability) == port_newest(world_session(0)));
	model_note("flushed");
	return argument;
}

/* Under the lock: whether all that the case is about has come. */
static bool
has_come(void)
{
	switch (model_case) {
	case ENDED:
		return recordings[0].has_ended;
	case LEFT:
		return !recordings[0].is_attached;
	case APPENDED_TO_TWO:
		return recordings[0].written == EVENTS && recordings[1].written == EVENTS;
	case APPENDED:
	case APPENDED_FENCED:
		return recordings[0].written == EVENTS;
	default:
		return true;
	}
}

static void
await(void)
{
	pthread_mutex_lock(&recorder.lock);
	while (!has_come())
		pthread_cond_wait(&recorder.has_news, &recorder.lock);
	if (model_case == ENDED)
		model_note("ended");
	else if (model_case == LEFT)
		model_note("left");
	else if (!recordings[0].is_parked)
		model_note("unparked");
	pthread_mutex_unlock(&recorder.lock);
}

/* Bells that nobody has taken hold their sessions. */
static void
empty_queue(void)
{
	struct bell *bell = bell_queue_take(&recorder.store->relay.queue);

	for (; bell != NULL; bell = bell_queued_before(bell))
		fetch_sub_relaxed(bell->holders, 1);
}

int
main(void)
{
	static unsigned int numbers[SESSIONS] = { 0, 1 };
	static void *(*const actions[])(void *) = { write_events, write_events,  write_events,
						    end_session,  leave_session, flush_events,
						    flush_events };
	const bool is_flush = model_case == FLUSHED || model_case == ALL_FLUSHED;
	const bool is_two = model_case == APPENDED_TO_TWO;
	const struct world_shape shape = {
		.wake = model_case == APPENDED_FENCED ? WORLD_FENCED : WORLD_BARRIER,
		.events_max = 8,
		.bytes_max = 256,
		.payload_words = 1,
		.has_relay = !is_flush,
	};
	const int threads_count = is_two ? 2 : 1;
	pthread_t writing, acting[SESSIONS];

	world_open(&shape);
	recorder_world_open(LOG_WRITTEN, threads_count);
	recorder.options.batch_events_max = UINT64_MAX;
	recorder.can_park = true;
	MODEL_CHECK(pthread_create(&writing, NULL, record_run, &recorder) == 0);
	for (int i = 0; i < threads_count; i++)
		MODEL_CHECK(pthread_create(&acting[i], NULL, actions[model_case], &numbers[i]) ==
			    0);
	await();
	for (int i = 0; i < threads_count; i++)
		pthread_join(acting[i], NULL);
	recorder_world_stop(writing);
	if (is_flush)
		empty_queue();
	world_close();
	return 0;
}
