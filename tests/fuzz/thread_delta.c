/* SPDX-License-Identifier: MIT */

/*
 * The core of thread documents (rule B04). The bytes are taken twice: as a JSON text, which is read
 * as a delta and as a document; and as choices of deltas for the model, which are applied to a
 * document. A text that is accepted has a canonical form that stays the same when it is read again,
 * and its delta applies to its document.
 */

#include <stdbool.h>
#include <string.h>

#include <reprise/thread_load.h>

#include "fuzz.h"
#include "model.h"
#include "thread/run.h"

enum {
	DELTAS_MAX = 64,
};

static struct reprise_bytes
text_bytes(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

static bool
is_same(struct reprise_bytes a, struct reprise_bytes b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static struct reprise_thread_page *
open_page(void)
{
	struct reprise_thread_page *page = NULL;

	MUST(reprise_thread_page_open(&page) == REPRISE_OK);
	return page;
}

/*
 * The text as a document without a delta, or with one: an accepted document is canonical the second
 * time.
 */
static void
take_document(struct reprise_bytes text, const struct reprise_bytes *delta)
{
	struct reprise_thread_page *const once = open_page(), *const twice = open_page();
	struct reprise_bytes first = { 0 }, second = { 0 };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		thread_apply_deltas(text, delta, delta != NULL ? 1 : 0, once, &first, &error);

	MUST(status == REPRISE_OK || status == REPRISE_E_INVALID);
	if (status == REPRISE_OK) {
		MUST(thread_apply_deltas(first, NULL, 0, twice, &second, NULL) == REPRISE_OK);
		MUST(is_same(first, second));
	} else {
		MUST(error.what[0] != '\0');
	}
	reprise_thread_page_close(once);
	reprise_thread_page_close(twice);
}

static void
take_delta(struct reprise_bytes text)
{
	struct reprise_thread_page *const once = open_page(), *const twice = open_page();
	struct thread_delta_facts first, second;
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = thread_read_delta(text, "delta", 7, once, &first, &error);

	MUST(status == REPRISE_OK || status == REPRISE_E_INVALID);
	if (status == REPRISE_OK) {
		MUST(thread_read_delta(first.json, "delta", 0, twice, &second, NULL) == REPRISE_OK);
		MUST(is_same(first.json, second.json));
		MUST(strcmp(first.id, second.id) == 0);
		MUST(memcmp(first.digest, second.digest, sizeof(first.digest)) == 0);
		MUST(first.created_ms == second.created_ms);
		MUST(first.is_run_finished == second.is_run_finished);
		take_document(text_bytes("{\"messages\":[{\"id\":\"m\"}]}"), &first.json);
		/* A delta is a document as well, since it has messages and patches. */
		take_document(first.json, &first.json);
	}
	reprise_thread_page_close(once);
	reprise_thread_page_close(twice);
}

struct choices {
	const uint8_t *bytes;
	size_t left;
};

static unsigned int
choose(void *context, unsigned int choices)
{
	struct choices *const from = context;

	if (from->left == 0)
		return 0;
	from->left--;
	return *from->bytes++ % choices;
}

static void
take_choices(const uint8_t *bytes, size_t bytes_count)
{
	static char texts[DELTAS_MAX][MODEL_DELTA_TEXT_BYTES];
	static struct model model;
	struct choices choices = { bytes, bytes_count };
	struct reprise_bytes deltas[DELTAS_MAX], json = { 0 };
	struct reprise_thread_page *const page = open_page();
	size_t count = 0;

	model_clear(&model);
	while (choices.left != 0 && count < DELTAS_MAX) {
		struct model_delta delta = { .number = choose(&choices, 3) };

		model_delta_choose(&delta, choose, &choices);
		model_apply(&model, &delta);
		deltas[count] = text_bytes(model_delta_text(&delta, texts[count]));
		count++;
	}
	MUST(thread_apply_deltas(text_bytes("{\"id\":\"t\"}"), deltas, count, page, &json, NULL) ==
	     REPRISE_OK);
	MUST(is_same(json, text_bytes(model_text(&model, "t", NULL))));
	reprise_thread_page_close(page);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	const struct reprise_bytes all = { bytes, bytes_count };

	if (bytes_count != 0) {
		take_delta(all);
		take_document(all, NULL);
	}
	take_choices(bytes, bytes_count);
	return 0;
}
