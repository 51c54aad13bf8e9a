/* SPDX-License-Identifier: MIT */

/*
 * Linked into the programs of coverage.sh, with --wrap=_exit and --wrap=abort: what ends in
 * those ways would else leave no counts, as every child of a fork in the tests, and every
 * assertion that holds.
 */

/* gcc and ld choose the names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

_Noreturn void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

_Noreturn void
__wrap_abort(void)
{
	__gcov_dump();
	__real_abort();
}
