/* SPDX-License-Identifier: MIT */
/* V99 and V100: the object of one session, and the counts of the session's clients. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/sessions.h>
#include <reprise/writer.h>

#include "client.h"
#include "gateway/gateway.h"
#include "gateway/sse.h"
#include "log_sqlite/scratch.h"

TestSuite(session_object, .fini = scratch_remove, .timeout = 60);

#define JSON "Content-Type: application/json\r\n"

enum {
	EVENT_BYTES = 256 << 10,
	EVENTS_MAX = 64,
};

static void
expect_piece(const struct reply *reply, const char *piece)
{
	cr_assert(strstr(reply->body, piece) != NULL, "'%s' is not in %s", piece, reply->body);
}

static struct reply
get(struct place *place, const char *target)
{
	const struct reply reply = ask(place, "GET", target, NULL, NULL);

	cr_assert(eq(int, reply.status, 200), "%s: %s", target, reply.body);
	return reply;
}

/* Whether the session's object has the piece, within 10 s. */
static bool
comes_piece(struct place *place, const char *piece)
{
	for (int ms = 0; ms < 10000; ms++) {
		if (strstr(get(place, "/v1/sessions/s").body, piece) != NULL)
			return true;
		usleep(1000);
	}
	return false;
}

static uint64_t
number_behind(const char *text, const char *piece)
{
	const char *const found = strstr(text, piece);

	cr_assert(found != NULL, "%s", piece);
	return strtoull(found + strlen(piece), NULL, 10);
}

/* Waits for a number of the session's object, for 10 s. */
static bool
comes_number(struct place *place, const char *name, uint64_t least, uint64_t most)
{
	for (int ms = 0; ms < 10000; ms++) {
		const uint64_t number = json_number(get(place, "/v1/sessions/s").body, name);

		if (number >= least && number <= most)
			return true;
		usleep(1000);
	}
	return false;
}

Test(session_object, V99_one_session_is_as_its_entry_of_the_list)
{
	struct place *const place = place_with_log();
	char object[2048];
	struct reply reply;

	(void)post(place, "a%2Fb", "1");
	(void)post(place, "c", "1");
	(void)ask(place, "POST", "/v1/sessions/c/end", JSON, "{\"status\":3}");
	snprintf(object, sizeof(object), "%s", get(place, "/v1/sessions/a%2Fb").body);
	cr_assert(eq(str, strrchr(object, '}'), "}\n"));
	*strrchr(object, '\n') = '\0';
	reply = get(place, "/v1/sessions");
	expect_piece(&reply, object);
	cr_assert(eq(str, (char *)json_text(object, "id"), "a/b"));
	reply = get(place, "/v1/sessions/c");
	expect_piece(&reply, "\"ended\":true,\"status\":3,");
	place_close(place);
}

Test(session_object, V99_an_object_has_the_bounds_of_the_window_and_the_life)
{
	struct place *const place = place_of_events(4, false);
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	char life[33];
	struct reply reply;

	for (int i = 0; i < 6; i++)
		(void)post(place, "s", "1");
	cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_OK));
	for (size_t i = 0; i < sizeof(stats.incarnation.bytes); i++)
		snprintf(life + 2 * i, 3, "%02x", stats.incarnation.bytes[i]);
	reply = get(place, "/v1/sessions/s");
	cr_assert(eq(u64, json_number(reply.body, "oldest"), stats.oldest));
	cr_assert(eq(u64, json_number(reply.body, "newest"), 6));
	cr_assert(eq(u64, json_number(reply.body, "retained"), stats.retained));
	cr_assert(eq(u64, json_number(reply.body, "retained"), 4));
	cr_assert(eq(u64, json_number(reply.body, "events_max"), 4));
	cr_assert(eq(u64, json_number(reply.body, "bytes_max"), stats.bytes_max));
	cr_assert(eq(str, (char *)json_text(reply.body, "incarnation"), life));
	/* The life is the one that cursors name. */
	reply = get(place, "/v1/sessions/s/cursor");
	cr_assert(strstr(reply.body, life) != NULL, "%s", reply.body);
	place_close(place);
}

Test(session_object, V99_a_session_of_the_log_alone_has_no_window)
{
	const struct place_setup setup = { .has_log = true };
	struct place *place = place_open(&setup);
	char cursor[700], life[33];
	struct reply reply;

	(void)post(place, "s", "1");
	(void)post(place, "s", "2");
	reply = get(place, "/v1/sessions/s/cursor");
	snprintf(cursor, sizeof(cursor), "%s", json_text(reply.body, "cursor"));
	snprintf(life, sizeof(life), "%.32s", cursor + 4);
	place_restart(place);
	reply = get(place, "/v1/sessions/s");
	expect_piece(&reply, "\"oldest\":1,\"newest\":2,\"recorded\":2,\"ended\":false,"
			     "\"status\":null,\"in_memory\":false,\"retained\":0,"
			     "\"events_max\":null,\"bytes_max\":null,\"has_writer\":false,"
			     "\"subscriptions\":0,\"hosts\":0,\"behind\":null,\"headroom\":null,"
			     "\"lost\":0,");
	cr_assert(eq(str, (char *)json_text(reply.body, "incarnation"), life));
	reply = get(place, "/v1/sessions");
	expect_piece(&reply, life);
	place_close(place);
}

Test(session_object, V99_a_session_that_is_not_there_is_unknown)
{
	for (int has_log = 0; has_log < 2; has_log++) {
		struct place *const place = has_log ? place_with_log() : place_without_log();
		struct reply reply = ask(place, "GET", "/v1/sessions/s", NULL, NULL);

		expect_error(&reply, 404, "unknown_session");
		(void)post(place, "s", "1");
		(void)get(place, "/v1/sessions/s");
		reply = ask(place, "HEAD", "/v1/sessions/s", NULL, NULL);
		cr_assert(eq(int, reply.status, 200));
		reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
		cr_assert(eq(int, reply.status, 204));
		reply = ask(place, "GET", "/v1/sessions/s", NULL, NULL);
		expect_error(&reply, 404, "unknown_session");
		reply = ask(place, "GET", "/v1/sessions/s?limit=1", NULL, NULL);
		expect_error(&reply, 400, "bad_query");
		place_close(place);
	}
}

/* The log has the session's life, and the life is void. */
Test(session_object, V99_a_session_whose_last_life_is_void_is_unknown)
{
	struct place *const place = place_with_log();
	struct reply reply = post(place, "s", "1");

	cr_assert(eq(int, reprise_sessions_invalidate(place->store), REPRISE_OK));
	reply = ask(place, "GET", "/v1/sessions/s", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	reply = get(place, "/v1/sessions");
	cr_assert(eq(ptr, strstr(reply.body, "\"s\""), NULL));
	(void)post(place, "s", "2");
	reply = get(place, "/v1/sessions/s");
	cr_assert(eq(u64, json_number(reply.body, "newest"), 2));
	place_close(place);
}

/* A conversation of the same tenant, for example. */
Test(session_object, V99_a_key_that_no_session_has_written_is_unknown)
{
	const struct reprise_log_key key = { "default", "s" };
	const struct reprise_log_new_entry entry = { .payload = reprise_bytes_from_string("1") };
	struct place *const place = place_with_log();
	struct reprise_log *const log = place_connect_log(place);
	struct reply reply;

	cr_assert(eq(int, reprise_log_append(log, &key, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
	reprise_log_close(log);
	reply = ask(place, "GET", "/v1/sessions/s", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	place_close(place);
}

/* A window that the runtime has created is a session, though the log has no key yet. */
Test(session_object, V99_a_session_without_an_event_is_told)
{
	struct place *const place = place_with_log();
	struct reprise_writer *writer;
	struct reply reply;

	cr_assert(eq(int, reprise_writer_open(place->store, "s", NULL, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	reply = get(place, "/v1/sessions/s");
	expect_piece(&reply, "\"oldest\":1,\"newest\":0,");
	expect_piece(&reply, "\"in_memory\":true,\"retained\":0,");
	place_close(place);
}

Test(session_object, V99_a_list_has_the_time)
{
	struct place *const place = place_without_log();
	const uint64_t before = (uint64_t)time(NULL) * 1000;
	const struct reply reply = get(place, "/v1/sessions");
	const uint64_t now = json_number(reply.body, "now_ms");

	cr_assert(ge(u64, now, before));
	cr_assert(le(u64, now, ((uint64_t)time(NULL) + 2) * 1000));
	place_close(place);
}

Test(session_object, V100_each_client_with_an_open_stream_is_counted)
{
	struct place *const place = place_without_log();
	struct client *streams[5];
	struct reply reply = post(place, "s", "1");

	streams[0] = stream_open(place, "/v1/sessions/s/events", NULL);
	streams[1] = stream_open(place, "/v1/sessions/s/events", NULL);
	streams[2] = stream_open(place, "/v1/sessions/s/events?kinds=7", NULL);
	streams[3] = stream_open(place, "/v1/sessions/s/events?frame=bare", NULL);
	streams[4] = stream_open(place, "/v1/sessions/other/events?wait=1", NULL);
	cr_assert(comes_piece(place, "\"hosts\":4,\"behind\":0,\"headroom\":"));
	/* A page is no stream, and a HEAD is none. */
	(void)get(place, "/v1/sessions/s/events?limit=1");
	(void)ask(place, "HEAD", "/v1/sessions/s/events", NULL, NULL);
	reply = get(place, "/v1/sessions");
	expect_piece(&reply, "\"hosts\":4,");
	for (int i = 0; i < 5; i++)
		client_close(streams[i]);
	cr_assert(comes_piece(place, "\"hosts\":0,\"behind\":null,\"headroom\":null,\"lost\":0,"));
	place_close(place);
}

Test(session_object, V100_a_client_of_a_durable_stream_is_counted)
{
	struct place *const place = place_with_log();
	struct client *stream;

	cr_assert(
		eq(int,
		   ask(place, "PUT", "/v1/stream/s", "Content-Type: text/plain\r\n", "one").status,
		   201));
	stream = stream_open(place, "/v1/stream/s?offset=-1&live=sse", NULL);
	cr_assert(comes_piece(place, "\"hosts\":1,"));
	client_close(stream);
	cr_assert(comes_piece(place, "\"hosts\":0,"));
	place_close(place);
}

static struct place *
place_of_large(void)
{
	static const struct reprise_session_options session = {
		.size = sizeof(session),
		.events_max = EVENTS_MAX,
		.bytes_max = UINT64_C(64) << 20,
		.age_ns_max = REPRISE_NO_LIMIT,
		.when_full = REPRISE_WHEN_FULL_OVERWRITE,
	};

	return place_open(&(struct place_setup){ .session = &session });
}

static void
append_large(struct place *place, int count)
{
	struct reprise_writer *writer;
	char *const payload = calloc(1, EVENT_BYTES);
	reprise_position position;

	cr_assert(payload != NULL);
	memset(payload, 'x', EVENT_BYTES);
	cr_assert(eq(int, reprise_writer_open(place->store, "s", NULL, &writer, NULL), REPRISE_OK));
	for (int i = 0; i < count; i++)
		cr_assert(eq(int,
			     reprise_append(writer, 0, 0, 0,
					    (struct reprise_bytes){ payload, EVENT_BYTES },
					    &position),
			     REPRISE_OK));
	reprise_writer_close(writer);
	free(payload);
}

static struct client *
open_slow(struct place *place)
{
	struct client *const client = client_prepare();

	client_take_little(client);
	client_connect(client, place);
	stream_begin(client, "/v1/sessions/s/events", NULL);
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "live");
	return client;
}

/* The number of events that a slow client has lost, as its gaps say. */
static uint64_t
read_losses(struct client *client, reprise_position newest)
{
	uint64_t lost = 0, at = 0;
	struct block block;

	while (at < newest) {
		cr_assert(stream_next(client, 10000, &block));
		if (block.event == NULL)
			continue;
		if (strcmp(block.event, "gap") == 0) {
			lost += json_number(block.data, "lost");
			at = json_number(block.data, "position");
		} else if (strcmp(block.event, "message") == 0) {
			at++;
		}
	}
	return lost;
}

/*
 * Appends until the next event of the slow client has left the window. The window has 16 MiB, more
 * than the sockets take, so the client is stuck after a few rounds; the loop reads in each.
 */
static void
append_beyond(struct place *place)
{
	struct reply reply;

	for (int round = 0; round < 100; round++) {
		append_large(place, EVENTS_MAX);
		reply = get(place, "/v1/sessions/s");
		if (json_number(reply.body, "headroom") == 0)
			return;
	}
	cr_assert(false, "%s", reply.body);
}

Test(session_object, V100_the_furthest_client_and_its_losses_are_told)
{
	struct place *const place = place_of_large();
	struct client *slow;
	struct reply reply;
	uint64_t behind, lost;
	char piece[64];

	cr_assert(eq(int, reprise_session_create(place->store, "s", NULL, NULL), REPRISE_OK));
	slow = open_slow(place);
	append_large(place, EVENTS_MAX);
	reply = get(place, "/v1/sessions/s");
	behind = json_number(reply.body, "behind");
	cr_assert(ge(u64, behind, 8));
	/* The next event may have a copy already. */
	cr_assert(ge(u64, behind + json_number(reply.body, "headroom"), EVENTS_MAX));
	cr_assert(le(u64, behind + json_number(reply.body, "headroom"), EVENTS_MAX + 1));
	append_beyond(place);
	reply = get(place, "/metrics");
	behind = number_behind(reply.body, "\nreprise_gateway_behind_events ");
	cr_assert(eq(u64, json_number(get(place, "/v1/sessions/s").body, "behind"), behind));
	cr_assert(ge(u64, behind, EVENTS_MAX));
	lost = read_losses(slow, json_number(get(place, "/v1/sessions/s").body, "newest"));
	cr_assert(gt(u64, lost, 0));
	snprintf(piece, sizeof(piece), "\"behind\":0,\"headroom\":%d,\"lost\":%llu,", EVENTS_MAX,
		 (unsigned long long)lost);
	cr_assert(comes_piece(place, piece), "%s: %s", piece, get(place, "/v1/sessions/s").body);
	client_close(slow);
	snprintf(piece, sizeof(piece), "\"behind\":null,\"headroom\":null,\"lost\":%llu,",
		 (unsigned long long)lost);
	cr_assert(comes_piece(place, piece), "%s: %s", piece, get(place, "/v1/sessions/s").body);
	cr_assert(eq(u64, place_stats(place).events_lost, lost));
	place_close(place);
}

Test(session_object, V100_a_client_that_was_displaced_is_the_furthest)
{
	struct place *const place = place_of_large();
	struct client *slow, *quick;
	struct reply reply;

	cr_assert(eq(int, reprise_session_create(place->store, "s", NULL, NULL), REPRISE_OK));
	slow = open_slow(place);
	quick = stream_open(place, "/v1/sessions/s/events", NULL);
	(void)stream_expect(quick, "hello");
	(void)stream_expect(quick, "live");
	for (int i = 0; i < EVENTS_MAX - 1; i++) {
		append_large(place, 1);
		(void)stream_expect(quick, "message");
	}
	cr_assert(eq(u64, place_stats(place).displaced, 1));
	reply = get(place, "/v1/sessions/s");
	cr_assert(eq(u64, json_number(reply.body, "hosts"), 2));
	cr_assert(ge(u64, json_number(reply.body, "behind"), 8));
	client_close(slow);
	cr_assert(comes_piece(place, "\"hosts\":1,\"behind\":0,"));
	client_close(quick);
	place_close(place);
}

/* Where bytes bind, the headroom is that of the bytes. */
Test(session_object, V100_the_headroom_is_of_events_or_of_bytes)
{
	const struct reprise_session_options session = {
		.size = sizeof(session),
		.events_max = 100000,
		.bytes_max = UINT64_C(32) << 20,
		.age_ns_max = REPRISE_NO_LIMIT,
		.when_full = REPRISE_WHEN_FULL_OVERWRITE,
	};
	struct place *const place = place_open(&(struct place_setup){ .session = &session });
	struct client *slow;

	cr_assert(eq(int, reprise_session_create(place->store, "s", NULL, NULL), REPRISE_OK));
	slow = open_slow(place);
	append_large(place, 100);
	cr_assert(comes_number(place, "behind", 8, 100));
	cr_assert(comes_number(place, "headroom", 1, 120));
	client_close(slow);
	place_close(place);
}

/* Memory is bounded: of sessions without a client the last losses are kept. */
Test(session_object, V100_the_losses_of_the_last_sessions_are_kept)
{
	struct reprise_gateway *const gateway = calloc(1, sizeof(*gateway));
	const struct sse_read read = { .lost = 3 };
	struct session_clients *clients;
	struct clients_link link = { .clients = NULL };
	char id[32];

	cr_assert(gateway != NULL);
	clients_open(&gateway->clients);
	for (int i = 0; i < CLIENTS_KEPT_MAX + 2; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		clients = clients_add(gateway, id);
		clients_count(gateway, clients, &read);
		clients_remove(gateway, &clients, &link);
		cr_assert(eq(ptr, (void *)clients, NULL));
	}
	cr_assert(eq(u64, clients_look(gateway, "s0").lost, 0));
	cr_assert(eq(u64, clients_look(gateway, "s1").lost, 0));
	cr_assert(eq(u64, clients_look(gateway, "s2").lost, 3));
	/* A session whose client comes again is not the oldest any more. */
	clients = clients_add(gateway, "s2");
	clients_remove(gateway, &clients, &link);
	clients = clients_add(gateway, "new");
	cr_assert(eq(u64, clients_look(gateway, "new").hosts, 1));
	clients_count(gateway, clients, &read);
	clients_remove(gateway, &clients, &link);
	cr_assert(eq(u64, clients_look(gateway, "s2").lost, 3));
	cr_assert(eq(u64, clients_look(gateway, "s3").lost, 0));
	/* A session without a loss is not kept. */
	clients = clients_add(gateway, "whole");
	clients_remove(gateway, &clients, &link);
	cr_assert(eq(u64, clients_look(gateway, "s4").lost, 3));
	clients_close(&gateway->clients);
	free(gateway);
}
