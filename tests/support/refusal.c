/* SPDX-License-Identifier: MIT */
#include "refusal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

static atomic_int left; /* calls up to the one; 0 and below: none is refused */

void
refusal_begin(int number)
{
	atomic_store(&left, number);
}

bool
refusal_end(void)
{
	return atomic_exchange(&left, 0) <= 0;
}

bool
refusal_is_now(void)
{
	return atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1;
}

/* clang-format off */
#define WRAPS(W) \
	W(void *, NULL, malloc, (size_t size), (size)) \
	W(void *, NULL, calloc, (size_t count, size_t size), (count, size)) \
	W(void *, NULL, realloc, (void *memory, size_t size), (memory, size)) \
	W(void *, NULL, aligned_alloc, (size_t alignment, size_t size), (alignment, size)) \
	W(char *, NULL, strdup, (const char *text), (text)) \
	W(void *, MAP_FAILED, mmap, (void *at, size_t size, int protection, int flags, int fd, \
				     off_t offset), (at, size, protection, flags, fd, offset)) \
	W(int, EAGAIN, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes, \
					void *(*start)(void *), void *argument), \
	  (thread, attributes, start, argument))
/* clang-format on */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): what the linker calls them */
#define WRAP(type, refused, name, parameters, arguments)                       \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return refusal_is_now() ? (refused) : __real_##name arguments; \
	}

WRAPS(WRAP)
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
