/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine.h"

/* How a session gets a window, and a writer. */

static unsigned int
index_of(const struct engine *engine, const struct engine_writer *writer)
{
	return (unsigned int)(writer - engine->writers);
}

/* The bounds that a call asks for: the store's, mostly; some are bad. */
static struct model_bounds
bounds_of(const struct call *call)
{
	struct model_bounds given = { 0 };

	if (call->c >= 128)
		given = engine_bounds(call->c, call->d, call->c / 8);
	if (call->c >= 250)
		given.bytes_max = call->c % 2 != 0 ? 255 : (UINT64_C(1) << 31) + 1;
	return given;
}

static struct reprise_session_options
options_of(const struct model_bounds *given)
{
	return (struct reprise_session_options){ .size = sizeof(struct reprise_session_options),
						 .events_max = given->events_max,
						 .bytes_max = given->bytes_max,
						 .age_ns_max = given->age_ns_max,
						 .is_deduplicated = given->is_deduplicated };
}

static void
expect_full(struct engine *engine, reprise_status expected, reprise_status actual, const char *full,
	    const struct reprise_error *error)
{
	if (expected != REPRISE_E_FULL || actual != expected)
		return;
	if (strcmp(full, error->what) != 0)
		engine_differ(engine, "full of %s, not of %s", full, error->what);
	engine_mark(engine, full[0] == 's' ? MARK_FULL_SESSIONS : MARK_FULL_BYTES);
}

/* The opening's own words. @before was in the table before it. */
static void
check_opened(struct engine *engine, const struct model_life *life, const struct model_life *before,
	     struct reprise_writer *writer)
{
	struct reprise_writer_opened opened = { .size = sizeof(opened) };
	const bool is_rebuilt = before != NULL && before->heir == life;

	if (reprise_writer_opened(writer, &opened) != REPRISE_OK)
		engine_differ(engine, "reprise_writer_opened");
	engine_expect(engine, "opened: is_joined", before == life || is_rebuilt,
		      (uint64_t)opened.is_joined);
	engine_expect(engine, "opened: is_rebuilt", is_rebuilt, (uint64_t)opened.is_rebuilt);
	engine_expect(engine, "opened: events_max", life->bounds.events_max, opened.events_max);
	engine_expect(engine, "opened: bytes_max", life->bounds.bytes_max, opened.bytes_max);
	engine_expect(engine, "opened: age_ns_max", life->bounds.age_ns_max, opened.age_ns_max);
	if (is_rebuilt)
		engine_mark(engine, MARK_WINDOW_REBUILT);
}

void
engine_open_writer(struct engine *engine, const struct call *call)
{
	struct engine_writer *const writer = engine_writer_at(engine, call->a, true);
	unsigned int id;
	const unsigned int place = engine_place(call->b, &id);
	const struct model_bounds given = bounds_of(call);
	const struct reprise_session_options options = options_of(&given);
	struct reprise_writer *session = NULL;
	struct reprise_error error = engine_error();
	const char *full = NULL;

	if (writer == NULL)
		return;
	struct engine_store *const at = engine_store_at(engine, place);
	const struct model_life *const before = model_find(&at->model, id);

	engine_say(engine,
		   "reprise_writer_open(store%u, \"%s\", &{ .events_max = %llu, .bytes_max = %llu, "
		   ".age_ns_max = %llu, .is_deduplicated = %d }, &writer%u, &error);",
		   place, engine_ids[id], (unsigned long long)given.events_max,
		   (unsigned long long)given.bytes_max, (unsigned long long)given.age_ns_max,
		   given.is_deduplicated, index_of(engine, writer));
	const reprise_status expected =
		model_open_writer(&at->model, id, &given, &writer->life, &full);
	const reprise_status actual = reprise_writer_open(
		at->store, engine_ids[id], call->c < 128 && call->c % 2 == 0 ? NULL : &options,
		&session, &error);

	expect_full(engine, expected, actual, full, &error);
	if (engine_expect_error(engine, expected, actual, &error) && writer->life != NULL) {
		check_opened(engine, writer->life, before, session);
		writer->place = place;
		writer->closed_heard = 0;
		writer->session = session;
	} else if (actual == REPRISE_OK) {
		reprise_writer_close(session);
	}
}

void
engine_close_writer(struct engine *engine, struct engine_writer *writer)
{
	engine_say(engine, "reprise_writer_close(writer%u);", index_of(engine, writer));
	model_close_writer(writer->life);
	reprise_writer_close(writer->session);
	writer->session = NULL;
}

void
engine_create(struct engine *engine, const struct call *call)
{
	unsigned int id;
	const unsigned int place = engine_place(call->a, &id);
	struct engine_store *const at = engine_store_at(engine, place);
	const struct model_bounds given = bounds_of(call);
	const struct reprise_session_options options = options_of(&given);
	struct reprise_error error = engine_error();
	const char *full = NULL;

	engine_say(
		engine,
		"reprise_session_create(store%u, \"%s\", &{ .events_max = %llu, .bytes_max = %llu, "
		".age_ns_max = %llu, .is_deduplicated = %d }, &error);",
		place, engine_ids[id], (unsigned long long)given.events_max,
		(unsigned long long)given.bytes_max, (unsigned long long)given.age_ns_max,
		given.is_deduplicated);
	const reprise_status expected = model_create(&at->model, id, &given, &full);
	const reprise_status actual =
		reprise_session_create(at->store, engine_ids[id],
				       call->c < 128 && call->c % 2 == 0 ? NULL : &options, &error);

	expect_full(engine, expected, actual, full, &error);
	(void)engine_expect_error(engine, expected, actual, &error);
}
