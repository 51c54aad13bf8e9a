/* SPDX-License-Identifier: MIT */

/* append: the cost of an append with nobody subscribed, over the limit; default options. */

#include <stdio.h>
#include <stdlib.h>

#include <reprise/reprise.h>

#include "bench.h"
#include "limit.h"

enum {
	APPENDS = 4 * 1000 * 1000, /* a run */
	ARENA_BYTES = 1 << 20,
};

static unsigned char payload[1024];

static double
run_ours(struct reprise_session *session, size_t payload_bytes)
{
	const struct reprise_bytes bytes = { payload, payload_bytes };
	const uint64_t begin = bench_ns();

	for (uint64_t i = 0; i < APPENDS; i++)
		if (reprise_append(session, i / 64, 1, 0, bytes, NULL) != REPRISE_OK)
			bench_die("append failed");
	return (double)(bench_ns() - begin) / APPENDS;
}

static double
run_limit(struct limit *limit, size_t payload_bytes)
{
	const uint64_t begin = bench_ns();

	for (uint64_t i = 0; i < APPENDS; i++)
		limit_append(limit, i / 64, 1, 0, payload, payload_bytes);
	return (double)(bench_ns() - begin) / APPENDS;
}

static void
measure(size_t payload_bytes, double goal)
{
	struct limit limit = { .arena = aligned_alloc(4096, ARENA_BYTES),
			       .arena_bytes = ARENA_BYTES };
	struct reprise_store *store = NULL;
	struct reprise_session *session = NULL;
	double ours[BENCH_RUNS], theirs[BENCH_RUNS];

	if (limit.arena == NULL || reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_session_open(store, "bench", NULL, &session, NULL) != REPRISE_OK)
		bench_die("open failed");
	run_limit(&limit, payload_bytes);
	run_ours(session, payload_bytes);
	for (size_t i = 0; i < BENCH_RUNS; i++) {
		theirs[i] = run_limit(&limit, payload_bytes);
		ours[i] = run_ours(session, payload_bytes);
	}
	bench_print(&(struct bench_result){ .name = "append over limit, nobody subscribed",
					    .payload_bytes = payload_bytes,
					    .ours = ours,
					    .theirs = theirs,
					    .goal = goal });
	reprise_session_close(session);
	if (reprise_store_close(store) != REPRISE_OK)
		bench_die("close failed");
	free(limit.arena);
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
