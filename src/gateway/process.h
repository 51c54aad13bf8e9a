/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PROCESS_H
#define GATEWAY_PROCESS_H

/*
 * The numbers of the process in /metrics. /proc is opened with the gateway, not for each request,
 * so that a client causes no opening of a file.
 */

#include <stdbool.h>
#include <stdint.h>

struct process {
	int statm;         /* /proc/self/statm; -1: none */
	bool has_start;    /* the start is known */
	uint64_t start_ms; /* since 1970 */
};

/* The wall clock, in milliseconds since 1970. */
uint64_t process_wall_ms(void);
/* Without /proc nothing is known of the start and of the memory. */
void process_open(struct process *process);
void process_close(struct process *process);
/* False: not known. */
bool process_resident(const struct process *process, uint64_t *ret_bytes);

#endif /* GATEWAY_PROCESS_H */
