/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_DEMO_H
#define TOOL_THREAD_DEMO_H

#include <stdbool.h>

struct thread_world;

/* `reprise demo --nats [--cluster]`: plays the demo and prints a table. Returns the exit status. */
int thread_demo_run(bool is_cluster);

/* The part with a cluster. The caller makes and ends the world. */
int thread_cluster_play(struct thread_world *world);

#endif /* TOOL_THREAD_DEMO_H */
