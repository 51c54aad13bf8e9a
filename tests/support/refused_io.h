/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_REFUSED_IO_H
#define SUPPORT_REFUSED_IO_H

/*
 * System calls on files and sockets that the kernel refuses once, whichever library makes them:
 * seccomp asks this program about each call of one thread.
 */

#include <stdbool.h>

/*
 * Runs @call on a thread of its own and refuses the system call of that @number, from 1, with
 * @error. Releasing a lock and closing a descriptor do not fail. False: the call made fewer. Skips
 * the test where seccomp is not to be had.
 */
bool refused_io_run(int number, int error, void (*call)(void *argument), void *argument);

#endif /* SUPPORT_REFUSED_IO_H */
