/* SPDX-License-Identifier: MIT */
/*
 * Loaded before a program that runs under qemu-user. The kernel cannot execute the program's own
 * kind of machine code, so a program that executes another one (or itself again, as Criterion does
 * for each test) executes the emulator instead, which is named in REPRISE_EMULATOR. Programs of
 * this machine's kind are executed as they are.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ARGUMENTS_MAX = 256,
	VARIABLES_MAX = 1024,
	EMULATOR_ARGUMENTS = 4, /* the emulator, -0, the program's name for itself, its file */
};

static bool
is_emulated(const char *path)
{
	Elf64_Ehdr header;
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	const bool is_read = file >= 0 && read(file, &header, sizeof(header)) == sizeof(header);

	if (file >= 0)
		close(file);
	return is_read && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_machine == EM_AARCH64;
}

/* Copies @from and its NULL to @to, without LD_PRELOAD, which the emulator itself cannot load. */
static bool
copy_environment(char **to, char *const *from)
{
	size_t count = 0;

	for (; *from != NULL; from++) {
		if (strncmp(*from, "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0)
			continue;
		if (count == VARIABLES_MAX)
			return false;
		to[count++] = *from;
	}
	to[count] = NULL;
	return true;
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
	char *arguments[EMULATOR_ARGUMENTS + ARGUMENTS_MAX + 1];
	char *environment[VARIABLES_MAX + 1];
	char file[PATH_MAX];
	char *const emulator = getenv("REPRISE_EMULATOR");
	size_t count = 0;

	if (emulator == NULL || argv[0] == NULL || !is_emulated(path))
		return (int)syscall(SYS_execve, path, argv, envp);
	/* /proc/self/exe is the program to us, and the emulator to the kernel. */
	if (realpath(path, file) == NULL)
		return -1;
	arguments[count++] = emulator;
	arguments[count++] = (char *)"-0";
	arguments[count++] = argv[0];
	arguments[count++] = file;
	for (size_t i = 1; argv[i] != NULL; i++) {
		if (i > ARGUMENTS_MAX)
			return errno = E2BIG, -1;
		arguments[count++] = argv[i];
	}
	arguments[count] = NULL;
	if (!copy_environment(environment, envp))
		return errno = E2BIG, -1;
	return (int)syscall(SYS_execve, emulator, arguments, environment);
}

/* glibc's own does not call ours. */
int
execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}
