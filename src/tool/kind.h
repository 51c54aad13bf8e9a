/* SPDX-License-Identifier: MIT */
#ifndef TOOL_KIND_H
#define TOOL_KIND_H

/*
 * The kinds of events whose kind has a name: `reprise run --kind-field NAME` gives each event the
 * kind of a member of its JSON object, and a filter by kinds computes the same number. (rule V85)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KIND_PLAIN = 0,          /* a line without a kind */
	KIND_NUMBER_MAX = 65533, /* the greatest kind that a program can name */
	/*
	 * A piece of a line that is too long for an event. Further pieces follow, and the last one
	 * has the kind of its line.
	 */
	RUN_KIND_CUT = 65534,
};

/*
 * The kind of a name. A decimal number from 0 to 65533, without a sign and without leading zeros,
 * is the kind itself. Any other name has the FNV-1a hash of 32 bits of its bytes, modulo 65,000,
 * plus 1. Two names may share a kind.
 */
uint16_t kind_of_name(const char *name, size_t name_bytes);

/*
 * An element of a list of kinds: a number up to 65535, or a name. False: the text is empty, or a
 * number beyond 65535.
 */
bool kind_from_argument(const char *text, size_t text_bytes, uint16_t *ret_kind);

#endif /* TOOL_KIND_H */
