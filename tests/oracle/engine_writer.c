/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* The writer's calls. */

enum {
	BATCH_MAX = 12,
};

static const reprise_position untouched = 77777777;

static unsigned int
index_of(const struct engine *engine, const struct engine_writer *writer)
{
	return (unsigned int)(writer - engine->writers);
}

static size_t
payload_bytes_of(uint8_t operand)
{
	return operand < 224 ? operand % 56u : (operand - 224u) * 72u;
}

static uint16_t
flags_of(uint8_t operand)
{
	return (uint16_t)(((operand & 8) != 0 ? REPRISE_EVENT_COMMIT : 0) |
			  ((operand & 16) != 0 ? 0x8100 : 0) |
			  (operand >= 0xf8 ? 1 << (1 + operand % 7) : 0));
}

static struct model_draft
draft_of(struct engine *engine, uint8_t revision, uint8_t kind, uint8_t bytes)
{
	return (struct model_draft){ .revision = engine_revision(revision),
				     .seed = ++engine->seeds,
				     .payload_bytes = payload_bytes_of(bytes),
				     .kind = kind % 8,
				     .flags = flags_of(kind) };
}

static const unsigned char *
payload_of(const struct model_draft *draft, unsigned char payload[PAYLOAD_BYTES_MAX])
{
	engine_fill(draft->seed, payload, draft->payload_bytes);
	return payload;
}

/* A payload of 0 bytes may have no address. */
static struct reprise_bytes
bytes_of(const struct model_draft *draft, unsigned char payload[PAYLOAD_BYTES_MAX])
{
	const unsigned char *const data = payload_of(draft, payload);

	return (struct reprise_bytes){ draft->payload_bytes == 0 && draft->seed % 2 == 0 ? NULL
											 : data,
				       draft->payload_bytes };
}

static void
expect_position(struct engine *engine, bool is_ok, reprise_position expected,
		reprise_position actual)
{
	engine_expect(engine, "position", is_ok ? expected : untouched, actual);
}

static void
append(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	const struct model_draft draft = draft_of(engine, call->b, call->c, call->d);
	unsigned char payload[PAYLOAD_BYTES_MAX];
	const struct reprise_bytes bytes = bytes_of(&draft, payload);
	reprise_position expected_position = untouched, position = untouched;

	engine_say(engine, "reprise_append(writer%u, %llu, %u, %#x, { payload, %zu }, &position);",
		   index_of(engine, writer), (unsigned long long)draft.revision, draft.kind,
		   draft.flags, draft.payload_bytes);
	const reprise_status expected = model_append(writer->life, &draft, 1, &expected_position);
	const bool is_ok = engine_expect_status(
		engine, expected,
		reprise_append(writer->session, draft.revision, draft.kind, draft.flags, bytes,
			       draft.seed % 8 == 0 ? NULL : &position));

	if (draft.seed % 8 != 0)
		expect_position(engine, is_ok, expected_position, position);
}

static void
appendv(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	const struct model_draft draft = draft_of(engine, call->b, call->c, call->d);
	unsigned char payload[PAYLOAD_BYTES_MAX];
	const size_t parts_count = draft.payload_bytes == 0 ? call->b % 3u : 1 + call->b / 16 % 4u;
	reprise_position expected_position = untouched, position = untouched;
	struct iovec parts[4] = { 0 };
	size_t at = 0;

	payload_of(&draft, payload);
	for (size_t i = 0; i < parts_count; i++) {
		/* Every other one of three or four is empty. */
		const size_t rest = draft.payload_bytes - at;
		const size_t bytes = i + 1 == parts_count ? rest : i % 2 == 0 ? rest / 3 : 0;

		parts[i] = (struct iovec){ bytes == 0 ? NULL : payload + at, bytes };
		at += bytes;
	}
	engine_say(
		engine,
		"reprise_appendv(writer%u, %llu, %u, %#x, parts, %zu, &position); /* %zu bytes */",
		index_of(engine, writer), (unsigned long long)draft.revision, draft.kind,
		draft.flags, parts_count, draft.payload_bytes);
	const reprise_status expected = model_append(writer->life, &draft, 1, &expected_position);

	const reprise_status actual = reprise_appendv(writer->session, draft.revision, draft.kind,
						      draft.flags, parts, parts_count, &position);
	const bool is_ok = engine_expect_status(engine, expected, actual);

	expect_position(engine, is_ok, expected_position, position);
}

static void
append_batch(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	static unsigned char payloads[BATCH_MAX][PAYLOAD_BYTES_MAX];
	const size_t count = call->b % 4 == 0 ? call->b / 4 % BATCH_MAX : call->b % 4;
	struct model_draft drafts[BATCH_MAX];
	struct reprise_new_event events[BATCH_MAX] = { 0 };
	reprise_position expected_first = untouched, first = untouched;

	engine_say(engine, "reprise_append_batch(writer%u, {", index_of(engine, writer));
	for (size_t i = 0; i < count; i++) {
		drafts[i] = draft_of(engine, (uint8_t)((size_t)7 * call->b + i * 5),
				     (uint8_t)(call->c + i * 9), (uint8_t)(call->d + i * 11));
		events[i] = (struct reprise_new_event){
			.revision = drafts[i].revision,
			.kind = drafts[i].kind,
			.flags = drafts[i].flags,
			.payload = bytes_of(&drafts[i], payloads[i]),
		};
		engine_say(engine,
			   "\t{ .revision = %llu, .kind = %u, .flags = %#x, { payload, %zu } },",
			   (unsigned long long)drafts[i].revision, drafts[i].kind, drafts[i].flags,
			   drafts[i].payload_bytes);
	}
	engine_say(engine, "}, %zu, &first);", count);
	const reprise_status expected = model_append(writer->life, drafts, count, &expected_first);
	const bool is_ok = engine_expect_status(
		engine, expected, reprise_append_batch(writer->session, events, count, &first));

	expect_position(engine, is_ok, expected_first, first);
}

/* One of a few keys, and of each mostly one payload: so keys come again. */
static void
append_once(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	static const uint64_t keys[] = { 0, 1, UINT64_MAX, 2, UINT64_C(1) << 63, 3, 4, 5 };
	const unsigned int which = call->d % 8;
	struct model_draft draft = draft_of(engine, call->b, call->c, call->d);
	unsigned char payload[PAYLOAD_BYTES_MAX];
	reprise_position expected_position = untouched, position = untouched;
	int32_t is_new = 77;
	bool expected_is_new = false;

	draft.seed = which * 2 + (call->d >= 240) + (UINT64_C(1) << 40);
	draft.payload_bytes = call->d >= 252 ? 2048 : which == 7 ? 0 : 8 + which * 5;
	const struct reprise_bytes bytes = bytes_of(&draft, payload);

	engine_say(engine,
		   "reprise_append_once(writer%u, %llu, %llu, %u, %#x, { payload %llu, %zu }, "
		   "&position, &is_new);",
		   index_of(engine, writer), (unsigned long long)keys[which],
		   (unsigned long long)draft.revision, draft.kind, draft.flags,
		   (unsigned long long)draft.seed, draft.payload_bytes);
	const bool is_ended = writer->life->is_ended;
	const reprise_position newest = model_newest(writer->life);
	const reprise_status expected = model_append_once(writer->life, keys[which], &draft,
							  &expected_position, &expected_is_new);
	const reprise_status actual =
		reprise_append_once(writer->session, keys[which], draft.revision, draft.kind,
				    draft.flags, bytes, &position, &is_new);
	const bool is_ok = engine_expect_status(engine, expected, actual);

	expect_position(engine, is_ok, expected_position, position);
	engine_expect(engine, "is_new", is_ok ? expected_is_new : 77, (uint64_t)is_new);
	if (!is_ok || engine->differs)
		return;
	if (is_new == 0)
		engine_mark(engine, is_ended ? MARK_KEY_KNOWN_AFTER_END : MARK_KEY_KNOWN);
	for (reprise_position at = writer->life->before + 1; is_new && at <= newest; at++)
		if (model_event_at(writer->life, at)->has_key &&
		    model_event_at(writer->life, at)->key == keys[which])
			engine_mark(engine, MARK_KEY_FORGOTTEN);
}

static void
reserve(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	const size_t bytes = payload_bytes_of(call->d);
	void *payload = writer;

	engine_say(engine, "reprise_reserve(writer%u, %zu, &payload);", index_of(engine, writer),
		   bytes);
	if (engine_expect_status(engine, model_reserve(writer->life, bytes),
				 reprise_reserve(writer->session, bytes, &payload))) {
		engine_expect(engine, "aligned to 8", 0, (uintptr_t)payload % 8);
		writer->reserved = payload;
		memset(payload, 0xee, bytes); /* all of it is ours */
	} else {
		engine_expect(engine, "the payload's place stays", true, payload == writer);
	}
}

static void
publish(struct engine *engine, struct engine_writer *writer, const struct call *call)
{
	struct model_life *const life = writer->life;
	struct model_draft draft = draft_of(engine, call->b, call->c, call->d);
	reprise_position expected_position = untouched, position = untouched;

	/* Mostly what fits. */
	if (life->is_reserved && call->b % 8 != 0)
		draft.payload_bytes %= life->reserved_bytes + 1;
	if (life->is_reserved && draft.payload_bytes <= life->reserved_bytes)
		engine_fill(draft.seed, writer->reserved, draft.payload_bytes);
	engine_say(engine, "reprise_publish(writer%u, %llu, %u, %#x, %zu, &position);",
		   index_of(engine, writer), (unsigned long long)draft.revision, draft.kind,
		   draft.flags, draft.payload_bytes);
	const reprise_status expected = model_publish(life, &draft, &expected_position);

	const reprise_status actual = reprise_publish(writer->session, draft.revision, draft.kind,
						      draft.flags, draft.payload_bytes, &position);
	const bool is_ok = engine_expect_status(engine, expected, actual);

	expect_position(engine, is_ok, expected_position, position);
}

void
engine_call_writer(struct engine *engine, const struct call *call)
{
	struct engine_writer *const writer = engine_writer_at(engine, call->a, false);

	if (call->name == CALL_OPEN)
		engine_open_writer(engine, call);
	if (call->name == CALL_OPEN || writer == NULL)
		return;
	if (call->name == CALL_CLOSE_WRITER) {
		engine_close_writer(engine, writer);
	} else if (call->name == CALL_END) {
		const int32_t status = call->b - 100;

		engine_say(engine, "reprise_writer_end(writer%u, %d);", index_of(engine, writer),
			   status);
		(void)engine_expect_status(engine, model_end(writer->life, status),
					   reprise_writer_end(writer->session, status));
	} else if (call->name == CALL_APPEND) {
		append(engine, writer, call);
	} else if (call->name == CALL_APPENDV) {
		appendv(engine, writer, call);
	} else if (call->name == CALL_BATCH) {
		append_batch(engine, writer, call);
	} else if (call->name == CALL_APPEND_ONCE) {
		append_once(engine, writer, call);
	} else if (call->name == CALL_RESERVE) {
		reserve(engine, writer, call);
	} else if (call->name == CALL_PUBLISH) {
		publish(engine, writer, call);
	} else {
		engine_say(engine, "reprise_abort(writer%u);", index_of(engine, writer));
		(void)engine_expect_status(engine, model_abort(writer->life),
					   reprise_abort(writer->session));
	}
	/* A writer that has heard it four times leaves. */
	if (writer->session != NULL && (writer->life->is_ended || writer->life->is_void) &&
	    ++writer->closed_heard >= 4)
		engine_close_writer(engine, writer);
}
