/* SPDX-License-Identifier: MIT */

/* Runs a model program as it stands: threads of the system, on this machine's memory. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model.h"

enum {
	ROUNDS = 300,
	SECONDS_MAX = 60, /* of a case; it takes a fraction of one */
};

int model_program(void);
int model_case;

void
model_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s: %s:%d: %s\n", model_cases[model_case].name, file, line, what);
	abort();
}

/* On a machine the noted events are left to chance; the explorer makes sure that they happen. */

void
model_note(const char *what)
{
	(void)what;
}

void
model_allow(unsigned int time_outs, unsigned int ticks, unsigned int spurious_wakes)
{
	(void)time_outs;
	(void)ticks;
	(void)spurious_wakes;
}

void
model_refuse_barrier(void)
{
}

void
model_await_readable(int descriptor)
{
	struct pollfd polled = { .fd = descriptor, .events = POLLIN };

	while (poll(&polled, 1, -1) != 1)
		;
}

#undef main

int
main(void)
{
	for (model_case = 0; model_cases[model_case].name != NULL; model_case++) {
		alarm(SECONDS_MAX); /* for a thread that is never woken */
		for (int round = 0; round < ROUNDS; round++)
			if (model_program() != 0)
				return 1;
	}
	return 0;
}
