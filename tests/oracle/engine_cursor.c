/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine.h"

/* Calls that make, change and write cursors. */

/* Where is a session: current or earliest. */
static void
stand(struct engine *engine, const struct call *call)
{
	unsigned int id;
	const unsigned int place = engine_place(call->a, &id);
	struct engine_store *const at = engine_store_at(engine, place);
	const bool is_current = call->name == CALL_CURRENT;
	const uint64_t revision = engine_revision(call->b);
	struct reprise_cursor cursor = { .position = 77 }, expected_cursor = cursor;
	struct model_life *const life = model_find(&at->model, id);

	engine_say(engine, "reprise_%s_cursor(store%u, \"%s\", %llu, &cursor%u);",
		   is_current ? "current" : "earliest", place, engine_ids[id],
		   (unsigned long long)revision, call->c % CURSORS);
	const reprise_status expected = life != NULL ? REPRISE_OK : REPRISE_E_NOT_FOUND;
	const reprise_status actual =
		is_current ? reprise_session_current_cursor(at->store, engine_ids[id], revision,
							    &cursor)
			   : reprise_session_earliest_cursor(at->store, engine_ids[id], revision,
							     &cursor);

	if (life != NULL) {
		model_apply_age(life);
		engine_check_session(engine, place, id);
		const reprise_position position =
			is_current ? model_before_revision(life, revision) : model_oldest(life) - 1;

		expected_cursor = model_cursor_at(
			life, position,
			revision != REPRISE_REVISION_UNKNOWN
				? revision
				: model_greatest_revision(life, position - life->before));
	}
	if (engine_expect_status(engine, expected, actual))
		engine->cursors[call->c % CURSORS] = cursor;
	engine_expect_cursor(engine, "cursor", &expected_cursor, &cursor);
}

static void
take_session_cursor(struct engine *engine, const struct call *call)
{
	struct engine_writer *const writer = engine_writer_at(engine, call->a, false);
	struct reprise_cursor cursor = { .position = 77 }, expected_cursor = cursor;

	if (writer == NULL)
		return;
	const reprise_position position = engine_position(model_newest(writer->life), call->b);

	engine_say(engine, "reprise_writer_cursor(writer%u, %llu, &cursor%u);",
		   (unsigned int)(writer - engine->writers), (unsigned long long)position,
		   call->c % CURSORS);
	const reprise_status expected =
		model_session_cursor(writer->life, position, &expected_cursor);

	if (engine_expect_status(engine, expected,
				 reprise_writer_cursor(writer->session, position, &cursor)))
		engine->cursors[call->c % CURSORS] = cursor;
	engine_expect_cursor(engine, "cursor", &expected_cursor, &cursor);
}

static void
tweak(struct engine *engine, const struct call *call)
{
	struct reprise_cursor *const cursor = &engine->cursors[call->a % CURSORS];

	switch (call->b % 6) {
	case 0:
		cursor->position += call->c % 8 - UINT64_C(4);
		break;
	case 1:
		cursor->revision += call->c % 8 - UINT64_C(4);
		break;
	case 2:
		cursor->incarnation.bytes[call->c % 16] ^= (unsigned char)(1 << call->d % 8);
		break;
	case 3:
		memset(cursor->session_id, 0, sizeof(cursor->session_id));
		snprintf(cursor->session_id, sizeof(cursor->session_id), "%s",
			 engine_ids[call->c % (MODEL_IDS + 1)]);
		break;
	case 4:
		/* Nothing is seen yet. */
		memset(cursor, 0, sizeof(*cursor));
		cursor->revision = call->d % 4 == 0 ? call->d / 4 % 8u : 0;
		snprintf(cursor->session_id, sizeof(cursor->session_id), "%s",
			 engine_ids[call->c % (MODEL_IDS + 1)]);
		break;
	default:
		*cursor = engine->cursors[call->c % CURSORS];
		break;
	}
	engine_say(engine,
		   "/* cursor%u changed by hand: position %llu, revision %llu, of \"%s\" */",
		   call->a % CURSORS, (unsigned long long)cursor->position,
		   (unsigned long long)cursor->revision, cursor->session_id);
}

/* To its text and back; @room too small now and then. */
static void
write_and_read(struct engine *engine, const struct call *call)
{
	const struct reprise_cursor *const cursor = &engine->cursors[call->a % CURSORS];
	char expected_text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX + 1] = "x";
	const size_t expected_bytes = model_format(cursor, expected_text);
	const size_t room = call->b % 4 == 0   ? expected_bytes + 1
			    : call->b % 4 == 1 ? expected_bytes - call->c % expected_bytes
					       : REPRISE_CURSOR_TEXT_BYTES_MAX;
	struct reprise_error error = engine_error();
	struct reprise_cursor parsed = { .position = 77 };
	size_t bytes = 77;

	engine_say(engine, "reprise_cursor_format(&cursor%u, text, %zu, &bytes, &error);",
		   call->a % CURSORS, room);
	const reprise_status status = reprise_cursor_format(cursor, text, room, &bytes, &error);

	if (!engine_expect_error(engine, room <= expected_bytes ? REPRISE_E_TOO_LARGE : REPRISE_OK,
				 status, &error)) {
		engine_expect(engine, "nothing was written", 'x', (unsigned char)text[0]);
		engine_expect(engine, "bytes stay", 77, bytes);
		return;
	}
	engine_expect(engine, "bytes of the text", expected_bytes, bytes);
	if (strcmp(expected_text, text) != 0)
		engine_differ(engine, "text: expected %.180s, got %.180s", expected_text, text);
	engine_say(engine, "reprise_cursor_parse(text, bytes, &cursor%u, &error); /* %s */",
		   call->d % CURSORS, text);
	if (!engine_expect_error(engine, REPRISE_OK,
				 reprise_cursor_parse(text, bytes, &parsed, &error), &error))
		return;
	engine_expect_cursor(engine, "parsed", cursor, &parsed);
	engine->cursors[call->d % CURSORS] = parsed;
}

/* A text with one thing wrong is no cursor: CRC-32C finds every change within 32 bits. */
static void
read_bad_text(struct engine *engine, const struct call *call)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX + 1];
	size_t bytes = model_format(&engine->cursors[call->a % CURSORS], text);
	const size_t at = (call->c + 256u * call->d) % bytes;
	struct reprise_error error = engine_error();
	struct reprise_cursor parsed = { .position = 77 };

	switch (call->b % 4) {
	case 0:
		text[at] = (char)(text[at] ^ 1 << call->b / 4 % 8);
		break;
	case 1:
		bytes = at;
		break;
	case 2:
		memmove(text + at + 1, text + at, bytes++ - at);
		break;
	default:
		/* Another byte, unless it is the same. */
		if (text[at] == (char)call->b)
			return;
		text[at] = (char)call->b;
		break;
	}
	engine_say(engine, "reprise_cursor_parse(\"%.*s\", %zu, &cursor, &error);", (int)bytes,
		   text, bytes);
	(void)engine_expect_error(engine, REPRISE_E_MALFORMED_CURSOR,
				  reprise_cursor_parse(text, bytes, &parsed, &error), &error);
	engine_expect(engine, "the cursor stays", 77, parsed.position);
	if (error.byte > bytes)
		engine_differ(engine, "error.byte: %llu of %zu", (unsigned long long)error.byte,
			      bytes);
}

static void
judge_session(struct engine *engine, const struct call *call)
{
	const struct reprise_cursor *const cursor = &engine->cursors[call->a % CURSORS];
	const unsigned int id = call->b % MODEL_IDS;
	struct reprise_error error = engine_error();

	engine_say(engine, "reprise_cursor_check_session(&cursor%u, \"%s\", &error);",
		   call->a % CURSORS, engine_ids[id]);
	const reprise_status status = reprise_cursor_check_session(cursor, engine_ids[id], &error);

	(void)engine_expect_error(engine,
				  engine_id_of(cursor) == id ? REPRISE_OK : REPRISE_E_WRONG_SESSION,
				  status, &error);
	if (status == REPRISE_E_WRONG_SESSION && (strcmp(error.expected_id, engine_ids[id]) != 0 ||
						  strcmp(error.actual_id, cursor->session_id) != 0))
		engine_differ(engine, "the error's ids: %s and %s", error.expected_id,
			      error.actual_id);
}

void
engine_call_cursor(struct engine *engine, const struct call *call)
{
	if (call->name == CALL_CURRENT || call->name == CALL_EARLIEST)
		stand(engine, call);
	else if (call->name == CALL_SESSION_CURSOR)
		take_session_cursor(engine, call);
	else if (call->name == CALL_TWEAK)
		tweak(engine, call);
	else if (call->name == CALL_TEXT)
		write_and_read(engine, call);
	else if (call->name == CALL_BAD_TEXT)
		read_bad_text(engine, call);
	else
		judge_session(engine, call);
}
