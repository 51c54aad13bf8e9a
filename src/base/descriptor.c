/* SPDX-License-Identifier: MIT */
#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cancel.h"

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

bool
descriptor_ring(int fd)
{
	const uint64_t one = 1;
	UNCANCELLABLE;
	const ssize_t written = write(fd, &one, sizeof(one));

	/* EAGAIN: the host has filled the eventfd, so that the eventfd is readable. */
	return written == sizeof(one) || errno == EAGAIN;
}

bool
descriptor_drain(int fd)
{
	uint64_t rings;
	UNCANCELLABLE;
	const ssize_t drained = read(fd, &rings, sizeof(rings));

	/* EAGAIN: the host has read the eventfd. */
	return drained == sizeof(rings) || errno == EAGAIN;
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
