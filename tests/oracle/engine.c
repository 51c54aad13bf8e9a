/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const char id_long[] = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"
			      "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";

const char *const engine_ids[MODEL_IDS + 1] = { "s", "run/7 \xc3\xa9.a_B-", id_long, "t~7E",
						"nobody" };

unsigned int
engine_id_of(const struct reprise_cursor *cursor)
{
	unsigned int id = 0;

	while (id < MODEL_IDS && strcmp(cursor->session_id, engine_ids[id]) != 0)
		id++;
	return id;
}

/* --- what is said --- */

void
engine_say(struct engine *engine, const char *format, ...)
{
	va_list arguments;

	if (engine->trace == NULL)
		return;
	va_start(arguments, format);
	vfprintf(engine->trace, format, arguments);
	va_end(arguments);
	fputc('\n', engine->trace);
}

void
engine_differ(struct engine *engine, const char *format, ...)
{
	va_list arguments;

	if (engine->differs)
		return;
	engine->differs = true;
	const int used =
		snprintf(engine->difference, sizeof(engine->difference), "%s: ", engine->doing);

	va_start(arguments, format);
	vsnprintf(engine->difference + used, sizeof(engine->difference) - (size_t)used, format,
		  arguments);
	va_end(arguments);
}

void
engine_mark(struct engine *engine, enum mark mark)
{
	engine->coverage->marks[mark]++;
}

void
engine_expect(struct engine *engine, const char *what, uint64_t expected, uint64_t actual)
{
	if (expected != actual)
		engine_differ(engine, "%s: expected %llu, got %llu", what,
			      (unsigned long long)expected, (unsigned long long)actual);
}

void
engine_expect_cursor(struct engine *engine, const char *what, const struct reprise_cursor *expected,
		     const struct reprise_cursor *actual)
{
	char texts[2][REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (memcmp(&expected->incarnation, &actual->incarnation, sizeof(expected->incarnation)) ==
		    0 &&
	    expected->revision == actual->revision && expected->position == actual->position &&
	    strcmp(expected->session_id, actual->session_id) == 0)
		return;
	model_format(expected, texts[0]);
	model_format(actual, texts[1]);
	engine_differ(engine, "%s: expected %.180s, got %.180s", what, texts[0], texts[1]);
}

bool
engine_expect_status(struct engine *engine, reprise_status expected, reprise_status actual)
{
	if (actual > 0 || actual <= -STATUSES) {
		engine_differ(engine, "a status that is none: %d", (int)actual);
		return false;
	}
	engine->coverage->statuses[engine->call][-actual]++;
	if (expected != actual)
		engine_differ(engine, "expected %s, got %s", reprise_status_name(expected),
			      reprise_status_name(actual));
	engine_say(engine, "\t/* %s */", reprise_status_name(actual));
	return expected == REPRISE_OK && actual == REPRISE_OK;
}

struct reprise_error
engine_error(void)
{
	return (struct reprise_error){ .size = sizeof(struct reprise_error), .os_error = -77 };
}

bool
engine_expect_error(struct engine *engine, reprise_status expected, reprise_status actual,
		    const struct reprise_error *error)
{
	if (actual == REPRISE_OK)
		engine_expect(engine, "error.os_error stays on success", (uint64_t)-77,
			      (uint64_t)error->os_error);
	else
		engine_expect(engine, "error.status", (uint64_t)actual, (uint64_t)error->status);
	if (actual == REPRISE_E_INVALID)
		engine_expect(engine, "error.what says something", 1, error->what[0] != '\0');
	return engine_expect_status(engine, expected, actual);
}

/* --- what operands stand for --- */

unsigned int
engine_place(uint8_t operand, unsigned int *ret_id)
{
	*ret_id = operand % MODEL_IDS;
	return operand / MODEL_IDS % 4 == 3;
}

void
engine_fill(uint64_t seed, unsigned char *payload, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		payload[i] = (unsigned char)(seed >> 56);
	}
}

uint64_t
engine_revision(uint8_t operand)
{
	return operand < 250 ? operand % 16 : UINT64_MAX - (operand - 250u);
}

reprise_position
engine_position(reprise_position newest, uint8_t operand)
{
	if (operand == 255)
		return UINT64_MAX;
	operand %= 16;
	return newest + 2 < operand ? 0 : newest + 2 - operand;
}

struct model_bounds
engine_bounds(uint8_t events, uint8_t bytes, uint8_t age)
{
	static const uint64_t events_max[] = { 1, 2, 3, 4, 5, 8, 7, REPRISE_NO_LIMIT };
	static const uint64_t bytes_max[] = { 256, 257, 512, 600, 1024, 2048, 4096, 8192 };
	static const uint64_t ages[] = { REPRISE_NO_LIMIT, 1000000000, 10000000000, 1 };

	return (struct model_bounds){ .events_max = events_max[events % 8],
				      .bytes_max = bytes_max[bytes % 8],
				      .age_ns_max = ages[age % 4],
				      .is_deduplicated = bytes / 8 % 4 == 0 };
}

struct engine_writer *
engine_writer_at(struct engine *engine, uint8_t operand, bool is_free)
{
	for (unsigned int i = 0; i < WRITERS; i++) {
		struct engine_writer *const writer = &engine->writers[(operand + i) % WRITERS];

		if ((writer->session == NULL) == is_free)
			return writer;
	}
	return NULL;
}

struct engine_subscription *
engine_subscription_at(struct engine *engine, uint8_t operand, bool is_free)
{
	for (unsigned int i = 0; i < SUBSCRIPTIONS; i++) {
		struct engine_subscription *const subscription =
			&engine->subscriptions[(operand + i) % SUBSCRIPTIONS];

		if ((subscription->subscription == NULL) == is_free)
			return subscription;
	}
	return NULL;
}

unsigned int
engine_index(const struct engine_subscription *subscription, const struct engine *engine)
{
	return (unsigned int)(subscription - engine->subscriptions);
}

/* --- stores --- */

static void
open_store(struct engine *engine, unsigned int place)
{
	const uint8_t *const config = engine->program->config + (size_t)4 * place;
	struct engine_store *const at = &engine->stores[place];
	const struct model_bounds bounds = engine_bounds(config[0], config[1], config[2]);
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = bounds.events_max,
							 .bytes_max = bounds.bytes_max,
							 .age_ns_max = bounds.age_ns_max,
							 .is_deduplicated =
								 bounds.is_deduplicated };
	struct reprise_store_options options = { .size = sizeof(options), .session = &session };

	at->model = (struct model){ .ids = engine_ids,
				    .bounds = bounds,
				    .sessions_max = UINT64_C(1) << 20,
				    .bytes_max = REPRISE_NO_LIMIT,
				    .now_ns = UINT64_C(3600) * 1000000000 };
	(void)model_resolve(&at->model, &bounds, &at->model.bounds);
	options.wake = (config[2] & 0x80) != 0 ? REPRISE_WAKE_DEFERRED : REPRISE_WAKE_RELAY;
	options.sessions_max = config[3] % 8 < 4 ? 0 : config[3] % 8 - 3;
	if (options.sessions_max != 0)
		at->model.sessions_max = options.sessions_max;
	/* So many windows and a half. */
	options.bytes_max = config[3] / 8 % 8 < 5 ? 0
						  : model_window_cost(&at->model.bounds) *
							    (2u * (config[3] / 8 % 8u - 4) + 1) / 2;
	if (options.bytes_max != 0)
		at->model.bytes_max = options.bytes_max;
	engine_say(
		engine,
		"reprise_store_open(&(struct reprise_store_options){ .session = &{ .events_max = "
		"%llu, .bytes_max = %llu, .age_ns_max = %llu, .is_deduplicated = %d }, "
		".sessions_max = %llu, .bytes_max = "
		"%llu, .wake = %d }, &store%u, NULL);",
		(unsigned long long)bounds.events_max, (unsigned long long)bounds.bytes_max,
		(unsigned long long)bounds.age_ns_max, bounds.is_deduplicated,
		(unsigned long long)options.sessions_max, (unsigned long long)options.bytes_max,
		(int)options.wake, place);
	if (reprise_store_open(&options, &at->store, NULL) != REPRISE_OK ||
	    reprise_stamp_set(at->store, at->model.now_ns) != REPRISE_OK)
		abort();
	engine_say(engine, "reprise_stamp_set(store%u, %llu);", place,
		   (unsigned long long)at->model.now_ns);
}

struct engine_store *
engine_store_at(struct engine *engine, unsigned int place)
{
	if (engine->stores[place].store == NULL)
		open_store(engine, place);
	return &engine->stores[place];
}

bool
engine_close_store(struct engine *engine, unsigned int place)
{
	struct engine_store *const at = &engine->stores[place];
	const bool is_busy = at->model.writers + at->model.subscriptions != 0 || at->group != NULL;

	engine_say(engine, "reprise_store_close(store%u);", place);
	if (engine_expect_status(engine, is_busy ? REPRISE_E_BUSY : REPRISE_OK,
				 reprise_store_close(at->store))) {
		model_close(&at->model);
		at->store = NULL;
	}
	return at->store == NULL;
}

static void
learn(struct engine *engine, struct model_life *life, const struct reprise_incarnation *incarnation)
{
	static const struct reprise_incarnation none;

	if (memcmp(&life->incarnation, &none, sizeof(none)) != 0)
		return;
	if (memcmp(incarnation, &none, sizeof(none)) == 0)
		engine_differ(engine, "a window's incarnation is all zero");
	for (unsigned int i = 0; i < STORES; i++)
		for (struct model_life *other = engine->stores[i].model.lives; other != NULL;
		     other = other->older)
			if (memcmp(&other->incarnation, incarnation, sizeof(none)) == 0)
				engine_differ(engine, "an incarnation that was there before");
	life->incarnation = *incarnation;
	if (life->before != 0)
		engine_mark(engine, MARK_WINDOW_ANEW);
}

void
engine_check_session(struct engine *engine, unsigned int place, unsigned int id)
{
	struct engine_store *const at = engine_store_at(engine, place);
	struct model_life *const life = model_find(&at->model, id);
	struct reprise_session_stats actual = { .size = sizeof(actual) };
	const reprise_status status = reprise_session_stats(at->store, engine_ids[id], &actual);

	if (status != (life != NULL ? REPRISE_OK : REPRISE_E_NOT_FOUND))
		engine_differ(engine, "reprise_session_stats(\"%s\"): %s", engine_ids[id],
			      reprise_status_name(status));
	if (life == NULL || status != REPRISE_OK)
		return;
	learn(engine, life, &actual.incarnation);
	const struct reprise_session_stats expected = model_stats(life);

	if (memcmp(&expected.incarnation, &actual.incarnation, sizeof(actual.incarnation)) != 0)
		engine_differ(engine, "session stats: another incarnation");
	engine_expect(engine, "session stats: first", expected.first, actual.first);
	engine_expect(engine, "session stats: oldest", expected.oldest, actual.oldest);
	engine_expect(engine, "session stats: newest", expected.newest, actual.newest);
	engine_expect(engine, "session stats: retained", expected.retained, actual.retained);
	engine_expect(engine, "session stats: events_max", expected.events_max, actual.events_max);
	engine_expect(engine, "session stats: bytes_max", expected.bytes_max, actual.bytes_max);
	engine_expect(engine, "session stats: age_ns_max", expected.age_ns_max, actual.age_ns_max);
	engine_expect(engine, "session stats: subscriptions", expected.subscriptions,
		      actual.subscriptions);
	engine_expect(engine, "session stats: ended", (uint64_t)expected.ended,
		      (uint64_t)actual.ended);
	engine_expect(engine, "session stats: end_status", (uint64_t)expected.end_status,
		      (uint64_t)actual.end_status);
	engine_expect(engine, "session stats: has_writer", (uint64_t)expected.has_writer,
		      (uint64_t)actual.has_writer);
	engine_expect(engine, "session stats: refuses", 0, (uint64_t)actual.refuses);
}

void
engine_check_store(struct engine *engine, unsigned int place)
{
	struct engine_store *const at = engine_store_at(engine, place);
	struct reprise_store_stats actual = { .size = sizeof(actual) };
	struct model *const model = &at->model;

	if (reprise_store_stats(at->store, &actual) != REPRISE_OK)
		engine_differ(engine, "reprise_store_stats");
	engine_expect(engine, "store stats: sessions", model_sessions(model, false),
		      actual.sessions);
	engine_expect(engine, "store stats: sessions_idle", model_sessions(model, true),
		      actual.sessions_idle);
	engine_expect(engine, "store stats: writers", model->writers, actual.writers);
	engine_expect(engine, "store stats: subscriptions", model->subscriptions,
		      actual.subscriptions);
	engine_expect(engine, "store stats: staging_bytes", model->staging_bytes,
		      actual.staging_bytes);
	engine_expect(engine, "store stats: sessions_max", model->sessions_max,
		      actual.sessions_max);
	engine_expect(engine, "store stats: bytes", model_bytes(model), actual.bytes);
	engine_expect(engine, "store stats: bytes_max", model->bytes_max, actual.bytes_max);
	engine->coverage->marks[MARK_EVICTED] += model->evicted;
	model->evicted = 0;
}
