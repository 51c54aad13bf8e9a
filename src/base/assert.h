/* SPDX-License-Identifier: MIT */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/*
 * Programmer errors. Assertions stay on in release builds. The library does not print: the
 * expression and its place are arguments of assert_failed, where a debugger or core file shows
 * them.
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

_Noreturn void assert_failed(const char *expression, const char *file, int line) COLD;

#define REPRISE_ASSERT(condition) \
	(likely(condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

#endif /* BASE_ASSERT_H */
