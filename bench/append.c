/* SPDX-License-Identifier: MIT */

/* append: the cost of an append with nobody subscribed, over the limit; default options. */

#include <stdio.h>
#include <stdlib.h>

#include <reprise/reprise.h>

#include "bench.h"
#include "limit.h"

enum {
	APPENDS = 2 * 1000 * 1000, /* a run */
	WARM_UP = 50 * 1000,       /* several laps */
	ARENA_BYTES = 1 << 20,
};

static unsigned char payload[1024];

static double
run_ours(struct reprise_session *session, size_t payload_bytes, uint64_t appends)
{
	const struct reprise_bytes bytes = { payload, payload_bytes };
	const uint64_t begin = bench_ns();

	for (uint64_t i = 0; i < appends; i++)
		if (reprise_append(session, i / 64, 1, 0, bytes, NULL) != REPRISE_OK)
			bench_die("append failed");
	return (double)(bench_ns() - begin) / (double)appends;
}

static double
run_limit(struct limit *limit, size_t payload_bytes, uint64_t appends)
{
	const uint64_t begin = bench_ns();

	for (uint64_t i = 0; i < appends; i++)
		limit_append(limit, i / 64, 1, 0, payload, payload_bytes);
	return (double)(bench_ns() - begin) / (double)appends;
}

/* One pair of runs, each over memory of its own that is fresh: where pages lie decides much. */
static void
run_pair(size_t payload_bytes, double *ret_ours, double *ret_theirs)
{
	struct limit limit = { .arena = aligned_alloc(4096, ARENA_BYTES),
			       .arena_bytes = ARENA_BYTES };
	struct reprise_store *store = NULL;
	struct reprise_session *session = NULL;

	if (limit.arena == NULL || reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_session_open(store, "bench", NULL, &session, NULL) != REPRISE_OK)
		bench_die("open failed");
	run_limit(&limit, payload_bytes, WARM_UP);
	run_ours(session, payload_bytes, WARM_UP);
	*ret_theirs = run_limit(&limit, payload_bytes, APPENDS);
	*ret_ours = run_ours(session, payload_bytes, APPENDS);
	reprise_session_close(session);
	if (reprise_store_close(store) != REPRISE_OK)
		bench_die("close failed");
	free(limit.arena);
}

static void
measure(size_t payload_bytes, double goal)
{
	double ours[BENCH_RUNS], theirs[BENCH_RUNS];

	for (size_t i = 0; i < BENCH_RUNS; i++)
		run_pair(payload_bytes, &ours[i], &theirs[i]);
	bench_print(&(struct bench_result){ .name = "append over limit, nobody subscribed",
					    .payload_bytes = payload_bytes,
					    .ours = ours,
					    .theirs = theirs,
					    .goal = goal });
}

int
main(void)
{
	if (!bench_pin(0))
		fprintf(stderr, "bench: not pinned\n");
	measure(64, 1.4);
	measure(256, 1.25);
	measure(1024, 1.05);
	return 0;
}
