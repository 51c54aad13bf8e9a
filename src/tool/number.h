/* SPDX-License-Identifier: MIT */
#ifndef TOOL_NUMBER_H
#define TOOL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a whole number of an argument: decimal digits alone, from @least to @most. False:
 * *ret_number stays, and the caller says the fault.
 */
bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number);

#endif /* TOOL_NUMBER_H */
