/* SPDX-License-Identifier: MIT */
#include "log_sqlite/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	BYTE_WAIT, /* held by who waits */
	BYTE_TURN, /* held by whose turn it is */
	POLL_NS = 100000,
};

int
turn_open(struct turn *turn, const char *path, bool creates, unsigned int mode)
{
	const int flags = (creates ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT && creates) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		/* As the file that it belongs to, so that whoever may write to that may lock. */
		if (fd >= 0)
			(void)fchmod(fd, mode & 0777);
		else if (errno == EEXIST)
			fd = open(path, flags);
	}
	if (fd < 0)
		return errno;
	turn->fd = fd;
	return 0;
}

void
turn_close(struct turn *turn)
{
	if (turn->fd >= 0)
		(void)close(turn->fd);
	turn->fd = -1;
}

static bool
set_lock(const struct turn *turn, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(turn->fd, F_OFD_SETLK, &lock) == 0;
}

/* A file that can only be read can be locked only against writers. */
static short
strongest(const struct turn *turn)
{
	return (fcntl(turn->fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK;
}

static int
take_byte(const struct turn *turn, off_t byte, uint64_t give_up_ns)
{
	const struct timespec pause = ns_timespec(POLL_NS);

	while (!set_lock(turn, strongest(turn), byte)) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return errno;
		if (clock_ns() >= give_up_ns)
			return ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int
turn_take(struct turn *turn, uint64_t give_up_ns)
{
	const int refused = take_byte(turn, BYTE_WAIT, give_up_ns);

	if (refused != 0)
		return refused;
	const int answer = take_byte(turn, BYTE_TURN, give_up_ns);

	(void)set_lock(turn, F_UNLCK, BYTE_WAIT);
	return answer;
}

void
turn_give(struct turn *turn)
{
	(void)set_lock(turn, F_UNLCK, BYTE_TURN);
}
