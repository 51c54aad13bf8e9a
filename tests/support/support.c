/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>

/* Criterion 2.4 leaks a table of its own, of 48 to 144 bytes, at the end of a run of many tests. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*) */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libcriterion.so\n";
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*) */
#endif

void
expect_no_leaks(void)
{
#if defined(__SANITIZE_ADDRESS__)
	cr_assert(eq(int, __lsan_do_recoverable_leak_check(), 0));
#endif
}

struct reprise_store *
store_with(uint64_t events_max, uint64_t bytes_max, uint64_t age_ns_max)
{
	const struct reprise_session_options bounds = {
		.size = sizeof(bounds),
		.events_max = events_max,
		.bytes_max = bytes_max,
		.age_ns_max = age_ns_max,
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &bounds,
	};
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour), REPRISE_OK));
	return store;
}

struct reprise_store *
store_plain(void)
{
	return store_with(0, 0, 0);
}

void
close_store(struct reprise_store *store)
{
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	expect_no_leaks();
}

struct reprise_writer *
writer_of(struct reprise_store *store)
{
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	return writer;
}

reprise_position
append_event(struct reprise_writer *writer, uint64_t revision, uint16_t kind, uint16_t flags,
	     const char *text)
{
	const struct reprise_bytes payload = { text, strlen(text) };
	reprise_position position = 0;

	cr_assert(eq(int, reprise_append(writer, revision, kind, flags, payload, &position),
		     REPRISE_OK));
	return position;
}

reprise_position
append_text(struct reprise_writer *writer, const char *text)
{
	return append_event(writer, 0, 0, 0, text);
}

void
append_until(struct reprise_writer *writer, reprise_position newest)
{
	reprise_position position = 0;

	do {
		struct reprise_bytes none = { NULL, 0 };

		cr_assert(eq(int, reprise_append(writer, 0, 0, 0, none, &position), REPRISE_OK));
	} while (position < newest);
	cr_assert(eq(u64, position, newest));
}

struct reprise_cursor
cursor_at_revision(struct reprise_store *store, reprise_position position, uint64_t revision)
{
	struct reprise_cursor cursor;
	reprise_status status = reprise_session_current_cursor(store, "s", revision, &cursor);

	if (status == REPRISE_E_NOT_FOUND) {
		cr_assert(eq(int, reprise_session_create(store, "s", NULL, NULL), REPRISE_OK));
		status = reprise_session_current_cursor(store, "s", revision, &cursor);
	}
	cr_assert(eq(int, status, REPRISE_OK));
	cursor.position = position;
	return cursor;
}

struct reprise_cursor
cursor_at(struct reprise_store *store, reprise_position position)
{
	return cursor_at_revision(store, position, 0);
}

struct reprise_subscription *
resubscribed(struct reprise_store *store, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_subscribe_after(store, cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

struct reprise_subscription *
subscribed_after(struct reprise_store *store, reprise_position position)
{
	const struct reprise_cursor cursor = cursor_at(store, position);

	return resubscribed(store, &cursor);
}

static reprise_outcome
next(struct reprise_subscription *subscription, struct reprise_event *event,
     struct reprise_gap *gap, struct reprise_end *end)
{
	return reprise_next(subscription, event, gap, end);
}

void
expect_event(struct reprise_subscription *subscription, reprise_position position)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap;

	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, position));
	cr_assert(eq(int, event.source, REPRISE_SOURCE_RING));
}

void
expect_text(struct reprise_subscription *subscription, const char *text)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap;

	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, event.payload.size, strlen(text)));
	cr_assert(eq(int, memcmp(event.payload.data, text, strlen(text)), 0));
}

void
expect_events(struct reprise_subscription *subscription, reprise_position first,
	      reprise_position last)
{
	for (reprise_position position = first; position <= last; position++)
		expect_event(subscription, position);
}

void
expect_empty(struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_EMPTY));
}

struct reprise_gap
expect_trimmed(struct reprise_subscription *subscription, reprise_gap_detail detail,
	       reprise_position first, reprise_position last)
{
	struct reprise_event event;
	struct reprise_gap gap;

	memset(&gap, 0, sizeof(gap));
	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.reason, REPRISE_GAP_TRIMMED));
	cr_assert(eq(int, gap.detail, detail));
	cr_assert(eq(u64, gap.lost_first, first));
	cr_assert(eq(u64, gap.lost_last, last));
	cr_assert(eq(u64, gap.lost, last - first + 1));
	cr_assert(eq(u64, gap.cursor.position, last));
	cr_assert(ge(u64, gap.newest.position, last));
	return gap;
}

struct reprise_gap
expect_unavailable(struct reprise_subscription *subscription, reprise_gap_detail detail)
{
	struct reprise_event event;
	struct reprise_gap gap;

	memset(&gap, 0, sizeof(gap));
	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.reason, REPRISE_GAP_UNAVAILABLE));
	cr_assert(eq(int, gap.detail, detail));
	cr_assert(eq(u64, gap.lost, 0));
	cr_assert(eq(u64, gap.lost_first, 0));
	cr_assert(eq(u64, gap.lost_last, 0));
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	return gap;
}

void
expect_ended(struct reprise_subscription *subscription, reprise_end_cause cause, int32_t status)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end = { 0 };

	/* Twice: it is said again. */
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, next(subscription, &event, &gap, &end), REPRISE_NEXT_ENDED));
		cr_assert(eq(int, end.cause, cause));
		cr_assert(eq(int, end.status, status));
	}
	cr_assert(eq(int, next(subscription, &event, &gap, NULL), REPRISE_NEXT_ENDED));
}

struct reprise_session_stats
stats_of_s(struct reprise_store *store)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_session_stats(store, "s", &stats), REPRISE_OK));
	return stats;
}

void
refuse_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = 4, .filter = filter };

	cr_assert(eq(int, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0));
	cr_assert(eq(int, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0));
}

char *
fixture_text(const char *name)
{
	enum {
		BYTES_MAX = 1 << 20,
	};
	char path[1024];
	char *const text = calloc(1, BYTES_MAX);

	snprintf(path, sizeof(path), "%s/%s", TESTS_FOLDER, name);
	FILE *const file = fopen(path, "r");

	cr_assert(ne(ptr, file, NULL), "%s", path);
	cr_assert(lt(sz, fread(text, 1, BYTES_MAX, file), BYTES_MAX));
	fclose(file);
	return text;
}
