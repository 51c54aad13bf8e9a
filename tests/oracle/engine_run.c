/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const char *const call_names[CALLS_COUNT] = {
#define CALL_NAME(name) #name,
	PROGRAM_CALLS(CALL_NAME)
#undef CALL_NAME
};

static void
run_call(struct engine *engine, const struct call *call)
{
	engine->doing = call_names[call->name];
	engine->call = (enum call_name)call->name;
	engine->coverage->calls[call->name]++;
	/* NOLINTBEGIN(bugprone-branch-clone): in the order of the calls */
	if (call->name <= CALL_ABORT)
		engine_call_writer(engine, call);
	else if (call->name <= CALL_STAMP)
		engine_call_store(engine, call);
	else if (call->name <= CALL_FOR_SESSION)
		engine_call_cursor(engine, call);
	else if (call->name <= CALL_WAIT)
		engine_call_subscription(engine, call);
	else if (call->name <= CALL_INTERRUPT)
		engine_call_door(engine, call);
	else if (call->name <= CALL_GROUP_STATS)
		engine_call_group(engine, call);
	else if (call->name <= CALL_GAP_CURSOR)
		engine_call_subscription(engine, call);
	else if (call->name <= CALL_STORE_CLOSE)
		engine_call_store(engine, call);
	else
		engine_call_bad(engine, call);
	/* NOLINTEND(bugprone-branch-clone) */
}

static void
check_all(struct engine *engine)
{
	for (unsigned int place = 0; place < STORES; place++) {
		if (engine->stores[place].store == NULL)
			continue;
		for (unsigned int id = 0; id < MODEL_IDS; id++)
			engine_check_session(engine, place, id);
		engine_check_store(engine, place);
	}
}

/* Everybody gets the rest of what there is. */
static void
drain(struct engine *engine)
{
	engine->doing = "at the end";
	engine->call = CALL_NEXT;
	for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
		struct engine_subscription *const subscription = &engine->subscriptions[i];
		reprise_outcome outcome = REPRISE_NEXT_EVENT;

		while (subscription->subscription != NULL && !engine->differs &&
		       (outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP))
			outcome = engine_next(engine, subscription, 1, false);
	}
}

static void
close_all(struct engine *engine)
{
	engine->doing = "closing all";
	engine->call = CALL_STORE_CLOSE;
	engine_close_group(engine, 0); /* and the other one after its subscriptions */
	for (size_t i = 0; i < SUBSCRIPTIONS; i++)
		if (engine->subscriptions[i].subscription != NULL)
			engine_close_subscription(engine, &engine->subscriptions[i]);
	engine_close_group(engine, 1);
	for (size_t i = 0; i < WRITERS; i++)
		if (engine->writers[i].session != NULL)
			engine_close_writer(engine, &engine->writers[i]);
	if (!engine->differs)
		check_all(engine);
	for (unsigned int place = 0; place < STORES; place++) {
		if (engine->stores[place].store == NULL)
			continue;
		if (!engine_close_store(engine, place)) {
			/* The difference has been told; give back what can be. */
			(void)!reprise_store_close(engine->stores[place].store);
			model_close(&engine->stores[place].model);
		}
	}
}

bool
engine_run(const struct program *program, struct coverage *coverage, FILE *trace, char *difference,
	   size_t difference_bytes)
{
	struct engine *const engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		abort();
	engine->program = program;
	engine->coverage = coverage;
	engine->trace = trace;
	for (size_t i = 0; i < CURSORS; i++)
		snprintf(engine->cursors[i].session_id, sizeof(engine->cursors[i].session_id), "%s",
			 engine_ids[0]);
	for (size_t i = 0; i < program->calls_count && !engine->differs; i++) {
		run_call(engine, &program->calls[i]);
		if (!engine->differs)
			check_all(engine);
	}
	drain(engine);
	close_all(engine);
	const bool agrees = !engine->differs;

	if (!agrees)
		snprintf(difference, difference_bytes, "%s", engine->difference);
	free(engine);
	return agrees;
}
