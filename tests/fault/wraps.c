/* SPDX-License-Identifier: MIT */
#include "wraps.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"

/* Whether the call is to fail; then errno says with what. */
static bool
is_refused(enum call call)
{
	const int error = fault_asked(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

static void *
counted(void *block)
{
	if (block != NULL)
		fault_live_block(true);
	return block;
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return is_refused(CALL_ALLOCATE) ? NULL : counted(__real_aligned_alloc(alignment, size));
}

/* liburcu's own failures would end the process; see kinds[]. So they concern who asked first. */
static bool
is_malloc_refused(void)
{
	return is_refused(fault_in_urcu != 0 ? CALL_URCU_MEMORY : CALL_MALLOC);
}

void *
__wrap_malloc(size_t size)
{
	return is_malloc_refused() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_malloc_refused() ? NULL : counted(__real_calloc(count, size));
}

void
__wrap_free(void *block)
{
	if (block != NULL)
		fault_live_block(false);
	__real_free(block);
}

/* liburcu keeps a page or so for every thread, until the process ends: not counted. */
void *
__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	const bool is_urcu = fault_in_urcu != 0;

	if (is_refused(is_urcu ? CALL_URCU_MEMORY : CALL_MAP))
		return MAP_FAILED;
	void *const pages = __real_mmap(at, size, prot, flags, fd, offset);

	if (pages != MAP_FAILED && !is_urcu)
		fault_live_pages(true, size);
	return pages;
}

void *
__wrap_mremap(void *at, size_t old_size, size_t size, int flags)
{
	return is_refused(CALL_URCU_MEMORY) ? MAP_FAILED : __real_mremap(at, old_size, size, flags);
}

/*
 * The kernel may refuse to split a mapping. Memory that the kernel then keeps is not the library's
 * any more.
 */
int
__wrap_munmap(void *at, size_t size)
{
	if (fault_in_urcu != 0)
		return __real_munmap(at, size);
	const bool is_kept = is_refused(CALL_MUNMAP);
	const int error = errno, answer = __real_munmap(at, size);

	CHECK(answer == 0);
	fault_live_pages(false, size);
	errno = error;
	return is_kept ? -1 : 0;
}

int
__wrap_madvise(void *at, size_t size, int advice)
{
	return is_refused(CALL_MADVISE) ? -1 : __real_madvise(at, size, advice);
}

int
__wrap_eventfd(unsigned int count, int flags)
{
	return is_refused(CALL_EVENTFD) ? -1 : __real_eventfd(count, flags);
}

/* Closed all the same, as Linux does it: a second try would close another thread's descriptor. */
int
__wrap_close(int fd)
{
	const bool is_told = is_refused(CALL_CLOSE);
	const int error = errno, answer = __real_close(fd);

	CHECK(answer == 0);
	errno = error;
	return is_told ? -1 : 0;
}

ssize_t
__wrap_read(int fd, void *to, size_t bytes)
{
	(void)fault_asked(CALL_DESCRIPTOR);
	return __real_read(fd, to, bytes);
}

ssize_t
__wrap_write(int fd, const void *from, size_t bytes)
{
	(void)fault_asked(CALL_DESCRIPTOR);
	return __real_write(fd, from, bytes);
}

ssize_t
__wrap_getrandom(void *to, size_t bytes, unsigned int flags)
{
	return is_refused(CALL_RANDOM) ? -1 : __real_getrandom(to, bytes, flags);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		      void *argument)
{
	const int refused = fault_asked(fault_in_urcu != 0 ? CALL_URCU_THREAD : CALL_THREAD);

	return refused != 0 ? refused : __real_pthread_create(thread, attributes, start, argument);
}

int
__wrap_pthread_setname_np(pthread_t thread, const char *name)
{
	const int refused = fault_asked(CALL_THREAD_NAME);

	return refused != 0 ? refused : __real_pthread_setname_np(thread, name);
}

int
__wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
	const int refused = fault_in_urcu != 0 ? 0 : fault_asked(CALL_MUTEX_INIT);

	return refused != 0 ? refused : __real_pthread_mutex_init(mutex, attributes);
}

int
__wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes)
{
	const int refused = fault_in_urcu != 0 ? 0 : fault_asked(CALL_COND_INIT);

	return refused != 0 ? refused : __real_pthread_cond_init(cond, attributes);
}

int
__wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	const int refused = fault_asked(CALL_ATFORK);

	return refused != 0 ? refused : __real_pthread_atfork(prepare, parent, child);
}

/* Which of our kinds a system call is. */
static enum call
call_of(long number, long command)
{
	if (number == SYS_futex)
		return (command & FUTEX_CMD_MASK) == FUTEX_WAKE ? CALL_FUTEX_WAKE : CALL_FUTEX_WAIT;
	if (fault_in_urcu != 0)
		return CALL_URCU_MEMBARRIER;
	return command == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED ? CALL_MEMBARRIER_REGISTER
								    : CALL_MEMBARRIER;
}

long
__wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if ((number == SYS_futex && fault_in_urcu == 0) || number == SYS_membarrier)
		if (is_refused(call_of(number, number == SYS_futex ? arguments[1] : arguments[0])))
			return -1;
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
			      arguments[4], arguments[5]);
}

void
__wrap_urcu_bp_read_lock(void)
{
	fault_in_urcu++;
	__real_urcu_bp_read_lock();
	fault_in_urcu--;
}

void
__wrap_urcu_bp_read_unlock(void)
{
	fault_in_urcu++;
	__real_urcu_bp_read_unlock();
	fault_in_urcu--;
}

void
__wrap_urcu_bp_synchronize_rcu(void)
{
	fault_in_urcu++;
	__real_urcu_bp_synchronize_rcu();
	fault_in_urcu--;
}

void *
__wrap__cds_lfht_new(unsigned long size, unsigned long least, unsigned long most, int flags,
		     const void *memory, const void *flavor, pthread_attr_t *attributes)
{
	fault_in_urcu++;
	void *const table =
		__real__cds_lfht_new(size, least, most, flags, memory, flavor, attributes);

	fault_in_urcu--;
	return table;
}

void
__wrap_cds_lfht_resize(void *table, unsigned long size)
{
	fault_in_urcu++;
	__real_cds_lfht_resize(table, size);
	fault_in_urcu--;
}

int
__wrap_cds_lfht_destroy(void *table, pthread_attr_t **attributes)
{
	fault_in_urcu++;
	const int answer = __real_cds_lfht_destroy(table, attributes);

	fault_in_urcu--;
	return answer;
}
