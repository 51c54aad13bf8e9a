/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_CHECKSUM_FUNCTIONS_H
#define LOG_SQLITE_CHECKSUM_FUNCTIONS_H

/*
 * The checksums of heads, lives, rises and commits as SQL functions, for the step of the schema
 * that adds them to what a file has already:
 *
 *   reprise_head_checksum(tenant, thread, id, kind, has_ended, end_status, end_ordinal, head,
 *                         watermark, revision_max, life, moved_revision, moved_ordinal)
 *   reprise_life_checksum(tenant, thread, number, incarnation, first, end, state)
 *   reprise_mark_checksum(tenant, thread, type, revision, ordinal)    type is enum log_mark_type
 */

#include <sqlite3.h>

/* For one connection. SQLite's answer. */
int checksum_functions_create(sqlite3 *db);

#endif /* LOG_SQLITE_CHECKSUM_FUNCTIONS_H */
