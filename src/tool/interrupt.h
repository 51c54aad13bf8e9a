/* SPDX-License-Identifier: MIT */
#ifndef TOOL_INTERRUPT_H
#define TOOL_INTERRUPT_H

/*
 * Ctrl-C ends a run early, and the demo prints the results so far (rule T04). A second Ctrl-C ends
 * the process.
 */

#include <stdbool.h>

enum {
	EXIT_INTERRUPTED = 130, /* the status that shells use for SIGINT */
};

/*
 * From here on SIGINT and SIGTERM are noted. Threads that are started before interrupt_admit never
 * see them.
 */
void interrupt_catch(void);

/* The calling thread takes the signals. */
void interrupt_admit(void);

/* From here on the signals end the process again. */
void interrupt_release(void);

bool interrupt_happened(void);

#endif /* TOOL_INTERRUPT_H */
