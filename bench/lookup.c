/* SPDX-License-Identifier: MIT */

/*
 * lookup: finding a session by its id among a million that retain nothing, and opening and closing a writer on it.
 * What is found again and again, by anyone with a few busy sessions, is in the processor's caches; any
 * one of a million is not. So beside the second stand loads that depend on each other, from as much memory
 * as the sessions take: no look-up is faster than one of those.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <reprise/reprise.h>

#include "bench.h"

enum {
	SESSIONS = 1000 * 1000,
	BUSY = 64, /* sessions that are looked up again and again */
	LOOKS = 200 * 1000,
	LINE_BYTES = 1024,
	ID_BYTES = 48,
};

static struct reprise_store *store;
static uint64_t random_state = 1;

static size_t
any_of(size_t count)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)((random_state >> 32) * count >> 32);
}

static void
id_of(size_t number, char id[ID_BYTES])
{
	snprintf(id, ID_BYTES, "5f0c1d5e-7f3a-4a86-9d8e-%012zx", number);
}

static void
visit(const char *id)
{
	struct reprise_session *session = NULL;

	if (reprise_session_open(store, id, NULL, &session, NULL) != REPRISE_OK)
		bench_die("open failed");
	reprise_session_close(session);
}

/* The ids of the looks to come, in the order of looking. */
static char (*ids_among(size_t count))[ID_BYTES]
{
	char(*const ids)[ID_BYTES] = malloc((size_t)LOOKS * ID_BYTES);

	if (ids == NULL)
		bench_die("no memory");
	for (size_t i = 0; i < LOOKS; i++)
		id_of(any_of(count), ids[i]);
	return ids;
}

/* Trimming to before the beginning does nothing but look the session up, and let it go again. */
static double
run_looks(char (*ids)[ID_BYTES])
{
	const uint64_t begin = bench_ns();

	for (size_t i = 0; i < LOOKS; i++)
		if (reprise_trim_to(store, ids[i], 0) != REPRISE_OK)
			bench_die("look failed");
	return (double)(bench_ns() - begin) / LOOKS;
}

static double
run_visits(char (*ids)[ID_BYTES])
{
	const uint64_t begin = bench_ns();

	for (size_t i = 0; i < LOOKS; i++)
		visit(ids[i]);
	return (double)(bench_ns() - begin) / LOOKS;
}

/* A circle through all lines, in random order. */
static void **
circle_open(void)
{
	unsigned char *const lines =
		mmap(NULL, (size_t)SESSIONS * LINE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *const order = malloc((size_t)SESSIONS * sizeof(*order));

	if (lines == MAP_FAILED || order == NULL ||
	    madvise(lines, (size_t)SESSIONS * LINE_BYTES, MADV_NOHUGEPAGE) != 0)
		bench_die("no memory");
	for (uint32_t i = 0; i < SESSIONS; i++)
		order[i] = i;
	for (size_t i = SESSIONS - 1; i > 0; i--) {
		const size_t other = any_of(i + 1);
		const uint32_t kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		void *const next = lines + (size_t)order[(i + 1) % SESSIONS] * LINE_BYTES;

		memcpy(lines + (size_t)order[i] * LINE_BYTES, &next, sizeof(next));
	}
	free(order);
	return (void **)(void *)lines;
}

static double
run_loads(void **line)
{
	const uint64_t begin = bench_ns();

	for (size_t i = 0; i < LOOKS; i++)
		line = *line;
	const uint64_t end = bench_ns();

	return line == NULL ? 0 : (double)(end - begin) / LOOKS;
}

/* What has no peer: nanoseconds over the goal's. */
static void
print_absolute(const char *name, const double *ours, double goal_ns)
{
	double theirs[BENCH_RUNS];

	for (size_t i = 0; i < BENCH_RUNS; i++)
		theirs[i] = goal_ns;
	bench_print(
		&(struct bench_result){ .name = name, .ours = ours, .theirs = theirs, .goal = 1 });
}

int
main(void)
{
	static double busy[BENCH_RUNS], any[BENCH_RUNS], loads[BENCH_RUNS], visits[BENCH_RUNS];
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = REPRISE_NO_LIMIT };
	char id[ID_BYTES];

	if (!bench_pin(0))
		fprintf(stderr, "bench: not pinned\n");
	if (reprise_store_open(&options, &store, NULL) != REPRISE_OK)
		bench_die("open failed");
	for (size_t i = 0; i < SESSIONS; i++) {
		id_of(i, id);
		visit(id);
	}
	char(*const busy_ids)[ID_BYTES] = ids_among(BUSY);
	char(*const any_ids)[ID_BYTES] = ids_among(SESSIONS);
	void **const circle = circle_open();

	for (size_t i = 0; i < BENCH_RUNS; i++) {
		busy[i] = run_looks(busy_ids);
		loads[i] = run_loads(circle);
		any[i] = run_looks(any_ids);
		visits[i] = run_visits(busy_ids);
	}
	print_absolute("look-up of one of 64 busy sessions among 1000000, over 100 ns", busy, 100);
	bench_print(&(struct bench_result){
		.name = "look-up of any of 1000000 sessions, over one load from as much memory",
		.ours = any,
		.theirs = loads,
		.goal = 4 });
	print_absolute("open and close of a busy session among 1000000, over 2000 ns", visits,
		       2000);
	if (reprise_store_close(store) != REPRISE_OK)
		bench_die("close failed");
	free(busy_ids);
	free(any_ids);
	return 0;
}
