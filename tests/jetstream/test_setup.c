/* SPDX-License-Identifier: MIT */
/* B07: the streams and their settings. */
#include <stdio.h>

#include "deltas.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"
#define DEAD   "THREAD_DELTAS_DEAD"

SQLITE_TEST(B07_the_stream_is_made_as_the_rule_says)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	jsStreamInfo *const info = raw_info(&raw, STREAM);
	const jsStreamConfig *const is = info->Config;

	cr_assert(eq(int, is->SubjectsLen, 1));
	cr_assert(eq(str, (char *)is->Subjects[0], "thread.*.deltas"));
	cr_assert(eq(int, is->Retention, js_WorkQueuePolicy));
	cr_assert(eq(int, is->Storage, js_FileStorage));
	cr_assert(eq(int, is->Discard, js_DiscardNew));
	cr_assert(eq(i64, is->MaxAge, 0));
	cr_assert(eq(i64, is->MaxBytes, INT64_C(1) << 30));
	cr_assert(eq(i64, is->Replicas, 1));
	cr_assert(eq(i64, is->MaxMsgs, -1));
	cr_assert(eq(i64, is->MaxMsgsPerSubject, -1));
	cr_assert(eq(int, is->MaxMsgSize, -1));
	cr_assert(eq(i64, is->Duplicates, INT64_C(120000000000)));
	cr_assert(not(is->NoAck));
	jsStreamInfo_Destroy(info);
	raw_close(&raw);
}

SQLITE_TEST(B07_the_stream_of_dead_letters_is_made_as_the_rule_says)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	jsStreamInfo *const info = raw_info(&raw, DEAD);
	const jsStreamConfig *const is = info->Config;

	cr_assert(eq(int, is->SubjectsLen, 1));
	cr_assert(eq(str, (char *)is->Subjects[0], "thread-dead.*"));
	cr_assert(eq(int, is->Retention, js_LimitsPolicy));
	cr_assert(eq(int, is->Storage, js_FileStorage));
	cr_assert(eq(int, is->Discard, js_DiscardNew));
	cr_assert(eq(i64, is->MaxAge, 0));
	cr_assert(eq(i64, is->MaxBytes, INT64_C(1) << 30));
	jsStreamInfo_Destroy(info);
	raw_close(&raw);
}

SQLITE_TEST(B07_the_options_become_settings_of_the_streams)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	struct reprise_jetstream_options options = world_options(world);

	options.stream = "OTHER_1";
	options.subject = "other-1";
	options.max_bytes = 70000;
	options.max_age_ns = 250000000;
	reprise_jetstream_close(world_writer(world->store, &options));
	jsStreamInfo *const info = raw_info(&raw, "OTHER_1");

	cr_assert(eq(str, (char *)info->Config->Subjects[0], "other-1.*.deltas"));
	cr_assert(eq(i64, info->Config->MaxBytes, 70000));
	cr_assert(eq(i64, info->Config->MaxAge, 250000000));
	cr_assert(le(i64, info->Config->Duplicates, 250000000));
	jsStreamInfo_Destroy(info);
	jsStreamInfo *const dead = raw_info(&raw, "OTHER_1_DEAD");

	cr_assert(eq(str, (char *)dead->Config->Subjects[0], "other-1-dead.*"));
	cr_assert(eq(i64, dead->Config->MaxBytes, 70000));
	cr_assert(eq(i64, dead->Config->MaxAge, 0), "a dead letter stays");
	jsStreamInfo_Destroy(dead);
	raw_close(&raw);
}

SQLITE_TEST(B07_a_second_open_changes_nothing)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 3);
	struct reprise_jetstream *const other = world_writer(world->store, &options);

	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 3));
	cr_assert(eq(u64, append_new(other, 4), 4));
	reprise_jetstream_close(other);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 4));
	expect_books(world->store, "t", 4);
	raw_close(&raw);
}

static jsStreamConfig
usual(bool is_dead)
{
	static const char *const subjects[] = { "thread.*.deltas", "thread-dead.*" };
	jsStreamConfig settings;

	jsStreamConfig_Init(&settings);
	settings.Name = is_dead ? DEAD : STREAM;
	settings.Subjects = (const char **)&subjects[is_dead];
	settings.SubjectsLen = 1;
	settings.Retention = is_dead ? js_LimitsPolicy : js_WorkQueuePolicy;
	settings.Storage = js_FileStorage;
	settings.Discard = js_DiscardNew;
	settings.MaxBytes = INT64_C(1) << 30;
	settings.Replicas = 1;
	settings.Duplicates = INT64_C(120000000000);
	return settings;
}

/* Each is another setting than the usual one. */
enum other {
	OTHER_RETENTION,
	OTHER_STORAGE,
	OTHER_DISCARD,
	OTHER_MAX_AGE,
	OTHER_MAX_BYTES,
	OTHER_MAX_MSGS,
	OTHER_MAX_MSGS_PER_SUBJECT,
	OTHER_MAX_MSG_SIZE,
	OTHER_SUBJECTS,
	OTHER_MORE_SUBJECTS,
	OTHER_NO_ACK,
	OTHER_DENY_DELETE,
	OTHER_DENY_PURGE,
	OTHER_DUPLICATES,
	OTHER_MAX_CONSUMERS,
	OTHER_ROLLUP,
	OTHERS,
};

static const char *const names_of_others[OTHERS] = {
	[OTHER_RETENTION] = "retention",
	[OTHER_STORAGE] = "storage",
	[OTHER_DISCARD] = "discard",
	[OTHER_MAX_AGE] = "max_age",
	[OTHER_MAX_BYTES] = "max_bytes",
	[OTHER_MAX_MSGS] = "max_msgs",
	[OTHER_MAX_MSGS_PER_SUBJECT] = "max_msgs_per_subject",
	[OTHER_MAX_MSG_SIZE] = "max_msg_size",
	[OTHER_SUBJECTS] = "subjects",
	[OTHER_MORE_SUBJECTS] = "subjects",
	[OTHER_NO_ACK] = "no_ack",
	[OTHER_DENY_DELETE] = "deny_delete",
	[OTHER_DENY_PURGE] = "deny_purge",
	[OTHER_DUPLICATES] = "duplicate_window",
	[OTHER_MAX_CONSUMERS] = "max_consumers",
	[OTHER_ROLLUP] = "allow_rollup",
};

static void
set_limit(jsStreamConfig *settings, enum other other)
{
	if (other == OTHER_MAX_AGE)
		settings->MaxAge = INT64_C(3600000000000);
	else if (other == OTHER_MAX_BYTES)
		settings->MaxBytes = INT64_C(1) << 29;
	else if (other == OTHER_MAX_MSGS)
		settings->MaxMsgs = 100;
	else if (other == OTHER_MAX_MSGS_PER_SUBJECT)
		settings->MaxMsgsPerSubject = 10;
	else if (other == OTHER_MAX_MSG_SIZE)
		settings->MaxMsgSize = 1000;
	else if (other == OTHER_MAX_CONSUMERS)
		settings->MaxConsumers = 5;
	else
		settings->Duplicates = INT64_C(60000000000);
}

static void
set_subjects(jsStreamConfig *settings, bool is_dead, int count)
{
	static const char *const subjects[] = { "thread.x.deltas", "more", "thread-dead.x",
						"more.dead" };

	settings->Subjects = (const char **)&subjects[is_dead ? 2 : 0];
	settings->SubjectsLen = count;
}

static void
set_other(jsStreamConfig *settings, enum other other)
{
	const bool is_dead = settings->Retention == js_LimitsPolicy;

	if (other == OTHER_RETENTION)
		settings->Retention = is_dead ? js_WorkQueuePolicy : js_LimitsPolicy;
	else if (other == OTHER_STORAGE)
		settings->Storage = js_MemoryStorage;
	else if (other == OTHER_DISCARD)
		settings->Discard = js_DiscardOld;
	else if (other == OTHER_SUBJECTS || other == OTHER_MORE_SUBJECTS)
		set_subjects(settings, is_dead, other == OTHER_SUBJECTS ? 1 : 2);
	else if (other == OTHER_NO_ACK)
		settings->NoAck = true;
	else if (other == OTHER_DENY_DELETE)
		settings->DenyDelete = true;
	else if (other == OTHER_DENY_PURGE)
		settings->DenyPurge = true;
	else if (other == OTHER_ROLLUP)
		settings->AllowRollup = true;
	else
		set_limit(settings, other);
}

static void
expect_other_settings_told(struct world *world, bool is_dead)
{
	const struct reprise_jetstream_options options = world_options(world);

	reprise_jetstream_close(world->writer);
	world->writer = NULL;
	for (enum other other = 0; other < OTHERS; other++) {
		struct raw raw = raw_open(nats_server_url(world->server));
		jsStreamConfig settings = usual(is_dead);
		struct reprise_error error;

		set_other(&settings, other);
		raw_delete_stream(&raw, settings.Name);
		raw_add_stream(&raw, &settings);
		cr_expect(eq(int, world_open_status(world->store, &options, &error),
			     REPRISE_E_EXISTS),
			  "%s", names_of_others[other]);
		cr_expect(strstr(error.detail, names_of_others[other]) != NULL, "%s: \"%s\"",
			  names_of_others[other], error.detail);
		jsStreamInfo *const info = raw_info(&raw, settings.Name);

		cr_expect(eq(int, info->Config->Discard, settings.Discard), "nothing is changed");
		cr_expect(eq(i64, info->Config->MaxBytes, settings.MaxBytes), "nothing is changed");
		jsStreamInfo_Destroy(info);
		raw_close(&raw);
	}
}

SQLITE_TEST(B07_a_stream_of_other_settings_is_refused_by_the_settings_name)
{
	expect_other_settings_told(world, false);
}

SQLITE_TEST(B07_a_stream_of_dead_letters_of_other_settings_is_refused_by_the_settings_name)
{
	expect_other_settings_told(world, true);
}

SQLITE_TEST(B07_streams_of_the_usual_settings_that_somebody_else_has_made_are_taken)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));
	struct reprise_error error;

	for (int is_dead = 0; is_dead < 2; is_dead++) {
		jsStreamConfig settings = usual(is_dead != 0);

		raw_delete_stream(&raw, settings.Name);
		raw_add_stream(&raw, &settings);
	}
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	raw_close(&raw);
}

SQLITE_TEST(B07_another_limit_of_the_options_is_refused_by_name)
{
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;

	options.max_bytes = 70000;
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_EXISTS));
	cr_assert(strstr(error.detail, "max_bytes") != NULL, "%s", error.detail);
	options.max_bytes = 0;
	options.max_age_ns = one_second;
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_EXISTS));
	cr_assert(strstr(error.detail, "max_age") != NULL, "%s", error.detail);
	/* The name alone is another: the server does not let two streams have one subject. */
	options.max_age_ns = 0;
	options.stream = "OTHER";
	cr_assert(ne(int, world_open_status(world->store, &options, &error), REPRISE_OK));
}

SQLITE_TEST(B07_two_stores_share_a_server_under_other_names)
{
	struct reprise_jetstream_options options = world_options(world);

	options.stream = "OTHER";
	options.subject = "other";
	struct reprise_jetstream *const other = world_writer(world->store, &options);

	append_range(world->writer, 1, 3);
	cr_assert(eq(u64, append_new(other, 11), 1), "it does not see the other stream");
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	cr_assert(eq(u64, flush(other, "t").applied, 1));
	cr_assert(eq(u64, version_of(world->store, "t"), 4));
	expect_message(world->store, "t", 11, 1);
	reprise_jetstream_close(other);
}

SQLITE_TEST(B07_a_server_without_JetStream_is_told)
{
	static const struct nats_server_settings settings = { .has_no_jetstream = true };
	struct nats_server *const server = nats_server_start(&settings);
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;

	options.servers = nats_server_url(server);
	options.deadline_ns = 2 * one_second;
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_IO), "%s",
		  error.detail);
	cr_assert(ne(str, error.what, ""));
	nats_server_kill(server);
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_IO), "%s",
		  error.detail);
	cr_assert(ne(str, error.what, ""));
}

SQLITE_TEST(B07_one_server_of_several_is_enough)
{
	struct nats_server *const other = nats_server_start(NULL);
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;
	char urls[160];

	snprintf(urls, sizeof(urls), "%s,%s", nats_server_url(other),
		 nats_server_url(world->server));
	options.servers = urls;
	nats_server_kill(other);
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
}

SQLITE_TEST(B07_too_few_servers_for_the_replicas_are_told)
{
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;

	options.stream = "OTHER";
	options.subject = "other";
	options.replicas = 3;
	cr_assert(eq(int, world_open_status(world->store, &options, &error), REPRISE_E_IO));
	cr_assert(ne(str, error.detail, ""));
}
