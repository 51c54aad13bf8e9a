/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_NAMES_H
#define SUPPORT_NAMES_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/*
 * The numbers, names and sentences of an enum (rule X15), written down once more: a table of the
 * headers that lost or renumbered a constant differs.
 */
struct named {
	int constant, value;
	const char *name, *text;
};

#define NAMED_ONE(...) 1,
#define EXPECT_NAMED(type, TABLE, known)                                                           \
	do {                                                                                       \
		static const char constants_[] = { TABLE(NAMED_ONE) };                             \
		cr_assert(eq(sz, sizeof(known) / sizeof((known)[0]), sizeof(constants_)),          \
			  "a constant without a test");                                            \
		for (size_t i_ = 0; i_ < sizeof(known) / sizeof((known)[0]); i_++) {               \
			const type value_ = (type)(known)[i_].constant;                            \
			cr_assert(eq(int, (known)[i_].constant, (known)[i_].value));               \
			cr_assert(eq(str, (char *)type##_name(value_), (char *)(known)[i_].name)); \
			cr_assert(eq(str, (char *)type##_text(value_), (char *)(known)[i_].text)); \
		}                                                                                  \
		static const int unknown_[] = { -1, 99, INT32_MAX };                               \
		for (size_t i_ = 0; i_ < sizeof(unknown_) / sizeof(unknown_[0]); i_++) {           \
			cr_assert(eq(str, (char *)type##_name((type)unknown_[i_]), "unknown"));    \
			cr_assert(eq(str, (char *)type##_text((type)unknown_[i_]), "unknown"));    \
		}                                                                                  \
	} while (0)

#endif /* SUPPORT_NAMES_H */
