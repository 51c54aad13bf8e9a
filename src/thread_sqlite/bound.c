/* SPDX-License-Identifier: MIT */
/*
 * Everything here goes by name: to open and close the database would drop the locks that SQLite has
 * for this process (POSIX locks end with any descriptor of the file).
 */
#include "thread_sqlite/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static const char *const suffixes[BOUND_NAMES] = { "", "-wal", "-shm" };

void
bound_free(struct bound *bound)
{
	for (size_t i = 0; i < BOUND_NAMES; i++)
		free(bound->files[i].name);
	*bound = (struct bound){ 0 };
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
system_refused(const char *path, int os_error, struct reprise_error *error)
{
	char words[96];

	return refused_by_name(path, "", REPRISE_E_IO, strerror_r(os_error, words, sizeof(words)),
			       error);
}

/* Creates an empty file, unless somebody else has just done it. 0, or an errno. */
static int
create_file(const char *path, unsigned int mode)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : errno;
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
	bool is_done = resolved != NULL;

	for (size_t i = 0; i < BOUND_NAMES && is_done; i++) {
		const size_t bytes = strlen(resolved) + strlen(suffixes[i]) + 1;

		bound->files[i].name = malloc(bytes);
		is_done = bound->files[i].name != NULL;
		if (is_done)
			snprintf(bound->files[i].name, bytes, "%s%s", resolved, suffixes[i]);
		else
			errno = ENOMEM;
	}
	free(resolved);
	return is_done;
}

reprise_status
bound_find(struct bound *bound, const char *path, unsigned int mode, struct reprise_error *error)
{
	struct stat status;
	int refused = stat(path, &status) == 0 ? 0 : errno;

	if (refused == ENOENT && mode == 0)
		return refused_by_name(path, "", REPRISE_E_NOT_FOUND, "the file does not exist",
				       error);
	if (refused == ENOENT) {
		refused = create_file(path, mode);
		if (refused == 0)
			refused = stat(path, &status) == 0 ? 0 : errno;
	}
	if (refused != 0)
		return system_refused(path, refused, error);
	if (!S_ISREG(status.st_mode))
		return refused_by_name(path, "", REPRISE_E_IO, "not a regular file", error);
	if (name_files(bound, path))
		return REPRISE_OK;
	return errno == ENOMEM ? error_plain(error, REPRISE_E_NO_MEMORY)
			       : system_refused(path, errno, error);
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
	return REPRISE_OK;
}

reprise_status
bound_check(const struct bound *bound, struct reprise_error *error)
{
	for (enum bound_name name = BOUND_DATABASE; name < BOUND_NAMES; name++) {
		const struct bound_file *const file = &bound->files[name];
		struct stat status;
		char words[96];

		if (!file->is_noted)
			continue;
		if (stat(file->name, &status) != 0)
			return bound_refused(bound, name, REPRISE_E_IO,
					     errno == ENOENT || errno == ENOTDIR
						     ? "the file was deleted or renamed since the "
						       "store was opened"
						     : strerror_r(errno, words, sizeof(words)),
					     error);
		if (status.st_dev != file->status.st_dev || status.st_ino != file->status.st_ino)
			return bound_refused(
				bound, name, REPRISE_E_IO,
				"the file was replaced by another file since the store was opened",
				error);
		if (name == BOUND_DATABASE && status.st_nlink > 1)
			return bound_refused(bound, name, REPRISE_E_IO,
					     "the file has a hard link, whose name has no -wal; "
					     "remove the hard link",
					     error);
	}
	return REPRISE_OK;
}
