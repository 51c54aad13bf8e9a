/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#include <stdlib.h>

_Noreturn void
assert_failed(const char *expression, const char *file, int line)
{
	/* Kept alive for the debugger. */
	__asm__ volatile("" : : "r"(expression), "r"(file), "r"(line) : "memory");
	abort();
}
