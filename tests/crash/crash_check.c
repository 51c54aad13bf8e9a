/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The log that a killed runtime has left is held against the runtime's promises. */

enum {
	LIVES_MAX = 8192,
	GAP_MARK = 1,
};

struct lives {
	struct reprise_life all[LIVES_MAX];
	size_t count;
};

static void
read_lives(struct reprise_log *log, const struct reprise_log_key *key, struct lives *lives)
{
	CHECK_OK(reprise_log_lives(log, key, 0, lives->all, LIVES_MAX, &lives->count, NULL));
	CHECK(lives->count < LIVES_MAX);
}

static const struct reprise_life *
life_of(const struct lives *lives, const struct reprise_cursor *cursor)
{
	for (size_t i = 0; i < lives->count; i++)
		if (memcmp(&lives->all[i].incarnation, &cursor->incarnation,
			   sizeof(cursor->incarnation)) == 0)
			return &lives->all[i];
	crash_die(__FILE__, __LINE__, "a life that was begun is not in the log");
}

/* An ordinal's checksum: the same as in every check before. */
static void
note(struct crash_session *session, reprise_ordinal ordinal, uint32_t checksum)
{
	CHECK(ordinal < CRASH_ORDINALS_MAX);
	CHECK(ordinal > session->checked || session->checksums[ordinal] == checksum);
	session->checksums[ordinal] = checksum;
}

/* How far the batch has come that is read: rule C23. */
struct inside {
	size_t next, count; /* the event that follows, and all */
	bool ends;          /* and the session ends with it: rule A29 */
};

static void
walk_batch(struct crash *crash, const struct reprise_log_entry *entry, bool is_of_same_life,
	   struct inside *inside)
{
	/* Neither a gap nor the end of a life cuts a batch. The check's own events have kind 0. */
	if (entry->type == REPRISE_LOG_GAP || !is_of_same_life || entry->kind == 0)
		CHECK(inside->next == inside->count);
	if (entry->type == REPRISE_LOG_GAP || entry->kind == 0) {
		*inside = (struct inside){ 0, 0, false };
		return;
	}
	const size_t i = (entry->kind & ~(unsigned int)CRASH_ENDS) >> 8;
	const size_t count = entry->kind & 0xff;

	CHECK(i < count && count <= CRASH_BATCH_MAX);
	CHECK(inside->next == inside->count ? i == 0 : i == inside->next && count == inside->count);
	*inside = (struct inside){ i + 1, count, (entry->kind & CRASH_ENDS) != 0 };
	if (count > 1 && i + 1 == count)
		atomic_fetch_add(&crash->batches, 1);
}

static void
walk_entry(struct crash *crash, unsigned int number, const struct reprise_log_entry *entry,
	   reprise_ordinal *head, struct reprise_incarnation *life, uint64_t *life_number,
	   struct inside *inside)
{
	struct crash_session *const session = &crash->sessions[number];
	uint64_t written_by = 0;

	CHECK(entry->first == *head + 1);
	walk_batch(crash, entry, memcmp(life, &entry->life, sizeof(*life)) == 0, inside);
	if (entry->type == REPRISE_LOG_GAP) {
		/* A runtime that refuses loses nothing. */
		CHECK(number % 2 == 0);
		CHECK(entry->reason == REPRISE_LOG_GAP_OVERRUN);
		for (uint64_t ordinal = entry->first; ordinal <= entry->last; ordinal++)
			note(session, ordinal, GAP_MARK);
		atomic_fetch_add(&crash->gaps, entry->last > session->checked);
	} else {
		note(session, entry->first,
		     crash_verify(number, entry->first, entry->payload, &written_by));
		/* One writer's within a life; it may have closed and come again. */
		if (memcmp(life, &entry->life, sizeof(*life)) != 0)
			*life_number = 0;
		CHECK(written_by / 1000 == *life_number / 1000 || *life_number == 0);
		CHECK(written_by >= *life_number);
		*life_number = written_by;
		*life = entry->life;
	}
	*head = entry->last;
}

/* Every ordinal once, with the right bytes. Answers the head. */
static reprise_ordinal
walk(struct crash *crash, struct reprise_log *log, unsigned int number, bool *ret_ends)
{
	const struct reprise_log_key key = { "default", crash_id(number) };
	struct reprise_incarnation life = { { 0 } };
	struct reprise_log_page *page = NULL;
	struct inside inside = { 0, 0, false };
	reprise_ordinal head = 0;
	uint64_t life_number = 0;
	size_t count;

	CHECK_OK(reprise_log_page_open(&page));
	do {
		CHECK_OK(reprise_log_load_after(log, &key, head, 1000, 0, page, NULL));
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		for (size_t i = 0; i < count; i++)
			walk_entry(crash, number, &entries[i], &head, &life, &life_number, &inside);
	} while (count > 0);
	CHECK(inside.next == inside.count);
	*ret_ends = inside.ends;
	reprise_log_page_close(page);
	return head;
}

/* The places that were told to the writer and to the hosts are in the lives of the log. */
static void
check_places(const struct crash_session *session, const struct lives *lives)
{
	const struct crash_place *const promised = crash_place(&session->promised);

	if (promised != NULL) {
		const struct reprise_life *const life = life_of(lives, &promised->cursor);

		CHECK(promised->cursor.position >= life->first);
		CHECK(promised->cursor.position <= life->end);
	}
	for (unsigned int host = 0; host < CRASH_HOSTS; host++) {
		const struct crash_place *const place = crash_place(&session->hosts[host]);

		if (place == NULL)
			continue;
		const struct reprise_life *const life = life_of(lives, &place->cursor);

		/*
		 * One of the hosts sees recorded events alone: it never holds an event that dies.
		 */
		CHECK(host == 0 || place->cursor.position <= life->end);
		if (place->cursor.position > life->end || place->checksum == 0)
			continue;
		const uint32_t recorded = session->checksums[place->cursor.position];

		/*
		 * A host that sees live events may have seen events that were overrun before the
		 * recorder wrote them.
		 */
		CHECK(recorded == place->checksum || (host == 0 && recorded == GAP_MARK));
	}
}

static void
check_log(struct crash *crash, struct reprise_log *log, unsigned int number, struct lives *lives)
{
	const struct reprise_log_key key = { "default", crash_id(number) };
	struct crash_session *const session = &crash->sessions[number];
	const struct crash_place *const promised = crash_place(&session->promised);
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_verify(log, &key, &report, NULL);

	lives->count = 0;
	if (status == REPRISE_E_NOT_FOUND) {
		CHECK(promised == NULL && session->checked == 0);
		return;
	}
	CHECK_OK(status);
	if (report.faults != 0)
		fprintf(stderr, "%s at %" PRIu64 "\n", report.what, report.at);
	CHECK(report.faults == 0);
	CHECK_OK(reprise_log_stats(log, &key, &stats, NULL));
	bool ends = false;
	const reprise_ordinal head = walk(crash, log, number, &ends);

	/* The end is there with the batch, unless a life has begun since. */
	if (ends && stats.life.first <= head) {
		CHECK(stats.has_ended && stats.end_ordinal == head);
		CHECK(stats.end_status == CRASH_END_STATUS);
		atomic_fetch_add(&crash->ends, 1);
	}
	CHECK(!stats.has_ended || stats.end_ordinal == head);
	CHECK(!stats.has_ended || stats.end_status != CRASH_END_STATUS || ends);
	CHECK(head == stats.head && head == report.events + report.lost);
	CHECK(head >= session->checked);
	session->checked = head;
	read_lives(log, &key, lives);
	if (crash->has_closed)
		CHECK(stats.life.state == REPRISE_LIFE_CLEAN);
	check_places(session, lives);
}

/* A host that comes back. */
struct back {
	struct crash *crash;
	struct crash_runtime *runtime;
	unsigned int session, host;
	struct reprise_cursor at;
	struct reprise_subscription *subscription;
};

static void
subscribe(struct back *back)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = back->host == 1 };

	CHECK_OK(reprise_subscribe_after(back->runtime->store, &back->at, &options,
					 &back->subscription, NULL));
}

static reprise_outcome
next(struct back *back, struct reprise_event *event, struct reprise_gap *gap)
{
	struct reprise_end end;

	for (;;) {
		const reprise_outcome outcome = reprise_next(back->subscription, event, gap, &end);

		if (outcome != REPRISE_NEXT_EMPTY)
			return outcome;
		CHECK_OK(reprise_wait(back->subscription, UINT64_C(20000000000)));
	}
}

/* The host holds what has died: it is told, and how far back it has to go. */
static void
expect_diverged(struct back *back, const struct reprise_life *life)
{
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK(back->host == 0);
	CHECK(life->state == REPRISE_LIFE_CRASHED);
	CHECK(next(back, &event, &gap) == REPRISE_NEXT_GAP);
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE && gap.detail == REPRISE_GAP_DIVERGED);
	CHECK(gap.cursor.position == life->end);
	CHECK(memcmp(&gap.cursor.incarnation, &life->incarnation, sizeof(life->incarnation)) == 0);
	CHECK(next(back, &event, &gap) == REPRISE_NEXT_ENDED);
	reprise_subscription_close(back->subscription);
	back->at = gap.cursor;
	subscribe(back);
	atomic_fetch_add(&back->crash->diverged, 1);
}

/* Expects the next events of a life that the log has: up to the life's end. */
static void
expect_rest(struct back *back, const struct reprise_life *life)
{
	const struct crash_session *const session = &back->crash->sessions[back->session];
	struct reprise_event event;
	struct reprise_gap gap;

	while (back->at.position < life->end) {
		if (next(back, &event, &gap) == REPRISE_NEXT_EVENT) {
			CHECK(event.position == back->at.position + 1);
			CHECK(event.source == REPRISE_SOURCE_LOG);
			CHECK(crash_verify(back->session, event.position, event.payload, NULL) ==
			      session->checksums[event.position]);
			back->at.position = event.position;
			atomic_fetch_add(&back->crash->healed, 1);
			continue;
		}
		CHECK(gap.reason == REPRISE_GAP_TRIMMED && gap.detail == REPRISE_GAP_OVERRUN);
		CHECK(gap.lost_first == back->at.position + 1 && gap.lost_last <= life->end);
		for (uint64_t lost = gap.lost_first; lost <= gap.lost_last; lost++)
			CHECK(session->checksums[lost] == GAP_MARK);
		back->at.position = gap.lost_last;
	}
}

/* From where it was to the end of the log, told of every life that did not end clean. */
static void
expect_all(struct back *back, const struct lives *lives)
{
	const struct reprise_life *life = life_of(lives, &back->at);
	const struct reprise_life *const last = &lives->all[lives->count - 1];
	struct reprise_event event;
	struct reprise_gap gap;

	if (back->at.position > life->end)
		expect_diverged(back, life);
	for (;; life++) {
		expect_rest(back, life);
		if (life == last)
			return;
		if (life->state == REPRISE_LIFE_CLEAN)
			continue;
		CHECK(next(back, &event, &gap) == REPRISE_NEXT_GAP);
		CHECK(gap.reason == REPRISE_GAP_TRIMMED && gap.detail == REPRISE_GAP_RESTART);
		CHECK(gap.lost == 0 && gap.cursor.position == life->end);
		CHECK(memcmp(&gap.cursor.incarnation, &life[1].incarnation,
			     sizeof(life->incarnation)) == 0);
		atomic_fetch_add(&back->crash->restarts, 1);
	}
}

/* And it goes on live. */
static void
expect_live(struct back *back, reprise_position first, reprise_position last)
{
	struct reprise_event event;
	struct reprise_gap gap;

	for (reprise_position position = first; position <= last; position++) {
		CHECK(next(back, &event, &gap) == REPRISE_NEXT_EVENT);
		CHECK(event.position == position);
		(void)crash_verify(back->session, position, event.payload, NULL);
	}
	reprise_subscription_close(back->subscription);
}

static void
check_session(struct crash *crash, struct crash_runtime *runtime, unsigned int number,
	      struct lives *lives, uint64_t *random)
{
	const struct reprise_log_key key = { "default", crash_id(number) };
	struct crash_session *const told = &crash->sessions[number];
	struct back backs[CRASH_HOSTS];
	struct reprise_writer *writer = NULL;
	unsigned char payload[CRASH_PAYLOAD_MAX];
	reprise_position position = told->checked;
	const bool is_early = crash_random(random) % 2 == 0;
	unsigned int count = 0;

	for (unsigned int host = 0; host < CRASH_HOSTS; host++) {
		const struct crash_place *const place = crash_place(&told->hosts[host]);

		if (place != NULL)
			backs[count++] = (struct back){ .crash = crash,
							.runtime = runtime,
							.session = number,
							.host = host,
							.at = place->cursor };
	}
	for (unsigned int i = 0; is_early && i < count; i++)
		subscribe(&backs[i]);
	CHECK_OK(reprise_writer_open(runtime->store, crash_id(number), NULL, &writer, NULL));
	for (unsigned int i = 0; !is_early && i < count; i++)
		subscribe(&backs[i]);
	read_lives(runtime->log, &key, lives);
	for (unsigned int i = 0; i < count; i++)
		expect_all(&backs[i], lives);
	for (int i = 0; i < 2; i++) {
		const size_t size = crash_payload(number, crash->round * 1000 + 999, position + 1,
						  crash_random(random), payload);

		CHECK_OK(reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ payload, size },
					&position));
	}
	CHECK(position == told->checked + 2);
	for (unsigned int i = 0; i < count; i++)
		expect_live(&backs[i], told->checked + 1, position);
	reprise_writer_close(writer);
}

_Noreturn void
crash_check(struct crash *crash)
{
	struct lives *const lives = calloc(1, sizeof(*lives));
	uint64_t random = crash->seed * 7 + crash->round;
	bool is_known[CRASH_SESSIONS];

	CHECK(lives != NULL);
	crash_await_gone(crash);
	struct crash_runtime runtime = { .log = crash_log(crash) };

	for (unsigned int number = 0; number < CRASH_SESSIONS; number++) {
		check_log(crash, runtime.log, number, lives);
		is_known[number] = lives->count > 0;
	}
	reprise_log_close(runtime.log);
	runtime = crash_open(crash);
	for (unsigned int number = 0; number < CRASH_SESSIONS; number++)
		if (is_known[number])
			check_session(crash, &runtime, number, lives, &random);
	crash_close(&runtime);
	free(lives);
	_exit(0);
}
