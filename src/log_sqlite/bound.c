/* SPDX-License-Identifier: MIT */
/*
 * Everything here goes by name, apart from bound_hold: to open and close the database would drop
 * the locks that SQLite has for this process (POSIX locks end with any descriptor of the file).
 */
#include "log_sqlite/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "log/process.h"

enum {
	HEADER_BYTES = 100,
	AT_PAGE_BYTES = 16,
	AT_PAGES = 28,
	SHM_BYTES = 32768, /* the first part of a -shm, which is never smaller */
	SHARED_FIRST = 0x40000002,
	SHARED_BYTES = 510, /* SQLite's shared locks, of which no exclusive one may overlap any */
	TRIES = 100,
	TRY_NS = 1000000,
};

static const char *const suffixes[BOUND_NAMES] = { "", "-wal", "-shm", "-lock", "-journal" };

void
bound_init(struct bound *bound)
{
	*bound = (struct bound){ .fd = -1 };
}

void
bound_let_go(struct bound *bound)
{
	const int fd = bound->fd;

	bound->fd = -1;
	if (fd >= 0)
		(void)close(fd);
}

void
bound_close(struct bound *bound)
{
	bound_let_go(bound);
	for (size_t i = 0; i < BOUND_NAMES; i++)
		free(bound->files[i].name);
	bound_init(bound);
}

static reprise_status
refused_by_name(const char *path, const char *suffix, reprise_status status, const char *words,
		struct reprise_error *error)
{
	char detail[REPRISE_ERROR_DETAIL_BYTES];
	const size_t words_bytes = strlen(words) + strlen(suffix) + sizeof("...: ");
	const size_t room = words_bytes < sizeof(detail) / 2 ? sizeof(detail) - words_bytes
							     : sizeof(detail) / 2;
	const size_t bytes = strlen(path);
	const bool is_cut = bytes > room;

	/* Of a long name its end is kept. */
	snprintf(detail, sizeof(detail), "%s%s%s: %s", is_cut ? "..." : "",
		 is_cut ? path + bytes - room : path, suffix, words);
	return error_detailed(error, status, "path", detail);
}

reprise_status
bound_refused(const struct bound *bound, enum bound_name name, reprise_status status,
	      const char *words, struct reprise_error *error)
{
	return refused_by_name(bound->files[BOUND_DATABASE].name, suffixes[name], status, words,
			       error);
}

static reprise_status
system_refused(const char *path, reprise_status status, int os_error, struct reprise_error *error)
{
	char words[96];

	return refused_by_name(path, "", status, strerror_r(os_error, words, sizeof(words)), error);
}

/* Creates an empty file, unless somebody else has just done it. 0, or an errno. */
static int
create_file(const char *path, unsigned int mode)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return errno;
	/* Exactly as asked for, whatever the process's mask is. */
	const int refused = fchmod(fd, (mode_t)mode) == 0 ? 0 : errno;

	(void)close(fd); /* new: nobody has a lock on it */
	return refused;
}

/* The absolute names. */
static bool
name_files(struct bound *bound, const char *path)
{
	char *const resolved = realpath(path, NULL);

	if (resolved == NULL)
		return false;
	for (size_t i = 0; i < BOUND_NAMES; i++) {
		const size_t bytes = strlen(resolved) + strlen(suffixes[i]) + 1;

		bound->files[i].name = malloc(bytes);
		if (bound->files[i].name != NULL)
			snprintf(bound->files[i].name, bytes, "%s%s", resolved, suffixes[i]);
	}
	free(resolved);
	for (size_t i = 0; i < BOUND_NAMES; i++)
		if (bound->files[i].name == NULL) {
			errno = ENOMEM;
			return false;
		}
	return true;
}

reprise_status
bound_find(struct bound *bound, const char *path, bool creates, unsigned int mode,
	   struct reprise_error *error)
{
	struct stat status;
	int refused = stat(path, &status) == 0 ? 0 : errno;

	if (refused == ENOENT && creates) {
		refused = create_file(path, mode);
		bound->was_created = refused == 0;
		if (refused == 0 || refused == EEXIST)
			refused = stat(path, &status) == 0 ? 0 : errno;
	}
	if (refused != 0)
		return system_refused(
			path, refused == ENOENT && !creates ? REPRISE_E_NOT_FOUND : REPRISE_E_IO,
			refused, error);
	if (!S_ISREG(status.st_mode))
		return refused_by_name(path, "", REPRISE_E_IO, "not a regular file", error);
	if (name_files(bound, path))
		return REPRISE_OK;
	if (errno == ENOMEM)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return system_refused(path, REPRISE_E_IO, errno, error);
}

bool
bound_exists(const struct bound *bound, enum bound_name name, struct stat *ret_status)
{
	struct stat status;

	return stat(bound->files[name].name, ret_status != NULL ? ret_status : &status) == 0;
}

reprise_status
bound_note(struct bound *bound, enum bound_name name, struct reprise_error *error)
{
	struct bound_file *const file = &bound->files[name];
	char words[96];

	if (stat(file->name, &file->status) != 0)
		return bound_refused(bound, name, REPRISE_E_IO,
				     strerror_r(errno, words, sizeof(words)), error);
	file->is_noted = true;
	if (name == BOUND_DATABASE)
		bound->size = (int64_t)file->status.st_size;
	return REPRISE_OK;
}

reprise_status
bound_hold(struct bound *bound, struct reprise_error *error)
{
	struct flock lock = { .l_type = F_RDLCK,
			      .l_whence = SEEK_SET,
			      .l_start = SHARED_FIRST,
			      .l_len = SHARED_BYTES };
	const struct bound_file *const file = &bound->files[BOUND_DATABASE];
	struct stat status;
	char words[96];

	/* A child must find the descriptor, to close it. */
	process_block_forks();
	const int fd = descriptor_above_standard(
		open(file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));

	bound->fd = fd;
	process_allow_forks();
	if (fd < 0 || fstat(fd, &status) != 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0)
		return bound_refused(bound, BOUND_DATABASE, REPRISE_E_IO,
				     strerror_r(errno, words, sizeof(words)), error);
	if (status.st_dev != file->status.st_dev || status.st_ino != file->status.st_ino)
		return bound_refused(bound, BOUND_DATABASE, REPRISE_E_IO,
				     "the file was replaced while the log was opened", error);
	return REPRISE_OK;
}

static uint32_t
big_endian(const unsigned char *bytes, size_t size)
{
	uint32_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The size that the file's own header tells; 0: it cannot be read. */
static int64_t
size_by_header(const struct bound *bound)
{
	unsigned char header[HEADER_BYTES];

	if (bound->fd < 0 || pread(bound->fd, header, HEADER_BYTES, 0) != HEADER_BYTES)
		return 0;
	const uint32_t page_bytes = big_endian(header + AT_PAGE_BYTES, 2);

	return (int64_t)(page_bytes == 1 ? 65536 : page_bytes) *
	       (int64_t)big_endian(header + AT_PAGES, 4);
}

/*
 * A file may shrink, by VACUUM, to what its header tells; a checkpoint writes the header before
 * the last pages.
 */
static bool
is_cut_off(const struct bound *bound, int64_t size)
{
	const struct timespec pause = ns_timespec(TRY_NS);
	struct stat status;

	for (int i = 0; size >= HEADER_BYTES && i < TRIES; i++) {
		if (size >= size_by_header(bound))
			return false;
		nanosleep(&pause, NULL);
		if (bound_exists(bound, BOUND_DATABASE, &status))
			size = (int64_t)status.st_size;
	}
	return true;
}

static const char *
fault_of(struct bound *bound, enum bound_name name, const struct stat *status)
{
	const struct stat *const noted = &bound->files[name].status;

	if (status->st_dev != noted->st_dev || status->st_ino != noted->st_ino)
		return "the file was replaced by another file since the log was opened";
	if (name == BOUND_DATABASE && status->st_nlink > 1)
		return "the file has a hard link, whose name has no -wal; remove the hard link";
	return NULL;
}

static bool
has_shrunk(struct bound *bound, enum bound_name name, const struct stat *status)
{
	const int64_t size = (int64_t)status->st_size;

	if (name == BOUND_SHM)
		return size < SHM_BYTES;
	if (name != BOUND_DATABASE)
		return false;
	if (size < bound->size && is_cut_off(bound, size))
		return true;
	bound->size = size;
	return false;
}

reprise_status
bound_check(struct bound *bound, struct reprise_error *error)
{
	for (enum bound_name name = BOUND_DATABASE; name < BOUND_NAMES; name++) {
		struct stat status;
		char words[96];

		if (!bound->files[name].is_noted)
			continue;
		if (!bound_exists(bound, name, &status))
			return bound_refused(
				bound, name, REPRISE_E_IO,
				errno == ENOENT || errno == ENOTDIR
					? "the file was deleted or renamed since the log was opened"
					: strerror_r(errno, words, sizeof(words)),
				error);
		const char *const fault = fault_of(bound, name, &status);

		if (fault != NULL)
			return bound_refused(bound, name, REPRISE_E_IO, fault, error);
		if (has_shrunk(bound, name, &status))
			return bound_refused(bound, name, REPRISE_E_CORRUPT,
					     "the file was truncated since the log was opened",
					     error);
	}
	return REPRISE_OK;
}
