/* SPDX-License-Identifier: MIT */
/*
 * B09: deltas that are none are refused, with the place or the member; numbers go through as
 * they were written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deltas.h"
#include "raw.h"
#include "world.h"

/* By both appends, and nothing is sent. */
static void
expect_refused(struct world *world, const char *text, const char *detail)
{
	for (int is_async = 0; is_async < 2; is_async++) {
		struct reprise_error error = { .size = sizeof(error) };
		const reprise_status status =
			is_async ? reprise_jetstream_append_async(
					   world->writer, "t", text_bytes(text), NULL, NULL, &error)
				 : reprise_jetstream_append(world->writer, "t", NULL,
							    text_bytes(text), NULL, &error);

		cr_expect(eq(int, status, REPRISE_E_INVALID), "%s", text);
		cr_expect(strstr(error.detail, detail) != NULL, "%s: \"%s\"", text, error.detail);
		cr_expect(strstr(error.what, "delta") != NULL, "%s: \"%s\"", text, error.what);
	}
}

static void
expect_nothing_sent(struct world *world)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	cr_assert(eq(u64, raw_state(&raw, "THREAD_DELTAS").last, 0));
	raw_close(&raw);
	cr_assert(eq(u64, stats_of(world->writer).published, 0));
}

SQLITE_TEST(B09_text_that_is_no_JSON_is_refused_with_its_place)
{
	expect_refused(world, "", "line 1");
	expect_refused(world, "{\n  \"a\":}", "line 2, column ");
	expect_refused(world, "{\"run_id\":\"r\"", "line 1");
	expect_refused(world, "{\"a\":1,\"a\":2}", "line 1");
	expect_refused(world, "{\"a\":\"\xff\"}", "line 1");
	expect_refused(world, "{\"a\":1} x", "line 1");
	expect_nothing_sent(world);
}

SQLITE_TEST(B09_members_of_the_wrong_type_are_refused_by_name)
{
	char text[256];

	expect_refused(world, "[]", "");
	expect_refused(world, "{\"reason\":\"UserMessage\"}", "run_id");
	expect_refused(world, "{\"run_id\":7,\"reason\":\"UserMessage\"}", "run_id");
	expect_refused(world, "{\"run_id\":\"r\"}", "reason");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"Other\"}", "reason");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":{}}",
		       "messages");
	expect_refused(world,
		       "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{},{\"id\":1}]}",
		       "messages[1].id");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"patches\":1}",
		       "patches");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"actions\":\"a\"}",
		       "actions");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"parent_run_id\":[]}",
		       "parent_run_id");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"delta_id\":\"x\"}",
		       "created_at");
	expect_refused(world, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"created_at\":1}",
		       "delta_id");
	snprintf(text, sizeof(text),
		 "{\"delta_id\":\"a\\nb\",\"created_at\":%" PRIu64
		 ",\"run_id\":\"r\",\"reason\":\"UserMessage\"}",
		 deltas_time_ms());
	expect_refused(world, text, "delta_id");
	expect_nothing_sent(world);
}

/* A delta whose run_meta has so many arrays in each other; to be freed. */
static char *
deep(unsigned int depth)
{
	char *const text = malloc(256 + 2 * (size_t)depth);
	char *at = text;

	cr_assert(ne(ptr, text, NULL));
	at += sprintf(at, "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"run_meta\":");
	for (unsigned int i = 0; i < depth; i++)
		*at++ = '[';
	for (unsigned int i = 0; i < depth; i++)
		*at++ = ']';
	*at++ = '}';
	*at = '\0';
	return text;
}

SQLITE_TEST(B09_a_delta_that_is_too_deep_is_refused)
{
	char *const too_deep = deep(REPRISE_THREAD_DEPTH_MAX);
	char *const just_right = deep(REPRISE_THREAD_DEPTH_MAX - 1);

	expect_refused(world, too_deep, "");
	expect_nothing_sent(world);
	append_to(world->writer, "t", text_bytes(just_right));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	free(just_right);
	free(too_deep);
}

SQLITE_TEST(B09_bad_ids_are_refused)
{
	static const char *const ids[] = { "",    "a/b",  "a.b",   "a*", "a>",
					   "a b", "a\\b", "a\x01", ".." };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct reprise_error error = { .size = sizeof(error) };

		cr_expect(eq(int,
			     reprise_jetstream_append(world->writer, ids[i], NULL, delta(1), NULL,
						      &error),
			     REPRISE_E_INVALID),
			  "%s", ids[i]);
		cr_expect(strstr(error.what, "id") != NULL, "%s", error.what);
		cr_expect(eq(int,
			     reprise_jetstream_append_async(world->writer, ids[i], delta(1), NULL,
							    NULL, &error),
			     REPRISE_E_INVALID),
			  "%s", ids[i]);
		cr_expect(eq(int, reprise_jetstream_flush(world->writer, ids[i], NULL, &error),
			     REPRISE_E_INVALID),
			  "%s", ids[i]);
		cr_expect(eq(int, reprise_jetstream_delete(world->writer, ids[i], &error),
			     REPRISE_E_INVALID),
			  "%s", ids[i]);
		cr_expect(eq(int,
			     reprise_jetstream_save(world->writer, ids[i], NULL, text_bytes("{}"),
						    0, NULL, &error),
			     REPRISE_E_INVALID),
			  "%s", ids[i]);
	}
	expect_nothing_sent(world);
}

STORES_TEST(B09_numbers_go_through_as_they_were_written)
{
	static const char numbers[] = "[1.50,-0.0,1E400,123456789012345678901234567890,0.1000,"
				      "18446744073709551616,1e-999]";
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{\"n\":%s}],"
		 "\"snapshot\":{\"s\":%s},\"patches\":[%s]}",
		 numbers, numbers, numbers);
	append_to(world->writer, "t", text_bytes(text));
	append_to(world->writer, "t", finish(2));
	const char *const document = text_of(world->store, "t");
	unsigned int times = 0;

	for (const char *at = strstr(document, numbers); at != NULL; at = strstr(at + 1, numbers))
		times++;
	cr_assert(eq(uint, times, 3), "%s", document);
}

SQLITE_TEST(B09_members_of_other_names_stay_in_the_kept_delta)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;
	char kept[512];

	append_to(world->writer, "t",
		  text_bytes("{\"run_id\":\"r\",\"reason\":\"ToolResultsCommitted\",\"mine\":[1.0],"
			     "\"parent_run_id\":\"p\",\"run_meta\":{\"b\":2,\"a\":1.00}}"));
	flush(world->writer, "t");
	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_thread_load_deltas(world->store, "t", 0, 9, 0, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, deltas.deltas_count, 1));
	snprintf(kept, sizeof(kept), "%.*s", (int)deltas.deltas[0].json.size,
		 (const char *)deltas.deltas[0].json.data);
	cr_assert(strstr(kept, "\"mine\":[1.0]") != NULL, "%s", kept);
	cr_assert(strstr(kept, "\"run_meta\":{\"a\":1.00,\"b\":2}") != NULL, "%s", kept);
	reprise_thread_page_close(page);
}
