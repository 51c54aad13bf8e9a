/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/numbers.h"

enum {
	LINE_BYTES = 512,
};

_Noreturn void
assert_failed(const struct assertion *assertion)
{
	char line[LINE_BYTES];
	const int bytes =
		snprintf(line, sizeof(line), "reprise: %s (%s) %s:%d\n", assertion->sentence,
			 assertion->expression, assertion->file, assertion->line);

	/* One call, so that the line stays whole beside what other threads write. */
	if (bytes > 0)
		(void)!write(STDERR_FILENO, line, least((uint64_t)bytes, sizeof(line) - 1));
	/* Kept alive for the debugger. */
	__asm__ volatile("" : : "r"(assertion) : "memory");
	abort();
}
