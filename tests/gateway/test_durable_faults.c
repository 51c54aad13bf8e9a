/* SPDX-License-Identifier: MIT */
/*
 * V82: the write side of durable streams, while the log is locked, memory is refused, clients
 * vanish, or the gateway goes down; and gateways that only read.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <reprise/session.h>

#include "bare_client.h"
#include "durable_client.h"
#include "event_memory.h"
#include "log_sqlite/scratch.h"
#include "refusal.h"

TestSuite(durable_faults, .fini = scratch_remove, .timeout = 120);

#define FORK_OF_S "Stream-Forked-From: /v1/stream/s\r\n"
#define CLOSED    "Stream-Closed: true\r\n"

static const struct reprise_recorder_options impatient = { .size = sizeof(impatient),
							   .retry_ns_max = 20000000,
							   .deadline_ns = 300000000 };
static const struct reprise_gateway_options short_wait = { .size = sizeof(short_wait),
							   .recorded_wait_ms = 300 };

static void
expect_503(const struct reply *reply)
{
	cr_assert(eq(int, reply->status, 503), "%s", reply->body);
	cr_assert(strstr(reply->body, "\"code\":\"not_recorded\"") != NULL ||
			  strstr(reply->body, "\"code\":\"log_unavailable\"") != NULL,
		  "%s", reply->body);
}

/* The same request until the log takes it: for 15 s. */
static struct reply
insist(struct place *place, const char *method, const char *id, const char *fields,
       const char *body)
{
	struct timespec begin, now;
	struct reply reply;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		reply = on_stream(place, method, id, fields, body);
		usleep(reply.status == 503 ? 10000 : 0);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (reply.status == 503 && now.tv_sec - begin.tv_sec < 15);
	return reply;
}

Test(durable_faults, V82_a_log_that_is_locked_refuses_and_a_retry_is_exact)
{
	const struct place_setup setup = { .has_log = true,
					   .recorder = &impatient,
					   .gateway = &short_wait };
	struct place *const place = place_open(&setup);
	struct place_blockade *blockade;
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	blockade = place_block_log(place);
	for (int i = 0; i < 5; i++) {
		reply = on_stream(place, "POST", "s", of_producer("p", 0, 0, NULL), "a");
		expect_503(&reply);
		reply = on_stream(place, "PUT", "new", TEXT, "x");
		expect_503(&reply);
		reply = on_stream(place, "PUT", "f", FORK_OF_S, NULL);
		expect_503(&reply);
		reply = on_stream(place, "POST", "s", of_producer("p", 0, 1, CLOSED), "b");
		expect_503(&reply);
	}
	expect_content(place, "s", "");
	place_unblock_log(blockade);
	reply = insist(place, "POST", "s", of_producer("p", 0, 0, NULL), "a");
	cr_assert(reply.status == 200 || reply.status == 204, "%s", reply.head);
	reply = insist(place, "POST", "s", of_producer("p", 0, 1, CLOSED), "b");
	cr_assert(reply.status == 200 || reply.status == 204, "%s", reply.head);
	reply = insist(place, "PUT", "new", TEXT, "x");
	cr_assert(reply.status == 200 || reply.status == 201, "%s", reply.head);
	reply = insist(place, "PUT", "f", FORK_OF_S, NULL);
	cr_assert(reply.status == 200 || reply.status == 201, "%s", reply.head);
	for (int i = 0; i < 2; i++) {
		expect_content(place, "s", "ab");
		expect_content(place, "new", "x");
		expect_content(place, "f", "ab");
		place_restart(place);
	}
	place_close(place);
}

Test(durable_faults, V82_a_deletion_without_the_log_is_tried_again)
{
	static const struct reprise_gateway_options options = { .size = sizeof(options),
								.recorded_wait_ms = 300 };
	const struct place_setup setup = { .has_log = true,
					   .recorder = &impatient,
					   .gateway = &options };
	struct place *const place = place_open(&setup);
	struct place_blockade *blockade;
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	create_stream(place, "f", FORK_OF_S, "2");
	blockade = place_block_log(place);
	reply = on_stream(place, "DELETE", "s", NULL, NULL);
	expect_503(&reply);
	reply = on_stream(place, "DELETE", "f", NULL, NULL);
	cr_assert(eq(int, reply.status, 503), "%s", reply.body);
	place_unblock_log(blockade);
	reply = insist(place, "DELETE", "f", NULL, NULL);
	cr_assert(reply.status == 204 || reply.status == 404, "%s", reply.head);
	reply = insist(place, "DELETE", "s", NULL, NULL);
	cr_assert(reply.status == 204 || reply.status == 404 || reply.status == 410, "%s",
		  reply.head);
	for (int i = 0; i < 1000 && on_stream(place, "GET", "s", NULL, NULL).status != 404; i++)
		usleep(10000);
	expect_status(place, "GET", "s", 404);
	expect_status(place, "GET", "f", 404);
	reply = insist(place, "PUT", "s", TEXT, "new");
	cr_assert(eq(int, reply.status, 201), "%s", reply.head);
	reply = insist(place, "PUT", "f", FORK_OF_S, "er");
	cr_assert(eq(int, reply.status, 201), "%s", reply.head);
	for (int i = 0; i < 2; i++) {
		expect_content(place, "f", "newer");
		place_restart(place);
	}
	place_close(place);
}

/* A scene: a request of the stream @n, its statuses, those of its repetition, and the content. */
struct scene {
	const char *before[2]; /* requests */
	const char *request, *content;
	int status, again;
};

#define LAST "Host: localhost\r\nConnection: close\r\n"
#define BODY "Content-Length: 1\r\n\r\nx"
#define NONE "Content-Length: 0\r\n\r\n"
#define PUT  "PUT /v1/stream/%s HTTP/1.1\r\n" LAST
#define POST "POST /v1/stream/%s HTTP/1.1\r\n" LAST TEXT
#define BY_P "Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n"

static const struct scene scenes[] = {
	{ { NULL }, PUT TEXT BODY, "x", 201, 200 },
	{ { NULL }, PUT CLOSED TEXT "Stream-TTL: 9\r\n" BODY, "x", 201, 200 },
	{ { PUT TEXT NONE }, POST BY_P BODY, "x", 200, 204 },
	{ { PUT TEXT BODY }, POST BY_P CLOSED BODY, "xx", 200, 204 },
	{ { PUT TEXT BODY }, POST CLOSED NONE, "x", 204, 204 },
	{ { PUT TEXT BODY }, "DELETE /v1/stream/%s HTTP/1.1\r\n" LAST "\r\n", NULL, 204, 404 },
	{ { PUT FORK_OF_S TEXT BODY },
	  "DELETE /v1/stream/%s HTTP/1.1\r\n" LAST "\r\n",
	  NULL,
	  204,
	  404 },
	{ { NULL }, PUT FORK_OF_S BODY, "sx", 201, 200 },
	{ { NULL }, PUT "Stream-Forked-From: /v1/stream/c\r\n" BODY, "cx", 201, 200 },
	{ { NULL },
	  PUT FORK_OF_S "Stream-Fork-Sub-Offset: 1\r\n"
			"Stream-Fork-Offset: 0000000000000000_0000000000000001\r\n" BODY,
	  "sx",
	  201,
	  200 },
};

static struct bare_reply
send_to(struct place *place, const char *format, const char *id)
{
	char request[600];

	snprintf(request, sizeof(request), format, id);
	return bare_ask(place, request, NULL);
}

/* Until the request has one of the statuses. */
static void
insist_on(struct place *place, const char *format, const char *id, int status, int again, int n)
{
	struct bare_reply reply;

	for (int i = 0;; i++) {
		reply = send_to(place, format, id);
		if (reply.status == status || reply.status == again)
			break;
		expect_refusal(&reply, n);
		cr_assert(lt(int, i, 1000), "%d: %s", n, reply.text);
		usleep(10000);
	}
}

static void
expect_scene(struct place *place, const struct scene *scene, const char *id, int n)
{
	const struct reply reply = on_stream(place, "GET", id, NULL, NULL);

	cr_assert(eq(int, reply.status, scene->content == NULL ? 404 : 200), "scene %td, %d: %s",
		  scene - scenes, n, reply.body);
	cr_assert(scene->content == NULL || strcmp(reply.body, scene->content) == 0,
		  "scene %td, %d: %s", scene - scenes, n, reply.body);
}

/* A session that was opened for the mark of a fork has ended again. */
static void
expect_end_again(struct place *place)
{
	struct reply reply;

	do
		reply = ask(place, "POST", "/v1/sessions/c/events", JSON, "1");
	while (reply.status == 503);
	expect_error(&reply, 409, "session_ended");
}

/* Runs the scene with one refused allocation. Answers whether one was refused. */
static bool
refuse_one(struct place *place, const struct scene *scene, const char *id, int n, int *failed)
{
	struct bare_reply reply;
	bool was_refused;

	for (int i = 0; i < 2 && scene->before[i] != NULL; i++)
		insist_on(place, scene->before[i], id, 201, 204, n);
	refusal_begin(n);
	reply = send_to(place, scene->request, id);
	was_refused = refusal_end();
	if (reply.status != scene->status) {
		expect_refusal(&reply, n);
		(*failed)++;
		expect_end_again(place);
	}
	insist_on(place, scene->request, id, scene->status, scene->again, n);
	expect_scene(place, scene, id, n);
	return was_refused;
}

/* The state of memory and the log agree, also when the log alone is left. */
static void
refuse_each(const struct scene *scene)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .writer_idle_ms = 1,
							 .workers = 1 };
	struct place *const place =
		place_open(&(struct place_setup){ .has_log = true, .gateway = &options });
	bool was_refused = true;
	int failed = 0, n = 0;
	char id[16];

	create_stream(place, "s", TEXT, "s");
	create_stream(place, "c", TEXT CLOSED, "c");
	while (was_refused) {
		n++;
		snprintf(id, sizeof(id), "n%d", n);
		was_refused = refuse_one(place, scene, id, n, &failed);
	}
	cr_assert(gt(int, n, 5));
	cr_assert(gt(int, failed, 0));
	cr_assert(eq(u64, place_stats(place).jobs, 0));
	place_restart(place);
	for (int i = 1; i <= n; i++) {
		snprintf(id, sizeof(id), "n%d", i);
		expect_scene(place, scene, id, i);
	}
	place_close(place);
	expect_no_leaks();
}

Test(durable_faults, V82_a_lack_of_memory_halves_nothing)
{
	refuse_event_memory();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		refuse_each(&scenes[i]);
}

/* Until nothing of the gateway is under way: for 10 s. */
static void
await_rest(struct place *place)
{
	for (int i = 0; i < 10000 && place_stats(place).jobs != 0; i++)
		usleep(1000);
	cr_assert(eq(u64, place_stats(place).jobs, 0));
}

static void
await_job(struct place *place)
{
	for (int i = 0; i < 10000 && place_stats(place).jobs == 0; i++)
		usleep(1000);
	cr_assert(gt(u64, place_stats(place).jobs, 0));
}

Test(durable_faults, V82_a_client_that_vanishes_in_the_body_appends_nothing)
{
	static const char *const methods[] = { "PUT", "POST" };
	struct place *const place = place_with_log();
	struct client *client;

	create_stream(place, "s", TEXT, "1");
	for (int i = 0; i < 4; i++) {
		client = client_open(place);
		send_on_stream(client, methods[i % 2], i % 2 == 0 ? "new" : "s",
			       TEXT "Content-Length: 9\r\n", NULL);
		client_send(client, "1234");
		if (i < 2)
			client_reset(client);
		else
			client_close(client);
	}
	send_text(place, "s", "2");
	expect_content(place, "s", "12");
	expect_status(place, "GET", "new", 404);
	place_close(place);
}

/* The writer's opening waits for the log. */
Test(durable_faults, V82_a_client_that_vanishes_before_the_writer_is_open_leaves_an_append_out)
{
	struct place *const place = place_of_few_sessions();
	struct place_blockade *blockade;
	struct client *client;

	create_stream(place, "s", TEXT, "1");
	for (int i = 0; i < 3; i++) {
		evict_window(place, "s");
		await_rest(place);
		client = client_open(place);
		blockade = place_block_log(place);
		send_on_stream(client, "POST", "s", TEXT, "no");
		await_job(place);
		client_reset(client);
		usleep(20000);
		place_unblock_log(blockade);
		await_rest(place);
		send_text(place, "s", "2");
	}
	expect_content(place, "s", "1222");
	place_close(place);
}

Test(durable_faults, V82_what_was_begun_is_completed_without_the_client)
{
	struct place *const place = place_that_lingers(200, 5000);
	struct client *client;

	create_stream(place, "s", TEXT, "1");
	for (int i = 0; i < 4; i++) {
		static const char *const ids[] = { "s", "new", "f", "s" };
		static const char *const methods[] = { "POST", "PUT", "PUT", "DELETE" };
		static const char *const fields[] = { TEXT, TEXT, FORK_OF_S, NULL };
		const uint64_t before = newest_of(place, "s");

		client = client_open(place);
		send_on_stream(client, methods[i], ids[i], fields[i], i == 3 ? NULL : "2");
		if (i == 0 || i == 2)
			await_newest(place, "s", before + 1);
		else if (i == 1)
			await_newest(place, "new", 2);
		else
			await_job(place);
		client_reset(client);
		await_rest(place);
		for (int j = 0; j < 1000 && i == 0 && events_in_log(place, "s") < 3; j++)
			usleep(10000);
	}
	for (int i = 0; i < 1000 && on_stream(place, "GET", "f", NULL, NULL).status != 200; i++)
		usleep(10000);
	expect_content(place, "new", "2");
	expect_content(place, "f", "122");
	for (int i = 0; i < 1000 && on_stream(place, "GET", "s", NULL, NULL).status != 410; i++)
		usleep(10000);
	expect_status(place, "GET", "s", 410);
	place_close(place);
	expect_no_leaks();
}

/* Requests of all kinds are under way: some appended, some behind a lock, some with a worker. */
static void
send_all_kinds(struct place *place, struct client **clients)
{
	static const struct {
		const char *method, *id, *fields, *body;
	} requests[] = {
		{ "PUT", "new", TEXT CLOSED, "x" }, { "PUT", "new", TEXT CLOSED, "x" },
		{ "POST", "new", TEXT, "x" },       { "POST", "s", TEXT, "x" },
		{ "POST", "s", TEXT CLOSED, "x" },  { "POST", "s", CLOSED, "" },
		{ "PUT", "f", FORK_OF_S, "x" },     { "PUT", "f", FORK_OF_S, "x" },
		{ "DELETE", "f", NULL, NULL },      { "DELETE", "s", NULL, NULL },
		{ "PUT", "s", TEXT, NULL },         { "GET", "new", NULL, NULL },
		{ "DELETE", "t", NULL, NULL },      { "POST", "t", TEXT, "x" },
		{ "PUT", "t", FORK_OF_S, NULL },    { "HEAD", "f", NULL, NULL },
	};

	for (size_t i = 0; i < 16; i++) {
		clients[i] = client_open(place);
		send_on_stream(clients[i], requests[i].method, requests[i].id, requests[i].fields,
			       requests[i].body);
		if (i % 4 == 3)
			usleep(2000);
	}
}

Test(durable_faults, V82_a_gateway_that_goes_down_leaves_nothing_behind)
{
	struct client *clients[16];

	for (int i = 0; i < 8; i++) {
		struct place *const place = place_that_lingers(i < 4 ? 100 : 1, 5000);
		struct place_blockade *blockade = NULL;

		create_stream(place, "s", TEXT, "1");
		create_stream(place, "t", FORK_OF_S, NULL);
		if (i % 2 == 1)
			blockade = place_block_log(place);
		send_all_kinds(place, clients);
		usleep((useconds_t)i * 3000);
		place_stop(place, 0);
		if (blockade != NULL)
			place_unblock_log(blockade);
		for (int j = 0; j < 16; j++)
			client_close(clients[j]);
		place_close(place);
	}
	expect_no_leaks();
}

Test(durable_faults, V82_a_gateway_that_only_reads_serves_streams_of_another_process)
{
	static const struct reprise_recorder_options reads = { .size = sizeof(reads),
							       .reads_only = 1 };
	static const struct reprise_gateway_options options = { .size = sizeof(options),
								.reads_only = 1 };
	const struct place_setup setup = { .has_log = true,
					   .recorder = &reads,
					   .gateway = &options };
	struct place *const place = place_with_log(), *const other = place_open(&setup);
	static const char *const methods[] = { "PUT", "POST", "DELETE" };
	struct reply reply;

	create_stream(place, "s", TEXT "Stream-TTL: 100\r\n", "1");
	expect_content(other, "s", "1");
	for (int i = 0; i < 3; i++) {
		send_text(place, "s", "2");
		reply = on_stream(other, methods[i], "s", TEXT, i == 2 ? NULL : "x");
		cr_assert(eq(int, reply.status, 405));
	}
	expect_content(other, "s", "1222");
	reply = on_stream(place, "POST", "s", CLOSED, "");
	cr_assert(eq(int, reply.status, 204));
	reply = on_stream(other, "GET", "s", NULL, NULL);
	expect_field(&reply, "Stream-Closed", "true");
	expect_status(place, "DELETE", "s", 204);
	expect_status(other, "GET", "s", 404);
	create_stream(place, "s", TEXT, "new");
	expect_content(other, "s", "new");
	/* The time is over, and who only reads removes nothing. */
	create_stream(place, "t", TEXT "Stream-TTL: 100\r\n", "1");
	expect_content(other, "t", "1");
	step_all_clocks(INT64_C(200000000000));
	expect_status(other, "GET", "t", 404);
	place_stop(other, 0);
	place_close(place);
	other->path = NULL;
	place_close(other);
}
