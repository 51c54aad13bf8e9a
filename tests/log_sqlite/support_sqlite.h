/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_SUPPORT_SQLITE_H
#define LOG_SQLITE_SUPPORT_SQLITE_H

/* The common part of the tests of the SQLite adapter alone. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <reprise/log_blob.h>
#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "scratch.h"
#include "support.h"

extern const struct reprise_log_key k; /* ("t", "k") */

struct reprise_log_sqlite_options options_of(const char *path);

/* Opens it, which must do. */
struct reprise_log *opened(const struct reprise_log_sqlite_options *options);
struct reprise_log *open_at(const char *path);
void close_log(struct reprise_log *log);

/*
 * The status of opening; the details in @error, which may be NULL. A log that did open is closed.
 */
reprise_status open_status(const struct reprise_log_sqlite_options *options,
			   struct reprise_error *error);

/* Appends one entry of @bytes; the append's status. */
reprise_status append_bytes(struct reprise_log *log, size_t bytes);
reprise_ordinal head_of_k(struct reprise_log *log);
reprise_status load_all(struct reprise_log *log, size_t *ret_count);

/* The size of a file; -1: it is not there. @suffix is put behind the path. */
int64_t size_of(const char *path, const char *suffix);

/* The file's bytes, which must be the same as when it was noted. */
struct noted {
	const char *path;
	char *bytes;
	int64_t size;
};
struct noted note(const char *path);
void expect_as_noted(struct noted *noted);

/* Makes a file what an older version would have written. */
void make_version_1(const char *path);
void make_version_2(const char *path);
void make_version_3(const char *path);
void make_version_4(const char *path);

/* The version that the library gives a file. */
enum {
	VERSION_NOW = 5,
};

#endif /* LOG_SQLITE_SUPPORT_SQLITE_H */
