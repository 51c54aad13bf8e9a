/* SPDX-License-Identifier: MIT */
/* B07: options, arguments that are missing, and sizes are refused by name. */
#include <stdio.h>

#include "deltas.h"
#include "world.h"

/* @what must be told. */
static void
expect_bad(struct world *world, const struct reprise_jetstream_options *options, const char *what)
{
	struct reprise_error error;

	cr_expect(eq(int, world_open_status(world->store, options, &error), REPRISE_E_INVALID),
		  "%s", what);
	cr_expect(strstr(error.what, what) != NULL, "%s: \"%s\" \"%s\"", what, error.what,
		  error.detail);
}

#define EXPECT_BAD(field, ...)                                               \
	do {                                                                 \
		struct reprise_jetstream_options bad = world_options(world); \
		bad.field = __VA_ARGS__;                                     \
		expect_bad(world, &bad, #field);                             \
	} while (0)

SQLITE_TEST(B07_names_that_are_bad_are_refused)
{
	static const char *const names[] = {
		"",         "a.b",  "a b",
		"a*",       "a>",   "a/b",
		"\xc3\xa4", "a\tb", "123456789012345678901234567890123", /* 33 bytes */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_BAD(stream, names[i]);
		EXPECT_BAD(subject, names[i]);
	}
}

SQLITE_TEST(B07_numbers_that_are_bad_are_refused)
{
	EXPECT_BAD(size, 3);
	EXPECT_BAD(replicas, 2);
	EXPECT_BAD(replicas, 4);
	EXPECT_BAD(replicas, 6);
	EXPECT_BAD(window, REPRISE_JETSTREAM_WINDOW_MAX + 1);
	EXPECT_BAD(max_bytes, 65535);
	EXPECT_BAD(max_bytes, UINT64_MAX);
	EXPECT_BAD(max_age_ns, 99999999);
	EXPECT_BAD(max_age_ns, UINT64_MAX);
	EXPECT_BAD(deadline_ns, 9999999);
	EXPECT_BAD(deadline_ns, one_hour + 1);
	EXPECT_BAD(idle_purge_ns, UINT64_C(84) * one_hour + 1000000);
	EXPECT_BAD(idle_purge_ns, UINT64_MAX);
}

Test(jetstream, B07_an_idle_purge_is_at_most_half_the_stores_horizon)
{
	struct world world;
	struct reprise_error error;

	world_begin(&world, INNER_SQLITE, NULL);
	world.store = world_store_of(&world, 10 * one_second, one_second);
	struct reprise_jetstream_options options = world_options(&world);

	options.idle_purge_ns = 5 * one_second + 1000000;
	cr_assert(eq(int, world_open_status(world.store, &options, &error), REPRISE_E_INVALID));
	cr_assert(strstr(error.what, "idle_purge_ns") != NULL, "%s", error.what);
	options.idle_purge_ns = 5 * one_second;
	cr_assert(eq(int, world_open_status(world.store, &options, &error), REPRISE_OK));
	options.idle_purge_ns = 0;
	cr_assert(eq(int, world_open_status(world.store, &options, &error), REPRISE_OK));
	world_end(&world);
	expect_no_leaks();
}

SQLITE_TEST(B07_proofs_that_contradict_each_other_are_refused)
{
	struct reprise_jetstream_options options = world_options(world);

	options.user = "u";
	expect_bad(world, &options, "password");
	options.password = "p";
	options.token = "t";
	expect_bad(world, &options, "token");
	options.token = NULL;
	options.credentials_file = "/dev/null";
	expect_bad(world, &options, "credentials_file");
	options.user = options.password = NULL;
	options.token = "t";
	struct reprise_error error;

	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_INVALID));
	options = world_options(world);
	options.password = "p";
	expect_bad(world, &options, "user");
	options = world_options(world);
	options.tls_certificate_file = "/dev/null";
	expect_bad(world, &options, "tls_key_file");
	options = world_options(world);
	options.tls_key_file = "/dev/null";
	expect_bad(world, &options, "tls_certificate_file");
}

SQLITE_TEST(B07_servers_that_are_no_URLs_are_refused)
{
	EXPECT_BAD(servers, "");
	EXPECT_BAD(servers, ",");
	EXPECT_BAD(servers, "nats://127.0.0.1:notaport");
	EXPECT_BAD(servers, "nats://127.0.0.1:99999");
	EXPECT_BAD(servers, "nats://u:p@127.0.0.1:99999");
	EXPECT_BAD(servers, "nats://u:\"@127.0.0.1");
}

SQLITE_TEST(B07_a_URL_with_a_user_needs_no_port)
{
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;

	options.servers = "nats://user:secret@127.254.1.1";
	options.deadline_ns = one_second / 4;
	cr_assert(ne(int, world_open_status(world->store, &options, &error), REPRISE_E_INVALID));
}

SQLITE_TEST(B07_proofs_that_the_NATS_library_cannot_send_are_refused)
{
	struct reprise_jetstream_options options = world_options(world);

	EXPECT_BAD(token, "a\"b");
	EXPECT_BAD(token, "a\r\nPUB x 1");
	options.user = "u";
	options.password = "a\\b";
	expect_bad(world, &options, "password");
	options.user = "u\n";
	options.password = "p";
	expect_bad(world, &options, "user");
}

static void
expect_missing(reprise_status status, const struct reprise_error *error, const char *name,
	       const char *call)
{
	cr_expect(eq(int, status, REPRISE_E_INVALID), "%s: %s", call, name);
	cr_expect(eq(str, (char *)error->what, (char *)name), "%s", call);
}

#define EXPECT_MISSING(call, name)                                      \
	do {                                                            \
		struct reprise_error error = { .size = sizeof(error) }; \
		const reprise_status status = (call);                   \
		expect_missing(status, &error, name, #call);            \
	} while (0)

SQLITE_TEST(B07_an_open_without_its_arguments_is_refused)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *writer = NULL;

	EXPECT_MISSING(reprise_jetstream_open(NULL, &options, &writer, &error), "store");
	EXPECT_MISSING(reprise_jetstream_open(world->store, &options, NULL, &error), "ret_writer");
	cr_assert(
		eq(int, reprise_jetstream_open(NULL, &options, &writer, NULL), REPRISE_E_INVALID));
	cr_assert(eq(ptr, writer, NULL));
	reprise_jetstream_close(NULL);
}

SQLITE_TEST(B09_appends_without_their_arguments_are_refused)
{
	struct reprise_jetstream *const writer = world->writer;
	struct reprise_jetstream_appended small = { .size = 3 };
	const struct reprise_bytes bytes = delta(1);
	const struct reprise_bytes none = { NULL, 5 };

	EXPECT_MISSING(reprise_jetstream_append(NULL, "t", NULL, bytes, NULL, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_append(writer, NULL, NULL, bytes, NULL, &error), "id");
	EXPECT_MISSING(reprise_jetstream_append(writer, "t", NULL, none, NULL, &error), "delta");
	EXPECT_MISSING(reprise_jetstream_append(writer, "t", NULL, bytes, &small, &error),
		       "ret_appended: size");
	EXPECT_MISSING(reprise_jetstream_append_async(NULL, "t", bytes, NULL, NULL, &error),
		       "writer");
	EXPECT_MISSING(reprise_jetstream_append_async(writer, NULL, bytes, NULL, NULL, &error),
		       "id");
	EXPECT_MISSING(reprise_jetstream_append_async(writer, "t", none, NULL, NULL, &error),
		       "delta");
	cr_assert(eq(u64, stats_of(writer).published, 0));
}

SQLITE_TEST(B10_flushes_and_saves_without_their_arguments_are_refused)
{
	struct reprise_jetstream *const writer = world->writer;
	struct reprise_jetstream_flushed small = { .size = 3 };
	struct reprise_jetstream_recovered few = { .size = 3 };
	const struct reprise_bytes document = text_bytes("{}");
	const struct reprise_bytes none = { NULL, 5 };

	EXPECT_MISSING(reprise_jetstream_flush(NULL, "t", NULL, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_flush(writer, NULL, NULL, &error), "id");
	EXPECT_MISSING(reprise_jetstream_flush(writer, "t", &small, &error), "ret_flushed: size");
	EXPECT_MISSING(reprise_jetstream_save(NULL, "t", NULL, document, 0, NULL, &error),
		       "writer");
	EXPECT_MISSING(reprise_jetstream_save(writer, NULL, NULL, document, 0, NULL, &error), "id");
	EXPECT_MISSING(reprise_jetstream_save(writer, "t", NULL, none, 0, NULL, &error),
		       "document");
	EXPECT_MISSING(reprise_jetstream_delete(NULL, "t", &error), "writer");
	EXPECT_MISSING(reprise_jetstream_delete(writer, NULL, &error), "id");
	EXPECT_MISSING(reprise_jetstream_recover(NULL, NULL, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_recover(writer, &few, &error), "ret_recovered: size");
}

static int32_t
see_none(const struct reprise_jetstream_dead *dead, void *context)
{
	(void)dead, (void)context;
	return 0;
}

SQLITE_TEST(B11_the_other_calls_without_their_arguments_are_refused)
{
	struct reprise_jetstream *const writer = world->writer;
	struct reprise_jetstream_stats stats = { .size = sizeof(stats) };
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	const struct reprise_bytes bytes = { NULL, 0 };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	EXPECT_MISSING(reprise_jetstream_create(NULL, "u", bytes, NULL, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_create(writer, NULL, bytes, NULL, &error), "id");
	EXPECT_MISSING(reprise_jetstream_load(NULL, "t", page, &document, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_load(writer, NULL, page, &document, &error), "id");
	EXPECT_MISSING(reprise_jetstream_load(writer, "t", NULL, &document, &error), "page");
	EXPECT_MISSING(reprise_jetstream_list(NULL, 0, 1, page, &list, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_list(writer, 0, 0, page, &list, &error), "limit");
	EXPECT_MISSING(reprise_jetstream_each_dead(NULL, 0, see_none, NULL, &error), "writer");
	EXPECT_MISSING(reprise_jetstream_each_dead(writer, 0, NULL, NULL, &error), "visitor");
	EXPECT_MISSING(reprise_jetstream_drop_dead(NULL, 1, &error), "writer");
	cr_assert(eq(int, reprise_jetstream_stats(NULL, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_jetstream_stats(writer, NULL), REPRISE_E_INVALID));
	stats.size = 3;
	cr_assert(eq(int, reprise_jetstream_stats(writer, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_jetstream_drop_dead(writer, 99, NULL), REPRISE_E_NOT_FOUND));
	reprise_thread_page_close(page);
}

SQLITE_TEST(B08_create_load_and_list_are_the_stores)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	char uid[REPRISE_THREAD_UID_BYTES];

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(
		eq(int,
		   reprise_jetstream_create(world->writer, "u", text_bytes("{\"a\":1}"), uid, NULL),
		   REPRISE_OK));
	cr_assert(eq(str, uid, (char *)uid_of(world->store, "u")));
	cr_assert(eq(int,
		     reprise_jetstream_create(world->writer, "u", text_bytes("{}"), NULL, NULL),
		     REPRISE_E_EXISTS));
	cr_assert(eq(int, reprise_jetstream_list(world->writer, 0, 9, page, &list, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, list.total, 2));
	append_to(world->writer, "u", delta(1));
	cr_assert(eq(int, reprise_jetstream_load(world->writer, "u", page, &document, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, document.version, 0), "a run shows what was flushed last");
	append_to(world->writer, "u", finish(2));
	cr_assert(eq(int, reprise_jetstream_load(world->writer, "u", page, &document, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, document.version, 2));
	cr_assert(eq(int, reprise_jetstream_load(world->writer, "v", page, &document, NULL),
		     REPRISE_E_NOT_FOUND));
	reprise_thread_page_close(page);
}
