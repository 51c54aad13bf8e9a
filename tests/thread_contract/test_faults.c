/* SPDX-License-Identifier: MIT */
/* Damaged rows are told; arguments that are NULL or too small are refused. */
#include "contract.h"

/* "t" with three deltas that its text does not have yet. */
static struct reprise_thread_store *
store_with_t(void)
{
	struct reprise_thread_store *const store = open_store();

	create_t(store, "{}");
	for (unsigned int i = 1; i <= 3; i++)
		append_new(store, i);
	return store;
}

static void
expect_load_fault(const char *what)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_load(store, "t", page, &document, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, (char *)what));
	reprise_thread_page_close(page);
	reprise_thread_store_close(store);
}

static void
expect_damage_told(enum adapter_damage damage, uint64_t number, const char *what)
{
	struct reprise_thread_store *const store = store_with_t();

	adapter_do_damage(damage, number);
	expect_load_fault(what);
	close_store_of(store);
}

Test(thread_contract, B06_a_damaged_head_is_told)
{
	expect_damage_told(ADAPTER_HEAD_VERSION, 2, "a head has a wrong checksum");
}

Test(thread_contract, B06_a_damaged_base_is_told)
{
	expect_damage_told(ADAPTER_HEAD_BASE, 3, "a head has a wrong checksum");
}

Test(thread_contract, B06_a_damaged_uid_is_told)
{
	expect_damage_told(ADAPTER_HEAD_UID, 0, "a head has a wrong checksum");
}

Test(thread_contract, B06_a_damaged_text_is_told)
{
	expect_damage_told(ADAPTER_TEXT, 0, "a text has a wrong checksum");
}

Test(thread_contract, B06_a_text_of_another_version_is_told)
{
	expect_damage_told(ADAPTER_TEXT_VERSION, 1, "a text has a wrong checksum");
}

Test(thread_contract, B06_a_missing_text_is_told)
{
	expect_damage_told(ADAPTER_TEXT_GONE, 0, "a text is missing");
}

Test(thread_contract, B06_a_damaged_delta_is_told)
{
	expect_damage_told(ADAPTER_DELTA, 2, "a delta has a wrong checksum");
}

Test(thread_contract, B06_the_time_of_a_delta_is_part_of_its_checksum)
{
	expect_damage_told(ADAPTER_DELTA_TIME, 2, "a delta has a wrong checksum");
}

Test(thread_contract, B06_a_missing_delta_is_told)
{
	expect_damage_told(ADAPTER_DELTA_GONE, 2, "a delta is missing");
}

Test(thread_contract, B06_a_missing_last_delta_is_told)
{
	expect_damage_told(ADAPTER_DELTA_GONE, 3, "a delta is missing");
}

static void
expect_deltas_fault(struct reprise_thread_store *store, const char *what)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_load_deltas(store, "t", 0, 100, 0, page, &deltas, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, (char *)what));
	reprise_thread_page_close(page);
}

Test(thread_contract, B06_no_damaged_delta_is_handed_out_and_no_short_list)
{
	struct reprise_thread_store *const store = store_with_t();

	adapter_do_damage(ADAPTER_DELTA, 3);
	expect_deltas_fault(store, "a delta has a wrong checksum");
	adapter_do_damage(ADAPTER_DELTA_GONE, 3);
	expect_deltas_fault(store, "a delta is missing");
	close_store_of(store);
}

Test(thread_contract, B06_a_damaged_head_is_not_written_to)
{
	struct reprise_thread_store *const store = store_with_t();
	const struct model_delta delta = delta_of(9);

	adapter_do_damage(ADAPTER_HEAD_COMPLETE_AFTER, 1);
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(int, save_text(store, NULL, "{}", NULL, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(u64, adapter_deltas(), 3));
	close_store_of(store);
}

static size_t
list_all(struct reprise_thread_store *store)
{
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_list(store, 0, 100, page, &list, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	reprise_thread_page_close(page);
	return list.entries_count;
}

static void
expect_list_fault(struct reprise_thread_store *store, const char *what, const char *id)
{
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_list(store, 0, 100, page, &list, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(str, error.detail, (char *)id));
	reprise_thread_page_close(page);
}

Test(thread_contract, B06_a_document_with_a_damaged_head_is_named_by_a_list_and_can_be_deleted)
{
	struct reprise_thread_store *const store = store_with_t();

	cr_assert(eq(int, reprise_thread_create(store, "a", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_thread_create(store, "z", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	adapter_do_damage(ADAPTER_HEAD_VERSION, 7);
	expect_list_fault(store, "a head has a wrong checksum", "t");
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(sz, list_all(store), 2));
	cr_assert(eq(u64, adapter_texts(), 2));
	cr_assert(eq(u64, adapter_deltas(), 0));
	create_t(store, "{}");
	cr_assert(eq(u64, version_of(store, "t"), 0));
	close_store_of(store);
}

/* Its text is another uid's now, and nobody finds it. */
Test(thread_contract, B06_a_document_whose_uid_is_damaged_can_be_deleted)
{
	struct reprise_thread_store *const store = store_with_t();

	adapter_do_damage(ADAPTER_HEAD_UID, 0);
	expect_list_fault(store, "a head has a wrong checksum", "t");
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(sz, list_all(store), 0));
	create_t(store, "{}");
	cr_assert(eq(u64, append_new(store, 5), 1));
	close_store_of(store);
}

static void
expect_applied_fault(enum adapter_damage damage)
{
	struct reprise_thread_store *const store = store_with_t();
	struct reprise_error error = { .size = sizeof(error) };
	const struct model_delta delta = delta_of(2);

	adapter_do_damage(damage, 2);
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, (char *)"a remembered id has a wrong checksum"));
	cr_assert(eq(u64, append_new(store, 4), 4));
	close_store_of(store);
}

Test(thread_contract, B05_a_damaged_remembered_version_is_told)
{
	expect_applied_fault(ADAPTER_APPLIED_VERSION);
}

Test(thread_contract, B05_a_damaged_remembered_digest_is_told)
{
	expect_applied_fault(ADAPTER_APPLIED_DIGEST);
}

/* A write would drop what is so old; then the delta would count again. */
Test(thread_contract, B05_a_remembered_id_with_a_damaged_time_is_not_dropped)
{
	struct reprise_thread_store *const store = store_with_t();
	const struct model_delta delta = delta_of(2);

	adapter_do_damage(ADAPTER_APPLIED_TIME, 2);
	cr_assert(eq(u64, append_new(store, 4), 4));
	cr_assert(eq(u64, adapter_applied(), 4));
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_E_CORRUPT));
	close_store_of(store);
}

Test(thread_contract, B06_a_save_replaces_damaged_rows)
{
	struct reprise_thread_store *const store = store_with_t();

	adapter_do_damage(ADAPTER_TEXT, 0);
	adapter_do_damage(ADAPTER_DELTA, 1);
	expect_load_fault("a text has a wrong checksum");
	cr_assert(eq(int, save_text(store, NULL, "{}", NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_OK));
	close_store_of(store);
}

Test(thread_contract, B01_arguments_that_are_missing_are_refused_by_name)
{
	struct reprise_thread_store *const store = store_with_t();
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_appended appended = { .size = 3 };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_bytes none = { NULL, 5 };

	cr_assert(eq(int, reprise_thread_page_open(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_append(store, NULL, NULL, none, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"id"));
	cr_assert(eq(int, reprise_thread_append(NULL, "t", NULL, none, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"store"));
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, none, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"delta"));
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, none, &appended, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"ret_appended: size"));
	cr_assert(
		eq(int, reprise_thread_create(store, "u", none, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"document"));
	cr_assert(eq(int, reprise_thread_save(store, "t", NULL, none, NULL, 0, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_load(store, "t", NULL, &document, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"page"));
	cr_assert(eq(int, reprise_thread_load(store, "t", page, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"ret_document"));
	/* Larger than any struct is a mistake, too. */
	for (size_t size = 0; size <= 8192; size += 8192) {
		document.size = appended.size = size;
		cr_assert(eq(int, reprise_thread_load(store, "t", page, &document, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)"ret_document: size"));
		cr_assert(eq(int, reprise_thread_append(store, "t", NULL, none, &appended, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)"ret_appended: size"));
	}
	reprise_thread_page_close(page);
	reprise_thread_page_close(NULL);
	reprise_thread_store_close(NULL);
	close_store_of(store);
}
