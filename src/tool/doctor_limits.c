/* SPDX-License-Identifier: MIT */
/*
 * The limits of the process, of its control group and of the machine, beside the needs of `reprise
 * serve` with default options: 10,000 connections and 100,000 sessions, each with a window whose
 * memory is reserved as a whole and touched event by event.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tool/doctor_checks.h"
#include "tool/doctor_group.h"

enum {
	CONNECTIONS = 10000,  /* of serve, by default */
	OWN_DESCRIPTORS = 64, /* of the log's connections, the loop and the standard files */
	DESCRIPTORS_LEAST = 128,
	MAPPINGS_LEAST = 4096, /* 100,000 windows take some 130; malloc and threads the rest */
	THREADS = 16,          /* of serve with four workers, a log and a demo */
	PATH_BYTES = 4096,
};

/* A window of 1 MiB with the index of 2,048 events, as a store reserves windows. */
#define WINDOW_BYTES      (UINT64_C(1280) << 10)
#define SESSIONS          UINT64_C(100000)
#define RESERVATION_BYTES (UINT64_C(1) << 30) /* the store's greatest mapping */
#define MEMORY_LEAST      (UINT64_C(128) << 20)

static void
check_descriptors(struct doctor_report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		doctor_say_unknown(report, "descriptors", "RLIMIT_NOFILE");
		return;
	}
	const uint64_t most = limit.rlim_cur;
	const uint64_t left = most > OWN_DESCRIPTORS ? most - OWN_DESCRIPTORS : 0;
	const char *const advice =
		limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= CONNECTIONS + OWN_DESCRIPTORS
			? "run `ulimit -n 16384` before the program, or set LimitNOFILE= in the "
			  "unit file"
			: "raise the hard limit: LimitNOFILE= in a unit file, --ulimit nofile= of "
			  "a container";

	if (limit.rlim_cur == RLIM_INFINITY || left >= CONNECTIONS)
		doctor_say(report, DOCTOR_OK, "descriptors", NULL,
			   "%" PRIu64 " descriptors, enough for the %d connections of serve", most,
			   CONNECTIONS);
	else
		doctor_say(report, most < DESCRIPTORS_LEAST ? DOCTOR_FAIL : DOCTOR_WARN,
			   "descriptors", advice,
			   "%" PRIu64 " descriptors: serve can hold about %" PRIu64 " of its %d "
			   "connections, and then accepts no further connection",
			   most, left, CONNECTIONS);
}

static void
check_mappings(struct doctor_report *report)
{
	static const char path[] = "/proc/sys/vm/max_map_count";
	uint64_t most;

	if (!doctor_read_number(path, &most))
		doctor_say_unknown(report, "mappings", path);
	else
		doctor_say(report, most < MAPPINGS_LEAST ? DOCTOR_WARN : DOCTOR_OK, "mappings",
			   "raise vm.max_map_count with sysctl: above the limit sessions and "
			   "threads are refused",
			   "vm.max_map_count is %" PRIu64 "; 100,000 windows take some 130", most);
}

/* The address space of the process; 0: unknown. */
static uint64_t
address_bytes(void)
{
	uint64_t pages;

	return doctor_read_number("/proc/self/statm", &pages)
		       ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : 0;
}

static bool
can_reserve(void)
{
	void *const pages = mmap(NULL, RESERVATION_BYTES, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return false;
	munmap(pages, RESERVATION_BYTES);
	return true;
}

static void
check_address_space(struct doctor_report *report)
{
	static const char advice[] = "remove the limit (ulimit -v unlimited), or serve with a "
				     "smaller --bytes-max or --sessions-max";
	struct rlimit limit;
	const bool is_limited =
		getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
	char text[DOCTOR_SIZE_BYTES];

	if (is_limited) {
		const uint64_t used = address_bytes();
		const uint64_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
		const uint64_t windows = left / WINDOW_BYTES;

		doctor_say(report, windows < SESSIONS ? DOCTOR_WARN : DOCTOR_OK, "address-space",
			   advice,
			   "limited to %s (RLIMIT_AS): room for about %" PRIu64
			   " sessions with default windows, of the 100,000 of serve",
			   doctor_size(limit.rlim_cur, text), windows);
	} else if (can_reserve()) {
		doctor_say(report, DOCTOR_OK, "address-space", NULL,
			   "no limit, and 1 GiB can be reserved at once");
	} else {
		doctor_say(report, DOCTOR_WARN, "address-space", advice,
			   "1 GiB cannot be reserved at once: %s", strerror(errno));
	}
}

/* The number of kB behind @name in /proc/meminfo, in bytes. */
static bool
read_memory(const char *name, uint64_t *ret_bytes)
{
	FILE *const file = fopen("/proc/meminfo", "re");
	char line[128];
	bool is_found = false;

	if (file == NULL)
		return false;
	while (!is_found && fgets(line, sizeof(line), file) != NULL) {
		is_found = strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':';
		if (is_found)
			*ret_bytes = strtoull(line + strlen(name) + 1, NULL, 10) << 10;
	}
	fclose(file);
	return is_found;
}

/* With vm.overcommit_memory = 2 MAP_NORESERVE is ignored, and windows count as a whole. */
static void
check_overcommit(struct doctor_report *report)
{
	static const char path[] = "/proc/sys/vm/overcommit_memory";
	uint64_t mode, most = 0, used = 0;

	if (!doctor_read_number(path, &mode)) {
		doctor_say_unknown(report, "overcommit", path);
		return;
	}
	if (mode != 2) {
		doctor_say(report, DOCTOR_OK, "overcommit", NULL,
			   "vm.overcommit_memory is %" PRIu64
			   ": memory counts when an event touches it",
			   mode);
		return;
	}
	const bool is_known =
		read_memory("CommitLimit", &most) && read_memory("Committed_AS", &used);

	doctor_say(report, DOCTOR_WARN, "overcommit",
		   "set vm.overcommit_memory to 0, or serve with a smaller --bytes-max",
		   "vm.overcommit_memory is 2: a window counts as a whole when its session "
		   "begins; room for about %" PRIu64 " default windows%s",
		   most > used ? (most - used) / WINDOW_BYTES : 0,
		   is_known ? "" : " (unknown: /proc/meminfo cannot be read)");
}

static void
check_memory(struct doctor_report *report)
{
	static const char advice[] = "raise the limit of the control group (MemoryMax= of a unit, "
				     "--memory of a container), or serve fewer sessions with a "
				     "smaller --bytes-max";
	uint64_t machine = 0, group = UINT64_MAX;
	const bool is_known = read_memory("MemTotal", &machine);
	const enum doctor_group found =
		doctor_group_least("memory", "memory.max", "memory.limit_in_bytes", &group);
	char text[DOCTOR_SIZE_BYTES], limited[DOCTOR_SIZE_BYTES];

	if (!is_known && found != DOCTOR_GROUP_LIMITED) {
		doctor_say_unknown(report, "memory", "/proc/meminfo");
		return;
	}
	const bool is_limited = found == DOCTOR_GROUP_LIMITED && (!is_known || group < machine);
	const uint64_t most = is_limited ? group : machine;

	doctor_say(report, most < MEMORY_LEAST ? DOCTOR_WARN : DOCTOR_OK, "memory", advice,
		   "%s%s, %s%s; %" PRIu64 " full windows of 1 MiB fill the memory",
		   is_known ? doctor_size(machine, text) : "an unknown amount",
		   is_known ? " in the machine" : "",
		   is_limited ? "the control group has at most " : "",
		   is_limited                      ? doctor_size(group, limited)
		   : found == DOCTOR_GROUP_UNKNOWN ? "the limit of the control group is unknown"
						   : "no smaller limit of the control group",
		   most >> 20);
}

/* --- threads --------------------------------------------------------------------------------- */

static void *
stand(void *barrier)
{
	(void)pthread_mutex_lock(barrier);
	(void)pthread_mutex_unlock(barrier);
	return NULL;
}

/* Starts threads and ends the threads again. The answer is how many could be started. */
static size_t
start_threads(int *ret_refused)
{
	pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
	pthread_t threads[THREADS];
	size_t count = 0;

	*ret_refused = 0;
	(void)pthread_mutex_lock(&held);
	while (count < THREADS && *ret_refused == 0) {
		*ret_refused = pthread_create(&threads[count], NULL, stand, &held);
		count += *ret_refused == 0;
	}
	(void)pthread_mutex_unlock(&held);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	return count;
}

static void
check_threads(struct doctor_report *report)
{
	int refused;
	const size_t started = start_threads(&refused);
	uint64_t group = 0;
	const enum doctor_group found = doctor_group_least("pids", "pids.max", "pids.max", &group);

	if (started < THREADS)
		doctor_say(report, DOCTOR_FAIL, "threads",
			   "raise the limit (ulimit -u, TasksMax= of a unit, --pids-limit of a "
			   "container)",
			   "only %zu of %d threads can be started: %s", started, THREADS,
			   strerror(refused));
	else if (found == DOCTOR_GROUP_LIMITED)
		doctor_say(report, DOCTOR_OK, "threads", NULL,
			   "%d threads can be started; the control group has at most %" PRIu64,
			   THREADS, group);
	else
		doctor_say(report, DOCTOR_OK, "threads", NULL, "%d threads can be started",
			   THREADS);
}

void
doctor_check_limits(struct doctor_report *report)
{
	check_descriptors(report);
	check_mappings(report);
	check_address_space(report);
	check_overcommit(report);
	check_memory(report);
	check_threads(report);
}
