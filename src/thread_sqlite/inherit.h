/* SPDX-License-Identifier: MIT */
#ifndef THREAD_SQLITE_INHERIT_H
#define THREAD_SQLITE_INHERIT_H

/*
 * SQLite in the child of a fork. SQLite keeps the locks of a process in tables, by device and inode
 * of the file. A child inherits the tables, but not the locks: POSIX locks are of one process. A
 * connection that the child opens would find the file there, and take no lock at all. Therefore in
 * a child that has inherited a store
 *
 *   - SQLite's descriptors of that store are closed before the child can open anything;
 *   - fstat(2) and stat(2), as SQLite calls them, answer another device number, so that no
 *     inherited table is found, nor a descriptor that SQLite keeps in one to use it again;
 *   - SQLite's own mutexes are free, whatever other threads were doing at the fork.
 *
 * SQLite's memory of an inherited connection stays: sqlite3_close would give up locks and write
 * to the file.
 */

#include <stdbool.h>

/* Sees to all that, once a process. False: memory for the fork's handlers could not be had. */
bool inherit_prepare(void);

/* The files that this thread has SQLite open in between are a store's. */
void inherit_begin_open(void);
void inherit_end_open(void);

#endif /* THREAD_SQLITE_INHERIT_H */
