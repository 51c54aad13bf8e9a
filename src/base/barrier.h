/* SPDX-License-Identifier: MIT */
#ifndef BASE_BARRIER_H
#define BASE_BARRIER_H

#include <stdbool.h>

/*
 * A full barrier on every core that runs a thread of this process, made by the kernel
 * (membarrier(2)): one side of a protocol pays for both. Register first. Both are false where the
 * kernel refuses, which it may do later, too: a filter of system calls can be entered at any time.
 */
bool barrier_register(void);
bool barrier_everywhere(void);

/* Whether it was granted when the program began, before it could enter any filter. */
bool barrier_was_granted(void);

#endif /* BASE_BARRIER_H */
