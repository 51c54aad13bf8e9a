/* SPDX-License-Identifier: MIT */

/*
 * An append makes no system call when nobody sleeps: a thread that appends for longer than the
 * store's thread keeps the stamp, under a filter that kills the process at any call but its exit.
 * Before that, a child that makes one call shows that the filter kills.
 */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define RUN_NS UINT64_C(1500000000)

struct appender {
	struct reprise_writer *writer;
	bool is_broken;
	_Atomic uint64_t appended;
	_Atomic bool is_done;
};

static void
kill_at_any_call(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { .len = 4, .filter = filter };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Reads the vDSO's memory alone. */
static uint64_t
coarse_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *
appender_main(void *argument)
{
	struct appender *const appender = argument;
	const struct iovec parts[2] = { { (void *)"gathered", 8 }, { (void *)"parts", 5 } };
	const struct reprise_new_event batch[2] = { { .payload = { "a", 1 } },
						    { .payload = { "batch", 5 } } };
	static unsigned char payload[60000];
	uint64_t count = 0;

	/* The first appends resolve symbols and touch memory. */
	for (int i = 0; i < 3000; i++)
		CHECK_OK(reprise_append(appender->writer, 0, 0, 0,
					(struct reprise_bytes){ payload, 256 }, NULL));
	(void)coarse_ns();
	kill_at_any_call();

	const uint64_t end = coarse_ns() + RUN_NS;

	while (coarse_ns() < end) {
		for (uint64_t i = 0; i < 1000; i++) {
			const struct reprise_bytes bytes = { payload, i == 0 ? 60000 : i % 2048 };

			if (reprise_append(appender->writer, 0, 0, 0, bytes, NULL) != REPRISE_OK)
				__builtin_trap();
		}
		if (reprise_appendv(appender->writer, 0, 0, 0, parts, 2, NULL) != REPRISE_OK ||
		    reprise_append_batch(appender->writer, batch, 2, NULL) != REPRISE_OK)
			__builtin_trap();
		count += 1003;
	}
	if (appender->is_broken)
		(void)syscall(SYS_getppid);
	atomic_store(&appender->appended, count);
	atomic_store(&appender->is_done, true);
	/* Ending the thread as pthreads do would make other calls. */
	syscall(SYS_exit, 0);
	return NULL;
}

static int
run(bool is_broken)
{
	struct reprise_store *store = NULL;
	struct appender appender = { .is_broken = is_broken };
	pthread_t thread;

	CHECK_OK(reprise_store_open(NULL, &store, NULL));
	appender.writer = stress_writer(store, "s");
	CHECK(pthread_create(&thread, NULL, appender_main, &appender) == 0);
	while (!atomic_load(&appender.is_done))
		usleep(1000);
	printf("appends %llu  system calls 0\n",
	       (unsigned long long)atomic_load(&appender.appended));
	return 0;
}

int
main(int argc, char **argv)
{
	int status = 0;

	stress_begin(argc, argv);
	/* First that the filter kills: a test that cannot fail is none. */
	const pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0)
		_exit(run(true));
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGSYS);
	return run(false);
}
