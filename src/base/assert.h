/* SPDX-License-Identifier: MIT */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/*
 * Programmer errors. Assertions stay on in release builds. A failed one writes a line to
 * standard error, and aborts: what is wrong, the expression, file and line. REPRISE_REQUIRE is
 * for what a caller must keep to, in the words of the public header; REPRISE_ASSERT for what
 * this library keeps to.
 */

#if defined(__GNUC__)
#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define COLD                __attribute__((cold, noinline))
#define APART               __attribute__((noinline))
#define ALWAYS_INLINE       inline __attribute__((always_inline))
#else
#define likely(condition)   (condition)
#define unlikely(condition) (condition)
#define COLD
#define APART
#define ALWAYS_INLINE inline
#endif

struct assertion {
	const char *sentence, *expression, *file;
	int line;
};

_Noreturn void assert_failed(const struct assertion *assertion) COLD;

#define REPRISE_REQUIRE(condition, words)                                                \
	do {                                                                             \
		static const struct assertion assertion = { words, #condition, __FILE__, \
							    __LINE__ };                  \
                                                                                         \
		if (unlikely(!(condition)))                                              \
			assert_failed(&assertion);                                       \
	} while (0)

#define REPRISE_ASSERT(condition) \
	REPRISE_REQUIRE(condition, "an invariant of the library does not hold")

#endif /* BASE_ASSERT_H */
