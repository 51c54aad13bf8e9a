/* SPDX-License-Identifier: MIT */

/*
 * A log for tool_log.sh to look at: "notes", a DIRECT key whose payloads are hard to print, and
 * "session", whose window was too small for its recorder. Then, with "more", two events more of the
 * first; with "conversations", two conversations: "chat", and one of another tenant.
 *
 * Usage: tool_log_fill file PATH [more | conversations]
 *        tool_log_fill postgres CONNECTION [more | conversations]
 */

#include <stdio.h>
#include <string.h>

#include <reprise/conversation_upkeep.h>
#include <reprise/log_blob.h>
#include <reprise/recorder.h>
#include <reprise/session.h>

#ifdef TOOL_HAS_SQLITE
#include <reprise/log_sqlite.h>
#endif
#ifdef TOOL_HAS_POSTGRES
#include <reprise/log_postgres.h>
#endif

#define MUST(call)                                                                     \
	do {                                                                           \
		const reprise_status must = (call);                                    \
		if (must != REPRISE_OK) {                                              \
			fprintf(stderr, "%s: %s\n", #call, reprise_status_name(must)); \
			return 1;                                                      \
		}                                                                      \
	} while (0)

#define BYTES(text)                       \
	{                                 \
		(text), sizeof(text) - 1, \
	}

/* 2001-09-09 01:46:40 UTC, and so many nanoseconds. */
#define TIME_NS(ns) (UINT64_C(1000000000000000000) + (ns))

/* The greatest integer below which each integer is a double of its own. */
#define EXACT_IN_DOUBLES ((UINT64_C(1) << 53) - 1)

static reprise_status
open_log(const char *kind, const char *place, struct reprise_log **ret_log)
{
#ifdef TOOL_HAS_SQLITE
	const struct reprise_log_sqlite_options file = { .size = sizeof(file), .path = place };

	if (strcmp(kind, "file") == 0)
		return reprise_log_sqlite_open(&file, ret_log, NULL);
#endif
#ifdef TOOL_HAS_POSTGRES
	const struct reprise_log_postgres_options postgres = { .size = sizeof(postgres),
							       .connection = place };

	if (strcmp(kind, "postgres") == 0)
		return reprise_log_postgres_open(&postgres, ret_log, NULL);
#endif
	(void)kind;
	(void)place;
	(void)ret_log;
	return REPRISE_E_INVALID;
}

static int
fill_notes(struct reprise_log *log)
{
	const struct reprise_log_key key = { "default", "notes" };
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): the log's command must escape it */
	const struct reprise_log_key other = { "other", "their \"notes\"\xe2\x80\xae" };
	const struct reprise_log_new_entry entries[] = {
		{ .revision = 1, .time_ns = TIME_NS(1), .kind = 7, .payload = BYTES("plain") },
		{ .revision = 2,
		  .time_ns = TIME_NS(123456789),
		  .flags = REPRISE_EVENT_COMMIT | 0x300,
		  /* The log's command must escape it. */
		  /* NOLINTNEXTLINE(misc-misleading-bidirectional) */
		  .payload = BYTES("\"two\"\n\t\\ \x1b[31mred\x7f \xc2\x9b \xc3\xa9"
				   "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6") },
		{ .revision = EXACT_IN_DOUBLES,
		  .time_ns = TIME_NS(2),
		  .payload = BYTES("\xff\xfe\x00z") },
		{ .revision = UINT64_MAX - 1, .time_ns = TIME_NS(3), .kind = 65535 },
	};

	MUST(reprise_log_append(log, &key, NULL, entries, 4, NULL, NULL));
	MUST(reprise_log_append(log, &other, NULL, entries, 1, NULL, NULL));
	return 0;
}

static int
fill_more(struct reprise_log *log)
{
	const struct reprise_log_key key = { "default", "notes" };
	const struct reprise_log_new_entry entries[] = {
		{ .revision = EXACT_IN_DOUBLES + 1, .payload = BYTES("five") },
		{ .payload = BYTES("six") },
	};

	const struct reprise_log_key kept = { "default", "kept" };
	const struct reprise_bytes bytes = BYTES("bytes");

	MUST(reprise_log_append(log, &key, NULL, entries, 2, NULL, NULL));
	MUST(reprise_log_append(log, &kept, NULL, entries + 1, 1, NULL, NULL));
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): the log's command must escape it */
	MUST(reprise_log_blob_put(log, &kept, NULL, "its \"name\"\xe2\x80\xae", bytes, NULL));
	return 0;
}

/* A recorder that is asleep, in a window of eight. */
static int
fill_session(struct reprise_log *log)
{
	const struct reprise_session_options eight = { .size = sizeof(eight), .events_max = 8 };
	const struct reprise_recorder_options lingers = { .size = sizeof(lingers),
							  .linger_ns = UINT64_C(10000000000) };
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer;

	MUST(reprise_store_open(NULL, &store, NULL));
	MUST(reprise_recorder_open(store, log, &lingers, &recorder, NULL));
	MUST(reprise_writer_open(store, "session", &eight, &writer, NULL));
	for (int i = 0; i < 100000; i++)
		MUST(reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "event", 5 }, NULL));
	MUST(reprise_writer_end(writer, -3));
	reprise_writer_close(writer);
	MUST(reprise_recorder_close(recorder));
	MUST(reprise_store_close(store));
	return 0;
}

/* 2001-09-09 01:46:40 UTC, and so many milliseconds. */
#define TIME_MS(ms) (UINT64_C(1000000000000) + (ms))

static int
fill_chat(struct reprise_conversation *chat)
{
	const struct reprise_bytes output = { "output", 6 };
	struct reprise_decision decision;

	MUST(reprise_conversation_receive_message(chat, "m1", TIME_MS(1), &decision, NULL));
	MUST(reprise_conversation_record_processing_started(chat, "m1", NULL));
	MUST(reprise_conversation_record_step_completed(chat, "m1", 0, output, NULL));
	MUST(reprise_conversation_record_step_completed(chat, "m1", 1, output, NULL));
	MUST(reprise_conversation_record_processing_finished(chat, "m1", NULL));
	MUST(reprise_conversation_snapshot(chat, NULL));
	MUST(reprise_conversation_receive_message(chat, "m2", TIME_MS(2), &decision, NULL));
	MUST(reprise_conversation_record_processing_started(chat, "m2", NULL));
	MUST(reprise_conversation_record_step_completed(chat, "m2", UINT32_MAX, output, NULL));
	MUST(reprise_conversation_receive_message(chat, "\"m3\"", UINT64_MAX, &decision, NULL));
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): the program must escape it */
	MUST(reprise_conversation_record_error(chat, "\"m3\"", "no\x1b[31m\xe2\x80\xae", NULL));
	MUST(reprise_conversation_receive_message(chat, "m4", 0, &decision, NULL));
	MUST(reprise_conversation_snapshot(chat, NULL));
	MUST(reprise_conversation_record_step_completed(chat, "m5", 3, output, NULL));
	return 0;
}

static int
fill_conversations(struct reprise_log *log)
{
	const struct reprise_log_key key = { "default", "chat" };
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): the program must escape it */
	const struct reprise_log_key other = { "other", "chat\xe2\x80\xae" };
	struct reprise_conversation *chat = NULL;

	MUST(reprise_conversation_new(log, &key, NULL, &chat, NULL));
	if (fill_chat(chat) != 0)
		return 1;
	reprise_conversation_close(chat);
	MUST(reprise_conversation_new(log, &other, NULL, &chat, NULL));
	MUST(reprise_conversation_record_error(chat, "m", "", NULL));
	reprise_conversation_close(chat);
	return 0;
}

int
main(int argc, char **argv)
{
	struct reprise_log *log = NULL;
	int status;

	if (argc < 3)
		return 2;
	MUST(open_log(argv[1], argv[2], &log));
	if (argc > 3 && strcmp(argv[3], "conversations") == 0)
		status = fill_conversations(log);
	else if (argc > 3)
		status = fill_more(log);
	else
		status = fill_notes(log) != 0 || fill_session(log) != 0;
	reprise_log_close(log);
	return status;
}
