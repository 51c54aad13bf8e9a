/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine.h"

/* Calls on the store: trims, voids, expiry, the clock, statistics. */

static void
trim_to(struct engine *engine, struct engine_store *at, unsigned int place, unsigned int id,
	uint8_t operand)
{
	struct model_life *const life = model_find(&at->model, id);
	const reprise_position position =
		engine_position(life != NULL ? model_newest(life) : 5, operand);

	engine_say(engine, "reprise_session_trim_to(store%u, \"%s\", %llu);", place, engine_ids[id],
		   (unsigned long long)position);
	if (life != NULL)
		model_trim_to(life, position);
	(void)engine_expect_status(engine, REPRISE_OK,
				   reprise_session_trim_to(at->store, engine_ids[id], position));
}

static void
expire(struct engine *engine, struct engine_store *at, unsigned int place)
{
	const uint64_t expected = model_expire(&at->model);
	uint64_t count = 77;

	engine_say(engine, "reprise_sessions_expire_idle(store%u, &count);", place);
	(void)engine_expect_status(engine, REPRISE_OK,
				   reprise_sessions_expire_idle(at->store, &count));
	engine_expect(engine, "expired", expected, count);
	if (count != 0)
		engine_mark(engine, MARK_EXPIRED);
}

static void
set_stamp(struct engine *engine, struct engine_store *at, unsigned int place, uint8_t operand)
{
	static const int64_t steps[] = { 0,          1,           10000000, 1000000000,
					 1010000000, 10000000000, 500000,   -1000000000 };

	at->model.now_ns += (uint64_t)steps[operand % 8];
	engine_say(engine, "reprise_stamp_set(store%u, %llu);", place,
		   (unsigned long long)at->model.now_ns);
	(void)engine_expect_status(engine, REPRISE_OK,
				   reprise_stamp_set(at->store, at->model.now_ns));
}

static unsigned int
id_of(const char *session_id)
{
	unsigned int id = 0;

	while (id < MODEL_IDS && strcmp(engine_ids[id], session_id) != 0)
		id++;
	return id;
}

/*
 * Each session once, with what it holds; then no more. Every other list is given up in the middle.
 */
static void
list(struct engine *engine, struct engine_store *at, unsigned int place, uint8_t operand)
{
	struct reprise_session_list *sessions = NULL;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = engine_error();
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	unsigned int seen = 0, count = 0;
	const unsigned int all = (unsigned int)model_sessions(&at->model, false);
	const unsigned int wanted = operand % 2 == 0 ? all : all / 2;

	engine_say(engine, "reprise_sessions_list(store%u, &list, &error);", place);
	if (!engine_expect_error(engine, REPRISE_OK,
				 reprise_sessions_list(at->store, &sessions, &error), &error))
		return;
	while (count < wanted &&
	       engine_expect_status(engine, REPRISE_OK,
				    reprise_session_list_next(sessions, id, &stats))) {
		const struct model_life *const life = model_find(&at->model, id_of(id));

		if (life == NULL || (seen >> id_of(id) & 1) != 0)
			engine_differ(engine, "listed: %.30s", id);
		if (life != NULL && stats.newest != model_newest(life))
			engine_differ(engine, "listed: %.30s with another newest", id);
		seen |= 1u << id_of(id);
		count++;
		if (engine->differs)
			break;
	}
	if (wanted == all && !engine->differs)
		(void)engine_expect_status(engine, REPRISE_E_NOT_FOUND,
					   reprise_session_list_next(sessions, id, &stats));
	reprise_session_list_close(sessions);
}

void
engine_call_store(struct engine *engine, const struct call *call)
{
	unsigned int id;
	const unsigned int place = engine_place(call->a, &id);
	struct engine_store *const at = engine_store_at(engine, place);
	struct model_life *const life = model_find(&at->model, id);

	if (call->name == CALL_TRIM_SESSION) {
		engine_say(engine, "reprise_session_trim(store%u, \"%s\");", place, engine_ids[id]);
		if (life != NULL)
			model_apply_age(life);
		(void)engine_expect_status(engine, REPRISE_OK,
					   reprise_session_trim(at->store, engine_ids[id]));
	} else if (call->name == CALL_TRIM_TO) {
		trim_to(engine, at, place, id, call->b);
	} else if (call->name == CALL_INVALIDATE) {
		engine_say(engine, "reprise_session_invalidate(store%u, \"%s\");", place,
			   engine_ids[id]);
		model_invalidate(&at->model, id);
		(void)engine_expect_status(engine, REPRISE_OK,
					   reprise_session_invalidate(at->store, engine_ids[id]));
	} else if (call->name == CALL_INVALIDATE_ALL) {
		engine_say(engine, "reprise_sessions_invalidate(store%u);", place);
		for (id = 0; id < MODEL_IDS; id++)
			model_invalidate(&at->model, id);
		(void)engine_expect_status(engine, REPRISE_OK,
					   reprise_sessions_invalidate(at->store));
	} else if (call->name == CALL_EXPIRE) {
		expire(engine, at, place);
	} else if (call->name == CALL_STAMP) {
		set_stamp(engine, at, place, call->b);
	} else if (call->name == CALL_LIST) {
		list(engine, at, place, call->b);
	} else if (call->name == CALL_CREATE) {
		engine_create(engine, call);
	} else if (call->name == CALL_SESSION_STATS) {
		struct reprise_session_stats stats = { .size = sizeof(stats) };

		(void)engine_expect_status(
			engine, life != NULL ? REPRISE_OK : REPRISE_E_NOT_FOUND,
			reprise_session_stats(at->store, engine_ids[id], &stats));
	} else if (call->name == CALL_STORE_CLOSE) {
		(void)engine_close_store(engine, place);
	}
	/* STORE_STATS: compared after every call anyway. */
}
