/* SPDX-License-Identifier: MIT */
#include "shrink.h"

#include <string.h>
#include <time.h>

#include "engine.h"

enum {
	RUNS_MAX = 20000,
	SECONDS_MAX = 60, /* a difference that takes patience is told less short */
	PATIENCE_MS = 1000,
};

static struct coverage ignored;
static unsigned int runs;
static time_t end;

static bool
is_over(void)
{
	return runs >= RUNS_MAX || time(NULL) >= end;
}

static bool
differs(const struct program *program)
{
	char difference[512];

	runs++;
	return !engine_run(program, &ignored, NULL, difference, sizeof(difference));
}

static void
remove_calls(struct program *program, size_t first, size_t count)
{
	memmove(&program->calls[first], &program->calls[first + count],
		(program->calls_count - first - count) * sizeof(struct call));
	program->calls_count -= count;
}

/*
 * Leaves out as many calls at a time as it can, then fewer; answers whether any could be left out.
 */
static bool
drop_calls(struct program *program)
{
	static struct program shorter;
	bool is_shorter = false;

	for (size_t count = program->calls_count / 2 + 1; count > 0 && !is_over(); count /= 2) {
		for (size_t first = 0; first + count <= program->calls_count && !is_over();) {
			shorter = *program;
			remove_calls(&shorter, first, count);
			if (differs(&shorter)) {
				*program = shorter;
				is_shorter = true;
			} else {
				first += count;
			}
		}
	}
	return is_shorter;
}

static bool
lower(struct program *program, uint8_t *operand)
{
	const uint8_t before = *operand;
	const uint8_t smaller[] = { 0, 1, before / 2, (uint8_t)(before - 1) };

	for (size_t i = 0; i < sizeof(smaller) && !is_over(); i++) {
		if (smaller[i] >= before)
			continue;
		*operand = smaller[i];
		if (differs(program))
			return true;
	}
	*operand = before;
	return false;
}

static bool
lower_operands(struct program *program)
{
	bool is_lower = false;

	for (size_t i = 0; i < PROGRAM_CONFIG_BYTES; i++)
		is_lower |= lower(program, &program->config[i]);
	for (size_t i = 0; i < program->calls_count; i++) {
		struct call *const call = &program->calls[i];

		is_lower |= lower(program, &call->a);
		is_lower |= lower(program, &call->b);
		is_lower |= lower(program, &call->c);
		is_lower |= lower(program, &call->d);
	}
	return is_lower;
}

unsigned int
shrink(struct program *program)
{
	const int patience_ms = engine_patience_ms;

	runs = 0;
	end = time(NULL) + SECONDS_MAX;
	engine_patience_ms = PATIENCE_MS;
	while (!is_over() && (drop_calls(program) || lower_operands(program)))
		;
	engine_patience_ms = patience_ms;
	return runs;
}
