/* SPDX-License-Identifier: MIT */

/*
 * fault            every public function, with every fault
 * fault FUNCTION   that one alone
 * fault fence      the same where membarrier was refused from the beginning
 * fault refuse     the same where it is refused after main has begun
 * fault waits      sleeps that are disturbed
 * fault limits     what the system limits
 * fault list       the functions that have a scenario
 * fault bad        bad input; and the functions that were given some
 */

#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "matrix.h"
#include "stress.h"

enum {
	SECONDS_MAX = 240,
};

static bool
is_asked(int argc, char **argv, const char *what)
{
	return argc > 1 && strcmp(argv[1], what) == 0;
}

static bool
has_membarrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Runs the part that the first argument asks for beside the matrix; false if none. */
static bool
run_apart(int argc, char **argv)
{
	if (is_asked(argc, argv, "list")) {
		matrix_list();
	} else if (is_asked(argc, argv, "bad")) {
		bad_input_run();
		bad_input_list();
	} else if (is_asked(argc, argv, "waits")) {
		waits_run();
	} else if (is_asked(argc, argv, "limits")) {
		limits_run();
	} else {
		return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	const bool is_fenced = stress_fence(&argc, argv);
	const bool was_granted = has_membarrier(), refuses = is_asked(argc, argv, "refuse");
	const char *const only = argc > 1 && !refuses ? argv[1] : NULL;

	alarm(SECONDS_MAX);
	if (run_apart(argc, argv))
		return 0;
	if (refuses)
		stress_refuse_membarrier();
	first_store_run();
	special_run(was_granted, refuses);
	matrix_run(only, is_fenced || refuses ? 1 : STORES);
	return 0;
}
