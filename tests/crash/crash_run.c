/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* The runtime that is killed: writers, hosts, and one that tells how far everything has come. */

struct part {
	struct crash *crash;
	struct crash_runtime *runtime;
	unsigned int session, host;
	uint64_t random;
};

static atomic_bool is_closing;

/* How a session is opened is up to the round. */
static struct reprise_writer *
come(struct part *part, reprise_position *ret_newest)
{
	struct reprise_session_options options = {
		.size = sizeof(options),
		.events_max = crash_random(&part->random) % 2 == 0 ? 16 : 1024,
		.bytes_max = 1 << 17,
		.when_full = part->session % 2 == 1 ? REPRISE_WHEN_FULL_REFUSE
						    : REPRISE_WHEN_FULL_OVERWRITE,
	};
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;

	CHECK_OK(reprise_writer_open(part->runtime->store, crash_id(part->session), &options,
				     &writer, NULL));
	CHECK_OK(reprise_session_stats(part->runtime->store, crash_id(part->session), &stats));
	*ret_newest = stats.newest;
	return writer;
}

/* One event, or a batch, or one in place; answers how many were appended. */
static uint64_t
append(struct part *part, struct reprise_writer *writer, uint64_t life, reprise_position newest,
       bool ends)
{
	static _Thread_local unsigned char payloads[CRASH_BATCH_MAX][CRASH_PAYLOAD_MAX];
	struct reprise_new_event events[CRASH_BATCH_MAX];
	const uint64_t way = ends ? 0 : crash_random(&part->random) % 8;
	const size_t count = way == 0 ? 2 + crash_random(&part->random) % (CRASH_BATCH_MAX - 1) : 1;
	reprise_position position = 0;
	reprise_status status;
	void *room;

	for (size_t i = 0; i < count; i++)
		events[i] = (struct reprise_new_event){
			.revision = newest / 16,
			.kind = (uint16_t)(crash_kind(i, count) | (ends ? CRASH_ENDS : 0)),
			.flags = newest % 16 == 0 ? REPRISE_EVENT_COMMIT : 0,
			.payload = { payloads[i],
				     crash_payload(part->session, life, newest + 1 + i,
						   crash_random(&part->random), payloads[i]) },
		};
	if (way == 1) {
		status = reprise_reserve(writer, CRASH_PAYLOAD_MAX, &room);
		if (status == REPRISE_OK) {
			memcpy(room, payloads[0], events[0].payload.size);
			status =
				reprise_publish(writer, events[0].revision, events[0].kind,
						events[0].flags, events[0].payload.size, &position);
		}
	} else if (ends) {
		status = reprise_append_end(writer, events, count, CRASH_END_STATUS, &position);
	} else {
		status = reprise_append_batch(writer, events, count, &position);
	}
	if (status == REPRISE_E_FULL) {
		status = reprise_writer_wait_room(writer, UINT64_C(50000000));
		CHECK(status == REPRISE_OK || status == REPRISE_E_TIMEOUT);
		return 0;
	}
	CHECK_OK(status);
	CHECK(position == newest + 1);
	atomic_store(&part->crash->sessions[part->session].newest, newest + count);
	atomic_fetch_add(&part->crash->appended, count);
	return count;
}

static void *
write_session(void *argument)
{
	struct part *const part = argument;
	uint64_t life = part->crash->round * 1000;

	while (!atomic_load(&is_closing)) {
		reprise_position newest;
		struct reprise_writer *const writer = come(part, &newest);
		const uint64_t pace = crash_random(&part->random) % 3;

		life++;
		for (uint64_t left = crash_random(&part->random) %
				     (crash_random(&part->random) % 2 == 0 ? 2000 : 50);
		     left > 0 && !atomic_load(&is_closing); left--) {
			newest += append(part, writer, life, newest, false);
			if (pace == 0 || crash_random(&part->random) % (40 * pace) == 0)
				crash_nap(crash_random(&part->random) % 100000);
		}
		const uint64_t way = crash_random(&part->random) % 4;

		if (way == 0)
			CHECK_OK(reprise_writer_end(writer, 5));
		else if (way < 3)
			while (append(part, writer, life, newest, true) == 0)
				if (atomic_load(&is_closing))
					break;
		/* So that it is killed now and then before the next life begins. */
		if (way == 1)
			crash_nap(crash_random(&part->random) % 60000000);
		reprise_writer_close(writer);
	}
	return NULL;
}

static bool
take(struct part *part, struct reprise_subscription *subscription)
{
	struct crash_told *const told = &part->crash->sessions[part->session].hosts[part->host];
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	uint32_t checksum = 0;

	switch (reprise_next(subscription, &event, &gap, &end)) {
	case REPRISE_NEXT_EMPTY:
		(void)!reprise_wait(subscription, UINT64_C(5000000));
		return !atomic_load(&is_closing);
	case REPRISE_NEXT_EVENT:
		checksum = crash_verify(part->session, event.position, event.payload, NULL);
		break;
	case REPRISE_NEXT_GAP:
		CHECK(gap.reason == REPRISE_GAP_TRIMMED);
		break;
	case REPRISE_NEXT_ENDED:
		CHECK(end.cause == REPRISE_END_SESSION);
		return false;
	}
	CHECK_OK(reprise_subscription_cursor(subscription, &cursor));
	crash_tell(told, &cursor, checksum);
	return true;
}

static void *
follow(void *argument)
{
	struct part *const part = argument;
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = part->host == 1 };
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor = { .position = 0 };
	bool is_known = false;

	while (!atomic_load(&is_closing)) {
		is_known = is_known || reprise_session_earliest_cursor(part->runtime->store,
								       crash_id(part->session), 0,
								       &cursor) == REPRISE_OK;
		if (!is_known) {
			crash_nap(300000);
			continue;
		}
		CHECK_OK(reprise_subscribe_after(part->runtime->store, &cursor, &options,
						 &subscription, NULL));
		while (take(part, subscription))
			if (crash_random(&part->random) % 2000 == 0)
				crash_nap(crash_random(&part->random) % 3000000);
		CHECK_OK(reprise_subscription_cursor(subscription, &cursor));
		reprise_subscription_close(subscription);
		crash_nap(300000);
	}
	return NULL;
}

/* Notes the promise: recorded, of the window that is there. */
static void
tell(struct crash *crash, struct crash_runtime *runtime, unsigned int session)
{
	struct reprise_session_stats before = { .size = sizeof(before) }, after = before;
	struct reprise_cursor cursor = { .position = 0 };
	const reprise_durability durability = crash->durability;

	if (reprise_session_stats(runtime->store, crash_id(session), &before) != REPRISE_OK ||
	    reprise_recorder_recorded_through(runtime->recorder, crash_id(session), durability,
					      &cursor.position) != REPRISE_OK ||
	    reprise_session_stats(runtime->store, crash_id(session), &after) != REPRISE_OK ||
	    memcmp(&before.incarnation, &after.incarnation, sizeof(before.incarnation)) != 0 ||
	    cursor.position < after.first)
		return;
	cursor.incarnation = after.incarnation;
	crash_tell(&crash->sessions[session].promised, &cursor, 0);
}

static void
start(pthread_t *thread, void *(*run)(void *), struct part *part)
{
	CHECK(pthread_create(thread, NULL, run, part) == 0);
}

_Noreturn void
crash_run(struct crash *crash)
{
	uint64_t random = crash->seed * 1000003 + crash->round;
	struct crash_runtime runtime = crash_open(crash);
	const unsigned int sessions = 1 + (unsigned int)(crash_random(&random) % CRASH_SESSIONS);
	pthread_t threads[CRASH_SESSIONS * (1 + CRASH_HOSTS)];
	struct part parts[CRASH_SESSIONS * (1 + CRASH_HOSTS)];
	size_t count = 0;

	for (unsigned int session = 0; session < sessions; session++)
		for (unsigned int host = 0; host <= CRASH_HOSTS; host++) {
			parts[count] = (struct part){ .crash = crash,
						      .runtime = &runtime,
						      .session = session,
						      .host = host % CRASH_HOSTS,
						      .random = crash_random(&random) };
			start(&threads[count], host == CRASH_HOSTS ? write_session : follow,
			      &parts[count]);
			count++;
		}
	atomic_store(&crash->is_up, true);
	while (!atomic_load(&crash->is_to_close)) {
		for (unsigned int session = 0; session < sessions; session++)
			tell(crash, &runtime, session);
		crash_nap(200000);
	}
	atomic_store(&is_closing, true);
	while (count > 0)
		CHECK(pthread_join(threads[--count], NULL) == 0);
	crash_close(&runtime);
	atomic_store(&crash->has_closed, true);
	_exit(0);
}
