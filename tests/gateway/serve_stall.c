/* SPDX-License-Identifier: MIT */
/*
 * V46: how long the loop of `reprise serve` is kept from answering while each commit of the log
 * takes 200 ms. Another connection holds the log's lock for 200 ms at a time; one client appends
 * and waits, and another asks for what needs no log. Prints the latencies, and ends with 1 if the
 * slowest answer took 5 ms or more in each of three attempts: one attempt may meet another program
 * that takes the processor.
 * Usage: serve_stall PROGRAM FOLDER SECONDS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "served.h"

enum {
	ATTEMPTS = 3,
	COMMIT_MS = 200,
	PAUSE_MS = 20, /* without the lock: the log commits */
	ASKS_MAX = 200000,
	PATH_BYTES = 400,
};

static const uint64_t stall_ns_max = 5000000;

struct run {
	struct served served;
	char path[PATH_BYTES];
	atomic_bool is_over;
	atomic_uint_fast64_t appends;
	uint64_t *latencies_ns;
};

static void
sleep_ms(long ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000 };

	nanosleep(&pause, NULL);
}

static void
say(sqlite3 *database, const char *sql)
{
	if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
		served_fail("%s: %s", sql, sqlite3_errmsg(database));
}

static void *
hold_log(void *run_)
{
	struct run *const run = run_;
	sqlite3 *database;

	if (sqlite3_open(run->path, &database) != SQLITE_OK)
		served_fail("%s: %s", run->path, sqlite3_errmsg(database));
	sqlite3_busy_timeout(database, 30000);
	while (!atomic_load(&run->is_over)) {
		say(database, "BEGIN IMMEDIATE");
		sleep_ms(COMMIT_MS);
		say(database, "ROLLBACK");
		sleep_ms(PAUSE_MS);
	}
	sqlite3_close(database);
	return NULL;
}

/* Sessions that are new, too: their openings keep the workers waiting. */
static void *
append(void *run_)
{
	struct run *const run = run_;
	char target[80];

	while (!atomic_load(&run->is_over)) {
		const uint64_t number = atomic_load(&run->appends);
		struct served_reply reply;

		snprintf(target, sizeof(target), "/v1/sessions/s%llu/events",
			 number % 2 == 0 ? 0ull : (unsigned long long)number);
		reply = served_ask(&run->served, "POST", target, "{}");
		if (reply.status != 200)
			served_fail("an append: %s", reply.text);
		atomic_fetch_add(&run->appends, 1);
	}
	return NULL;
}

static int
compare(const void *left_, const void *right_)
{
	const uint64_t left = *(const uint64_t *)left_, right = *(const uint64_t *)right_;

	return (left > right) - (left < right);
}

/* Asks once a millisecond. Answers the slowest answer. */
static uint64_t
ask_for(struct run *run, uint64_t seconds)
{
	const int connection = served_connect(&run->served);
	const uint64_t end = served_now_ns() + seconds * UINT64_C(1000000000);
	const uint64_t appends = atomic_load(&run->appends);
	size_t count = 0;

	while (served_now_ns() < end && count < ASKS_MAX) {
		const uint64_t began = served_now_ns();

		served_request(connection, "GET",
			       count % 2 == 0 ? "/healthz" : "/v1/sessions/s0/cursor?at=newest",
			       NULL, NULL);
		if (served_receive(connection).status != 200)
			served_fail("no answer");
		run->latencies_ns[count++] = served_now_ns() - began;
		sleep_ms(1);
	}
	close(connection);
	qsort(run->latencies_ns, count, sizeof(*run->latencies_ns), compare);
	printf("stall: %zu answers beside %llu appends: p50 %.3f ms, p99 %.3f ms, slowest %.3f "
	       "ms\n",
	       count, (unsigned long long)(atomic_load(&run->appends) - appends),
	       (double)run->latencies_ns[count / 2] / 1e6,
	       (double)run->latencies_ns[count * 99 / 100] / 1e6,
	       (double)run->latencies_ns[count - 1] / 1e6);
	return run->latencies_ns[count - 1];
}

int
main(int argc, char **argv)
{
	char place[PATH_BYTES + 16];
	const char *const options[] = { "--log", place, "--recorded-wait", "30000", NULL };
	static struct run run;
	pthread_t holder, writer;
	uint64_t seconds, slowest = UINT64_MAX;

	if (argc != 4 || (seconds = strtoull(argv[3], NULL, 10)) == 0) {
		fprintf(stderr, "usage: serve_stall PROGRAM FOLDER SECONDS\n");
		return 2;
	}
	snprintf(run.path, sizeof(run.path), "%s/stall.db", argv[2]);
	snprintf(place, sizeof(place), "sqlite:%s", run.path);
	run.latencies_ns = calloc(ASKS_MAX, sizeof(*run.latencies_ns));
	if (run.latencies_ns == NULL)
		served_fail("no memory");
	served_start(&run.served, argv[1], options);
	(void)served_ask(&run.served, "POST", "/v1/sessions/s0/events", "{}");
	if (pthread_create(&holder, NULL, hold_log, &run) != 0 ||
	    pthread_create(&writer, NULL, append, &run) != 0)
		served_fail("no thread");
	for (int i = 0; i < ATTEMPTS && slowest >= stall_ns_max; i++)
		slowest = ask_for(&run, seconds);
	if (atomic_load(&run.appends) == 0)
		served_fail("no append came through");
	atomic_store(&run.is_over, true);
	pthread_join(writer, NULL);
	pthread_join(holder, NULL);
	served_kill(&run.served);
	free(run.latencies_ns);
	return slowest < stall_ns_max ? 0 : 1;
}
