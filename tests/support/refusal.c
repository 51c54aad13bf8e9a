/* SPDX-License-Identifier: MIT */
#include "refusal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

static atomic_size_t mapping_bytes; /* from which on mappings are refused; 0: none are */
static atomic_int left;             /* calls up to the one; 0 and below: none is refused */

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

void
refusal_of_mappings(size_t bytes)
{
	atomic_store(&mapping_bytes, bytes);
}

static bool
is_mapping_refused(size_t bytes)
{
	const size_t from = atomic_load(&mapping_bytes);

	return (from != 0 && bytes >= from) || refusal_is_now();
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
	W(int, EAGAIN, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes, \
					void *(*start)(void *), void *argument), \
	  (thread, attributes, start, argument))
/* clang-format on */

/* The linker's names of the calls. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define WRAP(type, refused, name, parameters, arguments)                       \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return refusal_is_now() ? (refused) : __real_##name arguments; \
	}

WRAPS(WRAP)

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *
__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return is_mapping_refused(size) ? MAP_FAILED
					: __real_mmap(at, size, protection, flags, fd, offset);
}

void *__real_mremap(void *at, size_t size, size_t new_size, int flags);
void *__wrap_mremap(void *at, size_t size, size_t new_size, int flags);
void *
__wrap_mremap(void *at, size_t size, size_t new_size, int flags)
{
	return is_mapping_refused(new_size) ? MAP_FAILED : __real_mremap(at, size, new_size, flags);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
