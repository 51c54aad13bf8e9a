/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "program.h"

void
program_read(struct program *program, const uint8_t *bytes, size_t bytes_count)
{
	memset(program, 0, sizeof(*program));
	if (bytes_count < PROGRAM_CONFIG_BYTES)
		return;
	memcpy(program->config, bytes, PROGRAM_CONFIG_BYTES);
	program->calls_count = (bytes_count - PROGRAM_CONFIG_BYTES) / PROGRAM_CALL_BYTES;
	if (program->calls_count > PROGRAM_CALLS_MAX)
		program->calls_count = PROGRAM_CALLS_MAX;
	bytes += PROGRAM_CONFIG_BYTES;
	for (size_t i = 0; i < program->calls_count; i++, bytes += PROGRAM_CALL_BYTES)
		program->calls[i] = (struct call){ (uint8_t)(bytes[0] % CALLS_COUNT), bytes[1],
						   bytes[2], bytes[3], bytes[4] };
}

size_t
program_write(const struct program *program, uint8_t bytes[PROGRAM_BYTES_MAX])
{
	size_t at = PROGRAM_CONFIG_BYTES;

	memcpy(bytes, program->config, PROGRAM_CONFIG_BYTES);
	for (size_t i = 0; i < program->calls_count; i++) {
		const struct call *const call = &program->calls[i];

		bytes[at++] = call->name;
		bytes[at++] = call->a;
		bytes[at++] = call->b;
		bytes[at++] = call->c;
		bytes[at++] = call->d;
	}
	return at;
}
