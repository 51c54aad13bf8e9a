/* SPDX-License-Identifier: MIT */

/*
 * Runs a program whose kernel refuses a system call, as a filter of a container does: the program
 * gets EPERM.
 *
 * Usage: tool_doctor_filter membarrier | adjtimex | madvise | eventfd PROGRAM [ARGUMENT ...]
 * Exit status 77: this machine allows no filter.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	EXIT_SKIPPED = 77,
};

/* The calls behind a name: libc may read the clock's state by either of two. */
static const struct {
	const char *name;
	unsigned int numbers[2];
} calls[] = {
	{ "membarrier", { SYS_membarrier, SYS_membarrier } },
	{ "adjtimex", { SYS_adjtimex, SYS_clock_adjtime } },
	{ "madvise", { SYS_madvise, SYS_madvise } },
	{ "eventfd", { SYS_eventfd2, SYS_eventfd2 } },
};

static int
filter(const unsigned int numbers[2])
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[0], 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[1], 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(steps) / sizeof(steps[0]),
					    .filter = steps };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(argv[1], calls[i].name) != 0)
			continue;
		if (!filter(calls[i].numbers))
			return EXIT_SKIPPED;
		execv(argv[2], argv + 2);
		perror(argv[2]);
		return 1;
	}
	fprintf(stderr,
		"usage: tool_doctor_filter membarrier | adjtimex | madvise | eventfd PROGRAM\n");
	return 2;
}
