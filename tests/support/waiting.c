/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "support.h"

enum {
	WAITING_SESSIONS = 20,
	WAITING_THREADS_MAX = 32,
};

struct waiting {
	struct reprise_store *writing, *reading;
	struct reprise_recorder *writer, *reading_recorder;
	struct reprise_writer *sessions[WAITING_SESSIONS];
	struct reprise_subscription **hosts; /* the i-th of session i % WAITING_SESSIONS */
	size_t hosts_count;
	int threads[WAITING_THREADS_MAX]; /* of the reading store and its recorder */
	size_t threads_count;
};

enum {
	LOOKS = 12,
	LOOKS_MAX = 40,
	COMMITS = 16,
};

static void
id_of(size_t number, char *ret_id, size_t bytes)
{
	snprintf(ret_id, bytes, "session-%zu", number);
}

static void
append_and_flush(struct waiting *waiting, size_t number)
{
	cr_assert(eq(int,
		     reprise_append(waiting->sessions[number], 0, 0, 0,
				    (struct reprise_bytes){ "event", 5 }, NULL),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_recorder_flush(waiting->writer, NULL, REPRISE_SYNCED, 10 * one_second),
		     REPRISE_OK));
}

static void
open_sessions(struct waiting *waiting, struct reprise_cursor *ret_cursors)
{
	for (size_t i = 0; i < WAITING_SESSIONS; i++) {
		char id[32];

		id_of(i, id, sizeof(id));
		cr_assert(eq(int,
			     reprise_writer_open(waiting->writing, id, NULL, &waiting->sessions[i],
						 NULL),
			     REPRISE_OK));
		append_and_flush(waiting, i);
		cr_assert(eq(int, reprise_writer_cursor(waiting->sessions[i], 1, &ret_cursors[i]),
			     REPRISE_OK));
	}
}

/* The threads of this process; the first @limit of them. */
static size_t
list_threads(int *ret_threads, size_t limit)
{
	DIR *const tasks = opendir("/proc/self/task");
	size_t count = 0;

	cr_assert(ne(ptr, tasks, NULL));
	for (const struct dirent *task; count < limit && (task = readdir(tasks)) != NULL;)
		if (task->d_name[0] != '.')
			ret_threads[count++] = atoi(task->d_name);
	closedir(tasks);
	return count;
}

static bool
is_among(const int *threads, size_t count, int thread)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i] == thread)
			return true;
	return false;
}

static void
open_reader(struct waiting *waiting, struct reprise_log *to_read)
{
	int before[WAITING_THREADS_MAX], after[WAITING_THREADS_MAX];
	const size_t before_count = list_threads(before, WAITING_THREADS_MAX);

	waiting->reading = store_plain();
	cr_assert(eq(int,
		     reprise_recorder_open(waiting->reading, to_read, NULL,
					   &waiting->reading_recorder, NULL),
		     REPRISE_OK));
	const size_t after_count = list_threads(after, WAITING_THREADS_MAX);

	for (size_t i = 0; i < after_count; i++)
		if (!is_among(before, before_count, after[i]))
			waiting->threads[waiting->threads_count++] = after[i];
	cr_assert(ne(sz, waiting->threads_count, 0));
}

static uint64_t
cpu_ns(const struct waiting *waiting)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < waiting->threads_count; i++) {
		char path[64];
		unsigned long long used = 0;

		snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", waiting->threads[i]);
		FILE *const file = fopen(path, "r");

		cr_assert(ne(ptr, file, NULL));
		cr_assert(eq(int, fscanf(file, "%llu", &used), 1));
		fclose(file);
		sum += used;
	}
	return sum;
}

/* Until nobody is served any more. */
static void
settle(const struct waiting *waiting)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	do {
		usleep(10000);
		cr_assert(eq(int, reprise_recorder_stats(waiting->reading_recorder, &stats),
			     REPRISE_OK));
	} while (stats.pages < waiting->hosts_count);
}

/* Two connections to one log, borrowed. Each session has an event, which every host has seen. */
static void
waiting_open(struct waiting *waiting, struct reprise_log *to_write, struct reprise_log *to_read,
	     size_t hosts_count)
{
	struct reprise_cursor cursors[WAITING_SESSIONS];
	struct reprise_event event;
	struct reprise_gap gap;

	*waiting = (struct waiting){
		.writing = store_plain(),
		.hosts = calloc(hosts_count, sizeof(struct reprise_subscription *)),
		.hosts_count = hosts_count,
	};
	cr_assert(ne(ptr, waiting->hosts, NULL));
	cr_assert(
		eq(int,
		   reprise_recorder_open(waiting->writing, to_write, NULL, &waiting->writer, NULL),
		   REPRISE_OK));
	open_sessions(waiting, cursors);
	open_reader(waiting, to_read);
	for (size_t i = 0; i < hosts_count; i++) {
		cr_assert(
			eq(int,
			   reprise_subscribe_after(waiting->reading, &cursors[i % WAITING_SESSIONS],
						   NULL, &waiting->hosts[i], NULL),
			   REPRISE_OK));
		cr_assert(eq(int, reprise_next(waiting->hosts[i], &event, &gap, NULL),
			     REPRISE_NEXT_EMPTY));
	}
	settle(waiting);
}

static void
waiting_close(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->hosts_count; i++)
		reprise_subscription_close(waiting->hosts[i]);
	for (size_t i = 0; i < WAITING_SESSIONS; i++)
		reprise_writer_close(waiting->sessions[i]);
	cr_assert(eq(int, reprise_recorder_close(waiting->reading_recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_close(waiting->writer), REPRISE_OK));
	close_store(waiting->reading);
	close_store(waiting->writing);
	free(waiting->hosts);
}

/*
 * The processor's time that the reading runtime's threads take in 250 ms: the least of several
 * looks, of more while none is within @enough_ns.
 */
static uint64_t
waiting_idle_ns(const struct waiting *waiting, uint64_t enough_ns)
{
	uint64_t least_ns = UINT64_MAX;

	/* A machine that is busy with other things makes each look dearer. */
	for (int i = 0; i < LOOKS_MAX && (i < LOOKS || least_ns > enough_ns); i++) {
		const uint64_t before = cpu_ns(waiting);

		usleep(250000);
		const uint64_t used = cpu_ns(waiting) - before;

		least_ns = used < least_ns ? used : least_ns;
	}
	return least_ns;
}

static void
take_one(struct reprise_subscription *host, reprise_position position)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_outcome outcome;

	while ((outcome = reprise_next(host, &event, &gap, NULL)) == REPRISE_NEXT_EMPTY)
		cr_assert(eq(int, reprise_wait(host, 10 * one_second), REPRISE_OK));
	cr_assert(eq(int, outcome, REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, position));
	/* Back to waiting. */
	cr_assert(eq(int, reprise_next(host, &event, &gap, NULL), REPRISE_NEXT_EMPTY));
}

/*
 * Commits an event to one session, and waits until all its hosts have it: the time from the commit
 * on, for the first and for the last of them. The least of several.
 */
static void
waiting_seen_ns(struct waiting *waiting, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	const size_t number = 7;

	*ret_first_ns = *ret_last_ns = UINT64_MAX;
	for (reprise_position position = 2; position < 2 + COMMITS; position++) {
		usleep(100000);
		append_and_flush(waiting, number);
		const uint64_t begin_ns = clock_ns();
		uint64_t first_ns = 0;

		for (size_t i = number; i < waiting->hosts_count; i += WAITING_SESSIONS) {
			take_one(waiting->hosts[i], position);
			if (first_ns == 0)
				first_ns = clock_ns() - begin_ns;
		}
		const uint64_t last_ns = clock_ns() - begin_ns;

		*ret_first_ns = first_ns < *ret_first_ns ? first_ns : *ret_first_ns;
		*ret_last_ns = last_ns < *ret_last_ns ? last_ns : *ret_last_ns;
	}
}

void
waiting_expect(struct reprise_log *to_write, struct reprise_log *to_read, size_t hosts_count,
	       uint64_t idle_ns_max)
{
	struct waiting waiting;
	uint64_t first_ns, last_ns;

	waiting_open(&waiting, to_write, to_read, hosts_count);
	const uint64_t idle_ns = waiting_idle_ns(&waiting, idle_ns_max);

	waiting_seen_ns(&waiting, &first_ns, &last_ns);
	cr_log_info("idle %llu ns in 250 ms; seen after %llu to %llu ns\n",
		    (unsigned long long)idle_ns, (unsigned long long)first_ns,
		    (unsigned long long)last_ns);
	cr_assert(le(u64, idle_ns, idle_ns_max));
	cr_assert(le(u64, last_ns, 20000000));
	waiting_close(&waiting);
	reprise_log_close(to_read);
	reprise_log_close(to_write);
}
