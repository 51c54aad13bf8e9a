/* SPDX-License-Identifier: MIT */
/* B09: appends one by one: versions, ids, and what is refused before anything is sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deltas.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"

STORES_TEST(B09_an_append_is_buffered_with_its_version)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	for (unsigned int i = 1; i <= 5; i++) {
		const struct reprise_jetstream_appended appended =
			append_to(world->writer, "t", delta(i));
		char id[8];

		snprintf(id, sizeof(id), "d%u", i);
		cr_assert(eq(u64, appended.version, i));
		cr_assert(eq(u64, appended.sequence, i));
		cr_assert(eq(int, appended.is_flushed, 0));
		cr_assert(eq(str, (char *)appended.delta_id, id));
	}
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 5));
	const struct reprise_jetstream_appended last = append_to(world->writer, "t", finish(6));

	cr_assert(eq(u64, last.version, 6));
	cr_assert(eq(int, last.is_flushed, 1));
	expect_books(world->store, "t", 6);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 1), "the last one stays");
	cr_assert(eq(u64, append_new(world->writer, 7), 7));
	raw_close(&raw);
}

SQLITE_TEST(B08_a_message_carries_the_documents_uid_and_version)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	const char *const uid = uid_of(world->store, "t");
	char id[64];

	append_new(world->writer, 1);
	const uint64_t sequence = append_to(world->writer, "t", delta(2)).sequence;

	snprintf(id, sizeof(id), "%s/d2", uid);
	cr_assert(eq(str, (char *)raw_header(&raw, STREAM, sequence, "Reprise-Uid"), (char *)uid));
	cr_assert(eq(str, (char *)raw_header(&raw, STREAM, sequence, "Reprise-Version"), "2"));
	cr_assert(eq(str, (char *)raw_header(&raw, STREAM, sequence, "Nats-Msg-Id"), id));
	raw_close(&raw);
}

SQLITE_TEST(B09_a_delta_without_an_id_is_given_one)
{
	static const char text[] = "{\"run_id\":\"r\",\"reason\":\"UserMessage\"}";
	const struct reprise_jetstream_appended first =
		append_to(world->writer, "t", text_bytes(text));
	const struct reprise_jetstream_appended second =
		append_to(world->writer, "t", text_bytes(text));

	cr_assert(eq(sz, strlen(first.delta_id), 32));
	cr_assert(ne(str, (char *)first.delta_id, (char *)second.delta_id));
	cr_assert(eq(u64, second.version, 2));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 2));
}

STORES_TEST(B09_an_append_to_a_missing_document_is_refused)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	cr_assert(eq(int,
		     reprise_jetstream_append(world->writer, "none", NULL, delta(1), NULL, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(
		int,
		reprise_jetstream_append_async(world->writer, "none", delta(1), NULL, NULL, NULL),
		REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "none", NULL, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, raw_state(&raw, STREAM).last, 0), "nothing was sent");
	raw_close(&raw);
}

Test(jetstream, B09_a_delta_larger_than_the_servers_max_payload_is_refused)
{
	static const struct nats_server_settings settings = { .max_payload = 4096 };
	struct world world;
	struct reprise_error error = { .size = sizeof(error) };
	char text[5000], long_text[4600];

	world_begin(&world, INNER_SQLITE, &settings);
	world_open(&world);
	struct raw raw = raw_open(nats_server_url(world.server));

	/* Every size around the limit: it is taken whole, or it is refused and nothing is sent. */
	unsigned int taken = 0, refused = 0;

	for (unsigned int size = 3500; size < 4500; size += 25) {
		memset(long_text, 'y', size);
		long_text[size] = '\0';
		snprintf(text, sizeof(text),
			 "{\"delta_id\":\"s%u\",\"created_at\":%" PRIu64
			 ",\"run_id\":\"%s\",\"reason\":\"UserMessage\"}",
			 size, deltas_time_ms(), long_text);
		const reprise_status status = reprise_jetstream_append(
			world.writer, "t", NULL, text_bytes(text), NULL, &error);

		cr_assert(status == REPRISE_OK || status == REPRISE_E_TOO_LARGE, "%s: %s",
			  error.what, error.detail);
		taken += status == REPRISE_OK;
		refused += status != REPRISE_OK;
		cr_assert(eq(u64, raw_state(&raw, STREAM).messages, taken));
	}
	cr_assert(gt(uint, taken, 3));
	cr_assert(gt(uint, refused, 3));
	cr_assert(eq(int,
		     reprise_jetstream_append_async(world.writer, "t", text_bytes(text), NULL, NULL,
						    NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(u64, stats_of(world.writer).reconnects, 0), "the server said nothing of it");
	cr_assert(eq(u64, flush(world.writer, "t").applied, taken));
	raw_close(&raw);
	world_end(&world);
	expect_no_leaks();
}

STORES_TEST(B09_an_expected_version_is_the_views)
{
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t expected = 3;

	append_range(world->writer, 1, 2);
	cr_assert(
		eq(int,
		   reprise_jetstream_append(world->writer, "t", &expected, delta(3), NULL, &error),
		   REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 3));
	cr_assert(eq(u64, error.actual, 2));
	expected = 2;
	cr_assert(eq(int,
		     reprise_jetstream_append(world->writer, "t", &expected, delta(3), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	cr_assert(
		eq(int,
		   reprise_jetstream_append(world->writer, "t", &expected, delta(4), NULL, &error),
		   REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.actual, 3));
	expected = 3;
	cr_assert(eq(int,
		     reprise_jetstream_append(world->writer, "t", &expected, finish(4), NULL, NULL),
		     REPRISE_OK));
	expect_books(world->store, "t", 4);
}

STORES_TEST(B09_another_writers_appends_are_noticed)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_store(world);
	struct reprise_jetstream *const other = world_writer(store, &options);
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t expected = 1;

	append_new(world->writer, 1);
	cr_assert(eq(u64, append_new(other, 2), 2));
	cr_assert(
		eq(int,
		   reprise_jetstream_append(world->writer, "t", &expected, delta(3), NULL, &error),
		   REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 1));
	cr_assert(eq(u64, error.actual, 2));
	cr_assert(eq(u64, append_new(other, 3), 3));
	cr_assert(eq(u64, append_new(world->writer, 4), 4), "without a version it is repeated");
	append_to(other, "t", finish(5));
	cr_assert(eq(u64, append_new(world->writer, 6), 6));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	expect_books(world->store, "t", 6);
	reprise_jetstream_close(other);
	reprise_thread_store_close(store);
}

SQLITE_TEST(B09_a_document_that_somebody_saved_is_seen_after_the_conflict)
{
	uint64_t version = 0;

	append_new(world->writer, 1);
	cr_assert(eq(int,
		     reprise_thread_save(world->store, "t", NULL, text_bytes("{\"a\":1}"), NULL, 0,
					 &version, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, version, 1));
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 1));
	cr_assert(eq(u64, flushed.version, 2));
	cr_assert(eq(u64, append_new(world->writer, 2), 3));
}

STORES_TEST(B09_many_documents_are_buffered_in_one_stream)
{
	char id[16];

	for (unsigned int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world->store, id);
		for (unsigned int j = 1; j <= 3; j++)
			append_to(world->writer, id, delta(j));
	}
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		cr_assert(eq(u64, flush(world->writer, id).applied, 3));
		expect_books(world->store, id, 3);
	}
}

SQLITE_TEST(B09_ids_of_any_kind_are_subjects)
{
	static const char *const ids[] = { "a",     "\xc3\xa4\xe2\x82\xac",
					   "..",    "_INBOX",
					   "$JS",   "-",
					   "a$b",   "%",
					   "a,b",   "[]{}\"'",
					   "deltas" };
	char long_id[REPRISE_THREAD_ID_BYTES_MAX + 1];

	memset(long_id, 'z', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (strcmp(ids[i], "..") == 0) {
			cr_assert(eq(int,
				     reprise_jetstream_append(world->writer, ids[i], NULL, delta(1),
							      NULL, NULL),
				     REPRISE_E_INVALID));
			continue;
		}
		create(world->store, ids[i]);
		append_to(world->writer, ids[i], delta(1));
		append_to(world->writer, ids[i], finish(2));
		expect_books(world->store, ids[i], 2);
	}
	create(world->store, long_id);
	append_to(world->writer, long_id, delta(1));
	cr_assert(eq(u64, recover(world->writer).applied, 1));
	expect_books(world->store, long_id, 1);
}

/* More than a writer keeps views of. */
SQLITE_TEST(B09_a_writer_may_have_any_number_of_documents)
{
	enum {
		DOCUMENTS = 3000
	};
	char id[16];

	for (unsigned int i = 0; i < DOCUMENTS; i++) {
		snprintf(id, sizeof(id), "of%u", i);
		create(world->store, id);
		cr_assert(eq(u64, append_to(world->writer, id, delta(1)).version, 1));
	}
	for (unsigned int i = 0; i < DOCUMENTS; i += 7) {
		snprintf(id, sizeof(id), "of%u", i);
		cr_assert(eq(u64, append_to(world->writer, id, delta(2)).version, 2));
	}
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.documents, DOCUMENTS));
	cr_assert(eq(u64, recovered.applied, DOCUMENTS + (DOCUMENTS + 6) / 7));
	expect_books(world->store, "of7", 2);
	expect_books(world->store, "of8", 1);
}
