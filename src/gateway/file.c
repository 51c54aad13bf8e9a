/* SPDX-License-Identifier: MIT */
#include "gateway/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"

int
file_open(const char *file, struct stat *ret_stat, const char **ret_words)
{
	/* A FIFO would have the open wait. */
	const int fd = descriptor_above_standard(open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK));

	if (fd < 0 || fstat(fd, ret_stat) != 0)
		*ret_words = strerrordesc_np(errno);
	else if (!S_ISREG(ret_stat->st_mode))
		*ret_words = "not a regular file";
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
file_read(int fd, char *bytes, size_t room, size_t *ret_size)
{
	ssize_t got;

	*ret_size = 0;
	do {
		got = read(fd, bytes + *ret_size, room - *ret_size);
		if (got > 0)
			*ret_size += (size_t)got;
	} while ((got > 0 && *ret_size < room) || (got < 0 && errno == EINTR));
	return got >= 0;
}
