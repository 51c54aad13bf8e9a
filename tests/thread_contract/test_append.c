/* SPDX-License-Identifier: MIT */
/* B02 preconditions, B05 deltas that are applied once. */
#include "chance.h"
#include "contract.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint64_t one_ms = 1000000;

Test(thread_contract, B02_an_append_expects_a_version_or_none)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	const struct model_delta one = delta_of(1), two = delta_of(2);
	const uint64_t expected = 0;

	create_t(store, "{}");
	cr_assert(eq(int, append_delta(store, &one, &expected, &appended, NULL), REPRISE_OK));
	cr_assert(eq(u64, appended.version, 1));
	cr_assert(eq(int, append_delta(store, &two, &expected, NULL, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 0));
	cr_assert(eq(u64, error.actual, 1));
	cr_assert(eq(u64, version_of(store, "t"), 1));
	cr_assert(eq(u64, adapter_applied(), 1));
	cr_assert(eq(int, append_delta(store, &two, NULL, &appended, NULL), REPRISE_OK));
	cr_assert(eq(u64, appended.version, 2));
	close_store_of(store);
}

Test(thread_contract, B05_a_second_application_answers_the_version_of_the_first)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	struct model_delta delta = delta_of(1);
	const uint64_t expected = 0;
	char before[4096];

	create_t(store, "{}");
	cr_assert(eq(int, append_delta(store, &delta, &expected, &appended, NULL), REPRISE_OK));
	cr_assert(eq(int, appended.is_repeated, 0));
	append_new(store, 2);
	snprintf(before, sizeof(before), "%s", load_text(store, "t"));
	/* As it was, with the version that it expected then; and written another way. */
	cr_assert(eq(int, append_delta(store, &delta, &expected, &appended, NULL), REPRISE_OK));
	cr_assert(eq(u64, appended.version, 1));
	cr_assert(eq(int, appended.is_repeated, 1));
	cr_assert(eq(str, appended.delta_id, (char *)"d1"));
	/* "style" 12 writes other spaces, and the same members. */
	delta.style = 12;
	cr_assert(eq(int, append_delta(store, &delta, NULL, &appended, NULL), REPRISE_OK));
	cr_assert(eq(u64, appended.version, 1));
	cr_assert(eq(str, (char *)load_text(store, "t"), before));
	cr_assert(eq(u64, adapter_deltas(), 2));
	close_store_of(store);
}

Test(thread_contract, B05_an_id_with_another_digest_exists)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };
	struct model_delta delta = delta_of(1);

	create_t(store, "{}");
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
	delta.messages[0].body = 99;
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, &error), REPRISE_E_EXISTS));
	cr_assert(eq(str, error.detail, (char *)"d1"));
	cr_assert(eq(u64, version_of(store, "t"), 1));
	close_store_of(store);
}

Test(thread_contract, B05_the_same_id_on_two_threads_is_two_deltas)
{
	struct reprise_thread_store *const store = open_store();
	const struct model_delta delta = delta_of(1);
	char text[MODEL_DELTA_TEXT_BYTES];

	create_t(store, "{}");
	cr_assert(eq(int, reprise_thread_create(store, "u", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	model_delta_text(&delta, text);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int,
			     reprise_thread_append(store, "t", NULL, text_bytes(text), NULL, NULL),
			     REPRISE_OK));
		cr_assert(eq(int,
			     reprise_thread_append(store, "u", NULL, text_bytes(text), NULL, NULL),
			     REPRISE_OK));
	}
	cr_assert(eq(u64, version_of(store, "t"), 1));
	cr_assert(eq(u64, version_of(store, "u"), 1));
	cr_assert(ne(ptr, strstr(load_text(store, "u"), "\"m1\""), NULL));
	close_store_of(store);
}

Test(thread_contract, B05_a_delta_without_an_id_is_given_one)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_appended one = { .size = sizeof(one) }, two = one;
	const struct model_delta delta = { .messages_count = 1 };
	struct reprise_thread_applied applied[2];
	char uid[REPRISE_THREAD_UID_BYTES];

	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	cr_assert(eq(int, append_delta(store, &delta, NULL, &one, NULL), REPRISE_OK));
	cr_assert(eq(int, append_delta(store, &delta, NULL, &two, NULL), REPRISE_OK));
	cr_assert(eq(u64, two.version, 2));
	cr_assert(eq(sz, strlen(one.delta_id), 32));
	cr_assert(ne(str, one.delta_id, two.delta_id));
	const char *const ids[] = { one.delta_id, two.delta_id };

	cr_assert(eq(int, reprise_thread_find_applied(store, uid, ids, 2, applied, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, applied[0].version, 1));
	cr_assert(eq(u64, applied[1].version, 2));
	cr_assert(eq(int, memcmp(applied[1].digest, two.digest, sizeof(two.digest)), 0));
	close_store_of(store);
}

Test(thread_contract, B05_a_delta_older_than_the_retry_limit_is_expired)
{
	struct reprise_thread_store *const store = open_store();
	const uint64_t day_ms = UINT64_C(86400000);
	struct model_delta delta = delta_of(1);

	create_t(store, "{}");
	delta.created_ms = now_ms() - day_ms - 1000;
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_E_EXPIRED));
	delta.created_ms = now_ms() + day_ms + 60000;
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(u64, version_of(store, "t"), 0));
	delta.created_ms = now_ms() - day_ms + 60000;
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
	close_store_of(store);
}

static void
sleep_ms(uint64_t ms)
{
	const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };

	nanosleep(&pause, NULL);
}

/* A delta that is remembered is answered even when it is too old to be new. */
Test(thread_contract, B05_a_known_delta_does_not_expire)
{
	struct reprise_thread_store *const store = adapter_open(60000 * one_ms, 1000 * one_ms);
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	const struct model_delta delta = delta_of(1);

	create_t(store, "{}");
	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
	sleep_ms(1100);
	cr_assert(eq(int, append_delta(store, &delta, NULL, &appended, NULL), REPRISE_OK));
	cr_assert(eq(int, appended.is_repeated, 1));
	close_store_of(store);
}

Test(thread_contract, B05_what_is_older_than_the_horizon_is_pruned_by_writes)
{
	enum {
		DELTAS = 40,
	};
	static struct model model;
	struct reprise_thread_store *const store = adapter_open(2000 * one_ms, 1000 * one_ms);
	char uid[REPRISE_THREAD_UID_BYTES];

	model_clear(&model);
	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	for (unsigned int i = 1; i <= DELTAS; i++) {
		const struct model_delta delta = delta_of(i);

		cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
		model_apply(&model, &delta);
	}
	cr_assert(eq(u64, adapter_deltas(), DELTAS));
	sleep_ms(2200);
	for (unsigned int i = 1; i <= 5; i++) {
		const struct model_delta delta = delta_of(DELTAS + i);

		cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
		model_apply(&model, &delta);
	}
	cr_assert(eq(u64, adapter_deltas(), 5));
	cr_assert(eq(u64, adapter_applied(), 5));
	expect_gap(store, DELTAS - 1, DELTAS);
	expect_deltas(store, DELTAS, DELTAS + 1, DELTAS + 5, 2);
	cr_assert(eq(str, (char *)load_text(store, "t"), (char *)model_text(&model, "t", uid)));
	close_store_of(store);
}

/* The text has what it says already. */
Test(thread_contract, B05_a_damaged_old_delta_does_not_keep_the_others)
{
	struct reprise_thread_store *const store = adapter_open(2000 * one_ms, 1000 * one_ms);

	create_t(store, "{}");
	for (unsigned int i = 1; i <= 4; i++)
		append_new(store, i);
	sleep_ms(2200);
	append_new(store, 5); /* old ones that the text lacks: it is put anew */
	adapter_do_damage(ADAPTER_DELTA, 2);
	append_new(store, 6);
	cr_assert(eq(u64, adapter_deltas(), 2));
	expect_gap(store, 1, 4);
	close_store_of(store);
}

/* The ids of a document that is gone are pruned by writes to others. */
Test(thread_contract, B05_ids_outlive_their_document_and_are_pruned_by_any_write)
{
	struct reprise_thread_store *const store = adapter_open(2000 * one_ms, 1000 * one_ms);
	struct reprise_thread_applied applied;
	const char *const id = "d1";
	char uid[REPRISE_THREAD_UID_BYTES];

	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	append_new(store, 1);
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, &id, 1, &applied, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, applied.version, 1));
	sleep_ms(2200);
	cr_assert(eq(int, reprise_thread_create(store, "u", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, adapter_applied(), 0));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, &id, 1, &applied, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, applied.version, 0));
	close_store_of(store);
}

Test(thread_contract, B05_ids_are_looked_up_in_their_order)
{
	struct reprise_thread_store *const store = open_store();
	const char *const ids[] = { "d3", "none", "d1", "d3", "d2", "" };
	const uint64_t versions[] = { 3, 0, 1, 3, 2 };
	struct reprise_thread_applied applied[5];
	char uid[REPRISE_THREAD_UID_BYTES];

	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	for (unsigned int i = 1; i <= 3; i++)
		append_new(store, i);
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, ids, 5, applied, NULL),
		     REPRISE_OK));
	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(u64, applied[i].version, versions[i]));
	cr_assert(
		eq(int, reprise_thread_find_applied(store, uid, NULL, 0, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, ids, 6, applied, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, NULL, 1, applied, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_find_applied(store, uid, ids, 1, NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_find_applied(store, "x", ids, 1, applied, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_find_applied(store, NULL, ids, 1, applied, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_thread_find_applied(store, uid, ids, REPRISE_THREAD_DELTAS_MAX + 1,
						 applied, NULL),
		     REPRISE_E_INVALID));
	close_store_of(store);
}

static unsigned int
choose(void *context, unsigned int choices)
{
	(void)context;
	return chance(choices);
}

/* Long enough that the text is put anew again and again. */
Test(thread_contract, B04_any_appends_make_the_document_of_the_model)
{
	static struct model model;
	struct reprise_thread_store *const store = open_store(), *const other = open_store();
	char uid[REPRISE_THREAD_UID_BYTES];

	chance_begin(15);
	model_clear(&model);
	snprintf(uid, sizeof(uid), "%s", create_t(store, "{}"));
	for (unsigned int i = 1; i <= 1200; i++) {
		struct model_delta delta = { .number = i, .created_ms = now_ms() };

		model_delta_choose(&delta, choose, NULL);
		model_apply(&model, &delta);
		cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, NULL), REPRISE_OK));
		if (i % 100 == 0)
			cr_assert(eq(str, (char *)load_text(other, "t"),
				     (char *)model_text(&model, "t", uid)));
	}
	expect_deltas(other, 0, 1, 1200, 500);
	expect_deltas(other, 1100, 1101, 1200, 7);
	reprise_thread_store_close(other);
	close_store_of(store);
}

enum {
	WRITERS = 4,
	APPENDS = 100,
	MESSAGE_BYTES = 2000,
};

struct writer {
	struct reprise_thread_store *store;
	unsigned int number;
	int failures;
};

static void *
append_many(void *context)
{
	struct writer *const writer = context;
	char text[MESSAGE_BYTES + 200];

	for (unsigned int i = 0; i < APPENDS; i++) {
		snprintf(text, sizeof(text),
			 "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":"
			 "[{\"id\":\"%u-%u\",\"text\":\"%0*u\"}]}",
			 writer->number, i, MESSAGE_BYTES, i);
		writer->failures +=
			reprise_thread_append(writer->store, "t", NULL, text_bytes(text), NULL,
					      NULL) != REPRISE_OK;
	}
	return NULL;
}

static void
expect_messages(struct reprise_thread_store *store, uint64_t count)
{
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_messages(store, "t", &range, page, &messages, NULL),
		     REPRISE_OK));
	reprise_thread_page_close(page);
	cr_assert(eq(u64, messages.total, count));
	cr_assert(eq(u64, messages.version, count));
}

/* Each of them puts the text anew while the others append. */
Test(thread_contract, B04_appends_are_neither_lost_nor_applied_twice_while_the_text_is_put_anew)
{
	struct reprise_thread_store *const store = open_store();
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];

	create_t(store, "{}");
	for (unsigned int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .store = open_store(), .number = i };
		cr_assert(eq(int, pthread_create(&threads[i], NULL, append_many, &writers[i]), 0));
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert(eq(int, writers[i].failures, 0));
		reprise_thread_store_close(writers[i].store);
	}
	const uint64_t count = (uint64_t)WRITERS * APPENDS;

	expect_messages(store, count);
	expect_deltas(store, 0, 1, count, 100);
	close_store_of(store);
}
