/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_REFUSAL_H
#define SUPPORT_REFUSAL_H

/*
 * Memory, pages or a thread that is refused once, to whichever thread asks. The linker sends a
 * suite's calls here: reprise_refusals in tests/CMakeLists.txt.
 */

#include <stdbool.h>
#include <stddef.h>

/* The call of that number, from now on, is refused. */
void refusal_begin(int number);

/* Whether it was; none is any more. */
bool refusal_end(void);

/* Mappings of at least @bytes are refused from now on, to every thread; 0: none are. */
void refusal_of_mappings(size_t bytes);

/* Counts a call; whether it is the one. */
bool refusal_is_now(void);

#endif /* SUPPORT_REFUSAL_H */
