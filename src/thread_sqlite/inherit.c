/* SPDX-License-Identifier: MIT */
#include "thread_sqlite/inherit.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/atomic.h"

enum {
	DESCRIPTORS_MAX = 1 << 20, /* as the kernel's nr_open is by default */
	DEVICE_TAG_SHIFT = 48,     /* above every bit that Linux uses of a device number */
};

typedef int open_call(const char *path, int flags, int mode);
typedef int close_call(int fd);
typedef int fstat_call(int fd, struct stat *status);
typedef int stat_call(const char *path, struct stat *status);

static open_call *real_open;
static close_call *real_close;
static fstat_call *real_fstat;
static stat_call *real_stat;

static _Thread_local bool is_opening;
static atomic_u64 opened[DESCRIPTORS_MAX / 64]; /* a bit for each descriptor of a log's files */
static uint64_t device_tag;                     /* changed where there is one thread */

/* In the order in which SQLite takes one while it holds another. */
static const int mutex_ids[] = { SQLITE_MUTEX_STATIC_PRNG, SQLITE_MUTEX_STATIC_MAIN,
				 SQLITE_MUTEX_STATIC_VFS1, SQLITE_MUTEX_STATIC_LRU,
				 SQLITE_MUTEX_STATIC_PMEM, SQLITE_MUTEX_STATIC_MEM };
enum {
	MUTEXES = sizeof(mutex_ids) / sizeof(mutex_ids[0]),
};
static sqlite3_mutex *mutexes[MUTEXES];

static int
open_noted(const char *path, int flags, int mode)
{
	const int fd = real_open(path, flags, mode);

	if (is_opening && fd >= 0 && fd < DESCRIPTORS_MAX)
		(void)fetch_or_relaxed(&opened[fd / 64], UINT64_C(1) << fd % 64);
	return fd;
}

static int
close_noted(int fd)
{
	if (fd >= 0 && fd < DESCRIPTORS_MAX)
		(void)fetch_and_relaxed(&opened[fd / 64], ~(UINT64_C(1) << fd % 64));
	return real_close(fd);
}

static int
fstat_tagged(int fd, struct stat *status)
{
	const int answer = real_fstat(fd, status);

	if (answer == 0)
		status->st_dev ^= (dev_t)(device_tag << DEVICE_TAG_SHIFT);
	return answer;
}

static int
stat_tagged(const char *path, struct stat *status)
{
	const int answer = real_stat(path, status);

	if (answer == 0)
		status->st_dev ^= (dev_t)(device_tag << DEVICE_TAG_SHIFT);
	return answer;
}

static void
prepare(void)
{
	for (int i = 0; i < MUTEXES; i++)
		sqlite3_mutex_enter(mutexes[i]);
}

static void
leave_mutexes(void)
{
	for (int i = MUTEXES; i-- > 0;)
		sqlite3_mutex_leave(mutexes[i]);
}

/* POSIX locks are not inherited, so that there is none to lose by closing. */
static bool
close_inherited(void)
{
	bool is_any = false;

	for (int i = 0; i < DESCRIPTORS_MAX / 64; i++) {
		uint64_t bits = load_relaxed(&opened[i]);

		for (; bits != 0; bits &= bits - 1) {
			(void)close(i * 64 + __builtin_ctzll(bits));
			is_any = true;
		}
		if (is_any)
			store_relaxed(&opened[i], 0);
	}
	return is_any;
}

static void
begin_child(void)
{
	if (close_inherited())
		device_tag++;
	leave_mutexes();
}

/*
 * A process may have several copies of this file: in the library of logs and in that of thread
 * documents, shared and static. One of them does it for all, since two would take SQLite's mutexes
 * twice at a fork. SQLite's list of VFSes is where the others find it: under a name that nobody
 * opens a file by.
 */
#define REGISTRY_NAME "reprise-inherit-1"

struct openings {
	void (*begin)(void);
	void (*end)(void);
};

static void
begin_own(void)
{
	is_opening = true;
}

static void
end_own(void)
{
	is_opening = false;
}

static struct openings own = { begin_own, end_own };
static sqlite3_vfs registry = {
	.iVersion = 1, .mxPathname = 1, .zName = REGISTRY_NAME, .pAppData = &own
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct openings *openings; /* NULL: memory for the fork's handlers could not be had */

/* Whether this copy does it for all. */
static bool
hook(sqlite3_vfs *vfs)
{
	for (int i = 0; i < MUTEXES; i++)
		mutexes[i] = sqlite3_mutex_alloc(mutex_ids[i]);
	real_open = (open_call *)vfs->xGetSystemCall(vfs, "open");
	real_close = (close_call *)vfs->xGetSystemCall(vfs, "close");
	real_fstat = (fstat_call *)vfs->xGetSystemCall(vfs, "fstat");
	real_stat = (stat_call *)vfs->xGetSystemCall(vfs, "stat");
	if (sqlite3_vfs_register(&registry, 0) != SQLITE_OK)
		return false;
	if (pthread_atfork(prepare, leave_mutexes, begin_child) != 0) {
		(void)sqlite3_vfs_unregister(&registry);
		return false;
	}
	(void)vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)open_noted);
	(void)vfs->xSetSystemCall(vfs, "close", (sqlite3_syscall_ptr)close_noted);
	(void)vfs->xSetSystemCall(vfs, "fstat", (sqlite3_syscall_ptr)fstat_tagged);
	(void)vfs->xSetSystemCall(vfs, "stat", (sqlite3_syscall_ptr)stat_tagged);
	return true;
}

static void
install(void)
{
	sqlite3_vfs *const vfs = sqlite3_vfs_find("unix");

	if (vfs == NULL || vfs->iVersion < 3)
		return;
	sqlite3_mutex *const lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);

	sqlite3_mutex_enter(lock);
	const sqlite3_vfs *const other = sqlite3_vfs_find(REGISTRY_NAME);

	if (other != NULL)
		openings = other->pAppData;
	else if (hook(vfs))
		openings = &own;
	sqlite3_mutex_leave(lock);
}

bool
inherit_prepare(void)
{
	pthread_once(&once, install);
	return openings != NULL;
}

void
inherit_begin_open(void)
{
	openings->begin();
}

void
inherit_end_open(void)
{
	openings->end();
}
