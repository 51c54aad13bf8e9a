/* SPDX-License-Identifier: MIT */
#include "tool/run_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

bool
run_output_hold_numbers(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	return fd >= 0;
}

/*
 * A flag on the inherited description would hold for every process that shares the terminal, so
 * the file is opened again. That is not possible for a socket, nor for a file of another user.
 */
void
run_output_open(struct run_output *output)
{
	struct stat status;
	int own = -1;

	*output = (struct run_output){ .fd = STDOUT_FILENO };
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return; /* the first write says so */
	if (isatty(STDOUT_FILENO) == 1 ||
	    (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode)))
		own = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (own < 0)
		return;
	output->fd = own;
	output->is_own = true;
}

/* Without a description of its own a write of PIPE_BUF bytes does not wait once poll says so. */
static bool
may_write(const struct run_output *output)
{
	struct pollfd poll_fd = { .fd = output->fd, .events = POLLOUT };

	return output->is_own || poll(&poll_fd, 1, 0) == 1;
}

size_t
run_output_write(struct run_output *output, const char *bytes, size_t count)
{
	size_t written = 0;

	while (output->fd >= 0 && written < count && may_write(output)) {
		const size_t left = count - written;
		const size_t most = output->is_own || left < PIPE_BUF ? left : PIPE_BUF;
		const ssize_t got = write(output->fd, bytes + written, most);

		if (got > 0) {
			written += (size_t)got;
		} else if (got < 0 && errno != EINTR) {
			if (errno == EAGAIN)
				break;
			output->fault = errno;
			run_output_close(output);
		}
	}
	return written;
}

void
run_output_close(struct run_output *output)
{
	const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (output->fd < 0)
		return;
	if (output->is_own)
		close(output->fd);
	output->fd = -1;
	/* Some file systems tell of a full disk at the close alone. */
	if (close(STDOUT_FILENO) != 0 && output->fault == 0)
		output->fault = errno;
	if (nothing >= 0 && nothing != STDOUT_FILENO) {
		dup3(nothing, STDOUT_FILENO, O_CLOEXEC);
		close(nothing);
	}
}
