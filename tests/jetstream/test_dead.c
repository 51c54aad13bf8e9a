/* SPDX-License-Identifier: MIT */
/*
 * B11: a delta that cannot be applied becomes a dead letter with a reason, and nothing is dropped
 * without one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deltas.h"
#include "inner.h"
#include "letters.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"
#define DEAD   "THREAD_DELTAS_DEAD"

static struct letters letters;

/* A payload with the uid of "t"; the sequence. */
static uint64_t
put(struct world *world, const struct raw *raw, struct reprise_bytes payload)
{
	const struct raw_headers headers = { .uid = uid_of(world->store, "t") };

	return raw_publish(raw, "thread.t.deltas", &headers, payload);
}

/* The letter of that payload. */
static const struct letter *
letter_of(const char *payload)
{
	for (unsigned int i = 0; i < letters.count; i++) {
		if (strcmp(letters.letters[i].payload, payload) == 0)
			return &letters.letters[i];
	}
	cr_assert(false, "no letter of \"%s\"", payload);
	return NULL;
}

#define NAMED ",\"delta_id\":\"a\",\"created_at\":1"
#define USER  "\"run_id\":\"r\",\"reason\":\"UserMessage\""

static const char *const poisons[] = {
	"no JSON",
	"{\"run_id\":",
	"[]",
	"7",
	"{}",
	"{\"run_id\":7,\"reason\":\"UserMessage\"" NAMED "}",
	"{\"run_id\":\"r\",\"reason\":\"Other\"" NAMED "}",
	"{" USER NAMED ",\"messages\":7}",
	"{" USER "}", /* without an id it cannot be known again */
	"\xff\xfe",
};

enum {
	POISONS = sizeof(poisons) / sizeof(poisons[0])
};

STORES_TEST(B11_poison_becomes_dead_letters_and_the_rest_is_applied)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	append_new(world->writer, 1);
	for (size_t i = 0; i < POISONS; i++)
		put(world, &raw, text_bytes(poisons[i]));
	put(world, &raw, delta(2));
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 2));
	cr_assert(eq(u64, flushed.dead, POISONS));
	cr_assert(eq(u64, flushed.discarded, 0));
	expect_books(world->store, "t", 2);
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, POISONS));
	for (size_t i = 0; i < POISONS; i++) {
		const struct letter *const letter = letter_of(poisons[i]);

		cr_assert(eq(str, (char *)letter->subject, "thread.t.deltas"));
		cr_assert(eq(str, (char *)letter->id, "t"));
		cr_assert(ne(str, (char *)letter->reason, ""));
		cr_assert(ge(u64, letter->time_ms, deltas_time_ms() - 60000));
	}
	cr_assert(eq(u64, stats_of(world->writer).dead, POISONS));
	cr_assert(eq(u64, append_new(world->writer, 3), 3));
	cr_assert(eq(u64, flush(world->writer, "t").dead, 0));
	raw_close(&raw);
}

SQLITE_TEST(B11_an_empty_payload_is_a_dead_letter)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	put(world, &raw, text_bytes(""));
	raw_publish(&raw, "thread.t.deltas", NULL, text_bytes(""));
	cr_assert(eq(u64, flush(world->writer, "t").dead, 2));
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 2));
	cr_assert(eq(sz, letters.letters[0].payload_size, 0));
	raw_close(&raw);
}

SQLITE_TEST(B11_a_payload_that_is_too_deep_is_a_dead_letter)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	const size_t depth = 200000;
	char *const text = malloc(depth + 1);

	cr_assert(ne(ptr, text, NULL));
	memset(text, '[', depth);
	text[depth] = '\0';
	put(world, &raw, text_bytes(text));
	append_new(world->writer, 1);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.dead, 1));
	cr_assert(eq(u64, flushed.applied, 1));
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(sz, letters.letters[0].payload_size, depth));
	free(text);
	raw_close(&raw);
}

SQLITE_TEST(B11_a_delta_without_a_uid_or_of_another_one_is_a_dead_letter)
{
	static const char *const uids[] = { NULL, "", "x", "00000000000000000000000000000000",
					    "not a uid at all, and longer than one would be" };
	struct raw raw = raw_open(nats_server_url(world->server));

	for (unsigned int i = 0; i < 5; i++) {
		const struct raw_headers headers = { .uid = uids[i] };

		raw_publish(&raw, "thread.t.deltas", &headers, delta(100 + i));
	}
	append_new(world->writer, 1);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.dead, 5));
	cr_assert(eq(u64, flushed.applied, 1));
	expect_books(world->store, "t", 1);
	raw_close(&raw);
}

SQLITE_TEST(B11_a_version_header_that_is_no_number_does_no_harm)
{
	static const char *const versions[] = {
		NULL, "", "x", "-1", "99999999999999999999999", "0"
	};
	struct raw raw = raw_open(nats_server_url(world->server));
	const char *const uid = uid_of(world->store, "t");

	for (unsigned int i = 0; i < 6; i++) {
		const struct raw_headers headers = { .uid = uid, .version = versions[i] };

		raw_publish(&raw, "thread.t.deltas", &headers, delta(1 + i));
	}
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied + flushed.dead, 6));
	cr_assert(eq(u64, version_of(world->store, "t"), flushed.applied));
	cr_assert(eq(u64, append_new(world->writer, 9), flushed.applied + 1));
	raw_close(&raw);
}

SQLITE_TEST(B11_another_delta_of_an_applied_id_is_a_dead_letter)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 2);
	put(world, &raw, delta_named("d1", "UserMessage", "other"));
	cr_assert(eq(u64, flush(world->writer, "t").dead, 1));
	put(world, &raw, delta_named("d2", "UserMessage", "other"));
	put(world, &raw, delta(2));
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.dead, 1));
	cr_assert(eq(u64, flushed.applied, 0));
	expect_books(world->store, "t", 2);
	raw_close(&raw);
}

STORES_TEST(B11_foreign_subjects_are_dead_letters)
{
	static const char *const subjects[] = { "thread.none.deltas", "thread.a/b.deltas",
						"thread.\xff.deltas", "thread.a\\b.deltas" };
	struct raw raw = raw_open(nats_server_url(world->server));
	char zs[151], long_subject[200];

	memset(zs, 'z', sizeof(zs) - 1);
	zs[sizeof(zs) - 1] = '\0';
	snprintf(long_subject, sizeof(long_subject), "thread.%s.deltas", zs);
	for (unsigned int i = 0; i < 4; i++)
		raw_publish(&raw, subjects[i], NULL, delta(50 + i));
	raw_publish(&raw, long_subject, NULL, delta(60));
	append_new(world->writer, 1);
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.applied, 1));
	cr_assert(eq(u64, recovered.dead, 5));
	cr_assert(eq(u64, recovered.failed, 0));
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 5));
	for (unsigned int i = 0; i < 4; i++) {
		const struct reprise_bytes bytes = delta(50 + i);
		const struct letter *const letter = letter_of(bytes.data);

		cr_assert(eq(str, (char *)letter->subject, (char *)subjects[i]));
		cr_assert(eq(str, (char *)letter->id, i == 0 ? "none" : ""), "%s", letter->subject);
	}
	cr_assert(eq(u64, recover(world->writer).dead, 0));
	cr_assert(eq(u64, letters_count(world->writer), 5));
	raw_close(&raw);
}

SQLITE_TEST(B11_dead_letters_are_read_in_order_and_dropped_one_by_one)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	struct reprise_error error = { .size = sizeof(error) };
	char text[32];

	for (unsigned int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "poison %u", i);
		put(world, &raw, text_bytes(text));
	}
	cr_assert(eq(u64, flush(world->writer, "t").dead, 20));
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 20));
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "poison %u", i);
		cr_assert(eq(str, (char *)letters.letters[i].payload, text));
		cr_assert(i == 0 || letters.letters[i].sequence > letters.letters[i - 1].sequence);
	}
	const uint64_t third = letters.letters[2].sequence;
	const uint64_t last = letters.letters[19].sequence;

	letters_read(world->writer, 0, 3, &letters);
	cr_assert(eq(uint, letters.count, 3), "the visitor has seen enough");
	letters_read(world->writer, third, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 17));
	letters_read(world->writer, last, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 0));
	cr_assert(eq(int, reprise_jetstream_drop_dead(world->writer, third, &error), REPRISE_OK));
	cr_assert(eq(int, reprise_jetstream_drop_dead(world->writer, third, &error),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_jetstream_drop_dead(world->writer, last + 1, &error),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, letters_count(world->writer), 19));
	raw_close(&raw);
}

SQLITE_TEST(B11_a_letter_that_cannot_be_put_away_is_not_dropped)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	jsStreamConfig settings;

	put(world, &raw, text_bytes("poison"));
	append_new(world->writer, 1);
	raw_delete_stream(&raw, DEAD);
	cr_assert(ne(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 2));
	jsStreamConfig_Init(&settings);
	settings.Name = DEAD;
	settings.Subjects = (const char *[]){ "thread-dead.*" };
	settings.SubjectsLen = 1;
	raw_add_stream(&raw, &settings);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.dead, 1));
	cr_assert(eq(u64, letters_count(world->writer), 1));
	/* The delta may have been saved before. */
	expect_books(world->store, "t", 1);
	raw_close(&raw);
}

SQLITE_TEST(B11_a_letter_is_put_away_once)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	put(world, &raw, text_bytes("poison"));
	append_new(world->writer, 1);
	inner_watch(world->store);
	inner_fail_commits(1);
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL), REPRISE_E_IO));
	(void)flush(world->writer, "t");
	cr_assert(eq(u64, letters_count(world->writer), 1));
	expect_books(world->store, "t", 1);
	raw_close(&raw);
}

/*
 * The horizon of this store is so short that it forgets the id while the message is in the stream.
 */
Test(jetstream, B11_a_delta_whose_id_may_be_forgotten_is_a_dead_letter)
{
	static const char text[] = "{\"run_id\":\"r\",\"reason\":\"UserMessage\"}";
	struct reprise_thread_applied applied = { .version = 1 };
	const char *const id = "d1";
	struct world world;

	world_begin(&world, INNER_SQLITE, NULL);
	world.store = world_store_of(&world, 2 * one_second, one_second);
	struct reprise_jetstream_options options = world_options(&world);

	options.idle_purge_ns = one_second;
	create(world.store, "t");
	create(world.store, "u");
	world.writer = world_writer(world.store, &options);
	append_to(world.writer, "t", delta(1));
	cr_assert(eq(u64, flush(world.writer, "t").applied, 1));
	const struct raw_headers headers = { .uid = uid_of(world.store, "t"), .version = "2" };
	struct raw raw = raw_open(nats_server_url(world.server));

	raw_publish(&raw, "thread.t.deltas", &headers, delta(2));
	raw_close(&raw);
	/* Until the id of the first is pruned, which the store's writes do. */
	while (applied.version != 0) {
		cr_assert(eq(
			int,
			reprise_thread_append(world.store, "u", NULL, text_bytes(text), NULL, NULL),
			REPRISE_OK));
		cr_assert(eq(int,
			     reprise_thread_find_applied(world.store, uid_of(world.store, "t"), &id,
							 1, &applied, NULL),
			     REPRISE_OK));
	}
	const struct reprise_jetstream_flushed flushed = flush(world.writer, "t");

	/* The second is as old: that the document never had its version proves nothing. */
	cr_assert(eq(u64, flushed.applied, 0));
	cr_assert(eq(u64, flushed.dead, 2));
	expect_books(world.store, "t", 1);
	letters_read(world.writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 2));
	cr_assert(strstr(letters.letters[0].reason, "forgotten") != NULL, "%s",
		  letters.letters[0].reason);
	world_end(&world);
	expect_no_leaks();
}
