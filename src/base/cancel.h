/* SPDX-License-Identifier: MIT */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

/*
 * Cancellation of threads (pthread_cancel). A thread that ends inside the library would leave locks
 * held and lists half changed. A public function that can reach a cancellation point of POSIX
 * begins with UNCANCELLABLE, which lasts until the end of the block. Functions that wait for as
 * long as their caller likes are cancellation points, with clean-up: reprise_wait,
 * reprise_group_wait, reprise_writer_wait_room, reprise_recorder_flush.
 */

#include <pthread.h>

static inline int
cancel_disable(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static inline void
cancel_restore(const int *before)
{
	pthread_setcancelstate(*before, NULL);
}

#define UNCANCELLABLE \
	const int cancel_state __attribute__((cleanup(cancel_restore), unused)) = cancel_disable()

#endif /* BASE_CANCEL_H */
