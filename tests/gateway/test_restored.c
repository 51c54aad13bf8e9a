/* SPDX-License-Identifier: MIT */
/* L57 over HTTP: a backup of the log is restored under a gateway. */
#include <stdio.h>
#include <unistd.h>

#include <reprise/recorder.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(restored, .fini = scratch_remove, .timeout = 60);

/* The next blocks are events with the ids of @first to @last. */
static void
expect_messages(struct client *client, reprise_position first, reprise_position last)
{
	for (reprise_position position = first; position <= last; position++) {
		const struct block block = stream_expect(client, "message");
		struct reprise_cursor cursor = { .session_id = "" };

		cr_assert(block.id != NULL, "%s", block.raw);
		cr_assert(eq(int, reprise_cursor_parse(block.id, strlen(block.id), &cursor, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, cursor.position, position), "%s", block.raw);
	}
}

/* Answers the id of the gap, at which a client goes on; valid until the next such call. */
static const char *
expect_gap(struct client *client, const char *code, reprise_position position)
{
	static char id[REPRISE_CURSOR_TEXT_BYTES_MAX];
	const struct block block = stream_expect(client, "gap");
	struct reprise_cursor cursor = { .session_id = "" };

	cr_assert(eq(str, (char *)json_text(block.data, "code"), (char *)code), "%s", block.raw);
	cr_assert(eq(u64, json_number(block.data, "position"), position), "%s", block.raw);
	cr_assert(eq(int, reprise_cursor_parse(block.id, strlen(block.id), &cursor, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, cursor.position, position), "%s", block.raw);
	snprintf(id, sizeof(id), "%s", block.id);
	return id;
}

static void
post_events(struct place *place, int count)
{
	for (int i = 0; i < count; i++)
		(void)post(place, "s", "{\"a\":1}");
}

/* A gateway of a runtime with six recorded events, of which the backup has four. */
static struct place *
open_past_backup(const char **ret_backup)
{
	struct place *const place = place_with_log();

	*ret_backup = scratch_path("backup.db");
	post_events(place, 4);
	scratch_copy(place->path, *ret_backup);
	post_events(place, 2);
	return place;
}

/*
 * The backup takes the place of the log's content. The note of the newest synced commit goes, as
 * the message of L03 says: workers open connections at any time.
 */
static void
restore(const struct place *place, const char *backup)
{
	char note[1400];

	scratch_copy(backup, place->path);
	snprintf(note, sizeof(note), "%s-lock", place->path);
	cr_assert(eq(int, truncate(note, 0), 0));
}

Test(restored, L57_a_stream_of_the_runtimes_gateway_goes_on_where_the_log_ends)
{
	const char *backup;
	struct place *const place = open_past_backup(&backup);
	struct client *const client = stream_open(place, "/v1/sessions/s/events?from=oldest", NULL);

	(void)stream_expect(client, "hello");
	expect_messages(client, 1, 6);
	(void)stream_expect(client, "live");
	restore(place, backup);
	/* The event leaves a hole in the log: it is not said to be recorded. */
	const struct reply reply = ask(place, "POST", "/v1/sessions/s/events",
				       "Content-Type: application/json\r\n", "{\"a\":2}");

	expect_error(&reply, 409, "taken_over");
	/* The stream may have handed out the event in between; it is beyond the gap, too. */
	struct block block;

	do
		cr_assert(stream_next(client, 10000, &block));
	while (block.event == NULL || strcmp(block.event, "gap") != 0);
	cr_assert(eq(str, (char *)json_text(block.data, "code"), "diverged"), "%s", block.raw);
	cr_assert(eq(u64, json_number(block.data, "position"), 4), "%s", block.raw);
	/* The next append begins a life after the end of the log. */
	const struct reply next = post(place, "s", "{\"a\":3}");

	cr_assert(eq(u64, json_number(next.body, "first"), 5), "%s", next.body);
	(void)expect_gap(client, "restart", 4);
	expect_messages(client, 5, 5);
	client_close(client);
	place_close(place);
}

Test(restored, L57_a_stream_over_the_log_alone_is_told_and_resumes_at_the_id_of_the_gap)
{
	const char *backup;
	struct place *const runtime = open_past_backup(&backup);
	const struct reprise_recorder_options reading = { .size = sizeof(reading),
							  .reads_only = 1 };
	const struct reprise_gateway_options options = { .size = sizeof(options), .reads_only = 1 };
	struct place *const place = place_open(&(struct place_setup){
		.has_log = true, .recorder = &reading, .gateway = &options });
	struct client *client = stream_open(place, "/v1/sessions/s/events?from=oldest", NULL);
	char fields[REPRISE_CURSOR_TEXT_BYTES_MAX + 32];

	(void)stream_expect(client, "hello");
	expect_messages(client, 1, 6);
	(void)stream_expect(client, "live");
	restore(runtime, backup);
	snprintf(fields, sizeof(fields), "Last-Event-ID: %s\r\n",
		 expect_gap(client, "diverged", 4));
	client_close(client);
	/* A client that comes back with this id waits for the next event, and loses none. */
	client = stream_open(place, "/v1/sessions/s/events", fields);
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "live");
	client_close(client);
	/* The first to close removes the log's files; the gateway that only reads needs none. */
	place_close(runtime);
	place_close(place);
}
