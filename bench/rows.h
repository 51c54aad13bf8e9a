/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

/* The measurements: each prints its rows. */

#include "harness.h"

struct rows {
	const char *name;
	const char *about;
	bool is_quick; /* a quick run measures it */
	void (*measure)(struct harness *harness);
};

/* All, in the order in which they run; ended by a NULL name. */
extern const struct rows all_rows[];

void measure_limit(struct harness *harness);
void measure_append(struct harness *harness);
void measure_batch(struct harness *harness);
void measure_writers(struct harness *harness);
void measure_fanout(struct harness *harness);
void measure_group(struct harness *harness);
void measure_live(struct harness *harness);
void measure_wake(struct harness *harness);
void measure_once(struct harness *harness);
void measure_replay(struct harness *harness);
void measure_lookup(struct harness *harness);
void measure_memory(struct harness *harness);
void measure_streams(struct harness *harness);
void measure_append_cost_over_time(struct harness *harness);

/* Over a log in a SQLite file. */
void measure_record(struct harness *harness);
void measure_recording(struct harness *harness);
void measure_heal(struct harness *harness);
void measure_recovery(struct harness *harness);
void measure_wal(struct harness *harness);
void measure_opening(struct harness *harness);
void measure_conversation(struct harness *harness);

/* Thread documents. */
void measure_thread(struct harness *harness);
void measure_jetstream(struct harness *harness);

/* Sessions over HTTP. */
void measure_gateway_idle(struct harness *harness);
void measure_gateway_fanout(struct harness *harness);
void measure_gateway_live(struct harness *harness);
void measure_gateway_post(struct harness *harness);
void measure_gateway_told(struct harness *harness);
void measure_gateway_durable_read(struct harness *harness);
void measure_gateway_durable_append(struct harness *harness);
void measure_gateway_durable_memory(struct harness *harness);

/* Whether the folder has a .jsonl file with lines. */
bool streams_are_in(const char *path);

/* A part of append: system calls, counted. */
void measure_calls(struct harness *harness);

#endif /* BENCH_ROWS_H */
