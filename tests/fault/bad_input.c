/* SPDX-License-Identifier: MIT */

/*
 * Bad input to every public function: each pointer NULL in turn, each id that is none, each
 * option out of its range. Each row is answered clearly, names what was wrong, makes no call,
 * and changes nothing.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix.h"
#include "world.h"

enum {
	ROWS_MAX = 512,
};

static struct world world;
static struct snapshot before;
static struct reprise_error error;
static const char *functions[ROWS_MAX];
static size_t rows;

static void
next_row(void)
{
	static const struct plan none;

	memset(&error, 0, sizeof(error));
	error.size = sizeof(error);
	memset(&world.out, OUT_UNTOUCHED, sizeof(world.out));
	fault_arm(&none);
}

/* The row of @function is over: what it has answered, and what is named as wrong, if it can be. */
static void
refused(const char *function, int line, reprise_status status, reprise_status expected,
	const char *what)
{
	struct out untouched;

	fault_disarm();
	fault_say("%s, bad input of line %d", function, line);
	CHECK(status == expected && (status == REPRISE_OK || fault_count_all() == 0));
	CHECK(what == NULL || (error.status == expected && strcmp(error.what, what) == 0));
	memset(&untouched, OUT_UNTOUCHED, sizeof(untouched));
	/* Every byte was set, padding, too. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	CHECK(memcmp(&world.out, &untouched, sizeof(untouched)) == 0);
	world_is_unchanged(&world, &before);
	CHECK(rows < ROWS_MAX);
	functions[rows++] = function;
	next_row();
}

#define ANSWERS(status, what, function, ...) \
	refused(#function, __LINE__, function(__VA_ARGS__), (status), (what))
#define REFUSES(function, ...)     ANSWERS(REPRISE_E_INVALID, NULL, function, __VA_ARGS__)
#define NAMES(what, function, ...) ANSWERS(REPRISE_E_INVALID, what, function, __VA_ARGS__)
#define ALLOWS(function, ...)      ANSWERS(REPRISE_OK, NULL, function, __VA_ARGS__)
#define ALLOWS_VOID(function, ...) \
	(function(__VA_ARGS__), refused(#function, __LINE__, REPRISE_OK, REPRISE_OK, NULL))

/* In a child, where the check comes before it is found out that it is one. */
static bool
is_abort(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#define ABORTS(function, ...)                                                                \
	do {                                                                                 \
		const pid_t child = fork();                                                  \
		int status = 0;                                                              \
		if (child == 0) {                                                            \
			(void)!function(__VA_ARGS__);                                        \
			_exit(0);                                                            \
		}                                                                            \
		CHECK(child > 0 && waitpid(child, &status, 0) == child);                     \
		refused(#function, __LINE__, is_abort(status) ? REPRISE_OK : -1, REPRISE_OK, \
			NULL);                                                               \
	} while (0)

static const char *const bad_ids[] = { NULL, "", "a\nb", "\x7f", "\xff", "\xc3", "\xed\xa0\x80" };
static char long_id[REPRISE_SESSION_ID_BYTES_MAX + 2];

static struct reprise_cursor
cursor_with(const char *id)
{
	struct reprise_cursor cursor = world.beginning;

	memset(cursor.session_id, 0, sizeof(cursor.session_id));
	memcpy(cursor.session_id, id, strnlen(id, sizeof(cursor.session_id)));
	return cursor;
}

#define UNNAMED(type)                                                                       \
	do {                                                                                \
		CHECK(strcmp(reprise_##type##_name((reprise_##type) - 1), "unknown") == 0); \
		refused("reprise_" #type "_name", __LINE__, REPRISE_OK, REPRISE_OK, NULL);  \
		CHECK(strcmp(reprise_##type##_text((reprise_##type)99), "unknown") == 0);   \
		refused("reprise_" #type "_text", __LINE__, REPRISE_OK, REPRISE_OK, NULL);  \
	} while (0)

static void
of_base(void)
{
	CHECK(strcmp(reprise_status_name((reprise_status)1), "unknown status") == 0);
	refused("reprise_status_name", __LINE__, REPRISE_OK, REPRISE_OK, NULL);
	CHECK(strcmp(reprise_status_text((reprise_status)-22), "unknown status") == 0);
	refused("reprise_status_text", __LINE__, REPRISE_OK, REPRISE_OK, NULL);
	UNNAMED(durability);
	UNNAMED(gap_reason);
	UNNAMED(gap_detail);
	UNNAMED(outcome);
	UNNAMED(end_cause);
	CHECK(reprise_version() != NULL); /* takes nothing */
	refused("reprise_version", __LINE__, REPRISE_OK, REPRISE_OK, NULL);
}

static void
of_cursors(void)
{
	struct out *const out = &world.out;
	const struct reprise_cursor *const good = &world.beginning;
	const struct reprise_cursor endless = cursor_with(long_id), empty = cursor_with("");

	NAMES("text", reprise_cursor_parse, NULL, 3, &out->cursor, &error);
	NAMES("ret_cursor", reprise_cursor_parse, "x", 1, NULL, &error);
	REFUSES(reprise_cursor_parse, NULL, 0, NULL, NULL);
	ANSWERS(REPRISE_E_MALFORMED_CURSOR, "", reprise_cursor_parse, "", 0, &out->cursor, &error);
	NAMES("cursor", reprise_cursor_format, NULL, out->text, 512, &out->text_bytes, &error);
	NAMES("ret_text", reprise_cursor_format, good, NULL, 512, &out->text_bytes, &error);
	NAMES("cursor: session_id", reprise_cursor_format, &empty, out->text, 512, NULL, &error);
	NAMES("cursor: session_id", reprise_cursor_format, &endless, out->text, 512, NULL, &error);
	REFUSES(reprise_cursor_format, NULL, NULL, 0, NULL, NULL);
	ANSWERS(REPRISE_E_TOO_LARGE, "", reprise_cursor_format, good, out->text, 0,
		&out->text_bytes, &error);
	NAMES("cursor", reprise_cursor_check_session, NULL, "s", &error);
	NAMES("cursor: session_id", reprise_cursor_check_session, &endless, "s", &error);
	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++)
		NAMES("session_id", reprise_cursor_check_session, good, bad_ids[i], &error);
	NAMES("session_id", reprise_cursor_check_session, good, long_id, &error);
	REFUSES(reprise_cursor_check_session, NULL, NULL, NULL);
}

/* Options of a session, by the two calls that take them. */
static void
bad_bounds(const char *what, struct reprise_session_options bounds)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &bounds };

	NAMES(what, reprise_store_open, &options, &world.out.store, &error);
	NAMES(what, reprise_writer_open, world.store, "s", &bounds, &world.out.writer, &error);
	NAMES(what, reprise_writer_open, world.store, "new", &bounds, &world.out.writer, &error);
}

static void
bad_options(const char *what, struct reprise_store_options options)
{
	NAMES(what, reprise_store_open, &options, &world.out.store, &error);
}

static void
of_opening(void)
{
	const size_t size = sizeof(struct reprise_session_options);
	const size_t store_size = sizeof(struct reprise_store_options);
	const struct reprise_allocator whole = fault_hooks();
	struct reprise_allocator half[4] = { whole, whole, whole, whole };

	half[0].allocate = NULL;
	half[1].release = NULL;
	half[2].map = NULL;
	half[3].unmap = NULL;
	for (size_t i = 0; i < 4; i++)
		bad_options("allocator", (struct reprise_store_options){ .size = store_size,
									 .allocator = &half[i] });
	bad_bounds("session options: size", (struct reprise_session_options){ .size = 0 });
	bad_bounds("session options: size", (struct reprise_session_options){ .size = size - 1 });
	bad_bounds("session options: size", (struct reprise_session_options){ .size = 4097 });
	bad_bounds("bytes_max", (struct reprise_session_options){ .size = size, .bytes_max = 255 });
	bad_bounds("is_deduplicated",
		   (struct reprise_session_options){ .size = size, .is_deduplicated = 2 });
	bad_bounds("is_deduplicated",
		   (struct reprise_session_options){ .size = size, .is_deduplicated = -1 });
	bad_bounds("session options: reserved",
		   (struct reprise_session_options){ .size = size, .reserved = 1 });
	bad_bounds("bytes_max", (struct reprise_session_options){ .size = size, .bytes_max = -1 });
	bad_bounds("when_full", (struct reprise_session_options){
					.size = size, .when_full = (reprise_when_full)3 });
	/* Nothing is recorded here. */
	NAMES("when_full", reprise_writer_open, world.store, "s",
	      &((struct reprise_session_options){ .size = size,
						  .when_full = REPRISE_WHEN_FULL_REFUSE }),
	      &world.out.writer, &error);
	bad_options("store options: size", (struct reprise_store_options){ .size = 0 });
	bad_options("store options: size", (struct reprise_store_options){ .size = 4097 });
	bad_options("wake",
		    (struct reprise_store_options){ .size = store_size, .wake = (reprise_wake)7 });
	bad_options("deferred_tick_ns",
		    (struct reprise_store_options){ .size = store_size, .deferred_tick_ns = 9999 });
	bad_options("deferred_tick_ns",
		    (struct reprise_store_options){ .size = store_size, .deferred_tick_ns = -1 });
	NAMES("ret_store", reprise_store_open, NULL, NULL, &error);
	REFUSES(reprise_store_open, NULL, NULL, NULL);
	NAMES("store", reprise_writer_open, NULL, "s", NULL, &world.out.writer, &error);
	NAMES("ret_writer", reprise_writer_open, world.store, "s", NULL, NULL, &error);
	REFUSES(reprise_writer_open, NULL, NULL, NULL, NULL, NULL);
	NAMES("store", reprise_writers_open, NULL, NULL, 0, &error);
	NAMES("openings", reprise_writers_open, world.store, NULL, 1, &error);
}

static void
bad_id(const char *id)
{
	struct reprise_store *const store = world.store;
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	NAMES("session_id", reprise_writer_open, store, id, NULL, &world.out.writer, &error);
	NAMES("session_id", reprise_session_create, store, id, NULL, &error);
	REFUSES(reprise_session_stats, store, id, &stats);
	REFUSES(reprise_session_current_cursor, store, id, 0, &world.out.cursor);
	REFUSES(reprise_session_earliest_cursor, store, id, 0, &world.out.cursor);
	REFUSES(reprise_session_trim, store, id);
	REFUSES(reprise_session_trim_to, store, id, 1);
	REFUSES(reprise_session_invalidate, store, id);
}

static void
of_lists(void)
{
	const struct reprise_subscription_options recorded = { .size = sizeof(recorded),
							       .is_recorded_only = 1 };
	struct reprise_session_stats small = { .size = 7 };
	struct reprise_session_list *list = NULL;

	CHECK_OK(reprise_sessions_list(world.store, &list, NULL));
	next_row();
	NAMES("store", reprise_sessions_list, NULL, &world.out.list, &error);
	NAMES("ret_list", reprise_sessions_list, world.store, NULL, &error);
	REFUSES(reprise_session_list_next, NULL, world.out.text, NULL);
	REFUSES(reprise_session_list_next, list, NULL, NULL);
	REFUSES(reprise_session_list_next, list, world.out.text, &small);
	CHECK_OK(reprise_session_list_next(list, world.out.text, NULL));
	reprise_session_list_close(list);
	next_row();
	ALLOWS_VOID(reprise_session_list_close, NULL);
	NAMES("store", reprise_sessions_subscribe, NULL, NULL, &world.out.subscription, &error);
	NAMES("ret_subscription", reprise_sessions_subscribe, world.store, NULL, NULL, &error);
	NAMES("is_recorded_only", reprise_sessions_subscribe, world.store, &recorded,
	      &world.out.subscription, &error);
}

static void
of_stores(void)
{
	struct reprise_store *const store = world.store;
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_session_stats session = { .size = sizeof(session) };

	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++)
		bad_id(bad_ids[i]);
	bad_id(long_id);
	ALLOWS(reprise_store_close, NULL);
	ANSWERS(REPRISE_E_BUSY, NULL, reprise_store_close, store);
	REFUSES(reprise_store_stats, NULL, &stats);
	REFUSES(reprise_store_stats, store, NULL);
	REFUSES(reprise_session_stats, NULL, "s", &session);
	REFUSES(reprise_session_stats, store, "s", NULL);
	ANSWERS(REPRISE_E_NOT_FOUND, NULL, reprise_session_stats, store, "x", &session);
	stats.size--;
	session.size--;
	REFUSES(reprise_store_stats, store, &stats);
	REFUSES(reprise_session_stats, store, "s", &session);
	CHECK(stats.sessions == 0 && session.newest == 0);
	NAMES("store", reprise_session_create, NULL, "s", NULL, &error);
	REFUSES(reprise_session_current_cursor, NULL, "s", 0, &world.out.cursor);
	REFUSES(reprise_session_current_cursor, store, "s", 0, NULL);
	REFUSES(reprise_session_current_cursor, store, "x", 0, NULL);
	REFUSES(reprise_session_earliest_cursor, NULL, "s", 0, &world.out.cursor);
	REFUSES(reprise_session_earliest_cursor, store, "s", 0, NULL);
	ANSWERS(REPRISE_E_NOT_FOUND, NULL, reprise_session_current_cursor, store, "x", 0,
		&world.out.cursor);
	ANSWERS(REPRISE_E_NOT_FOUND, NULL, reprise_session_earliest_cursor, store, "x", 0,
		&world.out.cursor);
	REFUSES(reprise_session_trim, NULL, "s");
	REFUSES(reprise_session_trim_to, NULL, "s", 1);
	ALLOWS(reprise_session_trim_to, store, "x", 1);
	ALLOWS(reprise_session_trim, store, "x");
	REFUSES(reprise_session_invalidate, NULL, "s");
	ALLOWS(reprise_session_invalidate, store, "x");
	REFUSES(reprise_sessions_invalidate, NULL);
	REFUSES(reprise_sessions_expire_idle, NULL, &world.out.count);
	ALLOWS(reprise_sessions_expire_idle, store, NULL);
	REFUSES(reprise_stamp_set, NULL, 1);
	REFUSES(reprise_stamp_set, store, UINT64_C(1) << 63);
	REFUSES(reprise_stamp_set, store, UINT64_MAX);
}

static void
of_batches(void)
{
	struct reprise_writer *const writer = world.writer;
	reprise_position *const position = &world.out.position;
	struct reprise_new_event event = { .payload = { "x", 1 } };

	REFUSES(reprise_append_batch, NULL, &event, 1, position);
	REFUSES(reprise_append_batch, writer, NULL, 1, position);
	REFUSES(reprise_append_batch, writer, &event, 0, position);
	REFUSES(reprise_append_end, NULL, &event, 1, 1, position);
	REFUSES(reprise_append_end, writer, NULL, 1, 1, position);
	REFUSES(reprise_append_end, writer, &event, 0, 1, position);
	for (uint16_t flag = 2; flag <= 0x80; flag = (uint16_t)(flag * 2)) {
		event.flags = flag;
		REFUSES(reprise_append_batch, writer, &event, 1, position);
		REFUSES(reprise_append_end, writer, &event, 1, 1, position);
	}
	event = (struct reprise_new_event){ .payload = { NULL, 1 } };
	REFUSES(reprise_append_batch, writer, &event, 1, position);
	REFUSES(reprise_append_end, writer, &event, 1, 1, position);
}

static void
of_appends(void)
{
	struct reprise_writer *const writer = world.writer;
	reprise_position *const position = &world.out.position;
	const struct reprise_bytes x = { "x", 1 }, none = { NULL, 1 };
	char byte[] = "x";
	const struct iovec part = { byte, 1 }, no_part = { NULL, 1 };
	const struct iovec huge[2] = { { byte, SIZE_MAX }, { byte, SIZE_MAX } };
	struct reprise_writer_opened opened = { .size = sizeof(opened) - 1 };

	REFUSES(reprise_append, NULL, 0, 0, 0, x, position);
	REFUSES(reprise_append, writer, 0, 0, 0, none, position);
	REFUSES(reprise_append_once, NULL, 7, 0, 0, 0, x, position, NULL);
	REFUSES(reprise_append_once, writer, 7, 0, 0, 0, none, position, NULL);
	REFUSES(reprise_append_once, writer, 7, 0, 0, 0, x, position, NULL); /* not deduplicated */
	REFUSES(reprise_session_append, NULL, "new", 0, 0, 0, x, position);
	REFUSES(reprise_session_append, world.store, NULL, 0, 0, 0, x, position);
	REFUSES(reprise_session_append, world.store, "", 0, 0, 0, x, position);
	REFUSES(reprise_session_append, world.store, "s", 0, 0, 0, none, position);
	ANSWERS(REPRISE_E_BUSY, NULL, reprise_session_append, world.store, "s", 0, 0, 0, x,
		position);
	REFUSES(reprise_appendv, NULL, 0, 0, 0, &part, 1, position);
	REFUSES(reprise_appendv, writer, 0, 0, 0, NULL, 1, position);
	REFUSES(reprise_appendv, writer, 0, 0, 0, &no_part, 1, position);
	REFUSES(reprise_appendv, writer, 0, 0, 0, &part, 1025, position);
	REFUSES(reprise_appendv, writer, 0, 0, 0, huge, 2, position);
	ANSWERS(REPRISE_E_TOO_LARGE, NULL, reprise_appendv, writer, 0, 0, 0, huge, 1, position);
	for (uint16_t flag = 2; flag <= 0x80; flag = (uint16_t)(flag * 2)) {
		REFUSES(reprise_append, writer, 0, 0, flag, x, position);
		REFUSES(reprise_appendv, writer, 0, 0, flag, &part, 1, position);
		REFUSES(reprise_publish, writer, 0, 0, flag, 0, position);
	}
	REFUSES(reprise_reserve, NULL, 1, &world.out.payload);
	REFUSES(reprise_reserve, writer, 1, NULL);
	ANSWERS(REPRISE_E_TOO_LARGE, NULL, reprise_reserve, writer, SIZE_MAX, &world.out.payload);
	REFUSES(reprise_publish, NULL, 0, 0, 0, 0, position);
	REFUSES(reprise_publish, writer, 0, 0, 0, 0, position);
	REFUSES(reprise_writer_wait_room, NULL, 0);
	REFUSES(reprise_writer_set_overwrite, NULL);
	REFUSES(reprise_abort, NULL);
	REFUSES(reprise_abort, writer);
	REFUSES(reprise_writer_end, NULL, 1);
	REFUSES(reprise_writer_opened, NULL, &opened);
	REFUSES(reprise_writer_opened, writer, NULL);
	REFUSES(reprise_writer_opened, writer, &opened);
	REFUSES(reprise_writer_cursor, NULL, 1, &world.out.cursor);
	REFUSES(reprise_writer_cursor, writer, 1, NULL);
	REFUSES(reprise_writer_cursor, writer, EVENTS + 1, &world.out.cursor);
	REFUSES(reprise_writer_cursor, writer, UINT64_MAX, &world.out.cursor);
	ALLOWS_VOID(reprise_writer_close, NULL);
}

/* By each that opens a subscription after a cursor. */
static void
bad_subscription(const char *what, struct reprise_store *store, const struct reprise_cursor *cursor,
		 const struct reprise_subscription_options *options,
		 struct reprise_subscription **ret_subscription)
{
	NAMES(what, reprise_subscribe_after, store, cursor, options, ret_subscription, &error);
	NAMES(what, reprise_replay_after, store, cursor, options, ret_subscription, &error);
	NAMES(what, reprise_resume_after, store, cursor, 1, options, ret_subscription, &error);
	REFUSES(reprise_subscribe_after, store, cursor, options, ret_subscription, NULL);
}

static void
bad_snapshot(const char *what, struct reprise_store *store, const char *session_id,
	     const struct reprise_subscription_options *options,
	     struct reprise_subscription **ret_subscription)
{
	NAMES(what, reprise_resume_snapshot, store, session_id, 1, options, ret_subscription,
	      &error);
	REFUSES(reprise_resume_snapshot, store, session_id, 1, options, ret_subscription, NULL);
}

static void
of_subscribing(void)
{
	const struct reprise_cursor *const good = &world.beginning;
	const struct reprise_cursor endless = cursor_with(long_id), empty = cursor_with("");
	const struct reprise_cursor control = cursor_with("a\nb");
	const uint16_t kinds_of[REPRISE_KINDS_MAX + 1] = { 0 };
	const size_t size = sizeof(struct reprise_subscription_options);
	const struct {
		const char *what;
		struct reprise_subscription_options options;
	} cases[] = {
		{ "subscription options: size", { .size = 0 } },
		{ "subscription options: size", { .size = size - 1 } },
		{ "subscription options: size", { .size = 4097 } },
		{ "staging_bytes", { .size = size, .staging_bytes = 63 } },
		{ "staging_bytes", { .size = size, .staging_bytes = (16u << 20) + 1 } },
		{ "kinds", { .size = size, .kinds = kinds_of } },
		{ "kinds", { .size = size, .kinds_count = 1 } },
		{ "kinds_count",
		  { .size = size, .kinds = kinds_of, .kinds_count = REPRISE_KINDS_MAX + 1 } },
		{ "kinds_count", { .size = size, .kinds_count = SIZE_MAX } },
		{ "is_recorded_only", { .size = size, .is_recorded_only = 1 } },
		{ "is_recorded_only", { .size = size, .is_recorded_only = -1 } },
		{ "is_continuous", { .size = size, .is_continuous = 2 } },
		{ "is_continuous", { .size = size, .is_continuous = -1 } },
	};
	const struct reprise_subscription_options continuous = { .size = size, .is_continuous = 1 };
	struct reprise_subscription **const ret = &world.out.subscription;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		bad_subscription(cases[i].what, world.store, good, &cases[i].options, ret);
	NAMES("is_continuous", reprise_replay_after, world.store, good, &continuous, ret, &error);
	bad_subscription("store", NULL, good, NULL, ret);
	bad_subscription("cursor", world.store, NULL, NULL, ret);
	bad_subscription("ret_subscription", world.store, good, NULL, NULL);
	bad_subscription("cursor: session_id", world.store, &endless, NULL, ret);
	bad_subscription("cursor: session_id", world.store, &empty, NULL, ret);
	bad_subscription("cursor: session_id", world.store, &control, NULL, ret);
	bad_snapshot("store", NULL, "s", NULL, ret);
	bad_snapshot("ret_subscription", world.store, "s", NULL, NULL);
	bad_snapshot("session_id", world.store, NULL, NULL, ret);
	bad_snapshot("session_id", world.store, "", NULL, ret);
	bad_snapshot("session_id", world.store, "a\nb", NULL, ret);
	bad_snapshot("session_id", world.store, long_id, NULL, ret);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		bad_snapshot(cases[i].what, world.store, "s", &cases[i].options, ret);
	NAMES("durable_revision", reprise_resume_snapshot, world.store, "s",
	      REPRISE_REVISION_UNKNOWN, NULL, ret, &error);
}

static void
of_into(struct reprise_subscription *subscription)
{
	struct reprise_frame frame;
	struct out *const out = &world.out;
	struct reprise_into good = { .size = sizeof(good), .frames = &frame, .frames_max = 1 };
	struct reprise_into bad[7] = { good, good, good, good, good, good, good };

	ABORTS(reprise_next_into, NULL, &good, &out->gap, &out->end);
	ABORTS(reprise_next_into, subscription, NULL, &out->gap, &out->end);
	ABORTS(reprise_next_into, subscription, &good, NULL, &out->end);
	bad[0].size--;
	bad[1].size = 4097;
	bad[2].buffer_bytes = 1;
	bad[3].frames = NULL;
	bad[4].frames_max = 0;
	bad[5].head_bytes = REPRISE_INTO_FRAMING_BYTES_MAX + 1;
	bad[6].tail_bytes = REPRISE_INTO_FRAMING_BYTES_MAX + 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ABORTS(reprise_next_into, subscription, &bad[i], &out->gap, &out->end);
}

static void
of_subscriptions(void)
{
	struct reprise_subscription *const subscription = world.subscription;
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_subscription_lag lag = { .size = sizeof(lag), .is_known = 77 };
	struct out *const out = &world.out;
	size_t count = 0;

	ABORTS(reprise_next, NULL, &out->event, &out->gap, &out->end);
	ABORTS(reprise_next, subscription, NULL, &out->gap, &out->end);
	ABORTS(reprise_next, subscription, &out->event, NULL, &out->end);
	ABORTS(reprise_next_batch, NULL, &out->event, 1, &count, &out->gap, &out->end);
	ABORTS(reprise_next_batch, subscription, NULL, 1, &count, &out->gap, &out->end);
	ABORTS(reprise_next_batch, subscription, &out->event, 0, &count, &out->gap, &out->end);
	ABORTS(reprise_next_batch, subscription, &out->event, 1, NULL, &out->gap, &out->end);
	ABORTS(reprise_next_batch, subscription, &out->event, 1, &count, NULL, &out->end);
	of_into(subscription);
	REFUSES(reprise_wait, NULL, 0);
	REFUSES(reprise_wait, NULL, REPRISE_NO_LIMIT);
	REFUSES(reprise_subscription_interrupt, NULL);
	NAMES("subscription", reprise_subscription_fd, NULL, &out->fd, &error);
	NAMES("ret_fd", reprise_subscription_fd, subscription, NULL, &error);
	REFUSES(reprise_subscription_fd, NULL, NULL, NULL);
	NAMES("subscription", reprise_subscription_notify, NULL, world_callback, &world, &error);
	REFUSES(reprise_subscription_notify, NULL, NULL, NULL, NULL);
	REFUSES(reprise_subscription_cursor, NULL, &out->cursor);
	REFUSES(reprise_subscription_cursor, subscription, NULL);
	REFUSES(reprise_subscription_stats, NULL, &stats);
	REFUSES(reprise_subscription_stats, subscription, NULL);
	stats.size--;
	REFUSES(reprise_subscription_stats, subscription, &stats);
	CHECK(stats.delivered == 0);
	REFUSES(reprise_subscription_lag, NULL, &lag);
	REFUSES(reprise_subscription_lag, subscription, NULL);
	lag.size--;
	REFUSES(reprise_subscription_lag, subscription, &lag);
	CHECK(lag.is_known == 77);
	ALLOWS_VOID(reprise_subscription_close, NULL);
}

static void
of_groups(void)
{
	const struct reprise_group_options odd = { .size = sizeof(odd) - 1 };
	const struct reprise_group_options bare = { 0 };
	struct reprise_subscription *const subscription = world.subscription;
	struct reprise_group_stats stats = { .size = sizeof(stats) - 1 };
	struct reprise_group *group = NULL;
	struct out *const out = &world.out;

	NAMES("store", reprise_group_open, NULL, NULL, &out->group, &error);
	NAMES("ret_group", reprise_group_open, world.store, NULL, NULL, &error);
	NAMES("group options: size", reprise_group_open, world.store, &odd, &out->group, &error);
	NAMES("group options: size", reprise_group_open, world.store, &bare, &out->group, &error);
	REFUSES(reprise_group_open, NULL, NULL, NULL, NULL);
	ALLOWS_VOID(reprise_group_close, NULL);
	fault_disarm();
	CHECK_OK(reprise_group_open(world.store, NULL, &group, NULL));
	next_row();
	NAMES("group", reprise_group_add, NULL, subscription, NULL, &error);
	NAMES("subscription", reprise_group_add, group, NULL, NULL, &error);
	REFUSES(reprise_group_add, NULL, NULL, NULL, NULL);
	REFUSES(reprise_group_remove, NULL, subscription);
	REFUSES(reprise_group_remove, group, NULL);
	ANSWERS(REPRISE_E_NOT_FOUND, NULL, reprise_group_remove, group, subscription);
	REFUSES(reprise_group_next, NULL, &out->subscription, &out->payload);
	REFUSES(reprise_group_next, group, NULL, &out->payload);
	ANSWERS(REPRISE_E_NOT_FOUND, NULL, reprise_group_next, group, &out->subscription,
		&out->payload);
	NAMES("group", reprise_group_fd, NULL, &out->fd, &error);
	NAMES("ret_fd", reprise_group_fd, group, NULL, &error);
	REFUSES(reprise_group_wait, NULL, REPRISE_NO_LIMIT);
	REFUSES(reprise_group_interrupt, NULL);
	REFUSES(reprise_group_stats, NULL, &stats);
	REFUSES(reprise_group_stats, group, NULL);
	REFUSES(reprise_group_stats, group, &stats);
	fault_disarm();
	reprise_group_close(group);
	next_row();
}

void
bad_input_run(void)
{
	const struct process process = process_now();

	CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0);
	memset(long_id, 'a', sizeof(long_id) - 1);
	world_build(&world, STAGE_SUBSCRIPTION);
	before = world_snapshot(&world);
	next_row();
	of_base();
	of_cursors();
	of_opening();
	of_stores();
	of_lists();
	of_appends();
	of_batches();
	of_subscribing();
	of_subscriptions();
	of_groups();
	fault_disarm();
	world_follow(&world);
	world_works(&world);
	world_end(&world);
	process_is_as(&process);
	fprintf(stderr, "%zu bad inputs were refused\n", rows);
}

void
bad_input_list(void)
{
	for (size_t i = 0; i < rows; i++)
		puts(functions[i]);
}
