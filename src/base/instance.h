/* SPDX-License-Identifier: MIT */
#ifndef BASE_INSTANCE_H
#define BASE_INSTANCE_H

#include <stdbool.h>

/*
 * A process may hold several copies of this library: the shared one, and static ones in plug-ins.
 * Returns true if this copy has claimed @resource, now or in an earlier call; false if another copy
 * that is still loaded has. A copy claims one resource. Threads: any.
 */
bool instance_claim(const void *resource);

#endif /* BASE_INSTANCE_H */
