/* SPDX-License-Identifier: MIT */
#include "log_sqlite/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/numbers.h"
#include "log/process.h"

enum {
	BYTE_WAIT, /* held by the connection that waits */
	BYTE_TURN, /* held by the connection that has the turn */
	BYTE_GATE, /* held by that connection, while no snapshot is to begin */
	POLL_NS = 100000,
	GATE_POLL_NS = 500000,
	GATE_NS = 250000000,
};

/*
 * As the database that it belongs to, so that every process that may write to that may lock. Only
 * root can give a file away; where even root cannot, those processes are refused later, with words.
 */
static void
make_alike(int fd, const struct stat *like)
{
	if (geteuid() == 0)
		(void)!fchown(fd, like->st_uid, like->st_gid);
	(void)fchmod(fd, like->st_mode & 0777);
}

int
turn_open(struct turn *turn, const char *path, bool creates, const struct stat *like)
{
	const int flags = (creates ? O_RDWR : O_RDONLY) | O_CLOEXEC;

	/* A child must find the descriptor, or it would keep the lock of a parent that has died. */
	process_block_forks();
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT && creates) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0)
			make_alike(fd, like);
		else if (errno == EEXIST)
			fd = open(path, flags);
	}
	fd = descriptor_above_standard(fd);
	const int refused = fd < 0 ? errno : 0;

	*turn = (struct turn){ .fd = fd };
	process_allow_forks();
	return refused;
}

void
turn_close(struct turn *turn)
{
	const int fd = turn->fd;

	turn->fd = -1;
	if (fd >= 0)
		(void)close(fd);
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
		if (clock_ns() >= give_up_ns ||
		    (turn->is_interrupted != NULL && load_relaxed(turn->is_interrupted) != 0))
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

void
turn_close_gate(struct turn *turn)
{
	(void)set_lock(turn, F_WRLCK, BYTE_GATE);
}

void
turn_open_gate(struct turn *turn)
{
	(void)set_lock(turn, F_UNLCK, BYTE_GATE);
}

static bool
is_gate_closed(const struct turn *turn)
{
	struct flock lock = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = BYTE_GATE, .l_len = 1
	};

	return turn->fd >= 0 && fcntl(turn->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void
turn_pass_gate(const struct turn *turn, uint64_t give_up_ns)
{
	const struct timespec pause = ns_timespec(GATE_POLL_NS);

	if (!is_gate_closed(turn))
		return;
	const uint64_t until_ns = least(give_up_ns, deadline_after(clock_ns(), GATE_NS));

	while (is_gate_closed(turn) && clock_ns() < until_ns)
		nanosleep(&pause, NULL);
}
