/* SPDX-License-Identifier: MIT */

/*
 * histories [--seed S] [--cursors N]
 *
 * The oracle of the log: random histories of a session (lives that ended clean, crashed, void,
 * empty; with gaps, with an archive), and cursors of every life in each, as subscription, replay
 * and resume, held against the rules (history_rules.c). First the log alone is there; then the
 * session is opened again and goes on, so that subscriptions which wait find their window. A
 * difference is printed, and ends with 1.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/recorder.h>
#include <reprise/session.h>

#include "gap_reason.h"
#include "history.h"

#define MUST(what)                                                                         \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			exit(2);                                                           \
		}                                                                          \
	} while (0)

enum {
	HISTORIES_AT_ONCE = 32,
	HOSTS_MAX = 512, /* of one history */
	DIFFERENCES_SHOWN = 10,
};

struct host {
	struct history_cursor asked;
	struct reprise_subscription *subscription;
	struct telling_text told;
	size_t lines_compared; /* of what was told */
	bool is_over;
};

static struct reprise_log *reprise_log;
static struct reprise_store *store;
static struct reprise_recorder *recorder;
static struct history histories[HISTORIES_AT_ONCE];
static struct host hosts[HOSTS_MAX];
static size_t hosts_count;
static uint64_t cursors_count, differences, numbers_of_random, outcomes;
static uint64_t waited, refused, ended_by_session, ended_by_replay;

static void
open_store(const char *path)
{
	const struct reprise_log_sqlite_options file = { .size = sizeof(file), .path = path };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = 64,
							 .bytes_max = 16 << 10,
							 .age_ns_max = REPRISE_NO_LIMIT };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &session };
	const struct reprise_recorder_options recording = { .size = sizeof(recording),
							    .durability = REPRISE_WRITTEN,
							    .linger_ns = 1,
							    .heal_wait_ns =
								    REPRISE_NO_LIMIT >> 30 };

	MUST(reprise_log_sqlite_open(&file, &reprise_log, NULL) == REPRISE_OK);
	MUST(reprise_store_open(&options, &store, NULL) == REPRISE_OK);
	MUST(reprise_recorder_open(store, reprise_log, &recording, &recorder, NULL) == REPRISE_OK);
}

static void
close_store(void)
{
	MUST(reprise_recorder_close(recorder) == REPRISE_OK);
	MUST(reprise_store_close(store) == REPRISE_OK);
	reprise_log_close(reprise_log);
}

static struct reprise_subscription *
subscribe(const struct history_cursor *asked)
{
	struct reprise_subscription *subscription = NULL;
	reprise_status status = REPRISE_E_INVALID;

	switch (asked->use) {
	case USE_SUBSCRIBE:
		status = reprise_subscribe_after(store, &asked->cursor, NULL, &subscription, NULL);
		break;
	case USE_REPLAY:
		status = reprise_replay_after(store, &asked->cursor, NULL, &subscription, NULL);
		break;
	case USE_RESUME:
		status = reprise_resume_after(store, &asked->cursor, asked->durable_revision, NULL,
					      &subscription, NULL);
		break;
	}
	MUST(status == REPRISE_OK);
	return subscription;
}

static void
add_host(const struct history *history, const struct reprise_incarnation *incarnation,
	 uint64_t position, enum history_use use, uint64_t *random)
{
	if (hosts_count == HOSTS_MAX)
		return;
	struct host *const host = &hosts[hosts_count++];

	*host = (struct host){
		.asked = { .cursor = { .incarnation = *incarnation,
				       .revision = random_below(random, history->revision + 2),
				       .position = position },
			   .use = use,
			   .durable_revision = random_below(random, history->revision + 2) },
	};
	memcpy(host->asked.cursor.session_id, history->thread, strlen(history->thread) + 1);
	host->subscription = subscribe(&host->asked);
	cursors_count++;
}

/* Cursors of every life, from two before its first position to two after its end. */
static void
add_hosts(const struct history *history, uint64_t *random)
{
	static const struct reprise_incarnation unknown = { { 7 } };

	for (size_t i = 0; i < history->lives_count; i++) {
		const struct history_life *const life = &history->lives[i];

		for (uint64_t after = life->first >= 2 ? life->first - 2 : 0;
		     after <= life->end + 2; after++)
			add_host(history, &life->incarnation, after,
				 (enum history_use)random_below(random, 3), random);
	}
	add_host(history, &unknown, 1, USE_SUBSCRIBE, random);
}

/* Takes what there is; answers whether there was something. */
static bool
take(const struct history *history, struct host *host)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };
	bool has_taken = false;

	while (!host->is_over) {
		switch (reprise_next(host->subscription, &event, &gap, &end)) {
		case REPRISE_NEXT_EMPTY:
			return has_taken;
		case REPRISE_NEXT_EVENT:
			text_event(&host->told, event.position, event.revision);
			break;
		case REPRISE_NEXT_GAP:
			MUST(gap_reason_fits(&gap));
			refused += gap.reason == REPRISE_GAP_UNAVAILABLE;
			text_gap(&host->told, history, &gap);
			break;
		case REPRISE_NEXT_ENDED:
			ended_by_session += end.cause == REPRISE_END_SESSION;
			ended_by_replay += end.cause == REPRISE_END_REPLAY;
			text_end(&host->told, end.cause, end.status);
			host->is_over = true;
			break;
		}
		has_taken = true;
		outcomes++;
	}
	return has_taken;
}

/*
 * The reading thread answers in the order of asking: all questions before this have been looked at.
 */
static void
await_reader(void)
{
	const struct reprise_cursor nobody = { .incarnation = { { 9 } }, .session_id = "nobody" };
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;

	MUST(reprise_subscribe_after(store, &nobody, NULL, &subscription, NULL) == REPRISE_OK);
	while (reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY)
		MUST(reprise_wait(subscription, REPRISE_NO_LIMIT) == REPRISE_OK);
	reprise_subscription_close(subscription);
}

static uint64_t
pages_read(void)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	MUST(reprise_recorder_stats(recorder, &stats) == REPRISE_OK);
	return stats.pages;
}

/* Until no host has anything to take, and no host was answered: a host that is not over waits. */
static void
take_all(const struct history *history)
{
	for (bool has_taken = true; has_taken;) {
		const uint64_t before = pages_read();

		has_taken = false;
		for (size_t i = 0; i < hosts_count; i++)
			has_taken = take(history, &hosts[i]) || has_taken;
		await_reader();
		has_taken = has_taken || pages_read() > before + 1;
	}
}

/* Lines compared before were told of an earlier moment, when another position was newest. */
static bool
is_as_expected(const struct host *host, const struct telling_text *expected)
{
	return strcmp(text_after(host->told.bytes, host->lines_compared),
		      text_after(expected->bytes, host->lines_compared)) == 0 &&
	       host->is_over != text_waits(expected);
}

static void
compare(const struct history *history, struct host *host)
{
	static const char *const uses[] = { "subscribe", "replay", "resume" };
	struct telling_text expected = { 0 };
	size_t life = 0;

	history_expect(history, &host->asked, &expected);
	waited += text_waits(&expected);
	const bool is_good = is_as_expected(host, &expected);

	host->lines_compared = text_lines(host->told.bytes);
	if (is_good || ++differences > DIFFERENCES_SHOWN)
		return;
	while (life < history->lives_count &&
	       memcmp(&history->lives[life].incarnation, &host->asked.cursor.incarnation,
		      sizeof(struct reprise_incarnation)) != 0)
		life++;
	for (size_t i = 0; i < history->lives_count; i++)
		fprintf(stderr, "life %zu: %" PRIu64 "..%" PRIu64 " state %d%s\n", i + 1,
			history->lives[i].first, history->lives[i].end,
			(int)history->lives[i].state,
			history->lives[i].is_window ? " with its window" : "");
	fprintf(stderr, "%s: watermark %" PRIu64 ", ended %d\n", history->thread,
		history->watermark, history->has_ended ? history->end_status : 0);
	fprintf(stderr,
		"%s at %zu/%" PRIu64 "/%" PRIu64 " durable %" PRIu64 "\n"
		"--- expected\n%s--- told\n%s\n",
		uses[host->asked.use], life + 1, host->asked.cursor.position,
		host->asked.cursor.revision, host->asked.durable_revision, expected.bytes,
		host->told.bytes);
}

/*
 * Hosts that are over have been compared; hosts that wait are told the rest of the expected lines.
 */
static void
compare_all(const struct history *history)
{
	size_t left = 0;

	for (size_t i = 0; i < hosts_count; i++) {
		compare(history, &hosts[i]);
		if (hosts[i].is_over)
			reprise_subscription_close(hosts[i].subscription);
		else
			hosts[left++] = hosts[i];
	}
	hosts_count = left;
}

static void
close_hosts(void)
{
	for (size_t i = 0; i < hosts_count; i++)
		reprise_subscription_close(hosts[i].subscription);
	hosts_count = 0;
}

/* The session is opened in this process: a life of its own, and events. */
static void
go_on(struct history *history, uint64_t *random)
{
	struct reprise_writer *writer = NULL;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	const uint64_t events = random_below(random, 4);

	MUST(reprise_writer_open(store, history->thread, NULL, &writer, NULL) == REPRISE_OK);
	MUST(reprise_session_stats(store, history->thread, &stats) == REPRISE_OK);
	history_begin_life(history, &stats.incarnation);
	history->lives[history->lives_count - 1].is_window = true;
	for (uint64_t i = 0; i < events; i++) {
		const bool is_commit = random_below(random, 4) == 0;
		const uint64_t revision = history->revision + random_below(random, 2);

		MUST(reprise_append(writer, revision, 0, is_commit ? REPRISE_EVENT_COMMIT : 0,
				    (struct reprise_bytes){ "x", 1 }, NULL) == REPRISE_OK);
		history_add_event(history, revision, is_commit);
	}
	if (random_below(random, 3) == 0) {
		history->has_ended = true;
		history->end_status = 11;
		MUST(reprise_writer_end(writer, 11) == REPRISE_OK);
	}
	reprise_writer_close(writer);
	MUST(reprise_recorder_flush(recorder, history->thread, REPRISE_WRITTEN, REPRISE_NO_LIMIT) ==
	     REPRISE_OK);
}

/* The life is declared void: its window goes, and the life is not to be read again. */
static void
invalidate(struct history *history)
{
	struct history_life *const last = &history->lives[history->lives_count - 1];

	MUST(reprise_session_invalidate(store, history->thread) == REPRISE_OK);
	last->state = REPRISE_LIFE_INVALIDATED;
	last->is_window = false;
}

static void
try_history(struct history *history, uint64_t *random)
{
	add_hosts(history, random);
	take_all(history);
	compare_all(history);
	if (random_below(random, 2) == 0) {
		go_on(history, random);
		add_hosts(history, random);
		take_all(history);
		compare_all(history);
	}
	close_hosts();
	if (history->lives[history->lives_count - 1].is_window && random_below(random, 2) == 0) {
		invalidate(history);
		add_hosts(history, random);
		take_all(history);
		compare_all(history);
		close_hosts();
	}
}

static uint64_t
number_given(int count, char **arguments, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < count; i += 2)
		if (strcmp(arguments[i], name) == 0)
			return strtoull(arguments[i + 1], NULL, 10);
	return otherwise;
}

int
main(int count, char **arguments)
{
	const char *const above = getenv("TMPDIR");
	const uint64_t cursors = number_given(count, arguments, "--cursors", 10000);
	char folder[512], path[600];
	unsigned int number = 0;

	numbers_of_random = number_given(count, arguments, "--seed", 1);
	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	MUST(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	open_store(path);
	while (cursors_count < cursors) {
		for (size_t i = 0; i < HISTORIES_AT_ONCE; i++)
			history_make(&histories[i], number++, &numbers_of_random);
		history_write(reprise_log, histories, HISTORIES_AT_ONCE);
		for (size_t i = 0; i < HISTORIES_AT_ONCE && cursors_count < cursors; i++)
			try_history(&histories[i], &numbers_of_random);
	}
	close_store();
	for (const char *const *name = (const char *const[]){ "", "-wal", "-shm", "-lock", NULL };
	     *name != NULL; name++) {
		snprintf(path, sizeof(path), "%s/log%s", folder, *name);
		(void)unlink(path);
	}
	(void)rmdir(folder);
	printf("histories: %" PRIu64 " cursors of %u histories, %" PRIu64 " outcomes; %" PRIu64
	       " wait, %" PRIu64 " refused, %" PRIu64 " end with the session, %" PRIu64
	       " with the replay; %" PRIu64 " differ\n",
	       cursors_count, number, outcomes, waited, refused, ended_by_session, ended_by_replay,
	       differences);
	return differences != 0;
}
