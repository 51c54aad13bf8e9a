/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_COVERAGE_H
#define ORACLE_COVERAGE_H

#include "engine.h"

/* Says which answers were never seen; answers how many of them a seeing oracle must have seen. */
unsigned int coverage_report(const struct coverage *coverage, FILE *to);

#endif /* ORACLE_COVERAGE_H */
