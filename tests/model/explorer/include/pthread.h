/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_PTHREAD_H
#define EXPLORER_PTHREAD_H

/* Stands in for <pthread.h>: the types are the system's, the calls the explorer's. */

#include <signal.h>

#include_next <pthread.h>

int explorer_create(pthread_t *ret_thread, void *(*start)(void *), void *argument);
int explorer_join(pthread_t thread, void **ret_result);
int explorer_lock(const volatile void *mutex);
int explorer_unlock(const volatile void *mutex);
int explorer_wait(const volatile void *condition, const volatile void *mutex);
int explorer_timed_wait(const volatile void *condition, const volatile void *mutex);
int explorer_broadcast(const volatile void *condition);

pthread_t explorer_self(void);

#define pthread_self() explorer_self()
#define pthread_create(ret_thread, attributes, start, argument) \
	explorer_create((ret_thread), (start), (argument))
#define pthread_join(thread, ret_result)         explorer_join((thread), (ret_result))
#define pthread_setname_np(thread, name)         ((void)(name), 0)
#define pthread_sigmask(how, set, before)        ((void)(set), (void)(before), 0)
#define pthread_mutex_init(mutex, attributes)    ((void)(mutex), 0)
#define pthread_mutex_destroy(mutex)             ((void)(mutex))
#define pthread_mutex_lock(mutex)                explorer_lock(mutex)
#define pthread_mutex_unlock(mutex)              explorer_unlock(mutex)
#define pthread_cond_init(condition, attributes) ((void)(condition), 0)
#define pthread_cond_destroy(condition)          ((void)(condition))
#define pthread_cond_wait(condition, mutex)      explorer_wait((condition), (mutex))
#define pthread_cond_timedwait(condition, mutex, deadline) \
	((void)(deadline), explorer_timed_wait((condition), (mutex)))
#define pthread_cond_broadcast(condition) explorer_broadcast(condition)
#define pthread_cond_signal(condition)    explorer_broadcast(condition)

/* Nobody is cancelled here. */
#undef pthread_cleanup_push
#undef pthread_cleanup_pop
#define pthread_cleanup_push(routine, argument)             \
	do {                                                \
		void (*const clean_up)(void *) = (routine); \
	void *const clean_up_argument = (argument)
#define pthread_cleanup_pop(execute)         \
	if (execute)                         \
		clean_up(clean_up_argument); \
	}                                    \
	while (0)

/* A lock for many is one for one at a time here: it is a stand-in itself. */
#define pthread_rwlock_init(lock, attributes) ((void)(lock), 0)
#define pthread_rwlock_destroy(lock)          ((void)(lock))
#define pthread_rwlock_rdlock(lock)           explorer_lock(lock)
#define pthread_rwlock_wrlock(lock)           explorer_lock(lock)
#define pthread_rwlock_unlock(lock)           explorer_unlock(lock)

#endif /* EXPLORER_PTHREAD_H */
