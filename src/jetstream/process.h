/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_PROCESS_H
#define JETSTREAM_PROCESS_H

/*
 * A writer belongs to the process that opened it: a child of a fork has no thread that
 * could serve it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct owner {
	pid_t process;
	uint64_t generation; /* how many forks the process is away from the first */
};

/* False: memory for the fork's handler could not be had. */
bool owner_note(struct owner *ret_owner);

/* Whether this process is @owner. One system call. */
bool owner_is_here(const struct owner *owner);

#endif /* JETSTREAM_PROCESS_H */
