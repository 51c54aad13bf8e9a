/* SPDX-License-Identifier: MIT */
/*
 * V23: each code of the table of errors, got by a client before a stream begins. The other files of
 * the suite have the codes that are not here.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(codes, .fini = scratch_remove, .timeout = 60);

#define JSON "Content-Type: application/json\r\n"

/* Until so many jobs wait: for 10 s. A look at the recorder may be one more. */
static void
await_jobs(struct place *place, uint64_t wanted)
{
	for (int i = 0; i < 10000 && place_stats(place).jobs < wanted; i++)
		usleep(1000);
	cr_assert(ge(u64, place_stats(place).jobs, wanted));
}

Test(codes, V23_a_bad_id_and_a_bad_cursor_are_told_apart)
{
	static const char *const ids[] = { "%00", "%ff", "a%0Ab", "%ed%a0%80" };
	struct place *const place = place_without_log();
	struct reply reply = post(place, "s", "1");
	char target[400], cursor[300];

	snprintf(cursor, sizeof(cursor), "%s", json_text(reply.body, "cursor"));
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		snprintf(target, sizeof(target), "/v1/sessions/%s/events", ids[i]);
		reply = ask(place, "GET", target, NULL, NULL);
		expect_error(&reply, 400, "bad_session_id");
		reply = ask(place, "POST", target, JSON, "1");
		expect_error(&reply, 400, "bad_session_id");
	}
	reply = ask(place, "GET", "/v1/sessions/s/events?cursor=rp1.x", NULL, NULL);
	expect_error(&reply, 400, "malformed_cursor");
	reply = ask(place, "GET", "/v1/sessions/s/events", "Last-Event-ID: 7\r\n", NULL);
	expect_error(&reply, 400, "malformed_cursor");
	(void)post(place, "t", "1");
	snprintf(target, sizeof(target), "/v1/sessions/t/events?cursor=%s", cursor);
	reply = ask(place, "GET", target, NULL, NULL);
	expect_error(&reply, 400, "wrong_session");
	place_close(place);
}

Test(codes, V23_the_servers_own_limits_have_their_codes)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .body_bytes_max = 100 };
	struct place *const place = place_open(&(struct place_setup){ .gateway = &options });
	char fields[6000], body[200] = "";
	struct reply reply;

	memset(body, '1', sizeof(body) - 1);
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, body);
	expect_error(&reply, 413, "http_body_too_large");
	snprintf(fields, sizeof(fields), JSON "X: %5500d\r\n", 0);
	reply = ask(place, "GET", "/healthz", fields, NULL);
	cr_assert(eq(int, reply.status, 200));
	for (size_t i = 0; i < 300; i++)
		memcpy(fields + i * strlen("A: b\r\n"), "A: b\r\n", sizeof("A: b\r\n"));
	reply = ask(place, "GET", "/healthz", fields, NULL);
	expect_error(&reply, 431, "http_too_many_fields");
	reply = ask(place, "GET", "/healthz", "Host: b\r\n", NULL);
	expect_error(&reply, 400, "http_field_twice");
	reply = ask(place, "BREW", "/healthz", NULL, NULL);
	expect_error(&reply, 501, "http_method_unknown");
	place_close(place);
}

Test(codes, V23_more_requests_than_a_peer_may_send_are_429)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .requests_per_second_max = 1 };
	struct place *const place = place_open(&(struct place_setup){ .gateway = &options });
	struct reply reply;

	do
		reply = ask(place, "GET", "/healthz", NULL, NULL);
	while (reply.status == 200);
	expect_error(&reply, 429, "http_too_many_requests");
	cr_assert(reply_field(&reply, "Retry-After") != NULL);
	place_close(place);
}

Test(codes, V23_an_append_whose_life_goes_is_410)
{
	const struct reprise_recorder_options recorder = { .size = sizeof(recorder),
							   .retry_ns_max = 50000000,
							   .deadline_ns = 300000000 };
	struct place *const place =
		place_open(&(struct place_setup){ .has_log = true, .recorder = &recorder });
	struct place_blockade *blockade;
	struct client *const client = client_open(place);
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reply reply = post(place, "s", "1");

	blockade = place_block_log(place);
	client_request(client, "POST", "/v1/sessions/s/events", JSON, "2");
	for (int i = 0; i < 10000 && stats.newest != 2; i++) {
		usleep(1000);
		cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_OK));
	}
	cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_E_TIMEOUT));
	reply = client_receive(client);
	expect_error(&reply, 410, "invalidated");
	cr_assert(strstr(reply.body, "first 2, last 2") != NULL, "%s", reply.body);
	place_unblock_log(blockade);
	client_close(client);
	place_close(place);
}

/* Another runtime goes on with the session: the window is void, and the append with the window. */
Test(codes, V23_an_append_to_a_session_that_another_runtime_took_is_410)
{
	struct place *const place = place_with_log();
	struct reprise_log *const log = place_connect_log(place);
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer;
	struct reply reply = post(place, "s", "1");

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "2");
	expect_error(&reply, 410, "invalidated");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	place_close(place);
}

/* Another runtime holds a lease: no worker waits for the lease's end. */
Test(codes, V17_a_session_that_another_runtime_has_leased_is_409_at_once)
{
	const struct reprise_recorder_options leasing = { .size = sizeof(leasing),
							  .lease_ns = 3600000000000 },
					      refusing = { .size = sizeof(refusing),
							   .refuses_leased = 1 };
	struct place *const place =
		place_open(&(struct place_setup){ .has_log = true, .recorder = &refusing });
	struct reprise_log *const log = place_connect_log(place);
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer;
	struct reply reply;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	cr_assert(
		eq(int, reprise_recorder_open(store, log, &leasing, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "1");
	expect_error(&reply, 409, "session_busy");
	cr_assert(strstr(reply.body, "\"detail\":null") == NULL, "%s", reply.body);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	place_close(place);
}

Test(codes, V23_a_store_without_room_is_503)
{
	const struct place_setup setup = { .sessions_max = 1 };
	struct place *const place = place_open(&setup);
	struct reply reply = post(place, "a", "1");

	reply = ask(place, "POST", "/v1/sessions/b/events", JSON, "1");
	expect_error(&reply, 503, "store_full");
	cr_assert(reply_field(&reply, "Retry-After") != NULL);
	place_close(place);
}

/* A log that is damaged is no fault of the client, and no fault that goes by itself. */
static reprise_status
find_damage(void *place, struct reprise_log **ret_log, struct reprise_error *error)
{
	(void)place;
	(void)error;
	*ret_log = NULL;
	return REPRISE_E_CORRUPT;
}

Test(codes, V23_a_damaged_log_is_500)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .open_log = find_damage };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reply reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "1");

	expect_error(&reply, 500, "internal");
	reply = ask(place, "GET", "/v1/sessions/s/events", NULL, NULL);
	expect_error(&reply, 500, "internal");
	place_close(place);
}

/* Windows that nobody holds make room, and the log has their events. */
Test(codes, V18_idle_sessions_of_the_log_keep_nobody_out)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .sessions_max = 2,
							 .writer_idle_ms = 1 };
	const struct place_setup setup = { .has_log = true,
					   .gateway = &options,
					   .sessions_max = 2 };
	struct place *const place = place_open(&setup);
	struct reply reply;
	char target[64];

	for (int i = 0; i < 6; i++) {
		snprintf(target, sizeof(target), "/v1/sessions/s%d/events", i);
		/* Until a writer is closed, all sessions are in use. */
		for (int ms = 0; ms < 10000; ms++) {
			reply = ask(place, "POST", target, JSON, "7");
			if (reply.status != 429)
				break;
			usleep(1000);
		}
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	}
	for (int i = 0; i < 6; i++) {
		snprintf(target, sizeof(target), "/v1/sessions/s%d/events?limit=9", i);
		reply = ask(place, "GET", target, NULL, NULL);
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		cr_assert(strstr(reply.body, "\"data\":7") != NULL, "%s", reply.body);
	}
	place_close(place);
}

/* A log whose opening waits until the test lets go. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static reprise_status
wait_to_open(void *place, struct reprise_log **ret_log, struct reprise_error *error)
{
	(void)place;
	(void)error;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	*ret_log = NULL;
	return REPRISE_E_IO;
}

Test(codes, V18_more_work_than_may_wait_is_429)
{
	enum {
		WORK_MAX = 1024
	};
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .connections_per_peer_max = 3000,
							 .open_log = wait_to_open };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct client *clients[WORK_MAX];
	struct rlimit files;
	struct place *place;
	struct reply reply;
	char target[64];

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	pthread_mutex_lock(&gate);
	place = place_open(&setup);
	for (int i = 0; i < WORK_MAX; i++) {
		snprintf(target, sizeof(target), "/v1/sessions/s%d/cursor", i);
		clients[i] = client_open(place);
		client_request(clients[i], "GET", target, NULL, NULL);
	}
	await_jobs(place, WORK_MAX);
	reply = ask(place, "POST", "/v1/sessions/t/events", JSON, "1");
	expect_error(&reply, 429, "too_many_requests");
	cr_assert(reply_field(&reply, "Retry-After") != NULL);
	reply = ask(place, "DELETE", "/v1/sessions/t", NULL, NULL);
	expect_error(&reply, 429, "too_many_requests");
	reply = ask(place, "GET", "/healthz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < WORK_MAX; i++) {
		reply = client_receive(clients[i]);
		expect_error(&reply, 503, "log_unavailable");
		client_close(clients[i]);
	}
	place_close(place);
}
