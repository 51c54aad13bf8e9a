/* SPDX-License-Identifier: MIT */
#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
descriptor_above_standard(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	const int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	const int error = errno;

	(void)close(fd);
	errno = error;
	return above;
}

struct descriptors
descriptors_occupy_standard(void)
{
	struct descriptors descriptors = { .count = 0 };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd <= STDERR_FILENO) {
		descriptors.held[descriptors.count++] = fd;
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
	if (fd >= 0)
		(void)close(fd);
	return descriptors;
}

void
descriptors_release(const struct descriptors *descriptors)
{
	for (int i = 0; i < descriptors->count; i++)
		(void)close(descriptors->held[i]);
}
