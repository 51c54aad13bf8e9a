/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine.h"

/*
 * Calls that nobody should make: E_INVALID, and nothing changed (which is looked at
 * after each call).
 */

static const char *const bad_ids[] = {
	"",
	"\x01",
	"a\nb",
	"\xff",
	"\xc3",
	"\xc2\x85",     /* U+0085 */
	"\xed\xa0\x80", /* a surrogate */
	"\xc0\xaf",     /* overlong */
	"\x7f",
	("12345678901234567890123456789012345678901234567890123456789012345"
	 "1234567890123456789012345678901234567890123456789012345678901234"), /* 129 bytes */
};

static void
expect_invalid(struct engine *engine, reprise_status status)
{
	(void)engine_expect_status(engine, REPRISE_E_INVALID, status);
}

static void
use_bad_id(struct engine *engine, struct reprise_store *store, const char *id, unsigned int which)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;
	struct reprise_cursor cursor;

	engine_say(engine, "/* call %u with a bad id */", which % 9);
	switch (which % 9) {
	case 0:
		expect_invalid(engine, reprise_writer_open(store, id, NULL, &writer, NULL));
		break;
	case 1:
		expect_invalid(engine, reprise_session_stats(store, id, &stats));
		break;
	case 2:
		expect_invalid(engine, reprise_session_current_cursor(store, id, 0, &cursor));
		break;
	case 3:
		expect_invalid(engine, reprise_session_earliest_cursor(store, id, 0, &cursor));
		break;
	case 4:
		expect_invalid(engine, reprise_session_trim(store, id));
		break;
	case 5:
		expect_invalid(engine, reprise_session_trim_to(store, id, 1));
		break;
	case 6:
		expect_invalid(engine, reprise_session_invalidate(store, id));
		break;
	case 7:
		expect_invalid(engine, reprise_session_create(store, id, NULL, NULL));
		break;
	default:
		expect_invalid(engine, reprise_cursor_check_session(&engine->cursors[0], id, NULL));
		break;
	}
}

static void
use_null(struct engine *engine, struct reprise_store *store, unsigned int which)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor = engine->cursors[0];

	engine_say(engine, "/* call %u with a NULL */", which % 8);
	switch (which % 8) {
	case 0:
		expect_invalid(engine, reprise_writer_open(store, "s", NULL, NULL, NULL));
		break;
	case 1:
		expect_invalid(engine, reprise_session_current_cursor(store, "s", 0, NULL));
		break;
	case 2:
		expect_invalid(engine,
			       reprise_subscribe_after(store, NULL, NULL, &subscription, NULL));
		break;
	case 3:
		expect_invalid(engine, reprise_replay_after(store, &cursor, NULL, NULL, NULL));
		break;
	case 4:
		cursor.session_id[0] = '\0';
		expect_invalid(engine,
			       reprise_resume_after(store, &cursor, 0, NULL, &subscription, NULL));
		break;
	case 5:
		expect_invalid(engine, reprise_cursor_parse(NULL, 0, &cursor, NULL));
		break;
	case 6:
		expect_invalid(engine, reprise_stamp_set(store, UINT64_C(1) << 63));
		break;
	default:
		expect_invalid(engine, reprise_store_stats(store, NULL));
		break;
	}
}

static void
misuse_writer(struct engine *engine, struct reprise_writer *writer, unsigned int which)
{
	const struct reprise_bytes nowhere = { NULL, 1 };
	const struct reprise_new_event event = { .payload = nowhere };
	const struct iovec part = { NULL, 1 };
	reprise_position position = 77;

	engine_say(engine, "/* misuse %u of a writer */", which % 6);
	switch (which % 6) {
	case 0:
		expect_invalid(engine, reprise_append(writer, 0, 0, 0, nowhere, &position));
		break;
	case 1:
		expect_invalid(engine, reprise_append_batch(writer, &event, 1, &position));
		break;
	case 2:
		expect_invalid(engine, reprise_append_batch(writer, NULL, 1, &position));
		break;
	case 3:
		expect_invalid(engine, reprise_appendv(writer, 0, 0, 0, &part, 1, &position));
		break;
	case 4:
		expect_invalid(engine, reprise_reserve(writer, 1, NULL));
		break;
	default:
		expect_invalid(engine, reprise_writer_cursor(writer, 0, NULL));
		break;
	}
	engine_expect(engine, "the position stays", 77, position);
}

void
engine_call_bad(struct engine *engine, const struct call *call)
{
	struct reprise_store *const store = engine_store_at(engine, 0)->store;
	struct engine_writer *const writer = engine_writer_at(engine, call->d, false);

	if (call->a % 3 == 0)
		use_bad_id(engine, store,
			   call->b % 16 == 15
				   ? NULL
				   : bad_ids[call->b % (sizeof(bad_ids) / sizeof(bad_ids[0]))],
			   call->c);
	else if (call->a % 3 == 1 || writer == NULL)
		use_null(engine, store, call->b);
	else
		misuse_writer(engine, writer->session, call->b);
}
