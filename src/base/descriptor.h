/* SPDX-License-Identifier: MIT */
#ifndef BASE_DESCRIPTOR_H
#define BASE_DESCRIPTOR_H

#include <stdbool.h>

/*
 * Descriptors of the library are never 0, 1 or 2, which a host that has closed them may
 * give to somebody.
 */

/*
 * @fd, or in its place a duplicate that is 3 or more; close-on-exec. -1 and errno if @fd is -1 or
 * there is none.
 */
int descriptor_above_standard(int fd);

/*
 * Makes an eventfd readable, or unreadable. False if @fd is no eventfd any more. Reads and writes
 * of the host do no harm. Neither call is a cancellation point.
 */
bool descriptor_ring(int fd);
bool descriptor_drain(int fd);

/* For calls that open descriptors of their own: in between 0, 1 and 2 are taken. */
struct descriptors {
	int held[3];
	int count;
};

struct descriptors descriptors_occupy_standard(void);
void descriptors_release(const struct descriptors *descriptors);

#endif /* BASE_DESCRIPTOR_H */
