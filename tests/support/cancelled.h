/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_CANCELLED_H
#define SUPPORT_CANCELLED_H

/*
 * Runs @call in a thread whose cancellation is pending: each cancellation point that @call reaches
 * would end the thread there. Asserts that @call returns and that the state of cancellation is
 * restored. @call makes no assertion of Criterion's, which could end the thread itself.
 */
void expect_uncancelled(void (*call)(void *argument), void *argument, const char *name);

#endif /* SUPPORT_CANCELLED_H */
