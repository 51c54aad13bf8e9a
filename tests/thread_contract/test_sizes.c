/* SPDX-License-Identifier: MIT */

/* Structs of older and newer programs, of a store of thread documents (rule X16). */

#include "sized_struct.h"

#include "contract.h"

#include <stdio.h>

/* A store with a document "t", and a page to load into. */
struct place {
	struct reprise_thread_store *store;
	struct reprise_thread_page *page;
	char uid[REPRISE_THREAD_UID_BYTES];
	unsigned int number; /* the next delta */
};

static struct place
make_place(void)
{
	struct place place = { .store = open_store(), .number = 1 };

	snprintf(place.uid, sizeof(place.uid), "%s", create_t(place.store, "{}"));
	cr_assert(eq(int, reprise_thread_page_open(&place.page), REPRISE_OK));
	(void)append_new(place.store, place.number++);
	return place;
}

static void
drop_place(struct place *place)
{
	reprise_thread_page_close(place->page);
	close_store_of(place->store);
}

static reprise_status
append(void *appended, void *context)
{
	struct place *const at = context;
	const struct model_delta delta = delta_of(at->number);
	const uint64_t before = version_of(at->store, "t");
	const reprise_status status = append_delta(at->store, &delta, NULL, appended, NULL);

	cr_assert(eq(u64, version_of(at->store, "t"), before + (status == REPRISE_OK)));
	at->number += status == REPRISE_OK;
	return status;
}

static reprise_status
load(void *document, void *context)
{
	const struct place *const at = context;

	return reprise_thread_load(at->store, "t", at->page, document, NULL);
}

static reprise_status
load_deltas(void *deltas, void *context)
{
	const struct place *const at = context;

	return reprise_thread_load_deltas(at->store, "t", 0, 10, 0, at->page, deltas, NULL);
}

static reprise_status
list(void *found, void *context)
{
	const struct place *const at = context;

	return reprise_thread_list(at->store, 0, 10, at->page, found, NULL);
}

static reprise_status
load_messages(void *messages, void *context)
{
	const struct place *const at = context;
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 10 };

	return reprise_thread_messages(at->store, "t", &range, at->page, messages, NULL);
}

Test(thread_contract, X16_results_are_written_into_a_struct_of_any_release)
{
	struct place place = make_place();

	EXPECT_SIZES_WRITTEN(reprise_thread_appended, append, &place);
	EXPECT_SIZES_WRITTEN(reprise_thread_document, load, &place);
	EXPECT_SIZES_WRITTEN(reprise_thread_deltas, load_deltas, &place);
	EXPECT_SIZES_WRITTEN(reprise_thread_list, list, &place);
	EXPECT_SIZES_WRITTEN(reprise_thread_messages, load_messages, &place);
	drop_place(&place);
}

static reprise_status
load_range(void *range, void *context)
{
	const struct place *const at = context;
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const reprise_status status =
		reprise_thread_messages(at->store, "t", range, at->page, &messages, NULL);

	cr_assert(eq(u64, messages.version, status == REPRISE_OK ? 1 : 0));
	return status;
}

/* No document has the expected version: an accepted struct is a conflict. */
static reprise_status
save_flush(void *given, void *context)
{
	const struct place *const at = context;
	const uint64_t before = version_of(at->store, "t");
	uint64_t version = 0;
	const reprise_status status = reprise_thread_save_flush(at->store, given, &version, NULL);

	cr_assert(eq(u64, version_of(at->store, "t"), before));
	return status == REPRISE_E_CONFLICT ? REPRISE_OK : status;
}

Test(thread_contract, X16_a_range_and_a_flush_of_any_release_are_taken)
{
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 10 };
	struct place place = make_place();
	char text[MODEL_DELTA_TEXT_BYTES];
	const struct model_delta another = delta_of(99);
	const struct reprise_bytes delta = text_bytes(model_delta_text(&another, text));
	const struct reprise_thread_flush flush = { .size = sizeof(flush),
						    .id = "t",
						    .uid = place.uid,
						    .expected_version = 7,
						    .document = text_bytes("{}"),
						    .deltas = &delta,
						    .deltas_count = 1 };

	EXPECT_SIZES_READ(reprise_thread_range, &range, load_range, &place);
	EXPECT_SIZES_READ(reprise_thread_flush, &flush, save_flush, &place);
	drop_place(&place);
}
