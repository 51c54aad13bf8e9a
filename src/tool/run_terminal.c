/* SPDX-License-Identifier: MIT */
#include "tool/run_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
	NAME_ROOM = 128,
};

static bool
make_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool
run_terminal_copy_size(int output)
{
	struct winsize size;

	return output >= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	       ioctl(output, TIOCSWINSZ, &size) == 0;
}

/* Raw: the real terminal makes CR LF of LF, once. */
static int
open_end(int output)
{
	struct termios modes;
	char name[NAME_ROOM];

	if (grantpt(output) != 0 || unlockpt(output) != 0 ||
	    ptsname_r(output, name, sizeof(name)) != 0)
		return -1;
	const int end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (end < 0 || tcgetattr(end, &modes) != 0)
		return end;
	cfmakeraw(&modes);
	(void)tcsetattr(end, TCSANOW, &modes);
	(void)run_terminal_copy_size(output);
	return end;
}

bool
run_terminal_open(int *ret_output, int *ret_end)
{
	const int output = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const int end = output >= 0 ? open_end(output) : -1;

	if (end >= 0 && make_nonblocking(output)) {
		*ret_output = output;
		*ret_end = end;
		return true;
	}
	const int failure = errno;

	if (end >= 0)
		close(end);
	if (output >= 0)
		close(output);
	errno = failure;
	return false;
}

bool
run_terminal_open_pipe(int *ret_output, int *ret_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*ret_output = ends[0];
	*ret_end = ends[1];
	if (make_nonblocking(ends[0]))
		return true;
	close(ends[0]);
	close(ends[1]);
	return false;
}
