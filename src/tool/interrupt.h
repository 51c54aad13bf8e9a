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

/*
 * As interrupt_catch, for a program that lives to print: a standard output that takes nothing for
 * a second behind the signal is given up, and the rest of the output is dropped.
 */
void interrupt_catch_output(void);

bool interrupt_has_dropped_output(void);

/* From here on the signals end the process again. */
void interrupt_release(void);

bool interrupt_happened(void);

/* The signal; 0: none. */
int interrupt_number(void);

#endif /* TOOL_INTERRUPT_H */
