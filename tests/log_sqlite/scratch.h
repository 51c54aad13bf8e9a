/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_SCRATCH_H
#define LOG_SQLITE_SCRATCH_H

/* A folder for one test's files, and SQLite without the log. */

#include <stdint.h>

/* A path in the folder, which is made by the first call. Never freed. */
char *scratch_path(const char *name);
void scratch_remove(void);

/* Statements on a database of one's own connection; the number of rows that were changed. */
int scratch_sql(const char *path, const char *sql);

/* The first answer of a statement; -1: none. */
int64_t scratch_ask(const char *path, const char *sql);

/* Copies the database @from to @to, over its content: to the same file, which may be open. */
void scratch_copy(const char *from, const char *to);

#endif /* LOG_SQLITE_SCRATCH_H */
