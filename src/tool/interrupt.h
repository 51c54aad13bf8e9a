/* SPDX-License-Identifier: MIT */
#ifndef TOOL_INTERRUPT_H
#define TOOL_INTERRUPT_H

/*
 * Ctrl-C ends a run early, and what was measured so far is printed (rule T04). A second one ends
 * the process.
 */

#include <stdbool.h>

enum {
	EXIT_INTERRUPTED = 130, /* as a shell says of SIGINT */
};

/*
 * From here on SIGINT and SIGTERM are noted. Threads that are started before interrupt_admit never
 * see them.
 */
void interrupt_catch(void);

/* The calling thread takes the signals. */
void interrupt_admit(void);

/* The signals end the process again. */
void interrupt_release(void);

bool interrupt_happened(void);

#endif /* TOOL_INTERRUPT_H */
