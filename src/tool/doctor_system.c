/* SPDX-License-Identifier: MIT */
/*
 * The kernel, its calls, and a store in use. A filter of system calls (seccomp) may refuse calls
 * that the kernel has.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "tool/doctor_checks.h"

enum {
	KERNEL_MAJOR = 4, /* membarrier and MADV_WIPEONFORK came with 4.14 */
	KERNEL_MINOR = 14,
};

#define WAIT_NS UINT64_C(2000000000)

static void
check_kernel(struct doctor_report *report)
{
	struct utsname names;
	unsigned int major = 0, minor = 0;

	if (uname(&names) != 0) {
		doctor_say_unknown(report, "kernel", "uname(2)");
		return;
	}
	/* NOLINTNEXTLINE(cert-err34-c): a release without numbers gives 0.0, which is told */
	(void)sscanf(names.release, "%u.%u", &major, &minor);
	const bool is_old = major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR);

	doctor_say(report, is_old ? DOCTOR_FAIL : DOCTOR_OK, "kernel",
		   "install Linux 4.14 or later: a store needs MADV_WIPEONFORK", "%s %s on %s",
		   names.sysname, names.release, names.machine);
}

/* --- system calls ---------------------------------------------------------------------------- */

static bool
has_random(void)
{
	char byte;

	return getrandom(&byte, 1, GRND_NONBLOCK) == 1 || errno == EAGAIN;
}

static bool
has_wipe_on_fork(void)
{
	const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *const page =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return false;
	const bool is_wiped = madvise(page, bytes, MADV_WIPEONFORK) == 0;
	const int refused = errno;

	munmap(page, bytes);
	errno = refused;
	return is_wiped;
}

static bool
close_found(int fd)
{
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
has_eventfd(void)
{
	return close_found(eventfd(0, EFD_CLOEXEC));
}

static bool
has_timerfd(void)
{
	return close_found(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
}

static bool
has_epoll(void)
{
	return close_found(epoll_create1(EPOLL_CLOEXEC));
}

static void
check_calls(struct doctor_report *report)
{
	static const struct {
		const char *name;
		bool (*works)(void);
	} calls[] = {
		{ "getrandom", has_random },    { "MADV_WIPEONFORK", has_wipe_on_fork },
		{ "eventfd", has_eventfd },     { "timerfd_create", has_timerfd },
		{ "epoll_create1", has_epoll },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].works())
			continue;
		doctor_say(
			report, DOCTOR_FAIL, "system-calls",
			"allow the call in the filter of system calls (seccomp) of the container",
			"%s is refused: %s", calls[i].name, strerror(errno));
		return;
	}
	doctor_say(report, DOCTOR_OK, "system-calls", NULL,
		   "getrandom, MADV_WIPEONFORK, eventfd, timerfd_create and epoll_create1 work");
}

/* --- a store --------------------------------------------------------------------------------- */

/* Appends an event, and takes the event from a subscription. */
static reprise_status
append_and_take(struct reprise_store *store, struct reprise_writer *writer,
		struct reprise_error *error)
{
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	const struct reprise_bytes payload = { .data = "well", .size = 4 };
	reprise_status status = reprise_session_earliest_cursor(store, "doctor", 0, &cursor);

	if (status == REPRISE_OK)
		status = reprise_subscribe_after(store, &cursor, NULL, &subscription, error);
	if (status == REPRISE_OK)
		status = reprise_append(writer, 0, 1, 0, payload, NULL);
	if (status == REPRISE_OK)
		status = reprise_wait(subscription, WAIT_NS);
	if (status == REPRISE_OK &&
	    reprise_next(subscription, &event, &gap, &end) != REPRISE_NEXT_EVENT)
		status = REPRISE_E_TIMEOUT;
	reprise_subscription_close(subscription);
	return status;
}

static reprise_status
use_store(struct reprise_store_stats *ret_stats, struct reprise_error *error)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	reprise_status status = reprise_store_open(NULL, &store, error);

	if (status != REPRISE_OK)
		return status;
	status = reprise_writer_open(store, "doctor", NULL, &writer, error);
	if (status == REPRISE_OK)
		status = append_and_take(store, writer, error);
	if (status == REPRISE_OK)
		status = reprise_store_stats(store, ret_stats);
	reprise_writer_close(writer);
	const reprise_status closed = reprise_store_close(store);

	return status != REPRISE_OK ? status : closed;
}

/* False: a store cannot be used, and nothing is known of its ways. */
static bool
check_store(struct doctor_report *report, struct reprise_store_stats *ret_stats)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	const reprise_status status = use_store(ret_stats, &error);
	const char *const words = error.os_error != 0 ? strerror(error.os_error) : error.detail;

	if (status == REPRISE_OK)
		doctor_say(report, DOCTOR_OK, "store", NULL,
			   "a store opens, and an appended event reaches a subscription");
	else
		doctor_say(report, DOCTOR_FAIL, "store",
			   "see the other findings: no program can use the library here",
			   "a store cannot be used: %s (%s) %s %s", reprise_status_text(status),
			   reprise_status_name(status), error.what, words);
	return status == REPRISE_OK;
}

static void
check_membarrier(struct doctor_report *report, const struct reprise_store_stats *stats)
{
	if (stats->asymmetric == 1) {
		doctor_say(report, DOCTOR_OK, "membarrier", NULL,
			   "granted: a sleeper pays for the barrier, an append does not");
		return;
	}
	const bool is_asked = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0;

	doctor_say(report, DOCTOR_WARN, "membarrier",
		   "allow membarrier(2) in the filter of system calls (seccomp) of the container",
		   "refused (%s): each append makes the barrier, which costs some 8 ns; nothing is "
		   "lost",
		   is_asked ? "the store was not granted it" : strerror(errno));
}

void
doctor_check_system(struct doctor_report *report)
{
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	check_kernel(report);
	check_calls(report);
	if (check_store(report, &stats))
		check_membarrier(report, &stats);
	else
		doctor_say_unknown(report, "membarrier", "the statistics of a store");
}
