/* SPDX-License-Identifier: MIT */
/*
 * B10, B11: messages of others, whose headers say what they like, stop nobody and cost
 * no acknowledged delta.
 */
#include <stdio.h>

#include "deltas.h"
#include "inner.h"
#include "letters.h"
#include "raw.h"
#include "world.h"

/* Delta 1, a message with that header, deltas 2 and 3. */
static void
expect_header_harmless(struct world *world, const char *name, const char *value)
{
	const struct raw_headers headers = { .other_name = name, .other_value = value };
	struct raw raw = raw_open(nats_server_url(world->server));

	append_new(world->writer, 1);
	raw_publish(&raw, "thread.t.deltas", &headers, text_bytes("foreign"));
	cr_assert(append_at_last(world->writer, "t", delta(2), NULL));
	cr_assert(append_at_last(world->writer, "t", delta(3), NULL));
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 3), "%s: %s", name, value);
	cr_assert(eq(u64, flushed.dead, 1), "%s: %s", name, value);
	expect_books(world->store, "t", 3);
	cr_assert(eq(u64, append_new(world->writer, 4), 4));
	cr_assert(eq(u64, recover(world->writer).applied, 1));
	expect_books(world->store, "t", 4);
	raw_close(&raw);
}

SQLITE_TEST(B11_a_message_that_claims_another_sequence_costs_no_delta)
{
	expect_header_harmless(world, "Nats-Sequence", "4");
}

SQLITE_TEST(B11_a_message_that_claims_a_sequence_to_come_stops_nobody)
{
	expect_header_harmless(world, "Nats-Sequence", "5");
}

SQLITE_TEST(B11_a_message_that_claims_another_time_costs_no_delta)
{
	expect_header_harmless(world, "Nats-Time-Stamp", "2001-01-01T00:00:00.0Z");
}

SQLITE_TEST(B11_a_message_that_claims_another_subject_is_buried_under_its_own)
{
	static struct letters letters;

	create(world->store, "u");
	append_to(world->writer, "u", finish(1));
	expect_header_harmless(world, "Nats-Subject", "thread.u.deltas");
	expect_books(world->store, "u", 1);
	letters_read(world->writer, 0, UINT32_MAX, &letters);
	cr_assert(eq(uint, letters.count, 1));
	cr_assert(eq(str, (char *)letters.letters[0].subject, "thread.t.deltas"));
}

/*
 * Blocks of headers that a server stores and that the NATS library does not read, or takes for the
 * server's own words.
 */
static const char *const blocks[] = {
	"garbage\r\n\r\n",
	"NATS/1.0",
	"NATS/1.0\r\n A: b\r\n\r\n",
	"NATS/1.0\r\nno colon\r\n\r\n",
	"NATS/1.0\r\n: v\r\n\r\n",
	"NATS/1.0 503 hello\r\n\r\n",
	"NATS/1.0 404 Message Not Found\r\n\r\n",
	"NATS/1.0 408 Bad Request\r\n\r\n",
	"NATS/1.0\r\nStatus: 503\r\n\r\n",
	"NATS/1.0\r\nStatus: 404\r\n\r\n",
};

enum {
	BLOCKS = sizeof(blocks) / sizeof(blocks[0])
};

SQLITE_TEST(B11_headers_that_cannot_be_read_do_not_stop_a_flush)
{
	for (unsigned int i = 0; i < BLOCKS; i++) {
		raw_publish_block(nats_server_url(world->server), "thread.t.deltas", blocks[i]);
		cr_assert(append_at_last(world->writer, "t", delta(i + 1), NULL), "block %u", i);
		const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

		cr_assert(eq(u64, flushed.applied, 1), "block %u", i);
		cr_assert(eq(u64, flushed.dead, 1), "block %u", i);
	}
	expect_books(world->store, "t", BLOCKS);
	cr_assert(ge(u64, letters_count(world->writer), 1));
}

SQLITE_TEST(B11_headers_that_cannot_be_read_are_kept_in_the_letter)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	raw_publish_block(nats_server_url(world->server), "thread.t.deltas", blocks[0]);
	raw_publish_block(nats_server_url(world->server), "thread.u.deltas",
			  "NATS/1.0\r\nTrace: a b\r\n\r\n");
	cr_assert(append_at_last(world->writer, "t", delta(1), NULL));
	cr_assert(eq(u64, recover(world->writer).dead, 2));
	cr_assert(eq(str, (char *)raw_header(&raw, "THREAD_DELTAS_DEAD", 1, "Reprise-Headers"),
		     "Z2FyYmFnZQ0KDQo="));
	cr_assert(eq(str, (char *)raw_header(&raw, "THREAD_DELTAS_DEAD", 2, "Trace"), "a b"));
	cr_assert(eq(ptr, (void *)raw_header(&raw, "THREAD_DELTAS_DEAD", 2, "Reprise-Headers"),
		     NULL));
	raw_close(&raw);
}

SQLITE_TEST(B11_headers_that_cannot_be_read_do_not_stop_a_recovery)
{
	char id[8];

	for (unsigned int i = 0; i < BLOCKS; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world->store, id);
		append_to(world->writer, id, delta(1));
		raw_publish_block(nats_server_url(world->server),
				  i % 2 == 0 ? "thread.none.deltas" : "thread.t.deltas", blocks[i]);
	}
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.applied, BLOCKS));
	cr_assert(eq(u64, recovered.dead, BLOCKS));
	for (unsigned int i = 0; i < BLOCKS; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		expect_books(world->store, id, 1);
	}
}

/* A stream of dead letters that takes no more. */
static void
fill_letters(struct reprise_jetstream *writer, const struct raw *raw)
{
	char poison[8000];
	reprise_status status = REPRISE_OK;

	memset(poison, 'p', sizeof(poison) - 1);
	poison[sizeof(poison) - 1] = '\0';
	for (int i = 0; i < 40 && status == REPRISE_OK; i++) {
		snprintf(poison, sizeof(poison), "%d", i);
		poison[strlen(poison)] = 'p';
		raw_publish(raw, "limited.t.deltas", NULL, text_bytes(poison));
		status = reprise_jetstream_flush(writer, "t", NULL, NULL);
	}
	cr_assert(ne(int, status, REPRISE_OK), "it is never full");
}

SQLITE_TEST(B11_a_letter_that_finds_no_room_stops_no_delta)
{
	struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));
	static struct letters letters;

	options.stream = "LIMITED";
	options.subject = "limited";
	options.max_bytes = 65536;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	create(world->store, "u");
	fill_letters(writer, &raw);
	raw_publish(&raw, "limited.none.deltas", NULL, text_bytes("foreign"));
	append_to(writer, "t", delta(1));
	append_to(writer, "u", delta(1));
	cr_assert(ne(int, reprise_jetstream_recover(writer, NULL, NULL), REPRISE_OK));
	expect_books(world->store, "t", 1);
	expect_books(world->store, "u", 1);
	(void)!reprise_jetstream_append(writer, "t", NULL, finish(2), NULL, NULL);
	expect_books(world->store, "t", 2);
	letters_read(writer, 0, UINT32_MAX, &letters);
	for (unsigned int i = 0; i < letters.count && i < LETTERS_MAX; i++)
		cr_assert(eq(int,
			     reprise_jetstream_drop_dead(writer, letters.letters[i].sequence, NULL),
			     REPRISE_OK));
	/* The small one may have found room before. */
	cr_assert(ge(u64, recover(writer).dead, 1), "it has waited in the stream");
	expect_books(world->store, "t", 2);
	raw_close(&raw);
	reprise_jetstream_close(writer);
}

/* As after a delta that was never acknowledged: the version in the header is too high. */
Test(jetstream, B10_a_delta_of_too_high_a_version_is_not_applied_again_when_its_id_is_forgotten)
{
	static const char text[] = "{\"run_id\":\"r\",\"reason\":\"UserMessage\"}";
	struct reprise_thread_applied applied = { .version = 1 };
	const char *const id = "d1";
	struct world world;

	world_begin(&world, INNER_SQLITE, NULL);
	world.store = world_store_of(&world, 2 * one_second, one_second);
	create(world.store, "t");
	create(world.store, "u");
	const struct reprise_jetstream_options options = world_options(&world);
	const struct raw_headers headers = { .uid = uid_of(world.store, "t"), .version = "2" };
	struct raw raw = raw_open(nats_server_url(world.server));

	world.writer = world_writer(world.store, &options);
	raw_publish(&raw, "thread.t.deltas", &headers, delta(1));
	cr_assert(eq(u64, flush(world.writer, "t").applied, 1));
	while (applied.version != 0) {
		cr_assert(eq(
			int,
			reprise_thread_append(world.store, "u", NULL, text_bytes(text), NULL, NULL),
			REPRISE_OK));
		cr_assert(eq(int,
			     reprise_thread_find_applied(world.store, headers.uid, &id, 1, &applied,
							 NULL),
			     REPRISE_OK));
	}
	cr_assert(eq(u64, flush(world.writer, "t").applied, 0));
	cr_assert(eq(u64, recover(world.writer).applied, 0));
	expect_books(world.store, "t", 1);
	raw_close(&raw);
	world_end(&world);
	expect_no_leaks();
}

/* A writer that may not purge: its flushes come to an end, and reach what is behind. */
Test(jetstream, B10_a_flush_that_may_not_purge_ends)
{
	static const struct nats_server_settings settings = {
		.more = "authorization { users: [\n"
			" { user: \"few\", password: \"p\", permissions: { publish:"
			" { deny: \"$JS.API.STREAM.PURGE.>\" } } }\n"
			"] }",
	};
	struct world world;

	world_begin(&world, INNER_SQLITE, &settings);
	world.store = world_store(&world);
	create(world.store, "t");
	struct reprise_jetstream_options options = world_options(&world);

	options.user = "few";
	options.password = "p";
	options.deadline_ns = 2 * one_second;
	world.writer = world_writer(world.store, &options);
	for (unsigned int i = 1; i <= 1100; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world.writer, "t", delta(i), NULL, NULL,
							    NULL),
			     REPRISE_OK));
	for (int i = 0; i < 2; i++) {
		const reprise_status status =
			reprise_jetstream_flush(world.writer, "t", NULL, NULL);

		cr_assert(status == REPRISE_OK || status == REPRISE_E_IO, "%s",
			  reprise_status_name(status));
	}
	expect_books(world.store, "t", 1100);
	cr_assert(append_at_last(world.writer, "t", delta(1101), NULL));
	(void)!reprise_jetstream_flush(world.writer, "t", NULL, NULL);
	expect_books(world.store, "t", 1101);
	world_end(&world);
	expect_no_leaks();
}

/* A writer whose dead letters are not answered. */
Test(jetstream, B11_letters_that_may_not_be_published_stop_no_delta)
{
	static const struct nats_server_settings settings = {
		.more = "authorization { users: [\n"
			" { user: \"few\", password: \"p\", permissions: { publish:"
			" { deny: \"thread-dead.>\" } } }\n"
			"] }",
	};
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };
	struct world world;
	char id[8];

	world_begin(&world, INNER_SQLITE, &settings);
	world.store = world_store(&world);
	struct reprise_jetstream_options options = world_options(&world);

	options.user = "few";
	options.password = "p";
	options.deadline_ns = one_second;
	world.writer = world_writer(world.store, &options);
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world.store, id);
		append_to(world.writer, id, delta(1));
		if (i % 2 == 0)
			cr_assert(
				eq(int, reprise_thread_delete(world.store, id, NULL), REPRISE_OK));
	}
	cr_assert(ne(int, reprise_jetstream_recover(world.writer, &recovered, NULL), REPRISE_OK));
	cr_assert(eq(u64, recovered.applied, 2));
	cr_assert(eq(u64, recovered.dead, 0));
	cr_assert(eq(u64, recovered.failed, 2));
	expect_books(world.store, "t1", 1);
	expect_books(world.store, "t3", 1);
	cr_assert(ne(int, reprise_jetstream_flush(world.writer, "t0", NULL, NULL), REPRISE_OK));
	world_end(&world);
	expect_no_leaks();
}
