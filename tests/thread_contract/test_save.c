/* SPDX-License-Identifier: MIT */
/* B02 and B05 of saves, B06b of flushes. */
#include "contract.h"

#include <unistd.h>

#include <stdio.h>

#define NO_UID "0123456789abcdef0123456789abcdef"

/* The document as it is loaded, with another state; a static buffer. */
static const char *
changed(struct reprise_thread_store *store)
{
	static char text[1 << 20];

	snprintf(text, sizeof(text), "%s", load_text(store, "t"));
	char *const state = strstr(text, "\"state\":{}");

	cr_assert(ne(ptr, state, NULL));
	memcpy(state, "\"state\":[]", 10);
	return text;
}

Test(thread_contract, B01_a_save_counts_one_version_and_a_new_document_none)
{
	struct reprise_thread_store *const store = open_store();
	uint64_t version = 7;

	cr_assert(eq(int, save_text(store, NULL, "{\"version\":9}", &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 0));
	cr_assert(eq(int, save_text(store, NULL, changed(store), &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 1));
	cr_assert(eq(int, save_text(store, &version, "{\"a\":1}", &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 2));
	cr_assert(ne(ptr, strstr(load_text(store, "t"), "\"a\":1"), NULL));
	close_store_of(store);
}

Test(thread_contract, B02_a_save_expects_a_version_or_none)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	const uint64_t expected = 1;

	cr_assert(eq(int, save_text(store, &expected, "{}", NULL, NULL), REPRISE_E_NOT_FOUND));
	create_t(store, "{}");
	cr_assert(eq(int, save_text(store, &expected, "{}", NULL, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 1));
	cr_assert(eq(u64, error.actual, 0));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	close_store_of(store);
}

Test(thread_contract, B01_a_save_without_bytes_is_of_an_empty_document)
{
	struct reprise_thread_store *const store = open_store();

	cr_assert(eq(int, save_text(store, NULL, "", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	cr_assert(eq(int, save_text(store, NULL, "", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(store, "t"), 1));
	close_store_of(store);
}

Test(thread_contract, B02_a_save_with_a_uid_never_creates_and_never_meets_another_document)
{
	struct reprise_thread_store *const store = open_store();
	char text[4096];

	create_t(store, "{}");
	snprintf(text, sizeof(text), "%s", load_text(store, "t"));
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(int, save_text(store, NULL, text, NULL, NULL), REPRISE_E_NOT_FOUND));
	const char *const uid = create_t(store, "{}");

	cr_assert(eq(int, save_text(store, NULL, text, NULL, NULL), REPRISE_E_CONFLICT));
	cr_assert(
		eq(int, save_text(store, NULL, "{\"uid\":\"x\"}", NULL, NULL), REPRISE_E_CONFLICT));
	/* The document's own uid, and more behind a NUL. */
	snprintf(text, sizeof(text), "{\"uid\":\"%s\\u0000x\"}", uid);
	cr_assert(eq(int, save_text(store, NULL, text, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	close_store_of(store);
}

Test(thread_contract, B06_a_save_drops_the_deltas_and_keeps_the_ids)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	const struct model_delta delta = delta_of(1);
	uint64_t version = 0;

	create_t(store, "{}");
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
	append_new(store, 2);
	cr_assert(eq(int, save_text(store, NULL, changed(store), &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 3));
	cr_assert(eq(u64, adapter_deltas(), 0));
	cr_assert(eq(u64, adapter_applied(), 2));
	expect_gap(store, 0, 3);
	expect_gap(store, 2, 3);
	expect_deltas(store, 3, 4, 3, 1);
	cr_assert(eq(int, append_delta(store, &delta, NULL, &appended, NULL), REPRISE_OK));
	cr_assert(eq(u64, appended.version, 1));
	cr_assert(eq(u64, append_new(store, 3), 4));
	expect_gap(store, 2, 3);
	expect_deltas(store, 3, 4, 4, 1);
	close_store_of(store);
}

static struct reprise_thread_settled
settled_of(const char *id, unsigned char digest)
{
	struct reprise_thread_settled settled = { .delta_id = id };

	memset(settled.digest, digest, sizeof(settled.digest));
	return settled;
}

static reprise_status
settle(struct reprise_thread_store *store, const struct reprise_thread_settled *settled,
       size_t count, uint64_t *ret_version, struct reprise_error *error)
{
	return reprise_thread_save(store, "t", NULL, text_bytes("{}"), settled, count, ret_version,
				   error);
}

Test(thread_contract, B05_a_save_remembers_the_deltas_that_it_settles)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_thread_settled settled[] = { settled_of("z", 1), settled_of("a", 2),
							  settled_of("z", 1) };
	const struct reprise_thread_settled more[] = { settled_of("b", 3), settled_of("a", 2) };
	const struct reprise_thread_settled other = settled_of("a", 9);
	const struct reprise_thread_settled twice[] = { settled_of("c", 1), settled_of("c", 2) };
	const char *const ids[] = { "z", "a", "b", "c" };
	struct reprise_thread_applied applied[4];
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version = 0;

	cr_assert(eq(int, settle(store, settled, 3, NULL, NULL), REPRISE_E_NOT_FOUND));
	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	cr_assert(eq(int, settle(store, settled, 3, &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 3));
	/* A delta that is known does not count. */
	cr_assert(eq(int, settle(store, more, 2, &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 5));
	cr_assert(eq(int, settle(store, &other, 1, NULL, &error), REPRISE_E_EXISTS));
	cr_assert(eq(str, error.detail, (char *)"a"));
	cr_assert(eq(int, settle(store, twice, 2, NULL, NULL), REPRISE_E_EXISTS));
	cr_assert(eq(u64, version_of(store, "t"), 5));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, ids, 4, applied, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, applied[0].version, 1));
	cr_assert(eq(u64, applied[1].version, 2));
	cr_assert(eq(u64, applied[2].version, 4));
	cr_assert(eq(u64, applied[3].version, 0));
	cr_assert(eq(int, applied[1].digest[15], 2));
	close_store_of(store);
}

Test(thread_contract, B05_settled_deltas_are_judged_before_anything_changes)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_thread_settled bad[] = { settled_of("a", 1), settled_of("", 1) };
	const struct reprise_thread_settled none = settled_of(NULL, 1);

	create_t(store, "{}");
	cr_assert(eq(int, settle(store, bad, 2, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"settled[1]: delta_id"));
	cr_assert(eq(int, settle(store, &none, 1, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, settle(store, NULL, 1, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, settle(store, bad, REPRISE_THREAD_DELTAS_MAX + 1, NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	cr_assert(eq(u64, adapter_applied(), 0));
	close_store_of(store);
}

enum {
	RUN_DELTAS_MAX = 40,
};

/* Deltas 1 .. count of a run, and the document that they make. */
struct run {
	char texts[RUN_DELTAS_MAX][MODEL_DELTA_TEXT_BYTES];
	struct reprise_bytes deltas[RUN_DELTAS_MAX];
	struct model model;
	struct reprise_thread_flush flush;
};

static struct run *
run_of(const char *uid, uint64_t expected_version, unsigned int first, size_t count)
{
	static struct run run;

	model_clear(&run.model);
	run.model.version = expected_version;
	for (size_t i = 0; i < count; i++) {
		const struct model_delta delta = delta_of(first + (unsigned int)i);

		run.deltas[i] = text_bytes(model_delta_text(&delta, run.texts[i]));
		model_apply(&run.model, &delta);
	}
	run.flush = (struct reprise_thread_flush){
		.size = sizeof(run.flush),
		.id = "t",
		.uid = uid,
		.expected_version = expected_version,
		.document = text_bytes(model_text(&run.model, "t", uid)),
		.deltas = run.deltas,
		.deltas_count = count,
	};
	return &run;
}

Test(thread_contract, B06b_a_flush_stores_the_document_with_its_deltas)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	const char *const uid = create_t(store, "{}");
	struct run *const run = run_of(uid, 0, 1, 5);
	uint64_t version = 0;

	cr_assert(
		eq(int, reprise_thread_save_flush(store, &run->flush, &version, NULL), REPRISE_OK));
	cr_assert(eq(u64, version, 5));
	cr_assert(
		eq(str, (char *)load_text(store, "t"), (char *)model_text(&run->model, "t", uid)));
	expect_deltas(store, 0, 1, 5, 2);
	cr_assert(eq(u64, adapter_applied(), 5));
	/* An append of one of them is a repetition. */
	cr_assert(eq(int, reprise_thread_append(store, "t", NULL, run->deltas[2], &appended, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, appended.version, 3));
	cr_assert(eq(int, appended.is_repeated, 1));
	cr_assert(eq(u64, append_new(store, 6), 6));
	expect_deltas(store, 0, 1, 6, 4);
	close_store_of(store);
}

/* Flushes of many deltas drop as many as they put. */
Test(thread_contract, B05_flushes_keep_the_horizon_however_many_deltas_they_have)
{
	const uint64_t horizon_ns = UINT64_C(2000000000);
	struct reprise_thread_store *const store = adapter_open(horizon_ns, horizon_ns / 2);
	const char *const uid = create_t(store, "{}");
	uint64_t version = 0;

	for (unsigned int i = 0; i < 2; i++)
		cr_assert(eq(int,
			     reprise_thread_save_flush(
				     store,
				     &run_of(uid, version, 1 + i * RUN_DELTAS_MAX, RUN_DELTAS_MAX)
					      ->flush,
				     &version, NULL),
			     REPRISE_OK));
	usleep(2200 * 1000);
	cr_assert(eq(int,
		     reprise_thread_save_flush(
			     store,
			     &run_of(uid, version, 1 + 2 * RUN_DELTAS_MAX, RUN_DELTAS_MAX)->flush,
			     &version, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, version, (uint64_t)3 * RUN_DELTAS_MAX));
	cr_assert(eq(u64, adapter_deltas(), RUN_DELTAS_MAX));
	cr_assert(eq(u64, adapter_applied(), RUN_DELTAS_MAX));
	close_store_of(store);
}

Test(thread_contract, B06b_a_flush_compares_the_version_and_the_uid)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	struct run *run = run_of(NO_UID, 0, 1, 2);

	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, NULL),
		     REPRISE_E_NOT_FOUND));
	const char *const uid = create_t(store, "{}");

	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, NULL),
		     REPRISE_E_NOT_FOUND));
	append_new(store, 9);
	run = run_of(uid, 0, 1, 2);
	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 0));
	cr_assert(eq(u64, error.actual, 1));
	cr_assert(eq(u64, adapter_applied(), 1));
	cr_assert(eq(u64, adapter_deltas(), 1));
	close_store_of(store);
}

Test(thread_contract, B06b_a_flush_refuses_a_delta_that_was_applied)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	const char *const uid = create_t(store, "{}");

	append_new(store, 2);
	struct run *const run = run_of(uid, 1, 1, 3);

	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, &error),
		     REPRISE_E_EXISTS));
	cr_assert(eq(str, error.detail, (char *)"d2"));
	run->deltas[1] = run->deltas[0];
	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, &error),
		     REPRISE_E_EXISTS));
	cr_assert(eq(str, error.detail, (char *)"d1"));
	cr_assert(eq(u64, version_of(store, "t"), 1));
	close_store_of(store);
}

Test(thread_contract, B06b_a_flush_is_never_too_old)
{
	struct reprise_thread_store *const store = open_store();
	const char *const uid = create_t(store, "{}");
	struct run *const run = run_of(uid, 0, 1, 1);
	struct model_delta old = delta_of(1);

	old.created_ms = 1;
	run->deltas[0] = text_bytes(model_delta_text(&old, run->texts[0]));
	cr_assert(eq(int, reprise_thread_save_flush(store, &run->flush, NULL, NULL), REPRISE_OK));
	close_store_of(store);
}

static void
expect_refused(struct reprise_thread_store *store, const struct reprise_thread_flush *flush,
	       const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_save_flush(store, flush, NULL, &error), REPRISE_E_INVALID),
		  "%s", what);
	cr_assert(eq(str, error.what, (char *)what));
}

Test(thread_contract, B06b_a_bad_flush_is_refused_by_name)
{
	struct reprise_thread_store *const store = open_store();
	const char *const uid = create_t(store, "{}");
	struct run *const run = run_of(uid, 0, 1, 2);
	const struct model_delta nameless = { 0 };
	struct reprise_thread_flush flush = run->flush;

	expect_refused(store, NULL, "flush");
	flush.size = 1;
	expect_refused(store, &flush, "flush: size");
	flush = run->flush;
	flush.id = NULL;
	expect_refused(store, &flush, "id");
	flush = run->flush;
	flush.uid = NULL;
	expect_refused(store, &flush, "flush: uid");
	flush.uid = "X";
	expect_refused(store, &flush, "flush: uid");
	flush.uid = NO_UID;
	expect_refused(store, &flush, "document");
	flush = run->flush;
	flush.deltas = NULL;
	expect_refused(store, &flush, "flush: deltas");
	flush = run->flush;
	flush.deltas_count = 0;
	expect_refused(store, &flush, "flush: deltas_count");
	flush.deltas_count = REPRISE_THREAD_DELTAS_MAX + 1;
	expect_refused(store, &flush, "flush: deltas_count");
	flush = run->flush;
	flush.document = text_bytes("{");
	expect_refused(store, &flush, "document");
	run->deltas[1] = text_bytes(model_delta_text(&nameless, run->texts[1]));
	expect_refused(store, &run->flush, "deltas[1]");
	run->deltas[1] = text_bytes("7");
	expect_refused(store, &run->flush, "deltas[1]");
	cr_assert(eq(u64, version_of(store, "t"), 0));
	close_store_of(store);
}
