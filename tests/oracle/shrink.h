/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_SHRINK_H
#define ORACLE_SHRINK_H

/*
 * Makes a program on which the library and the model differ as short, and its operands as small,
 * as it can.
 */

#include "program.h"

/* Answers how many programs it ran for that. */
unsigned int shrink(struct program *program);

#endif /* ORACLE_SHRINK_H */
