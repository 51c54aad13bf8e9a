/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Answers to hosts in rare cases. */

/* A life of ten events, the last of which no entry can hold; closed. Answers a cursor before it. */
static struct reprise_cursor
write_life(void)
{
	const size_t bytes = REPRISE_LOG_PAYLOAD_BYTES_MAX + 1;
	void *const payload = calloc(1, bytes);
	const struct reprise_session_options options = { .size = sizeof(options),
							 .bytes_max = 256 << 20 };
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 1024, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_writer *writer = NULL;
	struct reprise_cursor cursor;
	reprise_position position = 0;

	CHECK(payload != NULL);
	CHECK_OK(reprise_writer_open(fault.store, "large", &options, &writer, NULL));
	CHECK_OK(reprise_writer_cursor(writer, 0, &cursor));
	for (int i = 0; i < 9; i++)
		CHECK_OK(reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL));
	CHECK_OK(reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ payload, bytes },
				&position));
	CHECK(position == 10);
	CHECK_OK(reprise_recorder_flush(fault.recorder, NULL, REPRISE_SYNCED, 20 * FAULT_SECOND));
	CHECK(fault_stats(&fault).lost == 1 && fault_stats(&fault).recorded == 9);
	reprise_writer_close(writer);
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	free(payload);
	return cursor;
}

static reprise_outcome
next(struct reprise_subscription *subscription, struct reprise_event *event,
     struct reprise_gap *gap, struct reprise_end *end)
{
	for (;;) {
		const reprise_outcome outcome = reprise_next(subscription, event, gap, end);

		if (outcome != REPRISE_NEXT_EMPTY)
			return outcome;
		CHECK_OK(reprise_wait(subscription, 10 * FAULT_SECOND));
	}
}

/*
 * Of a session that has no window: up to the log's head, be that a gap; and no cursor that
 * is no good.
 */
static enum fault_end
replayed_from_the_log(void)
{
	struct reprise_cursor cursor = write_life();
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 64, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	CHECK_OK(reprise_replay_after(fault.store, &cursor, NULL, &subscription, NULL));
	for (reprise_position position = 1; position < 10; position++) {
		CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_EVENT);
		CHECK(event.position == position);
	}
	CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_GAP);
	CHECK(gap.detail == REPRISE_GAP_TOO_LARGE && gap.lost_first == 10 && gap.lost_last == 10);
	CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_REPLAY);
	reprise_subscription_close(subscription);

	cursor.position = 15;
	CHECK_OK(reprise_replay_after(fault.store, &cursor, NULL, &subscription, NULL));
	CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_GAP);
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE && gap.detail == REPRISE_GAP_DIVERGED);
	CHECK(gap.cursor.position == 10);
	CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_INVALIDATED);
	reprise_subscription_close(subscription);

	memset(&cursor.incarnation, 7, sizeof(cursor.incarnation));
	CHECK_OK(reprise_replay_after(fault.store, &cursor, NULL, &subscription, NULL));
	CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_GAP);
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE);
	CHECK(gap.detail == REPRISE_GAP_OTHER_INCARNATION);
	reprise_subscription_close(subscription);
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

static void *
append_soon(void *argument)
{
	struct fault *const fault = argument;

	crash_nap(FAULT_SECOND / 5);
	CHECK_OK(fault_append(fault));
	return NULL;
}

/*
 * Where the relay looks at what is newest, what wakes is that it has been recorded: later,
 * and no newer.
 */
static enum fault_end
deferred_recorded_only(void)
{
	const struct reprise_store_options store_options = { .size = sizeof(store_options),
							     .wake = REPRISE_WAKE_DEFERRED };
	const struct reprise_recorder_options recorder_options = { .size = sizeof(recorder_options),
								   .linger_ns = FAULT_SECOND / 10 };
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = 1 };
	struct fault fault = { .log = fault_sqlite(fault_path("log")), .payload_bytes = 10 };
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	pthread_t thread;

	CHECK_OK(reprise_store_open(&store_options, &fault.store, NULL));
	CHECK_OK(reprise_recorder_open(fault.store, fault.log, &recorder_options, &fault.recorder,
				       NULL));
	CHECK_OK(reprise_writer_open(fault.store, "s", NULL, &fault.writer, NULL));
	CHECK_OK(reprise_writer_cursor(fault.writer, 0, &cursor));
	CHECK_OK(reprise_subscribe_after(fault.store, &cursor, &options, &subscription, NULL));
	for (reprise_position position = 1; position <= 5; position++) {
		CHECK(pthread_create(&thread, NULL, append_soon, &fault) == 0);
		CHECK(next(subscription, &event, &gap, &end) == REPRISE_NEXT_EVENT);
		CHECK(event.position == position);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	reprise_subscription_close(subscription);
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

const struct fault_scene fault_heal_scenes[] = {
	{ "replayed_from_the_log", replayed_from_the_log },
	{ "deferred_recorded_only", deferred_recorded_only },
	{ NULL, NULL },
};
