/* SPDX-License-Identifier: MIT */
#include "durable/wire.h"

#include <string.h>

static size_t
bytes_left(const struct wire *wire)
{
	return (size_t)(wire->end - wire->at);
}

void
wire_fail(struct wire *wire)
{
	wire->at = wire->end;
	wire->failed = true;
}

uint64_t
wire_number(struct wire *wire, uint64_t max)
{
	uint64_t number = 0;

	for (unsigned shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
		const unsigned char byte = *wire->at++;
		const uint64_t bits = byte & 0x7f;

		/* Bits above the 64th, or a last byte that adds nothing. */
		if (bits << shift >> shift != bits || (byte == 0 && shift != 0))
			break;
		number |= bits << shift;
		if (byte == bits) {
			if (number <= max)
				return number;
			break;
		}
	}
	wire_fail(wire);
	return 0;
}

void
wire_text(struct wire *wire, size_t bytes_min, size_t bytes_max, char *ret_text)
{
	const size_t size = (size_t)wire_number(wire, bytes_max);

	ret_text[0] = '\0';
	if (wire->failed || size < bytes_min || size > bytes_left(wire) ||
	    memchr(wire->at, '\0', size) != NULL) {
		wire_fail(wire);
		return;
	}
	memcpy(ret_text, wire->at, size);
	ret_text[size] = '\0';
	wire->at += size;
}

struct wire
wire_part(struct wire *wire)
{
	const size_t size = (size_t)wire_number(wire, bytes_left(wire));
	struct wire part;

	/* The length itself has taken some of the bytes that it may say. */
	if (size > bytes_left(wire))
		wire_fail(wire);
	part = (struct wire){ wire->at, wire->failed ? wire->end : wire->at + size, wire->failed };
	wire->at = part.end;
	return part;
}

bool
wire_is_whole(const struct wire *wire)
{
	return !wire->failed && wire->at == wire->end;
}
