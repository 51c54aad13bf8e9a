/* SPDX-License-Identifier: MIT */
/* V77, V78: forks, and the deletion of streams. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "durable/state.h"
#include "durable_client.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_forks, .fini = scratch_remove, .timeout = 60);

#define CLOSED    "Stream-Closed: true\r\n"
#define FORK_OF_S "Stream-Forked-From: /v1/stream/s\r\n"

/* Until the stream has the status: for 10 s. */
static void
await_status(struct place *place, const char *id, int status)
{
	int found = 0;

	for (int i = 0; i < 1000 && found != status; i++) {
		found = on_stream(place, "GET", id, NULL, NULL).status;
		usleep(found == status ? 0 : 10000);
	}
	cr_assert(eq(int, found, status));
}

static struct reprise_log_key
key_of(const char *id)
{
	return (struct reprise_log_key){ "default", id };
}

/* Adds a control event to the stream, as a gateway that crashed has left it. */
static void
add_change(struct place *place, const char *id, struct durable_change *change)
{
	const struct reprise_bytes payload = { change->data, change->size };

	cr_assert(eq(int,
		     reprise_session_append(place->store, id, 0, DURABLE_KIND, 0, payload, NULL),
		     REPRISE_OK));
	durable_change_free(change);
}

static void
add_fork(struct place *place, const char *id, const char *fork)
{
	struct durable_change change = { 0 };

	durable_change_add_fork(&change, fork);
	add_change(place, id, &change);
}

Test(durable_forks, V77_a_copy_that_a_crash_has_left_is_no_stream)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	send_text(place, "s", "2");
	for (int i = 0; i < 2; i++) {
		const char *const id = i == 0 ? "f" : "g";
		const struct reprise_log_key from = key_of("s"), to = key_of(id);

		cr_assert(eq(int, reprise_log_fork(place->log, &from, &to, 3, NULL), REPRISE_OK));
		expect_status(place, "GET", id, 404);
		reply = on_stream(place, "POST", id, TEXT, "3");
		expect_error(&reply, 404, "unknown_stream");
	}
	/* The name is free, for a fork and for a stream. */
	create_stream(place, "f", FORK_OF_S, "3");
	expect_content(place, "f", "123");
	create_stream(place, "g", TEXT, "3");
	expect_content(place, "g", "3");
	place_restart(place);
	expect_content(place, "f", "123");
	expect_content(place, "g", "3");
	expect_content(place, "s", "12");
	place_close(place);
}

Test(durable_forks, V77_a_fork_has_the_data_and_nothing_else_of_its_source)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	reply = on_stream(place, "POST", "s", of_producer("p", 5, 0, "Stream-Seq: z\r\n" CLOSED),
			  "2");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	create_stream(place, "f", FORK_OF_S, NULL);
	place_restart(place);
	reply = on_stream(place, "POST", "f", of_producer("p", 0, 0, "Stream-Seq: a\r\n"), "3");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_content(place, "f", "123");
	expect_content(place, "s", "12");
	place_close(place);
}

/* A source that has ended takes its mark, and has ended again with the same status. */
Test(durable_forks, V77_a_closed_source_is_forked_and_stays_closed)
{
	struct place *const place = place_with_log();
	struct client *stream;
	struct block block;
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON, "{\"status\":7}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	for (int i = 0; i < 3; i++) {
		static const char *const ids[] = { "f", "g", "h" };

		create_stream(place, ids[i], FORK_OF_S, NULL);
		expect_content(place, ids[i], "1");
		reply = on_stream(place, "POST", "s", TEXT, "2");
		expect_error(&reply, 409, "stream_closed");
		stream = stream_open(place, "/v1/sessions/s/events", NULL);
		(void)stream_expect(stream, "hello");
		block = stream_expect(stream, "message");
		cr_assert(eq(str, (char *)block.data, "1"));
		do
			cr_assert(eq(int, stream_next(stream, 10000, &block), 1));
		while (block.event == NULL || strcmp(block.event, "end") != 0);
		cr_assert(strncmp(block.data, "{\"status\":7,", 12) == 0, "%s", block.raw);
		client_close(stream);
		place_restart(place);
	}
	place_close(place);
}

Test(durable_forks, V77_a_fork_of_itself_or_of_nothing_is_404)
{
	static const char *const sources[] = { "/v1/stream/f", "/v1/stream/nowhere",
					       "/v1/sessions/s", "s",
					       "http://localhost/v1/stream/f" };
	struct place *const place = place_with_log();
	char fields[128];
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	(void)post(place, "native", "1");
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		snprintf(fields, sizeof(fields), "Stream-Forked-From: %s\r\n", sources[i]);
		reply = on_stream(place, "PUT", "f", fields, NULL);
		expect_error(&reply, 404, "unknown_stream");
	}
	reply = on_stream(place, "PUT", "f", "Stream-Forked-From: /v1/stream/native\r\n", NULL);
	expect_error(&reply, 404, "unknown_stream");
	reply = on_stream(place, "PUT", "native", FORK_OF_S, NULL);
	expect_error(&reply, 409, "conflict");
	cr_assert(eq(u64, newest_of(place, "s"), 2)); /* no mark */
	place_close(place);
}

Test(durable_forks, V77_a_fork_that_is_refused_is_not_there)
{
	static const struct {
		const char *fields, *body, *code;
		int status;
	} cases[] = {
		{ TEXT, NULL, "conflict", 409 },
		{ "", "{", "bad_body", 400 },
		{ "Stream-Fork-Offset: now\r\n", NULL, "bad_field", 400 },
		{ "Stream-Fork-Offset: -1\r\n", NULL, "bad_field", 400 },
		{ "Stream-Fork-Offset: 0000000000000000_0000000000000009\r\n", NULL, "bad_offset",
		  400 },
		{ "Stream-Fork-Sub-Offset: 3\r\n"
		  "Stream-Fork-Offset: 0000000000000000_0000000000000002\r\n",
		  NULL, "bad_field", 400 },
		{ "Stream-Fork-Sub-Offset: -1\r\n", NULL, "bad_field", 400 },
	};
	struct place *const place = place_with_log();
	char fields[256];
	struct reply reply;

	create_stream(place, "s", JSON, "[1,2,3]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(fields, sizeof(fields), FORK_OF_S "%s", cases[i].fields);
		reply = on_stream(place, "PUT", "f", fields, cases[i].body);
		cr_assert(eq(int, reply.status, cases[i].status), "%zu: %s", i, reply.body);
		expect_error(&reply, cases[i].status, cases[i].code);
		expect_status(place, "GET", "f", 404);
	}
	create_stream(place, "f",
		      FORK_OF_S "Stream-Fork-Sub-Offset: 2\r\n"
				"Stream-Fork-Offset: 0000000000000000_0000000000000001\r\n",
		      "[9]");
	expect_content(place, "f", "[1,2,9]");
	expect_status(place, "DELETE", "s", 204);
	expect_status(place, "DELETE", "f", 204);
	await_status(place, "s", 404);
	place_close(place);
}

Test(durable_forks, V77_a_source_has_a_bounded_number_of_forks)
{
	struct place *const place = place_of_few_sessions();
	struct durable_change change = { 0 };
	struct reply reply;
	char name[16];

	create_stream(place, "s", TEXT, "1");
	evict_window(place, "s");
	for (int i = 1; i < DURABLE_FORKS_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		durable_change_add_fork(&change, name);
	}
	add_change(place, "s", &change);
	place_restart(place);
	create_stream(place, "f", FORK_OF_S, NULL);
	reply = on_stream(place, "PUT", "g", FORK_OF_S, NULL);
	expect_error(&reply, 429, "too_many_requests");
	expect_status(place, "GET", "g", 404);
	place_restart(place);
	send_text(place, "s", "2");
	expect_content(place, "f", "1");
	place_close(place);
}

/* The forks of the list were never made, or belong to another source by now. */
Test(durable_forks, V78_a_source_forgets_forks_that_do_not_exist)
{
	struct place *const place = place_of_few_sessions();

	create_stream(place, "other", TEXT, "1");
	create_stream(place, "s", TEXT, "1");
	evict_window(place, "s");
	add_fork(place, "s", "nowhere");
	add_fork(place, "s", "other");
	place_restart(place);
	expect_status(place, "DELETE", "s", 204);
	await_status(place, "s", 404);
	cr_assert(eq(u64, events_in_log(place, "s"), 0));
	create_stream(place, "s", TEXT, "new");
	expect_content(place, "other", "1");
	place_close(place);
}

/* A crash between the last fork's deletion and the source's. */
Test(durable_forks, V78_a_source_without_forks_goes_behind_a_restart)
{
	struct place *const place = place_of_few_sessions();
	struct durable_change change = { 0 };

	create_stream(place, "s", TEXT, "1");
	evict_window(place, "s");
	durable_change_gone(&change);
	add_change(place, "s", &change);
	place_restart(place);
	await_status(place, "s", 404);
	create_stream(place, "s", TEXT, "new");
	place_close(place);
}

Test(durable_forks, V78_a_deleted_source_is_kept_for_its_forks_and_goes_with_the_last)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	create_stream(place, "f", FORK_OF_S, NULL);
	create_stream(place, "g", "Stream-Forked-From: /v1/stream/f\r\n", "2");
	for (int i = 0; i < 2; i++) {
		expect_status(place, "DELETE", i == 0 ? "s" : "f", 204);
		place_restart(place);
		reply = on_stream(place, "GET", "s", NULL, NULL);
		expect_error(&reply, 410, "stream_gone");
		reply = on_stream(place, "POST", "s", TEXT, "2");
		expect_error(&reply, 410, "stream_gone");
		reply = on_stream(place, "PUT", "s", TEXT, NULL);
		expect_error(&reply, 409, "conflict");
		reply = on_stream(place, "PUT", "h", FORK_OF_S, NULL);
		expect_error(&reply, 409, "conflict");
	}
	expect_content(place, "g", "12");
	expect_status(place, "DELETE", "g", 204);
	/* The cascade is over with the answer. */
	expect_status(place, "GET", "f", 404);
	expect_status(place, "GET", "s", 404);
	cr_assert(eq(u64, events_in_log(place, "s"), 0));
	place_close(place);
}

Test(durable_forks, V78_a_deleted_stream_leaves_nothing_to_the_next_of_its_name)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	for (int i = 0; i < 3; i++) {
		reply = on_stream(place, "POST", "s", of_producer("p", 9, 0, "Stream-Seq: z\r\n"),
				  "old");
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		expect_status(place, "DELETE", "s", 204);
		expect_status(place, "DELETE", "s", 404);
		expect_status(place, "GET", "s", 404);
		reply = on_stream(place, "POST", "s", TEXT, "x");
		expect_error(&reply, 404, "unknown_stream");
		if (i == 1)
			place_restart(place);
		create_stream(place, "s", TEXT, NULL);
		expect_content(place, "s", "");
	}
	/* The data of a fork begin where the data of the source begin. */
	create_stream(place, "empty", FORK_OF_S, NULL);
	expect_content(place, "empty", "");
	send_text(place, "s", "1");
	create_stream(place, "f", FORK_OF_S, "2");
	for (int i = 0; i < 2; i++) {
		expect_content(place, "empty", i == 0 ? "" : "3");
		expect_content(place, "f", "12");
		place_restart(place);
		if (i == 0)
			send_text(place, "empty", "3");
	}
	place_close(place);
}

Test(durable_forks, V77_an_expired_fork_is_forgotten_by_its_source)
{
	struct place *const place = place_with_log();

	create_stream(place, "s", TEXT, "1");
	create_stream(place, "f", FORK_OF_S "Stream-TTL: 10\r\n", NULL);
	expect_status(place, "DELETE", "s", 204);
	expect_status(place, "GET", "s", 410);
	step_all_clocks(INT64_C(11000000000));
	await_status(place, "s", 404);
	cr_assert(eq(u64, events_in_log(place, "f"), 0));
	place_close(place);
}

/* A deletion and a fork of the same name at once: if the fork is there, its source knows. */
Test(durable_forks, V78_a_fork_that_is_deleted_and_made_anew_is_known_to_its_source)
{
	struct place *const place = place_with_log();
	struct client *const one = client_open(place), *const two = client_open(place);
	struct reply reply;
	int existed = 0;

	for (int i = 0; i < 15; i++) {
		create_stream(place, "s", TEXT, "1");
		create_stream(place, "f", FORK_OF_S, NULL);
		send_on_stream(one, "DELETE", "f", NULL, NULL);
		send_on_stream(two, "PUT", "f", FORK_OF_S, NULL);
		(void)client_receive(one);
		reply = client_receive(two);
		cr_assert(reply.status == 200 || reply.status == 201, "%s", reply.body);
		if (on_stream(place, "GET", "f", NULL, NULL).status == 200) {
			existed++;
			expect_status(place, "DELETE", "s", 204);
			expect_status(place, "GET", "s", 410);
			expect_status(place, "DELETE", "f", 204);
		} else {
			expect_status(place, "DELETE", "s", 204);
		}
		await_status(place, "s", 404);
	}
	cr_assert(gt(int, existed, 0));
	client_close(one);
	client_close(two);
	place_close(place);
}

#define ALL   "all-streams-token-1"
#define SOME  "some-streams-token-1"
#define ALLOW "Authorization: Bearer "

Test(durable_forks, V77_a_token_forks_what_the_token_may_read)
{
	static const char lines[] = ALL " default * admin\n" SOME " default mine/* admin\n";
	const char *const path = scratch_path("tokens");
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .token_file = path };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	FILE *const file = fopen(path, "w");
	struct place *place;
	struct reply reply;

	cr_assert(file != NULL);
	fputs(lines, file);
	fclose(file);
	cr_assert(eq(int, chmod(path, 0600), 0));
	place = place_open(&setup);
	create_stream(place, "s", ALLOW ALL "\r\n" TEXT, "1");
	create_stream(place, "mine/s", ALLOW SOME "\r\n" TEXT, "1");
	reply = on_stream(place, "PUT", "mine/f", ALLOW SOME "\r\n" FORK_OF_S, NULL);
	expect_error(&reply, 404, "unknown_stream");
	create_stream(place, "mine/f", ALLOW SOME "\r\nStream-Forked-From: /v1/stream/mine/s\r\n",
		      NULL);
	create_stream(place, "g", ALLOW ALL "\r\n" FORK_OF_S, NULL);
	place_close(place);
}
