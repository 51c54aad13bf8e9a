/* SPDX-License-Identifier: MIT */
/* B04 what applying a delta does, against the model. */
#include <stdlib.h>

#include <reprise/thread_load.h>

#include "chance.h"
#include "model.h"
#include "support.h"
#include "thread/delta.h"
#include "thread/run.h"

SUITE(apply);

static struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

static void
expect_applied(const char *document, const char *delta, const char *result)
{
	const struct reprise_bytes text = bytes_of(delta);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_page *page = NULL;
	struct reprise_bytes json = { 0 };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, thread_apply_deltas(bytes_of(document), &text, 1, page, &json, &error),
		     REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	cr_assert(eq(sz, json.size, strlen(result)), "%.*s", (int)json.size, (char *)json.data);
	cr_assert(eq(int, memcmp(json.data, result, json.size), 0), "%.*s", (int)json.size,
		  (char *)json.data);
	reprise_thread_page_close(page);
}

#define RUN "\"run_id\":\"r\",\"reason\":\"RunFinished\""

Test(apply, B04_a_snapshot_comes_first_and_clears_the_patches)
{
	expect_applied("{\"state\":{\"a\":1},\"patches\":[1,2],\"version\":4}",
		       "{" RUN ",\"snapshot\":{\"b\":2},\"patches\":[3]}",
		       "{\"messages\":[],\"patches\":[3],\"state\":{\"b\":2},\"version\":5}");
	expect_applied("{\"state\":{\"a\":1},\"patches\":[1,2]}", "{" RUN ",\"patches\":[3]}",
		       "{\"messages\":[],\"patches\":[1,2,3],\"state\":{\"a\":1},\"version\":1}");
	expect_no_leaks();
}

Test(apply, B04_a_message_whose_id_is_there_is_skipped)
{
	expect_applied(
		"{\"messages\":[{\"id\":\"a\",\"n\":1}]}",
		"{" RUN ",\"messages\":[{\"id\":\"a\",\"n\":2},{\"id\":\"b\",\"n\":3},"
		"{\"id\":\"b\",\"n\":4},{\"n\":5},{\"n\":5}]}",
		"{\"messages\":[{\"id\":\"a\",\"n\":1},{\"id\":\"b\",\"n\":3},{\"n\":5},{\"n\":5}],"
		"\"patches\":[],\"state\":{},\"version\":1}");
	/* Ids differ behind a U+0000, too. */
	expect_applied(
		"{\"messages\":[{\"id\":\"a\\u0000b\"}]}",
		"{" RUN ",\"messages\":[{\"id\":\"a\\u0000c\"},{\"id\":\"a\"},"
		"{\"id\":\"\\u0001n1.5\"},{\"id\":\"\\u0001n1.5\"}]}",
		"{\"messages\":[{\"id\":\"a\\u0000b\"},{\"id\":\"a\\u0000c\"},{\"id\":\"a\"},"
		"{\"id\":\"\\u0001n1.5\"}],"
		"\"patches\":[],\"state\":{},\"version\":1}");
	expect_no_leaks();
}

Test(apply, B01_members_of_the_hosts_are_kept)
{
	expect_applied("{\"z\":[1.0,{\"b\":1e2,\"a\":null}],\"A\":\"x\",\"state\":7}", "{" RUN "}",
		       "{\"A\":\"x\",\"messages\":[],\"patches\":[],\"state\":7,\"version\":1,"
		       "\"z\":[1.0,{\"a\":null,\"b\":1e2}]}");
	expect_no_leaks();
}

static unsigned int
choose(void *context, unsigned int choices)
{
	(void)context;
	return chance(choices);
}

/* How much longer it makes a document at most. */
static uint64_t
growth_of(const char *text)
{
	struct delta delta;
	uint64_t bytes = 0;

	cr_assert(eq(int, delta_read(bytes_of(text), "delta", &delta, NULL), REPRISE_OK));
	cr_assert(eq(int, delta_seal(&delta, "delta", NULL), REPRISE_OK));
	cr_assert(eq(int, delta_growth(&delta, &bytes, NULL), REPRISE_OK));
	delta_free(&delta);
	return bytes;
}

Test(apply, B01_a_delta_adds_its_messages_its_patches_and_its_snapshot)
{
	cr_assert(eq(u64, growth_of("{" RUN "}"), 0));
	cr_assert(eq(u64, growth_of("{" RUN ",\"run_meta\":[1.50],\"snapshot\":null,\"x\":\"\"}"),
		     0));
	cr_assert(eq(u64, growth_of("{" RUN ",\"messages\":[{},{\"n\":1.50}]}"),
		     sizeof(",{},{\"n\":1.50}") - 1));
	cr_assert(eq(u64, growth_of("{\"a\":1," RUN ",\"patches\":[ 1, 2 ],\"snapshot\": [7]}"),
		     sizeof(",1,2[7]") - 1));
	expect_no_leaks();
}

/* One by one and all at once, it is the model's document. */
Test(apply, B04_any_deltas_make_the_document_of_the_model)
{
	enum {
		DELTAS = 24,
	};
	static char texts[DELTAS][MODEL_DELTA_TEXT_BYTES];
	static struct model model;
	struct reprise_thread_page *page = NULL, *other = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_page_open(&other), REPRISE_OK));
	for (unsigned int seed = 1; seed <= 400; seed++) {
		struct reprise_bytes deltas[DELTAS], all, one = bytes_of("{\"id\":\"t\"}");
		const struct reprise_bytes first = one;

		chance_begin(seed);
		model_clear(&model);
		for (size_t i = 0; i < DELTAS; i++) {
			struct model_delta delta = { .number = (unsigned int)i % 5 };
			struct reprise_thread_page *const kept = page;

			const uint64_t before = i != 0 ? one.size : MODEL_DELTA_TEXT_BYTES;

			model_delta_choose(&delta, choose, NULL);
			model_apply(&model, &delta);
			deltas[i] = bytes_of(model_delta_text(&delta, texts[i]));
			cr_assert(eq(int, thread_apply_deltas(one, &deltas[i], 1, page, &one, NULL),
				     REPRISE_OK),
				  "%s", texts[i]);
			/* And a digit of the version. */
			cr_assert(le(u64, one.size, before + growth_of(texts[i]) + 1));
			page = other;
			other = kept;
			const char *const text = model_text(&model, "t", NULL);

			cr_assert(eq(sz, one.size, strlen(text)), "seed %u", seed);
			cr_assert(eq(int, memcmp(one.data, text, one.size), 0), "seed %u", seed);
		}
		struct reprise_thread_page *at_once = NULL;

		cr_assert(eq(int, reprise_thread_page_open(&at_once), REPRISE_OK));
		cr_assert(eq(int, thread_apply_deltas(first, deltas, DELTAS, at_once, &all, NULL),
			     REPRISE_OK));
		cr_assert(eq(sz, all.size, one.size));
		cr_assert(eq(int, memcmp(all.data, one.data, one.size), 0));
		reprise_thread_page_close(at_once);
	}
	reprise_thread_page_close(page);
	reprise_thread_page_close(other);
	expect_no_leaks();
}

Test(apply, B04_a_delta_that_cannot_be_applied_is_named)
{
	const struct reprise_bytes deltas[] = { bytes_of("{" RUN "}"), bytes_of("{" RUN ",}") };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_page *page = NULL;
	struct reprise_bytes json = { 0 };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, thread_apply_deltas(bytes_of("{}"), deltas, 2, page, &json, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"deltas[1]"));
	cr_assert(eq(int,
		     thread_apply_deltas(bytes_of("{\"version\":\"1\"}"), deltas, 1, page, &json,
					 &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.detail, (char *)"version: must be an integer"));
	reprise_thread_page_close(page);
	expect_no_leaks();
}
