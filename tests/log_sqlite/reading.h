/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_READING_H
#define LOG_SQLITE_READING_H

/* A small log with something in every table, and every call that reads it. */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/log.h>

/*
 * Two keys, ("t", "ring") and ("t", "direct"): lives, gaps, an end, rises, commits, archived and
 * moved rows, blobs.
 */
bool reading_fill(struct reprise_log *log);

struct reading {
	uint32_t answers; /* a checksum of everything that was answered, but for what verify says */
	uint32_t untimed; /* the same without the times of gaps */
	bool is_told;     /* a call has failed, or verify has found a fault */
};

/* Calls every call that reads, for each key that is known, and for each that the log lists. */
struct reading reading_of(struct reprise_log *log);

#endif /* LOG_SQLITE_READING_H */
