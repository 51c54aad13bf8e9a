/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_WALL_H
#define RECORDER_WALL_H

/*
 * Wall time: which time in UTC a stamp stands for.
 *
 * A stamp is a time on the store's clock: CLOCK_MONOTONIC, or whatever the host sets
 * (reprise_stamp_set). The log's times are UTC. Both clocks are read anew for each batch, so that a
 * step of the wall clock, or a suspended machine, concerns no event of a later batch. A measurement
 * that differs only by what measuring costs keeps the offset before, so that an event has the same
 * stamp in the ring and when it is read back from the log.
 */

#include <stdbool.h>
#include <stdint.h>

struct reprise_recorder;

/* Offsets are modulo 2^64: a host's clock may be ahead of UTC. */
struct wall {
	bool is_known;
	uint64_t now_ns;       /* UTC when the offsets were measured */
	uint64_t offset_ns;    /* UTC less the store's clock */
	uint64_t monotonic_ns; /* UTC less CLOCK_MONOTONIC */
};

/* Measures the offsets of the recorder anew, under its lock. */
struct wall wall_measure(struct reprise_recorder *recorder);

/* The UTC time of a stamp; never 0, never later than the measurement. */
uint64_t wall_time(const struct wall *wall, uint64_t stamp_ns);

/* The stamp of a UTC time; 0 for a time before the store's clock began. */
uint64_t wall_stamp(const struct wall *wall, uint64_t time_ns);

/* The CLOCK_MONOTONIC time of a UTC time that wall_time answered by the same measurement. */
uint64_t wall_monotonic(const struct wall *wall, uint64_t time_ns);

#endif /* RECORDER_WALL_H */
