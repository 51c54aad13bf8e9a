/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_HEAL_WATCH_H
#define RECORDER_HEAL_WATCH_H

#include <stdint.h>

struct reprise_recorder;

#define HEAL_LOOK_NS UINT64_C(200000000) /* before a page that could not be loaded is tried again */

/*
 * Looks whether other processes have committed anything, and puts what waits for that into the
 * queue. The reading thread's; under the healing lock, which it gives up meanwhile.
 */
void heal_watch(struct reprise_recorder *recorder);

#endif /* RECORDER_HEAL_WATCH_H */
