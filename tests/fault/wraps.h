/* SPDX-License-Identifier: MIT */
#ifndef FAULT_WRAPS_H
#define FAULT_WRAPS_H

/*
 * Every call that the linker sends to us, in one table: W(returned type, name, parameters).
 * CMakeLists.txt reads the names from here.
 */

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* clang-format off */
#define WRAPS(W) \
	W(void *, aligned_alloc, (size_t alignment, size_t size)) \
	W(void *, malloc, (size_t size)) \
	W(void *, calloc, (size_t count, size_t size)) \
	W(void, free, (void *block)) \
	W(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset)) \
	W(int, munmap, (void *at, size_t size)) \
	W(void *, mremap, (void *at, size_t old_size, size_t size, int flags)) \
	W(int, madvise, (void *at, size_t size, int advice)) \
	W(int, eventfd, (unsigned int count, int flags)) \
	W(int, close, (int fd)) \
	W(ssize_t, read, (int fd, void *to, size_t bytes)) \
	W(ssize_t, write, (int fd, const void *from, size_t bytes)) \
	W(ssize_t, getrandom, (void *to, size_t bytes, unsigned int flags)) \
	W(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes, \
				void *(*start)(void *), void *argument)) \
	W(int, pthread_setname_np, (pthread_t thread, const char *name)) \
	W(int, pthread_mutex_init, (pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)) \
	W(int, pthread_cond_init, (pthread_cond_t *cond, const pthread_condattr_t *attributes)) \
	W(int, pthread_atfork, (void (*prepare)(void), void (*parent)(void), void (*child)(void))) \
	W(long, syscall, (long number, ...)) \
	W(void, urcu_bp_read_lock, (void)) \
	W(void, urcu_bp_read_unlock, (void)) \
	W(void, urcu_bp_synchronize_rcu, (void)) \
	W(void *, _cds_lfht_new, (unsigned long size, unsigned long least, unsigned long most, int flags, \
				  const void *memory, const void *flavor, pthread_attr_t *attributes)) \
	W(void, cds_lfht_resize, (void *table, unsigned long size)) \
	W(int, cds_lfht_destroy, (void *table, pthread_attr_t **attributes))
/* clang-format on */

#define WRAPS_DECLARE(type, name, parameters) \
	type __real_##name parameters;        \
	type __wrap_##name parameters;

WRAPS(WRAPS_DECLARE)

#endif /* FAULT_WRAPS_H */
