/* SPDX-License-Identifier: MIT */
#ifndef THREAD_SQLITE_SUPPORT_H
#define THREAD_SQLITE_SUPPORT_H

/* Shared by the tests of the SQLite adapter's own. */

#include <reprise/thread_load.h>
#include <reprise/thread_sqlite.h>

#include "log_sqlite/scratch.h"
#include "support.h"

struct reprise_bytes text_bytes(const char *text);

struct reprise_thread_sqlite_options default_options(void);
struct reprise_thread_store *open_at(const char *path);
reprise_status open_status(const char *path, const struct reprise_thread_sqlite_options *options,
			   struct reprise_error *error);

/* The delta of that number, created now; a static buffer. */
struct reprise_bytes delta_text(unsigned int number);
reprise_status append_number(struct reprise_thread_store *store, unsigned int number,
			     struct reprise_error *error);

/* Of "t". */
uint64_t version_of_t(struct reprise_thread_store *store);

/* A path with something behind it; one of a few static buffers. */
char *beside(const char *path, const char *suffix);

#endif /* THREAD_SQLITE_SUPPORT_H */
