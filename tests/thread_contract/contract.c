/* SPDX-License-Identifier: MIT */
#include "contract.h"

#include <stdio.h>
#include <time.h>

TestSuite(thread_contract, .timeout = 120, .init = adapter_set_up, .fini = adapter_tear_down);

struct reprise_bytes
text_bytes(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

struct reprise_thread_store *
open_store(void)
{
	return adapter_open(0, 0);
}

void
close_store_of(struct reprise_thread_store *store)
{
	reprise_thread_store_close(store);
	expect_no_leaks();
}

uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *
create_t(struct reprise_thread_store *store, const char *text)
{
	static char uid[REPRISE_THREAD_UID_BYTES];
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes(text), uid, &error),
		     REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	return uid;
}

struct model_delta
delta_of(unsigned int number)
{
	return (struct model_delta){ .number = number,
				     .created_ms = now_ms(),
				     .messages = { { .id = number, .body = number } },
				     .messages_count = 1 };
}

reprise_status
append_delta(struct reprise_thread_store *store, const struct model_delta *delta,
	     const uint64_t *expected_version, struct reprise_thread_appended *ret_appended,
	     struct reprise_error *error)
{
	char text[MODEL_DELTA_TEXT_BYTES];

	return reprise_thread_append(store, "t", expected_version,
				     text_bytes(model_delta_text(delta, text)), ret_appended,
				     error);
}

uint64_t
append_new(struct reprise_thread_store *store, unsigned int number)
{
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	struct reprise_error error = { .size = sizeof(error) };
	const struct model_delta delta = delta_of(number);

	cr_assert(eq(int, append_delta(store, &delta, NULL, &appended, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	cr_assert(eq(int, appended.is_repeated, 0));
	return appended.version;
}

/* Into a buffer of its own. */
static reprise_status
load(struct reprise_thread_store *store, const char *id, char *text, size_t room,
     struct reprise_thread_document *ret_document)
{
	struct reprise_thread_page *page = NULL;

	ret_document->size = sizeof(*ret_document);
	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_thread_load(store, id, page, ret_document, NULL);

	if (status == REPRISE_OK && text != NULL) {
		cr_assert(lt(sz, ret_document->json.size, room));
		memcpy(text, ret_document->json.data, ret_document->json.size);
		text[ret_document->json.size] = '\0';
	}
	reprise_thread_page_close(page);
	return status;
}

const char *
load_text(struct reprise_thread_store *store, const char *id)
{
	static char text[1 << 20];
	struct reprise_thread_document document;

	cr_assert(eq(int, load(store, id, text, sizeof(text), &document), REPRISE_OK));
	return text;
}

uint64_t
version_of(struct reprise_thread_store *store, const char *id)
{
	struct reprise_thread_document document;

	cr_assert(eq(int, load(store, id, NULL, 0, &document), REPRISE_OK));
	return document.version;
}

reprise_status
load_status(struct reprise_thread_store *store, const char *id)
{
	struct reprise_thread_document document;

	return load(store, id, NULL, 0, &document);
}

reprise_status
save_text(struct reprise_thread_store *store, const uint64_t *expected_version, const char *text,
	  uint64_t *ret_version, struct reprise_error *error)
{
	return reprise_thread_save(store, "t", expected_version, text_bytes(text), NULL, 0,
				   ret_version, error);
}

void
expect_deltas(struct reprise_thread_store *store, uint64_t after, uint64_t first, uint64_t last,
	      uint64_t limit)
{
	struct reprise_thread_page *page = NULL;
	uint64_t next = first;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	for (bool has_more = true; has_more;) {
		struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int,
			     reprise_thread_load_deltas(store, "t", after, limit, 0, page, &deltas,
							&error),
			     REPRISE_OK),
			  "%s: %s", error.what, error.detail);
		cr_assert(eq(int, deltas.has_gap, 0));
		for (size_t i = 0; i < deltas.deltas_count; i++)
			cr_assert(eq(u64, deltas.deltas[i].version, next++));
		has_more = deltas.has_more != 0;
		after = next - 1;
		cr_assert(eq(u64, deltas.version, last));
	}
	cr_assert(eq(u64, next, last + 1));
	reprise_thread_page_close(page);
}

void
expect_gap(struct reprise_thread_store *store, uint64_t after, uint64_t complete_after)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_thread_load_deltas(store, "t", after, 100, 0, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, deltas.has_gap, 1));
	cr_assert(eq(int, deltas.has_more, 0));
	cr_assert(eq(sz, deltas.deltas_count, 0));
	cr_assert(eq(u64, deltas.complete_after, complete_after));
	reprise_thread_page_close(page);
}
