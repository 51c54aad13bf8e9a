/* SPDX-License-Identifier: MIT */
#include "log_sqlite/mark.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"

/* In bytes of the file; numbers are little-endian. It fits into one sector, so it is never torn. */
enum {
	AT_MAGIC,
	AT_ID = 8,
	AT_WRITES = 16,
	AT_CHECKSUM = 24,
	MARK_BYTES = 28,
};

static const char magic[AT_ID] = { 'r', 'p', 'r', ' ', 'm', 'a', 'r', 'k' };

static void
put_number(unsigned char *bytes, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
}

static uint64_t
number_at(const unsigned char *bytes, size_t size)
{
	uint64_t number = 0;

	for (size_t i = size; i > 0; i--)
		number = number << 8 | bytes[i - 1];
	return number;
}

bool
mark_read(int fd, struct mark *ret_mark)
{
	unsigned char bytes[MARK_BYTES];

	if (fd < 0 || pread(fd, bytes, MARK_BYTES, 0) != MARK_BYTES)
		return false;
	if (memcmp(bytes, magic, sizeof(magic)) != 0 ||
	    number_at(bytes + AT_CHECKSUM, 4) != crc32c(0, bytes, AT_CHECKSUM))
		return false;
	*ret_mark = (struct mark){ .id = (int64_t)number_at(bytes + AT_ID, 8),
				   .writes = number_at(bytes + AT_WRITES, 8) };
	return true;
}

int
mark_write(int fd, const struct mark *mark)
{
	unsigned char bytes[MARK_BYTES];

	memcpy(bytes, magic, sizeof(magic));
	put_number(bytes + AT_ID, (uint64_t)mark->id, 8);
	put_number(bytes + AT_WRITES, mark->writes, 8);
	put_number(bytes + AT_CHECKSUM, crc32c(0, bytes, AT_CHECKSUM), 4);
	const ssize_t written = pwrite(fd, bytes, MARK_BYTES, 0);

	if (written == MARK_BYTES)
		return 0;
	return written < 0 ? errno : EIO;
}

int
mark_clear(int fd)
{
	return ftruncate(fd, 0) == 0 ? 0 : errno;
}
