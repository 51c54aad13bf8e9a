/* SPDX-License-Identifier: MIT */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

/*
 * The common part of the model programs. Each is a plain C11 program of a few threads with bounded
 * loops, and runs under the explorer (explorer/), as it stands (plain.c), or under another checker
 * of C11 programs, which is to be given -DMODEL_CASE=N.
 *
 * A program has cases: variants of what happens. Each names what has to happen in some execution,
 * so that a model that misses the point is found.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	MODEL_HAPPENS_MAX = 6,
};

struct model_case {
	const char *name;
	const char *happens[MODEL_HAPPENS_MAX];
};

/* Ends with one that has no name. */
extern const struct model_case model_cases[];

#ifdef MODEL_CASE
static const int model_case = MODEL_CASE;
#else
extern int model_case; /* the runner of the program says which */
#endif

#ifdef main
int main(void); /* under another name */
#endif

_Noreturn void model_fail(const char *file, int line, const char *what);

/* This happened. */
void model_note(const char *what);

/*
 * How often, in this execution, a wait with a time-out may run out while others could go on;
 * how often when nobody can, which hides a wake-up that was lost; and how often a futex may
 * wake nobody's call.
 */
void model_allow(unsigned int time_outs, unsigned int ticks, unsigned int spurious_wakes);

/* The kernel refuses membarrier from here on. */
void model_refuse_barrier(void);

/* Sleeps until a descriptor is readable. */
void model_await_readable(int descriptor);

#define MODEL_CHECK(condition) ((condition) ? (void)0 : model_fail(__FILE__, __LINE__, #condition))

#endif /* MODEL_MODEL_H */
