/* SPDX-License-Identifier: MIT */
/*
 * V65: tags of forks onto one name. V79: the second place of a stream's state, and the stream's
 * deletion. V80: requests that wait for a stream.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "durable_calls.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_review, .fini = scratch_remove, .timeout = 60);

enum {
	WAITING = 400,
	STACK_BYTES = 256 << 10,
	ASKS_MAX = 1000,
	ASK_PAUSE_US = 10000,
};

/* The number of blobs of more than a position. */
static int
count_blobs(const struct place *place)
{
	static const char query[] = "SELECT count(*) FROM blobs WHERE length(bytes) > 8";
	sqlite3_stmt *statement;
	sqlite3 *file;
	int blobs;

	cr_assert(eq(int, sqlite3_open(place->path, &file), SQLITE_OK));
	cr_assert(eq(int, sqlite3_prepare_v2(file, query, -1, &statement, NULL), SQLITE_OK), "%s",
		  sqlite3_errmsg(file));
	cr_assert(eq(int, sqlite3_step(statement), SQLITE_ROW));
	blobs = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(file);
	return blobs;
}

/* For 10 s at most. */
static void
await_blobs(const struct place *place, int blobs)
{
	for (int i = 0; i < ASKS_MAX && count_blobs(place) != blobs; i++)
		usleep(ASK_PAUSE_US);
	cr_assert(eq(int, count_blobs(place), blobs));
}

Test(durable_review, V79_a_deleted_stream_does_not_come_back_with_a_session_of_its_name)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	await_blobs(place, 1);
	remove_stream(place, "s");
	cr_expect(eq(int, count_blobs(place), 0));
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON_TYPE, "{\"of\":\"a session\"}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = get_stream(place, "s", "", 404);
	expect_error(&reply, 404, "unknown_stream");
	reply = ask(place, "POST", STREAM "s", TEXT_TYPE, "more");
	expect_error(&reply, 404, "unknown_stream");
	place_close(place);
}

Test(durable_review, V79_no_request_writes_to_the_key_of_the_states)
{
	struct place *const place = place_with_log();
	struct reply reply = ask(place, "PUT", STREAM "reprise/streams", TEXT_TYPE, "");

	expect_error(&reply, 400, "bad_session_id");
	reply = ask(place, "POST", "/v1/sessions/reprise%2Fstreams/events", JSON_TYPE, "1");
	expect_error(&reply, 400, "bad_session_id");
	put_stream(place, "s", TEXT_TYPE, "data");
	await_blobs(place, 1);
	reply = ask(place, "DELETE", "/v1/sessions/reprise%2Fstreams", NULL, NULL);
	expect_error(&reply, 400, "bad_session_id");
	reply = ask(place, "DELETE", STREAM "reprise/streams", NULL, NULL);
	expect_error(&reply, 400, "bad_session_id");
	cr_expect(eq(int, count_blobs(place), 1));
	place_close(place);
}

static void
put_fork(struct place *place, const char *id, const char *source)
{
	char fields[128];

	snprintf(fields, sizeof(fields), TEXT_TYPE "Stream-Forked-From: " STREAM "%s\r\n", source);
	put_stream(place, id, fields, NULL);
}

/* The positions are the same, and the data are not. */
Test(durable_review, V65_a_tag_of_a_fork_does_not_match_the_next_fork_of_the_name)
{
	struct place *const place = place_with_log();
	char fields[512];
	struct reply reply;
	const char *tag;
	int size;

	put_stream(place, "a", TEXT_TYPE, "aaa");
	put_stream(place, "b", TEXT_TYPE, "bbb");
	put_fork(place, "f", "a");
	reply = get_stream(place, "f", "?offset=-1", 200);
	tag = strstr(reply.head, "ETag: ");
	cr_assert(ne(ptr, (void *)tag, NULL));
	tag += strlen("ETag: ");
	size = (int)strcspn(tag, "\r");
	snprintf(fields, sizeof(fields), "If-None-Match: %.*s\r\n", size, tag);
	reply = ask(place, "GET", STREAM "f?offset=-1", fields, NULL);
	cr_expect(eq(int, reply.status, 304));
	remove_stream(place, "f");
	put_fork(place, "f", "b");
	reply = ask(place, "GET", STREAM "f?offset=-1", fields, NULL);
	cr_expect(eq(int, reply.status, 200));
	expect_body(&reply, "bbb");
	place_close(place);
}

/* The positions before belong to the stream that was deleted. */
Test(durable_review, V65_a_fork_of_a_stream_that_was_created_again_is_read_from_its_beginning)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "a", TEXT_TYPE, "old");
	remove_stream(place, "a");
	put_stream(place, "a", TEXT_TYPE, "new");
	put_fork(place, "f", "a");
	post_stream(place, "f", TEXT_TYPE, "more");
	reply = get_stream(place, "f", "?offset=-1", 200);
	expect_body(&reply, "newmore");
	put_fork(place, "g", "f");
	reply = get_stream(place, "g", "", 200);
	expect_body(&reply, "newmore");
	expect_field(&reply, "Stream-Up-To-Date", "true");
	place_close(place);
}

/* A session whose events are all archived has none to see. */
Test(durable_review, V81_a_fork_erases_no_session)
{
	struct place *place = place_with_log();
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	const struct place_setup setup = { .has_log = true };
	struct reprise_log *log;
	struct reply reply;

	put_stream(place, "a", TEXT_TYPE, "aaa");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON_TYPE, "[1,2,3]");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	archive_stream(place, "s", 1);
	place = place_reopen(place, &setup);
	reply = ask(place, "PUT", STREAM "s", TEXT_TYPE "Stream-Forked-From: " STREAM "a\r\n", "");
	expect_error(&reply, 409, "conflict");
	log = place_connect_log(place);
	cr_assert(eq(int, reprise_log_stats(log, &key, &stats, NULL), REPRISE_OK));
	cr_expect(eq(ulong, stats.head, 1));
	reprise_log_close(log);
	place_close(place);
}

/* Threads of this process have a small stack from here on, the gateway's among them. */
static void
take_small_stacks(void)
{
	pthread_attr_t attributes;

	cr_assert(eq(int, pthread_attr_init(&attributes), 0));
	cr_assert(eq(int, pthread_attr_setstacksize(&attributes, STACK_BYTES), 0));
	cr_assert(eq(int, pthread_setattr_default_np(&attributes), 0));
	pthread_attr_destroy(&attributes);
}

/* The first request holds the stream until the log is back; then all others are found at once. */
Test(durable_review, V80_requests_that_wait_for_a_stream_take_no_stack)
{
	static struct client *clients[WAITING];
	struct place_blockade *blockade;
	struct place *place;
	int created = 0;

	take_small_stacks();
	place = place_with_log();
	blockade = place_block_log(place);
	for (int i = 0; i < WAITING; i++) {
		clients[i] = client_open(place);
		client_request(clients[i], "PUT", STREAM "s", TEXT_TYPE, "");
	}
	await_requests(place, WAITING);
	place_unblock_log(blockade);
	for (int i = 0; i < WAITING; i++) {
		const struct reply reply = client_receive(clients[i]);

		cr_assert(reply.status == 200 || reply.status == 201, "%s%s", reply.head,
			  reply.body);
		created += reply.status == 201;
		client_close(clients[i]);
	}
	cr_expect(eq(int, created, 1));
	place_close(place);
}
