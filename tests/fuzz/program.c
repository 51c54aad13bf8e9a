/* SPDX-License-Identifier: MIT */

/* The oracle's engine: any bytes are a program of calls, on which library and model must agree. */

#include "engine.h"
#include "fuzz.h"

enum {
	CALLS_MAX = 400, /* so that one input is not slow */
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	static struct program program;
	static struct coverage coverage;
	char difference[512];

	program_read(&program, bytes, bytes_count);
	if (program.calls_count > CALLS_MAX)
		program.calls_count = CALLS_MAX;
	if (engine_run(&program, &coverage, NULL, difference, sizeof(difference)))
		return 0;
	(void)engine_run(&program, &coverage, stderr, difference, sizeof(difference));
	fprintf(stderr, "difference: %s\n(oracle --replay makes it shorter)\n", difference);
	abort();
}
