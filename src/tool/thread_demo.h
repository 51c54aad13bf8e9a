/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_DEMO_H
#define TOOL_THREAD_DEMO_H

#include <stdbool.h>

struct thread_world;

/* `reprise demo --nats [--cluster]`: plays the demo, prints a table of its deltas, and answers the exit status. */
int thread_demo_run(bool is_cluster);

/* The part with a cluster: the same answer. The world is made and ended by the caller. */
int thread_cluster_play(struct thread_world *world);

#endif /* TOOL_THREAD_DEMO_H */
