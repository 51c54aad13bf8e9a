/* SPDX-License-Identifier: MIT */
#include "tool/log_output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/interrupt.h"

static int refused; /* the errno of the first failed write */

void
log_output_begin(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
}

bool
log_output_flush(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (refused == 0)
		refused = errno != 0 ? errno : EIO;
	return false;
}

bool
log_output_wait(int milliseconds)
{
	struct pollfd output = { .fd = STDOUT_FILENO };

	return poll(&output, 1, milliseconds) < 1 ||
	       (output.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

int
log_output_end(int status)
{
	if (interrupt_has_dropped_output()) {
		fputs("reprise: standard output has not taken all lines\n", stderr);
		return status;
	}
	if (log_output_flush() || refused == EPIPE || (refused == EIO && !log_output_wait(0)))
		return status;
	fprintf(stderr, "reprise: cannot write to standard output: %s\n", strerror(refused));
	return 1;
}
