/* SPDX-License-Identifier: MIT */
/* B01 what a document is, B03 what is there and what is not. */
#include "contract.h"

#include <stdio.h>

Test(thread_contract, B01_a_new_document_has_a_uid_and_version_0)
{
	struct reprise_thread_store *const store = open_store();
	char uid[REPRISE_THREAD_UID_BYTES], other[REPRISE_THREAD_UID_BYTES], expected[256];

	cr_assert(eq(int, reprise_thread_create(store, "t", (struct reprise_bytes){ 0 }, uid, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_thread_create(store, "u", text_bytes("{}"), other, NULL),
		     REPRISE_OK));
	cr_assert(ne(str, uid, other));
	snprintf(expected, sizeof(expected),
		 "{\"id\":\"t\",\"messages\":[],\"patches\":[],\"state\":{},\"uid\":\"%s\","
		 "\"version\":0}",
		 uid);
	cr_assert(eq(str, (char *)load_text(store, "t"), expected));
	cr_assert(eq(u64, version_of(store, "u"), 0));
	close_store_of(store);
}

Test(thread_contract, B01_members_of_the_hosts_are_kept_as_they_are)
{
	struct reprise_thread_store *const store = open_store();
	char expected[512];
	const char *const uid = create_t(
		store, "{\"z\": {\"b\": 1.50, \"a\": 123456789012345678901234567890},"
		       " \"version\": 77, \"id\": \"t\", \"state\": null, \"messages\": [{}]}");

	snprintf(expected, sizeof(expected),
		 "{\"id\":\"t\",\"messages\":[{}],\"patches\":[],\"state\":null,\"uid\":\"%s\","
		 "\"version\":0,\"z\":{\"a\":123456789012345678901234567890,\"b\":1.50}}",
		 uid);
	cr_assert(eq(str, (char *)load_text(store, "t"), expected));
	append_new(store, 1);
	cr_assert(ne(ptr,
		     strstr(load_text(store, "t"), "\"z\":{\"a\":123456789012345678901234567890"),
		     NULL));
	close_store_of(store);
}

static void
expect_refused(struct reprise_thread_store *store, const char *text, const char *what,
	       const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes(text), NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(str, error.detail, (char *)detail));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_E_NOT_FOUND));
}

Test(thread_contract, B01_a_bad_document_is_refused_by_member_or_place)
{
	struct reprise_thread_store *const store = open_store();

	expect_refused(store, "[]", "document", "must be an object");
	expect_refused(store, "{\n1}", "document", "line 2, column 2: string or '}' expected");
	expect_refused(store, "{\"messages\":{}}", "document", "messages: must be an array");
	expect_refused(store, "{\"messages\":[{},{},{},{\"id\":[]}]}", "document",
		       "messages[3].id: must be a string");
	expect_refused(store, "{\"patches\":\"\"}", "document", "patches: must be an array");
	expect_refused(store, "{\"id\":7}", "document", "id: must be a string");
	expect_refused(store, "{\"id\":\"u\"}", "document",
		       "id: differs from the argument of the call");
	expect_refused(store, "{\"uid\":\"0123456789abcdef0123456789abcdef\"}", "document",
		       "uid: must not be given: the store chooses the uid");
	expect_refused(store, "{\"uid\":1.5}", "document", "uid: must be a string");
	close_store_of(store);
}

Test(thread_contract, B01_a_bad_id_is_refused_by_every_call)
{
	static const char bad[] = "a.b";
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };
	const struct reprise_thread_flush flush = { .size = sizeof(flush), .id = bad };
	struct reprise_thread_page *page = NULL;
	const struct reprise_bytes text = text_bytes("{}");

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_create(store, bad, text, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_append(store, bad, NULL, text, NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_save(store, bad, NULL, text, NULL, 0, NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_save_flush(store, &flush, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_delete(store, bad, NULL), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_thread_load(store, bad, page, &document, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_load_deltas(store, bad, 0, 1, 0, page, &deltas, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_messages(store, bad, &range, page, &messages, NULL),
		     REPRISE_E_INVALID));
	reprise_thread_page_close(page);
	close_store_of(store);
}

Test(thread_contract, B03_what_is_there_is_not_created_and_what_is_not_is_not_found)
{
	struct reprise_thread_store *const store = open_store();
	const struct model_delta delta = delta_of(1);
	const uint64_t zero = 0;

	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, append_delta(store, &delta, &zero, NULL, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	create_t(store, "{}");
	append_new(store, 1);
	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL),
		     REPRISE_E_EXISTS));
	cr_assert(eq(u64, version_of(store, "t"), 1));
	close_store_of(store);
}

Test(thread_contract, B03_a_deleted_document_is_gone_and_a_new_one_is_another)
{
	struct reprise_thread_store *const store = open_store();
	char first[REPRISE_THREAD_UID_BYTES];

	snprintf(first, sizeof(first), "%s", create_t(store, "{}"));
	append_new(store, 1);
	append_new(store, 2);
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, adapter_heads(), 0));
	cr_assert(eq(u64, adapter_texts(), 0));
	cr_assert(eq(u64, adapter_deltas(), 0));
	cr_assert(eq(u64, adapter_applied(), 2));
	cr_assert(ne(str, (char *)create_t(store, "{}"), first));
	/* The ids of the first one mean nothing to it. */
	cr_assert(eq(u64, append_new(store, 1), 1));
	close_store_of(store);
}

Test(thread_contract, B04_documents_survive_their_handle)
{
	static struct model model;
	struct reprise_thread_store *store = open_store();
	char uid[REPRISE_THREAD_UID_BYTES];

	model_clear(&model);
	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	for (unsigned int i = 1; i <= 5; i++) {
		const struct model_delta delta = delta_of(i);

		cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
		model_apply(&model, &delta);
	}
	reprise_thread_store_close(store);
	store = open_store();
	cr_assert(eq(str, (char *)load_text(store, "t"), (char *)model_text(&model, "t", uid)));
	close_store_of(store);
}

/* NOLINTBEGIN(bugprone-not-null-terminated-result): the texts have sizes */
Test(thread_contract, B01_a_document_may_be_64_MiB_and_no_more)
{
	enum {
		PART = 1 << 20,
	};
	struct reprise_thread_store *const store = open_store();
	char *const text = malloc(REPRISE_THREAD_JSON_BYTES_MAX + 64);
	const struct reprise_bytes too_large = { text, REPRISE_THREAD_JSON_BYTES_MAX + 1 };

	memset(text, ' ', REPRISE_THREAD_JSON_BYTES_MAX + 64);
	cr_assert(eq(int, reprise_thread_create(store, "t", too_large, NULL, NULL),
		     REPRISE_E_TOO_LARGE));
	/* As given it is small enough; with the members that are the store's it is not. */
	text[0] = '{';
	memcpy(text + 1, "\"a\":\"", 5);
	memset(text + 6, 'x', REPRISE_THREAD_JSON_BYTES_MAX - 8);
	memcpy(text + REPRISE_THREAD_JSON_BYTES_MAX - 2, "\"}", 2);
	cr_assert(eq(
		int,
		reprise_thread_create(store, "t",
				      (struct reprise_bytes){ text, REPRISE_THREAD_JSON_BYTES_MAX },
				      NULL, NULL),
		REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_E_NOT_FOUND));
	/* So is the document that an append would make. */
	const size_t less = REPRISE_THREAD_JSON_BYTES_MAX - PART;

	memcpy(text + less - 2, "\"}", 2);
	cr_assert(eq(
		int,
		reprise_thread_create(store, "t", (struct reprise_bytes){ text, less }, NULL, NULL),
		REPRISE_OK));
	const size_t head = (size_t)sprintf(text, "{\"run_id\":\"r\",\"reason\":\"UserMessage\","
						  "\"patches\":[\"");

	memset(text + head, 'y', PART);
	memcpy(text + head + PART, "\"]}", 3);
	cr_assert(eq(int,
		     reprise_thread_append(store, "t", NULL,
					   (struct reprise_bytes){ text, head + PART + 3 }, NULL,
					   NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	cr_assert(eq(u64, append_new(store, 1), 1));
	free(text);
	close_store_of(store);
}

/* begin, so many letters, end. */
static char *
long_text(const char *begin, size_t letters, const char *end, struct reprise_bytes *ret_bytes)
{
	const size_t begin_bytes = strlen(begin), end_bytes = strlen(end);
	char *const text = malloc(begin_bytes + letters + end_bytes);

	memcpy(text, begin, begin_bytes);
	memset(text + begin_bytes, 'x', letters);
	memcpy(text + begin_bytes + letters, end, end_bytes);
	*ret_bytes = (struct reprise_bytes){ text, begin_bytes + letters + end_bytes };
	return text;
}

/* A delta may be larger than what it adds. */
Test(thread_contract, B01_an_append_is_too_large_by_the_document_that_it_makes)
{
	enum {
		PART = 1 << 20,
	};
	struct reprise_thread_store *const store = open_store();
	struct reprise_bytes document, delta;
	char *const document_text =
		long_text("{\"a\":\"", REPRISE_THREAD_JSON_BYTES_MAX - PART, "\"}", &document);
	char *const delta_text = long_text(
		"{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{}],\"run_meta\":\"",
		PART, "\"}", &delta);

	cr_assert(eq(int, reprise_thread_create(store, "t", document, NULL, NULL), REPRISE_OK));
	for (uint64_t version = 1; version <= 3; version++) {
		cr_assert(eq(int, reprise_thread_append(store, "t", NULL, delta, NULL, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, version_of(store, "t"), version));
	}
	cr_assert(eq(u64, append_new(store, 1), 4));
	cr_assert(eq(u64, adapter_deltas(), 4));
	/* Each of them fits by what it says: the document was not read for that. */
	cr_assert(eq(u64, adapter_text_version(), 0));
	free(document_text);
	free(delta_text);
	close_store_of(store);
}

/* A snapshot takes the place of another state, so only the document that it makes tells. */
Test(thread_contract, B01_a_snapshot_that_makes_the_document_smaller_is_not_too_large)
{
	enum {
		PART = 1 << 20,
	};
	struct reprise_thread_store *const store = open_store();
	struct reprise_bytes document, delta, message;
	char *const document_text = long_text(
		"{\"state\":\"", REPRISE_THREAD_JSON_BYTES_MAX - PART / 2, "\"}", &document);
	char *const delta_text =
		long_text("{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"snapshot\":\"", PART,
			  "\"}", &delta);
	char *const message_text =
		long_text("{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{\"text\":\"",
			  REPRISE_THREAD_JSON_BYTES_MAX - PART - 500, "\"}]}", &message);

	cr_assert(eq(int, reprise_thread_create(store, "t", document, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, message, NULL, NULL),
		     REPRISE_E_TOO_LARGE));
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, reprise_thread_append(store, "t", NULL, delta, NULL, NULL),
			     REPRISE_OK));
	cr_assert(
		eq(int, reprise_thread_append(store, "t", NULL, message, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, message, NULL, NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(u64, version_of(store, "t"), 3));
	free(document_text);
	free(delta_text);
	free(message_text);
	close_store_of(store);
}
/* NOLINTEND(bugprone-not-null-terminated-result) */
