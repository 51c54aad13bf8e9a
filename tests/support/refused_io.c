/* SPDX-License-Identifier: MIT */
#include "refused_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/*
 * Of files, and of sockets. None that sends: after one that has failed libpq waits for the
 * server's last words.
 */
static const long calls[] = {
	SYS_openat,  SYS_read,      SYS_write,      SYS_pread64,    SYS_pwrite64, SYS_fsync,
	SYS_fstat,   SYS_fdatasync, SYS_ftruncate,  SYS_fcntl,      SYS_unlinkat, SYS_newfstatat,
	SYS_fchmod,  SYS_fchown,    SYS_faccessat,  SYS_fallocate,  SYS_lseek,    SYS_socket,
	SYS_connect, SYS_recvfrom,  SYS_setsockopt, SYS_getsockopt,
#ifdef SYS_unlink
	SYS_unlink,  SYS_stat,      SYS_lstat,      SYS_open,       SYS_access,
#endif
};

enum {
	CALLS = sizeof(calls) / sizeof(calls[0]),
	/* Load the number, compare it with each, allow or notify. */
	INSTRUCTIONS = CALLS + 3,
};

struct run {
	void (*call)(void *argument);
	void *argument;
	sem_t is_filtered;
	int notifications; /* a descriptor; -1: none is to be had */
};

/* The system calls of the calling thread are told through the descriptor that is answered. */
static int
filter_calls(void)
{
	struct sock_filter filter[INSTRUCTIONS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	const struct sock_fprog program = { .len = INSTRUCTIONS, .filter = filter };

	for (unsigned i = 0; i < CALLS; i++)
		filter[1 + i] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
						     (unsigned char)(CALLS - i), 0);
	filter[1 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[2 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void *
run_filtered(void *argument)
{
	struct run *const run = argument;

	run->notifications = filter_calls();
	sem_post(&run->is_filtered);
	if (run->notifications >= 0)
		run->call(run->argument);
	return NULL;
}

/* The thread waits in the call, in this process: memory that it points to can be read. */
static bool
can_fail(const struct seccomp_data *data)
{
	const union {
		uintptr_t place;
		const struct flock *lock;
	} at = { .place = (uintptr_t)data->args[2] };

	if (data->nr != SYS_fcntl || at.lock == NULL ||
	    (data->args[1] != F_SETLK && data->args[1] != F_OFD_SETLK))
		return true;
	return at.lock->l_type != F_UNLCK;
}

/* Until the thread has ended. Answers whether the call of that number came. */
static bool
answer_calls(int notifications, int number, int error)
{
	struct pollfd asked = { .fd = notifications, .events = POLLIN };
	int seen = 0;

	while (poll(&asked, 1, -1) > 0 && (asked.revents & POLLIN) != 0) {
		struct seccomp_notif call = { 0 };
		struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(notifications, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
			continue;
		answer.id = call.id;
		if (can_fail(&call.data) && ++seen == number) {
			answer.flags = 0;
			answer.error = -error;
		}
		(void)ioctl(notifications, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	return seen >= number;
}

bool
refused_io_run(int number, int error, void (*call)(void *argument), void *argument)
{
	struct run run = { .call = call, .argument = argument, .notifications = -1 };
	pthread_t thread;

	cr_assert(eq(int, sem_init(&run.is_filtered, 0, 0), 0));
	cr_assert(eq(int, pthread_create(&thread, NULL, run_filtered, &run), 0));
	while (sem_wait(&run.is_filtered) != 0)
		;
	const bool has_come =
		run.notifications >= 0 && answer_calls(run.notifications, number, error);

	cr_assert(eq(int, pthread_join(thread, NULL), 0));
	sem_destroy(&run.is_filtered);
	if (run.notifications < 0)
		cr_skip_test("seccomp has no notifications here");
	close(run.notifications);
	return has_come;
}
