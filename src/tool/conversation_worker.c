/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include "tool/conversation_worker.h"
#include "tool/log_place.h"
#include "tool/pace.h"

enum {
	STEP_NS = 1000000, /* the time of a step */
};

const struct reprise_log_key worker_key = { .tenant = "default", .thread = "demo-worker" };

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The effect comes before the record: after a crash between the two the step is done again. */
static reprise_status
do_step(struct worker_world *world, struct reprise_conversation *conversation, uint32_t number,
	uint32_t step, struct reprise_error *error)
{
	struct worker_message *const message = &world->messages[number];
	const struct reprise_bytes output = { "done", 4 };

	pace_sleep(STEP_NS);
	atomic_store(&world->doing, number * WORKER_STEPS_MAX + step + 1);
	atomic_fetch_add(&message->effects[step], 1);
	const reprise_status status = reprise_conversation_record_step_completed(
		conversation, message->id, step, output, error);

	atomic_store(&world->doing, 0);
	atomic_fetch_add(&world->steps, 1);
	return status;
}

static reprise_status
work(struct worker_world *world, struct reprise_conversation *conversation, uint32_t number,
     uint32_t first, struct reprise_error *error)
{
	const struct worker_message *const message = &world->messages[number];
	reprise_status status =
		reprise_conversation_record_processing_started(conversation, message->id, error);

	for (uint32_t step = first; status == REPRISE_OK && step < message->steps; step++)
		status = do_step(world, conversation, number, step, error);
	if (status != REPRISE_OK)
		return status;
	return reprise_conversation_record_processing_finished(conversation, message->id, error);
}

static reprise_status
take_delivery(struct worker_world *world, struct reprise_conversation *conversation,
	      uint32_t number, struct reprise_error *error)
{
	struct reprise_decision decision = { 0 };
	const reprise_status status = reprise_conversation_receive_message(
		conversation, world->messages[number].id, now_ms(), &decision, error);

	if (status != REPRISE_OK)
		return status;
	switch (decision.type) {
	case REPRISE_DECISION_START:
		atomic_fetch_add(&world->started, 1);
		break;
	case REPRISE_DECISION_RESUME_FROM:
		atomic_fetch_add(&world->resumed, 1);
		break;
	case REPRISE_DECISION_SKIP:
		atomic_fetch_add(&world->skipped, 1);
		return REPRISE_OK;
	}
	return work(world, conversation, number, decision.step, error);
}

static reprise_status
take_all(struct worker_world *world, struct reprise_log *log, struct reprise_error *error)
{
	struct reprise_conversation *conversation = NULL;
	uint32_t next;
	reprise_status status =
		reprise_conversation_new(log, &worker_key, NULL, &conversation, error);

	if (status == REPRISE_OK)
		status = reprise_conversation_recover(conversation, error);
	while (status == REPRISE_OK &&
	       (next = atomic_load(&world->acknowledged)) < WORKER_DELIVERIES) {
		atomic_fetch_add(&world->deliveries, 1);
		status = take_delivery(world, conversation, world->queue[next], error);
		if (status == REPRISE_OK)
			atomic_store(&world->acknowledged, next + 1);
	}
	reprise_conversation_close(conversation);
	return status;
}

int
worker_live(struct worker_world *world, const char *file)
{
	const struct log_place place = { .file = file };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	reprise_status status = log_place_open(&place, LOG_ACCESS_CREATE, &log, &error);

	if (status == REPRISE_OK)
		status = take_all(world, log, &error);
	reprise_log_close(log);
	if (status == REPRISE_OK)
		return 0;
	log_say_failure("demo --worker", worker_key.thread, status, &error);
	return 1;
}
