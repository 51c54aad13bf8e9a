/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_STRICTLY_H
#define SUPPORT_STRICTLY_H

/*
 * gt() of Criterion 2.4.1 is "not less" in C, and passes for equal numbers. Here gt() is lt() with
 * the numbers changed about. Each file of a suite begins with this header: tests/CMakeLists.txt.
 */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#undef CRI_BINOP_T_GT
#define CRI_BINOP_T_GT(Tag, Actual, Ref) (CRI_BINOP_LT_TAG(Tag, , Ref, Actual))

#endif /* SUPPORT_STRICTLY_H */
